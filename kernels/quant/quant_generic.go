package quant

import "math"

func rowsGeneric(dst []uint8, ldd int, scale []float32, x []float32, ldx, m, k int) {
	for i := range m {
		to, from := dst[i*ldd:][:KPad(k)], x[i*ldx:][:k]
		var inv float32
		scale[i], inv = factors(absmaxBits(from))
		if inv == 0 {
			from = nil // the whole row is padding
		}
		for j, v := range from {
			to[j] = uint8(128 + round(v*inv))
		}
		for j := len(from); j < len(to); j++ {
			to[j] = 128
		}
	}
}

func weightsGeneric(dst []int8, scale []float32, w []float32, n, k int) {
	for i := range n {
		to, from := dst[i*k:][:k], w[i*k:][:k]
		var inv float32
		scale[i], inv = factors(absmaxBits(from))
		if inv == 0 {
			clear(to)
			continue
		}
		for j, v := range from {
			to[j] = int8(round(v * inv))
		}
	}
}

// absmaxBits returns the largest bits of a |v|, which order like the numbers.
func absmaxBits(x []float32) uint32 {
	var most uint32
	for _, v := range x {
		most = max(most, math.Float32bits(v)&0x7FFFFFFF)
	}
	return most
}

// round returns v, |v| < 2^22, rounded to the nearest integer, ties to even.
// The conversion keeps the compiler from fusing the addition with the
// multiplication that made v.
func round(v float32) int32 {
	const shift = 0x1.8p23 // where float32s are integers, of either sign
	return int32(math.Float32bits(float32(v)+shift)) - int32(0x4B400000)
}
