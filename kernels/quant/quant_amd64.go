//go:build !purego

package quant

import "mom/kernels/cpu"

//go:generate go run ./_asm

// batch is how many elements one call of a kernel has at most, unless it is a
// single row, so that it does not delay a stop of the goroutines.
const batch = 32768

func rows(dst []uint8, ldd int, a []Affine, x []float32, ldx, m, k int) {
	if !cpu.HasAVX2 {
		rowsGeneric(dst, ldd, a, x, ldx, m, k)
		return
	}
	for i, most := 0, max(1, batch/k); i < m; i += most {
		n := min(most, m-i)
		if cpu.HasAVX512 {
			rowsAVX512(&dst[i*ldd], ldd, &a[i], &x[i*ldx], ldx, n, k)
		} else {
			rowsAVX2(&dst[i*ldd], ldd, &a[i], &x[i*ldx], ldx, n, k)
		}
	}
}

func weights(dst []int8, scale []float32, w []float32, n, k int) {
	if !cpu.HasAVX2 {
		weightsGeneric(dst, scale, w, n, k)
		return
	}
	for i := range n {
		to, from := dst[i*k:][:k], w[i*k:][:k]
		var most uint32
		if cpu.HasAVX512 {
			most = absmaxAVX512(&from[0], k)
		} else {
			most = absmaxAVX2(&from[0], k)
		}
		var inv float32
		if scale[i], inv = factors(most); inv == 0 {
			clear(to)
			continue
		}
		whole := k &^ 63
		if whole > 0 && cpu.HasAVX512 {
			signedAVX512(&to[0], &from[0], whole, inv)
		} else if whole > 0 {
			signedAVX2(&to[0], &from[0], whole, inv)
		}
		for j := whole; j < k; j++ {
			to[j] = int8(round(from[j] * inv))
		}
	}
}

func fitI4(w *[GroupI4]float32, inv, tq, qq *[tryI4]float32) {
	switch {
	case cpu.HasAVX512:
		fitI4AVX512(&w[0], &inv[0], &tq[0], &qq[0])
	case cpu.HasAVX2:
		fitI4AVX2(&w[0], &inv[0], &tq[0], &qq[0])
	default:
		fitI4Generic(w, inv, tq, qq)
	}
}

//go:noescape
func rowsAVX512(dst *uint8, ldd int, a *Affine, x *float32, ldx, m, k int)

//go:noescape
func rowsAVX2(dst *uint8, ldd int, a *Affine, x *float32, ldx, m, k int)

//go:noescape
func absmaxAVX512(x *float32, n int) uint32

//go:noescape
func absmaxAVX2(x *float32, n int) uint32

//go:noescape
func signedAVX512(dst *int8, x *float32, n int, inv float32)

//go:noescape
func signedAVX2(dst *int8, x *float32, n int, inv float32)

//go:noescape
func fitI4AVX512(w, inv, tq, qq *float32)

//go:noescape
func fitI4AVX2(w, inv, tq, qq *float32)
