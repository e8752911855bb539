package engine

import (
	"fmt"
	"slices"

	"mom/engine/view"
	"mom/models"
)

// window is a stretch of the tokens of a text, or of one of its views.
type window struct {
	t0, t1 int
	view   int // 0 is the text, i the view i-1
}

// read tokenises text and cuts it into windows.
func (e *Engine) read(q *request, text string) error {
	if err := e.tokenizer.Encode(&q.enc, text); err != nil {
		return &RequestError{Invalid, err.Error()}
	}
	n := len(q.enc.IDs)
	if n > e.maxTokens {
		return &RequestError{TooLong, fmt.Sprintf("text has %d tokens, more than the limit of %d", n, e.maxTokens)}
	}
	for i, id := range q.enc.IDs {
		if id < 0 || int(id) >= e.info.Vocab {
			return &RequestError{Invalid, fmt.Sprintf("token %d has id %d, outside the model's vocabulary of %d", i, id, e.info.Vocab)}
		}
	}
	if n+len(e.prefix)+len(e.suffix) == 0 {
		return &RequestError{Invalid, "text has no tokens"}
	}
	q.windows = windows(q.windows[:0], n, e.window.Tokens-len(e.prefix)-len(e.suffix), e.window.Overlap)
	q.next, q.own = 0, len(q.windows)
	return nil
}

// readsViews reports whether a head answers for the views of a text too: the
// guard, whose answer is that of its worst window.
func readsViews(h *models.Head) bool {
	return h.Function == "jailbreak" && h.Task == models.Sequence && h.Combine == models.CombineMax
}

// readViews adds the windows of the text's views behind its own.
func (e *Engine) readViews(q *request, text string) error {
	q.views = view.Find(q.views[:0], text)
	q.viewStarts = append(q.viewStarts[:0], 0)
	for i := range q.views {
		enc := &q.viewEnc
		if err := e.tokenizer.Encode(enc, q.views[i].Text); err != nil {
			return &RequestError{Invalid, err.Error()}
		}
		at, from := len(q.viewIDs), len(q.windows)
		q.viewIDs = append(q.viewIDs, enc.IDs...)
		q.viewOffsets = append(q.viewOffsets, enc.Offsets...)
		q.viewStarts = append(q.viewStarts, len(q.viewIDs))
		if bad := slices.IndexFunc(enc.IDs, func(id int32) bool { return id < 0 || int(id) >= e.info.Vocab }); bad >= 0 {
			return &RequestError{Invalid, fmt.Sprintf("token %d of the view %s has id %d, outside the model's vocabulary of %d", bad, q.views[i].Name, enc.IDs[bad], e.info.Vocab)}
		}
		q.windows = windows(q.windows, len(enc.IDs), e.window.Tokens-len(e.prefix)-len(e.suffix), e.window.Overlap)
		for w := from; w < len(q.windows); w++ {
			q.windows[w] = window{q.windows[w].t0 + at, q.windows[w].t1 + at, i + 1}
		}
	}
	return nil
}

// ids are the tokens that w is a stretch of.
func (q *request) ids(w window) []int32 {
	if w.view > 0 {
		return q.viewIDs[w.t0:w.t1]
	}
	return q.enc.IDs[w.t0:w.t1]
}

// windows cuts n tokens into stretches of at most size with an overlap. The
// last one ends with the text and is as long as the others, so that no window
// has only a few words to judge by.
func windows(dst []window, n, size, overlap int) []window {
	if n <= size {
		return append(dst, window{t1: n})
	}
	for t := 0; ; t += size - overlap {
		if t+size >= n {
			return append(dst, window{t0: n - size, t1: n})
		}
		dst = append(dst, window{t0: t, t1: t + size})
	}
}

// length is the tokens of a window with its special ones.
func (e *Engine) length(w window) int { return w.t1 - w.t0 + len(e.prefix) + len(e.suffix) }

// owner returns the first window in which token t is at least as far from the
// window's edges as in any other: the one that saw most around it. from is the
// owner of the token before.
func owner(ws []window, t, from int) int {
	depth := func(i int) int {
		w := ws[i]
		if t < w.t0 || t >= w.t1 {
			return -1
		}
		left, right := t-w.t0, w.t1-1-t
		if i == 0 { // the text begins here: nothing is cut off
			left = right
		}
		if i == len(ws)-1 {
			right = max(left, right)
		}
		return min(left, right)
	}
	for from+1 < len(ws) && depth(from+1) > depth(from) {
		from++
	}
	return from
}
