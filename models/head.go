package models

import (
	"mom/kernels/vec"
	"mom/models/nn"
	"mom/tensor"
)

// Task is what a head answers.
type Task uint8

// Sequence gives one row of logits a text, Token one a token, MaskedLM one
// over the vocabulary a token.
const (
	Sequence Task = iota
	Token
	MaskedLM
)

func (t Task) String() string {
	return [...]string{"sequence-classification", "token-classification", "masked-lm"}[t]
}

// Pooling is how the rows of a text become one.
type Pooling uint8

// Mean is over all tokens of the text, special ones included; CLS is the first.
const (
	Mean Pooling = iota
	CLS
)

func (p Pooling) String() string { return [...]string{"mean", "cls"}[p] }

// A Head turns the last hidden states of a trunk into logits:
//
//	pool (Sequence only) -> dense -> activation -> norm -> classifier
//
// where dense with its activation, and norm, may be absent.
type Head struct {
	Name     string // of a family's head; else ""
	Function string // intent, jailbreak, pii; else ""
	Task     Task
	Pooling  Pooling
	Labels   []string // nil for MaskedLM

	// What a family's manifest says of the use of the head.
	Temperature float64 // logits are divided by it; 1 when not calibrated
	Threshold   float64 // 0 when there is none
	Combine     Combine
	Ngrams      *Ngrams // nil when there are none

	dense      *nn.Linear
	norm       *nn.Norm
	classifier nn.Linear
}

// Combine is how the results of a long text's windows become one.
type Combine uint8

// CombineMean averages logits, CombineMax takes the window with the highest
// score of the last label, CombineSpans merges the windows' spans.
const (
	CombineMean Combine = iota
	CombineMax
	CombineSpans
)

func (c Combine) String() string { return [...]string{"mean", "max", "spans"}[c] }

// Width is the number of logits in a row.
func (h *Head) Width() int { return h.classifier.Out }

// Apply returns the logits: [n width] for Sequence, [t width] for the others.
// The result lives in the workspace's Logits slot.
func (h *Head) Apply(ws *nn.Workspace, hidden tensor.Mat, b *Batch) tensor.Mat {
	x := hidden
	if h.Task == Sequence {
		x = h.pool(ws, hidden, b)
	}
	if h.dense != nil {
		y := ws.Mat(nn.Head1, x.Rows, h.dense.Out)
		ws.Apply(y, x, h.dense, nil, false)
		x = y
	}
	logits := ws.Mat(nn.Logits, x.Rows, h.classifier.Out)
	ws.Apply(logits, x, &h.classifier, h.norm, false)
	return logits
}

func (h *Head) pool(ws *nn.Workspace, hidden tensor.Mat, b *Batch) tensor.Mat {
	return Pool(ws, hidden, b, h.Pooling)
}

// Pool makes one row a sequence, in the workspace's Pooled slot.
func Pool(ws *nn.Workspace, hidden tensor.Mat, b *Batch, p Pooling) tensor.Mat {
	d := hidden.Cols
	out := ws.Mat(nn.Pooled, b.Len(), d)
	for i := range b.Len() {
		s, e := int(b.Starts[i]), int(b.Starts[i+1])
		if p == CLS {
			copy(out.Row(i), hidden.Row(s))
			continue
		}
		vec.MeanRows(out.Row(i), hidden.Data[s*d:e*d], d, e-s, d)
	}
	return out
}

// Softmax replaces the logits of one row by probabilities at temperature t.
func Softmax(row []float32, t float64) {
	if t != 1 && t > 0 {
		vec.Scale(row, float32(1/t))
	}
	vec.Softmax(row, row)
}
