package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// undefinedOf is what an attribute or an item that is not there gives.
func undefinedOf(v Value, name string) *undefined {
	return &undefined{fmt.Sprintf("a %s has no attribute or element %.80q", typeName(v), name)}
}

// attr is v.name: a method or an attribute, else an item.
func (in *interp) attr(v Value, name string) Value {
	in.defined(v)
	if m, ok := in.method(v, name); ok {
		return m
	}
	if d, ok := v.(*Dict); ok {
		if x, ok := d.Get(name); ok {
			return x
		}
	}
	return undefinedOf(v, name)
}

// item is v[index]: an item, else, of a string, an attribute.
func (in *interp) item(v, index Value) Value {
	in.defined(v)
	switch s := v.(type) {
	case *Dict:
		if h, ok := keyOf(index); ok {
			if x, ok := s.get(h); ok {
				return x
			}
		}
	case *List:
		if i, ok := integer(index); ok {
			if i < 0 {
				i += int64(len(s.Items))
			}
			if i >= 0 && i < int64(len(s.Items)) {
				return s.Items[i]
			}
		}
	case *numbers:
		if i, ok := integer(index); ok {
			if i < 0 {
				i += s.n
			}
			if i >= 0 && i < s.n {
				return s.start + i*s.step
			}
		}
	case string, Markup:
		if i, ok := integer(index); ok {
			t, _ := text(s)
			if c, ok := in.character(t, i); ok {
				if _, ok := s.(Markup); ok {
					return Markup(c)
				}
				return c
			}
		}
	}
	if name, ok := text(index); ok {
		if m, ok := in.method(v, name); ok {
			return m
		}
		return undefinedOf(v, name)
	}
	return &undefined{fmt.Sprintf("a %s has no element %.80s", typeName(v), in.repr(index))}
}

// character is the i-th character of s, from its end if i is negative.
func (in *interp) character(s string, i int64) (string, bool) {
	in.step(len(s) / 32)
	if i < 0 {
		i += int64(in.runes(s))
	}
	if i < 0 || i >= int64(len(s)) {
		return "", false
	}
	for _, r := range s {
		if i == 0 {
			return string(r), true
		}
		i--
	}
	return "", false
}

// slice is v[from:to:step], each an integer or nil.
func (in *interp) slice(v, from, to, step Value) Value {
	in.defined(v)
	n, ok := in.length(v)
	switch v.(type) {
	case *Dict, *view:
		ok = false
	}
	if !ok {
		in.fail("a slice of a %s is not supported", typeName(v))
	}
	start, stop, by := in.sliceBounds(int64(n), from, to, step)
	count := int64(0)
	if by > 0 && start < stop {
		count = (stop-start-1)/by + 1
	} else if by < 0 && stop < start {
		count = (start-stop-1)/-by + 1
	}
	switch s := v.(type) {
	case *numbers:
		return &numbers{s.start + start*s.step, s.step * by, count, s.start + stop*s.step}
	case *List:
		in.grow(16 * int(count))
		l := &List{Tuple: s.Tuple}
		for i := range count {
			l.Items = append(l.Items, s.Items[start+i*by])
		}
		return l
	}
	t, _ := text(v)
	in.grow(len(t))
	if by == 1 {
		t = sliceText(t, start, start+count)
	} else {
		runes := []rune(t)
		picked := make([]rune, 0, count)
		for i := range count {
			picked = append(picked, runes[start+i*by])
		}
		t = string(picked)
	}
	if _, ok := v.(Markup); ok {
		return Markup(t)
	}
	return t
}

// sliceText is the characters from start to stop.
func sliceText(s string, start, stop int64) string {
	from, i := len(s), int64(0)
	for at := range s {
		if i == start {
			from = at
		}
		if i == stop {
			return s[from:at]
		}
		i++
	}
	return s[from:]
}

// sliceBounds is Python's slice.indices.
func (in *interp) sliceBounds(n int64, from, to, step Value) (start, stop, by int64) {
	part := func(v Value, otherwise int64) int64 {
		if v == nil {
			return otherwise
		}
		i, ok := integer(v)
		if !ok {
			in.defined(v)
			in.fail("a slice needs integers, not %s", typeName(v))
		}
		return i
	}
	if by = part(step, 1); by == 0 {
		in.fail("a slice with a step of 0")
	}
	by = min(max(by, -1<<40), 1<<40)
	low, high := int64(0), n
	first, last := low, high
	if by < 0 {
		low, high = -1, n-1
		first, last = high, low
	}
	clamp := func(i int64) int64 {
		if i < 0 {
			return max(i+n, low)
		}
		return min(i, high)
	}
	start, stop = first, last
	if from != nil {
		start = clamp(part(from, 0))
	}
	if to != nil {
		stop = clamp(part(to, 0))
	}
	return start, stop, by
}

