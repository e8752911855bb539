// Package jinja runs the chat templates of language models: the part of Jinja2
// that they are written in, in the environment that Hugging Face transformers
// gives them (ImmutableSandboxedEnvironment with trim_blocks, lstrip_blocks and
// loop controls, json.dumps as tojson, raise_exception, strftime_now).
//
// It prints the same bytes as Python does, for values of JSON. What is rare and
// not here, such as inheritance between templates, the filter urlize or integers
// beyond 64 bits in arithmetic, is an error that says so, never other bytes.
//
// A template comes with a model, so it is not trusted. It reads its variables and
// the clock that it is given, and nothing else; and Limits bound its time, its
// memory, its output and the depth of its calls. It always ends, with a text or
// an *Error that names the line.
//
// The modules of Go for Jinja that exist sort the keys of objects, escape HTML in
// tojson, or cannot be stopped, and so print other prompts than a model has been
// trained with.
package jinja

import (
	"fmt"
	"time"
)

// Limits bound one run of a template.
type Limits struct {
	Steps  int // parts of the template run, and pieces of 32 bytes that an operation looks at
	Memory int // bytes of all texts and lists that are made on the way, the output included
	Output int // bytes of the output
	Depth  int // parts of the template, and of values, within each other
}

// DefaultLimits are for input of the given size: messages, tools and variables
// together. Published templates need 2 steps a byte of a conversation, and 4 bytes
// of memory.
func DefaultLimits(input int) Limits {
	return Limits{Steps: 2e6 + 8*input, Memory: 16<<20 + 32*input, Output: 1<<20 + 4*input, Depth: 1000}
}

// MaxSource bounds the length of a template; real ones have less than 32 KiB.
const MaxSource = 256 << 10

// A Kind says what an Error is about.
type Kind uint8

const (
	Syntax Kind = iota // the template cannot be parsed
	Failed             // the template does what Python does not allow, or uses what is not supported
	Raised             // the template refused its input with raise_exception
	Limit              // the template went over one of the Limits
)

// An Error is why a template has no output.
type Error struct {
	Name   string // of the template
	Line   int
	Kind   Kind
	Reason string // of Raised the template's own words
}

func (e *Error) Error() string { return fmt.Sprintf("%s: line %d: %s", e.Name, e.Line, e.Reason) }

// A Template is ready to run. It does not change and may be used by any number
// of goroutines.
type Template struct {
	name string
	body []stmt
}

// Parse reads a template; name stands for it in errors.
func Parse(name, source string) (t *Template, err error) {
	defer rescue(name, &err)
	if len(source) > MaxSource {
		panic(failure{1, Syntax, fmt.Sprintf("the template has %d bytes, more than %d", len(source), MaxSource)})
	}
	p := &parser{tokens: lex(source)}
	return &Template{name: name, body: p.template()}, nil
}

// Render runs the template with the variables and appends what it prints to dst.
// now is the time that strftime_now tells.
func (t *Template) Render(dst []byte, vars *Dict, now time.Time, limits Limits) (out []byte, err error) {
	defer rescue(t.name, &err)
	in := &interp{limits: limits, now: now, globals: vars, line: 1}
	in.out = &buffer{}
	in.exec(t.body, &scope{})
	return append(dst, in.out.b...), nil
}

// A failure is an Error on its way out of the recursion.
type failure struct {
	line   int
	kind   Kind
	reason string
}

func rescue(name string, err *error) {
	switch r := recover().(type) {
	case nil:
	case failure:
		*err = &Error{name, r.line, r.kind, r.reason}
	default:
		panic(r)
	}
}
