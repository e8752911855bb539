//go:build !purego

package norm

import "mom/kernels/cpu"

// The speed of these functions has not been measured on arm64.

// batch is how many elements one call of a kernel has at most, unless it is a
// single row, so that it does not delay a stop of the goroutines.
const batch = 32768

func layerNorm(dst []float32, ldd int, x []float32, ldx, m, d int, gamma, beta []float32, eps float32) {
	if !cpu.HasNEON {
		layerNormGeneric(dst, ldd, x, ldx, m, d, gamma, beta, eps)
		return
	}
	g, b := first(gamma), first(beta)
	for i, rows := 0, max(1, batch/d); i < m; i += rows {
		layerNormNEON(&dst[i*ldd], ldd, &x[i*ldx], ldx, min(rows, m-i), d, g, b, eps)
	}
}

func rmsNorm(dst []float32, ldd int, x []float32, ldx, m, d int, gamma []float32, eps float32) {
	if !cpu.HasNEON {
		rmsNormGeneric(dst, ldd, x, ldx, m, d, gamma, eps)
		return
	}
	g := first(gamma)
	for i, rows := 0, max(1, batch/d); i < m; i += rows {
		rmsNormNEON(&dst[i*ldd], ldd, &x[i*ldx], ldx, min(rows, m-i), d, g, eps)
	}
}

func first(x []float32) *float32 {
	if len(x) == 0 {
		return nil
	}
	return &x[0]
}

//go:noescape
func layerNormNEON(dst *float32, ldd int, x *float32, ldx, m, d int, gamma, beta *float32, eps float32)

//go:noescape
func rmsNormNEON(dst *float32, ldd int, x *float32, ldx, m, d int, gamma *float32, eps float32)
