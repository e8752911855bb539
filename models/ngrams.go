package models

import (
	"math"

	"mom/kernels/vec"
)

const maxBuckets = 1 << 24

// Ngrams is a linear model of a text's hashed features, one against the rest
// for each label.
type Ngrams struct {
	Buckets int

	table []float32 // [buckets labels]
	bias  []float32
	mix   float32
}

// ngrams reads ngrams.weight [labels buckets] and ngrams.bias [labels].
func (w *Weights) ngrams(labels int, m *ManifestNgrams) *Ngrams {
	weight := w.Matrix("ngrams.weight", labels, m.Buckets)
	n := &Ngrams{Buckets: m.Buckets, bias: w.Vector("ngrams.bias", labels), mix: float32(m.Mix)}
	if weight.I8 == nil && weight.F32 == nil {
		return n // w has said what is wrong
	}
	n.table = make([]float32, labels*m.Buckets)
	for l := range labels {
		for b := range m.Buckets {
			i := l*m.Buckets + b
			if weight.I8 != nil {
				n.table[b*labels+l] = float32(weight.I8[i]) * weight.Scale[l]
			} else {
				n.table[b*labels+l] = weight.F32[i]
			}
		}
	}
	return n
}

// Add adds what the features say to the logits of a head; scratch has their
// length. A text without features says nothing.
func (n *Ngrams) Add(logits, scratch []float32, buckets []uint32) {
	if len(buckets) == 0 {
		return
	}
	labels := len(n.bias)
	clear(scratch)
	for _, b := range buckets {
		vec.AddScaled(scratch, n.table[int(b)*labels:int(b+1)*labels], 1)
	}
	norm := 1 / math.Sqrt(float64(len(buckets)))
	for l, z := range scratch {
		x := float64(z)*norm + float64(n.bias[l])
		logits[l] += n.mix * float32(-softplus(-x))
	}
}

// softplus is log(1+exp(x)).
func softplus(x float64) float64 {
	if x > 30 {
		return x
	}
	return math.Log1p(math.Exp(x))
}
