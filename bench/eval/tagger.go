package eval

import (
	"slices"
	"unicode"
)

// word is a word of a text, or a single other sign, in code points.
type word struct {
	start, end int
	text       []rune
}

func split(text string) []word {
	runes := []rune(text)
	var out []word
	for i := 0; i < len(runes); {
		j := i + 1
		switch {
		case unicode.IsSpace(runes[i]):
			i++
			continue
		case wordRune(runes[i]):
			for j < len(runes) && wordRune(runes[j]) {
				j++
			}
		}
		out = append(out, word{i, j, runes[i:j]})
		i = j
	}
	return out
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// shape is the form of a word: capitals, small letters and digits, runs of three
// and more cut.
func shape(w []rune) string {
	out := make([]rune, 0, len(w))
	for _, r := range w {
		switch {
		case unicode.IsDigit(r):
			r = '9'
		case unicode.IsUpper(r):
			r = 'A'
		case unicode.IsLower(r):
			r = 'a'
		}
		if n := len(out); n >= 2 && out[n-1] == r && out[n-2] == r {
			continue
		}
		out = append(out, r)
	}
	return string(out)
}

// wordFeatures are the features of word i: itself, its shape, its ends, three
// neighbours on each side.
func wordFeatures(lower, shapes []string, w []word, i int) []uint32 {
	var out []uint32
	get := func(x []string, k int) string {
		if k < 0 || k >= len(x) {
			return "^"
		}
		return x[k]
	}
	for d := -3; d <= 3; d++ {
		at := string(rune('0' + d + 3))
		out = append(out, hash(at, "w", get(lower, i+d)), hash(at, "s", get(shapes, i+d)))
	}
	r := []rune(lower[i])
	return append(out, hash("p", string(r[:min(3, len(r))])), hash("e", string(r[max(0, len(r)-3):])),
		hash("b", get(lower, i-1), lower[i]), hash("sb", get(shapes, i-1), shapes[i]))
}

func featuresOf(text string) ([]word, [][]uint32) {
	w := split(text)
	lower, shapes := make([]string, len(w)), make([]string, len(w))
	for i := range w {
		l := make([]rune, len(w[i].text))
		for k, r := range w[i].text {
			l[k] = unicode.ToLower(r)
		}
		lower[i], shapes[i] = string(l), shape(w[i].text)
	}
	out := make([][]uint32, len(w))
	for i := range w {
		out[i] = wordFeatures(lower, shapes, w, i)
	}
	return w, out
}

// taggerWords bounds the words that the tagger is trained on.
const taggerWords = 150_000

// tagWords trains a linear model of each tag (B- and I- of every type, O) on the
// words of train and finds spans in rows. Of many words of training an even
// share of the texts is used.
func tagWords(train, rows []Row) [][]Span {
	words := 0
	for i := range train {
		words += len(train[i].Text) / 6
	}
	step := max(1, (words+taggerWords-1)/taggerWords)
	names := []string{"O"}
	var docs [][]uint32
	var tags []int
	for i := 0; i < len(train); i += step {
		w, f := featuresOf(train[i].Text)
		for k := range w {
			at := Span{w[k].start, w[k].end, ""}
			tag := "O"
			for _, s := range train[i].Spans {
				if overlap(s, at) {
					if tag = "I-" + s.Label; at.Start <= s.Start {
						tag = "B-" + s.Label
					}
					break
				}
			}
			if tag == "O" && slices.ContainsFunc(train[i].Ignore, func(s Span) bool { return overlap(s, at) }) {
				continue
			}
			if !slices.Contains(names, tag) {
				names = append(names, tag)
			}
			docs, tags = append(docs, f[k]), append(tags, slices.Index(names, tag))
		}
	}
	m := trainDocs(docs, tags, names, nil)
	out := make([][]Span, len(rows))
	for i := range rows {
		w, f := featuresOf(rows[i].Text)
		kind := ""
		for k := range w {
			tag := names[best(m.margins(f[k]))]
			switch {
			case tag == "O":
				kind = ""
			case tag[0] == 'I' && kind == tag[2:]:
				out[i][len(out[i])-1].End = w[k].end
			default:
				kind = tag[2:]
				out[i] = append(out[i], Span{w[k].start, w[k].end, kind})
			}
		}
	}
	return out
}

func best(x []float64) int {
	b := 0
	for i, v := range x {
		if v > x[b] {
			b = i
		}
	}
	return b
}
