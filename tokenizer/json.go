package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Bounds of what is read. A tokenizer.json beyond them is refused.
const (
	maxFile      = 128 << 20 // bytes of a file
	maxDepth     = 32        // nesting of JSON values
	maxPiece     = 4096      // bytes of one token
	maxNodes     = 1 << 16   // values in a component (normalizer, pre_tokenizer, ...)
	maxComponent = 8 << 20   // bytes of a component
)

// scanner reads JSON from memory without building values. Its errors carry the
// reason alone; callers add where in the document they were.
type scanner struct {
	data []byte
	i    int
	buf  []byte // unescaped string
}

var errJSONEnd = errors.New("unexpected end of the file")

func (s *scanner) fail(what string) error {
	if s.i >= len(s.data) {
		return errJSONEnd
	}
	return fmt.Errorf("%s expected at byte %d, found %q", what, s.i, s.data[s.i])
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.data) {
		switch c := s.data[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.fail(strconv.QuoteRune(rune(c)))
	}
	s.i++
	return nil
}

// more steps through a list or an object: it reports whether another element
// follows, after eating the separator. first is true before the first element.
func (s *scanner) more(end byte, first *bool) (bool, error) {
	c := s.peek()
	if c == end {
		s.i++
		return false, nil
	}
	if !*first {
		if c != ',' {
			return false, s.fail("',' or " + strconv.QuoteRune(rune(end)))
		}
		s.i++
		if s.peek() == end {
			return false, s.fail("a value")
		}
	}
	*first = false
	return true, nil
}

// str reads a string. The result is valid until the next call.
func (s *scanner) str() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.fail("a string")
	}
	s.i++
	start := s.i
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.i = i + 1
			return s.data[start:i], nil
		case c == '\\':
			s.i = i
			return s.escaped(start)
		case c < ' ':
			s.i = i
			return nil, s.fail("a character of a string")
		}
	}
	s.i = len(s.data)
	return nil, errJSONEnd
}

// escaped is the rest of str from the first backslash on.
func (s *scanner) escaped(start int) ([]byte, error) {
	buf := append(s.buf[:0], s.data[start:s.i]...)
	for s.i < len(s.data) {
		c := s.data[s.i]
		switch {
		case c == '"':
			s.i++
			s.buf = buf
			return buf, nil
		case c < ' ':
			return nil, s.fail("a character of a string")
		case c != '\\':
			buf = append(buf, c)
			s.i++
		default:
			var err error
			if buf, err = s.escape(buf); err != nil {
				return nil, err
			}
		}
	}
	return nil, errJSONEnd
}

// escape reads one escape sequence, the backslash included.
func (s *scanner) escape(buf []byte) ([]byte, error) {
	s.i++
	if s.i >= len(s.data) {
		return nil, errJSONEnd
	}
	c := s.data[s.i]
	s.i++
	switch c {
	case '"', '\\', '/':
		return append(buf, c), nil
	case 'b':
		return append(buf, '\b'), nil
	case 'f':
		return append(buf, '\f'), nil
	case 'n':
		return append(buf, '\n'), nil
	case 'r':
		return append(buf, '\r'), nil
	case 't':
		return append(buf, '\t'), nil
	case 'u':
		r, ok := s.hex4()
		if ok && r >= 0xD800 && r < 0xE000 {
			var low rune
			if r >= 0xDC00 || s.i+1 >= len(s.data) || s.data[s.i] != '\\' || s.data[s.i+1] != 'u' {
				return nil, fmt.Errorf("lone surrogate \\u%04x at byte %d", r, s.i)
			}
			s.i += 2
			low, ok = s.hex4()
			if ok && (low < 0xDC00 || low >= 0xE000) {
				return nil, fmt.Errorf("lone surrogate \\u%04x at byte %d", r, s.i)
			}
			r = (r-0xD800)<<10 + low - 0xDC00 + 0x10000
		}
		if ok {
			return utf8.AppendRune(buf, r), nil
		}
	}
	s.i--
	return nil, s.fail("an escape sequence")
}

func (s *scanner) hex4() (rune, bool) {
	if s.i+4 > len(s.data) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(s.data[s.i:s.i+4]), 16, 32)
	if err != nil {
		return 0, false
	}
	s.i += 4
	return rune(v), true
}

// number reads the text of a number.
func (s *scanner) number() ([]byte, error) {
	s.peek()
	start, i := s.i, s.i
	digits := func() bool {
		from := i
		for i < len(s.data) && s.data[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(s.data) && s.data[i] == '-' {
		i++
	}
	zero := i < len(s.data) && s.data[i] == '0'
	from := i
	ok := digits() && !(zero && i > from+1)
	if ok && i < len(s.data) && s.data[i] == '.' {
		i++
		ok = digits()
	}
	if ok && i < len(s.data) && s.data[i]|0x20 == 'e' {
		i++
		if i < len(s.data) && (s.data[i] == '+' || s.data[i] == '-') {
			i++
		}
		ok = digits()
	}
	if !ok {
		return nil, s.fail("a number")
	}
	s.i = i
	return s.data[start:i], nil
}

// id reads a token id.
func (s *scanner) id() (int32, error) {
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	v := int32(0)
	for _, c := range text {
		if c < '0' || c > '9' || v >= maxID/10 {
			return 0, fmt.Errorf("id %.20s is not a whole number below %d", text, maxID)
		}
		v = v*10 + int32(c-'0')
	}
	return v, nil
}

// literal reads true, false or null.
func (s *scanner) literal() (byte, error) {
	for _, w := range []string{"true", "false", "null"} {
		if s.peek() == w[0] && bytes.HasPrefix(s.data[s.i:], []byte(w)) {
			s.i += len(w)
			return w[0], nil
		}
	}
	return 0, s.fail("a value")
}

// skip passes over one value, checking its syntax but for numbers' details.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch c := s.peek(); c {
	case '{', '[':
		s.i++
		first, end := true, c+2 // '}' or ']'
		for {
			ok, err := s.more(end, &first)
			if !ok || err != nil {
				return err
			}
			if c == '{' {
				if err := s.skipString(); err != nil {
					return err
				}
				if err := s.expect(':'); err != nil {
					return err
				}
			}
			if err := s.skip(depth + 1); err != nil {
				return err
			}
		}
	case '"':
		return s.skipString()
	case 't', 'f', 'n':
		_, err := s.literal()
		return err
	default:
		_, err := s.number()
		return err
	}
}

// skipString passes over a string without checking its escapes.
func (s *scanner) skipString() error {
	if s.peek() != '"' {
		return s.fail("a string")
	}
	for i := s.i + 1; i < len(s.data); i++ {
		switch s.data[i] {
		case '"':
			s.i = i + 1
			return nil
		case '\\':
			i++
		}
	}
	s.i = len(s.data)
	return errJSONEnd
}

// members calls f for every member of an object; f must consume the value. A
// name that occurs twice is an error.
func (s *scanner) members(f func(name string) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	seen, first := map[string]bool{}, true
	for {
		ok, err := s.more('}', &first)
		if !ok || err != nil {
			return err
		}
		key, err := s.str()
		if err != nil {
			return err
		}
		name := string(key)
		if seen[name] {
			return fmt.Errorf("key %.80q occurs twice", name)
		}
		if len(seen) >= 1024 {
			return errors.New("more than 1024 keys")
		}
		seen[name] = true
		if err := s.expect(':'); err != nil {
			return err
		}
		if err := f(name); err != nil {
			return err
		}
	}
}
