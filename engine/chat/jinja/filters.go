package jinja

import (
	"math"
	"math/big"
	"strconv"
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

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

// escaped is the text of v with the marks of HTML escaped, unless it is marked
// safe.
func (in *interp) escaped(v Value) Markup {
	if m, ok := v.(Markup); ok {
		return m
	}
	s := in.str(v)
	in.grow(len(s) * 6)
	return Markup(escapes.Replace(s))
}

// soft is the text of v for a filter on texts.
func (in *interp) soft(v Value) string {
	if _, ok := v.(Markup); ok {
		in.fail("a filter after safe or escape is not supported")
	}
	return in.str(v)
}

// textFilter is a filter of a text without arguments.
func textFilter(f func(string) string) filterFunc {
	return func(in *interp, v Value, a args) Value {
		in.bind("the filter", a)
		s := in.str(v)
		in.grow(3 * len(s))
		if _, ok := v.(Markup); ok {
			return Markup(f(s))
		}
		return f(s)
	}
}

// filterTitle writes words with a capital; words are parted by white space,
// hyphens and opening brackets.
func filterTitle(s string) string {
	parts := func(r rune) bool { return r == '-' || isSpace(r) || strings.ContainsRune("({[<", r) }
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, parts)
		if n == 0 {
			n = len(s) - len(strings.TrimLeftFunc(s, parts))
		} else if n < 0 {
			n = len(s)
		}
		_, first := utf8.DecodeRuneInString(s)
		b.WriteString(upper(s[:first]))
		b.WriteString(lower(s[first:n]))
		s = s[n:]
	}
	return b.String()
}

func filterAbs(in *interp, v Value, a args) Value {
	in.bind("abs", a)
	if x, ok := v.(float64); ok {
		return math.Abs(x)
	}
	if b, ok := v.(*big.Int); ok {
		return normalInt(new(big.Int).Abs(b))
	}
	n := in.whole("abs", v)
	return normalInt(new(big.Int).Abs(big.NewInt(n)))
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

// pyFloat is float(s); false if s is not a number.
func pyFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case "inf", "infinity", "nan":
		if strings.Trim(s, "+-") != s && len(strings.Trim(s, "+-")) != len(s)-1 {
			return 0, false
		}
		x, err := strconv.ParseFloat(s, 64)
		return x, err == nil
	}
	if strings.ContainsAny(s, "xXpPiInN") || !validUnderscores(s) {
		return 0, false
	}
	x, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return x, err == nil || math.IsInf(x, 0)
}

// validUnderscores reports whether every underscore stands between digits.
func validUnderscores(s string) bool {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for i := range len(s) {
		if s[i] == '_' && !(digit(i-1) && digit(i+1)) {
			return false
		}
	}
	return true
}

func filterFloat(in *interp, v Value, a args) Value {
	otherwise := or(in.bind("float", a, "default?")[0], 0.0)
	in.defined(v)
	if s, ok := text(v); ok {
		if x, ok := pyFloat(s); ok {
			return x
		}
		return otherwise
	}
	if x, ok := number(v); ok {
		return x
	}
	return otherwise
}

func filterInt(in *interp, v Value, a args) Value {
	o := in.bind("int", a, "default?", "base?")
	otherwise := or(o[0], int64(0))
	base := in.whole("int", or(o[1], int64(10)))
	in.defined(v)
	if s, ok := text(v); ok {
		if n, ok := pyInt(s, int(base)); ok {
			return normalInt(n)
		}
		if x, ok := pyFloat(s); ok {
			return truncate(x, otherwise)
		}
		return otherwise
	}
	switch x := v.(type) {
	case float64:
		if math.IsInf(x, 0) {
			in.fail("an infinity is no integer")
		}
		return truncate(x, otherwise)
	case *big.Int:
		return x
	}
	if n, ok := integer(v); ok {
		return n
	}
	return otherwise
}

func truncate(x float64, otherwise Value) Value {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return otherwise
	}
	b, _ := new(big.Float).SetFloat64(x).Int(nil)
	return normalInt(b)
}

