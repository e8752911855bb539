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
// one that is as good to about 0.1 %. A scale may be negative, since there is a -8
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
		scale[g] = groupI4(dst[g*GroupI4/2:][:GroupI4/2], (*[GroupI4]float32)(w[g*GroupI4:]))
	}
}

// tryI4 is how many scales are tried together.
const tryI4 = 16

// topsI4 are what the value of the largest magnitude of a group may become: 7, or
// -8, or what is next to them, or more, to be cut off. Around the best, a second
// turn tries steps of a sixteenth as wide. Finer steps find less than 0.1 % less
// error in normally distributed weights.
var topsI4 = [tryI4]float32{-9.25, -8.75, -8.25, -7.75, -7.25, -6.75, -6.25, -5.75, 5.75, 6.25, 6.75, 7.25, 7.75, 8.25, 8.75, 9.25}

// groupI4 quantises one group and returns its scale.
func groupI4(dst []byte, w *[GroupI4]float32) float32 {
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
	// With q the rounded values, the best scale is Σwq/Σq², and leaves the error
	// Σw² - (Σwq)²/Σq². Factors are top/most, so that Σwq = Σ(w*factor)q*most/top.
	tops, one := topsI4, 1/most
	var gain, top, wq, qq float64
	var inv float32
	for turn := range 2 {
		var tried, sumTQ, sumQQ [tryI4]float32
		for i, top := range tops {
			tried[i] = top * one
		}
		fitI4(w, &tried, &sumTQ, &sumQQ)
		for i, t := range tops {
			a, b, t := float64(sumTQ[i]), float64(sumQQ[i]), float64(t)
			if g := a * a / (b * t * t); g > gain {
				gain, top, wq, qq, inv = g, t, a/t*float64(most), b, tried[i]
			}
		}
		for i := range tops {
			if turn == 0 {
				tops[i] = float32(top + (float64(i)-7.5)/32)
			}
		}
	}
	for i := range dst {
		dst[i] = byte(8+roundI4(w[2*i]*inv)) | byte(8+roundI4(w[2*i+1]*inv))<<4
	}
	return float32(wq / qq)
}

// fitI4Generic rounds a group with each of the factors and returns Σ(w*inv)q and
// Σq².
func fitI4Generic(w *[GroupI4]float32, inv, tq, qq *[tryI4]float32) {
	for i, inv := range inv {
		tq[i], qq[i] = 0, 0
		for _, v := range w {
			t := float32(v * inv)
			q := float32(roundI4(t))
			tq[i] += float32(t * q)
			qq[i] += q * q
		}
	}
}

// roundI4 returns v rounded to an integer from -8 to 7.
func roundI4(v float32) int32 { return round(min(max(v, -8), 7)) }
