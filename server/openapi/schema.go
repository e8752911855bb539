package openapi

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// schemas makes JSON Schemas of Go types. Named structs become components.
type schemas struct {
	components object
	names      map[reflect.Type]string
	taken      map[string]bool
}

func newSchemas() *schemas {
	return &schemas{components: object{}, names: map[reflect.Type]string{}, taken: map[string]bool{}}
}

// described is a type that knows its own schema.
type described interface{ OpenAPISchema() any }

// has says whether t, or a pointer to it, has the methods of I.
func has[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}

// of is the schema of the JSON of t.
func (s *schemas) of(t reflect.Type) object {
	if t.Kind() == reflect.Pointer {
		return nullable(s.of(t.Elem()))
	}
	switch {
	case t.Kind() != reflect.Interface && has[described](t):
		return plain(reflect.New(t).Interface().(described).OpenAPISchema())
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case has[json.Unmarshaler](t), has[json.Marshaler](t):
		return object{}
	case has[encoding.TextMarshaler](t):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.structure(t)
	}
	return object{} // interfaces: anything
}

// plain takes a schema of any Go form through JSON, so that it is one of ours.
func plain(v any) object {
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: openapi: a schema that is no JSON: " + err.Error())
	}
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		panic("BUG: openapi: a schema that is no object: " + err.Error())
	}
	return o
}

// nullable also lets null be.
func nullable(schema object) object {
	if t, ok := schema["type"].(string); ok && schema["enum"] == nil {
		schema["type"] = []string{t, "null"}
		return schema
	}
	if len(schema) == 0 {
		return schema
	}
	return object{"anyOf": []any{schema, object{"type": "null"}}}
}

func (s *schemas) structure(t reflect.Type) object {
	if t.Name() == "" {
		return s.properties(t)
	}
	name, known := s.names[t]
	if !known {
		name = s.name(t)
		s.names[t] = name // before its fields: a type may contain itself
		s.components[name] = s.properties(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// name is unique: where packages have types of the same name, the later ones
// get their package's before it.
func (s *schemas) name(t reflect.Type) string {
	name := identifier(t.Name())
	if s.taken[name] {
		path := strings.Split(t.PkgPath(), "/")
		name = identifier(path[len(path)-1]) + name
	}
	for base, n := name, 2; s.taken[name]; n++ {
		name = fmt.Sprintf("%s%d", base, n)
	}
	s.taken[name] = true
	return name
}

// identifier begins in upper case and has letters and digits only.
func identifier(s string) string {
	var b strings.Builder
	up := true
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			b.WriteRune(r)
			up = false
		case r >= 'a' && r <= 'z':
			if up {
				r -= 'a' - 'A'
			}
			b.WriteRune(r)
			up = false
		default:
			up = true
		}
	}
	return b.String()
}

// properties is the schema of a struct. Fields with omitempty or omitzero may
// be absent, the others must be there.
func (s *schemas) properties(t reflect.Type) object {
	properties := object{}
	required := []string{}
	s.fields(t, properties, &required)
	o := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// fields adds those of t, then those of embedded structs that it does not have
// itself.
func (s *schemas) fields(t reflect.Type, properties object, required *[]string) {
	var embedded []reflect.Type
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if f.Anonymous && name == "" && inner.Kind() == reflect.Struct {
			embedded = append(embedded, inner)
			continue
		}
		if name == "-" && options == "" || !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if _, taken := properties[name]; taken {
			continue
		}
		properties[name] = s.of(f.Type)
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
	}
	for _, e := range embedded {
		s.fields(e, properties, required)
	}
}
