package attn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"mom/kernels/cpu"
	"mom/kernels/kerneltest"
)

var formats = []Format{F32, BF16, I8}

// A dialogue is the input of a test: a sequence in pages, with its queries.
type dialogue struct {
	KV
	n, group, d int
	ldq         int
	q           []float32 // [n][ldq]
	k, v        []float32 // [n][d], as they were stored
	scale       float32

	exact        []exactRow // [n][group], those asked for
	keys, values [][]float32
}

// newDialogue returns n tokens of uniform numbers in [-1,1). Every page ends at a
// forbidden one, and what no token was stored in is NaN where there is such a
// thing.
func newDialogue(t testing.TB, f Format, n, group, d int, seed uint64) *dialogue {
	s := &dialogue{n: n, group: group, d: d, ldq: group*d + 3, scale: float32(1 / math.Sqrt(float64(d)))}
	s.Format, s.Offset = f, 64
	s.q = kerneltest.Fill(kerneltest.Guarded[float32](t, n*s.ldq-3), seed)
	s.k = kerneltest.Fill(make([]float32, n*d), seed+1)
	s.v = kerneltest.Fill(make([]float32, n*d), seed+2)
	for i := range n {
		if i%PageTokens == 0 {
			page := kerneltest.Guarded[byte](t, s.Offset+PageBytes(f, d))
			for at := range page {
				page[at] = 0xff
			}
			s.Pages = append(s.Pages, page)
		}
		s.store(i)
	}
	return s
}

func (s *dialogue) store(i int) {
	PagedStore(s.Format, s.Pages[i/PageTokens][s.Offset:], i%PageTokens, s.key(i), s.value(i))
}

func (s *dialogue) key(i int) []float32   { return s.k[i*s.d:][:s.d] }
func (s *dialogue) value(i int) []float32 { return s.v[i*s.d:][:s.d] }

// attend computes rows of positions [past,past+m) into a guarded slice whose
// rows have two floats too many.
func (s *dialogue) attend(t testing.TB, past, m int) []float32 {
	ldd := s.group*s.d + 2
	dst := kerneltest.Guarded[float32](t, m*ldd-2)
	scratch := kerneltest.Guarded[float32](t, PagedScratchLen(s.group, s.d))
	for i := range scratch {
		scratch[i] = float32(math.NaN())
	}
	for i := range dst {
		dst[i] = float32(math.Inf(1))
	}
	Paged(dst, ldd, s.q[past*s.ldq:], s.ldq, m, past, s.KV, s.group, s.d, s.scale, scratch)
	for i := range dst {
		if i%ldd >= ldd-2 && dst[i] != float32(math.Inf(1)) {
			t.Fatalf("element %d of dst was written", i)
		}
	}
	return dst
}

// stored reads a token's numbers back from its page, each by its own definition.
func (s *dialogue) stored(i int) (k, v []float32) {
	k, v = make([]float32, s.d), make([]float32, s.d)
	slot := i % PageTokens
	p := view(s.Format, s.KV.at(i/PageTokens), s.d)
	for c := range s.d {
		a, b := c*PageTokens+slot, slot*s.d+c
		switch s.Format {
		case F32:
			k[c], v[c] = p.kF32[a], p.vF32[b]
		case BF16:
			k[c] = math.Float32frombits(uint32(p.kBF16[a]) << 16)
			v[c] = math.Float32frombits(uint32(p.vBF16[b]) << 16)
		default:
			k[c] = float32(p.kI8[a]) * p.kScale[slot]
			v[c] = float32(p.vI8[b]) * p.vScale[slot]
		}
	}
	return k, v
}

// check compares rows of dst with the exact result over what the pages hold.
func (s *dialogue) check(t *testing.T, dst []float32, past, m int) {
	t.Helper()
	d, ldd := s.d, s.group*s.d+2
	for i := range m {
		for g := range s.group {
			e := s.row(past+i, g)
			bound := e.bound(d)
			for c, want := range e.out {
				if got := float64(dst[i*ldd+g*d+c]); !(math.Abs(got-want) <= bound) {
					t.Fatalf("%s past=%d m=%d group=%d d=%d: row %d head %d column %d: got %v, want %v ± %v",
						s.Format, past, m, s.group, d, i, g, c, got, want, bound)
				}
			}
		}
	}
}

// row returns the exact result at a position and head, which it computes once.
func (s *dialogue) row(pos, g int) *exactRow {
	if s.exact == nil {
		s.exact = make([]exactRow, s.n*s.group)
		s.keys, s.values = make([][]float32, s.n), make([][]float32, s.n)
		for i := range s.n {
			s.keys[i], s.values[i] = s.stored(i)
		}
	}
	e := &s.exact[pos*s.group+g]
	if e.out == nil {
		*e = exactCausal(s.q[pos*s.ldq+g*s.d:][:s.d], s.keys[:pos+1], s.values, float64(s.scale))
	}
	return e
}

