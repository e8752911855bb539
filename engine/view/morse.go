package view

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// morseCode has the letters and digits by their signals: a 1 and then a bit a
// signal, 1 for a dash (ITU-R M.1677-1).
var morseCode = [128]byte{
	0b101: 'a', 0b11000: 'b', 0b11010: 'c', 0b1100: 'd', 0b10: 'e', 0b10010: 'f', 0b1110: 'g', 0b10000: 'h', 0b100: 'i',
	0b10111: 'j', 0b1101: 'k', 0b10100: 'l', 0b111: 'm', 0b110: 'n', 0b1111: 'o', 0b10110: 'p', 0b11101: 'q', 0b1010: 'r',
	0b1000: 's', 0b11: 't', 0b1001: 'u', 0b10001: 'v', 0b1011: 'w', 0b11001: 'x', 0b11011: 'y', 0b11100: 'z',
	0b111111: '0', 0b101111: '1', 0b100111: '2', 0b100011: '3', 0b100001: '4', 0b100000: '5', 0b110000: '6', 0b111000: '7',
	0b111100: '8', 0b111110: '9', 0b1010101: '.', 0b1110011: ',', 0b1001100: '?', 0b1101011: '!', 0b1011110: '\'',
	0b110010: '/', 0b1100001: '-',
}

const (
	leastMorse = 8 // letters
	longMorse  = 20
	mixedMorse = 9 // different letters and digits of a long stretch
)

// morseStretches decodes Morse code: letters with a space between them, words
// with a slash, a bar, or more space. Letters that have no code stand between.
func morseStretches(s string) (string, bool) {
	if strings.Count(s, "-")+strings.Count(s, "–")+strings.Count(s, "−")+strings.Count(s, "_") < 6 {
		return s, false
	}
	var out []byte
	done := 0
	for i := 0; i < len(s); {
		if size, _ := signal(s, i); size == 0 || i > 0 && isAlnum(s[i-1]) {
			i++
			continue
		}
		end, t := morseStretch(s, i)
		if t.isMorse() {
			out, done = appendMorse(append(out, s[done:i]...), s[i:end]), end
		}
		i = max(end, i+1)
	}
	if done == 0 {
		return s, false
	}
	return string(append(out, s[done:]...)), true
}

// signal is the length of the dot or dash at i in bytes and which it is, or 0.
func signal(s string, i int) (size int, dash byte) {
	switch c := s[i]; {
	case c == '.':
		return 1, 0
	case c == '-' || c == '_':
		return 1, 1
	case c < 0x80:
		return 0, 0
	}
	rest := s[i:]
	switch {
	case strings.HasPrefix(rest, "·"), strings.HasPrefix(rest, "•"):
		return len("·") + btoi(rest[0] == 0xe2), 0
	case strings.HasPrefix(rest, "–"), strings.HasPrefix(rest, "—"), strings.HasPrefix(rest, "−"):
		return len("–"), 1
	}
	return 0, 0
}

// morseLetter reads the letter at i. It is 0 where there is none.
func morseLetter(s string, i int) (letter byte, end int) {
	code := 1
	for end = i; end < len(s); {
		size, dash := signal(s, end)
		if size == 0 {
			break
		}
		if end += size; code < 128 {
			code = code<<1 | int(dash)
		}
	}
	if code < 2 || code >= 128 || end < len(s) && isAlnum(s[end]) {
		return 0, end
	}
	return morseCode[code], end
}

// morseGap is the end of what parts letters at i, and whether it parts words.
func morseGap(s string, i int) (end int, words bool) {
	for end = i; end < len(s) && end < i+8 && strings.IndexByte(" /|\n\t", s[end]) >= 0; end++ {
		words = words || s[end] != ' ' || end == i+1
	}
	return end, words
}

// foreign is the length of the letters at i that have no code: a few without a space
// behind them, as they stand in words whose other letters have one. It is 0 where there
// are none, or more.
func foreign(s string, i int) int {
	const few = 4
	at, n := i, 0
	for ; n <= few && at < len(s) && s[at] >= 0x80; n++ {
		if size, _ := signal(s, at); size > 0 {
			break
		}
		r, size := utf8.DecodeRuneInString(s[at:])
		if !unicode.IsLetter(r) {
			break
		}
		at += size
	}
	if n > few || at < len(s) && s[at] == ' ' {
		return 0
	}
	return at - i
}

// A stretch is what Morse letters say.
type stretch struct {
	tally
	letters, foreign int
	met              uint64 // letters and digits, as bits
}

// isMorse reports that it may be of some language, or is long and has many different
// letters, which may spell what is hidden once more.
func (t *stretch) isMorse() bool {
	return t.letters >= max(leastMorse, t.foreign) && t.mean() <= someText ||
		t.letters >= max(longMorse, t.foreign) && bits.OnesCount64(t.met) >= mixedMorse
}

// morseStretch is the end of the letters that begin at i, and what they say.
func morseStretch(s string, i int) (end int, t stretch) {
	last := byte(0)
	boundary := func() {
		if last != 0 {
			t.add(last, 0)
			last = 0
		}
	}
	end = i
	for i < len(s) {
		if n := foreign(s, i); n > 0 {
			boundary()
			t.foreign++
			end = i + n
			i, _ = morseGap(s, end)
			continue
		}
		c, stop := morseLetter(s, i)
		if c == 0 {
			if stop > i {
				end = stop
			}
			break
		}
		t.letters++
		t.met |= 1 << (c & 63)
		t.add(last, fold(c))
		last, end = fold(c), stop
		next, words := morseGap(s, stop)
		if next == stop && foreign(s, next) == 0 {
			break
		}
		if words {
			boundary()
		}
		i = next
	}
	return end, t
}

// appendMorse appends what a stretch says.
func appendMorse(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		end := i + foreign(s, i)
		if end > i {
			dst = append(dst, s[i:end]...)
		} else {
			c, stop := morseLetter(s, i)
			if c == 0 {
				return append(dst, s[i:]...)
			}
			dst, end = append(dst, c), stop
		}
		next, words := morseGap(s, end)
		if words {
			dst = append(dst, ' ')
		}
		i = max(next, i+1)
	}
	return dst
}
