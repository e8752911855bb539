package jinja

import (
	"strings"
	"unicode/utf8"
)

// strip takes white space, or the characters given, from the ends of s.
func (in *interp) strip(s string, a args, left, right bool) string {
	v := or(in.bind("strip", a, "chars?")[0], nil)
	f := isSpace
	if v != nil {
		chars := in.needText("strip", v)
		set := map[rune]bool{}
		for _, r := range chars {
			set[r] = true
		}
		in.grow(len(chars) * 16)
		f = func(r rune) bool { return set[r] }
	}
	in.step(len(s) / 32)
	if left {
		s = strings.TrimLeftFunc(s, f)
	}
	if right {
		s = strings.TrimRightFunc(s, f)
	}
	return s
}

// textList is a list of strings, which are parts of one that is there.
func (in *interp) textList(parts []string) *List {
	in.grow(32 * len(parts))
	l := &List{Items: make([]Value, len(parts))}
	for i, p := range parts {
		l.Items[i] = p
	}
	return l
}

// split cuts s at the separator, or at white space.
func (in *interp) split(s string, a args, fromRight bool) Value {
	v := in.bind("split", a, "sep?", "maxsplit?")
	most := in.whole("split", or(v[1], int64(-1)))
	if most < 0 || most > int64(len(s)) {
		most = int64(len(s))
	}
	in.grow(len(s))
	sep := or(v[0], nil)
	if sep == nil {
		return in.textList(splitSpace(s, int(most), fromRight))
	}
	at := in.needText("split", sep)
	if at == "" {
		in.fail("split needs a separator that is not empty")
	}
	if !fromRight {
		return in.textList(strings.SplitN(s, at, int(most)+1))
	}
	var parts []string
	for ; most > 0; most-- {
		i := strings.LastIndex(s, at)
		if i < 0 {
			break
		}
		parts = append(parts, s[i+len(at):])
		s = s[:i]
	}
	return in.textList(reversed(append(parts, s)))
}

func reversed(parts []string) []string {
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return parts
}

// splitSpace cuts s at white space, at most so often.
func splitSpace(s string, most int, fromRight bool) []string {
	var parts []string
	if fromRight {
		for s = strings.TrimRightFunc(s, isSpace); s != ""; s = strings.TrimRightFunc(s, isSpace) {
			i := strings.LastIndexFunc(s, isSpace)
			if i < 0 || len(parts) == most {
				parts = append(parts, strings.TrimRightFunc(s, isSpace))
				if len(parts) > most { // the rest keeps what stands before it
					return reversed(parts)
				}
				break
			}
			_, n := utf8.DecodeRuneInString(s[i:])
			parts = append(parts, s[i+n:])
			s = s[:i]
		}
		return reversed(parts)
	}
	for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
		i := strings.IndexFunc(s, isSpace)
		if i < 0 || len(parts) == most {
			return append(parts, s)
		}
		parts = append(parts, s[:i])
		s = s[i:]
	}
	return parts
}

// splitLines cuts s at what Python takes for the ends of lines.
func splitLines(s string, keep bool) []string {
	var lines []string
	from := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch r {
		case '\n', '\r', '\v', '\f', 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029:
			end := i + n
			if r == '\r' && strings.HasPrefix(s[end:], "\n") {
				end++
			}
			if keep {
				lines = append(lines, s[from:end])
			} else {
				lines = append(lines, s[from:i])
			}
			from, i = end, end
		default:
			i += n
		}
	}
	if from < len(s) {
		lines = append(lines, s[from:])
	}
	return lines
}

func (in *interp) partition(s string, a args, fromRight bool) Value {
	sep := in.oneText("partition", a)
	if sep == "" {
		in.fail("partition needs a separator that is not empty")
	}
	in.step(len(s) / 32)
	i := strings.Index(s, sep)
	if fromRight {
		i = strings.LastIndex(s, sep)
	}
	switch {
	case i >= 0:
		return tuple(s[:i], sep, s[i+len(sep):])
	case fromRight:
		return tuple("", "", s)
	}
	return tuple(s, "", "")
}

// window cuts s to the start and the end that follow the first argument. It
// reports false when start lies behind the end of s.
func (in *interp) window(s string, a args, what string) (string, int64) {
	v := in.bind(what, positional(in, what, a), "text", "start?", "end?")
	from, to := or(v[1], nil), or(v[2], nil)
	if from == nil && to == nil {
		return s, 0
	}
	n := int64(in.runes(s))
	in.step(len(s) / 32)
	start, stop, _ := in.sliceBounds(n, from, to, nil)
	if f, _ := integer(from); f > n {
		return "", -1
	}
	return sliceText(s, start, max(start, stop)), start
}

func (in *interp) affix(s string, a args, has func(s, part string) bool) Value {
	part, from := in.window(s, a, "startswith")
	options := []Value{a.pos[0]}
	if l, ok := a.pos[0].(*List); ok && l.Tuple {
		options = l.Items
	}
	found := false
	for _, o := range options {
		in.step(1)
		found = found || from >= 0 && has(part, in.needText("startswith", o))
	}
	return found
}

// find is the place of a text in s, in characters; -1, or an error, if it is not
// there.
func (in *interp) find(s string, a args, fromRight, must bool) Value {
	part, from := in.window(s, a, "find")
	sub := in.needText("find", a.pos[0])
	in.step(len(s) / 32)
	i := strings.Index(part, sub)
	if fromRight {
		i = strings.LastIndex(part, sub)
	}
	if i < 0 || from < 0 {
		if must {
			in.fail("the text %.40q is not there", sub)
		}
		return int64(-1)
	}
	return from + int64(in.runes(part[:i]))
}

// replace replaces at most count occurrences, all if it is negative.
func (in *interp) replace(s, old, new string, count int64) string {
	n := int64(strings.Count(s, old))
	if count >= 0 {
		n = min(n, count)
	}
	in.grow(len(s))
	in.growTimes(len(new), n)
	return strings.Replace(s, old, new, int(n))
}

// join joins texts.
func (in *interp) join(parts []string, sep string) string {
	for _, p := range parts {
		in.grow(len(p) + len(sep))
	}
	return strings.Join(parts, sep)
}

// pad fills s up to a width.
func (in *interp) pad(how, s string, a args) Value {
	v := in.bind(how, positional(in, how, a), "width", "fill?")
	fill := in.needText(how, or(v[1], " "))
	if in.runes(fill) != 1 {
		in.fail("%s needs one character to fill with", how)
	}
	width := in.whole(how, v[0])
	size := int64(in.runes(s))
	n := width - size
	if n <= 0 {
		return s
	}
	in.growTimes(len(fill), n+size)
	left := int64(0)
	switch how {
	case "rjust":
		left = n
	case "center":
		left = n/2 + n&width&1
	}
	return strings.Repeat(fill, int(left)) + s + strings.Repeat(fill, int(n-left))
}
