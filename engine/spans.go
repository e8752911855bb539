package engine

import (
	"slices"
	"strings"

	"mom/engine/pattern"
	"mom/models"
	"mom/tokenizer"
)

// A Span is a stretch of the text with a label.
type Span struct {
	Start, End int // bytes
	Label      string
	Score      float32
	By         By
}

// By says who found a span.
type By uint8

// Model is the token head; Pattern a recogniser that checks form and, where
// there is one, the checksum.
const (
	Model By = iota
	Pattern
)

func (b By) String() string { return [...]string{"model", "pattern"}[b] }

// bio is how the labels of a Token head stand for types: B-X and I-X, or X
// alone.
type bio struct {
	width, outside int // outside is -1 when there is no O
	threshold      float32
	types          []bioType
}

type bioType struct {
	name          string
	begin, inside int // -1 when there is no such label
}

func newBIO(h *models.Head) *bio {
	b := &bio{width: len(h.Labels), outside: -1, threshold: float32(h.Threshold)}
	if b.threshold == 0 {
		b.threshold = 0.5
	}
	at := map[string]int{}
	for i, label := range h.Labels {
		if label == "O" {
			b.outside = i
			continue
		}
		name, kind := label, ""
		if rest, ok := strings.CutPrefix(label, "B-"); ok {
			name, kind = rest, "B"
		} else if rest, ok := strings.CutPrefix(label, "I-"); ok {
			name, kind = rest, "I"
		}
		k, ok := at[name]
		if !ok {
			k = len(b.types)
			at[name] = k
			b.types = append(b.types, bioType{name, -1, -1})
		}
		if kind == "I" {
			b.types[k].inside = i
		} else {
			b.types[k].begin = i
		}
	}
	return b
}

// spans reads the labels word by word: the tokens of a word vote with their
// probabilities, B- and I- of a type together. A span goes on while the type
// stays and the next word does not rather begin a new one. Its score is the
// mean over its words. Words whose probability of O is above 1 - threshold are
// outside. scores [tokens width].
func (b *bio) spans(dst []Span, scores []float32, enc *tokenizer.Encoding) []Span {
	open, words := -1, 0
	for t := 0; t < len(enc.IDs); {
		end := t + 1
		for end < len(enc.IDs) && enc.Words[end] == enc.Words[t] && enc.Words[t] >= 0 {
			end++
		}
		kind, score, begins := b.vote(scores[t*b.width : end*b.width])
		start, stop := enc.Offsets[t].Start, enc.Offsets[end-1].End
		switch {
		case kind < 0:
		case kind == open && !begins:
			s := &dst[len(dst)-1]
			s.End = stop
			s.Score += (score - s.Score) / float32(words+1)
			words++
		default:
			dst = append(dst, Span{Start: start, End: stop, Label: b.types[kind].name, Score: score})
			words = 1
		}
		open = kind
		t = end
	}
	return dst
}

// vote returns the type with the highest mean probability over a word's tokens,
// or -1 for outside, and whether the first token begins it.
func (b *bio) vote(scores []float32) (best int, score float32, begins bool) {
	n := b.width
	rows := float32(len(scores) / n)
	if b.outside >= 0 {
		var o float32
		for i := b.outside; i < len(scores); i += n {
			o += scores[i]
		}
		if 1-o/rows < b.threshold {
			return -1, 0, false
		}
	}
	best = -1
	for k, t := range b.types {
		var sum float32
		for i := 0; i < len(scores); i += n {
			if t.begin >= 0 {
				sum += scores[i+t.begin]
			}
			if t.inside >= 0 {
				sum += scores[i+t.inside]
			}
		}
		if best < 0 || sum > score {
			best, score = k, sum
		}
	}
	if best < 0 {
		return -1, 0, false
	}
	t := b.types[best]
	begins = t.begin >= 0 && t.inside >= 0 && scores[t.begin] > scores[t.inside]
	return best, score / rows, begins
}

// addPatterns merges what the recognisers find in text into the model's spans.
// A match that is verified by a checksum replaces whatever overlaps it; another
// match replaces overlapping spans of its own label and weaker ones, and gives
// way to the rest.
func addPatterns(spans []Span, matches *[]pattern.Match, text string) []Span {
	*matches = pattern.Find((*matches)[:0], text)
	for _, m := range *matches {
		wins := true
		for _, s := range spans {
			if s.Start < m.End && m.Start < s.End && !m.Verified && s.Label != m.Label && s.Score > m.Score {
				wins = false
			}
		}
		if !wins {
			continue
		}
		spans = slices.DeleteFunc(spans, func(s Span) bool { return s.Start < m.End && m.Start < s.End })
		spans = append(spans, Span{m.Start, m.End, m.Label, m.Score, Pattern})
	}
	slices.SortFunc(spans, func(a, b Span) int { return a.Start - b.Start })
	return spans
}
