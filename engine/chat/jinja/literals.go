package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// number reads an integer or a float.
func (l *lexer) number() {
	rest := l.src[l.i:]
	digits := func(i int, ok func(byte) bool) int { // digits with _ between them
		for i < len(rest) && (ok(rest[i]) || rest[i] == '_' && i > 0 && rest[i-1] != '_' && i+1 < len(rest) && ok(rest[i+1])) {
			i++
		}
		return i
	}
	decimal := func(c byte) bool { return c >= '0' && c <= '9' }
	hex := func(c byte) bool { return decimal(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
	n := digits(0, decimal)
	end := n // of a float
	if end+1 < len(rest) && rest[end] == '.' && decimal(rest[end+1]) {
		end = digits(end+1, decimal)
	}
	if e := end; e < len(rest) && rest[e]|0x20 == 'e' {
		e++
		if e < len(rest) && (rest[e] == '+' || rest[e] == '-') {
			e++
		}
		if e < len(rest) && decimal(rest[e]) {
			end = digits(e, decimal)
		}
	}
	var v Value
	if end > n && !(l.i > 0 && l.src[l.i-1] == '.') {
		x, err := strconv.ParseFloat(strings.ReplaceAll(rest[:end], "_", ""), 64)
		if err != nil && x == 0 {
			l.fail("%.40s is not a number", rest[:end])
		}
		v, n = x, end
	} else {
		base := 0
		switch {
		case len(rest) > 1 && rest[0] == '0' && rest[1]|0x20 == 'x':
			n = digits(2, hex)
		case len(rest) > 1 && rest[0] == '0' && (rest[1]|0x20 == 'b' || rest[1]|0x20 == 'o'):
			n = digits(2, decimal)
		case rest[0] == '0': // zeros only
			n = digits(0, func(c byte) bool { return c == '0' })
			base = 10
		}
		b, ok := new(big.Int), n <= 1000
		if ok {
			b, ok = b.SetString(strings.ReplaceAll(rest[:n], "_", ""), base)
		}
		if !ok {
			l.fail("%.40s is not a number", rest[:n])
		}
		v = normalInt(b)
	}
	l.tokens = append(l.tokens, token{kind: tNumber, line: l.line, value: v})
	l.advance(n)
}

// normalInt is an int64 where it fits.
func normalInt(b *big.Int) Value {
	if b.IsInt64() {
		return b.Int64()
	}
	return b
}

// str reads a string. What stands in it is decoded as Python's unicode-escape
// does, of the text in ASCII with other characters as escapes: so a backslash
// before one of those stands for itself.
func (l *lexer) str(quote byte) {
	rest := l.src[l.i:]
	n := 1
	for n < len(rest) && rest[n] != quote {
		if rest[n] == '\\' {
			n++
		}
		n++
	}
	if n >= len(rest) {
		l.fail("a string without its end")
	}
	s, err := unescape(rest[1:n])
	if err != nil {
		l.fail("%v", err)
	}
	l.emit(tString, s)
	l.advance(n + 1)
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' {
			b.WriteByte(c)
			i++
			continue
		}
		i++
		if i >= len(s) {
			return "", fmt.Errorf("a backslash at the end of a string")
		}
		c = s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r < 0x100:
				fmt.Fprintf(&b, `\x%02x`, r)
			case r < 0x10000:
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				fmt.Fprintf(&b, `\U%08x`, r)
			}
			i += n
			continue
		}
		i++
		if k := strings.IndexByte(`\'"abfnrtv`, c); k >= 0 {
			b.WriteByte("\\'\"\a\b\f\n\r\t\v"[k])
			continue
		}
		width := 0
		switch {
		case c == '\n':
			continue
		case c >= '0' && c <= '7':
			v := rune(c - '0')
			for k := 0; k < 2 && i < len(s) && s[i] >= '0' && s[i] <= '7'; k++ {
				v = v*8 + rune(s[i]-'0')
				i++
			}
			b.WriteRune(v)
			continue
		case c == 'x':
			width = 2
		case c == 'u':
			width = 4
		case c == 'U':
			width = 8
		case c == 'N':
			return "", fmt.Errorf(`the escape \N is not supported`)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
			continue
		}
		if i+width > len(s) {
			return "", fmt.Errorf(`a short escape \%c`, c)
		}
		v, err := strconv.ParseUint(s[i:i+width], 16, 32)
		if err != nil || v > utf8.MaxRune || v >= 0xD800 && v < 0xE000 {
			return "", fmt.Errorf(`the escape \%c%s is not a character`, c, s[i:i+width])
		}
		b.WriteRune(rune(v))
		i += width
	}
	return b.String(), nil
}
