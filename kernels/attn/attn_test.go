package attn

import (
	"math"
	"math/rand/v2"
	"testing"

	"mom/kernels/cpu"
	"mom/kernels/kerneltest"
)

// A sequence is the input of a test: q, k, v side by side in rows, as the
// projection of a layer leaves them.
type sequence struct {
	Shape
	n       int
	ld      int
	q, k, v []float32
	rounded *sequence // what bf16 kernels make of it, once made
}

// newSequence returns n tokens of uniform numbers in [-1,1), in memory that
// ends at a forbidden page.
func newSequence(t testing.TB, s Shape, n int, seed uint64) sequence {
	qw, kw := s.Heads*s.HeadDim, s.KVHeads*s.HeadDim
	ld := qw + 2*kw
	x := kerneltest.Fill(kerneltest.Guarded[float32](t, n*ld), seed)
	return sequence{Shape: s, n: n, ld: ld, q: x, k: x[qw:], v: x[qw+kw:]}
}

// attend runs rows [q0,q1) of every head, in chunks of rows, into a guarded
// slice whose rows have two floats too many.
func (s *sequence) attend(t testing.TB, q0, q1, chunk int) []float32 {
	ldd := s.Heads*s.HeadDim + 2
	dst := kerneltest.Guarded[float32](t, s.n*ldd-2)
	scratch := kerneltest.Guarded[float32](t, ScratchLen(s.Shape, s.n))
	for i := range scratch {
		scratch[i] = float32(math.NaN())
	}
	for head := range s.Heads {
		for row := q0; row < q1; row += chunk {
			Attend(dst, ldd, s.q, s.k, s.v, s.ld, s.n, head, row, min(row+chunk, q1), s.Shape, scratch)
		}
	}
	for i := range dst {
		if c := i % ldd; (c >= ldd-2 || i/ldd < q0 || i/ldd >= q1) && dst[i] != 0 {
			t.Fatalf("element %d of dst was written", i)
		}
	}
	return dst
}

// bf16 tells whether the level in use multiplies bf16 for this shape.
func (s *sequence) bf16() bool { return s.BF16 && hasBF16() }

func hasBF16() bool { return cpu.HasAVX512BF16 || cpu.HasI8MM }

// A row is the exact result of one row of a head, with what bounds its error.
type exactRow struct {
	out   []float64
	top   float64 // A of Attend's bound
	value float64 // V
	keys  int     // m
}

// round returns the sequence with the bf16 kernels' operands rounded.
func (s *sequence) round() *sequence {
	if s.rounded != nil {
		return s.rounded
	}
	r := *s
	r.Scale = math.Ln2
	x := make([]float32, s.n*s.ld)
	qw, kw := s.Heads*s.HeadDim, s.KVHeads*s.HeadDim
	for i := range x {
		x[i] = s.q[i]
		if i%s.ld < qw {
			x[i] *= s.Scale * log2e
		}
		x[i] = roundBF16(x[i])
	}
	r.q, r.k, r.v = x, x[qw:], x[qw+kw:]
	s.rounded = &r
	return &r
}

// exact computes a row in float64.
func (s *sequence) exact(head, i int) exactRow {
	d := s.HeadDim
	q := s.q[i*s.ld+head*d:][:d]
	kc := head / (s.Heads / s.KVHeads) * d
	e := exactRow{out: make([]float64, d)}
	lo, hi := 0, s.n
	if s.Reach >= 0 {
		lo, hi = max(0, i-s.Reach), min(s.n, i+s.Reach+1)
	}
	scores := make([]float64, hi-lo)
	most := math.Inf(-1)
	for t := range scores {
		dot, abs := 0.0, 0.0
		for c, y := range s.k[(lo+t)*s.ld+kc:][:d] {
			x := float64(q[c]) * float64(y)
			dot += x
			abs += math.Abs(x)
		}
		scores[t] = dot * float64(s.Scale)
		e.top = max(e.top, abs*math.Abs(float64(s.Scale)))
		most = max(most, scores[t])
	}
	e.keys = len(scores)
	sum := 0.0
	for t, x := range scores {
		p := math.Exp(x - most)
		sum += p
		for c, y := range s.v[(lo+t)*s.ld+kc:][:d] {
			e.out[c] += p * float64(y)
			e.value = max(e.value, math.Abs(float64(y)))
		}
	}
	for c := range d {
		e.out[c] /= sum
	}
	return e
}

// bound is Attend's documented bound for float32.
func (e *exactRow) bound(d int) float64 {
	return (float64(d)*e.top + e.top + float64(e.keys) + 32) * 0x1p-22 * e.value
}

func roundBF16(x float32) float32 {
	b := math.Float32bits(x)
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}

