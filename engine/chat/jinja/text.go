package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// str is str(v), what {{ v }} prints.
func (in *interp) str(v Value) string {
	switch v := v.(type) {
	case string:
		return v
	case Markup:
		return string(v)
	case *undefined:
		return ""
	}
	return in.repr(v)
}

// repr is repr(v).
func (in *interp) repr(v Value) string {
	var b strings.Builder
	in.writeRepr(&b, v)
	return b.String()
}

func (in *interp) writeRepr(b *strings.Builder, v Value) {
	in.step(1)
	from := b.Len()
	defer func() { in.grow(b.Len() - from) }()
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		b.WriteString(floatRepr(v))
	case string:
		in.grow(len(v))
		writeQuoted(b, v)
	case Markup:
		b.WriteString("Markup(")
		writeQuoted(b, string(v))
		b.WriteString(")")
	case *undefined:
		b.WriteString("Undefined")
	case *List:
		in.writeList(b, v)
	case *Dict:
		in.writeDict(b, v)
	case *view:
		b.WriteString(typeName(v) + "([")
		it := in.iterate(v)
		for first := true; ; first = false {
			x, ok := it.next()
			if !ok {
				break
			}
			if !first {
				b.WriteString(", ")
			}
			in.writeRepr(b, x)
		}
		b.WriteString("])")
	case *numbers:
		if v.step == 1 {
			fmt.Fprintf(b, "range(%d, %d)", v.start, v.end)
		} else {
			fmt.Fprintf(b, "range(%d, %d, %d)", v.start, v.end, v.step)
		}
	case *macro:
		b.WriteString("<Macro ")
		if v.def.name == "" {
			b.WriteString("anonymous>")
		} else {
			writeQuoted(b, v.def.name)
			b.WriteString(">")
		}
	case *namespace:
		b.WriteString("<Namespace ")
		in.writeDict(b, &v.attrs)
		b.WriteString(">")
	default:
		in.fail("printing a %s is not supported", typeName(v))
	}
}

func (in *interp) writeList(b *strings.Builder, v *List) {
	defer in.enter()()
	open, end := "[", "]"
	if v.Tuple {
		open, end = "(", ")"
		if len(v.Items) == 1 {
			end = ",)"
		}
	}
	b.WriteString(open)
	for i, x := range v.Items {
		if i > 0 {
			b.WriteString(", ")
		}
		in.writeRepr(b, x)
	}
	b.WriteString(end)
}

func (in *interp) writeDict(b *strings.Builder, v *Dict) {
	defer in.enter()()
	b.WriteString("{")
	for i, k := range v.Keys {
		if i > 0 {
			b.WriteString(", ")
		}
		in.writeRepr(b, k)
		b.WriteString(": ")
		in.writeRepr(b, v.Values[i])
	}
	b.WriteString("}")
}

// writeQuoted writes a string as Python's repr does: in single quotes, unless
// only double ones save it from escapes.
func writeQuoted(b *strings.Builder, s string) {
	quote := byte('\'')
	if strings.IndexByte(s, '\'') >= 0 && strings.IndexByte(s, '"') < 0 {
		quote = '"'
	}
	b.WriteByte(quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7F || r >= utf8.RuneSelf && r < 0x100 && !unicode.IsPrint(r):
			writeHex(b, `\x`, r, 2)
		case r < 0x10000 && !unicode.IsPrint(r):
			writeHex(b, `\u`, r, 4)
		case !unicode.IsPrint(r):
			writeHex(b, `\U`, r, 8)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(quote)
}

// writeHex writes r in so many digits.
func writeHex(b *strings.Builder, before string, r rune, digits int) {
	b.WriteString(before)
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte("0123456789abcdef"[r>>(4*i)&15])
	}
}

// floatRepr is repr of a float: the shortest digits that read as it.
func floatRepr(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(x, 'e', -1, 64)
	mantissa, exp, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exp)
	if e < -4 || e >= 16 {
		return fmt.Sprintf("%se%+03d", mantissa, e)
	}
	s = strconv.FormatFloat(x, 'f', -1, 64)
	if strings.IndexByte(s, '.') < 0 {
		s += ".0"
	}
	return s
}
