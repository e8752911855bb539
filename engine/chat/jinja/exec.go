package jinja

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// interp is one run of a template.
type interp struct {
	limits  Limits
	now     time.Time
	globals *Dict
	out     *buffer // where text goes: the output, or that of a macro
	line    int     // of what runs
	depth   int
	steps   int
	memory  int
	printed int
}

// buffer collects text.
type buffer struct{ b []byte }

// scope is the names that a part of a template has set.
type scope struct {
	vars   []binding
	parent *scope
}

type binding struct {
	name  string
	value Value
}

func (s *scope) set(name string, v Value) {
	for i := range s.vars {
		if s.vars[i].name == name {
			s.vars[i].value = v
			return
		}
	}
	if s.vars == nil {
		s.vars = make([]binding, 0, 4)
	}
	s.vars = append(s.vars, binding{name, v})
}

// lookup finds the value of a name: of the scopes, the variables, the globals.
func (in *interp) lookup(s *scope, name string) Value {
	for ; s != nil; s = s.parent {
		in.step(1 + len(s.vars)/16)
		for i := range s.vars {
			if s.vars[i].name == name {
				return s.vars[i].value
			}
		}
	}
	if v, ok := in.globals.Get(name); ok {
		return v
	}
	if f, ok := globals[name]; ok {
		return f
	}
	if name == "self" {
		in.fail("the variable self is not supported")
	}
	return &undefined{fmt.Sprintf("%.80q is undefined", name)}
}

func (in *interp) fail(format string, args ...any) {
	panic(failure{in.line, Failed, fmt.Sprintf(format, args...)})
}

// step counts work. It ends a template that does too much.
func (in *interp) step(n int) {
	if in.steps += n; in.steps > in.limits.Steps {
		panic(failure{in.line, Limit, fmt.Sprintf("more than %d steps", in.limits.Steps)})
	}
}

// grow counts memory, before it is used.
func (in *interp) grow(n int) {
	if n < 0 || n > in.limits.Memory-in.memory {
		panic(failure{in.line, Limit, fmt.Sprintf("texts and lists of more than %d bytes", in.limits.Memory)})
	}
	in.memory += n
	in.step(1 + n/32)
}

// enter goes one level deeper, until the function that it returns is called.
func (in *interp) enter() func() {
	in.deeper()
	return in.leave
}

func (in *interp) deeper() {
	if in.depth++; in.depth > in.limits.Depth {
		panic(failure{in.line, Limit, fmt.Sprintf("nested deeper than %d", in.limits.Depth)})
	}
}

func (in *interp) leave() { in.depth-- }

// print appends text to the output.
func (in *interp) print(s string) {
	in.grow(len(s))
	if in.printed += len(s); in.printed > in.limits.Output {
		panic(failure{in.line, Limit, fmt.Sprintf("an output of more than %d bytes", in.limits.Output)})
	}
	in.out.b = append(in.out.b, s...)
}

// capture runs f and returns what it prints.
func (in *interp) capture(f func()) string {
	out, printed := in.out, in.printed
	in.out = &buffer{}
	f()
	s := string(in.out.b)
	in.out, in.printed = out, printed
	return s
}

// A jump is how a body of statements ended.
type jump uint8

const (
	jumpNone jump = iota
	jumpBreak
	jumpContinue
)

func (in *interp) exec(body []stmt, s *scope) jump {
	in.deeper()
	defer in.leave()
	for _, st := range body {
		in.line = st.at()
		in.step(1)
		if j := in.statement(st, s); j != jumpNone {
			return j
		}
	}
	return jumpNone
}

func (in *interp) statement(st stmt, s *scope) jump {
	switch st := st.(type) {
	case *dataStmt:
		in.print(st.text)
	case *printStmt:
		in.print(in.str(in.eval(st.value, s)))
	case *ifStmt:
		for i, test := range st.tests {
			if truth(in.eval(test, s)) {
				return in.exec(st.bodies[i], s)
			}
		}
		return in.exec(st.last, s)
	case *forStmt:
		in.forLoop(st, in.eval(st.seq, s), s, 0)
	case *setStmt:
		in.assign(st.target, in.eval(st.value, s), s)
	case *setBlockStmt:
		var v Value = in.capture(func() { in.exec(st.body, &scope{parent: s}) })
		if st.filter != nil {
			v = in.fill(st.filter, v, s)
		}
		in.assign(st.target, v, s)
	case *withStmt:
		inner := &scope{parent: s}
		var values []Value
		for _, v := range st.values {
			values = append(values, in.eval(v, s))
		}
		for i, t := range st.targets {
			in.assign(t, values[i], inner)
		}
		return in.exec(st.body, inner)
	case *macroStmt:
		s.set(st.name, &macro{st, s})
	case *callStmt:
		in.print(in.str(in.callWith(st.call, s, &macro{st.macro, s})))
	case *filterStmt:
		v := in.capture(func() { in.exec(st.body, &scope{parent: s}) })
		in.line = st.at()
		in.print(in.str(in.fill(st.filter, v, s)))
	case *generationStmt:
		in.print(in.capture(func() { in.exec(st.body, &scope{parent: s}) }))
	case *jumpStmt:
		return st.jump
	default:
		panic(fmt.Sprintf("BUG: jinja: statement %T", st))
	}
	return jumpNone
}