// exactCausal is one row in float64.
func exactCausal(q []float32, keys, values [][]float32, scale float64) exactRow {
	e := exactRow{out: make([]float64, len(q)), keys: len(keys)}
	scores := make([]float64, len(keys))
	for j, k := range keys {
		abs := 0.0
		for c, y := range k {
			x := float64(q[c]) * float64(y)
			scores[j] += x * scale
			abs += math.Abs(x)
		}
		e.top = max(e.top, abs*math.Abs(scale))
	}
	most, sum := slices.Max(scores), 0.0
	for j, x := range scores {
		p := math.Exp(x - most)
		sum += p
		for c, y := range values[j] {
			e.out[c] += p * float64(y)
			e.value = max(e.value, math.Abs(float64(y)))
		}
	}
	for c := range e.out {
		e.out[c] /= sum
	}
	return e
}

func TestPaged(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, f := range formats {
			for _, d := range []int{1, 7, 8, 16, 24, 32, 40, 64, 72, 80, 96, 128, 136, 256} {
				for group := 1; group <= 8; group++ {
					m := []int{1, 2, 3, 5, 17, 70}[(group+d/8)%6]
					if testing.Short() && m > 5 && group*d > 60 {
						continue
					}
					past := (group*31 + d) % 101
					s := newDialogue(t, f, past+m, group, d, uint64(d*group))
					s.check(t, s.attend(t, past, m), past, m)
				}
			}
		}
	})
}

func TestPagedLengths(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, f := range formats {
			for group := 1; group <= 3; group++ {
				s := newDialogue(t, f, 170, group, 16, uint64(group))
				for past := 0; past <= 100; past += sparse(1, 7) {
					for m := 1 + past%3; m <= 70; m += sparse(1, 10) + past%7*3 {
						s.check(t, s.attend(t, past, m), past, m)
					}
				}
			}
			s := newDialogue(t, f, 700, 2, 64, 9)
			for _, past := range []int{127, 128, 255, 256, 600, 699} {
				s.check(t, s.attend(t, past, 1), past, 1)
			}
		}
	})
}

// TestPagedBits cuts a prefill in many ways and asks for the same bits: into
// pieces, single tokens, and the heads of a group one by one.
func TestPagedBits(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, f := range formats {
			for _, shape := range []struct{ group, d int }{{1, 24}, {2, 64}, {3, 64}, {5, 24}, {8, 32}, {2, 128}, {1, 128}} {
				if testing.Short() && (shape.d > 64 || shape.group == 8 || f == BF16) {
					continue
				}
				t.Run(fmt.Sprintf("%s/group=%d/d=%d", f, shape.group, shape.d), func(t *testing.T) {
					s := newDialogue(t, f, 300, shape.group, shape.d, 3)
					want := s.attend(t, 0, s.n)
					for _, piece := range []int{1, 7, 31, 33, 100, 257} {
						if testing.Short() && piece == 7 {
							continue
						}
						for past := 0; past < s.n; past += piece {
							if past > 70 && past < 250 && cpu.Level() == "generic" {
								continue
							}
							m := min(piece, s.n-past)
							s.same(t, want, s.attend(t, past, m), past, m)
						}
					}
					s.headByHead(t, want)
				})
			}
		}
	})
}

// sparse returns all, or few in a short run, which an emulated machine may do.
func sparse(all, few int) int {
	if testing.Short() {
		return few
	}
	return all
}

func (s *dialogue) same(t *testing.T, want, got []float32, past, m int) {
	t.Helper()
	ldd := s.group*s.d + 2
	for i := range m {
		for c := range s.group * s.d {
			if a, b := got[i*ldd+c], want[(past+i)*ldd+c]; math.Float32bits(a) != math.Float32bits(b) {
				t.Fatalf("%s past=%d m=%d group=%d d=%d: row %d column %d: got %v, want %v", s.Format, past, m, s.group, s.d, i, c, a, b)
			}
		}
	}
}

func (s *dialogue) headByHead(t *testing.T, want []float32) {
	t.Helper()
	past, m := 20, 77
	ldd := s.group*s.d + 2
	dst := make([]float32, m*ldd)
	scratch := make([]float32, PagedScratchLen(1, s.d))
	for g := range s.group {
		Paged(dst[g*s.d:], ldd, s.q[past*s.ldq+g*s.d:], s.ldq, m, past, s.KV, 1, s.d, s.scale, scratch)
	}
	s.same(t, want, dst, past, m)
}

