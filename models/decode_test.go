package models_test

import (
	"slices"
	"sync"
	"testing"

	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
)

// TestLogitsOfIDs: a logit has the same bits alone as among all.
func TestLogitsOfIDs(t *testing.T) {
	team := nn.NewTeam(3)
	defer team.Close()
	for _, name := range []string{"llama-gqa1", "llama-linear"} {
		g := decoderGoldenOf(t, name)
		for p := nn.F32; p <= nn.I4; p++ {
			d := g.open(t, p, nil)
			for _, ws := range []*nn.Workspace{{}, {Team: team}} {
				b := decodeBatch([]*kv.Sequence{poolOf(d, kv.F32, 64).New()}, g.Cases[4].IDs)
				h, err := d.Decode(ws, b)
				if err != nil {
					t.Fatal(err)
				}
				all := tensor.NewMat(h.Rows, d.Info().Vocab)
				d.Logits(ws, all, h, nil)
				for _, ids := range [][]int32{{0}, {99}, {47, 48, 3, 3, 96}, {}} {
					some := tensor.NewMat(h.Rows, len(ids))
					d.Logits(ws, some, h, append([]int32{}, ids...))
					for r := range h.Rows {
						for j, id := range ids {
							if some.Row(r)[j] != all.Row(r)[id] {
								t.Fatalf("%s %s: row %d, id %d: %v alone, %v among all", name, p, r, id, some.Row(r)[j], all.Row(r)[id])
							}
						}
					}
				}
			}
		}
	}
}

// TestDecodeAllocates nothing a step, with adapters and without, once workspace
// and pool are warm.
func TestDecodeAllocates(t *testing.T) {
	team := nn.NewTeam(2)
	defer team.Close()
	g := decoderGoldenOf(t, "llama-gqa3")
	for p := nn.F32; p <= nn.I4; p++ {
		for _, f := range formats {
			d := g.open(t, p, nil)
			a, err := models.OpenAdapter(d, g.Adapters[0].lora(t, g.Name))
			if err != nil {
				t.Fatal(err)
			}
			for _, ws := range []*nn.Workspace{{}, {Team: team}} {
				pool := poolOf(d, f, 1024)
				seqs := []*kv.Sequence{pool.New(), pool.New(), pool.New()}
				b := decodeBatch(seqs, []int32{1}, []int32{2}, []int32{3})
				dst, some, ids := tensor.NewMat(3, d.Info().Vocab), tensor.NewMat(3, 2), []int32{5, 90}
				for _, b.Adapters = range [][]*models.Adapter{nil, {a, nil, a}} {
					run := func() {
						for range 80 {
							h, err := d.Decode(ws, b)
							if err != nil {
								t.Fatal(err)
							}
							d.Logits(ws, dst, h, nil)
							d.Logits(ws, some, h, ids)
						}
						for _, s := range seqs {
							s.Truncate(0)
						}
					}
					run()
					if n := testing.AllocsPerRun(3, run); n != 0 {
						t.Errorf("%s, pages of %s, team of %d, adapters %v: %v allocations in 80 steps", p, f, ws.Team.Size(), b.Adapters != nil, n)
					}
				}
			}
		}
	}
}

// TestDecodeFails: a pass that ends early leaves the sequences as they were.
func TestDecodeFails(t *testing.T) {
	g := decoderGoldenOf(t, "qwen3-gqa3-bias")
	d := g.open(t, nn.F32, nil)
	pool := poolOf(d, kv.F32, 96)
	ws := &nn.Workspace{}
	a, c := pool.New(), pool.New()
	ids := g.Cases[8].IDs
	want := logits(t, d, ws, decodeBatch([]*kv.Sequence{a}, ids[:40]))
	if _, err := d.Decode(ws, decodeBatch([]*kv.Sequence{a, c}, ids[40:50], ids[:40])); err != kv.ErrFull {
		t.Fatalf("error is %v, want ErrFull", err)
	}
	layers := 0
	b := decodeBatch([]*kv.Sequence{a}, ids[200:210])
	b.Cancel = func() bool { layers++; return layers > 1 }
	if _, err := d.Decode(ws, b); err != models.ErrCancelled {
		t.Fatalf("error is %v, want ErrCancelled", err)
	}
	if a.Len() != 40 || c.Len() != 0 {
		t.Fatalf("sequences of %d and %d tokens, want 40 and 0", a.Len(), c.Len())
	}
	a.Truncate(10)
	got := logits(t, d, ws, decodeBatch([]*kv.Sequence{a}, ids[10:40]))
	for i := range got {
		if !slices.Equal(got[i], want[10+i]) {
			t.Fatalf("row %d differs after failed passes", 10+i)
		}
	}
}

