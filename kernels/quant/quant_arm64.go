//go:build !purego

package quant

import "mom/kernels/cpu"

// The speed of these functions has not been measured on arm64.

// batch is how many elements one call of a kernel has at most, unless it is a
// single row, so that it does not delay a stop of the goroutines.
const batch = 32768

func rows(dst []uint8, ldd int, a []Affine, x []float32, ldx, m, k int) {
	if !cpu.HasNEON {
		rowsGeneric(dst, ldd, a, x, ldx, m, k)
		return
	}
	for i, most := 0, max(1, batch/k); i < m; i += most {
		rowsNEON(&dst[i*ldd], ldd, &a[i], &x[i*ldx], ldx, min(most, m-i), k)
	}
}

func weights(dst []int8, scale []float32, w []float32, n, k int) {
	if !cpu.HasNEON {
		weightsGeneric(dst, scale, w, n, k)
		return
	}
	for i := range n {
		to, from := dst[i*k:][:k], w[i*k:][:k]
		var inv float32
		if scale[i], inv = factors(absmaxNEON(&from[0], k)); inv == 0 {
			clear(to)
			continue
		}
		signedNEON(&to[0], &from[0], k, inv)
	}
}

func fitI4(w *[GroupI4]float32, inv, tq, qq *[tryI4]float32) { fitI4Generic(w, inv, tq, qq) }

//go:noescape
func rowsNEON(dst *uint8, ldd int, a *Affine, x *float32, ldx, m, k int)

//go:noescape
func absmaxNEON(x *float32, n int) uint32

//go:noescape
func signedNEON(dst *int8, x *float32, n int, inv float32)
