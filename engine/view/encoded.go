package view

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// base64Digit is the value of a digit of base64 or base64url, or -1.
func base64Digit(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return -1
}

const leastBase64 = 12 // digits

// base64Stretches decodes what is readable text in base64. A stretch may go on
// over ends of lines.
func base64Stretches(s string) (string, bool) {
	var out []byte
	done, tried := 0, 0 // up to tried, lines do not go on
	for i := 0; i < len(s); {
		if base64Digit(s[i]) < 0 {
			i++
			continue
		}
		end, whole := base64Line(s, i), 0
		if end-i >= leastBase64 && mayBeBase64(s[i:end]) {
			if i >= tried {
				whole = base64Lines(s, end, end-i)
				tried = whole
			}
			if whole > end {
				if t, ok := fromBase64(s[i:whole]); ok {
					out, done = append(append(out, s[done:i]...), t...), whole
					i = whole
					continue
				}
			}
			if t, ok := fromBase64(s[i:end]); ok {
				out, done = append(append(out, s[done:i]...), t...), end
			}
		}
		i = end
	}
	if done == 0 {
		return s, false
	}
	return string(append(out, s[done:]...)), true
}

// base64Line is the end of the digits and padding that begin at i.
func base64Line(s string, i int) int {
	for i < len(s) && base64Digit(s[i]) >= 0 {
		i++
	}
	for n := 0; n < 2 && i < len(s) && s[i] == '='; n++ {
		i++
	}
	return i
}

// base64Lines is the end of the lines of digits that go on after end, each as
// long as the first but for the last.
func base64Lines(s string, end, width int) int {
	if width < 20 || s[end-1] == '=' {
		return end
	}
	for {
		next := end
		if next < len(s) && s[next] == '\r' {
			next++
		}
		if next == len(s) || s[next] != '\n' {
			return end
		}
		next++
		stop := base64Line(s, next)
		if stop == next || stop-next > width {
			return end
		}
		end = stop
		if stop-next < width || s[stop-1] == '=' {
			return end
		}
	}
}

// mayBeBase64 decodes the first digits: words, names and hashes give bytes that
// are no text.
func mayBeBase64(s string) bool {
	var b [48]byte
	n, bits, have := 0, 0, 0
	mixed := false
	for i := 0; i < len(s) && n < len(b); i++ {
		d := base64Digit(s[i])
		if d < 0 {
			break
		}
		mixed = mixed || d < 26 || d >= 52
		bits, have = bits<<6|d, have+6
		if have >= 8 {
			have -= 8
			b[n] = byte(bits >> have)
			bits &= 1<<have - 1
			n++
		}
	}
	return mixed && textBegins(b[:n])
}

// textBegins reports whether b may be the beginning of a text: no control
// characters, and UTF-8 up to a rune that is cut off.
func textBegins(b []byte) bool {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			return !utf8.FullRune(b)
		}
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 {
			return false
		}
		b = b[size:]
	}
	return true
}

func fromBase64(s string) (string, bool) {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\r', '\n', '=':
		case '-':
			clean = append(clean, '+')
		case '_':
			clean = append(clean, '/')
		default:
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	n, err := base64.RawStdEncoding.Decode(clean, clean)
	return decoded(string(clean[:n]), err == nil)
}

// decoded reports whether s, which something decoded to, is text, or text in
// another encoding still.
func decoded(s string, ok bool) (string, bool) {
	if !ok || !printable(s) {
		return "", false
	}
	return s, readable(s) || encodedAgain(s)
}

// encodedAgain reports whether s looks like one stretch of base64, hex or
// binary digits, or has escapes.
func encodedAgain(s string) bool {
	if strings.Count(s, "%") > 3 || strings.Contains(s, "&#") || strings.Contains(s, `\u`) || strings.Contains(s, `\x`) {
		return true
	}
	digits := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case base64Digit(c) >= 0 && c != '-':
			digits++
		case c != '=' && c != '\n' && c != '\r' && c != ' ':
			return false
		}
	}
	return digits >= leastBase64 && (mayBeBase64(s) || len(s) >= 16 && (hexValue(s[0]) >= 0 && hexValue(s[1]) >= 0))
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// A digits rule says how bytes are written as digits of a base.
type digits struct {
	value  func(c byte) int
	width  int  // digits a byte
	least  int  // bytes
	least1 int  // bytes of a number that stands for several
	shift  uint // bits a digit
}

var (
	hexDigits    = digits{hexValue, 2, 8, 8, 4}
	binaryDigits = digits{func(c byte) int { return int(c) - '0' }, 8, 4, 5, 1}
)

