package jinja

import (
	"strings"
	"unicode"
)

// dictMethod finds the methods of a dict that only read it.
func dictMethod(name string) func(in *interp, d *Dict, a args) Value {
	switch name {
	case "keys":
		return func(in *interp, d *Dict, a args) Value { in.bind("keys", a); return &view{d, 'k'} }
	case "values":
		return func(in *interp, d *Dict, a args) Value { in.bind("values", a); return &view{d, 'v'} }
	case "items":
		return func(in *interp, d *Dict, a args) Value { in.bind("items", a); return &view{d, 'i'} }
	case "copy":
		return func(in *interp, d *Dict, a args) Value { in.bind("copy", a); return d }
	case "get":
		return func(in *interp, d *Dict, a args) Value {
			v := in.bind("get", positional(in, "get", a), "key", "default?")
			if in.hasKey(d, v[0]) {
				h, _ := keyOf(v[0])
				x, _ := d.get(h)
				return x
			}
			return or(v[1], nil)
		}
	}
	return nil
}

// listMethod finds those of lists and tuples.
func listMethod(name string) func(in *interp, l *List, a args) Value {
	switch name {
	case "count":
		return func(in *interp, l *List, a args) Value {
			v := in.bind("count", positional(in, "count", a), "value")
			n := int64(0)
			for _, x := range l.Items {
				if in.equal(x, v[0]) {
					n++
				}
			}
			return n
		}
	case "index":
		return func(in *interp, l *List, a args) Value {
			v := in.bind("index", positional(in, "index", a), "value")
			for i, x := range l.Items {
				if in.equal(x, v[0]) {
					return int64(i)
				}
			}
			in.fail("the value is not in the list")
			return nil
		}
	}
	return nil
}

