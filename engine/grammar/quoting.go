package grammar

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what [Quoting] allows.
const (
	quoteWords   = 6   // of a quote
	quoteBytes   = 80  // of a quote
	quotedWords  = 256 // of the text, from its beginning, that can be quoted
	quotesAtMost = 2

	// Of scripts that set no spaces:
	quoteLetters  = 8   // of a quote,
	quotedLetters = 160 // of the text, from its beginning, that can be quoted
)

// Quoting is the grammar of a sentence or two about text: prose in which single
// quotes hold stretches of text and nothing else, least of them at least and two
// at most. A stretch is one to six whole words, as they stand in the text, or two to
// eight letters in a row of a script that sets no spaces between words; an
// apostrophe within a word is no quote. It is an error if text has too few words
// that can be quoted.
func Quoting(text string, least int) (*Grammar, error) { return Options{}.Quoting(text, least) }

// Quoting is the grammar of prose that quotes text, within the bounds of o.
func (o Options) Quoting(text string, least int) (*Grammar, error) {
	o = o.withDefaults()
	if least < 0 || least > quotesAtMost {
		return nil, errorf("%d quotes: want 0 to %d", least, quotesAtMost)
	}
	t := stretches(text)
	if least > 0 && len(t) == 1 {
		return nil, errorf("the text has no words that can be quoted")
	}
	d, err := explore(prose{}, o.States, func(p prose, to func(lo, hi byte, flag edgeFlag, next prose)) bool {
		return p.visit(t, least, func(lo, hi byte, next prose) { to(lo, hi, 0, next) }) && int(p.quotes) >= least
	})
	if err != nil {
		return nil, err
	}
	return single(d, o, o.TextBytes)
}

// A stretchTrie holds the stretches of a text that may be quoted; node 0 is the root.
type stretchTrie []stretchByte

type stretchByte struct {
	byte           byte
	ends           bool
	child, sibling int32 // 0 for none
}

func (t *stretchTrie) add(s string) {
	at := int32(0)
	for i := range len(s) {
		n := (*t)[at].child
		for n > 0 && (*t)[n].byte != s[i] {
			n = (*t)[n].sibling
		}
		if n == 0 {
			n = int32(len(*t))
			*t = append(*t, stretchByte{byte: s[i], sibling: (*t)[at].child})
			(*t)[at].child = n
		}
		at = n
	}
	(*t)[at].ends = true
}

// stretches finds the runs of words. Where a text has more than a space between
// two words, none goes across.
func stretches(text string) stretchTrie {
	t := stretchTrie{{}}
	words, letters := 0, 0
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r != ' ' && r < ' ' || r == utf8.RuneError || r == 0x7f }) {
		run := strings.Split(line, " ")
		for i, w := range run {
			if words++; words > quotedWords {
				return t
			}
			if strings.ContainsFunc(w, unspacedLetter) {
				letters = t.letters(w, letters)
				continue
			}
			size := 0
			for n := 1; n <= quoteWords && i+n <= len(run) && run[i+n-1] != "" && w != ""; n++ {
				if size += len(run[i+n-1]) + 1; size > quoteBytes {
					break
				}
				s := strings.TrimFunc(strings.Join(run[i:i+n], " "), func(r rune) bool { return !wordRune(r) })
				if s != "" && !endsQuote(s) {
					t.add(s)
				}
			}
		}
	}
	return t
}

// letters adds the stretches of a word with letters of a script that sets no spaces;
// before is how many letters were looked at before it. It returns how many were now.
func (t *stretchTrie) letters(word string, before int) int {
	at := []int{}
	for i := range word {
		at = append(at, i)
	}
	at = append(at, len(word))
	n := len(at) - 1
	for i := 0; i < n && before < quotedLetters; i++ {
		before++
		for k := min(n, i+quoteLetters); k > i && (k > i+1 || n == 1); k-- {
			s := word[at[i]:at[k]]
			first, _ := utf8.DecodeRuneInString(s)
			last, _ := utf8.DecodeLastRuneInString(s)
			// Other letters and digits are not parted.
			inside := i > 0 && spacedLetter(first) && spacedLetter(runeBefore(word, at[i])) ||
				k < n && spacedLetter(last) && spacedLetter(runeAt(word, at[k]))
			if unicode.IsPunct(first) || unicode.IsPunct(last) || inside || endsQuote(s) || strings.ContainsRune(s, '\'') {
				continue
			}
			t.add(s)
		}
	}
	return before
}

