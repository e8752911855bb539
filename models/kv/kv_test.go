package kv

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

func pool(pages int) *Pool {
	o := Options{Layers: 2, KVHeads: 2, HeadDim: 4, Format: F32}
	o.Bytes = pages * o.PageBytes()
	return NewPool(o)
}

// write stores token number pos with values that tell who wrote it.
func write(t *testing.T, s *Sequence, n int, mark float32) {
	t.Helper()
	if err := s.Reserve(n); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		for l := range 2 {
			for h := range 2 {
				x := mark + float32(s.Len()+i) + float32(l)/4 + float32(h)/8
				s.Store(l, h, s.Len()+i, []float32{x, x, x, x}, []float32{-x, x, -x, x})
			}
		}
	}
	s.Advance(n)
}

// has checks that tokens [from, to) are those that mark wrote.
func has(t *testing.T, s *Sequence, from, to int, mark float32) {
	t.Helper()
	for pos := from; pos < to; pos++ {
		for l := range 2 {
			for h := range 2 {
				kv := s.KV(l, h)
				page := kv.Pages[pos/PageTokens][kv.Offset:]
				at := func(i int) float32 { return math.Float32frombits(binary.NativeEndian.Uint32(page[4*i:])) }
				slot := pos % PageTokens
				k := []float32{at(slot), 0, 0, at(3*PageTokens + slot)}
				v := []float32{at(4*PageTokens + 4*slot), 0, 0, at(4*PageTokens + 4*slot + 3)}
				if x := mark + float32(pos) + float32(l)/4 + float32(h)/8; k[0] != x || k[3] != x || v[0] != -x || v[3] != x {
					t.Fatalf("token %d of layer %d, head %d: got %v and %v, want %v", pos, l, h, k, v, x)
				}
			}
		}
	}
}

func TestForkSharesWholePages(t *testing.T) {
	p := pool(16)
	a := p.New()
	write(t, a, 70, 0) // two pages and six tokens
	b := a.Fork()
	if s := p.Stats(); s.Used != 3 || s.Shared != 3 || s.Copied != 0 || s.Sequences != 2 {
		t.Fatalf("after the fork: %+v", s)
	}
	write(t, b, 3, 1000)
	if s := p.Stats(); s.Used != 4 || s.Shared != 2 || s.Copied != 1 {
		t.Fatalf("after the fork went on: %+v", s)
	}
	write(t, a, 40, 2000) // its part page is its own again
	if s := p.Stats(); s.Used != 5 || s.Shared != 2 || s.Copied != 1 {
		t.Fatalf("after the first went on: %+v", s)
	}
	has(t, a, 0, 70, 0)
	has(t, a, 70, 110, 2000)
	has(t, b, 0, 70, 0)
	has(t, b, 70, 73, 1000)
	a.Free()
	has(t, b, 0, 70, 0)
	if s := p.Stats(); s.Used != 3 || s.Shared != 0 || s.Sequences != 1 {
		t.Fatalf("after a Free: %+v", s)
	}
	b.Free()
	if s := p.Stats(); s.Used != 0 || s.Made != 5 || s.Sequences != 0 {
		t.Fatalf("at the end: %+v", s)
	}
}

// A sequence that is cut back into a shared page and goes on must not write into
// what the other one reads.
func TestTruncateIntoSharedPage(t *testing.T) {
	p := pool(16)
	a := p.New()
	write(t, a, 96, 0)
	b := a.Fork()
	b.Truncate(40)
	write(t, b, 60, 500)
	has(t, a, 0, 96, 0)
	has(t, b, 0, 40, 0)
	has(t, b, 40, 100, 500)
	if s := p.Stats(); s.Copied != 1 || s.Shared != 1 {
		t.Fatalf("%+v", s)
	}
}

// Pages that were reserved before a fork are not the fork's.
func TestForkAfterReserve(t *testing.T) {
	p := pool(16)
	a := p.New()
	write(t, a, 10, 0)
	if err := a.Reserve(100); err != nil {
		t.Fatal(err)
	}
	b := a.Fork()
	write(t, a, 30, 100)
	write(t, b, 30, 200)
	has(t, a, 0, 10, 0)
	has(t, a, 10, 40, 100)
	has(t, b, 0, 10, 0)
	has(t, b, 10, 40, 200)
}

func TestFull(t *testing.T) {
	p := pool(3)
	a, b := p.New(), p.New()
	write(t, a, 60, 0)
	write(t, b, 10, 50)
	if err := b.Reserve(50); !errors.Is(err, ErrFull) {
		t.Fatalf("error is %v, want ErrFull", err)
	}
	if s := p.Stats(); s.Used != 3 {
		t.Fatalf("a Reserve that failed kept pages: %+v", s)
	}
	has(t, b, 0, 10, 50)
	if err := b.Reserve(22); err != nil {
		t.Fatalf("no room in a part page: %v", err)
	}
	c := a.Fork()
	if err := c.Reserve(1); !errors.Is(err, ErrFull) {
		t.Fatalf("copying without a page: error is %v", err)
	}
	b.Free()
	write(t, c, 4, 9)
	has(t, a, 0, 60, 0)
	has(t, c, 0, 60, 0)
}

// TestConcurrent is for the race detector: forks of one sequence go on, are cut
// and freed on several goroutines.
func TestConcurrent(t *testing.T) {
	p := pool(400)
	root := p.New()
	write(t, root, 50, 0)
	forks := make([]*Sequence, 8)
	for i := range forks {
		forks[i] = root.Fork()
	}
	var wait sync.WaitGroup
	for i, s := range forks {
		wait.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			mark := float32(1000 * (i + 1))
			for range 50 {
				f := s.Fork()
				write(t, f, 1+rnd.IntN(70), mark)
				has(t, f, 0, 50, 0)
				has(t, f, 50, f.Len(), mark)
				g := f.Fork()
				f.Truncate(rnd.IntN(f.Len()))
				own := p.New()
				write(t, own, 1+rnd.IntN(40), mark)
				g.Free()
				has(t, own, 0, own.Len(), mark)
				own.Free()
				f.Free()
				p.Stats()
			}
			s.Free()
		})
	}
	wait.Wait()
	root.Free()
	if s := p.Stats(); s.Used != 0 || s.Shared != 0 || s.Sequences != 0 || s.Made > s.Total {
		t.Errorf("at the end: %+v", s)
	}
}

func TestMisuse(t *testing.T) {
	p := pool(4)
	for name, f := range map[string]func(){
		"use after Free":    func() { s := p.New(); s.Free(); s.Reserve(1) },
		"Free twice":        func() { s := p.New(); s.Free(); s.Free() },
		"Truncate longer":   func() { p.New().Truncate(1) },
		"Advance too far":   func() { p.New().Advance(1) },
		"negative Reserve":  func() { p.New().Reserve(-1) },
		"impossible format": func() { NewPool(Options{Layers: 1, KVHeads: 1, HeadDim: 1, Format: 9}) },
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

// A warm pool allocates nothing while a sequence grows.
func TestAllocates(t *testing.T) {
	p := pool(8)
	s := p.New()
	write(t, s, 200, 0)
	s.Truncate(0)
	if n := testing.AllocsPerRun(10, func() {
		for range 200 {
			if err := s.Reserve(1); err != nil {
				t.Fatal(err)
			}
			s.Advance(1)
		}
		s.Truncate(0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
