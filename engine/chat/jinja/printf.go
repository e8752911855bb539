package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// format is s % v of Python.
func (in *interp) format(s string, v Value) string {
	f := &printf{in: in, one: v}
	if l, ok := v.(*List); ok && l.Tuple {
		f.many, f.isTuple = l.Items, true
	}
	f.dict, _ = v.(*Dict)
	var b strings.Builder
	for i := 0; i < len(s); {
		k := strings.IndexByte(s[i:], '%')
		if k < 0 {
			in.grow(len(s) - i)
			b.WriteString(s[i:])
			break
		}
		in.grow(k)
		b.WriteString(s[i : i+k])
		out, n := f.directive(s[i+k+1:])
		in.grow(len(out))
		b.WriteString(out)
		i += k + 1 + n
	}
	if f.isTuple && f.used < len(f.many) || !f.isTuple && f.dict == nil && f.used == 0 {
		switch v.(type) { // what has items may stay unused
		case *List, *undefined, *numbers:
			if !f.isTuple {
				return b.String()
			}
		}
		in.fail("not all arguments were used by the format %.40q", s)
	}
	return b.String()
}

// printf takes the arguments of a format one after another.
type printf struct {
	in      *interp
	one     Value
	many    []Value
	isTuple bool
	dict    *Dict
	used    int
}

func (f *printf) next() Value {
	f.used++
	switch {
	case f.isTuple && f.used <= len(f.many):
		return f.many[f.used-1]
	case !f.isTuple && f.used == 1:
		return f.one
	}
	f.in.fail("not enough arguments for the format")
	return nil
}

// directive formats what follows a "%", and returns how long it is.
func (f *printf) directive(s string) (string, int) {
	in := f.in
	i := 0
	if strings.HasPrefix(s, "%") {
		return "%", 1
	}
	var v Value = unset
	if strings.HasPrefix(s, "(") {
		end := strings.IndexByte(s, ')')
		if end < 0 || f.dict == nil {
			in.fail("a format with a name needs a dict")
		}
		var ok bool
		if v, ok = f.dict.Get(s[1:end]); !ok {
			in.fail("the format needs a key %.40q", s[1:end])
		}
		i = end + 1
		f.used++
	}
	flags := ""
	for i < len(s) && strings.IndexByte("-+ #0", s[i]) >= 0 && len(flags) < 16 {
		flags += s[i : i+1]
		i++
	}
	count := func() int {
		n := 0
		if i < len(s) && s[i] == '*' {
			i++
			n = int(min(max(in.whole("*", f.next()), -1<<30), 1<<30))
			return n
		}
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			n = min(n*10+int(s[i]-'0'), 1<<30)
			i++
		}
		return n
	}
	width, precision := count(), -1
	if width < 0 {
		flags, width = flags+"-", -width
	}
	if i < len(s) && s[i] == '.' {
		i++
		precision = max(count(), 0)
	}
	for i < len(s) && strings.IndexByte("hlL", s[i]) >= 0 {
		i++
	}
	if i >= len(s) {
		in.fail("a format that ends early")
	}
	verb := s[i]
	i++
	if v == unset {
		v = f.next()
	}
	in.growTimes(1, int64(width)+int64(max(precision, 0)))
	return pad(f.verb(verb, flags, precision, v), flags, width, verb == 's' || verb == 'r' || verb == 'c'), i
}

// pad fills a formatted value up to its width: on its right, or on its left, with
// zeros behind the sign of a number.
func pad(s, flags string, width int, isText bool) string {
	n := width - utf8.RuneCountInString(s)
	switch {
	case n <= 0:
		return s
	case strings.Contains(flags, "-"):
		return s + strings.Repeat(" ", n)
	case strings.Contains(flags, "0") && !isText && !strings.HasSuffix(s, "inf") && !strings.HasSuffix(s, "nan"):
		k := 0
		if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
			k = 1
		}
		if strings.HasPrefix(s[k:], "0x") || strings.HasPrefix(s[k:], "0o") || strings.HasPrefix(s[k:], "0X") {
			k += 2
		}
		return s[:k] + strings.Repeat("0", n) + s[k:]
	}
	return strings.Repeat(" ", n) + s
}

