package safetensors

import (
	"fmt"
	"hash/maphash"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A scanner reads JSON from text that is valid UTF-8. It allocates nothing: a
// string is handed out as the quoted text that it is, and an index of many
// small entries therefore costs less than its text. The first error stays, and
// makes every later call return at once.
type scanner struct {
	text []byte
	pos  int
	err  error
}

// maxDepth bounds the nesting of values that are skipped.
const maxDepth = 64

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// peek is the next byte that is not white space, 0 at the end of the text.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// expect consumes c; what says what it is part of.
func (s *scanner) expect(c byte, what string) {
	if s.err != nil {
		return
	}
	if s.peek() != c {
		s.fail("%s: want %q at byte %d of the JSON, found %s", what, c, s.pos, s.found())
		return
	}
	s.pos++
}

// found describes what stands at pos.
func (s *scanner) found() string {
	if s.pos >= len(s.text) {
		return "its end"
	}
	r, _ := utf8.DecodeRune(s.text[s.pos:])
	return fmt.Sprintf("%q", r)
}

// object calls member for every key of an object, with pos at its value, which
// member must consume. what names the object in errors.
func (s *scanner) object(what string, member func(key quoted)) {
	s.list('{', '}', what, func() {
		key := s.str("key in ", what)
		s.expect(':', what)
		if s.err == nil {
			member(key)
		}
	})
}

// list reads a comma-separated list between two brackets.
func (s *scanner) list(begin, end byte, what string, item func()) {
	s.expect(begin, what)
	if s.err == nil && s.peek() == end {
		s.pos++
		return
	}
	for s.err == nil {
		item()
		if s.err == nil && s.peek() == end {
			s.pos++
			return
		}
		s.expect(',', what)
	}
}

// str reads a string and checks its escapes; role and what say what it is.
func (s *scanner) str(role, what string) quoted {
	if s.err != nil {
		return nil
	}
	if s.peek() != '"' {
		s.fail("%s%s: want a string at byte %d of the JSON, found %s", role, what, s.pos, s.found())
		return nil
	}
	start := s.pos
	s.pos++
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return quoted(s.text[start:s.pos])
		case c < 0x20:
			s.fail("%s%s: control character %#02x in a string at byte %d of the JSON", role, what, c, s.pos)
			return nil
		case c == '\\':
			_, n := unescape(s.text[s.pos:])
			if n == 0 {
				s.fail("%s%s: invalid escape at byte %d of the JSON", role, what, s.pos)
				return nil
			}
			s.pos += n
		default:
			s.pos++
		}
	}
	s.fail("%s%s: string at byte %d of the JSON does not end", role, what, start)
	return nil
}

// natural reads an integer from 0 to the largest int64. Every other JSON value
// is an error that quotes it.
func (s *scanner) natural(what string) int64 {
	if s.err != nil {
		return 0
	}
	c := s.peek()
	start := s.pos
	var n int64
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		d := int64(s.text[s.pos] - '0')
		if n > (math.MaxInt64-d)/10 {
			s.fail("%s: %s is too large", what, s.literal(start))
			return 0
		}
		n = n*10 + d
		s.pos++
	}
	switch {
	case s.pos == start && (c == 0 || strings.IndexByte(`"{}[],:`, c) >= 0):
		s.fail("%s: want a number, found %s", what, s.found())
	case s.pos == start || s.pos < len(s.text) && strings.IndexByte("+-.eE", s.text[s.pos]) >= 0:
		s.fail("%s: %s is not a whole number from 0 up", what, s.literal(start))
	case s.pos-start > 1 && s.text[start] == '0':
		s.fail("%s: %s begins with a zero", what, s.literal(start))
	}
	return n
}

// literal is the bare word that begins at start, cut to a bearable length.
func (s *scanner) literal(start int) string {
	end := start
	for end < len(s.text) && strings.IndexByte(" \t\r\n,:{}[]\"", s.text[end]) < 0 {
		end++
	}
	return clip(string(s.text[start:min(end, start+2*clipLen)]))
}

// skip reads over any value.
func (s *scanner) skip(what string, depth int) {
	if s.err != nil {
		return
	}
	if depth > maxDepth {
		s.fail("%s: nested more than %d deep", what, maxDepth)
		return
	}
	switch s.peek() {
	case '{':
		s.object(what, func(quoted) { s.skip(what, depth+1) })
	case '[':
		s.list('[', ']', what, func() { s.skip(what, depth+1) })
	case '"':
		s.str("", what)
	default:
		s.bare(what)
	}
}

