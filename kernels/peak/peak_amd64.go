//go:build !purego

package peak

import (
	"unsafe"

	"mom/kernels/cpu"
)

//go:generate go run ./_asm

func f32Loop(n int) float64 {
	switch {
	case cpu.HasAVX512:
		fma512(n)
		return float64(n) * 24 * 16 * 2
	case cpu.HasAVX2:
		fma256(n)
		return float64(n) * 14 * 8 * 2
	}
	return f32Generic(n)
}

func bf16Loop(n int) float64 {
	if cpu.HasAMX {
		bf16Tiles(n)
		return float64(n) * 6 * 16 * 16 * 32 * 2
	}
	if cpu.HasAVX512BF16 {
		bf16512(n)
		return float64(n) * 24 * 32 * 2
	}
	return f32Loop(n)
}

func i8Loop(n int) float64 {
	if cpu.HasAMX {
		i8Tiles(n)
		return float64(n) * 6 * 16 * 16 * 64 * 2
	}
	return i8Vectors(n)
}

func i8Vectors(n int) float64 {
	switch {
	case cpu.HasAVX512VNNI:
		vnni512(n)
		return float64(n) * 24 * 64 * 2
	case cpu.HasAVX512:
		madd512(n)
		return float64(n) * 24 * 32 * 2
	case cpu.HasAVXVNNI:
		vnni256(n)
		return float64(n) * 14 * 32 * 2
	case cpu.HasAVX2:
		madd256(n)
		return float64(n) * 10 * 16 * 2
	}
	return i8Generic(n)
}

func i4Loop(n int) float64 {
	if cpu.HasAVX2 && !cpu.HasAVX512VNNI {
		maddubs256(n)
		return float64(n) * 10 * 32 * 2
	}
	return i8Vectors(n)
}

func readLoop(p unsafe.Pointer, n int) {
	switch {
	case cpu.HasAVX512:
		read512(p, n)
	case cpu.HasAVX2:
		read256(p, n)
	default:
		readGeneric(p, n)
	}
}

//go:noescape
func fma512(n int)

//go:noescape
func fma256(n int)

//go:noescape
func bf16512(n int)

//go:noescape
func bf16Tiles(n int)

//go:noescape
func i8Tiles(n int)

//go:noescape
func vnni512(n int)

//go:noescape
func vnni256(n int)

//go:noescape
func madd512(n int)

//go:noescape
func madd256(n int)

//go:noescape
func maddubs256(n int)

//go:noescape
func read512(p unsafe.Pointer, n int)

//go:noescape
func read256(p unsafe.Pointer, n int)
