package kv

import (
	"math"
	"unsafe"
)

// head returns the memory of one kv head of one layer in a page.
func (s *Sequence) head(page, layer, head int) []float32 {
	o := &s.pool.o
	n := o.Format.HeadBytes(o.HeadDim)
	at := (layer*o.KVHeads + head) * n
	return unsafe.Slice((*float32)(unsafe.Pointer(&s.pages[page].data[at])), n/4)
}

// Store writes the key and the value of the token at a position that was
// reserved.
func (s *Sequence) Store(layer, head, pos int, k, v []float32) {
	page := s.head(pos/PageTokens, layer, head)
	slot, d := pos%PageTokens, len(k)
	for c, x := range k {
		page[c*PageTokens+slot] = x
	}
	copy(page[d*PageTokens+slot*d:], v)
}

// ScratchLen is how much scratch Attend needs.
func ScratchLen(d, m, group int) int { return d }

// Attend computes the attention of m tokens from position past on at one kv head.
func (s *Sequence) Attend(dst []float32, ldd int, q []float32, ldq, m, past, layer, head, group int, scale float32, scratch []float32) {
	d := s.pool.o.HeadDim
	for i := range m {
		for g := range group {
			qr, out := q[i*ldq+g*d:][:d], dst[i*ldd+g*d:][:d]
			p := make([]float64, past+i+1)
			best := math.Inf(-1)
			for j := range p {
				page := s.head(j/PageTokens, layer, head)
				for c, x := range qr {
					p[j] += float64(x) * float64(page[c*PageTokens+j%PageTokens])
				}
				p[j] *= float64(scale)
				best = max(best, p[j])
			}
			sum := 0.0
			for j := range p {
				p[j] = math.Exp(p[j] - best)
				sum += p[j]
			}
			acc := make([]float64, d)
			for j := range p {
				v := s.head(j/PageTokens, layer, head)[d*PageTokens+j%PageTokens*d:][:d]
				for c, x := range v {
					acc[c] += p[j] * float64(x)
				}
			}
			for c := range out {
				out[c] = float32(acc[c] / sum)
			}
		}
	}
}
