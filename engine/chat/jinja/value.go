package jinja

import (
	"math"
	"math/big"
	"unicode/utf8"
)

// A Value is what Python has: nil for None, bool, int64, *big.Int beyond it,
// float64, string, Markup, *List, *Dict, and the types of this package below.
type Value any

// A List is a list of Python, or a tuple. It does not change.
type List struct {
	Items  []Value
	Tuple  bool
	fields []string // names of a tuple's items, of groupby
}

// Markup is a text that the filters safe and escape have marked.
type Markup string

// A Dict is a dict of Python: it keeps the order of its keys. Set is for making
// it; a template does not change it.
type Dict struct {
	Keys, Values []Value
	index        map[key]int
}

// A key is what a dict looks for: equal values have equal keys.
type key struct {
	kind byte
	n    int64
	s    string
}

// keyOf returns the key of v; false if v cannot be one.
func keyOf(v Value) (key, bool) {
	switch v := v.(type) {
	case nil:
		return key{kind: 'n'}, true
	case string:
		return key{kind: 's', s: v}, true
	case Markup:
		return key{kind: 's', s: string(v)}, true
	case bool:
		if v {
			return key{kind: 'i', n: 1}, true
		}
		return key{kind: 'i'}, true
	case int64:
		return key{kind: 'i', n: v}, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return key{kind: 'i', n: int64(v)}, true
		}
		return key{kind: 'f', n: int64(math.Float64bits(v))}, true
	case *big.Int:
		return key{kind: 'b', s: v.String()}, true
	case *undefined:
		return key{kind: 'u'}, true
	}
	return key{}, false
}

// Set adds a pair, or replaces the value of a key that is there. Keys are
// strings in JSON.
func (d *Dict) Set(k string, v Value) { d.set(key{kind: 's', s: k}, k, v) }

func (d *Dict) set(h key, k, v Value) {
	if i, ok := d.index[h]; ok {
		d.Values[i] = v
		return
	}
	if d.index == nil {
		d.index = map[key]int{}
	}
	d.index[h] = len(d.Keys)
	d.Keys, d.Values = append(d.Keys, k), append(d.Values, v)
}

// Get finds the value of a key.
func (d *Dict) Get(k string) (Value, bool) { return d.get(key{kind: 's', s: k}) }

func (d *Dict) get(h key) (Value, bool) {
	if i, ok := d.index[h]; ok {
		return d.Values[i], true
	}
	return nil, false
}

// Len is the number of pairs.
func (d *Dict) Len() int { return len(d.Keys) }

// An undefined is what a name that does not exist has: it prints as nothing, and
// is an error where it is used.
type undefined struct{ why string }

// A namespace has attributes that a template may set.
type namespace struct{ attrs Dict }

// A function is a global, a method or a macro's caller.
type function struct {
	name string
	call func(in *interp, a args) Value
}

// A macro is one of the template, with the scope that it was made in.
type macro struct {
	def   *macroStmt
	scope *scope
}

// A numbers is a range.
type numbers struct{ start, step, n, end int64 }

// A view is what keys, values and items of a dict return.
type view struct {
	dict *Dict
	kind byte // 'k', 'v' or 'i'
}

// An iter is an iterator of Python, such as a filter returns: it can be gone
// through once, and is true even if nothing comes of it.
type iter struct {
	next func() (Value, bool)
}

func tuple(items ...Value) *List { return &List{Items: items, Tuple: true} }

func list(items []Value) *List { return &List{Items: items} }

// typeName is how Python calls the type of v.
func typeName(v Value) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Markup:
		return "Markup"
	case *List:
		if v.Tuple {
			return "tuple"
		}
		return "list"
	case *Dict:
		return "dict"
	case *undefined:
		return "Undefined"
	case *namespace:
		return "Namespace"
	case *macro:
		return "Macro"
	case *numbers:
		return "range"
	case *view:
		return map[byte]string{'k': "dict_keys", 'v': "dict_values", 'i': "dict_items"}[v.kind]
	case *iter:
		return "generator"
	case *loop:
		return "LoopContext"
	}
	return "function"
}

// truth is bool(v).
func truth(v Value) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case Markup:
		return v != ""
	case *undefined:
		return false
	case *loop:
		return v.in.loopLength(v) != 0
	}
	if n, ok := length(v); ok {
		return n > 0
	}
	return true
}

