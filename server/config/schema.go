package config

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// reference is what a scalar that is no text may hold instead.
const referencePattern = `\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}`

// An object is a JSON object whose keys are written in order of the alphabet,
// but for those of properties, which encoding/json sorts too: the schema does
// not depend on anything but the types.
type object map[string]any

// Schema is the JSON Schema (2020-12) of the file, for editors. It knows each
// key, its values and its default; what ties values to each other only Load
// checks.
func Schema() []byte {
	g := generator{defs: object{
		"reference": object{"type": "string", "pattern": referencePattern, "description": "Values of the environment: ${NAME} or ${NAME:-default}"},
	}}
	root := g.structure(reflect.TypeFor[Config](), reflect.ValueOf(*Default()))
	out := object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Configuration of mom",
	}
	maps.Copy(out, root)
	out["$defs"] = g.defs
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic("BUG: config: schema: " + err.Error())
	}
	return append(b, '\n')
}

// A generator writes named structs as definitions, once each.
type generator struct{ defs object }

func (g *generator) structure(t reflect.Type, defaults reflect.Value) object {
	properties := object{}
	var required []string
	for _, f := range fieldsOf(t) {
		var initial reflect.Value
		if f.initial != "" {
			initial = parsed(f.typ, f.initial)
		} else if defaults.IsValid() {
			initial = defaults.FieldByIndex(f.index)
		}
		p := g.value(f.typ, f.check, initial)
		if f.comment != "" {
			p["description"] = f.comment
		}
		properties[f.key] = p
		if f.check.required && (!initial.IsValid() || initial.IsZero()) {
			required = append(required, f.key)
		}
	}
	o := object{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if required != nil {
		o["required"] = required
	}
	return o
}

func (g *generator) value(t reflect.Type, c check, initial reflect.Value) object {
	if scalar(t) {
		return g.scalar(t, c, initial)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.value(t.Elem(), c, reflect.Value{})
	case reflect.Slice:
		o := object{"type": []string{"array", "null"}, "items": g.element(t.Elem(), c)}
		if initial.IsValid() && initial.Len() > 0 && scalar(t.Elem()) {
			o["default"] = plainValue(initial)
		}
		return o
	case reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": g.element(t.Elem(), c)}
	}
	return g.structure(t, initial)
}

// element is a value in a list or a map. A struct is a definition of its own:
// its defaults are the same wherever it stands.
func (g *generator) element(t reflect.Type, c check) object {
	if scalar(t) || t.Kind() != reflect.Struct {
		return g.value(t, check{min: c.min, max: c.max}, reflect.Value{})
	}
	name := typeName(t)
	if _, known := g.defs[name]; !known {
		g.defs[name] = nil // for a type inside itself
		g.defs[name] = g.structure(t, elementDefaults(t))
	}
	return object{"$ref": "#/$defs/" + name}
}

// elementDefaults is an element of a list that gives nothing.
func elementDefaults(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	initialise(v)
	return v
}

func (g *generator) scalar(t reflect.Type, c check, initial reflect.Value) object {
	o := object{}
	isText := false
	if c.required && t.Kind() == reflect.String {
		o["minLength"] = 1
	}
	switch {
	case t == durationType:
		o["type"] = "string"
		o["pattern"] = `^([0-9]+d|0|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`
	case t == sizeType:
		o["type"] = []string{"string", "integer"}
		o["pattern"] = `^[0-9]+ *([KMG]i?B|kB|B)?$`
	case t == digestType:
		o["type"], o["pattern"] = "string", "^[0-9a-fA-F]{64}$"
	case choices(t) != nil:
		o["enum"] = values(allowed(t, c))
	case t.Kind() == reflect.Bool:
		o["type"] = "boolean"
	case t.Kind() == reflect.Float32, t.Kind() == reflect.Float64:
		o["type"] = "number"
		limit(o, c)
	case t.Kind() == reflect.String:
		o["type"], isText = "string", true
	default:
		o["type"] = "integer"
		limit(o, c)
	}
	if !isText {
		o = object{"anyOf": []object{o, {"$ref": "#/$defs/reference"}}}
	}
	if initial.IsValid() && !secret(t) && !(isText && initial.IsZero()) {
		o["default"] = plainValue(initial)
	}
	return o
}

func limit(o object, c check) {
	for key, text := range map[string]string{"minimum": c.min, "maximum": c.max} {
		if text == "" {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic("BUG: config: limit " + text)
		}
		o[key] = n
	}
}

// plainValue is a default as JSON has it: numbers and truth values, else the
// text of the file.
func plainValue(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.Slice:
		out := []any{}
		for i := range v.Len() {
			out = append(out, plainValue(v.Index(i)))
		}
		return out
	case v.Type() == durationType || v.Type() == sizeType:
		return showText(v)
	}
	switch v.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint64, reflect.Float64, reflect.Float32:
		return v.Interface()
	}
	return showText(v)
}

// Keys lists the paths of all scalars of the file: limits.body,
// upstreams[].name. A map stands as headers.*.
func Keys() []string {
	var out []string
	rowsOf(reflect.TypeFor[Config](), reflect.ValueOf(*Default()), "", func(r row) {
		if !r.parent {
			out = append(out, r.key)
		}
	})
	slices.Sort(out)
	return out
}