// bare reads over a number, true, false or null.
func (s *scanner) bare(what string) {
	start := s.pos
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n,:{}[]\"", s.text[s.pos]) < 0 {
		s.pos++
	}
	switch w := s.text[start:s.pos]; string(w) {
	case "true", "false", "null":
	default:
		if !isNumber(w) {
			s.fail("%s: %s is not a JSON value", what, s.literal(start))
		}
	}
}

// isNumber reports whether w is a JSON number.
func isNumber(w []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(w) && '0' <= w[n] && w[n] <= '9' {
			n++
		}
		w = w[n:]
		return n > 0
	}
	if len(w) > 0 && w[0] == '-' {
		w = w[1:]
	}
	if len(w) > 1 && w[0] == '0' && '0' <= w[1] && w[1] <= '9' || !digits() {
		return false
	}
	if len(w) > 0 && w[0] == '.' {
		if w = w[1:]; !digits() {
			return false
		}
	}
	if len(w) > 0 && w[0]|0x20 == 'e' {
		if w = w[1:]; len(w) > 0 && (w[0] == '+' || w[0] == '-') {
			w = w[1:]
		}
		return digits() && len(w) == 0
	}
	return len(w) == 0
}

// end wants nothing but white space to follow.
func (s *scanner) end(what string) {
	if s.err == nil && s.peek() != 0 || s.err == nil && s.pos < len(s.text) {
		s.fail("%s: %s after its end, at byte %d of the JSON", what, s.found(), s.pos)
	}
}

// quoted is the text of a JSON string, quotes and escapes included. The scanner
// has checked it.
type quoted []byte

// next is the first rune after b, and its length in the text; 0 at the end.
func (q quoted) next() (rune, int) {
	if len(q) < 2 {
		return 0, 0
	}
	if q[0] == '\\' {
		return unescape(q)
	}
	return utf8.DecodeRune(q)
}

// body is q without its first quote, for next.
func (q quoted) body() quoted { return q[1:] }

// plain reports whether q has no escapes.
func (q quoted) plain() bool {
	for _, c := range q {
		if c == '\\' {
			return false
		}
	}
	return true
}

// String is what q stands for.
func (q quoted) String() string { return q.upTo(len(q)) }

// brief is String, but of a very long q only the beginning, for errors.
func (q quoted) brief() string {
	const enough = 2 * clipLen
	return q.upTo(enough)
}

// upTo is as much of what q stands for as fits in n bytes.
func (q quoted) upTo(limit int) string {
	if len(q) <= limit+2 && q.plain() {
		return string(q[1 : len(q)-1])
	}
	var b strings.Builder
	for rest := q.body(); ; {
		r, n := rest.next()
		if n == 0 || b.Len()+utf8.RuneLen(r) > limit {
			return b.String()
		}
		if b.Len() == 0 {
			b.Grow(min(limit, len(q)))
		}
		b.WriteRune(r)
		rest = rest[n:]
	}
}

// is reports whether q stands for name.
func (q quoted) is(name string) bool {
	rest := q.body()
	for _, r := range name {
		c, n := rest.next()
		if n == 0 || c != r {
			return false
		}
		rest = rest[n:]
	}
	_, n := rest.next()
	return n == 0
}

// equal reports whether q and p stand for the same string.
func (q quoted) equal(p quoted) bool {
	q, p = q.body(), p.body()
	for {
		a, n := q.next()
		b, m := p.next()
		if n == 0 || m == 0 {
			return n == m
		}
		if a != b {
			return false
		}
		q, p = q[n:], p[m:]
	}
}

// hash is the same for strings that are equal.
func (q quoted) hash(h *maphash.Hash) uint32 {
	h.Reset()
	if q.plain() {
		h.Write(q[1 : len(q)-1])
		return uint32(h.Sum64())
	}
	var b [utf8.UTFMax]byte
	for rest := q.body(); ; {
		r, n := rest.next()
		if n == 0 {
			return uint32(h.Sum64())
		}
		h.Write(b[:utf8.EncodeRune(b[:], r)])
		rest = rest[n:]
	}
}

// unescape is the rune that an escape sequence stands for and the sequence's
// length; 0 if it is none. Half of a surrogate pair is none.
func unescape(b []byte) (rune, int) {
	if len(b) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, b[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	r := hex4(b)
	if r < 0 {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if r = utf16.DecodeRune(r, hex4(b[6:])); r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hex4 reads \uXXXX; -1 if there is none.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
