// Package attn computes softmax attention of one head over one sequence.
//
// The unit of work is one head's rows [q0,q1): a caller splits a batch into
// (sequence, head, rows) units and runs them on as many goroutines as it likes.
// A row's bits depend on its sequence and on the level in use alone, never on
// how the rows were split nor on the other sequences of a batch.
//
// Names of dimensions: n tokens of the sequence, d HeadDim, R Reach.
package attn

// A Shape says what one attention layer computes.
type Shape struct {
	Heads   int // query heads; head h is columns [h*d, (h+1)*d) of q and dst
	KVHeads int // key and value heads; query head h reads kv head h/(Heads/KVHeads)
	HeadDim int
	Scale   float32 // multiplies q·k, usually 1/sqrt(HeadDim)
	Reach   int     // token i attends to tokens j with |i-j| <= Reach; all when negative
	BF16    bool    // allow products of bf16, where the CPU has them, instead of f32
}

// ScratchLen returns how many float32s of scratch Attend needs for a sequence
// of n tokens, at any level. It is bounded as n grows.
func ScratchLen(s Shape, n int) int {
	s.check()
	if n < 0 {
		panic("attn: ScratchLen: n < 0")
	}
	return max(scratchLenGeneric(n), scratchLen(s, n))
}

// Attend computes rows [q0,q1) of one head's attention over a sequence of n
// tokens. With k and v at the columns of the head's kv head, it is
//
//	for i := q0; i < q1; i++ {
//		var sum float64
//		out := make([]float64, d)
//		for j := range n {
//			if s.Reach >= 0 && abs(i-j) > s.Reach {
//				continue
//			}
//			p := math.Exp(s.Scale * dot(q[i], k[j]))
//			sum += p
//			for c := range d {
//				out[c] += p * v[j][c]
//			}
//		}
//		for c := range d {
//			dst[i][c] = out[c] / sum
//		}
//	}
//
// in float32, with the row's largest score subtracted before the exponential
// so that it cannot overflow, and with the order of the additions unspecified.
// Let A = |Scale|*max over j of Σ|q[i][c]*k[j][c]|, V the largest |v[j][c]| of
// the keys that row i attends to, and m their number. A result is within
//
//	(d*A + A + m + 32) * 2^-22 * V
//
// of the exact one. Where the CPU multiplies bf16 and s.BF16 is set,
// q*Scale*log2(e), k, v and the probabilities are rounded to bf16 (to nearest,
// ties to even) before their products, which are summed in float32; the bound is
// then
//
//	(3*A + 4) * 2^-8 * V
//
// plus the bound above.
// Inputs must be finite: Inf or NaN makes NaN of rows that attend to it, and
// may do so of other rows.
//
// Row i of q, k and v begins at element i*ld of its slice, row i of dst at
// i*ldd; row 0 is the sequence's first token whatever q0 is. Only the columns of
// the head are written. dst must not overlap q, k, v. scratch has at least
// ScratchLen(s, n) elements, and its contents do not matter.
//
// Attend panics if a slice is too short, the rows are not within [0,n), or the
// shape is impossible (no heads, Heads not a multiple of KVHeads, head outside).
//
// A call packs the keys that its rows attend to, which costs as much as some
// five rows: chunks of 128 rows and more are best. When a sequence is long, doing
// all heads of a chunk before the next chunk keeps their rows in the cache.
//
// Shapes: q [n Heads*d], k and v [n KVHeads*d], dst [n Heads*d].
func Attend(dst []float32, ldd int, q, k, v []float32, ld, n, head, q0, q1 int, s Shape, scratch []float32) {
	s.check()
	if q0 < 0 || q1 < q0 || n < q1 {
		panic("attn: Attend: rows outside the sequence")
	}
	if head < 0 || head >= s.Heads {
		panic("attn: Attend: no such head")
	}
	if q0 == q1 {
		return
	}
	d := s.HeadDim
	qc := head * d
	kc := head / (s.Heads / s.KVHeads) * d
	if ldd < qc+d || ld < qc+d {
		panic("attn: Attend: row stride too small")
	}
	if len(dst) < (q1-1)*ldd+qc+d || len(q) < (q1-1)*ld+qc+d {
		panic("attn: Attend: dst or q too short")
	}
	if len(k) < (n-1)*ld+kc+d || len(v) < (n-1)*ld+kc+d {
		panic("attn: Attend: k or v too short")
	}
	attend(job{
		dst: dst[qc:], ldd: ldd, q: q[qc:], k: k[kc:], v: v[kc:], ld: ld,
		n: n, d: d, q0: q0, q1: q1, scale: s.Scale, reach: s.Reach, bf16: s.BF16,
	}, scratch)
}

func (s *Shape) check() {
	if s.Heads <= 0 || s.KVHeads <= 0 || s.HeadDim <= 0 {
		panic("attn: Shape: sizes must be positive")
	}
	if s.Heads%s.KVHeads != 0 {
		panic("attn: Shape: Heads is not a multiple of KVHeads")
	}
}

// A job is one call of Attend: the slices begin at the head's first column.
type job struct {
	dst     []float32
	ldd     int
	q, k, v []float32
	ld      int
	n, d    int
	q0, q1  int
	scale   float32
	reach   int
	bf16    bool
}

// band returns the keys [lo,hi) that rows [i0,i1) attend to together.
func (j *job) band(i0, i1 int) (lo, hi int) {
	if j.reach < 0 || j.reach >= j.n {
		return 0, j.n
	}
	return max(0, i0-j.reach), min(j.n, i1+j.reach)
}
