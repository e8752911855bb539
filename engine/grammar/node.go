package grammar

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A node is a JSON value of a schema, with its members in order.
type node struct {
	kind   nodeKind
	text   string // of a string; of a number, as it was written
	keys   []string
	index  map[string]int32 // of keys
	kids   []*node
	parent *node
	key    string // in parent
	id     int32  // its place among all nodes
}

type nodeKind uint8

const (
	isNull nodeKind = iota
	isFalse
	isTrue
	isNumber
	isString
	isArray
	isObject
)

func (k nodeKind) String() string {
	return [...]string{"null", "a boolean", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// nesting bounds how deep values of a schema may lie in each other.
const nesting = 256

// parseNode reads one JSON value. Members given twice are an error.
func parseNode(data []byte) (*node, error) {
	if !utf8.Valid(data) {
		return nil, errorf("the schema is not valid UTF-8")
	}
	p := &nodeParser{d: json.NewDecoder(bytes.NewReader(data))}
	p.d.UseNumber()
	n, err := p.value(nil, "", 0)
	if err != nil {
		return nil, err
	}
	if _, err := p.d.Token(); err != io.EOF {
		return nil, errorf("the schema is not one JSON value")
	}
	return n, nil
}

type nodeParser struct {
	d *json.Decoder
	n int32
}

func (p *nodeParser) value(parent *node, key string, depth int) (*node, error) {
	n := &node{parent: parent, key: key, id: p.n}
	p.n++
	if depth > nesting {
		return nil, limitf("the schema is nested deeper than %d", nesting)
	}
	t, err := p.d.Token()
	if err != nil {
		return nil, errorf("the schema is not JSON: %v", err)
	}
	switch t := t.(type) {
	case nil:
		n.kind = isNull
	case bool:
		n.kind = isFalse
		if t {
			n.kind = isTrue
		}
	case json.Number:
		n.kind, n.text = isNumber, string(t)
	case string:
		n.kind, n.text = isString, t
	case json.Delim:
		n.kind = isArray
		if t == '{' {
			n.kind = isObject
		}
		return n, p.members(n, depth)
	}
	return n, nil
}

func (p *nodeParser) members(n *node, depth int) error {
	if n.kind == isObject {
		n.index = map[string]int32{}
	}
	for p.d.More() {
		key := strconv.Itoa(len(n.kids))
		if n.kind == isObject {
			t, err := p.d.Token()
			if err != nil {
				return errorf("the schema is not JSON: %v", err)
			}
			key = t.(string)
			if _, ok := n.index[key]; ok {
				return &Error{Pointer: n.pointer(), Reason: "key " + quote(key) + " is given twice"}
			}
			n.index[key] = int32(len(n.kids))
			n.keys = append(n.keys, key)
		}
		kid, err := p.value(n, key, depth+1)
		if err != nil {
			return err
		}
		n.kids = append(n.kids, kid)
	}
	if _, err := p.d.Token(); err != nil {
		return errorf("the schema is not JSON: %v", err)
	}
	return nil
}

// get is the member of an object, or nil.
func (n *node) get(key string) *node {
	if i, ok := n.index[key]; ok {
		return n.kids[i]
	}
	return nil
}

// pointer is the JSON pointer of n (RFC 6901).
func (n *node) pointer() string {
	var keys []string
	for ; n.parent != nil; n = n.parent {
		keys = append(keys, strings.NewReplacer("~", "~0", "/", "~1").Replace(n.key))
	}
	var b strings.Builder
	for _, k := range slices.Backward(keys) {
		b.WriteByte('/')
		b.WriteString(k)
	}
	return b.String()
}

// errorf is an error at n.
func (n *node) errorf(format string, args ...any) *Error {
	e := errorf(format, args...)
	e.Pointer = n.pointer()
	return e
}

// at sets the place of an error that has none.
func (n *node) at(err error) error {
	if e, ok := err.(*Error); ok && e.Pointer == "" {
		e.Pointer = n.pointer()
	}
	return err
}

// appendCanonical appends a text that equal values share: numbers by value, members
// in any order.
func (n *node) appendCanonical(dst []byte) []byte {
	switch n.kind {
	case isNumber:
		if r, err := n.rat(); err == nil {
			return append(dst, r.RatString()...)
		}
		return append(dst, n.text...)
	case isArray:
		dst = append(dst, '[')
		for _, k := range n.kids {
			dst = append(k.appendCanonical(dst), ',')
		}
		return append(dst, ']')
	case isObject:
		dst = append(dst, '{')
		for _, key := range slices.Sorted(slices.Values(n.keys)) {
			dst = append(appendQuoted(dst, key), ':')
			dst = append(n.get(key).appendCanonical(dst), ',')
		}
		return append(dst, '}')
	}
	return n.appendText(dst, false)
}

// rat is the value of a number. The length of what is written and its exponent are
// bounded, since an exponent of nine digits is a number of a billion.
func (n *node) rat() (*big.Rat, error) {
	mantissa, exp, _ := strings.Cut(strings.ToLower(n.text), "e")
	digits := strings.TrimLeft(exp, "+-0")
	if len(mantissa) > 400 || len(digits) > 3 || len(digits) == 3 && digits > "400" {
		return nil, &Error{Pointer: n.pointer(), Reason: "a number of more than 400 digits", Limit: true}
	}
	r, ok := new(big.Rat).SetString(n.text)
	if !ok {
		return nil, n.errorf("not a number: %s", n.text)
	}
	return r, nil
}

// appendText appends the JSON text of n as an answer would have it.
func (n *node) appendText(dst []byte, spaced bool) []byte {
	sep := func(b byte) {
		dst = append(dst, b)
		if spaced {
			dst = append(dst, ' ')
		}
	}
	switch n.kind {
	case isNull:
		return append(dst, "null"...)
	case isFalse:
		return append(dst, "false"...)
	case isTrue:
		return append(dst, "true"...)
	case isNumber:
		return append(dst, n.text...)
	case isString:
		return appendQuoted(dst, n.text)
	}
	brackets := "[]"
	if n.kind == isObject {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for i, k := range n.kids {
		if i > 0 {
			sep(',')
		}
		if n.kind == isObject {
			dst = appendQuoted(dst, n.keys[i])
			sep(':')
		}
		dst = k.appendText(dst, spaced)
	}
	return append(dst, brackets[1])
}

// appendQuoted appends text as a JSON string, with escapes where they must be.
func appendQuoted(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for _, r := range text {
		if e := escapeOf(r); e != "" {
			dst = append(dst, e...)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// quote is text for an error, cut where it is long.
func quote(text string) string {
	const most = 60
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return string(appendQuoted(nil, text))
}