// verb formats one value without its width.
func (f *printf) verb(verb byte, flags string, precision int, v Value) string {
	in := f.in
	switch verb {
	case 's', 'r':
		s := ""
		if verb == 's' {
			s = in.str(v)
		} else {
			s = in.repr(v)
		}
		if precision >= 0 {
			s = sliceText(s, 0, int64(precision))
		}
		return s
	case 'c':
		if s, ok := text(v); ok && len(s) <= utf8.UTFMax && utf8.RuneCountInString(s) == 1 {
			return s
		}
		if n, ok := integer(v); ok && n >= 0 && n <= utf8.MaxRune && (n < 0xD800 || n >= 0xE000) {
			return string(rune(n))
		}
		in.fail("%%c needs a character")
	case 'd', 'i', 'u', 'x', 'X', 'o':
		return f.integer(verb, flags, precision, v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		x, ok := number(v)
		if !ok {
			in.fail("%%%c needs a number, not %s", verb, typeName(v))
		}
		if precision < 0 {
			precision = 6
		}
		return sign(x < 0 || x == 0 && math.Signbit(x), flags) + in.formatFloat(math.Abs(x), verb, precision, strings.Contains(flags, "#"))
	}
	in.fail("the format %%%c is not supported", verb)
	return ""
}

func sign(negative bool, flags string) string {
	switch {
	case negative:
		return "-"
	case strings.Contains(flags, "+"):
		return "+"
	case strings.Contains(flags, " "):
		return " "
	}
	return ""
}

func (f *printf) integer(verb byte, flags string, precision int, v Value) string {
	in := f.in
	n, isInt := integer(v)
	b := big.NewInt(n)
	if x, ok := v.(*big.Int); ok {
		b, isInt = x, true
	}
	if x, ok := v.(float64); ok && strings.IndexByte("diu", verb) >= 0 && !math.IsNaN(x) && !math.IsInf(x, 0) {
		b, _ = new(big.Float).SetFloat64(x).Int(nil)
		isInt = true
	}
	if !isInt {
		in.fail("%%%c needs a number, not %s", verb, typeName(v))
	}
	base, prefix := 10, ""
	switch verb {
	case 'x', 'X':
		base, prefix = 16, "0"+string(verb)
	case 'o':
		base, prefix = 8, "0o"
	}
	s := new(big.Int).Abs(b).Text(base)
	if verb == 'X' {
		s = strings.ToUpper(s)
	}
	if precision > len(s) {
		s = strings.Repeat("0", precision-len(s)) + s
	}
	if strings.Contains(flags, "#") {
		s = prefix + s
	}
	return sign(b.Sign() < 0, flags) + s
}

// formatFloat writes a positive float as C does.
func (in *interp) formatFloat(x float64, verb byte, precision int, alternate bool) string {
	upper := verb < 'a'
	verb |= 0x20
	var s string
	switch {
	case math.IsInf(x, 0):
		s = "inf"
	case math.IsNaN(x):
		s = "nan"
	case alternate:
		in.fail("the flag # with %%%c is not supported", verb)
	case verb == 'g':
		if precision == 0 {
			precision = 1
		}
		s = strconv.FormatFloat(x, 'e', min(precision, 400)-1, 64)
		mantissa, exp, _ := strings.Cut(s, "e")
		e, _ := strconv.Atoi(exp)
		if e < -4 || e >= precision {
			s = fmt.Sprintf("%se%+03d", trimZeros(mantissa), e)
		} else {
			s = trimZeros(strconv.FormatFloat(x, 'f', precision-1-e, 64))
		}
	case verb == 'e':
		s = strconv.FormatFloat(x, 'e', precision, 64)
	default:
		s = strconv.FormatFloat(x, 'f', precision, 64)
	}
	if upper {
		s = strings.ToUpper(s)
	}
	return s
}

func trimZeros(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// formatBraces is str.format with plain fields.
func (in *interp) formatBraces(s string, a args) string {
	var b strings.Builder
	auto, manual := 0, false
	for i := 0; i < len(s); {
		k := strings.IndexAny(s[i:], "{}")
		if k < 0 {
			b.WriteString(s[i:])
			break
		}
		b.WriteString(s[i : i+k])
		i += k
		if i+1 < len(s) && s[i+1] == s[i] {
			b.WriteByte(s[i])
			i += 2
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if s[i] == '}' || end < 0 {
			in.fail("a single %q in a format", s[i])
		}
		field := s[i+1 : i+end]
		i += end + 1
		field, convert, converts := strings.Cut(field, "!")
		if strings.ContainsAny(field+convert, ":.[{") || converts && convert != "r" && convert != "s" {
			in.fail("the field {%.40s} of a format is not supported; names and numbers, with !r or !s, are", field)
		}
		var v Value = unset
		if n, err := strconv.Atoi(field); err == nil || field == "" {
			if field == "" {
				n = auto
				auto++
			} else {
				manual = true
			}
			if manual && auto > 0 {
				in.fail("a format cannot mix {} and {%.10s}", field)
			}
			if n >= 0 && n < len(a.pos) {
				v = a.pos[n]
			}
		} else {
			for k, name := range a.names {
				if name == field {
					v = a.values[k]
				}
			}
		}
		if v == unset {
			in.fail("the format has no value for {%.40s}", field)
		}
		t := ""
		if convert == "r" {
			t = in.repr(v)
		} else {
			t = in.str(v)
		}
		in.grow(len(t))
		b.WriteString(t)
	}
	in.grow(len(s))
	return b.String()
}
