//go:build !purego

package half

import "mom/kernels/cpu"

//go:generate go run ./_asm

// chunk is how many elements one call of a kernel has at most, so that it does
// not delay a stop of the goroutines.
const chunk = 32768

func toBF16(dst []uint16, x []float32) {
	if !cpu.HasAVX2 {
		toBF16Generic(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasAVX512 {
			toBF16AVX512(&dst[0], &x[0], n)
		} else {
			toBF16AVX2(&dst[0], &x[0], n)
		}
		dst, x = dst[n:], x[n:]
	}
}

func fromBF16(dst []float32, x []uint16) {
	if !cpu.HasAVX2 {
		fromBF16Generic(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasAVX512 {
			fromBF16AVX512(&dst[0], &x[0], n)
		} else {
			fromBF16AVX2(&dst[0], &x[0], n)
		}
		dst, x = dst[n:], x[n:]
	}
}

func toF16(dst []uint16, x []float32) {
	if !cpu.HasAVX2 {
		toF16Generic(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasAVX512 {
			toF16AVX512(&dst[0], &x[0], n)
		} else {
			toF16AVX2(&dst[0], &x[0], n)
		}
		dst, x = dst[n:], x[n:]
	}
}

func fromF16(dst []float32, x []uint16) {
	if !cpu.HasAVX2 {
		fromF16Generic(dst, x)
		return
	}
	for len(x) > 0 {
		n := min(len(x), chunk)
		if cpu.HasAVX512 {
			fromF16AVX512(&dst[0], &x[0], n)
		} else {
			fromF16AVX2(&dst[0], &x[0], n)
		}
		dst, x = dst[n:], x[n:]
	}
}

//go:noescape
func toBF16AVX512(dst *uint16, x *float32, n int)

//go:noescape
func toBF16AVX2(dst *uint16, x *float32, n int)

//go:noescape
func fromBF16AVX512(dst *float32, x *uint16, n int)

//go:noescape
func fromBF16AVX2(dst *float32, x *uint16, n int)

//go:noescape
func toF16AVX512(dst *uint16, x *float32, n int)

//go:noescape
func toF16AVX2(dst *uint16, x *float32, n int)

//go:noescape
func fromF16AVX512(dst *float32, x *uint16, n int)

//go:noescape
func fromF16AVX2(dst *float32, x *uint16, n int)
