package config

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"mom/router"
)

// The bounds of a file.
const (
	maxFile   = 1 << 20 // bytes
	maxDepth  = 64      // nested mappings and lists
	maxTokens = 60_000  // keys, values and signs; the parser's time grows with their square
	maxNodes  = 200_000 // values, those that aliases repeat included
	maxShown  = 100     // problems
)

// A Source says where a value came from.
type Source struct {
	File         string // empty for a default
	Line, Column int
	Env          []string // variables in the value
	Raw          string   // the value as written, when it has variables
	SecretFile   string   // the file that the value was read from
}

// A decoder reads one file.
type decoder struct {
	file     string
	env      func(string) (string, bool)
	problems Problems
	sources  map[string]Source
	anchors  map[string]ast.Node
	open     map[string]bool // anchors being decoded, to refuse one inside itself
	nodes    int
}

// decode reads a document into v, whose values are the defaults.
func (d *decoder) decode(data []byte, v reflect.Value) {
	root, ok := d.parse(data)
	if !ok || root == nil {
		return
	}
	d.value(root, v, "", check{})
}

// value decodes a node into v. Problems are collected; what is right is set.
func (d *decoder) value(n ast.Node, v reflect.Value, path string, c check) bool {
	if d.nodes++; d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.fail(n, path, "the file holds more than %d values, those that aliases repeat included", maxNodes)
		}
		return false
	}
	plain, leave, ok := d.resolve(n, path)
	defer leave()
	if !ok {
		return false
	}
	at := position(plain)
	if _, seen := d.sources[path]; !seen {
		d.sources[path] = Source{File: d.file, Line: at.Line, Column: max(at.Column, 1)}
	}
	if scalar(v.Type()) {
		return d.scalar(plain, v, path, c)
	}
	if plain.Type() == ast.NullType {
		return true // a key whose lines are all commented out
	}
	switch v.Kind() {
	case reflect.Pointer:
		e := reflect.New(v.Type().Elem())
		initialise(e.Elem())
		ok := d.value(plain, e.Elem(), path, c)
		v.Set(e)
		return ok
	case reflect.Slice:
		return d.list(plain, v, path, c)
	case reflect.Map:
		return d.mapping(plain, v, path, c)
	case reflect.Struct:
		return d.structure(plain, v, path)
	}
	panic("BUG: config: a field of type " + v.Type().String())
}

func (d *decoder) list(n ast.Node, v reflect.Value, path string, c check) bool {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return d.fail(n, path, "want a list, not %s", kind(n))
	}
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, e := range seq.Values {
		initialise(out.Index(i))
		at := path + "[" + strconv.Itoa(i) + "]"
		if e == nil {
			ok = d.failAt(seq.GetToken().Position, at, "has no value")
			continue
		}
		ok = d.value(e, out.Index(i), at, check{min: c.min, max: c.max}) && ok
	}
	v.Set(out)
	return ok
}

// initialise gives an element of a list, or what a pointer names, its defaults.
func initialise(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *Upstream:
		*x = DefaultUpstream()
	case *router.Recipe:
		*x = DefaultRecipe()
	case *router.Security:
		*x = router.Default().Security
	}
	if v.Kind() != reflect.Struct || scalar(v.Type()) {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		if f.initial != "" {
			v.FieldByIndex(f.index).Set(parsed(f.typ, f.initial))
		}
	}
}

// An entry is a key with its value.
type entry struct {
	key   string
	at    ast.Node
	value ast.Node
}

// entries lists a mapping's keys: its own, then those that << brings along. A
// key that stands twice is a problem.
func (d *decoder) entries(n ast.Node, path string) (list []entry, ok bool) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return nil, d.fail(n, path, "want keys and values, not %s", kind(n))
	}
	ok = true
	d.nodes += len(values)
	first := map[string]int{}
	var merged []entry
	for _, kv := range values {
		if kv.Key.IsMergeKey() {
			more, good := d.merge(kv.Value, path)
			merged, ok = append(merged, more...), good && ok
			continue
		}
		key := kv.Key.GetToken().Value
		if kv.Key.Type() == ast.MappingKeyType {
			ok = d.fail(kv.Key, path, "keys that begin with ? are not supported")
			continue
		}
		if line, twice := first[key]; twice {
			ok = d.fail(kv.Key, join(path, key), "stands twice; the first is in line %d", line)
			continue
		}
		first[key] = kv.Key.GetToken().Position.Line
		list = append(list, entry{key, kv.Key, kv.Value})
	}
	for _, e := range merged {
		if _, own := first[e.key]; !own {
			first[e.key] = e.at.GetToken().Position.Line
			list = append(list, e)
		}
	}
	return list, ok
}

