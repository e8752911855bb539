package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"
)

// MaxDepth is how deep the arrays and objects of a request may nest.
const MaxDepth = 64

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// WriteJSON answers with v. A v that has no JSON form is a bug and panics.
func WriteJSON(ctx *fasthttp.RequestCtx, status int, v any) {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("BUG: web: " + err.Error())
	}
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	if b.Cap() < 1<<20 {
		buffers.Put(b)
	}
}

// ReadJSON reads the request's body into a pointer. Whatever content type the
// client names is taken. Keys that appear twice, or differ from the name of a
// field only by case, are refused, since readers disagree on which counts; so
// are values nested deeper than MaxDepth, text that is not UTF-8, and anything
// after the value. The *Error says where; it never repeats a value.
func ReadJSON(ctx *fasthttp.RequestCtx, into any) error {
	if enc := ctx.Request.Header.ContentEncoding(); len(enc) > 0 && string(enc) != "identity" {
		return &Error{Status: 415, Code: "unsupported_content_encoding", Message: "compressed request bodies are not supported; send the JSON as it is"}
	}
	return ParseJSON(ctx.Request.Body(), into)
}

// ParseJSON is ReadJSON of bytes. What it stores has its own memory.
func ParseJSON(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return Invalid("", "the body is empty; want JSON")
	}
	if err := Check(body, reflect.TypeOf(into)); err != nil {
		return err
	}
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	var ours *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &wrong):
		got, _, _ := strings.Cut(wrong.Value, " ") // the rest is the client's
		return Invalid(wrong.Field, fmt.Sprintf("%s: want %s, not %s", orBody(wrong.Field), kindName(wrong.Type), got))
	}
	return &Error{Status: 400, Message: "the body cannot be read as this request", Cause: err}
}

func orBody(path string) string {
	if path == "" {
		return "the body"
	}
	return path
}

func kindName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "an integer"
}
