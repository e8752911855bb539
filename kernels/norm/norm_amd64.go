//go:build !purego

package norm

import "mom/kernels/cpu"

//go:generate go run ./_asm

// batch is how many elements one call of a kernel has at most, unless it is a
// single row, so that it does not delay a stop of the goroutines.
const batch = 32768

func layerNorm(dst []float32, ldd int, x []float32, ldx, m, d int, gamma, beta []float32, eps float32) {
	if !cpu.HasAVX2 {
		layerNormGeneric(dst, ldd, x, ldx, m, d, gamma, beta, eps)
		return
	}
	g, b := first(gamma), first(beta)
	for {
		n := rows(m, d)
		if cpu.HasAVX512 {
			layerNormAVX512(&dst[0], ldd, &x[0], ldx, n, d, g, b, eps)
		} else {
			layerNormAVX2(&dst[0], ldd, &x[0], ldx, n, d, g, b, eps)
		}
		if m -= n; m == 0 {
			return
		}
		dst, x = dst[n*ldd:], x[n*ldx:]
	}
}

func rmsNorm(dst []float32, ldd int, x []float32, ldx, m, d int, gamma []float32, eps float32) {
	if !cpu.HasAVX2 {
		rmsNormGeneric(dst, ldd, x, ldx, m, d, gamma, eps)
		return
	}
	g := first(gamma)
	for {
		n := rows(m, d)
		if cpu.HasAVX512 {
			rmsNormAVX512(&dst[0], ldd, &x[0], ldx, n, d, g, eps)
		} else {
			rmsNormAVX2(&dst[0], ldd, &x[0], ldx, n, d, g, eps)
		}
		if m -= n; m == 0 {
			return
		}
		dst, x = dst[n*ldd:], x[n*ldx:]
	}
}

// rows returns how many of m rows one call of a kernel takes.
func rows(m, d int) int {
	if m*d <= batch {
		return m
	}
	return max(1, batch/d)
}

func first(x []float32) *float32 {
	if len(x) == 0 {
		return nil
	}
	return &x[0]
}

//go:noescape
func layerNormAVX512(dst *float32, ldd int, x *float32, ldx, m, d int, gamma, beta *float32, eps float32)

//go:noescape
func layerNormAVX2(dst *float32, ldd int, x *float32, ldx, m, d int, gamma, beta *float32, eps float32)

//go:noescape
func rmsNormAVX512(dst *float32, ldd int, x *float32, ldx, m, d int, gamma *float32, eps float32)

//go:noescape
func rmsNormAVX2(dst *float32, ldd int, x *float32, ldx, m, d int, gamma *float32, eps float32)