// check compares rows [q0,q1) of dst with the exact result.
func (s *sequence) check(t *testing.T, dst []float32, q0, q1 int) {
	t.Helper()
	d := s.HeadDim
	ldd := s.Heads*d + 2
	compare := func(head, i int, e exactRow, bound float64) {
		for c, want := range e.out {
			if got := float64(dst[i*ldd+head*d+c]); !(math.Abs(got-want) <= bound) {
				t.Fatalf("n=%d %+v: head %d row %d column %d: got %v, want %v ± %v", s.n, s.Shape, head, i, c, got, want, bound)
			}
		}
	}
	for head := range s.Heads {
		for i := q0; i < q1; i++ {
			e := s.exact(head, i)
			if !s.bf16() {
				compare(head, i, e, e.bound(d))
				continue
			}
			compare(head, i, e, (3*e.top+4)*0x1p-8*e.value+e.bound(d))
			// The rounding of P changes each addend by 2^-9 at most, its
			// polynomial both sums by 1e-4.
			r := s.round().exact(head, i)
			compare(head, i, r, (0x1p-9+2.1e-4)*e.value+e.bound(d))
		}
	}
}

func shape(d, reach int, bf16 bool) Shape {
	return Shape{Heads: 1, KVHeads: 1, HeadDim: d, Scale: float32(1 / math.Sqrt(float64(d))), Reach: reach, BF16: bf16}
}

// each runs f at every level, for f32 and, where that differs, for bf16.
func each(t *testing.T, f func(t *testing.T, bf16 bool)) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		f(t, false)
		if hasBF16() {
			t.Run("bf16", func(t *testing.T) { f(t, true) })
		}
	})
}

func TestLengths(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		for n := 1; n <= 130; n++ {
			for _, shape := range []Shape{shape(32, -1, bf16), shape(16, 5, bf16)} {
				s := newSequence(t, shape, n, uint64(n))
				s.check(t, s.attend(t, 0, n, n), 0, n)
			}
		}
		for _, n := range []int{200, 513} {
			s := newSequence(t, shape(64, -1, bf16), n, uint64(n))
			dst := s.attend(t, 0, n, n)
			for i := 0; i < n; i += 16 {
				s.check(t, dst, i, i+1)
			}
			s.check(t, dst, n-1, n)
		}
	})
}

func TestHeadDims(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		for _, d := range []int{1, 2, 7, 8, 16, 24, 32, 40, 48, 64, 80, 96, 128, 256} {
			for _, n := range []int{1, 2, 3, 16, 17, 33, 50} {
				for _, reach := range []int{-1, 9} {
					s := newSequence(t, shape(d, reach, bf16), n, uint64(d*n))
					s.check(t, s.attend(t, 0, n, n), 0, n)
				}
			}
		}
		for _, d := range []int{24, 256} { // padded, and in several blocks
			s := newSequence(t, shape(d, -1, bf16), 600, 5)
			dst := s.attend(t, 0, 600, 600)
			for i := 0; i < 600; i += 37 {
				s.check(t, dst, i, i+1)
			}
		}
	})
}

// TestBand gives all keys the same score, so that a row is the mean of the
// values in its band, and values that identify the key: the result is exact
// but for one division.
func TestBand(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		for _, n := range []int{1, 2, 31, 33, 64, 100, 129, 191, 300, 513, 700, 1100} {
			for _, reach := range []int{-1, 0, 1, 2, 15, 16, 17, 63, 64, 65, 128, 239, 240, 300, 520, n - 1, n, n + 7} {
				s := newSequence(t, shape(16, reach, bf16), n, 1)
				for j := range n {
					clear(s.q[j*s.ld:][:16])
					for c := range 16 {
						s.v[j*s.ld+c] = float32((j*(c+1) + j>>7) % 101) // sums below 2^24
					}
				}
				var before [1101][16]float64 // sums of the values before a row
				for j := range n {
					for c := range 16 {
						before[j+1][c] = before[j][c] + float64(s.v[j*s.ld+c])
					}
				}
				dst := s.attend(t, 0, n, n)
				for i := range n {
					lo, hi := 0, n
					if reach >= 0 {
						lo, hi = max(0, i-reach), min(n, i+reach+1)
					}
					for c := range 16 {
						want := (before[hi][c] - before[lo][c]) / float64(hi-lo)
						if got := float64(dst[i*18+c]); !(math.Abs(got-want) <= 0x1p-22*want) {
							t.Fatalf("n=%d reach=%d: row %d column %d: got %v, want %v", n, reach, i, c, got, want)
						}
					}
				}
			}
		}
	})
}

