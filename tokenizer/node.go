package tokenizer

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A node is a value of a component's configuration. The getters of objects mark
// the keys they read, so that a key nobody read can be reported, and keep the
// first error together with where it was.
type node struct {
	kind byte // '{' '[' '"' '0' (number) 't' 'f' 'n' (null); 0 absent
	text string
	list []node
	keys []string // of an object, beside list
	used []bool
	path string
	errs *error // shared by a tree
}

// parseNode reads the value at s into a tree whose root stands at path.
func parseNode(s *scanner, path string) (*node, error) {
	s.peek()
	start := s.i
	if err := s.skip(1); err != nil {
		return nil, at(path, err)
	}
	if s.i-start > maxComponent {
		return nil, at(path, fmt.Errorf("%d bytes, more than %d", s.i-start, maxComponent))
	}
	s.i = start
	left, n := maxNodes, &node{path: path, errs: new(error)}
	if err := n.read(s, &left); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *node) read(s *scanner, left *int) error {
	if *left--; *left < 0 {
		return at(n.path, fmt.Errorf("more than %d values", maxNodes))
	}
	n.kind = s.peek()
	switch n.kind {
	case '{':
		return at(n.path, s.members(func(name string) error {
			n.keys = append(n.keys, name)
			n.used = append(n.used, false)
			return n.child(s, left, n.path+"."+name)
		}))
	case '[':
		s.i++
		first := true
		for {
			ok, err := s.more(']', &first)
			if !ok || err != nil {
				return at(n.path, err)
			}
			if err := n.child(s, left, n.path+"["+strconv.Itoa(len(n.list))+"]"); err != nil {
				return err
			}
		}
	case '"':
		text, err := s.str()
		n.text = string(text)
		return at(n.path, err)
	case 't', 'f', 'n':
		_, err := s.literal()
		return at(n.path, err)
	}
	text, err := s.number()
	n.kind, n.text = '0', string(text)
	return at(n.path, err)
}

func (n *node) child(s *scanner, left *int, path string) error {
	n.list = append(n.list, node{path: path, errs: n.errs})
	return n.list[len(n.list)-1].read(s, left)
}

// fail records an error of the value unless there is one already.
func (n *node) fail(format string, args ...any) {
	if *n.errs == nil {
		*n.errs = at(n.path, fmt.Errorf(format, args...))
	}
}

func (n *node) err() error { return *n.errs }

func (n *node) null() bool { return n == nil || n.kind == 0 || n.kind == 'n' }

// get returns the member of an object, a node of kind 0 when there is none.
func (n *node) get(key string) *node {
	if n.kind != '{' {
		n.fail("an object expected, found %s", n)
		return &node{path: n.path + "." + key, errs: n.errs}
	}
	for i, k := range n.keys {
		if k == key {
			n.used[i] = true
			return &n.list[i]
		}
	}
	return &node{path: n.path + "." + key, errs: n.errs}
}

// must is get of a member that has to be there.
func (n *node) must(key string) *node {
	c := n.get(key)
	if c.kind == 0 {
		n.fail("key %q is missing", key)
	}
	return c
}

// done reports the members that were not read.
func (n *node) done() {
	var rest []string
	for i, k := range n.keys {
		if !n.used[i] {
			rest = append(rest, fmt.Sprintf("%.80q", k))
		}
	}
	if len(rest) > 0 {
		sort.Strings(rest)
		n.fail("unknown key %s", strings.Join(rest, ", "))
	}
}

// String describes the value for an error message.
func (n *node) String() string {
	switch n.kind {
	case 0:
		return "nothing"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return fmt.Sprintf("%.80q", n.text)
	case 't', 'f', 'n':
		return map[byte]string{'t': "true", 'f': "false", 'n': "null"}[n.kind]
	}
	return n.text
}

func (n *node) str() string {
	if n.kind != '"' {
		n.fail("a string expected, found %s", n)
	}
	return n.text
}

// optString is str, with "" for null and for an absent value.
func (n *node) optString() string {
	if n.null() {
		return ""
	}
	return n.str()
}

func (n *node) bool() bool {
	if n.kind != 't' && n.kind != 'f' {
		n.fail("true or false expected, found %s", n)
	}
	return n.kind == 't'
}

// optBool is bool, with a default for null and for an absent value.
func (n *node) optBool(def bool) bool {
	if n.null() {
		return def
	}
	return n.bool()
}

func (n *node) int(max int) int {
	v, err := strconv.ParseUint(n.text, 10, 31)
	if n.kind != '0' || err != nil || int(v) > max {
		n.fail("a whole number of at most %d expected, found %s", max, n)
		return 0
	}
	return int(v)
}

// char is a string of one code point.
func (n *node) char() rune {
	text := n.str()
	r, size := utf8.DecodeRuneInString(text)
	if n.err() == nil && (size == 0 || size != len(text)) {
		n.fail("one character expected, found %s", n)
	}
	return r
}

func (n *node) elements() []node {
	if n.kind != '[' {
		n.fail("a list expected, found %s", n)
		return nil
	}
	return n.list
}

// A located error says where in the document it is.
type located struct {
	path string
	err  error
}

func (l *located) Error() string { return l.path + ": " + l.err.Error() }
func (l *located) Unwrap() error { return l.err }

// at adds the place to an error that has none.
func at(path string, err error) error {
	var l *located
	if err == nil || errors.As(err, &l) {
		return err
	}
	return &located{path, err}
}