// unsafe lists the methods of Python that change a value: the sandbox does not
// let templates have them.
var unsafe = map[string][]string{
	"list": {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"},
	"dict": {"clear", "pop", "popitem", "setdefault", "update"},
}

// absent lists attributes that Python has and this package has not: to take them
// for absent would be another result.
var absent = map[string][]string{
	"str":   {"encode", "expandtabs", "format_map", "isidentifier", "maketrans", "translate"},
	"list":  {"copy"},
	"dict":  {"fromkeys"},
	"int":   {"real", "imag", "numerator", "denominator", "bit_length", "bit_count", "conjugate", "to_bytes", "from_bytes", "as_integer_ratio"},
	"bool":  {"real", "imag", "numerator", "denominator", "bit_length", "bit_count", "conjugate", "to_bytes", "from_bytes", "as_integer_ratio"},
	"float": {"real", "imag", "is_integer", "hex", "fromhex", "conjugate", "as_integer_ratio"},
	"range": {"start", "stop", "step", "count", "index"},
	"Macro": {"arguments", "catch_kwargs", "catch_varargs", "caller", "explicit_caller"},
}

// method is the attribute of v that does not come from a dict.
func (in *interp) method(v Value, name string) (Value, bool) {
	kind := typeName(v)
	if kind == "Markup" {
		kind = "str"
	}
	switch {
	case strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__"):
		if d, ok := v.(*Dict); ok {
			if x, ok := d.Get(name); ok {
				return x, true
			}
		}
		return &undefined{fmt.Sprintf("the attribute %.80q is not safe", name)}, true
	case slices.Contains(unsafe[kind], name):
		return &undefined{fmt.Sprintf("the method %s of a %s is not safe: it would change it", name, kind)}, true
	case slices.Contains(absent[kind], name):
		in.fail("the attribute %s of a %s is not supported", name, kind)
	}
	switch v := v.(type) {
	case *namespace:
		return v.attrs.Get(name)
	case *loop:
		return v.attr(name)
	case *List:
		if i := slices.Index(v.fields, name); i >= 0 {
			return v.Items[i], true
		}
		if f := listMethod(name); f != nil {
			return &function{name, func(in *interp, a args) Value { return f(in, v, a) }}, true
		}
	case *Dict:
		if f := dictMethod(name); f != nil {
			return &function{name, func(in *interp, a args) Value { return f(in, v, a) }}, true
		}
	case string:
		if f := textMethod(name); f != nil {
			return &function{name, func(in *interp, a args) Value { return f(in, v, a) }}, true
		}
	case Markup:
		if f := textMethod(name); f != nil {
			return &function{name, func(in *interp, a args) Value { return in.markupMethod(name, f, v, a) }}, true
		}
	case *macro:
		return v.def.name, name == "name" && v.def.name != ""
	case *cycler:
		return v.attr(in, name)
	case *function:
		if v.name == "dict" {
			in.fail("the attribute %.40s of dict is not supported", name)
		}
	}
	return nil, false
}

// markupMethod calls the method f of a marked text. What keeps its characters
// stays marked.
func (in *interp) markupMethod(name string, f func(*interp, string, args) Value, v Markup, a args) Value {
	switch name {
	case "strip", "lstrip", "rstrip", "lower", "upper", "capitalize", "title", "swapcase", "removeprefix", "removesuffix":
		return Markup(f(in, string(v), a).(string))
	case "startswith", "endswith", "find", "rfind", "index", "rindex", "count", "isalpha", "isdigit", "isspace", "islower", "isupper":
		return f(in, string(v), a)
	}
	in.fail("the method %s of a text that is marked safe is not supported", name)
	return nil
}

// attr is an attribute of the variable loop.
func (l *loop) attr(name string) (Value, bool) {
	switch name {
	case "index":
		return int64(l.index + 1), true
	case "index0":
		return int64(l.index), true
	case "first":
		return l.index == 0, true
	case "last":
		return !l.peek(), true
	case "length":
		return int64(l.in.loopLength(l)), true
	case "revindex":
		return int64(l.in.loopLength(l) - l.index), true
	case "revindex0":
		return int64(l.in.loopLength(l) - l.index - 1), true
	case "depth":
		return int64(l.depth + 1), true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		if l.index == 0 {
			return &undefined{"there is no previous item"}, true
		}
		return l.before, true
	case "nextitem":
		if !l.peek() {
			return &undefined{"there is no next item"}, true
		}
		return l.after, true
	case "cycle":
		return &function{name, func(in *interp, a args) Value {
			if len(a.pos) == 0 {
				in.fail("loop.cycle needs something to cycle through")
			}
			return a.pos[l.index%len(a.pos)]
		}}, true
	case "changed":
		return &function{name, func(in *interp, a args) Value {
			v := Value(tuple(a.pos...))
			if l.changed != unset && in.equal(l.changed, v) {
				return false
			}
			l.changed = v
			return true
		}}, true
	}
	return nil, false
}
