// Package openapi describes routes as an OpenAPI 3.1 document. What it says is
// made from the route table and from the Go types of the bodies, so it is true
// as long as they are.
//
// A type whose JSON has several forms describes itself by a method
// OpenAPISchema() any, which returns a JSON Schema.
package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"mom/server/web"
)

type object = map[string]any

// Document is the OpenAPI document of routes, as JSON. Two routes of the same
// method and path are an error.
func Document(routes []web.Route, version string) ([]byte, error) {
	s := newSchemas()
	paths := map[string]object{}
	tags := []string{}
	for i := range routes {
		r := &routes[i]
		names, err := parameters(r.Path)
		if err != nil {
			return nil, fmt.Errorf("openapi: %s %s: %w", r.Method, r.Path, err)
		}
		if paths[r.Path] == nil {
			paths[r.Path] = object{}
		}
		method := strings.ToLower(r.Method)
		if paths[r.Path][method] != nil {
			return nil, fmt.Errorf("openapi: %s %s is there twice", r.Method, r.Path)
		}
		tag := tagOf(r.Path)
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
		paths[r.Path][method] = operation(r, names, tag, s)
	}
	list := make([]object, len(tags))
	for i, t := range tags {
		list[i] = object{"name": t}
	}
	if version == "" {
		version = "0"
	}
	return json.Marshal(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "mom", "version": version,
			"description": "Guards, routes and explains requests to language models.",
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []object{{"url": "/"}},
		"security": []object{{"bearer": []string{}}, {"key": []string{}}, {}},
		"tags":     list,
		"paths":    paths,
		"components": object{
			"schemas":   s.components,
			"responses": refusals(),
			"securitySchemes": object{
				"bearer": object{"type": "http", "scheme": "bearer", "description": "A client's key, where authentication is on."},
				"key":    object{"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key."},
			},
		},
	})
}

// parameters are the names of the {name} segments of path.
func parameters(path string) ([]string, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("a path begins with /")
	}
	var names []string
	for _, part := range strings.Split(path, "/") {
		if !strings.ContainsAny(part, "{}") {
			continue
		}
		name := strings.Trim(part, "{}")
		if part != "{"+name+"}" || name == "" || slices.Contains(names, name) {
			return nil, fmt.Errorf("bad segment %q", part)
		}
		names = append(names, name)
	}
	return names, nil
}

// tagOf groups paths by their first segment.
func tagOf(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if first == "" || strings.HasPrefix(first, "{") {
		return "root"
	}
	return first
}

func operation(r *web.Route, names []string, tag string, s *schemas) object {
	o := object{
		"operationId": strings.ToLower(r.Method) + operationName(r.Path),
		"summary":     r.Summary,
		"tags":        []string{tag},
		"responses":   responses(r, s),
	}
	if r.Access == web.Public {
		o["security"] = []object{}
	}
	var list []object
	for _, n := range names {
		list = append(list, object{"name": n, "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, p := range r.Query {
		list = append(list, object{"name": p.Name, "in": "query", "description": p.What, "schema": object{"type": p.Type}})
	}
	if list != nil {
		o["parameters"] = list
	}
	body := func(required bool, schema object) {
		o["requestBody"] = object{"required": required, "content": object{"application/json": object{"schema": schema}}}
	}
	switch {
	case r.Request != nil:
		body(true, s.of(reflect.TypeOf(r.Request)))
	case r.Method == "POST" || r.Method == "PUT":
		body(false, object{})
	}
	return o
}

// operationName is a path in camel case.
func operationName(path string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune("/{}-_.", r) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	if b.Len() == 0 {
		return "Root"
	}
	return b.String()
}

// events is an answer as a stream. OpenAPI 3.1 has no words for single events: an
// extension has the schema of each one's data.
func events(list []web.Event, s *schemas) object {
	var names []string
	each := object{}
	for _, e := range list {
		names = append(names, e.Name)
		each[e.Name] = object{"description": e.What, "data": s.of(reflect.TypeOf(e.Data))}
	}
	return object{
		"schema":   object{"type": "string", "description": "Server-sent events, each with its name and a line of JSON as its data: " + strings.Join(names, ", ") + "."},
		"x-events": each,
	}
}

func responses(r *web.Route, s *schemas) object {
	ok, content := object{"description": "Success"}, object{}
	switch t := reflect.TypeOf(r.Response); {
	case t == nil:
	case t.Kind() == reflect.String:
		content["text/plain"] = object{"schema": object{"type": "string"}}
	default:
		content["application/json"] = object{"schema": s.of(t)}
	}
	if len(r.Events) > 0 {
		content["text/event-stream"] = events(r.Events, s)
	}
	if len(content) > 0 {
		ok["content"] = content
	}
	refusal := object{"$ref": "#/components/responses/" + dialectName(r.Dialect) + "Error"}
	return object{"200": ok, "4XX": refusal, "5XX": refusal}
}
