package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
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

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isDigit has decimal digits and those of Unicode's Numeric_Type=Digit.
func isDigit(r rune) bool {
	switch {
	case unicode.IsDigit(r):
		return true
	case r == 0xB2, r == 0xB3, r == 0xB9, r == 0x2070, r >= 0x2074 && r <= 0x2079, r >= 0x2080 && r <= 0x2089, r >= 0x2460 && r <= 0x2468,
		r >= 0x2474 && r <= 0x247C, r >= 0x2488 && r <= 0x2490, r == 0x24EA, r >= 0x24F5 && r <= 0x24FD, r == 0x24FF, r >= 0x2776 && r <= 0x277E,
		r >= 0x2780 && r <= 0x2788, r >= 0x278A && r <= 0x2792, r >= 0x1369 && r <= 0x1371, r == 0x19DA, r >= 0x10A40 && r <= 0x10A43,
		r >= 0x10E60 && r <= 0x10E68, r >= 0x11052 && r <= 0x1105A, r >= 0x1F100 && r <= 0x1F10A:
		return true
	}
	return false
}

// isNumeric has all numbers, and the ideographs that are some.
func isNumeric(r rune) bool {
	return unicode.IsNumber(r) || r >= 0x3400 && strings.ContainsRune("㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒柶参百肆萬貮貳贰阡陆陌陸零漆玖京", r)
}

// caseFold is casefold of ASCII.
func caseFold(in *interp, s string, a args) Value {
	if !isASCII(s) {
		in.fail("casefold of other letters than ASCII is not supported")
	}
	return plain(lower)(in, s, a)
}

// titleWords writes every run of letters with a capital.
func titleWords(s string) string {
	var b strings.Builder
	previous := false
	for i, r := range s {
		switch {
		case previous:
			b.WriteString(lowerAt(s, i, r))
		default:
			b.WriteString(mapCase(string(r), 1, unicode.ToTitle))
		}
		previous = isCased(r)
	}
	return b.String()
}

// lowerAt is the small letter of r at byte i of s.
func lowerAt(s string, i int, r rune) string {
	if r == 'Σ' && finalSigma(s, i) {
		return "ς"
	}
	return lower(string(r))
}

func swapCase(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lowerAt(s, i, r))
		case unicode.IsLower(r):
			b.WriteString(upper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isCase reports whether s has cased letters, all of the one case.
func isCase(s string, up bool) bool {
	cased := false
	for _, r := range s {
		isUp := unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r)
		isLow := unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r)
		if unicode.IsTitle(r) || up && isLow || !up && isUp {
			return false
		}
		cased = cased || isUp || isLow
	}
	return cased
}

func isTitle(s string) bool {
	cased, previous := false, false
	for _, r := range s {
		up := unicode.IsUpper(r) || unicode.IsTitle(r)
		switch {
		case up && previous, unicode.IsLower(r) && !previous:
			return false
		case up || unicode.IsLower(r):
			previous, cased = true, true
		default:
			previous = false
		}
	}
	return cased
}

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
