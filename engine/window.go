package engine

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mom/engine/view"
	"mom/models"
	"mom/tokenizer"
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
	q.windows = e.cut(q.windows[:0], q, text, q.enc.Offsets)
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
		q.windows = e.cut(q.windows, q, q.views[i].Text, enc.Offsets)
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

// cut adds the windows of a text, or of a view, whose tokens are at offsets.
func (e *Engine) cut(dst []window, q *request, text string, offsets []tokenizer.Span) []window {
	size := e.window.Tokens - len(e.prefix) - len(e.suffix)
	q.breaks = q.breaks[:0]
	if len(offsets) > size {
		q.breaks = pauses(q.breaks, text, offsets)
	}
	return windows(dst, len(offsets), size, e.window.Overlap, q.breaks)
}

// pause is what ends before a token.
type pause uint8

const (
	within    pause = iota // nothing
	sentence               // a sentence
	line                   // a line
	paragraph              // lines, with an empty one behind them
)

// pauses finds what ends before each token, by reading each byte once.
func pauses(dst []pause, text string, offsets []tokenizer.Span) []pause {
	at := 0                  // how far the text is read
	last := rune(0)          // the last of it that neither is space nor closes quotes or brackets
	space, lines := false, 0 // and what stands behind that
	for _, o := range offsets {
		p := within
		for first := true; at < o.End; {
			r, size := utf8.DecodeRuneInString(text[at:])
			start := at
			at += size
			if unicode.IsSpace(r) {
				space = true
				if r == '\n' || r == '\u2028' || r == '\u2029' || r == '\r' && !strings.HasPrefix(text[at:], "\n") {
					lines++
				}
				continue
			}
			closes := strings.ContainsRune(`"')]}”’»」』`, r)
			if first && start >= o.Start && last != 0 {
				switch {
				case lines > 0:
					p = line + pause(min(lines-1, 1))
				case space && strings.ContainsRune(".!?…。！？।؟", last), !closes && strings.ContainsRune("。！？", last):
					p = sentence
				}
				first = false
			}
			if !closes || last == 0 {
				last = r
			}
			space, lines = false, 0
		}
		dst = append(dst, p)
	}
	return dst
}

// windows cuts n tokens into stretches of at most size, each of which ends where a paragraph ends, or else a line or a
// sentence, if one does in its second half: so a window rather holds whole paragraphs
// than pieces of two, and reads as a short text does. The next one shares overlap
// tokens with it, so that nothing hides in the seam, and up to half as many more if
// something ends there. The last one ends with the text and has at least half of size,
// so that none has only a few words to judge by.
func windows(dst []window, n, size, overlap int, ends []pause) []window {
	if n <= size {
		return append(dst, window{t1: n})
	}
	t, end := 0, 0
	for t+size < n {
		if end = lastEnd(ends, max(t+size/2, end), t+size); end < 0 {
			end = t + size
		}
		dst = append(dst, window{t0: t, t1: end})
		from := max(end-overlap, t+1)
		if t = lastEnd(ends, max(from-overlap/2, t), from); t < 0 {
			t = from
		}
	}
	t = min(t, n-size/2)
	if ends[t] == within {
		t = n - size
	}
	return append(dst, window{t0: t, t1: n})
}

// lastEnd is the last token from behind low to high before which most ends, -1
// where nothing does.
func lastEnd(ends []pause, low, high int) int {
	at, most := -1, within
	for i := high; i > low && most < paragraph; i-- {
		if ends[i] > most {
			at, most = i, ends[i]
		}
	}
	return at
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
