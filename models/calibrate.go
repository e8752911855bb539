package models

import (
	"errors"
	"math/rand/v2"
	"sync"

	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
)

// The sequences that Calibrate runs are short, as in them special tokens weigh most.
const (
	calibrationSequences = 32
	calibrationLength    = 12
)

// Calibrate runs an int8 model on random tokens, the same every time, between
// the special tokens prefix and suffix, and rounds the activations of layers
// whose input one channel dominates more finely from then on. It does nothing in
// other precisions. No forward pass may run meanwhile. It takes so many cores; the
// result does not depend on them.
func (m *Model) Calibrate(prefix, suffix []int32, cores int) error {
	if m.Precision != nn.I8 {
		return nil
	}
	info := m.Trunk.Info()
	if len(prefix)+len(suffix)+calibrationLength > info.MaxTokens {
		return nil // such a model has no room for a text either
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	first := info.Vocab / 16 // vocabularies begin with tokens that are never used
	b := Batch{Starts: []int32{0}}
	for range calibrationSequences {
		b.IDs = append(b.IDs, prefix...)
		for range 1 + rnd.IntN(calibrationLength) {
			b.IDs = append(b.IDs, int32(first+rnd.IntN(info.Vocab-first)))
		}
		b.IDs = append(b.IDs, suffix...)
		b.Starts = append(b.Starts, int32(len(b.IDs)))
	}
	seen, err := m.observe(&b, cores)
	if err != nil {
		return err
	}
	seen.Split(cores)
	return nil
}

// observe runs the sequences of b, some on every core. A sequence's rows do not
// depend on that.
func (m *Model) observe(b *Batch, cores int) (nn.Observations, error) {
	workers := min(cores, calibrationSequences)
	seen, errs := make([]nn.Observations, workers), make([]error, workers)
	var done sync.WaitGroup
	for i := range workers {
		seen[i] = nn.Observations{}
		starts := b.Starts[i*calibrationSequences/workers : (i+1)*calibrationSequences/workers+1]
		part := Batch{IDs: b.IDs[starts[0]:starts[len(starts)-1]]}
		for _, s := range starts {
			part.Starts = append(part.Starts, s-starts[0])
		}
		done.Go(func() {
			ws := &nn.Workspace{}
			ws.Observe(seen[i])
			_, errs[i] = m.Trunk.Encode(ws, &part)
		})
	}
	done.Wait()
	for _, more := range seen[1:] {
		seen[0].Append(more)
	}
	return seen[0], errors.Join(errs...)
}

// calibrateDecoder is Calibrate for a decoder. The first token of a sequence has
// the channels that dominate, whatever it is.
func calibrateDecoder(d Decoder) error {
	info := d.Info()
	if calibrationLength > info.MaxTokens {
		return nil
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	o := kv.Options{Layers: info.Layers, KVHeads: info.KVHeads, HeadDim: info.HeadDim}
	o.Bytes = calibrationSequences * o.PageBytes()
	pool := kv.NewPool(o)
	b := DecodeBatch{Starts: []int32{0}}
	for range calibrationSequences {
		for range calibrationLength {
			b.IDs = append(b.IDs, int32(rnd.IntN(info.Vocab)))
		}
		b.Starts = append(b.Starts, int32(len(b.IDs)))
		b.Seqs = append(b.Seqs, pool.New())
	}
	for i := range b.IDs {
		b.Want = append(b.Want, int32(i))
	}
	seen := nn.Observations{}
	ws := &nn.Workspace{}
	ws.Observe(seen)
	hidden, err := d.Decode(ws, &b)
	if err != nil {
		return err
	}
	d.Logits(ws, tensor.NewMat(hidden.Rows, 1), hidden, []int32{0})
	seen.Split(1)
	return nil
}
