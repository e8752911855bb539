package view

import (
	"sync"
	"unicode/utf8"
)

// A look is the Latin letter that a character looks like.
type look struct {
	latin byte
	wide  bool // it takes a second glance
}

// looks is made once of the lists in letters.go.
var looks = sync.OnceValue(func() map[rune]look {
	m := map[rune]look{}
	for i, list := range []string{wideLooks, strictLooks} {
		var from rune
		for k, r := range []rune(list) {
			if k%2 == 0 {
				from = r
			} else {
				m[from] = look{byte(r), i == 0}
			}
		}
	}
	return m
})

// latin is the Latin letter that r looks like, or 0.
func latin(r rune, wide bool) byte {
	if r < 0x80 {
		return 0
	}
	if l, ok := looks()[r]; ok && (wide || !l.wide) {
		return l.latin
	}
	return smallCap(r)
}

// A mix counts the letters of a word by what they are.
type mix struct {
	ascii  int
	strict int // look like a Latin letter
	wide   int // do so at second glance
	other  int // letters that look like none
}

func (m *mix) add(r rune) {
	switch {
	case isASCIILetter(r):
		m.ascii++
	case smallCap(r) != 0:
		m.strict++
	default:
		l, ok := looks()[r]
		switch {
		case !ok && r >= 0xc0 && r < 0x250: // é belongs to a Latin word as it is
			m.ascii++
		case !ok:
			m.other++
		case l.wide:
			m.wide++
		default:
			m.strict++
		}
	}
}

func (m mix) letters() int { return m.ascii + m.strict + m.wide + m.other }

// nextMixed is the first word of s, from at on, that holds letters beyond
// ASCII, and what it holds. start is len(s) when there is none.
func nextMixed(s string, at int) (start, end int, m mix) {
	for start = at; start < len(s); start = end {
		beyond := false
		m, end = mix{}, start
		for i, r := range s[start:] {
			if !alphabetic(r) && !(mark(r) && end > start) && !lookalike(r) {
				break
			}
			end = start + i + utf8.RuneLen(r)
			if r >= 0x80 && !mark(r) {
				beyond = true
			}
			if !mark(r) {
				m.add(r)
			}
		}
		if beyond {
			return start, end, m
		}
		if end == start {
			end += sizeAt(s, start)
		}
	}
	return len(s), len(s), mix{}
}

// lookalike reports look-alikes from beyond the alphabetic scripts.
func lookalike(r rune) bool {
	if r >= 0x13a0 && r <= 0x13f5 || r >= 0xa4d0 && r <= 0xa4ff {
		_, ok := looks()[r]
		return ok
	}
	return false
}

// A disguise says how words of look-alikes are read in a text.
type disguise uint8

const (
	none     disguise = iota
	strictly          // words of Latin letters and close look-alikes
	widely            // and of distant ones
	wholly            // and words of look-alikes alone
)

// disguised judges a text by its words. Real Russian or Greek has many words
// with a letter that looks like no Latin one, and in such a text only close
// look-alikes in words that are Latin otherwise count.
func disguised(s string) disguise {
	var mixed, long, whole, real int
	for at := 0; at < len(s); {
		start, end, m := nextMixed(s, at)
		at = end
		n := m.letters()
		switch {
		case start == len(s):
		case m.other > 0 || m.strict+m.wide == 0:
			if m.ascii == 0 {
				real++
			}
		case m.ascii == 0 && m.strict < n: // к, и: as good as real
			if m.wide*2 > n {
				real++
			}
		case m.ascii == 0:
			if n >= 3 {
				whole++
			}
		case n >= 5 && m.strict > 0:
			mixed, long = mixed+1, long+1
		case n >= 3:
			mixed++
		}
	}
	switch {
	case mixed == 0 && whole >= 3 && real*4 < whole:
		return wholly
	case mixed == 0, long == 0 && mixed < 3:
		return none
	case real > mixed:
		return strictly
	case real == 0:
		return wholly
	}
	return widely
}

// undisguise writes words of look-alikes in Latin letters.
func undisguise(dst []byte, s string, d disguise) []byte {
	at := 0
	for at < len(s) {
		start, end, m := nextMixed(s, at)
		dst = append(dst, s[at:start]...)
		wide := d >= widely
		fits := m.other == 0 && (wide || m.wide == 0) && (m.ascii > 0 || d == wholly) && m.strict+m.wide > 0
		for _, r := range s[start:end] {
			if l := latin(r, wide); fits && l != 0 {
				dst = append(dst, l)
			} else {
				dst = appendRune(dst, r)
			}
		}
		at = end
	}
	return dst
}