// pyInt is int(s, base); false if s is not one.
func pyInt(s string, base int) (*big.Int, bool) {
	s = strings.TrimFunc(s, isSpace)
	if len(s) > 4300 || base != 0 && (base < 2 || base > 36) {
		return nil, false
	}
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 || body == "" || strings.HasSuffix(body, "_") || strings.HasPrefix(body, "_") || strings.Contains(body, "__") {
		return nil, false
	}
	if len(body) > 2 && body[0] == '0' {
		if of := map[byte]int{'x': 16, 'o': 8, 'b': 2}[body[1]|0x20]; of != 0 && (of == base || base == 0) {
			body, base = body[2:], of
		}
	}
	if base == 0 && body[0] == '0' && strings.Trim(body, "0_") != "" {
		return nil, false
	}
	if base == 0 {
		base = 10
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(body, "_", ""), base)
	if ok && s[0] == '-' {
		n.Neg(n)
	}
	return n, ok && body[0] != '-' && body[0] != '+'
}

func filterRound(in *interp, v Value, a args) Value {
	o := in.bind("round", a, "precision?", "method?")
	if x, ok := v.(float64); ok && o[0] == nil && o[1] == unset {
		return truncate(math.RoundToEven(x), nil)
	}
	precision := in.whole("round", or(o[0], int64(0)))
	method := in.needText("round", or(o[1], "common"))
	x, ok := number(v)
	if !ok {
		in.defined(v)
		in.fail("round of a %s", typeName(v))
	}
	if precision > 300 || precision < -300 {
		in.fail("round to %d digits is not supported", precision)
	}
	_, isInt := integer(v)
	switch method {
	case "common":
		if isInt {
			if precision >= 0 {
				n, _ := integer(v)
				return n
			}
			in.fail("round of an integer to a negative precision is not supported")
		}
		if precision < 0 {
			scale := math.Pow(10, float64(-precision))
			return math.RoundToEven(x/scale) * scale
		}
		r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', int(precision), 64), 64) // exact, half to even
		return r
	case "ceil", "floor":
		if math.IsInf(x, 0) || x != x {
			in.fail("round of %s", floatRepr(x))
		}
		f := math.Ceil
		if method == "floor" {
			f = math.Floor
		}
		scale := math.Pow(10, float64(precision))
		return f(x*scale) / scale
	}
	in.fail("round: the method must be common, ceil or floor")
	return nil
}

// filterIndent indents the lines of a text.
func filterIndent(in *interp, v Value, a args) Value {
	o := in.bind("indent", a, "width?", "first?", "blank?")
	s := in.needText("indent", v)
	if _, ok := v.(Markup); ok {
		in.soft(v)
	}
	indent, ok := text(or(o[0], int64(4)))
	if !ok {
		n := max(in.whole("indent", or(o[0], int64(4))), 0)
		in.growTimes(1, n)
		indent = strings.Repeat(" ", int(n))
	}
	lines := splitLines(s+"\n", false)
	in.growTimes(len(indent)+17, int64(len(lines)))
	in.grow(len(s))
	var b strings.Builder
	if truth(or(o[1], false)) {
		b.WriteString(indent)
	}
	blank := truth(or(o[2], false))
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\n")
			if line != "" || blank {
				b.WriteString(indent)
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

func filterTruncate(in *interp, v Value, a args) Value {
	o := in.bind("truncate", a, "length?", "killwords?", "end?", "leeway?")
	size := in.whole("truncate", or(o[0], int64(255)))
	end := in.needText("truncate", or(o[2], "..."))
	leeway := int64(5)
	if l := or(o[3], nil); l != nil {
		leeway = in.whole("truncate", l)
	}
	keep := size - int64(in.runes(end))
	if keep < 0 || leeway < 0 {
		in.fail("truncate to %d characters is too short for %.40q", size, end)
	}
	if n, ok := in.length(v); ok && int64(n) <= size+leeway {
		return v
	}
	s := in.needText("truncate", v)
	in.grow(len(s) + len(end))
	s = sliceText(s, 0, keep)
	if !truth(or(o[1], false)) {
		if i := strings.LastIndexByte(s, ' '); i >= 0 {
			s = s[:i]
		}
	}
	return s + end
}