// textMethod finds those of strings.
func textMethod(name string) func(in *interp, s string, a args) Value {
	switch name {
	case "capitalize":
		return plain(title)
	case "casefold":
		return caseFold
	case "lower":
		return plain(lower)
	case "upper":
		return plain(upper)
	case "title":
		return plain(titleWords)
	case "swapcase":
		return plain(swapCase)
	case "strip":
		return func(in *interp, s string, a args) Value { return in.strip(s, a, true, true) }
	case "lstrip":
		return func(in *interp, s string, a args) Value { return in.strip(s, a, true, false) }
	case "rstrip":
		return func(in *interp, s string, a args) Value { return in.strip(s, a, false, true) }
	case "split":
		return func(in *interp, s string, a args) Value { return in.split(s, a, false) }
	case "rsplit":
		return func(in *interp, s string, a args) Value { return in.split(s, a, true) }
	case "splitlines":
		return func(in *interp, s string, a args) Value {
			v := in.bind("splitlines", a, "keepends?")
			return in.textList(splitLines(s, truth(or(v[0], false))))
		}
	case "partition":
		return func(in *interp, s string, a args) Value { return in.partition(s, a, false) }
	case "rpartition":
		return func(in *interp, s string, a args) Value { return in.partition(s, a, true) }
	case "startswith":
		return func(in *interp, s string, a args) Value { return in.affix(s, a, strings.HasPrefix) }
	case "endswith":
		return func(in *interp, s string, a args) Value { return in.affix(s, a, strings.HasSuffix) }
	case "removeprefix":
		return func(in *interp, s string, a args) Value { return strings.TrimPrefix(s, in.oneText("removeprefix", a)) }
	case "removesuffix":
		return func(in *interp, s string, a args) Value { return strings.TrimSuffix(s, in.oneText("removesuffix", a)) }
	case "find":
		return func(in *interp, s string, a args) Value { return in.find(s, a, false, false) }
	case "rfind":
		return func(in *interp, s string, a args) Value { return in.find(s, a, true, false) }
	case "index":
		return func(in *interp, s string, a args) Value { return in.find(s, a, false, true) }
	case "rindex":
		return func(in *interp, s string, a args) Value { return in.find(s, a, true, true) }
	case "count":
		return func(in *interp, s string, a args) Value {
			part, _ := in.window(s, a, "count")
			return int64(strings.Count(part, in.needText("count", a.pos[0])))
		}
	case "replace":
		return func(in *interp, s string, a args) Value {
			v := in.bind("replace", a, "old", "new", "count?")
			return in.replace(s, in.needText("replace", v[0]), in.needText("replace", v[1]), in.whole("replace", or(v[2], int64(-1))))
		}
	case "join":
		return func(in *interp, s string, a args) Value {
			v := in.bind("join", a, "iterable")
			var parts []string
			for _, x := range in.collect(v[0]) {
				parts = append(parts, in.needText("join", x))
			}
			return in.join(parts, s)
		}
	case "format":
		return func(in *interp, s string, a args) Value { return in.formatBraces(s, a) }
	case "center":
		return func(in *interp, s string, a args) Value { return in.pad("center", s, a) }
	case "ljust":
		return func(in *interp, s string, a args) Value { return in.pad("ljust", s, a) }
	case "rjust":
		return func(in *interp, s string, a args) Value { return in.pad("rjust", s, a) }
	case "zfill":
		return func(in *interp, s string, a args) Value {
			n := in.whole("zfill", in.bind("zfill", a, "width")[0]) - int64(in.runes(s))
			if n <= 0 {
				return s
			}
			in.growTimes(1, n+int64(len(s)))
			sign := ""
			if s != "" && (s[0] == '+' || s[0] == '-') {
				sign, s = s[:1], s[1:]
			}
			return sign + strings.Repeat("0", int(n)) + s
		}
	case "isalnum":
		return every(func(r rune) bool { return unicode.IsLetter(r) || isNumeric(r) })
	case "isalpha":
		return every(unicode.IsLetter)
	case "isascii":
		return func(in *interp, s string, a args) Value { in.bind("isascii", a); return isASCII(s) }
	case "isdecimal":
		return every(unicode.IsDigit)
	case "isdigit":
		return every(isDigit)
	case "isnumeric":
		return every(isNumeric)
	case "isprintable":
		return func(in *interp, s string, a args) Value { return s == "" || every(unicode.IsPrint)(in, s, a).(bool) }
	case "isspace":
		return every(isSpace)
	case "islower":
		return func(in *interp, s string, a args) Value { in.bind("islower", a); return isCase(s, false) }
	case "isupper":
		return func(in *interp, s string, a args) Value { in.bind("isupper", a); return isCase(s, true) }
	case "istitle":
		return func(in *interp, s string, a args) Value { in.bind("istitle", a); return isTitle(s) }
	}
	return nil
}

// or is v, or what it is when it was not given.
func or(v, otherwise Value) Value {
	if v == unset {
		return otherwise
	}
	return v
}

// positional refuses named arguments, which some of Python's methods do not take.
func positional(in *interp, what string, a args) args {
	if len(a.names) > 0 {
		in.fail("%s takes no named arguments", what)
	}
	return a
}

func (in *interp) needText(what string, v Value) string {
	s, ok := text(v)
	if !ok {
		in.defined(v)
		in.fail("%s needs a str, not %s", what, typeName(v))
	}
	return s
}

func (in *interp) oneText(what string, a args) string {
	return in.needText(what, in.bind(what, a, "text")[0])
}

func (in *interp) whole(what string, v Value) int64 {
	n, ok := integer(v)
	if !ok {
		in.defined(v)
		in.fail("%s needs an integer, not %s", what, typeName(v))
	}
	return n
}

// plain is a method without arguments.
func plain(f func(string) string) func(in *interp, s string, a args) Value {
	return func(in *interp, s string, a args) Value {
		in.bind("the method", a)
		in.grow(3 * len(s))
		return f(s)
	}
}

// every is a method that asks for all characters.
func every(f func(rune) bool) func(in *interp, s string, a args) Value {
	return func(in *interp, s string, a args) Value {
		in.bind("the method", a)
		in.step(len(s) / 8)
		for _, r := range s {
			if !f(r) {
				return false
			}
		}
		return s != ""
	}
}
