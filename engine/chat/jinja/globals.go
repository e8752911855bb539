package jinja

import (
	"fmt"
	"strings"
	"time"
)

// maxRange is how many numbers the sandbox lets a range have.
const maxRange = 100000

// globals are the functions that every template has.
var globals = map[string]*function{
	"range":     {"range", globalRange},
	"dict":      {"dict", globalDict},
	"namespace": {"namespace", globalNamespace},
	"cycler":    {"cycler", globalCycler},
	"joiner":    {"joiner", globalJoiner},
	"lipsum": {"lipsum", func(in *interp, a args) Value {
		in.fail("lipsum is not supported")
		return nil
	}},
	"raise_exception": {"raise_exception", func(in *interp, a args) Value {
		v := in.bind("raise_exception", a, "message")
		panic(failure{in.line, Raised, in.str(v[0])})
	}},
	"strftime_now": {"strftime_now", func(in *interp, a args) Value {
		return in.strftime(in.now, in.needText("strftime_now", in.bind("strftime_now", a, "format")[0]))
	}},
}

func globalRange(in *interp, a args) Value {
	v := in.bind("range", positional(in, "range", a), "a", "b?", "c?")
	r := &numbers{step: 1}
	switch {
	case v[1] == unset:
		r.end = in.whole("range", v[0])
	default:
		r.start, r.end = in.whole("range", v[0]), in.whole("range", v[1])
		r.step = in.whole("range", or(v[2], int64(1)))
	}
	if r.step == 0 {
		in.fail("a range with a step of 0")
	}
	// In float64, where nothing overflows; beyond 2^53 no range is small enough.
	n := (float64(r.end) - float64(r.start)) / float64(r.step)
	if n > maxRange+1 {
		panic(failure{in.line, Limit, fmt.Sprintf("a range of more than %d numbers", maxRange)})
	}
	if n > 0 {
		d, s := r.end-r.start, r.step
		if d < 0 {
			d, s = -d, -s
		}
		r.n = (d + s - 1) / s
	}
	if r.n > maxRange {
		panic(failure{in.line, Limit, fmt.Sprintf("a range of more than %d numbers", maxRange)})
	}
	return r
}

// dictOf is dict(*args, **kwargs).
func (in *interp) dictOf(what string, a args) *Dict {
	d := &Dict{}
	if len(a.pos) > 1 {
		in.fail("%s takes at most one positional argument", what)
	}
	if len(a.pos) == 1 {
		if from, ok := a.pos[0].(*Dict); ok {
			for i, k := range from.Keys {
				in.put(d, k, from.Values[i])
			}
		} else {
			for _, x := range in.collect(a.pos[0]) {
				pair := in.collect(x)
				if len(pair) != 2 {
					in.fail("%s needs pairs", what)
				}
				in.put(d, pair[0], pair[1])
			}
		}
	}
	for i, n := range a.names {
		in.put(d, n, a.values[i])
	}
	return d
}

func globalDict(in *interp, a args) Value { return in.dictOf("dict", a) }

func globalNamespace(in *interp, a args) Value {
	ns := &namespace{}
	d := in.dictOf("namespace", a)
	for i, k := range d.Keys {
		name, ok := k.(string)
		if !ok || name == "" {
			in.fail("the attributes of a namespace need names")
		}
		in.setAttr(ns, name, d.Values[i])
	}
	return ns
}

// A cycler goes through its items again and again.
type cycler struct {
	items []Value
	i     int
}

func globalCycler(in *interp, a args) Value {
	if len(positional(in, "cycler", a).pos) == 0 {
		in.fail("cycler needs items")
	}
	return &cycler{items: a.pos}
}

func (c *cycler) attr(in *interp, name string) (Value, bool) {
	switch name {
	case "current":
		return c.items[c.i], true
	case "next":
		return &function{name, func(in *interp, a args) Value {
			in.bind("next", a)
			v := c.items[c.i]
			c.i = (c.i + 1) % len(c.items)
			return v
		}}, true
	case "reset":
		return &function{name, func(in *interp, a args) Value { in.bind("reset", a); c.i = 0; return nil }}, true
	case "pos", "items":
		in.fail("the attribute %s of a cycler is not supported", name)
	}
	return nil, false
}

// globalJoiner makes a function that returns nothing once, then a separator.
func globalJoiner(in *interp, a args) Value {
	sep := or(in.bind("joiner", a, "sep?")[0], ", ")
	used := false
	return &function{"joiner", func(in *interp, a args) Value {
		in.bind("joiner", a)
		if !used {
			used = true
			return ""
		}
		return sep
	}}
}

// strftime formats a time as Python does in the C locale. The time has no zone.
func (in *interp) strftime(t time.Time, format string) string {
	var b strings.Builder
	in.grow(len(format))
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' || i+1 >= len(format) {
			b.WriteByte(c)
			continue
		}
		i++
		flag := byte(0)
		if format[i] == '-' && i+1 < len(format) {
			flag = '-'
			i++
		}
		in.grow(32)
		in.timeField(&b, t, format[i], flag)
	}
	return b.String()
}

func (in *interp) timeField(b *strings.Builder, t time.Time, c, flag byte) {
	number := func(n, width int) {
		if flag == '-' {
			width = 1
		}
		fmt.Fprintf(b, "%0*d", width, n)
	}
	hour12 := (t.Hour()+11)%12 + 1
	switch c {
	case '%':
		b.WriteByte('%')
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'Y':
		fmt.Fprint(b, t.Year())
	case 'y':
		number(t.Year()%100, 2)
	case 'C':
		number(t.Year()/100, 2)
	case 'm':
		number(int(t.Month()), 2)
	case 'd':
		number(t.Day(), 2)
	case 'e':
		if flag == '-' {
			number(t.Day(), 1)
		} else {
			fmt.Fprintf(b, "%2d", t.Day())
		}
	case 'j':
		number(t.YearDay(), 3)
	case 'H':
		number(t.Hour(), 2)
	case 'I':
		number(hour12, 2)
	case 'M':
		number(t.Minute(), 2)
	case 'S':
		number(t.Second(), 2)
	case 'f':
		fmt.Fprintf(b, "%06d", t.Nanosecond()/1000)
	case 'B':
		b.WriteString(t.Month().String())
	case 'b', 'h':
		b.WriteString(t.Month().String()[:3])
	case 'A':
		b.WriteString(t.Weekday().String())
	case 'a':
		b.WriteString(t.Weekday().String()[:3])
	case 'p':
		b.WriteString(t.Format("PM"))
	case 'w':
		number(int(t.Weekday()), 1)
	case 'u':
		number((int(t.Weekday())+6)%7+1, 1)
	case 'U':
		number((t.YearDay()+6-int(t.Weekday()))/7, 2)
	case 'W':
		number((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2)
	case 'V':
		_, week := t.ISOWeek()
		number(week, 2)
	case 'G':
		year, _ := t.ISOWeek()
		fmt.Fprint(b, year)
	case 'F':
		b.WriteString(t.Format("2006-01-02"))
	case 'T', 'X':
		b.WriteString(t.Format("15:04:05"))
	case 'R':
		b.WriteString(t.Format("15:04"))
	case 'D', 'x':
		b.WriteString(t.Format("01/02/06"))
	case 'c':
		b.WriteString(t.Format("Mon Jan _2 15:04:05 2006"))
	case 'r':
		b.WriteString(t.Format("03:04:05 PM"))
	case 'z', 'Z': // a time without a zone has none
	default:
		in.fail("the date format %%%c is not supported", c)
	}
}
