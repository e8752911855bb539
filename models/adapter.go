package models

import "mom/models/nn"

// An Adapter is a LoRA that runs over one decoder, beside others in a batch: the
// decoder's weights stay as they are, and rows with the adapter get
// (alpha/r)·B·A·x added to the outputs of the adapted layers. What Options.LoRA
// merges gives the same within float error in float32; in narrower precisions
// the adapter is exact here, whereas merged it is rounded with the weights.
type Adapter struct {
	Bytes int // of its matrices
	Ops   int // additions and multiplications a token

	of     Decoder
	deltas nn.Deltas
}

// target is a linear layer of a decoder that an adapter may change: columns
// [col, col+n) of the layer with the number id, whose input has k columns.
type target struct {
	name    string
	id, col int
	n, k    int
}

// OpenAdapter prepares a LoRA for d. It may change any linear layer but the
// output: that one, embeddings and modules saved whole must be merged.
func OpenAdapter(d Decoder, l *LoRA) (*Adapter, error) {
	w := &Weights{weightState: &weightState{arch: d.Info().Architecture, used: map[string]bool{}}}
	s := newLoRA(l)
	a := &Adapter{of: d}
	linears, dropped := d.targets()
	for _, layer := range dropped {
		s.ignoreBelow(layer + ".")
	}
	for _, t := range linears {
		A, B, rank, scale := s.pair(w, t.name, t.n, t.k)
		if rank == 0 || w.failed() {
			continue
		}
		for i := range B {
			B[i] = float32(float64(B[i]) * scale)
		}
		for len(a.deltas) <= t.id {
			a.deltas = append(a.deltas, nil)
		}
		delta := nn.NewDelta(t.col, t.n, rank, t.k, A, B)
		a.Bytes += delta.Bytes()
		a.Ops += 2 * rank * (t.n + t.k)
		a.deltas[t.id] = append(a.deltas[t.id], delta)
	}
	w.lora = s
	if err := w.Err(); err != nil {
		return nil, err
	}
	return a, nil
}
