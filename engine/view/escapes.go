package view

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// An escaping counts what escapes stand for. Letters of ASCII need none: a few
// are a reason to decode. Other letters are escaped by many programs, and only
// a stretch that may be a sentence is.
type escaping struct {
	letters int // ASCII letters
	spaces  int
	beyond  int // letters beyond ASCII
}

func (e *escaping) add(r rune) {
	switch {
	case r == ' ':
		e.spaces++
	case r < utf8.RuneSelf:
		e.letters += btoi(isASCIILetter(r))
	case isLetter(r):
		e.beyond++
	}
}

func (e *escaping) hides() bool { return e.letters >= 3 || e.spaces >= 3 || e.beyond >= 20 }

// percent decodes %69%67 in the text, and its UTF-8.
func percent(s string) (string, bool) {
	if strings.Count(s, "%") < 3 {
		return s, false
	}
	var e escaping
	eachPercent(s, func(_, _ int, r rune) { e.add(r) })
	if !e.hides() {
		return s, false
	}
	b := make([]byte, 0, len(s))
	done := 0
	eachPercent(s, func(start, end int, r rune) {
		b = appendRune(append(b, s[done:start]...), r)
		done = end
	})
	return string(append(b, s[done:]...)), true
}

// eachPercent calls do for the runes that escapes in s stand for. Escapes of
// bytes that are no UTF-8, and of control characters, are passed over.
func eachPercent(s string, do func(start, end int, r rune)) {
	for i := 0; i < len(s); {
		if s[i] != '%' {
			next := strings.IndexByte(s[i:], '%')
			if next < 0 {
				return
			}
			i += next
		}
		var b [utf8.UTFMax]byte
		n := 0
		for n < len(b) && !utf8.FullRune(b[:n]) {
			v, ok := hexByte(s, i+3*n+1)
			if !ok || s[i+3*n] != '%' {
				break
			}
			b[n] = v
			n++
		}
		r, size := utf8.DecodeRune(b[:n])
		if n == 0 || r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			i++
			continue
		}
		do(i, i+3*size, r)
		i += 3 * size
	}
}

// hexByte is the byte that two digits at i stand for.
func hexByte(s string, i int) (byte, bool) {
	if i+2 > len(s) || hexValue(s[i]) < 0 || hexValue(s[i+1]) < 0 {
		return 0, false
	}
	return byte(hexValue(s[i])<<4 | hexValue(s[i+1])), true
}

// entities decodes &#105; &#x69; and then the named ones too.
func entities(s string) (string, bool) {
	if !strings.Contains(s, "&#") {
		return s, false
	}
	var e escaping
	for rest := s; ; {
		i := strings.Index(rest, "&#")
		if i < 0 {
			break
		}
		rest = rest[i+2:]
		e.add(reference(rest))
	}
	if !e.hides() {
		return s, false
	}
	t := html.UnescapeString(s)
	return t, t != s
}

// reference is the character that a numeric reference stands for, without its
// &#, or 0.
func reference(s string) rune {
	base := 10
	if s != "" && s[0]|0x20 == 'x' {
		base, s = 16, s[1:]
	}
	n := 0
	for n < len(s) && n < 8 && (s[n] >= '0' && s[n] <= '9' || base == 16 && hexValue(s[n]) >= 0) {
		n++
	}
	v, err := strconv.ParseUint(s[:n], base, 32)
	if err != nil || v > utf8.MaxRune {
		return 0
	}
	return rune(v)
}

// unicodeEscapes decodes \u0069, \u{69}, \U00000069, \x69, \151, U+0069 and
// %u0069.
func unicodeEscapes(s string) (string, bool) {
	if strings.Count(s, `\`) < 3 && strings.Count(s, "U+") < 3 && strings.Count(s, "%u") < 3 {
		return s, false
	}
	var e escaping
	eachEscape(s, func(_, _ int, r rune) { e.add(r) })
	if e.letters < 3 && e.beyond < 20 { // tables of characters name spaces too
		return s, false
	}
	b := make([]byte, 0, len(s))
	done := 0
	eachEscape(s, func(start, end int, r rune) {
		b = appendRune(append(b, s[done:start]...), r)
		done = end
	})
	return string(append(b, s[done:]...)), true
}

// eachEscape calls do for the characters that escapes in s stand for.
func eachEscape(s string, do func(start, end int, r rune)) {
	for i := 0; i+3 < len(s); {
		switch c := s[i]; {
		case c != '\\' && c != 'U' && c != '%':
			i++
			continue
		case c == '\\' && s[i+1] == 'x':
			if r, n := bytesEscaped(s[i:]); n > 0 {
				do(i, i+n, r)
				i += n
				continue
			}
		}
		r, n := oneEscape(s[i:])
		if utf16.IsSurrogate(r) {
			low, m := oneEscape(s[min(i+n, len(s)):])
			r, n = utf16.DecodeRune(r, low), n+m
		}
		if n == 0 || r == utf8.RuneError || r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r > utf8.MaxRune {
			i++
			continue
		}
		do(i, i+n, r)
		i += n
	}
}

// oneEscape is the character of the escape that s begins with, and its length,
// or 0, 0.
func oneEscape(s string) (rune, int) {
	digits := func(at, n int) (rune, int) {
		if at+n > len(s) {
			return 0, 0
		}
		r := rune(0)
		for k := at; k < at+n; k++ {
			v := hexValue(s[k])
			if v < 0 {
				return 0, 0
			}
			r = r<<4 | rune(v)
		}
		return r, at + n
	}
	switch {
	case len(s) < 4:
	case s[:2] == "U+", s[:2] == "%u":
		return digits(2, 4)
	case s[0] != '\\':
	case s[1] == 'U':
		return digits(2, 8)
	case s[1] == 'u' && s[2] == '{':
		if end := strings.IndexByte(s[:min(len(s), 10)], '}'); end > 3 {
			if r, n := digits(3, end-3); n > 0 {
				return r, end + 1
			}
		}
	case s[1] == 'u':
		return digits(2, 4)
	case s[1] >= '0' && s[1] <= '1':
		if v, err := strconv.ParseUint(s[1:4], 8, 8); err == nil {
			return rune(v), 4
		}
	}
	return 0, 0
}

// bytesEscaped is the character whose UTF-8 the \x escapes at the beginning of
// s are, or the one of a single byte in Latin-1.
func bytesEscaped(s string) (rune, int) {
	var b [utf8.UTFMax]byte
	n := 0
	for n < len(b) && !utf8.FullRune(b[:n]) && 4*n+4 <= len(s) && s[4*n] == '\\' && s[4*n+1] == 'x' {
		v, ok := hexByte(s, 4*n+2)
		if !ok {
			break
		}
		b[n] = v
		n++
	}
	if n == 0 {
		return 0, 0
	}
	if r, size := utf8.DecodeRune(b[:n]); r != utf8.RuneError {
		return r, 4 * size
	}
	return rune(b[0]), 4
}
