//go:build !purego

package peak

import (
	"unsafe"

	"mom/kernels/cpu"
)

func f32Loop(n int) float64 {
	if cpu.HasNEON {
		fmaNEON(n)
		return float64(n) * 24 * 4 * 2
	}
	return f32Generic(n)
}

func bf16Loop(n int) float64 {
	if cpu.HasI8MM {
		bfmmlaI8MM(n)
		return float64(n) * 24 * 16 * 2
	}
	return f32Loop(n)
}

func i4Loop(n int) float64 { return i8Loop(n) }

func i8Loop(n int) float64 {
	switch {
	case cpu.HasI8MM:
		usmmlaI8MM(n)
		return float64(n) * 24 * 32 * 2
	case cpu.HasDotProd:
		sdotDotProd(n)
		return float64(n) * 24 * 16 * 2
	case cpu.HasNEON:
		smlalNEON(n)
		return float64(n) * 8 * 16 * 2
	}
	return i8Generic(n)
}

func readLoop(p unsafe.Pointer, n int) {
	if cpu.HasNEON {
		readNEON(p, n)
		return
	}
	readGeneric(p, n)
}

//go:noescape
func fmaNEON(n int)

//go:noescape
func bfmmlaI8MM(n int)

//go:noescape
func usmmlaI8MM(n int)

//go:noescape
func sdotDotProd(n int)

//go:noescape
func smlalNEON(n int)

//go:noescape
func readNEON(p unsafe.Pointer, n int)