// TestDecodeMisuse: what a caller must not ask panics.
func TestDecodeMisuse(t *testing.T) {
	g, other := decoderGoldenOf(t, "llama-gqa3"), decoderGoldenOf(t, "qwen3-gqa1")
	d, e := g.open(t, nn.F32, nil), other.open(t, nn.F32, nil)
	pool, epool := poolOf(d, kv.F32, 1024), poolOf(e, kv.F32, 32)
	a, err := models.OpenAdapter(g.open(t, nn.F32, nil), g.Adapters[0].lora(t, g.Name))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*models.DecodeBatch{
		"nothing":                {Starts: []int32{0}},
		"id above":               decodeBatch([]*kv.Sequence{pool.New()}, []int32{100}),
		"id below":               decodeBatch([]*kv.Sequence{pool.New()}, []int32{-1}),
		"no new tokens":          decodeBatch([]*kv.Sequence{pool.New()}, []int32{}),
		"too long":               decodeBatch([]*kv.Sequence{pool.New()}, make([]int32, 513)),
		"pool of another model":  decodeBatch([]*kv.Sequence{epool.New()}, []int32{1}),
		"starts of another size": {IDs: []int32{1}, Starts: []int32{0}, Seqs: []*kv.Sequence{pool.New()}},
		"wanted row outside":     {IDs: []int32{1}, Starts: []int32{0, 1}, Seqs: []*kv.Sequence{pool.New()}, Want: []int32{1}},
		"wanted rows descending": {IDs: []int32{1, 2}, Starts: []int32{0, 2}, Seqs: []*kv.Sequence{pool.New()}, Want: []int32{1, 0}},
		"adapter of another":     {IDs: []int32{1}, Starts: []int32{0, 1}, Seqs: []*kv.Sequence{pool.New()}, Adapters: []*models.Adapter{a}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			d.Decode(&nn.Workspace{}, b)
		}()
	}
	s := pool.New()
	defer func() {
		if recover() == nil {
			t.Error("a sequence twice: no panic")
		}
	}()
	d.Decode(&nn.Workspace{}, decodeBatch([]*kv.Sequence{s, s}, []int32{1}, []int32{2}))
}

// TestDecodeConcurrent: goroutines decode forks of one prompt at the same time,
// each with its workspace, over one pool. It is for the race detector.
func TestDecodeConcurrent(t *testing.T) {
	g := decoderGoldenOf(t, "llama-gqa3")
	d := g.open(t, nn.I8, nil)
	pool := poolOf(d, kv.BF16, 4096)
	ids := g.Cases[8].IDs
	want := logits(t, d, &nn.Workspace{}, decodeBatch([]*kv.Sequence{pool.New()}, ids[:90]))
	root := pool.New()
	logits(t, d, &nn.Workspace{}, decodeBatch([]*kv.Sequence{root}, ids[:45]))
	var wait sync.WaitGroup
	for range 4 {
		s := root.Fork()
		wait.Go(func() {
			ws := &nn.Workspace{}
			for range 5 {
				f := s.Fork()
				for at := 45; at < 90; at += 15 {
					b := decodeBatch([]*kv.Sequence{f}, ids[at:at+15])
					h, err := d.Decode(ws, b)
					if err != nil {
						t.Error(err)
						return
					}
					dst := tensor.NewMat(h.Rows, d.Info().Vocab)
					d.Logits(ws, dst, h, nil)
					for i := range 15 {
						if !slices.Equal(dst.Row(i), want[at+i]) {
							t.Errorf("token %d differs", at+i)
							return
						}
					}
				}
				f.Free()
			}
			s.Free()
		})
	}
	wait.Wait()
}