func TestChunksDoNotChangeBits(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		for _, n := range []int{7, 40, 129, 300, 700} {
			if testing.Short() && n > 300 {
				continue
			}
			for _, reach := range []int{-1, 0, 1, 20, 64, 250, 301} {
				for _, d := range []int{24, 64} {
					s := newSequence(t, shape(d, reach, bf16), n, uint64(n))
					want := s.attend(t, 0, n, n)
					for _, chunk := range []int{1, 5, 16, 33, 64, 256, 257} {
						if n > 130 && (chunk == 1 || cpu.Level() == "generic") {
							continue
						}
						got := s.attend(t, 0, n, chunk)
						for i := range want {
							if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
								t.Fatalf("n=%d reach=%d d=%d chunk=%d: row %d: got %v, want %v", n, reach, d, chunk, i/(d+2), got[i], want[i])
							}
						}
					}
				}
			}
		}
	})
}

func TestGroupedHeads(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		for _, s := range []Shape{
			{Heads: 6, KVHeads: 2, HeadDim: 64, Scale: 0.125, Reach: -1, BF16: bf16},
			{Heads: 4, KVHeads: 1, HeadDim: 32, Scale: 0.2, Reach: 10, BF16: bf16},
			{Heads: 2, KVHeads: 2, HeadDim: 8, Scale: -0.4, Reach: -1, BF16: bf16},
		} {
			s := newSequence(t, s, 45, 3)
			s.check(t, s.attend(t, 0, 45, 45), 0, 45)
		}
	})
}

func TestRowsOfASequence(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		for _, reach := range []int{-1, 6} {
			s := newSequence(t, shape(32, reach, bf16), 90, 4)
			s.check(t, s.attend(t, 37, 81, 44), 37, 81)
		}
	})
}

func TestExtremeScores(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		const n, d = 77, 32
		for _, test := range []struct {
			name string
			set  func(s *sequence, j int, r *rand.Rand)
		}{
			// q·k = ±80, by one dimension.
			{"80", func(s *sequence, j int, r *rand.Rand) { s.q[j*s.ld] = 8; s.k[j*s.ld] = float32(10 - 20*r.IntN(2)) }},
			{"one huge", func(s *sequence, j int, r *rand.Rand) {
				s.q[j*s.ld] = 100
				if j == 50 {
					s.k[j*s.ld] = 1e4
				}
			}},
			{"all hugely negative", func(s *sequence, j int, r *rand.Rand) { s.q[j*s.ld] = 1e4; s.k[j*s.ld] = -1e4 }},
			{"wide", func(s *sequence, j int, r *rand.Rand) { s.q[j*s.ld] = 16; s.k[j*s.ld] = float32(-8 * j) }},
			{"all equal", func(s *sequence, j int, r *rand.Rand) {}},
		} {
			for _, reach := range []int{-1, 12} {
				s := newSequence(t, shape(d, reach, bf16), n, 6)
				s.Scale = 1
				r := rand.New(rand.NewPCG(1, 1))
				for j := range n {
					clear(s.q[j*s.ld:][:d])
					clear(s.k[j*s.ld:][:d])
					test.set(&s, j, r)
				}
				// These products are exact, so that the scores' error is that of
				// log2(e) in float32 and, for bf16, of q*log2(e) rounded: all
				// scores are off by one factor, near 1.
				dst := s.attend(t, 0, n, n)
				if bf16 {
					q := s.q[0]
					s.Scale = roundBF16(q*log2e) / q * math.Ln2
					if q == 0 {
						s.Scale = 1
					}
				}
				for i := range n {
					e := s.exact(0, i)
					bound := (4*e.top + float64(e.keys) + 32) * 0x1p-22 * e.value
					if bf16 {
						bound += 3 * 0x1p-9 * e.value
					}
					for c, want := range e.out {
						if got := float64(dst[i*(d+2)+c]); !(math.Abs(got-want) <= bound) {
							t.Fatalf("%s: reach %d row %d column %d: got %v, want %v ± %v", test.name, reach, i, c, got, want, bound)
						}
					}
				}
			}
		}
	})
}

func TestNotFinite(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		s := newSequence(t, shape(32, -1, bf16), 40, 7)
		s.q[3*s.ld+1] = float32(math.NaN())
		dst := s.attend(t, 0, 40, 40)
		for i := range 40 {
			if x := dst[i*34]; (x != x) != (i == 3) {
				t.Errorf("row %d is %v with NaN in q of row 3", i, x)
			}
		}
		s.q[3*s.ld+1] = 0
		s.k[5*s.ld] = float32(math.NaN())
		for i, x := range s.attend(t, 0, 40, 40) {
			if i%34 < 32 && x == x {
				t.Fatalf("row %d is %v with NaN in k", i/34, x)
			}
		}
	})
}
