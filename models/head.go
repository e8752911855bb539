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
	Segment  int      // tokens of the segments judged beside a whole long text, see segments; 0 when there are none
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
	if h.Segment > 0 && h.Task == Sequence {
		logits = h.worst(logits, b)
	}
	return logits
}

// segments says how many segments of size tokens are judged beside a whole text
// of n tokens. Each shares half with the next and the last ends with the text; a
// text that is hardly longer than one has none.
func segments(n, size int) int {
	if size == 0 || 2*n <= 3*size {
		return 0
	}
	step := max(size/2, 1)
	return (n-size+step-1)/step + 1
}

// pool makes a row of every text, and behind it one of each of its segments.
func (h *Head) pool(ws *nn.Workspace, hidden tensor.Mat, b *Batch) tensor.Mat {
	if h.Segment == 0 {
		return Pool(ws, hidden, b, h.Pooling)
	}
	rows := b.Len()
	for i := range b.Len() {
		rows += segments(int(b.Starts[i+1]-b.Starts[i]), h.Segment)
	}
	d := hidden.Cols
	out := ws.Mat(nn.Pooled, rows, d)
	mean := func(row, s, e int) { vec.MeanRows(out.Row(row), hidden.Data[s*d:e*d], d, e-s, d) }
	row := 0
	for i := range b.Len() {
		s, e := int(b.Starts[i]), int(b.Starts[i+1])
		mean(row, s, e)
		row++
		for k := range segments(e-s, h.Segment) {
			from := min(s+k*max(h.Segment/2, 1), e-h.Segment)
			mean(row, from, from+h.Segment)
			row++
		}
	}
	return out
}

// worst keeps, of the rows of a text and its segments, the one in which the last
// of two labels is furthest ahead.
func (h *Head) worst(logits tensor.Mat, b *Batch) tensor.Mat {
	row := 0
	for i := range b.Len() {
		best := logits.Row(row)
		row++
		for range segments(int(b.Starts[i+1]-b.Starts[i]), h.Segment) {
			if r := logits.Row(row); r[1]-r[0] > best[1]-best[0] {
				best = r
			}
			row++
		}
		copy(logits.Row(i), best)
	}
	return tensor.Mat{Data: logits.Data[:b.Len()*logits.Cols], Rows: b.Len(), Cols: logits.Cols}
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
