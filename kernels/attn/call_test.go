package attn

import "testing"

func TestAttendDoesNotAllocate(t *testing.T) {
	each(t, func(t *testing.T, bf16 bool) {
		for _, reach := range []int{-1, 16} {
			s := newSequence(t, shape(64, reach, bf16), 100, 8)
			dst := make([]float32, 100*64)
			scratch := make([]float32, ScratchLen(s.Shape, 100))
			if n := testing.AllocsPerRun(10, func() {
				Attend(dst, 64, s.q, s.k, s.v, s.ld, 100, 0, 0, 100, s.Shape, scratch)
			}); n != 0 {
				t.Errorf("reach=%d: %v allocations", reach, n)
			}
		}
	})
}

func TestScratchIsBounded(t *testing.T) {
	for _, d := range []int{24, 64, 128} {
		for _, reach := range []int{-1, 64, 1000} {
			s := shape(d, reach, true)
			if a, b := ScratchLen(s, 1<<13), ScratchLen(s, 1<<20); a != b {
				t.Errorf("%d floats for 2^13 tokens, %d for 2^20", a, b)
			}
		}
	}
}

func TestPanics(t *testing.T) {
	good := Shape{Heads: 2, KVHeads: 1, HeadDim: 4, Scale: 1, Reach: -1}
	x := make([]float32, 100)
	scratch := make([]float32, ScratchLen(good, 5))
	Attend(x, 8, x[40:], x[60:], x[80:], 8, 2, 1, 0, 2, good, scratch)
	for name, f := range map[string]func(){
		"heads":   func() { Attend(x, 8, x, x, x, 8, 2, 0, 0, 2, Shape{Heads: 3, KVHeads: 2, HeadDim: 4}, scratch) },
		"zero":    func() { ScratchLen(Shape{}, 1) },
		"n":       func() { ScratchLen(good, -1) },
		"head":    func() { Attend(x, 8, x, x, x, 8, 2, 2, 0, 2, good, scratch) },
		"rows":    func() { Attend(x, 8, x, x, x, 8, 2, 1, 0, 3, good, scratch) },
		"order":   func() { Attend(x, 8, x, x, x, 8, 2, 1, 2, 1, good, scratch) },
		"stride":  func() { Attend(x, 7, x, x, x, 8, 2, 1, 0, 2, good, scratch) },
		"dst":     func() { Attend(x[:15], 8, x, x, x, 8, 2, 1, 0, 2, good, scratch) },
		"q":       func() { Attend(x, 8, x[:15], x, x, 8, 2, 1, 0, 2, good, scratch) },
		"k":       func() { Attend(x, 8, x, x[:11], x, 8, 2, 1, 0, 2, good, scratch) },
		"v":       func() { Attend(x, 8, x, x, x[:11], 8, 2, 1, 0, 2, good, scratch) },
		"scratch": func() { Attend(x, 8, x, x, x, 8, 2, 1, 0, 2, good, nil) },
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
