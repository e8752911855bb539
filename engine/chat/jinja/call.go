package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// unset stands for an argument that was not given.
var unset Value = &struct{ _ int }{}

// args is what a function is called with.
type args struct {
	pos    []Value
	names  []string
	values []Value
}

// arguments evaluates what stands between parentheses.
func (in *interp) arguments(c callArgs, s *scope) args {
	var a args
	if n := len(c.args); n > 0 {
		a.pos = make([]Value, 0, n)
		for _, x := range c.args {
			a.pos = append(a.pos, in.eval(x, s))
		}
	}
	for i, x := range c.values {
		a.names, a.values = append(a.names, c.names[i]), append(a.values, in.eval(x, s))
	}
	if c.dynArgs != nil {
		a.pos = append(a.pos, in.collect(in.eval(c.dynArgs, s))...)
	}
	if c.dynKw != nil {
		d, ok := in.eval(c.dynKw, s).(*Dict)
		if !ok {
			in.fail("the argument after ** is no dict")
		}
		for i, k := range d.Keys {
			name, ok := k.(string)
			if !ok {
				in.fail("the names of arguments must be strings")
			}
			if slices.Contains(c.names, name) {
				in.fail("two arguments %.40q", name)
			}
			a.names, a.values = append(a.names, name), append(a.values, d.Values[i])
		}
	}
	if len(a.names) > maxArgs {
		in.fail("more than %d named arguments", maxArgs)
	}
	in.grow(16 * (len(a.pos) + 2*len(a.names)))
	return a
}

// callWith calls what e names. caller is what a call block gives it, or nil.
func (in *interp) callWith(e *callExpr, s *scope, caller Value) Value {
	f := in.eval(e.of, s)
	a := in.arguments(e.callArgs, s)
	if caller != nil {
		a.names, a.values = append(a.names, "caller"), append(a.values, caller)
	}
	in.line = e.line
	return in.call(f, a)
}

func (in *interp) call(f Value, a args) Value {
	switch f := f.(type) {
	case *function:
		return f.call(in, a)
	case *macro:
		return in.callMacro(f, a)
	case *loop:
		if !f.def.recursive {
			in.fail("the loop is not recursive, so it cannot be called")
		}
		v := in.bind("loop", a, "iterable")
		return in.capture(func() { in.forLoop(f.def, v[0], f.scope, f.depth+1) })
	case *undefined:
		in.fail("%s", f.why)
	}
	in.fail("a %s cannot be called", typeName(f))
	return nil
}

// callMacro runs a macro and returns what it prints.
func (in *interp) callMacro(m *macro, a args) Value {
	defer in.enter()()
	in.step(8)
	line := in.line
	d := m.def
	name := d.name
	if name == "" {
		name = "caller"
	}
	inner := &scope{parent: m.scope}
	used := make([]bool, len(a.names))
	take := func(name string) (Value, bool) {
		for i, n := range a.names {
			if n == name {
				used[i] = true
				return a.values[i], true
			}
		}
		return nil, false
	}
	for i, n := range d.params {
		switch {
		case i < len(a.pos):
			inner.set(n, a.pos[i])
			continue
		default:
			if v, ok := take(n); ok {
				inner.set(n, v)
				continue
			}
		}
		if k := i - len(d.params) + len(d.defaults); k >= 0 {
			inner.set(n, in.eval(d.defaults[k], inner))
		} else {
			inner.set(n, &undefined{fmt.Sprintf("the parameter %.40q was not given", n)})
		}
	}
	if d.caller {
		v, ok := take("caller")
		if !ok {
			v = &undefined{"no caller is defined"}
		}
		inner.set("caller", v)
	}
	kwargs := &Dict{}
	for i, n := range a.names {
		if used[i] {
			continue
		}
		if !d.kwargs {
			in.fail("the macro %.40q takes no argument %.40q", name, n)
		}
		in.put(kwargs, n, a.values[i])
	}
	if d.kwargs {
		inner.set("kwargs", kwargs)
	}
	if d.varargs {
		inner.set("varargs", tuple(a.pos[min(len(d.params), len(a.pos)):]...))
	} else if len(a.pos) > len(d.params) {
		in.fail("the macro %.40q takes %d arguments, not %d", name, len(d.params), len(a.pos))
	}
	out := in.capture(func() { in.exec(d.body, inner) })
	in.line = line
	return out
}

// bind orders the arguments of a call: names with "?" at their end may be
// absent, and are unset then.
func (in *interp) bind(what string, a args, names ...string) []Value {
	v := make([]Value, len(names))
	if len(a.pos) > len(names) {
		in.fail("%s takes at most %d arguments, not %d", what, len(names), len(a.pos))
	}
	for i := range v {
		v[i] = unset
		if i < len(a.pos) {
			v[i] = a.pos[i]
		}
	}
	for k, n := range a.names {
		i := 0
		for i < len(names) && strings.TrimSuffix(names[i], "?") != n {
			i++
		}
		if i == len(names) {
			in.fail("%s takes no argument %.40q", what, n)
		}
		if v[i] != unset {
			in.fail("%s has two values for %.40q", what, n)
		}
		v[i] = a.values[k]
	}
	for i, n := range names {
		if v[i] == unset && !strings.HasSuffix(n, "?") {
			in.fail("%s needs an argument %q", what, n)
		}
	}
	return v
}
