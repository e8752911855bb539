package jinja

import (
	"fmt"
	"strings"
)

func (in *interp) eval(e expr, s *scope) Value {
	in.deeper()
	defer in.leave()
	in.step(1)
	switch e := e.(type) {
	case *constExpr:
		return e.value
	case *nameExpr:
		return in.lookup(s, e.name)
	case *listExpr:
		in.grow(24 + 16*len(e.items))
		items := make([]Value, len(e.items))
		for i, x := range e.items {
			items[i] = in.eval(x, s)
		}
		return &List{Items: items, Tuple: e.tuple}
	case *dictExpr:
		d := &Dict{}
		for i := range e.keys {
			k, v := in.eval(e.keys[i], s), in.eval(e.values[i], s)
			in.put(d, k, v)
		}
		return d
	case *attrExpr:
		of := in.eval(e.of, s)
		in.line = e.line
		return in.attr(of, e.name)
	case *itemExpr:
		of := in.eval(e.of, s)
		if sl, ok := e.index.(*sliceExpr); ok {
			return in.slice(of, in.bound(sl.from, s), in.bound(sl.to, s), in.bound(sl.step, s))
		}
		index := in.eval(e.index, s)
		in.line = e.line
		return in.item(of, index)
	case *sliceExpr:
		in.line = e.line
		in.fail("several slices are not supported")
	case *callExpr:
		return in.callWith(e, s, nil)
	case *filterExpr:
		return in.filterOf(e, in.eval(e.of, s), s)
	case *testExpr:
		v := in.eval(e.of, s)
		a := in.arguments(e.callArgs, s)
		in.line = e.line
		return in.test(e.name, v, a)
	case *unaryExpr:
		v := in.eval(e.of, s)
		in.line = e.line
		return in.unary(e.op, v)
	case *binaryExpr:
		a, b := in.eval(e.left, s), in.eval(e.right, s)
		in.line = e.line
		return in.binary(e.op, a, b)
	case *logicExpr:
		if v := in.eval(e.left, s); truth(v) != e.and {
			return v
		}
		return in.eval(e.right, s)
	case *compareExpr:
		a := in.eval(e.first, s)
		for i, op := range e.ops {
			b := in.eval(e.rest[i], s)
			in.line = e.line
			if !in.ordered(op, a, b) {
				return false
			}
			a = b
		}
		return true
	case *concatExpr:
		var b strings.Builder
		for _, x := range e.parts {
			t := in.str(in.eval(x, s))
			in.grow(len(t))
			b.WriteString(t)
		}
		return b.String()
	case *condExpr:
		if truth(in.eval(e.test, s)) {
			return in.eval(e.then, s)
		}
		if e.last == nil {
			return &undefined{"an if without else was false"}
		}
		return in.eval(e.last, s)
	}
	panic(fmt.Sprintf("BUG: jinja: expression %T", e))
}

// put sets a pair of a dict that is being made.
func (in *interp) put(d *Dict, k, v Value) {
	in.grow(96)
	h, ok := keyOf(k)
	if !ok {
		in.noKey(k)
	}
	d.set(h, k, v)
}

// noKey refuses k as the key of a dict.
func (in *interp) noKey(k Value) {
	switch typeName(k) {
	case "list", "dict", "Namespace", "LoopContext":
		in.fail("a %s cannot be a key", typeName(k))
	}
	in.fail("a %s as a key is not supported", typeName(k))
}

// bound evaluates a part of a slice; nil for None.
func (in *interp) bound(e expr, s *scope) Value {
	if e == nil {
		return nil
	}
	return in.eval(e, s)
}
