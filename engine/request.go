package engine

import (
	"context"

	"mom/engine/ngram"
	"mom/engine/pattern"
	"mom/engine/view"
	"mom/models"
	"mom/tensor"
	"mom/tokenizer"
)

// request is one text on its way. Its memory is used again.
type request struct {
	ctx     context.Context
	enc     tokenizer.Encoding
	windows []window // of the text, then of its views
	own     int      // windows of the text
	breaks  []pause  // before the tokens of what is being cut
	next    int      // the first window that has not run
	embed   bool

	views   []view.View
	viewIDs []int32 // tokens of all views
	// viewOffsets are where they are in the text of their view, viewStarts the first
	// token of each view and the end.
	viewOffsets []tokenizer.Span
	viewStarts  []int
	viewEnc     tokenizer.Encoding

	logits  [][]float32 // a head: [windows width], of views too, or [text tokens width] for Token heads; combine adds n-grams
	pooled  []float32   // [windows hidden], for embeddings
	matches []pattern.Match
	words   []int32 // of the tokens, where the tokenizer cuts at spaces alone
	ngrams  ngram.Set

	state     state
	slot      *slot
	ready     chan struct{} // a slot has come, or the work is done
	err       error
	abandoned bool
	prev      *request // in the queue
	nextIn    *request
}

type state uint8

const (
	idle state = iota
	queued
	leading // has a slot
	riding  // its windows run in another's forward pass
	done
)

// reserve makes room for the answers of q's windows.
func (e *Engine) reserve(q *request) {
	if q.embed {
		grow(&q.pooled, len(q.windows)*e.info.Hidden)
		return
	}
	for len(q.logits) < len(e.model.Heads) {
		q.logits = append(q.logits, nil)
	}
	for i, h := range e.model.Heads {
		n := len(q.windows)
		if h.Task != models.Sequence {
			n = len(q.enc.IDs)
		}
		grow(&q.logits[i], n*h.Width())
	}
}

// keep stores the logits of head h for the windows [w0,w1) of q, whose rows in
// logits begin at row (a sequence, or a token with the special ones).
func (e *Engine) keep(q *request, head int, logits tensor.Mat, row, w0, w1 int) {
	h := e.model.Heads[head]
	if h.Task == models.Sequence {
		copy(q.logits[head][w0*h.Width():w1*h.Width()], logits.Data[row*h.Width():])
		return
	}
	own := q.windows[:q.own]
	from := max(w0-1, 0)
	for w := w0; w < min(w1, q.own); w++ {
		win := own[w]
		row += len(e.prefix)
		for t := win.t0; t < win.t1; t++ {
			if from = owner(own, t, from); from == w {
				copy(q.logits[head][t*h.Width():(t+1)*h.Width()], logits.Row(row+t-win.t0))
			}
		}
		row += win.t1 - win.t0 + len(e.suffix)
		from = w
	}
}

func grow[T any](b *[]T, n int) []T {
	if cap(*b) < n {
		*b = make([]T, n+n/2)
	}
	*b = (*b)[:n]
	return *b
}
