package engine

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

// wordsWithin numbers the words of a text that the tokenizer has cut at spaces
// alone: a word ends there, and also at a token that begins or ends with what is
// no letter or digit, or with a letter of a script that sets no spaces.
func wordsWithin(dst []int32, enc *tokenizer.Encoding, text string) []int32 {
	n := int32(-1)
	joined := false // the last token ends with what may go on
	for i, o := range enc.Offsets {
		goesOn := i > 0 && enc.Words[i] == enc.Words[i-1]
		if o.Start < o.End {
			first, _ := utf8.DecodeRuneInString(text[o.Start:o.End])
			last, _ := utf8.DecodeLastRuneInString(text[o.Start:o.End])
			goesOn = goesOn && joined && joins(first)
			joined = joins(last)
		}
		if !goesOn {
			n++
		}
		dst = append(dst, n)
	}
	return dst
}

// joins reports whether a word can go on after r.
func joins(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N) && !unicode.Is(unspaced, r)
}

// unspaced are scripts that are written without spaces, or, as Hangul, with
// particles that touch a name; train/trunk.py has the same.
var unspaced = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0e00, 0x0eff, 1}, {0x1000, 0x109f, 1}, {0x1100, 0x11ff, 1}, {0x1780, 0x17ff, 1}, {0x2e80, 0x2fdf, 1}, {0x3005, 0x3007, 1}, {0x3021, 0x318f, 1},
		{0x31f0, 0x31ff, 1}, {0x3400, 0x4dbf, 1}, {0x4e00, 0x9fff, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xff66, 0xff9f, 1},
	},
	R32: []unicode.Range32{{0x20000, 0x323af, 1}},
}

// spans reads the labels word by word: the tokens of a word vote with their
// probabilities, B- and I- of a type together. Words whose probability of O is
// above 1 - threshold are outside. A span goes on while the type stays and the
// next word does not rather begin a new one; over a word that touches the one
// before it (in addresses, dates, numbers with hyphens) it goes on in any case,
// unless another type begins there. A span's score is the mean over its words.
// scores [tokens width]; word is the number of each token's word.
func (b *bio) spans(dst []Span, scores []float32, enc *tokenizer.Encoding, word []int32) []Span {
	open, words := -1, 0
	for t := 0; t < len(enc.IDs); {
		end := t + 1
		for end < len(enc.IDs) && word[end] == word[t] && word[t] >= 0 {
			end++
		}
		v := b.vote(scores[t*b.width : end*b.width])
		start, stop := enc.Offsets[t].Start, enc.Offsets[end-1].End
		t = end
		if v.kind < 0 {
			open = -1
			continue
		}
		if open >= 0 {
			s := &dst[len(dst)-1]
			touches := s.End == start && (v.kind == open || !v.mostlyBegins)
			if touches || v.kind == open && !v.begins {
				s.End = stop
				words++
				s.Score += (v.score - s.Score) / float32(words)
				continue
			}
		}
		dst = append(dst, Span{Start: start, End: stop, Label: b.types[v.kind].name, Score: v.score})
		open, words = v.kind, 1
	}
	return dst
}

// A vote is what the tokens of a word say: the type with the highest mean
// probability, or -1 for outside; whether the first token begins it, and
// whether they do so on average.
type vote struct {
	kind                 int
	score                float32
	begins, mostlyBegins bool
}

func (b *bio) vote(scores []float32) vote {
	n := b.width
	rows := float32(len(scores) / n)
	sum := func(label int) (s float32) {
		if label < 0 {
			return 0
		}
		for i := label; i < len(scores); i += n {
			s += scores[i]
		}
		return s
	}
	v := vote{kind: -1}
	if b.outside >= 0 && 1-sum(b.outside)/rows < b.threshold {
		return v
	}
	for k, t := range b.types {
		if s := (sum(t.begin) + sum(t.inside)) / rows; v.kind < 0 || s > v.score {
			v.kind, v.score = k, s
		}
	}
	if v.kind < 0 {
		return v
	}
	if t := b.types[v.kind]; t.begin >= 0 && t.inside >= 0 {
		v.begins = scores[t.begin] > scores[t.inside]
		v.mostlyBegins = sum(t.begin) >= sum(t.inside)
	}
	return v
}

// trimSpans takes punctuation off the ends of spans, where it belongs to the
// sentence: full stops too where they are no part of an abbreviation.
func trimSpans(spans []Span, text string) {
	for i := range spans {
		s := &spans[i]
		marks := ",;:"
		switch s.Label {
		case "DOMAIN_NAME", "EMAIL_ADDRESS", "DATE_TIME":
			marks = ".,;:!?"
		}
		for s.End > s.Start+1 && strings.IndexByte(marks, text[s.End-1]) >= 0 {
			s.End--
		}
	}
}

// addPatterns merges what the recognisers find in text into the model's spans. A
// match takes the place of all spans that it overlaps: its form was checked,
// while the model guesses at where a number or an address ends. What the model
// takes for an e-mail address with an @, and no recogniser does, is none:
// 'user'@'10.0.0.1' in a database's grants, say.
func addPatterns(spans []Span, matches *[]pattern.Match, text string) []Span {
	*matches = pattern.Find((*matches)[:0], text)
	for _, m := range *matches {
		spans = slices.DeleteFunc(spans, func(s Span) bool { return s.Start < m.End && m.Start < s.End })
		spans = append(spans, Span{m.Start, m.End, m.Label, m.Score, Pattern})
	}
	spans = slices.DeleteFunc(spans, func(s Span) bool {
		return s.By == Model && s.Label == pattern.EmailAddress && strings.IndexByte(text[s.Start:s.End], '@') >= 0
	})
	slices.SortFunc(spans, func(a, b Span) int { return a.Start - b.Start })
	return spans
}
