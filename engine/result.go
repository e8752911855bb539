package engine

import (
	"math"
	"slices"

	"mom/kernels/vec"
	"mom/models"
	"mom/tokenizer"
)

// A Result is what the heads say about one text. Reuse it: its memory grows to
// the longest text seen.
type Result struct {
	Tokens  int // of the text, without special ones
	Windows int // of the text that were read; all of them count
	Views   int // other readings of the text, which the guard took too
	Heads   []HeadResult

	// Offsets are the text's tokens in bytes, when the model has a Token head.
	Offsets []tokenizer.Span
}

// A HeadResult is the answer of one head. For a Sequence head Scores are the
// probabilities of its labels after temperature, and Best the index of the
// highest; the n-grams beside a head are in both. For a Token head Logits and Scores have a row a token.
type HeadResult struct {
	Head   *models.Head
	Logits []float32
	Scores []float32
	Best   int
	Window int    // the window that decided, with CombineMax
	View   string // the view of the text that this window is of; "" for the text itself
	Spans  []Span // of Token heads
}

// Label is the name of the best label of a Sequence head.
func (h *HeadResult) Label() string { return h.Head.Labels[h.Best] }

// Score is the probability of the best label of a Sequence head.
func (h *HeadResult) Score() float32 { return h.Scores[h.Best] }

// Head returns the result of the head with this function, or nil.
func (r *Result) Head(function string) *HeadResult {
	for i := range r.Heads {
		if r.Heads[i].Head.Function == function {
			return &r.Heads[i]
		}
	}
	return nil
}

// combine makes r of the logits of q's windows.
func (e *Engine) combine(q *request, text string, r *Result) {
	r.Tokens, r.Windows, r.Views = len(q.enc.IDs), q.own, len(q.views)
	r.Offsets = r.Offsets[:0]
	grow(&r.Heads, len(e.model.Heads))
	for i, head := range e.model.Heads {
		h := &r.Heads[i]
		h.Head, h.Best, h.Window, h.View = head, 0, 0, ""
		h.Spans = h.Spans[:0]
		n := head.Width()
		switch head.Task {
		case models.Sequence:
			grow(&h.Logits, n)
			grow(&h.Scores, n)
			logits := q.logits[i]
			if !readsViews(head) {
				logits = logits[:q.own*n]
			}
			if g := head.Ngrams; g != nil && head.Combine == models.CombineMax {
				for w := range len(logits) / n {
					q.ngrams.Read(q.windowText(text, w), g.Buckets)
					g.Add(logits[w*n:][:n], h.Scores, q.ngrams.Buckets)
				}
			}
			h.combineWindows(logits, n, q.windows)
			if readsViews(head) {
				h.View, h.Window = q.place(h.Window)
			}
			if g := head.Ngrams; g != nil && head.Combine == models.CombineMean {
				q.ngrams.Read(text, g.Buckets)
				g.Add(h.Logits, h.Scores, q.ngrams.Buckets)
			}
			h.Scores = append(h.Scores[:0], h.Logits...)
			models.Softmax(h.Scores, head.Temperature)
			h.Best = argmax(h.Scores)
		case models.Token:
			h.Logits = append(h.Logits[:0], q.logits[i]...)
			h.Scores = append(h.Scores[:0], h.Logits...)
			for t := range q.enc.IDs {
				models.Softmax(h.Scores[t*n:(t+1)*n], head.Temperature)
			}
			r.Offsets = append(r.Offsets[:0], q.enc.Offsets...)
			word := q.enc.Words
			if e.tokenizer.CutsAtSpaces() {
				q.words = wordsWithin(q.words[:0], &q.enc, text)
				word = q.words
			}
			h.Spans = e.bio[i].spans(h.Spans, h.Scores, &q.enc, word)
			if head.Function == "pii" {
				trimSpans(h.Spans, text)
				h.Spans = addPatterns(h.Spans, &q.matches, text)
			}
		case models.MaskedLM:
			h.Logits = append(h.Logits[:0], q.logits[i]...)
			r.Offsets = append(r.Offsets[:0], q.enc.Offsets...)
		}
	}
}

// place names the view that window w is of, and counts within it.
func (q *request) place(w int) (name string, at int) {
	v := q.windows[w].view
	if v == 0 {
		return "", w
	}
	return q.views[v-1].Name, w - slices.IndexFunc(q.windows, func(w window) bool { return w.view == v })
}

// windowText is the stretch of text, or of a view of it, that window w reads.
func (q *request) windowText(text string, w int) string {
	win, offsets := q.windows[w], q.enc.Offsets
	first, last := 0, len(q.enc.IDs) // tokens of the text or view
	if win.view > 0 {
		text, offsets = q.views[win.view-1].Text, q.viewOffsets
		first, last = q.viewStarts[win.view-1], q.viewStarts[win.view]
	}
	from, to := 0, len(text) // the first window has what comes before its first token, too
	if win.t0 > first {
		from = offsets[win.t0].Start
	}
	if win.t1 < last {
		to = offsets[win.t1].Start
	}
	return text[from:max(from, to)]
}

// combineWindows makes one row of logits of those of all windows: the worst
// one's, or their mean, in which a window counts by its tokens.
func (h *HeadResult) combineWindows(logits []float32, n int, of []window) {
	windows := len(logits) / n
	if h.Head.Combine == models.CombineMax {
		best := float32(math.Inf(-1))
		for w := range windows {
			row := logits[w*n : (w+1)*n]
			// The margin of the last label orders windows as its probability does.
			margin := row[n-1] - logSumExp(row[:n-1])
			if margin > best || w == 0 {
				best, h.Window = margin, w
			}
		}
		copy(h.Logits, logits[h.Window*n:(h.Window+1)*n])
		return
	}
	clear(h.Logits)
	all := 0
	for w := range windows {
		all += max(of[w].t1-of[w].t0, 1)
	}
	for w := range windows {
		vec.AddScaled(h.Logits, logits[w*n:(w+1)*n], float32(max(of[w].t1-of[w].t0, 1))/float32(all))
	}
}

func logSumExp(x []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	m := slices.Max(x)
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v - m))
	}
	return m + float32(math.Log(sum))
}

func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// combineEmbedding makes one vector of length 1 of those of all windows,
// weighted by their tokens.
func (e *Engine) combineEmbedding(q *request, dst []float32) {
	clear(dst)
	for i, w := range q.windows {
		vec.AddScaled(dst, q.pooled[i*len(dst):(i+1)*len(dst)], float32(max(w.t1-w.t0, 1)))
	}
	vec.L2Normalize(dst)
}
