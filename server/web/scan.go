package web

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Check verifies that data is one JSON value that every reader understands
// alike; see ReadJSON. t is the type that it will be read into, or nil.
func Check(data []byte, t reflect.Type) error {
	s := scanner{data: data}
	s.space()
	s.value(t, 0)
	s.space()
	if s.err == nil && s.at < len(s.data) {
		s.syntax("nothing more after the value")
	}
	return s.err
}

type scanner struct {
	data []byte
	at   int
	path []byte // of the value under way: a.b[2]
	err  error

	fields map[reflect.Type]map[string]reflect.Type // of structs met so far
}

func (s *scanner) fail(message string) {
	if s.err == nil {
		s.err = Invalid(string(s.path), message)
		s.at = len(s.data)
	}
}

func (s *scanner) syntax(want string) {
	if s.at >= len(s.data) {
		s.fail("the JSON ends too early; want " + want)
		return
	}
	s.fail(fmt.Sprintf("not JSON at byte %d: want %s", s.at, want))
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *scanner) value(t reflect.Type, depth int) {
	if depth > MaxDepth {
		s.path = nil
		s.fail(fmt.Sprintf("nested deeper than the limit of %d", MaxDepth))
		return
	}
	switch c := s.peek(); {
	case c == '{':
		s.object(t, depth)
	case c == '[':
		s.array(t, depth)
	case c == '"':
		s.str()
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	default:
		s.syntax("a value")
	}
}

func (s *scanner) word(w string) {
	if len(s.data)-s.at < len(w) || string(s.data[s.at:s.at+len(w)]) != w {
		s.syntax(w)
		return
	}
	s.at += len(w)
}

func (s *scanner) digits() {
	from := s.at
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	if s.at == from {
		s.syntax("a digit")
	}
}

func (s *scanner) number() {
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
}

// str passes over a string and returns it with its quotes.
func (s *scanner) str() []byte {
	from, ascii := s.at, true
	for s.at++; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			if !ascii && !utf8.Valid(s.data[from:s.at]) {
				s.fail("text that is not UTF-8")
				return nil
			}
			return s.data[from:s.at]
		case c == '\\':
			s.at++
			if !s.escape() {
				return nil
			}
		case c < ' ':
			s.syntax("control characters in strings to be escaped")
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.syntax("the end of a string")
	return nil
}

func (s *scanner) escape() bool {
	switch c := s.peek(); {
	case c == 'u' && s.at+4 < len(s.data):
		for range 4 {
			s.at++
			if !strings.ContainsRune("0123456789abcdefABCDEF", rune(s.data[s.at])) {
				s.syntax("four hexadecimal digits")
				return false
			}
		}
		return true
	case c != 0 && strings.IndexByte(`"\/bfnrt`, c) >= 0:
		return true
	}
	s.syntax("an escape that JSON has")
	return false
}

func (s *scanner) array(t reflect.Type, depth int) {
	t = element(t, reflect.Slice, reflect.Array)
	s.at++
	if s.space(); s.peek() == ']' {
		s.at++
		return
	}
	from := len(s.path)
	for i := 0; s.err == nil; i++ {
		s.path = append(strconv.AppendInt(append(s.path[:from], '['), int64(i), 10), ']')
		s.space()
		s.value(t, depth+1)
		if s.err != nil {
			return
		}
		s.space()
		if s.peek() == ']' {
			s.at++
			s.path = s.path[:from]
			return
		}
		if s.peek() != ',' {
			s.syntax("a comma or ]")
			return
		}
		s.at++
	}
}

func (s *scanner) object(t reflect.Type, depth int) {
	names := s.fieldsOf(t)
	inner := element(t, reflect.Map)
	s.at++
	if s.space(); s.peek() == '}' {
		s.at++
		return
	}
	from := len(s.path)
	var seen keys
	for s.err == nil {
		if s.space(); s.peek() != '"' {
			s.syntax("a key in quotes")
			return
		}
		quoted := s.str()
		if s.err != nil {
			return
		}
		key := unquote(quoted)
		s.path = appendKey(s.path[:from], key)
		field, known := names[key]
		if !known {
			for name := range names {
				if strings.EqualFold(name, key) {
					s.fail(fmt.Sprintf("%s: keys are case sensitive; this one is %q", s.path, name))
					return
				}
			}
			field = inner
		}
		if !seen.add(key) {
			s.fail(fmt.Sprintf("%s: this key appears twice, or twice but for its case", s.path))
			return
		}
		if s.space(); s.peek() != ':' {
			s.syntax("a colon")
			return
		}
		s.at++
		s.space()
		s.value(field, depth+1)
		if s.err != nil {
			return
		}
		s.space()
		if s.peek() == '}' {
			s.at++
			s.path = s.path[:from]
			return
		}
		if s.peek() != ',' {
			s.syntax("a comma or }")
			return
		}
		s.at++
	}
}

// keys are those of one object, few as a rule.
type keys struct {
	list []string
	set  map[string]bool
}

// add reports whether key is new. Keys that fold to the same are the same.
func (k *keys) add(key string) bool {
	if k.set == nil && len(k.list) < 16 {
		for _, have := range k.list {
			if strings.EqualFold(have, key) {
				return false
			}
		}
		k.list = append(k.list, key)
		return true
	}
	if k.set == nil {
		k.set = map[string]bool{}
		for _, have := range k.list {
			k.set[fold(have)] = true
		}
	}
	key = fold(key)
	if k.set[key] {
		return false
	}
	k.set[key] = true
	return true
}

// fold gives equal strings for those that strings.EqualFold holds equal.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// unquote returns the key that a string of JSON stands for.
func unquote(quoted []byte) string {
	if plain := quoted[1 : len(quoted)-1]; !strings.Contains(string(plain), `\`) {
		return string(plain)
	}
	var key string
	if json.Unmarshal(quoted, &key) != nil {
		return ""
	}
	return key
}

// appendKey keeps paths short and free of what may be a client's text.
func appendKey(path []byte, key string) []byte {
	if len(path) > 0 {
		path = append(path, '.')
	}
	if len(key) > 64 {
		return append(path, "(a long key)"...)
	}
	for _, r := range key {
		if r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return append(path, "(a key)"...)
		}
	}
	return append(path, key...)
}

// element is the type of the values in t when t is of one of the kinds, read
// without a method of its own.
func element(t reflect.Type, kinds ...reflect.Kind) reflect.Type {
	t = bare(t)
	if t == nil {
		return nil
	}
	for _, k := range kinds {
		if t.Kind() == k {
			return t.Elem()
		}
	}
	return nil
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// bare follows pointers, down to a type that encoding/json reads by itself.
func bare(t reflect.Type) reflect.Type {
	for t != nil {
		if t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) ||
			t.Implements(textUnmarshaler) || reflect.PointerTo(t).Implements(textUnmarshaler) {
			return nil
		}
		if t.Kind() != reflect.Pointer {
			return t
		}
		t = t.Elem()
	}
	return nil
}

// fieldsOf lists the JSON keys of a struct with the types of their values.
func (s *scanner) fieldsOf(t reflect.Type) map[string]reflect.Type {
	t = bare(t)
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	if fields, ok := s.fields[t]; ok {
		return fields
	}
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		if !f.IsExported() || tag == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields[name] = f.Type
	}
	if s.fields == nil {
		s.fields = map[reflect.Type]map[string]reflect.Type{}
	}
	s.fields[t] = fields
	return fields
}
