package protocol

import (
	"fmt"
	"unicode/utf8"

	"mom/server/web"
)

// A kind of a JSON value.
type jsonKind uint8

const (
	null jsonKind = iota
	boolean
	number
	text
	array
	object
)

func (k jsonKind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// A node is a value, or a key, of a scanned text. Nodes stand in the order of
// the text; the ones inside an array or object follow it directly, in an object
// as keys and values by turns.
type node struct {
	start, end int32 // bytes of the text, quotes and brackets included
	next       int32 // the node after this one and all inside it
	kind       jsonKind
	escaped    bool // a string with escapes in it
}

// A document is a scanned text. Node 0 is the whole value.
type document struct {
	src   string
	nodes []node
}

// A strictness says what a scan refuses beside what is not JSON.
type strictness uint8

const (
	// strict is for what clients send: keys that are there twice and escapes
	// of half a surrogate pair are refused.
	strict strictness = iota
	// tolerant is for what upstreams send.
	tolerant
)

type scanner struct {
	document
	at    int
	rules strictness
	err   *web.Error
}

// scan reads one JSON value with nothing but white space around it. The error
// names the place and never repeats what stands there.
func scan(src string, rules strictness) (document, *web.Error) {
	return scanInto(make([]node, 0, min(len(src)/16+8, 512)), src, rules)
}

// scanInto scans with the memory of nodes that are no longer needed.
func scanInto(nodes []node, src string, rules strictness) (document, *web.Error) {
	if len(src) > MaxBytes {
		return document{}, &web.Error{Status: 413, Code: "too_large", Message: fmt.Sprintf("the JSON text has %d bytes, more than the limit of %d", len(src), MaxBytes)}
	}
	s := scanner{document: document{src: src, nodes: nodes[:0]}, rules: rules}
	s.space()
	s.value(0)
	if s.space(); s.err == nil && s.at < len(src) {
		s.fail("expected the end of the text")
	}
	return s.document, s.err
}

func (s *scanner) fail(what string) {
	if s.err == nil {
		s.err = &web.Error{Status: 400, Code: "invalid_json", Message: fmt.Sprintf("not valid JSON at byte %d: %s", s.at, what)}
	}
}

func (s *scanner) space() {
	for s.at < len(s.src) {
		switch s.src[s.at] {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.at < len(s.src) {
		return s.src[s.at]
	}
	return 0
}

// open appends a node that begins here.
func (s *scanner) open(k jsonKind) int {
	i := len(s.nodes)
	if i >= MaxValues && s.err == nil {
		s.err = &web.Error{Status: 413, Code: "too_many_values", Message: fmt.Sprintf("the JSON text has more than %d keys and values", MaxValues)}
	}
	s.nodes = append(s.nodes, node{start: int32(s.at), kind: k})
	return i
}

// close ends node i here.
func (s *scanner) close(i int) {
	s.nodes[i].end = int32(s.at)
	s.nodes[i].next = int32(len(s.nodes))
}

func (s *scanner) value(depth int) {
	if s.err != nil {
		return
	}
	if s.at >= len(s.src) {
		s.fail("the text ends where a value should stand")
		return
	}
	switch c := s.src[s.at]; {
	case c == '"':
		s.str()
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			s.fail(fmt.Sprintf("arrays and objects nest deeper than %d", MaxDepth))
		} else if c == '{' {
			s.object(depth)
		} else {
			s.array(depth)
		}
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	case c == 't':
		s.word("true", boolean)
	case c == 'f':
		s.word("false", boolean)
	case c == 'n':
		s.word("null", null)
	default:
		s.fail("expected a value")
	}
}

func (s *scanner) word(w string, k jsonKind) {
	if len(s.src)-s.at < len(w) || s.src[s.at:s.at+len(w)] != w {
		s.fail("expected a value")
		return
	}
	i := s.open(k)
	s.at += len(w)
	s.close(i)
}

func (s *scanner) digits() {
	from := s.at
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	if s.at == from {
		s.fail("expected a digit")
	}
}

func (s *scanner) number() {
	i := s.open(number)
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else {
		s.digits()
	}
	if s.peek() == '.' {
		s.at++
		s.digits()
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		s.digits()
	}
	s.close(i)
}

// plain are the bytes that may stand in a string as they are and need no look.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

func (s *scanner) str() {
	i := s.open(text)
	src, at, ascii := s.src, s.at+1, true
	for {
		for at < len(src) && plain[src[at]] {
			at++
		}
		if at >= len(src) {
			s.at = at
			s.fail("the text ends inside a string")
			return
		}
		switch c := src[at]; {
		case c == '"':
			if from := s.at; !ascii && !utf8.ValidString(src[from:at]) {
				s.fail("the string that begins here is not UTF-8")
				return
			}
			s.at = at + 1
			s.close(i)
			return
		case c == '\\':
			s.nodes[i].escaped = true
			n, _ := escape(src[at:], s.rules)
			if n == 0 {
				s.at = at
				s.fail("no escape of JSON, or half of a surrogate pair")
				return
			}
			at += n
		case c < ' ':
			s.at = at
			s.fail("a control character in a string must be escaped")
			return
		default:
			ascii = false
			at++
		}
	}
}

// escape reads the escape that s begins with: its length in bytes, 0 when it is
// none, and the character.
func escape(s string, rules strictness) (int, rune) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return 2, rune(s[1])
	case 'b':
		return 2, '\b'
	case 'f':
		return 2, '\f'
	case 'n':
		return 2, '\n'
	case 'r':
		return 2, '\r'
	case 't':
		return 2, '\t'
	case 'u':
		r, ok := hex4(s)
		if !ok {
			return 0, 0
		}
		if r < 0xD800 || r > 0xDFFF {
			return 6, r
		}
		if low, ok := hex4(s[6:]); ok && r < 0xDC00 && low >= 0xDC00 && low <= 0xDFFF {
			return 12, 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
		}
		if rules == strict {
			return 0, 0
		}
		return 6, utf8.RuneError
	}
	return 0, 0
}

