//go:build !purego

package half

import "mom/kernels/cpu"

// The speed of these functions has not been measured on arm64.

// chunk is how many elements one call of a kernel has at most, so that it does
// not delay a stop of the goroutines.
const chunk = 65536

func toBF16(dst []uint16, x []float32) {
	if !cpu.HasNEON {
		toBF16Generic(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasI8MM {
			toBF16I8MM(&dst[0], &x[0], n)
		} else {
			toBF16NEON(&dst[0], &x[0], n)
		}
		dst, x = dst[n:], x[n:]
	}
}

func fromBF16(dst []float32, x []uint16) {
	if !cpu.HasNEON {
		fromBF16Generic(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		fromBF16NEON(&dst[0], &x[0], n)
		dst, x = dst[n:], x[n:]
	}
}

func toF16(dst []uint16, x []float32) {
	if !cpu.HasNEON {
		toF16Generic(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		toF16NEON(&dst[0], &x[0], n)
		dst, x = dst[n:], x[n:]
	}
}

func fromF16(dst []float32, x []uint16) {
	if !cpu.HasNEON {
		fromF16Generic(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		fromF16NEON(&dst[0], &x[0], n)
		dst, x = dst[n:], x[n:]
	}
}

//go:noescape
func toBF16NEON(dst *uint16, x *float32, n int)

//go:noescape
func toBF16I8MM(dst *uint16, x *float32, n int)

//go:noescape
func fromBF16NEON(dst *float32, x *uint16, n int)

//go:noescape
func toF16NEON(dst *uint16, x *float32, n int)

//go:noescape
func fromF16NEON(dst *float32, x *uint16, n int)
