// Package view finds other readings of a text: what it says once characters
// that only hide it are taken away, and once encoded stretches are decoded. A
// guard reads them beside the text, so that an attack does not pass because it
// was written in base64 or with letters of another alphabet.
//
// Ordinary text has no view. Recognisers want evidence that something was
// hidden: a decoded stretch must be readable, a shifted or reversed one look
// much more like English than it did before.
package view

import (
	"slices"
	"unicode/utf8"
)

// A View is a reading of a text. Its name says what was undone, in order, such
// as base64 or normalized+spacing.
type View struct {
	Name string
	Text string
}

// Names of what is undone.
const (
	Normalized    = "normalized" // look-alikes, invisible and combining characters
	UnicodeEscape = "unicode_escape"
	HTML          = "html"
	URL           = "url"
	Base64        = "base64"
	Hex           = "hex"
	Binary        = "binary"
	Morse         = "morse"
	Joined        = "joined" // string concatenation, markup inside words
	Spacing       = "spacing"
	Leetspeak     = "leetspeak"
	Rot13         = "rot13"
	Caesar        = "caesar"
	Atbash        = "atbash"
	Reversed      = "reversed"
	ReversedWords = "reversed_words"
)

// Bounds of what Find returns, and how many layers it takes off.
const (
	Most     = 6
	maxDepth = 3
	slack    = 4 << 10 // views have at most this and twice the text in bytes together
)

// context is what a view keeps before and after what was undone. The rest of a
// long text is read in the text itself.
const context = 1 << 10

// Find appends the views of text to dst, at most Most. It takes time linear in
// the text, and allocates nothing when there is no view.
func Find(dst []View, text string) []View {
	f := finder{views: dst, first: len(dst), text: text, room: 2*len(text) + slack}
	f.read(text, "", 0)
	return f.views
}

type finder struct {
	views []View
	first int // of this text
	text  string
	room  int // bytes left
}

// exact are the steps that certainly undo something: where they apply, the
// text without them is of no interest. The order is that in which layers of
// different kinds in one text are taken off.
var exact = [...]struct {
	name string
	undo func(s string) (string, bool)
}{
	{Normalized, normalize},
	{UnicodeEscape, unicodeEscapes},
	{HTML, entities},
	{URL, percent},
	{Base64, base64Stretches},
	{Hex, hexStretches},
	{Binary, binaryStretches},
	{Morse, morseStretches},
}

// guesses may be wrong, so what they make stands beside what they began with.
var guesses = [...]func(s string) (string, string){
	joined, spacing, leetspeak, shifted, reversed,
}

// read adds the views of s, which is the text after what name says.
func (f *finder) read(s, name string, depth int) {
	plain, how := s, name
	for ; depth < maxDepth; depth++ {
		changed := false
		for i := range exact {
			if t, ok := exact[i].undo(plain); ok {
				plain, how, changed = t, also(how, exact[i].name), true
			}
		}
		if !changed {
			break
		}
	}
	if how != name && !f.add(how, plain) {
		return
	}
	if depth == maxDepth {
		return
	}
	for _, guess := range guesses {
		if len(f.views)-f.first == Most {
			return
		}
		t, step := guess(plain)
		if step != "" && f.add(also(how, step), t) {
			f.read(t, also(how, step), depth+1)
		}
		if step == Reversed { // of the text, or of each word: nobody knows
			f.add(also(how, ReversedWords), reversedWords(plain))
		}
	}
}

func also(name, step string) string {
	if name == "" {
		return step
	}
	return name + "+" + step
}

// add reports whether s is a new view.
func (f *finder) add(name, s string) bool {
	s = changedPart(f.text, s)
	if s == "" || len(f.views)-f.first == Most || f.room < 4 {
		return false
	}
	if slices.ContainsFunc(f.views[f.first:], func(v View) bool { return v.Text == s }) {
		return false
	}
	if len(s) > f.room {
		if len(f.views) > f.first {
			return false
		}
		s = s[:boundary(s, f.room)]
	}
	f.room -= len(s)
	f.views = append(f.views, View{name, s})
	return true
}

// changedPart is s without what it shares with text at both ends, but for some
// context. It is "" when s is text.
func changedPart(text, s string) string {
	if s == text {
		return ""
	}
	n := min(len(text), len(s))
	from := 0
	for from < n && text[from] == s[from] {
		from++
	}
	n -= from
	end := 0
	for end < n && text[len(text)-1-end] == s[len(s)-1-end] {
		end++
	}
	from, to := from-context, len(s)-end+context
	if from <= 0 {
		from = 0
	} else {
		from = wordBefore(s, from)
	}
	if to >= len(s) {
		to = len(s)
	} else {
		to = wordBefore(s, to)
	}
	return s[from:to]
}

// wordBefore is the beginning of the word at i, or i where it is long.
func wordBefore(s string, i int) int {
	for k := i; k > max(i-32, 0); k-- {
		if c := s[k-1]; c == ' ' || c == '\n' {
			return k
		}
	}
	return boundary(s, i)
}

// boundary is the last beginning of a rune at or before i.
func boundary(s string, i int) int {
	for i > 0 && i < len(s) && !utf8.RuneStart(s[i]) {
		i--
	}
	return i
}