// hex4 reads \uXXXX.
func hex4(s string) (r rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(s[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (s *scanner) array(depth int) {
	i := s.open(array)
	s.at++
	if s.space(); s.peek() == ']' {
		s.at++
		s.close(i)
		return
	}
	for s.err == nil {
		s.space()
		s.value(depth + 1)
		s.space()
		switch s.peek() {
		case ']':
			s.at++
			s.close(i)
			return
		case ',':
			s.at++
		default:
			s.fail("expected a comma or ]")
		}
	}
}

func (s *scanner) object(depth int) {
	i := s.open(object)
	s.at++
	if s.space(); s.peek() == '}' {
		s.at++
		s.close(i)
		return
	}
	var seen seenKeys
	for s.err == nil {
		if s.space(); s.peek() != '"' {
			s.fail("expected a key in quotes")
			return
		}
		key, at := len(s.nodes), s.at
		if s.str(); s.err != nil {
			return
		}
		if s.rules == strict && !seen.add(&s.document, int32(i), int32(key)) {
			s.at = at
			s.fail("a key that this object has already")
			return
		}
		if s.space(); s.peek() != ':' {
			s.fail("expected a colon")
			return
		}
		s.at++
		s.space()
		s.value(depth + 1)
		s.space()
		switch s.peek() {
		case '}':
			s.at++
			s.close(i)
			return
		case ',':
			s.at++
		default:
			s.fail("expected a comma or }")
		}
	}
}

// seenKeys finds keys that are there twice. Most objects have few keys, which
// are compared with each other; a large one gets a set.
type seenKeys struct {
	n   int
	set map[string]struct{}
}

const smallObject = 24

func (k *seenKeys) add(d *document, obj, key int32) bool {
	name := d.str(key)
	if k.n++; k.n <= smallObject {
		for have := obj + 1; have < key; have = d.nodes[have+1].next {
			if d.str(have) == name {
				return false
			}
		}
		return true
	}
	if k.set == nil {
		k.set = make(map[string]struct{}, 4*smallObject)
		for have := obj + 1; have < key; have = d.nodes[have+1].next {
			k.set[d.str(have)] = struct{}{}
		}
	}
	if _, twice := k.set[name]; twice {
		return false
	}
	k.set[name] = struct{}{}
	return true
}
