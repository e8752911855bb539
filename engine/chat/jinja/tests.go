package jinja

import (
	"math"
	"math/big"
)

// test is v is name(a).
func (in *interp) test(name string, v Value, a args) Value {
	in.step(1)
	none := func() { in.bind(name, a) }
	other := func() Value { return in.bind(name, a, "other")[0] }
	switch name {
	case "defined", "undefined":
		none()
		_, ok := v.(*undefined)
		return ok == (name == "undefined")
	case "none":
		none()
		return v == nil
	case "boolean":
		none()
		_, ok := v.(bool)
		return ok
	case "true", "false":
		none()
		b, ok := v.(bool)
		return ok && b == (name == "true")
	case "integer":
		none()
		switch v.(type) {
		case int64, *big.Int:
			return true
		}
		return false
	case "float":
		none()
		_, ok := v.(float64)
		return ok
	case "number":
		none()
		_, ok := number(v)
		return ok
	case "string":
		none()
		_, ok := text(v)
		return ok
	case "mapping":
		none()
		_, ok := v.(*Dict)
		return ok
	case "sequence":
		none()
		switch v.(type) {
		case string, Markup, *List, *Dict, *numbers, *undefined:
			return true
		}
		return false
	case "iterable":
		none()
		switch v.(type) {
		case string, Markup, *List, *Dict, *numbers, *undefined, *view, *iter, *loop:
			return true
		}
		return false
	case "callable":
		none()
		switch v.(type) {
		case *function, *macro, *undefined, *loop:
			return true
		}
		return false
	case "escaped":
		none()
		_, ok := v.(Markup)
		return ok
	case "filter":
		none()
		s, ok := text(v)
		if !ok {
			in.fail("the test filter needs a name")
		}
		return filterNamed(s) != nil
	case "odd", "even":
		none()
		m := in.binary("%", v, int64(2))
		return in.equal(m, map[string]Value{"odd": int64(1), "even": int64(0)}[name])
	case "divisibleby":
		return in.equal(in.binary("%", v, in.bind(name, a, "num")[0]), int64(0))
	case "lower":
		none()
		return isCase(in.str(v), false)
	case "upper":
		none()
		return isCase(in.str(v), true)
	case "in":
		return in.contains(in.bind(name, a, "seq")[0], v)
	case "sameas":
		return in.sameAs(v, other())
	case "==", "eq", "equalto":
		return in.ordered("==", v, other())
	case "!=", "ne":
		return in.ordered("!=", v, other())
	case ">", "gt", "greaterthan":
		return in.ordered(">", v, other())
	case ">=", "ge":
		return in.ordered(">=", v, other())
	case "<", "lt", "lessthan":
		return in.ordered("<", v, other())
	case "<=", "le":
		return in.ordered("<=", v, other())
	}
	in.fail("no test %.40q, or it is not supported", name)
	return nil
}

// sameAs is whether two values are one. Of numbers and texts Python does not
// say when they are, but for small integers.
func (in *interp) sameAs(a, b Value) bool {
	if typeName(a) != typeName(b) {
		return false
	}
	switch x := a.(type) {
	case int64:
		if y := b.(int64); x != y || x >= -5 && x <= 256 {
			return x == y
		}
		in.fail("sameas of equal integers beyond 256 is not supported")
	case float64:
		if y := b.(float64); x != y || math.IsNaN(x) {
			return false
		}
		in.fail("sameas of equal floats is not supported")
	case string:
		if x != b.(string) {
			return false
		}
		if len(x) > 1 {
			in.fail("sameas of equal texts is not supported")
		}
		return true
	case *undefined:
		return a == b
	}
	return a == b
}
