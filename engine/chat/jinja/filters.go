package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// filterOf applies the filter of e to v.
func (in *interp) filterOf(e *filterExpr, v Value, s *scope) Value {
	a := in.arguments(e.callArgs, s)
	in.line = e.line
	return in.filter(e.name, v, a)
}

// fill applies the filters of a block, whose innermost has no value yet.
func (in *interp) fill(e expr, v Value, s *scope) Value {
	f := e.(*filterExpr)
	if f.of != nil {
		v = in.fill(f.of, v, s)
	}
	return in.filterOf(f, v, s)
}

// filter applies the filter name. The filters that Jinja has and this package has
// not are: filesizeformat, forceescape, pprint, random, striptags, urlencode,
// urlize, wordwrap, xmlattr.
func (in *interp) filter(name string, v Value, a args) Value {
	in.step(1)
	f := filterNamed(name)
	if f == nil {
		in.fail("no filter %.40q, or it is not supported", name)
	}
	return f(in, v, a)
}

type filterFunc func(in *interp, v Value, a args) Value

func filterNamed(name string) filterFunc {
	switch name {
	case "abs":
		return filterAbs
	case "attr":
		return filterAttr
	case "batch":
		return filterBatch
	case "capitalize":
		return textFilter(title)
	case "lower":
		return textFilter(lower)
	case "upper":
		return textFilter(upper)
	case "title":
		return textFilter(filterTitle)
	case "center":
		return func(in *interp, v Value, a args) Value {
			w := or(in.bind("center", a, "width?")[0], int64(80))
			return in.pad("center", in.soft(v), args{pos: []Value{w}})
		}
	case "count", "length":
		return func(in *interp, v Value, a args) Value {
			in.bind("length", a)
			if l, ok := v.(*loop); ok {
				return int64(in.loopLength(l))
			}
			n, ok := in.length(v)
			if !ok {
				in.fail("a %s has no length", typeName(v))
			}
			return int64(n)
		}
	case "d", "default":
		return func(in *interp, v Value, a args) Value {
			o := in.bind("default", a, "default_value?", "boolean?")
			if _, ok := v.(*undefined); ok || truth(or(o[1], false)) && !truth(v) {
				return or(o[0], "")
			}
			return v
		}
	case "dictsort":
		return filterDictSort
	case "e", "escape":
		return func(in *interp, v Value, a args) Value {
			in.bind("escape", a)
			return in.escaped(v)
		}
	case "first":
		return func(in *interp, v Value, a args) Value {
			in.bind("first", a)
			if x, ok := in.iterate(v).next(); ok {
				return x
			}
			return &undefined{"there is no first item: the sequence is empty"}
		}
	case "last":
		return filterLast
	case "float":
		return filterFloat
	case "int":
		return filterInt
	case "format":
		return func(in *interp, v Value, a args) Value {
			if len(a.pos) > 0 && len(a.names) > 0 {
				in.fail("format takes positional or named arguments, not both")
			}
			if len(a.names) == 0 {
				return in.format(in.soft(v), tuple(a.pos...))
			}
			d := &Dict{}
			for i, n := range a.names {
				in.put(d, n, a.values[i])
			}
			return in.format(in.soft(v), d)
		}
	case "groupby":
		return filterGroupBy
	case "indent":
		return filterIndent
	case "items":
		return func(in *interp, v Value, a args) Value {
			in.bind("items", a)
			return in.lazy(func() *iter {
				if _, ok := v.(*undefined); ok {
					return in.each(nil)
				}
				d, ok := v.(*Dict)
				if !ok {
					in.fail("items of a %s", typeName(v))
				}
				return in.iterate(&view{d, 'i'})
			})
		}
	case "join":
		return filterJoin
	case "list":
		return func(in *interp, v Value, a args) Value {
			in.bind("list", a)
			return list(in.collect(v))
		}
	case "map":
		return filterMap
	case "max":
		return func(in *interp, v Value, a args) Value { return in.extreme(v, a, 1) }
	case "min":
		return func(in *interp, v Value, a args) Value { return in.extreme(v, a, -1) }
	case "reject":
		return func(in *interp, v Value, a args) Value { return in.selected(v, a, false, false) }
	case "rejectattr":
		return func(in *interp, v Value, a args) Value { return in.selected(v, a, true, false) }
	case "select":
		return func(in *interp, v Value, a args) Value { return in.selected(v, a, false, true) }
	case "selectattr":
		return func(in *interp, v Value, a args) Value { return in.selected(v, a, true, true) }
	case "replace":
		return func(in *interp, v Value, a args) Value {
			o := in.bind("replace", a, "old", "new", "count?")
			count := int64(-1)
			if c := or(o[2], nil); c != nil {
				count = in.whole("replace", c)
			}
			return in.replace(in.str(v), in.str(o[0]), in.str(o[1]), count)
		}
	case "reverse":
		return filterReverse
	case "round":
		return filterRound
	case "safe":
		return func(in *interp, v Value, a args) Value { in.bind("safe", a); return Markup(in.str(v)) }
	case "slice":
		return filterSlice
	case "sort":
		return filterSort
	case "string":
		return func(in *interp, v Value, a args) Value {
			in.bind("string", a)
			if m, ok := v.(Markup); ok {
				return m
			}
			return in.str(v)
		}
	case "sum":
		return filterSum
	case "tojson":
		return toJSON
	case "trim":
		return func(in *interp, v Value, a args) Value {
			s := in.strip(in.str(v), a, true, true)
			if _, ok := v.(Markup); ok {
				return Markup(s)
			}
			return s
		}
	case "truncate":
		return filterTruncate
	case "unique":
		return filterUnique
	case "wordcount":
		return func(in *interp, v Value, a args) Value {
			in.bind("wordcount", a)
			return int64(len(strings.FieldsFunc(in.soft(v), func(r rune) bool { return !unicode.IsLetter(r) && !isNumeric(r) && r != '_' })))
		}
	}
	return nil
}

func filterAttr(in *interp, v Value, a args) Value {
	name := in.oneText("attr", a)
	if _, ok := v.(*undefined); ok {
		in.defined(v)
	}
	if m, ok := in.method(v, name); ok {
		return m
	}
	return undefinedOf(v, name)
}

func filterLast(in *interp, v Value, a args) Value {
	in.bind("last", a)
	switch s := v.(type) {
	case string, Markup:
		t, _ := text(s)
		if t == "" {
			break
		}
		_, n := utf8.DecodeLastRuneInString(t)
		return t[len(t)-n:]
	case *List, *Dict, *view, *numbers:
		items := in.collect(s)
		if len(items) == 0 {
			break
		}
		return items[len(items)-1]
	case *undefined:
	default:
		in.fail("a %s cannot be reversed", typeName(v))
	}
	return &undefined{"there is no last item: the sequence is empty"}
}

func filterReverse(in *interp, v Value, a args) Value {
	in.bind("reverse", a)
	if s, ok := text(v); ok {
		in.grow(4 * len(s))
		r := []rune(s)
		for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
			r[i], r[j] = r[j], r[i]
		}
		if _, ok := v.(Markup); ok {
			return Markup(string(r))
		}
		return string(r)
	}
	items := in.collect(v)
	in.grow(16 * len(items))
	back := make([]Value, len(items))
	for i, x := range items {
		back[len(items)-1-i] = x
	}
	if _, ok := v.(*iter); ok { // what cannot be reversed becomes a list
		return list(back)
	}
	return in.each(back)
}
