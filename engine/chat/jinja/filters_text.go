package jinja

import (
	"strings"
	"unicode/utf8"
)

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
