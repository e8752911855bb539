package attn

import (
	"math"

	"mom/kernels/half"
)

// pagedScratchLenGeneric is room for a page as float32 and what rows carry from
// page to page.
func pagedScratchLenGeneric(d int) int { return 2*PageTokens*d + 2*pagedRows }

// pagedGeneric takes some rows through the pages by the online softmax (Milakov
// and Gimelshein 2018, arXiv:1805.02867).
func pagedGeneric(j *pagedJob, scratch []float32) {
	n := PageTokens * j.d
	k, v := scratch[:n], scratch[n:][:n]
	top, sum := scratch[2*n:][:pagedRows], scratch[2*n+pagedRows:][:pagedRows]
	rows := j.m * j.group
	for r0 := 0; r0 < rows; r0 += pagedRows {
		r1 := min(r0+pagedRows, rows)
		for r := r0; r < r1; r++ {
			top[r-r0], sum[r-r0] = float32(math.Inf(-1)), 0
			clear(j.out(r))
		}
		for page := 0; page*PageTokens < j.keys(r1-1); page++ {
			at := view(j.kv.Format, j.kv.at(page), j.d)
			kp, vp := at.kF32, at.vF32
			if j.kv.Format != F32 {
				kp, vp = k, v
				at.widen(k, v)
			}
			for r := r0; r < r1; r++ {
				if keys := min(j.keys(r)-page*PageTokens, PageTokens); keys > 0 {
					s := onlineSum{top: &top[r-r0], sum: &sum[r-r0], out: j.out(r)}
					s.page(j.query(r), j.scale, kp, vp, at.kScale, at.vScale, keys)
				}
			}
		}
		for r := r0; r < r1; r++ {
			out := j.out(r)
			for c := range out {
				out[c] /= sum[r-r0]
			}
		}
	}
}

// An onlineSum is what one row carries from page to page.
type onlineSum struct {
	top, sum *float32
	out      []float32
}

// page adds the first keys of a page to the sums. kScale and vScale may be nil.
func (s *onlineSum) page(q []float32, scale float32, k, v, kScale, vScale []float32, keys int) {
	var scores [PageTokens]float32
	for c, x := range q {
		x *= scale
		for t, y := range k[c*PageTokens:][:keys] {
			scores[t] += x * y
		}
	}
	top := *s.top
	for t := range scores[:keys] {
		if kScale != nil {
			scores[t] *= kScale[t]
		}
		top = max(top, scores[t])
	}
	if top > *s.top {
		shrink := exp2(*s.top - top)
		*s.sum *= shrink
		for c := range s.out {
			s.out[c] *= shrink
		}
		*s.top = top
	}
	d := len(s.out)
	for t, x := range scores[:keys] {
		p := exp2(x - top)
		*s.sum += p
		if vScale != nil {
			p *= vScale[t]
		}
		for c, y := range v[t*d:][:d] {
			s.out[c] += p * y
		}
	}
}

// widen writes the page's numbers to k [d][32] and v [32][d], those of I8 without
// their scales.
func (p *pageView) widen(k, v []float32) {
	if p.kBF16 != nil {
		half.FromBF16(k, p.kBF16)
		half.FromBF16(v, p.vBF16)
		return
	}
	for i, x := range p.kI8 {
		k[i] = float32(x)
	}
	for i, x := range p.vI8 {
		v[i] = float32(x)
	}
}