func (d *decoder) merge(n ast.Node, path string) ([]entry, bool) {
	if d.nodes++; d.nodes > maxNodes {
		return nil, d.fail(n, path, "the file holds more than %d values, those that aliases repeat included", maxNodes)
	}
	plain, leave, ok := d.resolve(n, path)
	defer leave()
	if !ok {
		return nil, false
	}
	seq, many := plain.(*ast.SequenceNode)
	if !many {
		return d.entries(plain, path)
	}
	var out []entry
	for _, e := range seq.Values {
		more, good := d.merge(e, path)
		out, ok = append(out, more...), good && ok
	}
	return out, ok
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string, c check) bool {
	list, ok := d.entries(n, path)
	if list == nil {
		return ok
	}
	out := reflect.MakeMap(v.Type())
	for _, e := range list {
		item := reflect.New(v.Type().Elem()).Elem()
		initialise(item)
		at := join(path, e.key)
		key := reflect.New(v.Type().Key()).Elem()
		if err := setText(key, e.key); err != nil {
			ok = d.fail(e.at, at, "is no key here: %v", err)
			continue
		}
		ok = d.value(e.value, item, at, check{min: c.min, max: c.max}) && ok
		out.SetMapIndex(key, item)
	}
	v.Set(out)
	return ok
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string) bool {
	list, ok := d.entries(n, path)
	if list == nil && !ok {
		return false
	}
	fields := fieldsOf(v.Type())
	byKey := map[string]field{}
	for _, f := range fields {
		byKey[f.key] = f
	}
	for _, e := range list {
		f, known := byKey[e.key]
		if !known {
			ok = d.unknown(e, path, slices.Sorted(maps.Keys(byKey)))
			continue
		}
		delete(byKey, e.key)
		ok = d.value(e.value, v.FieldByIndex(f.index), join(path, e.key), f.check) && ok
	}
	for _, f := range fields {
		if _, missing := byKey[f.key]; missing && f.check.required && v.FieldByIndex(f.index).IsZero() {
			ok = d.fail(n, join(path, f.key), "is missing")
		}
	}
	return ok
}

func (d *decoder) unknown(e entry, path string, known []string) bool {
	if !plainKey.MatchString(e.key) {
		return d.fail(e.at, path, "holds a key that is none; supported: %s", strings.Join(known, ", "))
	}
	if len(d.problems) > maxShown {
		return d.fail(e.at, join(path, e.key), "is no key here")
	}
	if n := near(e.key, known); n != "" {
		return d.fail(e.at, join(path, e.key), "is no key here; did you mean %s?", n)
	}
	return d.fail(e.at, join(path, e.key), "is no key here; supported: %s", strings.Join(known, ", "))
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, path string, c check) bool {
	raw, form := text(n)
	if form == notScalar {
		return d.fail(n, path, "want %s, not %s", wanted(v.Type()), kind(n))
	}
	if form == null {
		return d.fail(n, path, "has no value; want %s, or leave the key out", wanted(v.Type()))
	}
	value, names, err := expand(raw, d.env)
	if err != nil {
		return d.fail(n, path, "%v", err)
	}
	if names != nil {
		s := d.sources[path]
		s.Env, s.Raw = names, raw
		d.sources[path] = s
		form = plain
	}
	if bad := fits(v.Type(), form); bad != "" {
		return d.fail(n, path, "%s", bad)
	}
	if c.required && value == "" {
		return d.fail(n, path, "is empty")
	}
	err = setText(v, value)
	if err == nil {
		err = bounded(v, c)
	}
	switch {
	case err == nil:
		return true
	case secret(v.Type()):
		return d.fail(n, path, "%v", err)
	case names != nil:
		return d.fail(n, path, "%s is not valid; %v", quote(raw), err)
	}
	return d.fail(n, path, "%s: %v", quote(raw), err)
}
