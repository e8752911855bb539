package engine

import (
	"fmt"
)

// window is a stretch of a text's tokens and where its answers lie.
type window struct {
	t0, t1 int // text tokens
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
	q.next = 0
	e.reserve(q)
	return nil
}

// windows cuts n tokens into stretches of at most size with an overlap. The
// last one ends with the text and is as long as the others, so that no window
// has only a few words to judge by.
func windows(dst []window, n, size, overlap int) []window {
	if n <= size {
		return append(dst, window{0, n})
	}
	for t := 0; ; t += size - overlap {
		if t+size >= n {
			return append(dst, window{n - size, n})
		}
		dst = append(dst, window{t, t + size})
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