// assign gives a target its value.
func (in *interp) assign(target expr, v Value, s *scope) {
	switch t := target.(type) {
	case *nameExpr:
		in.step(len(s.vars) / 16)
		s.set(t.name, v)
	case *nsExpr:
		in.line = t.line
		ns, ok := in.lookup(s, t.name).(*namespace)
		if !ok {
			in.fail("%.40q is not a namespace, so its attribute cannot be set", t.name)
		}
		in.setAttr(ns, t.attr, v)
	case *listExpr:
		items := in.collect(v)
		if len(items) != len(t.items) {
			in.fail("%d values for %d names", len(items), len(t.items))
		}
		for i := range items {
			in.assign(t.items[i], items[i], s)
		}
	default:
		panic(fmt.Sprintf("BUG: jinja: target %T", target))
	}
}

func (in *interp) setAttr(ns *namespace, name string, v Value) {
	if name[0] == '_' {
		in.fail("an attribute of a namespace cannot begin with _: %.40q", name)
	}
	in.grow(16)
	ns.attrs.Set(name, v)
}

// A loop is the variable of that name.
type loop struct {
	in      *interp
	def     *forStmt
	scope   *scope // around the loop
	seq     Value
	it      *iter
	length  int // -1 when it is not known yet
	index   int // from 0
	depth   int
	peeked  bool // after holds what comes next
	more    bool
	after   Value
	current Value
	before  Value
	changed Value
}

// advance goes to the next item.
func (l *loop) advance() bool {
	v, ok := l.after, l.more
	if !l.peeked {
		v, ok = l.it.next()
	}
	l.peeked, l.after, l.more = false, nil, false
	if ok {
		l.index++
		l.before, l.current = l.current, v
	}
	return ok
}

func (l *loop) peek() bool {
	if !l.peeked || !l.more {
		l.after, l.more = l.it.next()
		l.peeked = true
	}
	return l.more
}

func (in *interp) loopLength(l *loop) int {
	if l.length >= 0 {
		return l.length
	}
	if n, ok := in.length(l.seq); ok && l.def.test == nil {
		l.length = n
		return n
	}
	items := in.collect(l.it)
	l.it = in.each(items)
	l.length = len(items) + l.index + 1
	if l.peeked && l.more {
		l.length++
	}
	return l.length
}

// each iterates over items.
func (in *interp) each(items []Value) *iter {
	i := 0
	return &iter{func() (Value, bool) {
		if i >= len(items) {
			return nil, false
		}
		i++
		return items[i-1], true
	}}
}

// forLoop runs a loop over seq.
func (in *interp) forLoop(st *forStmt, seq Value, s *scope, depth int) {
	l := &loop{in: in, def: st, scope: s, seq: seq, it: in.iterate(seq), length: -1, index: -1, depth: depth, changed: unset}
	if st.test != nil {
		it := l.it
		l.it = &iter{func() (Value, bool) {
			for {
				v, ok := it.next()
				if !ok {
					return nil, false
				}
				in.step(1)
				inner := &scope{parent: s}
				in.assign(st.target, v, inner)
				if truth(in.eval(st.test, inner)) {
					return v, true
				}
			}
		}}
	}
	whole := false // an iteration has come to its end; else counts no others
	for l.advance() {
		in.step(8)
		inner := &scope{parent: s}
		inner.set("loop", l)
		in.assign(st.target, l.current, inner)
		j := in.exec(st.body, inner)
		if j == jumpBreak {
			break
		}
		whole = whole || j == jumpNone
	}
	if !whole {
		in.exec(st.last, &scope{parent: s})
	}
}

// iterate is iter(v).
func (in *interp) iterate(v Value) *iter {
	switch v := v.(type) {
	case *List:
		return in.each(v.Items)
	case *Dict:
		return in.each(v.Keys)
	case string, Markup:
		s, _ := text(v)
		return &iter{func() (Value, bool) {
			if s == "" {
				return nil, false
			}
			_, n := utf8.DecodeRuneInString(s)
			c := s[:n]
			s = s[n:]
			return c, true
		}}
	case *view:
		switch v.kind {
		case 'k':
			return in.each(v.dict.Keys)
		case 'v':
			return in.each(v.dict.Values)
		}
		i := 0
		return &iter{func() (Value, bool) {
			if i >= v.dict.Len() {
				return nil, false
			}
			in.grow(64)
			i++
			return tuple(v.dict.Keys[i-1], v.dict.Values[i-1]), true
		}}
	case *numbers:
		i := int64(0)
		return &iter{func() (Value, bool) {
			if i >= v.n {
				return nil, false
			}
			i++
			return v.start + (i-1)*v.step, true
		}}
	case *iter:
		return v
	case *loop:
		in.fail("iterating over loop is not supported")
	case *undefined:
		return in.each(nil)
	}
	in.fail("%s is not iterable", typeName(v))
	return nil
}

// collect is list(v).
func (in *interp) collect(v Value) []Value {
	if l, ok := v.(*List); ok {
		return l.Items
	}
	it := in.iterate(v)
	var items []Value
	for {
		x, ok := it.next()
		if !ok {
			return items
		}
		in.grow(16)
		in.step(1)
		items = append(items, x)
	}
}