// length is len(v); false for what has none.
func length(v Value) (int, bool) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), true
	case Markup:
		return utf8.RuneCountInString(string(v)), true
	case *List:
		return len(v.Items), true
	case *Dict:
		return v.Len(), true
	case *view:
		return v.dict.Len(), true
	case *numbers:
		return int(v.n), true
	case *undefined:
		return 0, true
	}
	return 0, false
}

// length is len(v), counted as work.
func (in *interp) length(v Value) (int, bool) {
	if s, ok := text(v); ok {
		return in.runes(s), true
	}
	return length(v)
}

// runes is the number of characters of s, counted as work.
func (in *interp) runes(s string) int {
	in.step(len(s) / 32)
	return utf8.RuneCountInString(s)
}

// text is v as a string, if it is one.
func text(v Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Markup:
		return string(v), true
	}
	return "", false
}

// integer is v as a number that can be an index: bools are.
func integer(v Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// number is v as a float64, if it is a number.
func number(v Value) (float64, bool) {
	if n, ok := integer(v); ok {
		return float64(n), true
	}
	switch v := v.(type) {
	case float64:
		return v, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	}
	return 0, false
}

// equal is a == b.
func (in *interp) equal(a, b Value) bool {
	in.step(1)
	if x, ok := text(a); ok {
		y, ok := text(b)
		if ok && len(x) == len(y) {
			in.step(len(x) / 32)
		}
		return ok && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool, int64, float64, *big.Int:
		c, ok := in.compare(a, b)
		return ok && c == 0
	case *undefined:
		_, ok := b.(*undefined)
		return ok
	case *List:
		b, ok := b.(*List)
		if !ok || a.Tuple != b.Tuple || len(a.Items) != len(b.Items) {
			return false
		}
		defer in.enter()()
		for i := range a.Items {
			if !in.equal(a.Items[i], b.Items[i]) {
				return false
			}
		}
		return true
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || a.Len() != b.Len() {
			return false
		}
		defer in.enter()()
		for i := range a.Keys {
			h, _ := keyOf(a.Keys[i])
			v, ok := b.get(h)
			if !ok || !in.equal(a.Values[i], v) {
				return false
			}
		}
		return true
	case *numbers:
		b, ok := b.(*numbers)
		return ok && a.n == b.n && (a.n == 0 || a.start == b.start && (a.n == 1 || a.step == b.step))
	case *view:
		in.fail("comparing %s is not supported", typeName(a))
	}
	return a == b
}

// compare orders numbers, texts and lists. It reports false for what Python
// cannot compare, and for NaN.
func (in *interp) compare(a, b Value) (int, bool) {
	in.step(1)
	if x, ok := text(a); ok {
		y, ok := text(b)
		in.step(min(len(x), len(y)) / 32)
		return cmpOrdered(x, y), ok // UTF-8 is in the order of code points
	}
	if x, ok := a.(*List); ok {
		y, ok := b.(*List)
		if !ok || x.Tuple != y.Tuple {
			return 0, false
		}
		defer in.enter()()
		for i := range min(len(x.Items), len(y.Items)) {
			if !in.equal(x.Items[i], y.Items[i]) {
				return in.compare(x.Items[i], y.Items[i])
			}
		}
		return cmpOrdered(len(x.Items), len(y.Items)), true
	}
	if i, ok := integer(a); ok {
		if j, ok := integer(b); ok {
			return cmpOrdered(i, j), true
		}
	}
	if x, ok := exact(a); ok {
		if y, ok := exact(b); ok {
			return x.Cmp(y), true
		}
	}
	// An infinity or a NaN is among them.
	x, ok := number(a)
	y, ok2 := number(b)
	return cmpOrdered(x, y), ok && ok2 && x == x && y == y
}

// exact is a finite number as it is.
func exact(v Value) (*big.Float, bool) {
	if n, ok := integer(v); ok {
		return new(big.Float).SetInt64(n), true
	}
	switch v := v.(type) {
	case float64:
		if !math.IsInf(v, 0) && v == v {
			return new(big.Float).SetPrec(2048).SetFloat64(v), true
		}
	case *big.Int:
		return new(big.Float).SetInt(v), true
	}
	return nil, false
}

func cmpOrdered[T int | int64 | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