func runeAt(s string, i int) rune     { r, _ := utf8.DecodeRuneInString(s[i:]); return r }
func runeBefore(s string, i int) rune { r, _ := utf8.DecodeLastRuneInString(s[:i]); return r }

// unspacedLetter reports whether r is of a script that sets no spaces between words.
func unspacedLetter(r rune) bool {
	return r >= 0xe00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// spacedLetter reports whether r is a letter or digit of any other script.
func spacedLetter(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) && !unspacedLetter(r)
}

// wordRune reports whether a quote may begin or end with r.
func wordRune(r rune) bool {
	return r >= utf8.RuneSelf || wordByte(byte(r)) || r == '%' || r == '+' || r == '$' || r == '#' || r == '@'
}

func wordByte(b byte) bool {
	return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9' || b == '_' || b >= utf8.RuneSelf
}

// endsQuote reports whether s has a ' that is not within a word.
func endsQuote(s string) bool {
	for i := range len(s) {
		if s[i] == '\'' {
			if r, _ := utf8.DecodeRuneInString(s[i+1:]); i == 0 || !wordByte(s[i-1]) || r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				return true
			}
		}
	}
	return false
}

// prose is a place in a text about another.
type prose struct {
	mode   proseMode
	quotes uint8 // that were closed
	ended  bool  // a sentence was, and another has begun
	at     int32 // node of the stretchTrie in a quote
}

type proseMode uint8

const (
	between    proseMode = iota // after what is no letter: a ' opens a quote
	inWord                      // after a letter: a ' is an apostrophe
	apostrophe                  // a letter must follow
	stopped                     // after a sentence's point, or that of a number
	inQuote
	unquoted // after the ' that closes a quote: no letter may follow
	one      // byte of a character is left
	two      // bytes are
	foreign  // after such a character, which may be a letter or not: no ' may follow
)

// visit calls to for what may follow p, and reports whether the text may end there.
// A sentence does not end, nor a part of it by ; or :, before least quotes.
func (p prose) visit(t stretchTrie, least int, to func(lo, hi byte, next prose)) bool {
	in := func(m proseMode) prose { return prose{m, p.quotes, p.ended, 0} }
	switch p.mode {
	case inQuote:
		for n := t[p.at].child; n > 0; n = t[n].sibling {
			if b := t[n].byte; b != '\'' || !t[p.at].ends { // where a quote may end, a ' is its end
				to(b, b, prose{inQuote, p.quotes, p.ended, n})
			}
		}
		if t[p.at].ends {
			to('\'', '\'', prose{unquoted, p.quotes + 1, p.ended, 0})
		}
		return false
	case one:
		to(0x80, 0xbf, in(foreign))
		return false
	case two:
		to(0x80, 0xbf, in(one))
		return false
	}
	letters := func() {
		for _, r := range [...][2]byte{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}} {
			to(r[0], r[1], in(inWord))
		}
	}
	if p.mode == apostrophe {
		letters()
		return false
	}
	switch p.mode {
	case unquoted:
	case stopped: // as in 3.5; else a word does not follow without a space
		to('0', '9', in(inWord))
	default:
		letters()
		to(0xc2, 0xdf, in(one))
		to(0xe1, 0xec, in(two))
		to(0xee, 0xef, in(two))
	}
	switch {
	case p.mode == inWord:
		to('\'', '\'', in(apostrophe))
	case p.mode != unquoted && p.mode != foreign && p.quotes < quotesAtMost && len(t) > 1:
		to('\'', '\'', in(inQuote))
	}
	if p.mode != stopped {
		to(' ', ' ', in(between))
	} else if !p.ended {
		to(' ', ' ', prose{between, p.quotes, true, 0})
	}
	quoted := int(p.quotes) >= least
	for _, b := range []byte("!.?") {
		if quoted {
			to(b, b, in(stopped))
		}
	}
	for b := byte('"'); b < 0x7f; b++ {
		if !quoted && (b == ';' || b == ':') {
			continue
		}
		if b != '\'' && b != '.' && b != '?' && !wordByte(b) {
			to(b, b, in(between))
		}
	}
	return true
}
