package models

import "math"

const maxBuckets = 1 << 24

// Ngrams is a linear model of a text's hashed features: one against the rest for
// each label, or of two labels one row, which speaks for the second. The table is kept
// as it was stored, in int8 with a scale a row or in float32.
type Ngrams struct {
	Buckets int

	i8    []int8    // [buckets rows]
	f32   []float32 // or this
	scale []float32 // of i8
	bias  []float32
	mix   float32
	one   bool // row, of two labels
}

// ngrams reads ngrams.weight [rows buckets] and ngrams.bias [rows].
// They are one row, of two labels, or a row a label.
func (w *Weights) ngrams(labels int, one bool, m *ManifestNgrams) *Ngrams {
	rows := labels
	if one {
		rows = 1
	}
	weight := w.Matrix("ngrams.weight", rows, m.Buckets) // when it fails, w has said why
	if weight.I4 != nil {
		w.fail("%sngrams.weight: is int4; want int8 or a float format", w.prefix)
	}
	return &Ngrams{
		Buckets: m.Buckets, i8: transposed(weight.I8, rows), f32: transposed(weight.F32, rows), scale: weight.Scale,
		bias: w.Vector("ngrams.bias", rows), mix: float32(m.Mix), one: one,
	}
}

// transposed makes [k n] of [n k].
func transposed[T int8 | float32](x []T, n int) []T {
	k := len(x) / n
	y := make([]T, len(x))
	for i := range n {
		for j := range k {
			y[j*n+i] = x[i*k+j]
		}
	}
	return y
}

// addRows adds rows of table to sum, whose length they have.
func addRows[T int8 | float32](sum []float32, table []T, rows []uint32) {
	for _, r := range rows {
		for i, v := range table[int(r)*len(sum) : (int(r)+1)*len(sum)] {
			sum[i] += float32(v)
		}
	}
}

// Add adds what the features say to the logits of a head: the log-probability of
// each label by itself, or, of one row, the log-odds of the second label to its logit. scratch
// has the length of logits. A text without features says nothing.
func (n *Ngrams) Add(logits, scratch []float32, buckets []uint32) {
	if len(buckets) == 0 {
		return
	}
	scratch = scratch[:len(n.bias)]
	clear(scratch)
	if len(n.i8) > 0 {
		addRows(scratch, n.i8, buckets)
		for l := range scratch {
			scratch[l] *= n.scale[l]
		}
	} else {
		addRows(scratch, n.f32, buckets)
	}
	norm := 1 / math.Sqrt(float64(len(buckets)))
	for l, z := range scratch {
		x := float64(z)*norm + float64(n.bias[l])
		if n.one {
			logits[1] += n.mix * float32(x)
			return
		}
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
