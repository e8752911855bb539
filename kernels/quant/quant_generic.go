package quant

import "math"

func rowsGeneric(dst []uint8, ldd int, a []Affine, x []float32, ldx, m, k int) {
	for i := range m {
		to, from := dst[i*ldd:][:KPad(k)], x[i*ldx:][:k]
		var inv float32
		a[i], inv = rowFactors(from)
		zero := 128 - a[i].Shift
		if inv == 0 {
			from = nil // the whole row is padding
		}
		for j, v := range from {
			to[j] = uint8(zero + round(v*inv))
		}
		for j := len(from); j < len(to); j++ {
			to[j] = uint8(zero)
		}
	}
}

// rowFactors returns what the bytes of a row stand for and the factor that
// quantises it. With factor 0 the bytes do not depend on the row.
func rowFactors(x []float32) (a Affine, inv float32) {
	var low, high float32
	for _, v := range x {
		if v-v != 0 {
			return Affine{Scale: float32(math.NaN())}, 0
		}
		low, high = min(low, v), max(high, v)
	}
	scale, inv := factors(math.Float32bits(float32(high*0.5) - float32(low*0.5)))
	if inv == 0 {
		return Affine{}, 0
	}
	return Affine{scale, 128 - round(-low*inv)}, inv
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
