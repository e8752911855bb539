package view

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// odd counts what ordinary text has none of, or little.
type odd struct {
	hidden   int // invisible characters between letters
	hyphens  int // soft hyphens between letters: typesetters use them
	tags     int // invisible ASCII outside flags
	bytes    int // variation selectors in runs, which carry bytes
	turned   int // overrides of the direction
	styled   int // letters in another style, in runs of four and more; blanks may part them
	caps     int // small capitals
	regional int // letters of flags that stand alone
	piled    int // letters under three marks and more, or under an overlay
	emoji    int // between letters
	beyond   bool
}

// any reports whether the text is worth rewriting.
func (o *odd) any() bool {
	return o.hidden > 0 || o.hyphens > 2 || o.tags > 0 || o.bytes > 0 || o.turned > 0 || o.styled >= 8 || o.caps >= 3 ||
		o.regional >= 4 || o.noisy() || o.emoji >= 3
}

func (o *odd) noisy() bool { return o.piled >= 4 }

// look reads the text once.
func (o *odd) look(s string) {
	var (
		before             rune // what stands before the invisible ones
		gap                rune // an invisible character or emoji since then, or 0
		marks, run, flags  int
		selectors          int
		flagTags, openFlag bool
	)
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			o.beyond = true
		} else if r >= ' ' && gap == 0 && flags == 0 && run == 0 && r != 0x7f {
			before, openFlag, selectors, marks = r, false, 0, 0 // nearly all of most texts
			i++
			continue
		}
		i += size
		switch {
		case tag(r) || r == 0xe007f:
			if flagTags = openFlag; !flagTags {
				o.tags++
			}
			continue
		case variation(r):
			if selectors++; selectors == 4 {
				o.bytes++
			}
			continue
		case r == 0x202d || r == 0x202e:
			o.turned++
			continue
		case invisible(r):
			gap = r
			continue
		case mark(r):
			if marks++; isLetter(before) && (marks == 3 || overlay(r)) {
				o.piled++
			}
			continue
		case emoji(r) || size == 4 && r >= 0x1f3fb && r <= 0x1f3ff:
			openFlag = r == 0x1f3f4
			if isASCIILetter(before) && gap == 0 {
				gap = r
			}
			selectors, marks = 0, 0
			continue
		}
		openFlag, selectors, marks = false, 0, 0
		if gap != 0 && alphabetic(before) && alphabetic(r) {
			switch {
			case emoji(gap):
				o.emoji++
			case gap == 0xad:
				o.hyphens++
			default:
				o.hidden++
			}
		}
		before, gap = r, 0
		if regional(r) {
			flags++
			continue
		}
		if flags%2 == 1 {
			o.regional += flags
		}
		flags = 0
		if r < utf8.RuneSelf {
			if r != ' ' {
				run = 0
			}
			continue
		}
		if styled(r) != 0 {
			if run++; run == 4 {
				o.styled += 4
			} else if run > 4 {
				o.styled++
			}
		} else {
			run = 0
		}
		if smallCap(r) != 0 {
			o.caps++
		}
	}
	if flags%2 == 1 {
		o.regional += flags
	}
}

// normalize takes away what only hides letters, and gives letters of other
// looks their plain form.
func normalize(s string) (string, bool) {
	var o odd
	o.look(s)
	if !o.beyond && !o.any() {
		return s, false
	}
	d := none
	if o.any() {
		t := o.rewrite(s)
		if d = disguised(t); d != none {
			t = string(undisguise(make([]byte, 0, len(t)), t, d))
		}
		return t, t != s
	}
	if d = disguised(s); d == none {
		return s, false
	}
	t := string(undisguise(make([]byte, 0, len(s)), s, d))
	return t, t != s
}

// rewrite returns s in normal form NFKC, but for characters whose form would be
// longer than they are, and without what is invisible.
func (o *odd) rewrite(s string) string {
	b := make([]byte, 0, len(s))
	turned := -1 // where text of the other direction begins in b
	turn := func() {
		if turned >= 0 {
			reverseRunes(b[turned:])
			turned = -1
		}
	}
	var before rune
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		at := i
		i += size
		switch {
		case r == utf8.RuneError && size == 1:
		case variation(r):
			n := 0
			for n < len(s)-at {
				v, size := utf8.DecodeRuneInString(s[at+n:])
				if !variation(v) {
					break
				}
				n += size
			}
			b = appendSelected(b, s[at:at+n])
			i = at + n
		case tag(r):
			if o.tags > 0 {
				if next, _ := utf8.DecodeRuneInString(s[i:]); tag(next) && !tag(before) {
					b = spaced(b)
				}
				b = append(b, byte(r-0xe0000))
				before = r
			}
		case r == 0x202e:
			turn()
			turned = len(b)
		case r == 0x202c, r == '\n':
			turn()
			if r == '\n' {
				b = append(b, '\n')
			}
		case invisible(r):
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case mark(r) && o.noisy():
		case emoji(r) && o.emoji >= 3 && isASCIILetter(before) && letterAfter(s[i:]):
			continue
		case regional(r) && o.regional >= 4:
			b = append(b, byte('a'+r-0x1f1e6))
		case styled(r) != 0:
			b = append(b, styled(r))
		default:
			b = appendForm(b, s[at:i])
		}
		if !invisible(r) {
			before = r
		}
	}
	turn()
	if !o.noisy() {
		return norm.NFC.String(string(b))
	}
	// Accents go too: which of the marks belonged to the letter, nobody knows.
	t := norm.NFD.String(string(b))
	b = b[:0]
	for _, r := range t {
		if !mark(r) {
			b = appendRune(b, r)
		}
	}
	return norm.NFC.String(string(b))
}

// appendForm appends a character's compatibility form where it is no longer.
func appendForm(b []byte, c string) []byte {
	if d := norm.NFKC.PropertiesString(c).Decomposition(); d != nil && len(d) <= len(c) {
		return append(b, d...)
	}
	return append(b, c...)
}

// appendSelected appends the bytes that a run of variation selectors carries:
// the first 16 selectors stand for 0 to 15, the others for those above.
func appendSelected(b []byte, s string) []byte {
	before := len(b)
	b = spaced(b)
	from, n := len(b), 0
	for _, r := range s {
		n++
		if r >= 0xe0100 {
			b = append(b, byte(r-0xe0100+16))
		} else {
			b = append(b, byte(r-0xfe00))
		}
	}
	if n < 4 || !printable(string(b[from:])) {
		return b[:before]
	}
	return b
}

// spaced parts what comes from the word before it.
func spaced(b []byte) []byte {
	if n := len(b); n > 0 && isAlnum(b[n-1]) {
		return append(b, ' ')
	}
	return b
}

// letterAfter reports whether s goes on with a letter, after emoji and what is
// invisible; it looks only a little ahead.
func letterAfter(s string) bool {
	n := 0
	for _, r := range s {
		if !emoji(r) && !invisible(r) {
			return isASCIILetter(r)
		}
		if n++; n == 4 {
			break
		}
	}
	return false
}

// reverseRunes turns the order of the runes in b.
func reverseRunes(b []byte) {
	for i := 0; i < len(b); {
		_, size := utf8.DecodeRune(b[i:])
		slices.Reverse(b[i : i+size])
		i += size
	}
	slices.Reverse(b)
}

func appendRune(b []byte, r rune) []byte { return utf8.AppendRune(b, r) }

func sizeAt(s string, i int) int {
	_, size := utf8.DecodeRuneInString(s[i:])
	return size
}
