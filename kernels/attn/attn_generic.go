package attn

import "math"

// genericBlock is how many keys the generic version scores at a time. Blocks
// begin at its multiples, so that a row's sums do not depend on q0.
const genericBlock = 256

func scratchLenGeneric(n int) int { return min(n, genericBlock) }

func attendGeneric(j job, scratch []float32) {
	if len(scratch) < scratchLenGeneric(j.n) {
		panic("attn: Attend: scratch too short")
	}
	for i := j.q0; i < j.q1; i++ {
		attendRow(&j, i, scratch)
	}
}

// attendRow is one row of Attend by the online softmax (Milakov and
// Gimelshein 2018, arXiv:1805.02867): when a block of keys has a larger score
// than all before it, what was summed so far is scaled down.
func attendRow(j *job, i int, scratch []float32) {
	d := j.d
	out := j.dst[i*j.ldd:][:d]
	clear(out)
	q := j.q[i*j.ld:][:d]
	scale := j.scale * log2e // of base 2 from here on
	top := float32(math.Inf(-1))
	var sum float32
	lo, hi := j.band(i, i+1)
	for lo < hi {
		end := min(hi, (lo/genericBlock+1)*genericBlock)
		scores := scratch[:end-lo]
		blockTop := float32(math.Inf(-1))
		for t := range scores {
			var dot float32
			for c, x := range j.k[(lo+t)*j.ld:][:d] {
				dot += q[c] * x
			}
			scores[t] = dot * scale
			blockTop = max(blockTop, scores[t])
		}
		if blockTop > top {
			shrink := exp2(top - blockTop)
			sum *= shrink
			for c := range out {
				out[c] *= shrink
			}
			top = blockTop
		}
		for t, x := range scores {
			p := exp2(x - top)
			sum += p
			for c, x := range j.v[(lo+t)*j.ld:][:d] {
				out[c] += p * x
			}
		}
		lo = end
	}
	for c := range out {
		out[c] /= sum
	}
}

const log2e = math.Log2E

// exp2 returns 2^x for x <= 0, within 2 units in the last place. Below -126,
// where the result would be subnormal, it is 0.
func exp2(x float32) float32 {
	if x < -126 {
		return 0
	}
	whole := float32(math.RoundToEven(float64(x)))
	f := x - whole // in [-0.5, 0.5]
	p := float32(exp2C6)
	p = p*f + exp2C5
	p = p*f + exp2C4
	p = p*f + exp2C3
	p = p*f + exp2C2
	p = p*f + exp2C1
	p = p*f + 1
	return p * math.Float32frombits(uint32(int32(whole)+127)<<23)
}

// The Taylor coefficients ln(2)^i/i! of 2^f; what follows them is below 2^-24
// of the sum for |f| <= 1/2.
const (
	exp2C1 = math.Ln2
	exp2C2 = exp2C1 * math.Ln2 / 2
	exp2C3 = exp2C2 * math.Ln2 / 3
	exp2C4 = exp2C3 * math.Ln2 / 4
	exp2C5 = exp2C4 * math.Ln2 / 5
	exp2C6 = exp2C5 * math.Ln2 / 6
)
