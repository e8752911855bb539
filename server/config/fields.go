package config

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:generate go run ./internal/gen comments comments_gen.go
//go:generate go run ./internal/gen reference ../../docs/configuration.md

// A constant is a value that a text type may have.
type constant struct{ value, comment string }

// A field is a key of a mapping.
type field struct {
	key     string
	index   []int // for reflect.Value.FieldByIndex
	typ     reflect.Type
	comment string
	check   check
	initial string // of the default tag: the value in a list's element that does not give it
}

// A check is what the check tag of a field demands of its value.
type check struct {
	required bool
	min, max string // in the form of the type: 1, 0.5, 10ms, 4096
	without  string // of the constants of the type, one that is not for this field
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	digestType   = reflect.TypeFor[Digest]()
	sizeType     = reflect.TypeFor[Size]()
	addressType  = reflect.TypeFor[Address]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// fieldsOf lists the keys of a struct in the order of its declaration. Fields
// of an inlined struct stand where it stands; one of the struct itself with the
// same key wins.
func fieldsOf(t reflect.Type) []field {
	var out []field
	own := map[string]bool{}
	for i := range t.NumField() {
		if key, inline, ok := keyOf(t.Field(i)); ok && !inline {
			own[key] = true
		}
	}
	for i := range t.NumField() {
		f := t.Field(i)
		key, inline, ok := keyOf(f)
		switch {
		case !ok:
		case inline:
			for _, in := range fieldsOf(f.Type) {
				if own[in.key] {
					continue
				}
				in.index = append([]int{i}, in.index...)
				out = append(out, in)
			}
		default:
			out = append(out, field{
				key: key, index: f.Index, typ: f.Type,
				comment: cmp.Or(policyComments(typeName(t)+"."+f.Name), docs[typeName(t)+"."+f.Name]),
				check:   checkOf(t, f), initial: f.Tag.Get("default"),
			})
		}
	}
	return out
}

func keyOf(f reflect.StructField) (key string, inline, ok bool) {
	if !f.IsExported() {
		return "", false, false
	}
	key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if options == "inline" {
		return "", true, true
	}
	if key == "-" {
		return "", false, false
	}
	if key == "" {
		key = strings.ToLower(f.Name)
	}
	return key, false, true
}

func checkOf(t reflect.Type, f reflect.StructField) check {
	c := policyChecks()[typeName(t)+"."+f.Name]
	for part := range strings.SplitSeq(f.Tag.Get("check"), ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "":
		case "required":
			c.required = true
		case "min":
			c.min = value
		case "max":
			c.max = value
		default:
			panic("BUG: config: unknown check " + part + " of " + f.Name)
		}
	}
	return c
}

func typeName(t reflect.Type) string {
	path := t.PkgPath()
	return path[strings.LastIndexByte(path, '/')+1:] + "." + t.Name()
}

// choices are the values that a text of type t may have; none means any.
func choices(t reflect.Type) []constant {
	if t.Kind() != reflect.String || t.Name() == "string" {
		return nil
	}
	return constants[typeName(t)]
}

// allowed are the choices of a field.
func allowed(t reflect.Type, c check) []constant {
	return slices.DeleteFunc(slices.Clone(choices(t)), func(k constant) bool { return k.value == c.without })
}

func values(c []constant) []string {
	out := make([]string, len(c))
	for i := range c {
		out[i] = c[i].value
	}
	return out
}

// secret reports whether values of t are never shown.
func secret(t reflect.Type) bool { return t == secretType || t == digestType }

// scalar reports whether a value of t is one word of the file.
func scalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(textType) || t == durationType {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map, reflect.Pointer, reflect.Array:
		return false
	}
	return true
}

// setText sets a scalar from its text.
func setText(v reflect.Value, text string) error {
	t := v.Type()
	if t == durationType {
		d, err := parseDuration(text)
		v.SetInt(int64(d))
		return err
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch t.Kind() {
	case reflect.String:
		if c := choices(t); c != nil {
			for _, known := range c {
				if known.value == text {
					v.SetString(text)
					return nil
				}
			}
			return fmt.Errorf("want %s", oneOf(values(c)))
		}
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("want true or false")
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, t.Bits())
		if err != nil {
			return fmt.Errorf("want a whole number in decimal digits")
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, t.Bits())
		if err != nil {
			return fmt.Errorf("want a whole number, 0 or more, in decimal digits")
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(text, t.Bits())
		if err != nil || n-n != 0 || strings.ContainsAny(text, "xXpP_") {
			return fmt.Errorf("want a number such as 0.75")
		}
		v.SetFloat(n)
	default:
		panic("BUG: config: a field of type " + t.String())
	}
	return nil
}

// showText is the text of a scalar, as the file would have it. A secret is "(set)".
func showText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return formatDuration(x)
	case fmt.Stringer:
		return x.String()
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	}
	return fmt.Sprint(v.Interface())
}

// bounded says whether a scalar is within its check.
func bounded(v reflect.Value, c check) error {
	if c.without != "" && v.String() == c.without {
		return fmt.Errorf("want %s", oneOf(values(allowed(v.Type(), c))))
	}
	if c.min != "" && compare(v, c.min) < 0 || c.max != "" && compare(v, c.max) > 0 {
		switch {
		case c.max == "":
			return fmt.Errorf("want %s or more", bound(v.Type(), c.min))
		case c.min == "":
			return fmt.Errorf("want %s or less", bound(v.Type(), c.max))
		}
		return fmt.Errorf("want %s to %s", bound(v.Type(), c.min), bound(v.Type(), c.max))
	}
	return nil
}

// bound writes a limit of a check in the form of the type.
func bound(t reflect.Type, limit string) string { return showText(parsed(t, limit)) }

func parsed(t reflect.Type, text string) reflect.Value {
	v := reflect.New(t).Elem()
	if err := setText(v, text); err != nil {
		panic("BUG: config: tag value " + text + " of a " + t.String())
	}
	return v
}

func compare(v reflect.Value, limit string) int {
	l := parsed(v.Type(), limit)
	var less, more bool
	switch {
	case v.CanInt():
		less, more = v.Int() < l.Int(), v.Int() > l.Int()
	case v.CanUint():
		less, more = v.Uint() < l.Uint(), v.Uint() > l.Uint()
	default:
		less, more = v.Float() < l.Float(), v.Float() > l.Float()
	}
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}