func hexStretches(s string) (string, bool) { return hexDigits.undo(s) }
func binaryStretches(s string) (string, bool) {
	if strings.Count(s, "0")+strings.Count(s, "1") < 4*8 {
		return s, false
	}
	return binaryDigits.undo(s)
}

// undo decodes stretches of bytes that are written as digits: in one number, or
// in several with separators between them.
func (d *digits) undo(s string) (string, bool) {
	var out []byte
	done := 0
	var head [64]byte
	for i := 0; i < len(s); {
		if !d.is(s[i]) || i > 0 && isAlnum(s[i-1]) && !prefixed(s, i) {
			i++
			continue
		}
		start := i
		end, n, spaced := d.stretch(s, i, head[:])
		i = max(end, d.number(s, i))
		if n < d.least || d.width == 2 && !strings.ContainsAny(s[start:end], "abcdefABCDEF") || !textBegins(head[:min(n, len(head))]) {
			continue
		}
		if start >= 2 && prefixed(s, start) {
			start -= 2
		}
		if t, ok := decoded(d.decode(s[start:end], spaced), true); ok && (costOf(t) <= someText || !isASCIIText(t) && len(t) >= 2*d.least || encodedAgain(t)) {
			out, done = append(append(out, s[done:start]...), t...), end
		}
	}
	if done == 0 {
		return s, false
	}
	return string(append(out, s[done:]...)), true
}

func (d *digits) is(c byte) bool {
	v := d.value(c)
	return v >= 0 && v < 1<<d.shift
}

// prefixed reports whether 0x or \x stands before i.
func prefixed(s string, i int) bool {
	return i >= 2 && s[i-1]|0x20 == 'x' && (s[i-2] == '0' || s[i-2] == '\\')
}

// number is the end of the digits at i, which no letter may follow.
func (d *digits) number(s string, i int) int {
	for i < len(s) && d.is(s[i]) {
		i++
	}
	return i
}

// stretch is the end of the numbers that begin at i and are whole bytes of
// text, and how many bytes they are; the first go into head. spaced reports
// that the numbers are words, with no space of their own.
func (d *digits) stretch(s string, i int, head []byte) (end, n int, spaced bool) {
	end = i
	pending := 0 // bytes of UTF-8 that must follow
	long, space := false, false
	for {
		stop := d.number(s, i)
		size := stop - i
		if size == 0 || size%d.width != 0 || stop < len(s) && isAlnum(s[stop]) {
			break
		}
		ok := true
		for k := i; k < stop && ok; k += d.width {
			b := d.byteAt(s, k)
			switch {
			case pending > 0:
				ok = b&0xc0 == 0x80
				pending--
			case b >= 0xc2 && b < 0xf5:
				pending = 1 + btoi(b >= 0xe0) + btoi(b >= 0xf0)
			default:
				ok = b >= ' ' && b < 0x7f || b == '\n' || b == '\r' || b == '\t'
			}
			if n < len(head) {
				head[n] = b
			}
			space = space || b == ' '
			n += btoi(ok)
		}
		if !ok {
			break
		}
		long = long || size > d.width
		end = stop
		next := stop
		for next < len(s) && next < stop+3 && strings.IndexByte(" ,:;-\n\\|", s[next]) >= 0 {
			next++
		}
		if next+2 < len(s) && s[next+1]|0x20 == 'x' && (s[next] == '0' || s[next-1] == '\\' && next > stop) {
			next += 2
		} else if next > stop && next < len(s) && s[next] == 'x' && s[next-1] == '\\' {
			next++
		}
		if next == stop {
			break
		}
		i = next
	}
	if !long && n < d.least || long && n < d.least1 {
		return end, 0, false
	}
	return end, n, long && !space
}

func (d *digits) byteAt(s string, i int) byte {
	v := 0
	for k := range d.width {
		v = v<<d.shift | d.value(s[i+k])
	}
	return byte(v)
}

// decode returns the bytes of a stretch.
func (d *digits) decode(s string, spaced bool) string {
	var b []byte
	for i := 0; i < len(s); {
		if !d.is(s[i]) || s[i] == '0' && i+1 < len(s) && s[i+1]|0x20 == 'x' {
			i++
			continue
		}
		stop := d.number(s, i)
		if spaced && len(b) > 0 {
			b = append(b, ' ')
		}
		for ; i+d.width <= stop; i += d.width {
			b = append(b, d.byteAt(s, i))
		}
		i = stop
	}
	return string(b)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isASCIIText(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