// TestPagedSoftmax has scores that are far apart, exactly known, or rise from
// page to page.
func TestPagedSoftmax(t *testing.T) {
	const n, d = 180, 16
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, score := range []func(j int) float32{
			func(j int) float32 { return float32(j) },                              // rising
			func(j int) float32 { return float32(-j) },                             // falling
			func(j int) float32 { return float32(100 * j) },                        // steep
			func(j int) float32 { return float32(-100 * j) },                       // steep down
			func(j int) float32 { return float32(j / 50 % 2 * (1 - j%50) * 1000) }, // one huge
			func(j int) float32 { return 1e6 },                                     // all huge
			func(j int) float32 { return -1e6 },                                    // all hugely negative
			func(j int) float32 { return 0 },                                       // equal
		} {
			for _, f := range formats {
				s := newDialogue(t, f, n, 2, d, 4)
				s.scale = 1
				clear(s.q)
				for i := range n {
					clear(s.key(i))
					s.key(i)[0] = roundBF16(score(i))
					s.store(i)
					s.q[i*s.ldq], s.q[i*s.ldq+d] = 1, 0.5
				}
				for _, past := range []int{0, 1, 31, 32, 100, 127, 128, 140} {
					s.check(t, s.attend(t, past, n-past), past, n-past)
					s.check(t, s.attend(t, past, 1), past, 1)
				}
			}
		}
	})
}

func TestPagedDoesNotAllocate(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, f := range formats {
			for _, d := range []int{20, 64} {
				s := newDialogue(t, f, 100, 3, d, 8)
				dst := make([]float32, 100*3*d)
				scratch := make([]float32, PagedScratchLen(3, d))
				if n := testing.AllocsPerRun(10, func() {
					s.store(99)
					Paged(dst, 3*d, s.q, s.ldq, 100, 0, s.KV, 3, d, 1, scratch)
					Paged(dst, 3*d, s.q, s.ldq, 1, 99, s.KV, 3, d, 1, scratch)
				}); n != 0 {
					t.Errorf("%s: %v allocations", f, n)
				}
			}
		}
	})
}

func TestPagedPanics(t *testing.T) {
	x := make([]float32, 200)
	scratch := make([]float32, PagedScratchLen(2, 4))
	page := make([]byte, PageBytes(F32, 4)+4)
	kv := KV{Format: F32, Pages: [][]byte{page, page}}
	Paged(x, 8, x[100:], 8, 3, 61, kv, 2, 4, 1, scratch)
	Paged(x, 8, x[100:], 8, 0, 0, KV{}, 2, 4, 1, nil)
	call := func(dst, q []float32, ldd, ldq, m, past int, kv KV, group, d int, scratch []float32) func() {
		return func() { Paged(dst, ldd, q, ldq, m, past, kv, group, d, 1, scratch) }
	}
	for name, f := range map[string]func(){
		"group":      call(x, x, 8, 8, 1, 0, kv, 0, 4, scratch),
		"d":          call(x, x, 8, 8, 1, 0, kv, 2, 0, scratch),
		"m":          call(x, x, 8, 8, -1, 0, kv, 2, 4, scratch),
		"past":       call(x, x, 8, 8, 1, -1, kv, 2, 4, scratch),
		"ldd":        call(x, x, 7, 8, 1, 0, kv, 2, 4, scratch),
		"ldq":        call(x, x, 8, 7, 1, 0, kv, 2, 4, scratch),
		"dst":        call(x[:15], x, 8, 8, 2, 0, kv, 2, 4, scratch),
		"q":          call(x, x[:15], 8, 8, 2, 0, kv, 2, 4, scratch),
		"pages":      call(x, x, 8, 8, 1, 64, kv, 2, 4, scratch),
		"short page": call(x, x, 8, 8, 1, 0, KV{Pages: [][]byte{page[:100]}}, 2, 4, scratch),
		"offset":     call(x, x, 8, 8, 1, 0, KV{Pages: kv.Pages, Offset: 8}, 2, 4, scratch),
		"alignment":  call(x, x, 8, 8, 1, 0, KV{Pages: kv.Pages, Offset: 2}, 2, 4, scratch),
		"negative":   call(x, x, 8, 8, 1, 0, KV{Pages: kv.Pages, Offset: -4}, 2, 4, scratch),
		"format":     call(x, x, 8, 8, 1, 0, KV{Format: 3, Pages: kv.Pages}, 2, 4, scratch),
		"scratch":    call(x, x, 8, 8, 1, 0, kv, 2, 4, scratch[1:]),
		"scratchLen": func() { PagedScratchLen(0, 4) },
		"bytes":      func() { PageBytes(3, 4) },
		"slot":       func() { PagedStore(F32, page, 32, x[:4], x[:4]) },
		"slot -1":    func() { PagedStore(F32, page, -1, x[:4], x[:4]) },
		"lengths":    func() { PagedStore(F32, page, 0, x[:4], x[:3]) },
		"nothing":    func() { PagedStore(F32, page, 0, nil, nil) },
		"store page": func() { PagedStore(F32, page, 0, x[:5], x[:5]) },
		"store at":   func() { PagedStore(F32, page[1:], 0, x[:4], x[:4]) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// TestPagedRandom tries shapes that nobody thought of.
func TestPagedRandom(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 5))
		for range sparse(60, 10) {
			f, d, group := formats[r.IntN(3)], 8*(1+r.IntN(16)), 1+r.IntN(12)
			past, m := r.IntN(300), 1+r.IntN(40)
			s := newDialogue(t, f, past+m, group, d, r.Uint64())
			s.check(t, s.attend(t, past, m), past, m)
		}
	})
}
