package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"mom/kernels/gemm"
	"mom/kernels/quant"
	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
)

// What a decoder writes for a Fit.
const (
	fitSequences = 32
	fitLength    = 128
)

// A Fit rounds the linear layers of a decoder to integers by what comes to them in
// texts: those that it was made for, or some that it has written itself, which need
// no data and are of the kind that it writes. It is for one goroutine.
type Fit struct {
	layers map[string]target     // by name
	grams  map[int][]float32     // XᵀX of the inputs of a layer, by its number
	last   map[int]*compensation // of the layer that came last
}

// NewFit has d, which is in float32, write texts, half of which begin with the
// token bos, if it is one, the others anywhere. team may be nil.
func NewFit(d Decoder, bos int32, team *nn.Team) (*Fit, error) {
	texts, err := selfWritten(&nn.Workspace{Team: team}, d, bos)
	if err != nil {
		return nil, fmt.Errorf("texts to fit weights to: %w", err)
	}
	return NewFitOn(d, texts, team)
}

// NewFitOn has d, which is in float32, read texts, each of one token at least and of
// no more than its positions.
func NewFitOn(d Decoder, texts [][]int32, team *nn.Team) (*Fit, error) {
	f := &Fit{layers: map[string]target{}, grams: map[int][]float32{}}
	all, _ := d.targets()
	for _, t := range all {
		f.layers[t.name+".weight"] = t
	}
	ws := &nn.Workspace{Team: team}
	ws.Watch(func(l *nn.Linear, x tensor.Mat) {
		if l.ID() > 0 && l.In%quant.GroupI4 == 0 {
			f.see(l.ID(), x)
		}
	})
	const many = 8
	for i := 0; i < len(texts); i += many {
		part := texts[i:min(i+many, len(texts))]
		b := &DecodeBatch{Starts: []int32{0}, Want: []int32{0}}
		longest := 0
		for _, ids := range part {
			longest = max(longest, len(ids))
		}
		pool := poolFor(d, len(part), longest)
		for _, ids := range part {
			b.IDs = append(b.IDs, ids...)
			b.Starts = append(b.Starts, int32(len(b.IDs)))
			b.Seqs = append(b.Seqs, pool.New())
		}
		if _, err := d.Decode(ws, b); err != nil {
			return nil, fmt.Errorf("texts to fit weights to: %w", err)
		}
	}
	return f, nil
}

func poolFor(d Decoder, sequences, tokens int) *kv.Pool {
	info := d.Info()
	o := kv.Options{Layers: info.Layers, KVHeads: info.KVHeads, HeadDim: info.HeadDim}
	o.Bytes = sequences * ((tokens + kv.PageTokens - 1) / kv.PageTokens) * o.PageBytes()
	return kv.NewPool(o)
}

// selfWritten is texts of d, sampled as its probabilities are, the same every time.
func selfWritten(ws *nn.Workspace, d Decoder, bos int32) (texts [][]int32, err error) {
	info := d.Info()
	rnd := rand.New(rand.NewPCG(1, 2))
	length := min(fitLength, info.MaxTokens)
	pool := poolFor(d, fitSequences, length)
	b := &DecodeBatch{Starts: []int32{0}}
	for i := range fitSequences {
		first := int32(rnd.IntN(info.Vocab))
		if i%2 == 0 && bos >= 0 && int(bos) < info.Vocab {
			first = bos
		}
		texts = append(texts, []int32{first})
		b.IDs, b.Want = append(b.IDs, first), append(b.Want, int32(i))
		b.Starts, b.Seqs = append(b.Starts, int32(i+1)), append(b.Seqs, pool.New())
	}
	logits := tensor.NewMat(fitSequences, info.Vocab)
	for range length - 1 {
		h, err := d.Decode(ws, b)
		if err != nil {
			return nil, err
		}
		d.Logits(ws, logits, h, nil)
		for i := range texts {
			b.IDs[i] = draw(logits.Row(i), rnd.Float64())
			texts[i] = append(texts[i], b.IDs[i])
		}
	}
	for _, s := range b.Seqs {
		s.Free()
	}
	return texts, nil
}

// draw is the token at which the sum of the probabilities reaches p.
func draw(logits []float32, p float64) int32 {
	top := float64(logits[0])
	for _, x := range logits {
		top = max(top, float64(x))
	}
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x) - top)
	}
	p *= sum
	for i, x := range logits {
		if p -= math.Exp(float64(x) - top); p <= 0 {
			return int32(i)
		}
	}
	return int32(len(logits) - 1)
}

// see adds XᵀX of x [t k] to the gram of a layer.
func (f *Fit) see(id int, x tensor.Mat) {
	t, k := x.Rows, x.Cols
	h := f.grams[id]
	if h == nil {
		h = make([]float32, k*k)
		f.grams[id] = h
	}
	xt := make([]float32, k*t)
	for i := range t {
		for j, v := range x.Row(i) {
			xt[j*t+i] = v
		}
	}
	p := gemm.PackF32(xt, k, t, false)
	const rows = 128
	var wait sync.WaitGroup
	for r := 0; r < k; r += rows {
		wait.Add(1)
		go func() {
			defer wait.Done()
			p.Mul(h[r*k:], k, xt[r*t:], t, min(rows, k-r), 0, p.Units(), gemm.Epilogue{Accumulate: true})
		}()
	}
	wait.Wait()
}

// Int4 rounds the weight w [n k] of a name, as quant.WeightsI4 has it: q [n k/2],
// scale [n k/32]. It reports false for what is no layer of the decoder.
func (f *Fit) Int4(name string, w []float32, n, k int) (q []byte, scale []float32, ok bool) {
	c := f.compensation(name, n, k)
	if c == nil {
		return nil, nil, false
	}
	q, scale = c.int4(w, n)
	return q, scale, true
}

// Int8 is Int4 for int8, as quant.Weights has it: q [n k], scale [n].
func (f *Fit) Int8(name string, w []float32, n, k int) (q []int8, scale []float32, ok bool) {
	c := f.compensation(name, n, k)
	if c == nil {
		return nil, nil, false
	}
	q, scale = c.int8(w, n)
	return q, scale, true
}

// compensation is that of the layer of a name and shape; nil if there is none.
func (f *Fit) compensation(name string, n, k int) *compensation {
	t, ok := f.layers[strings.TrimPrefix(name, "_orig_mod.")]
	gram := f.grams[t.id]
	if !ok || gram == nil || t.n != n || t.k != k {
		return nil
	}
	c := f.last[t.id]
	if c == nil {
		c = newCompensation(gram, k)
		f.last = map[int]*compensation{t.id: c} // gate and up come one after the other
	}
	return c
}
