package config

import (
	"iter"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A tree is a value of an imported file. Its methods work on a nil tree, which
// is what a key that is not there gives.
type tree struct {
	path  string
	key   string // its own, in its mapping
	line  int
	text  string   // of a word
	words []string // of a list of words
	form  form     // notScalar for mappings and lists
	leaf  bool     // nothing below it is a key
	kids  []*tree  // of a mapping, in order
	items []*tree  // of a list that holds mappings
}

// none is a key that is not there.
func none() *tree { return &tree{form: notScalar} }

func readTree(name string, data []byte) (*tree, error) {
	d := &decoder{
		file: name, env: os.LookupEnv, sources: map[string]Source{},
		anchors: map[string]ast.Node{}, open: map[string]bool{},
	}
	root, ok := d.parse(data)
	var t *tree
	switch {
	case ok && root == nil:
		d.failAt(nil, "", "is empty; want a vLLM Semantic Router configuration of version v0.3")
	case ok:
		t = d.tree(root, "", "", position(root).Line)
	}
	if len(d.problems) == 0 && (t.leaf || t.items != nil) {
		d.fail(root, "", "want keys and values, not %s", kind(root))
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	return t, nil
}

var simpleKey = regexp.MustCompile(`^[^\s.\[\]"]+$`)

// below is the path of a key, with quotes where the key needs them.
func below(path, key string) string {
	if simpleKey.MatchString(key) {
		return join(path, key)
	}
	return path + "[" + strconv.Quote(key) + "]"
}

func (d *decoder) tree(n ast.Node, path, key string, line int) *tree {
	t := &tree{path: path, key: key, line: line, form: notScalar, leaf: true}
	if d.nodes++; d.nodes > maxNodes {
		d.problems = append(d.problems[:min(len(d.problems), 1)], Problem{File: d.file, Line: line, Column: 1, What: "holds too many values, those that aliases repeat included"})
		return t
	}
	plain, leave, ok := d.resolve(n, path)
	defer leave()
	if !ok {
		return t
	}
	switch x := plain.(type) {
	case *ast.SequenceNode:
		for i, e := range x.Values {
			if e == nil {
				continue
			}
			at := line
			if e.GetToken() != nil {
				at = position(e).Line
			}
			t.items = append(t.items, d.tree(e, path+"["+strconv.Itoa(i)+"]", "", at))
		}
		t.asWords()
	case *ast.MappingNode, *ast.MappingValueNode:
		list, _ := d.entries(plain, path)
		for _, e := range list {
			t.kids = append(t.kids, d.tree(e.value, below(path, e.key), e.key, e.at.GetToken().Position.Line))
		}
		t.leaf = len(t.kids) == 0
	default:
		t.text, t.form = text(plain)
	}
	return t
}

// asWords makes a list without mappings one key with words.
func (t *tree) asWords() {
	for _, e := range t.items {
		if !e.leaf {
			t.leaf = false
			return
		}
	}
	for _, e := range t.items {
		if e.form == notScalar {
			t.words = append(t.words, e.words...)
		} else {
			t.words = append(t.words, e.text)
		}
	}
	t.items = nil
}

// get is the value below, or one that is not there.
func (t *tree) get(keys ...string) *tree {
	for _, key := range keys {
		next := none()
		for _, kid := range t.kids {
			if kid.key == key {
				next = kid
			}
		}
		t = next
	}
	return t
}

// there reports whether the input has the key.
func (t *tree) there() bool { return t.path != "" }

func (t *tree) isWord() bool { return t.form != notScalar && t.form != null && t.text != "" }

func (t *tree) is(text string) bool { return t.isWord() && t.text == text }

// refers reports whether a word holds references to the environment.
func (t *tree) refers() bool { return strings.Contains(word(t), "${") }

// leaves are all keys at and below t that have nothing below them.
func (t *tree) leaves() iter.Seq[*tree] {
	return func(yield func(*tree) bool) { t.each(yield) }
}

func (t *tree) each(yield func(*tree) bool) bool {
	if t.leaf {
		return t.path == "" || yield(t)
	}
	for _, k := range t.kids {
		if !k.each(yield) {
			return false
		}
	}
	for _, k := range t.items {
		if !k.each(yield) {
			return false
		}
	}
	return true
}

var theirReference = regexp.MustCompile(`\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(:?-([^}]*))?\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// word is the text of a value with references to the environment as they are
// written here: $NAME and ${NAME-default} become ${NAME} and ${NAME:-default},
// and $$ becomes the character.
func word(t *tree) string {
	return theirReference.ReplaceAllStringFunc(t.text, func(ref string) string {
		m := theirReference.FindStringSubmatch(ref)
		switch {
		case ref == "$$":
			return "$"
		case m[4] != "":
			return "${" + m[4] + "}"
		case m[2] != "":
			return "${" + m[1] + ":-" + m[3] + "}"
		}
		return "${" + m[1] + "}"
	})
}

// fieldAt finds the field of a path such as upstreams[].retries.max.
func fieldAt(path string) (field, bool) {
	t := reflect.TypeFor[Config]()
	var found field
	for part := range strings.SplitSeq(strings.ReplaceAll(path, "[]", ""), ".") {
		ok := false
		for _, f := range fieldsOf(t) {
			if f.key == part {
				found, ok = f, true
			}
		}
		if !ok {
			return field{}, false
		}
		t, _ = elements(found.typ)
	}
	return found, true
}

// setTo is v as a value of type t.
func setTo[T any](t reflect.Type, v T) reflect.Value {
	return reflect.ValueOf(v).Convert(t)
}
