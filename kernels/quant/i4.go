package quant

import "math"

// GroupI4 is the number of neighbours in a row that share a scale in WeightsI4.
const GroupI4 = 32

// WeightsI4 quantises the rows of a weight matrix to 4 bits in groups of 32: half
// byte h of a group with scale s stands for (h-8)*s. Each byte of dst holds two of
// them, that of the even column in the low half.
//
// Of a range of scales, of either sign, each group gets the one with the least
// squared error when every value is rounded to the nearest of the 16 numbers, or
// one that is as good to about 1 %. A scale may be negative, since there is a -8
// but no 8. Groups of zeros, and those whose largest magnitude is below 2^-119, have
// scale 0, groups that hold a NaN or an infinity have scale NaN; their half bytes
// are 8.
//
// WeightsI4 panics if n or k is negative, k is not a multiple of 32 or a slice has
// not the length of its shape.
//
// Shapes: dst [n k/2], scale [n k/32], w [n k].
func WeightsI4(dst []byte, scale []float32, w []float32, n, k int) {
	if n < 0 || k < 0 || k%GroupI4 != 0 {
		panic("quant: WeightsI4: n or k is negative, or k is not a multiple of 32")
	}
	if len(dst) != n*k/2 || len(scale) != n*k/GroupI4 || len(w) != n*k {
		panic("quant: WeightsI4: a slice has not the length of its shape")
	}
	for g := range scale {
		scale[g] = groupI4(dst[g*GroupI4/2:][:GroupI4/2], w[g*GroupI4:][:GroupI4])
	}
}

// topsI4 are what the value of the largest magnitude of a group may become. Finer
// steps find no more than 0.3 % less error in normally distributed weights.
var topsI4 = [...]float32{-9, -8.5, -8, -7.5, -7, -6.5, -6, 6, 6.5, 7, 7.5, 8, 8.5, 9}

// fitI4 returns Σwq and Σq² for the values of a group rounded with factor inv.
func fitI4(w []float32, inv float32) (wq, qq float64) {
	for _, v := range w {
		q := roundI4(v * inv)
		wq += float64(v) * float64(q) // an exact product
		qq += float64(q * q)
	}
	return wq, qq
}

// roundI4 returns v rounded to an integer from -8 to 7.
func roundI4(v float32) int32 { return round(min(max(v, -8), 7)) }

// groupI4 quantises one group and returns its scale.
func groupI4(dst []byte, w []float32) float32 {
	var most float32 // the value of the largest magnitude
	for _, v := range w {
		if v-v != 0 {
			most = float32(math.NaN())
			break
		}
		if max(v, -v) > max(most, -most) {
			most = v
		}
	}
	if !(max(most, -most) >= smallest) {
		for i := range dst {
			dst[i] = 0x88
		}
		return most - most // 0 or NaN
	}
	// With q the rounded values, the best scale is Σwq/Σq² and leaves the error
	// Σw² - (Σwq)²/Σq². The largest value may become -8, or what is next to it, or
	// 7, or may be cut off.
	best, scale, inv := 0.0, float32(0), float32(0)
	for _, top := range topsI4 {
		try := top / most
		wq, qq := fitI4(w, try)
		if gain := wq * wq / qq; gain > best {
			best, scale, inv = gain, float32(wq/qq), try
		}
	}
	for range 2 { // rounding again with the scale that is best now can only help
		wq, qq := fitI4(w, 1/scale)
		gain := wq * wq / qq
		if !(gain > best) {
			break
		}
		best, scale, inv = gain, float32(wq/qq), 1/scale
	}
	for i := range dst {
		dst[i] = byte(8+roundI4(w[2*i]*inv)) | byte(8+roundI4(w[2*i+1]*inv))<<4
	}
	return scale
}
