package jinja

import (
	"math"
	"math/big"
	"strings"
)

func (in *interp) unary(op string, v Value) Value {
	if op == "not" {
		return !truth(v)
	}
	in.defined(v)
	switch x := v.(type) {
	case float64:
		if op == "-" {
			return -x
		}
		return x
	case *big.Int:
		if op == "-" {
			return normalInt(new(big.Int).Neg(x))
		}
		return x
	}
	if n, ok := integer(v); ok {
		if op == "-" && n == math.MinInt64 {
			return new(big.Int).Neg(big.NewInt(n))
		}
		if op == "-" {
			return -n
		}
		return n
	}
	in.fail("%s cannot be applied to %s", op, typeName(v))
	return nil
}

// defined refuses what is undefined.
func (in *interp) defined(v Value) {
	if u, ok := v.(*undefined); ok {
		in.fail("%s", u.why)
	}
}

// ordered is a op b of a comparison.
func (in *interp) ordered(op string, a, b Value) bool {
	switch op {
	case "==":
		return in.equal(a, b)
	case "!=":
		return !in.equal(a, b)
	case "in":
		return in.contains(b, a)
	case "not in":
		return !in.contains(b, a)
	}
	in.defined(a)
	in.defined(b)
	if x, ok := number(a); ok {
		if y, ok := number(b); ok && (x != x || y != y) {
			return false
		}
	}
	c, ok := in.compare(a, b)
	if !ok {
		in.fail("%s cannot be compared with %s", typeName(a), typeName(b))
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// contains is v in seq.
func (in *interp) contains(seq, v Value) bool {
	switch s := seq.(type) {
	case string, Markup:
		t, _ := text(s)
		sub, ok := text(v)
		if !ok {
			in.fail("in needs a str on its left, not %s", typeName(v))
		}
		in.step(len(t) / 32)
		return strings.Contains(t, sub)
	case *Dict:
		return in.hasKey(s, v)
	case *view:
		if s.kind == 'k' {
			return in.hasKey(s.dict, v)
		}
	case *numbers:
		n, ok := exact(v)
		if !ok || !n.IsInt() {
			return false
		}
		i, acc := n.Int64()
		d := i - s.start
		return acc == big.Exact && d%s.step == 0 && d/s.step >= 0 && d/s.step < s.n
	}
	it := in.iterate(seq)
	for {
		x, ok := it.next()
		if !ok {
			return false
		}
		if x == v && same(x) || in.equal(x, v) {
			return true
		}
	}
}

// same reports whether a value equal to v by Go's == counts as found: not a NaN.
func same(v Value) bool {
	_, ok := v.(float64)
	return !ok
}

func (in *interp) hasKey(d *Dict, k Value) bool {
	h, ok := keyOf(k)
	if !ok {
		in.noKey(k)
	}
	_, ok = d.get(h)
	return ok
}

// binary is an operation of arithmetic, or on texts and lists.
func (in *interp) binary(op string, a, b Value) Value {
	in.defined(a)
	if s, ok := a.(string); ok && op == "%" {
		return in.format(s, b)
	}
	in.defined(b)
	if v, ok := in.sequences(op, a, b); ok {
		return v
	}
	i, isInt := integer(a)
	j, isInt2 := integer(b)
	if isInt && isInt2 {
		return in.integers(op, i, j)
	}
	x, ok := number(a)
	y, ok2 := number(b)
	if !ok || !ok2 {
		in.fail("%s cannot be applied to %s and %s", op, typeName(a), typeName(b))
	}
	if _, big1 := a.(*big.Int); big1 {
		in.tooBig()
	}
	if _, big2 := b.(*big.Int); big2 {
		in.tooBig()
	}
	return in.floats(op, x, y)
}

func (in *interp) tooBig() { in.fail("arithmetic with integers beyond 64 bits is not supported") }

// sequences is an operation on texts and lists; false if it is none.
func (in *interp) sequences(op string, a, b Value) (Value, bool) {
	_, safe := a.(Markup)
	_, safe2 := b.(Markup)
	if safe || safe2 {
		return in.marked(op, a, b), true
	}
	switch op {
	case "+":
		if s, ok := a.(string); ok {
			t, ok := b.(string)
			if !ok {
				in.fail("+ cannot be applied to str and %s", typeName(b))
			}
			in.grow(len(s) + len(t))
			return s + t, true
		}
		if l, ok := a.(*List); ok {
			m, ok := b.(*List)
			if !ok || l.Tuple != m.Tuple {
				in.fail("+ cannot be applied to %s and %s", typeName(a), typeName(b))
			}
			in.grow(16 * (len(l.Items) + len(m.Items)))
			return &List{Items: append(append([]Value{}, l.Items...), m.Items...), Tuple: l.Tuple}, true
		}
	case "*":
		if _, ok := integer(a); ok {
			a, b = b, a
		}
		n, ok := integer(b)
		if !ok {
			return nil, false
		}
		n = max(n, 0)
		switch s := a.(type) {
		case string:
			in.growTimes(len(s), n)
			return strings.Repeat(s, int(n)), true
		case *List:
			in.growTimes(16*len(s.Items), n)
			l := &List{Tuple: s.Tuple}
			for range n {
				if len(s.Items) == 0 {
					break
				}
				l.Items = append(l.Items, s.Items...)
			}
			return l, true
		}
	}
	return nil, false
}

// marked is an operation with a text that is marked safe: what is added to it is
// escaped.
func (in *interp) marked(op string, a, b Value) Value {
	_, ok := text(a)
	_, ok2 := text(b)
	if op != "+" || !ok || !ok2 {
		in.fail("%s with a text that is marked safe and %s is not supported", op, typeName(b))
	}
	x, y := in.escaped(a), in.escaped(b)
	in.grow(len(x) + len(y))
	return x + y
}

// growTimes counts n times size bytes.
func (in *interp) growTimes(size int, n int64) {
	if size > 0 && n > int64(math.MaxInt/size) {
		n = int64(math.MaxInt / size)
	}
	in.grow(size * int(n))
}

// integers is arithmetic as Python has it, in 64 bits.
func (in *interp) integers(op string, i, j int64) Value {
	n, fits := int64(0), true
	switch op {
	case "+":
		n = i + j
		fits = (n > i) == (j > 0)
	case "-":
		n = i - j
		fits = (n < i) == (j > 0)
	case "*":
		n, fits = times(i, j)
	case "/", "//", "%":
		if j == 0 {
			in.fail("division by zero")
		}
		if op == "/" {
			x, _ := new(big.Rat).SetFrac64(i, j).Float64()
			return x
		}
		if j == -1 { // whose quotient may not fit
			if op == "%" {
				return int64(0)
			}
			return in.unary("-", i)
		}
		q, m := i/j, i%j
		if m != 0 && (m < 0) != (j < 0) { // towards minus infinity
			q, m = q-1, m+j
		}
		if n = q; op == "%" {
			n = m
		}
	case "**":
		if j < 0 {
			if i == 0 {
				in.fail("division by zero")
			}
			return math.Pow(float64(i), float64(j))
		}
		n = 1
		for k := int64(0); k < j && fits && i != 0 && i != 1; k++ {
			if i == -1 { // of which only the parity matters
				k, j = 0, j%2
				if j == 0 {
					break
				}
			}
			n, fits = times(n, i)
		}
		if i == 0 && j > 0 {
			n = 0
		}
	}
	if !fits {
		in.tooBig()
	}
	return n
}

// times is a product, and whether it fits.
func times(i, j int64) (int64, bool) {
	n := i * j
	return n, i == 0 || n/i == j && !(i == -1 && j == math.MinInt64)
}

func (in *interp) floats(op string, x, y float64) Value {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	}
	if y == 0 && op != "**" {
		in.fail("division by zero")
	}
	switch op {
	case "/":
		return x / y
	case "//", "%":
		m := math.Mod(x, y)
		q := (x - m) / y
		if m != 0 && (y < 0) != (m < 0) {
			m += y
			q--
		}
		if m == 0 {
			m = math.Copysign(0, y)
		}
		if op == "%" {
			return m
		}
		if q == 0 {
			return math.Copysign(0, x/y)
		}
		f := math.Floor(q)
		if q-f > 0.5 {
			f++
		}
		return f
	}
	if x == 0 && y < 0 {
		in.fail("0.0 to a negative power")
	}
	if x < 0 && y != math.Trunc(y) {
		in.fail("complex numbers are not supported")
	}
	p := math.Pow(x, y)
	if math.IsInf(p, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		in.fail("the result of ** is too large")
	}
	return p
}
