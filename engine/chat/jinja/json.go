package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of values that come from outside.
const maxJSONDepth = 100

// FromJSON reads a value as Python's json.loads does: objects keep their order,
// and numbers are integers or floats by how they are written.
func FromJSON(data []byte) (Value, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := decode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func decode(d *json.Decoder, depth int) (Value, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	t, err := d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		return fromNumber(string(t))
	case json.Delim:
		if t == '[' {
			l := &List{}
			for d.More() {
				v, err := decode(d, depth+1)
				if err != nil {
					return nil, err
				}
				l.Items = append(l.Items, v)
			}
			_, err := d.Token()
			return l, err
		}
		o := &Dict{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decode(d, depth+1)
			if err != nil {
				return nil, err
			}
			o.Set(k.(string), v)
		}
		_, err := d.Token()
		return o, err
	}
	return t, nil // nil, bool, string
}

func fromNumber(s string) (Value, error) {
	if strings.ContainsAny(s, ".eE") {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(x, 0) {
			return nil, err
		}
		return x, nil
	}
	if len(s) > 4300 { // Python's limit
		return nil, fmt.Errorf("an integer of %d digits", len(s))
	}
	b, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("%.40q is not a number", s)
	}
	return normalInt(b), nil
}

// dumper is json.dumps.
type dumper struct {
	in        *interp
	b         []byte
	ascii     bool
	indent    string
	pretty    bool
	item, key string // separators
	sortKeys  bool
}

// toJSON is the filter tojson.
func toJSON(in *interp, v Value, a args) Value {
	o := in.bind("tojson", a, "ensure_ascii?", "indent?", "separators?", "sort_keys?")
	d := &dumper{in: in, ascii: truth(or(o[0], false)), item: ", ", key: ": ", sortKeys: truth(or(o[3], false))}
	switch indent := or(o[1], nil).(type) {
	case nil:
	case string:
		d.indent, d.pretty, d.item = indent, true, ","
	default:
		n := in.whole("tojson", indent)
		in.growTimes(1, max(n, 0))
		d.indent, d.pretty, d.item = strings.Repeat(" ", int(max(n, 0))), true, ","
	}
	if s := or(o[2], nil); s != nil {
		parts := in.collect(s)
		if len(parts) != 2 {
			in.fail("tojson needs two separators")
		}
		d.item, d.key = in.needText("tojson", parts[0]), in.needText("tojson", parts[1])
	}
	d.value(v, 0)
	return string(d.b)
}

func (d *dumper) write(s string) {
	d.in.grow(len(s))
	d.b = append(d.b, s...)
}

func (d *dumper) value(v Value, depth int) {
	d.in.step(1)
	switch v := v.(type) {
	case nil:
		d.write("null")
	case bool:
		d.write(strconv.FormatBool(v))
	case int64:
		d.write(strconv.FormatInt(v, 10))
	case *big.Int:
		d.write(v.String())
	case float64:
		d.write(jsonFloat(v))
	case string:
		d.text(v)
	case Markup:
		d.text(string(v))
	case *List:
		defer d.in.enter()()
		d.write("[")
		for i, x := range v.Items {
			d.before(i, depth)
			d.value(x, depth+1)
		}
		d.after(len(v.Items), depth, "]")
	case *Dict:
		defer d.in.enter()()
		d.write("{")
		for i, k := range d.order(v) {
			d.before(i, depth)
			d.name(v.Keys[k])
			d.write(d.key)
			d.value(v.Values[k], depth+1)
		}
		d.after(v.Len(), depth, "}")
	default:
		d.in.fail("tojson of a %s", typeName(v))
	}
}

// before and after write what separates items and ends a list.
func (d *dumper) before(i, depth int) {
	if i > 0 {
		d.write(d.item)
	}
	d.line(depth + 1)
}

func (d *dumper) after(n, depth int, end string) {
	if n > 0 {
		d.line(depth)
	}
	d.write(end)
}

func (d *dumper) line(depth int) {
	if d.pretty {
		d.write("\n")
		for range depth {
			d.write(d.indent)
		}
	}
}

// order is the places of the keys in the order they are written in.
func (d *dumper) order(v *Dict) []int {
	places := make([]int, v.Len())
	for i := range places {
		places[i] = i
	}
	if d.sortKeys {
		slices.SortStableFunc(places, func(i, j int) int { return d.in.mustCompare(v.Keys[i], v.Keys[j]) })
	}
	return places
}

func (d *dumper) name(k Value) {
	switch k := k.(type) {
	case string:
		d.text(k)
	case Markup:
		d.text(string(k))
	case nil, bool, int64, *big.Int, float64:
		d.write(`"`)
		d.value(k, 0)
		d.write(`"`)
	default:
		d.in.fail("tojson of a dict with a %s as a key", typeName(k))
	}
}

func jsonFloat(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 1):
		return "Infinity"
	case math.IsInf(x, -1):
		return "-Infinity"
	}
	return floatRepr(x)
}

func (d *dumper) text(s string) {
	d.in.grow(len(s) + 2)
	d.b = append(d.b, '"')
	from := len(d.b)
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			d.b = append(d.b, '\\', byte(r))
		case r == '\n':
			d.b = append(d.b, `\n`...)
		case r == '\r':
			d.b = append(d.b, `\r`...)
		case r == '\t':
			d.b = append(d.b, `\t`...)
		case r == '\b':
			d.b = append(d.b, `\b`...)
		case r == '\f':
			d.b = append(d.b, `\f`...)
		case r < ' ' || d.ascii && r >= 0x7F && r < 0x10000 && r != 0x7F:
			d.escape(r)
		case d.ascii && r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			d.escape(high)
			d.escape(low)
		default:
			d.b = utf8.AppendRune(d.b, r)
		}
	}
	d.in.grow(len(d.b) - from)
	d.b = append(d.b, '"')
}

func (d *dumper) escape(r rune) {
	const hex = "0123456789abcdef"
	d.b = append(d.b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
