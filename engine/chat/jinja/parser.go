package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// parser reads tokens into statements. Its loops bound how deep a tree may get:
// what walks it is recursive.
type parser struct {
	tokens []token
	i      int
	depth  int
	loops  int // that surround the statement, within its macro
	fors   int // that surround it at all
}

// maxDepth bounds expressions and statements within each other, and the links of
// a chain such as a.b.c or a + b + c.
const maxDepth = 200

// maxArgs bounds the parameters of a macro and the named arguments of a call.
const maxArgs = 255

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != tEOF {
		p.i++
	}
	return t
}

func (p *parser) fail(line int, format string, args ...any) {
	panic(failure{line, Syntax, fmt.Sprintf(format, args...)})
}

// enter goes one level deeper, until the function that it returns is called.
func (p *parser) enter() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.peek().line, "nested deeper than %d", maxDepth)
	}
	return func() { p.depth-- }
}

// isOp and isName look at the next token.
func (p *parser) isOp(op string) bool {
	t := p.peek()
	return t.kind == tOp && t.text == op
}

func (p *parser) isName(names ...string) bool {
	t := p.peek()
	return t.kind == tName && slices.Contains(names, t.text)
}

func (p *parser) skipOp(op string) bool {
	ok := p.isOp(op)
	if ok {
		p.i++
	}
	return ok
}

func (p *parser) skipName(name string) bool {
	ok := p.isName(name)
	if ok {
		p.i++
	}
	return ok
}

func (p *parser) expectOp(op string) token {
	if !p.isOp(op) {
		p.fail(p.peek().line, "%q expected, found %s", op, p.peek())
	}
	return p.next()
}

func (p *parser) expectName() token {
	if p.peek().kind != tName {
		p.fail(p.peek().line, "a name expected, found %s", p.peek())
	}
	return p.next()
}

func (p *parser) expect(kind tokenKind, what string) token {
	if p.peek().kind != kind {
		p.fail(p.peek().line, "%s expected, found %s", what, p.peek())
	}
	return p.next()
}

func (p *parser) template() []stmt {
	body := p.statements()
	if t := p.peek(); t.kind != tEOF {
		p.fail(t.line, "unexpected %s", t)
	}
	return body
}

// body reads the rest of a tag and the statements up to a tag that begins with
// one of the names, which it returns, read.
func (p *parser) body(ends ...string) ([]stmt, string) {
	defer p.enter()()
	line := p.peek().line
	p.skipOp(":")
	p.expect(tBlockEnd, "the end of the statement")
	body := p.statements(ends...)
	if p.peek().kind == tEOF {
		p.fail(line, "%s is missing", strings.Join(ends, " or "))
	}
	return body, p.next().text
}

// statements reads up to the end, or up to a tag whose name is one of ends, of
// which the beginning is read.
func (p *parser) statements(ends ...string) []stmt {
	var body []stmt
	for {
		switch t := p.next(); t.kind {
		case tEOF:
			return body
		case tData:
			body = append(body, &dataStmt{pos{t.line}, t.text})
		case tVarBegin:
			body = append(body, &printStmt{pos{t.line}, p.tuple(false, true)})
			p.expect(tVarEnd, "}}")
		case tBlockBegin:
			if p.isName(ends...) {
				return body
			}
			body = append(body, p.statement())
			p.expect(tBlockEnd, "the end of the statement")
		default:
			p.fail(t.line, "unexpected %s", t)
		}
	}
}

func (p *parser) statement() stmt {
	t := p.expectName()
	at := pos{t.line}
	switch t.text {
	case "if":
		return p.ifStatement(at)
	case "for":
		return p.forStatement(at)
	case "set":
		target := p.target(true)
		if p.skipOp("=") {
			return &setStmt{at, target, p.tuple(false, true)}
		}
		var filter expr
		if p.isOp("|") {
			filter = p.filters(nil)
		}
		body, _ := p.body("endset")
		return &setBlockStmt{at, target, filter, body}
	case "macro":
		m := &macroStmt{pos: at, name: p.expectName().text}
		p.signature(m)
		p.macroBody(m, "endmacro")
		return m
	case "call":
		m := &macroStmt{pos: at}
		if p.isOp("(") {
			p.signature(m)
		}
		call, ok := p.expression().(*callExpr)
		if !ok {
			p.fail(t.line, "a call expected")
		}
		p.macroBody(m, "endcall")
		return &callStmt{at, call, m}
	case "filter":
		filter := p.filter(nil)
		filter = p.filters(filter)
		body, _ := p.body("endfilter")
		return &filterStmt{at, filter, body}
	case "with":
		w := &withStmt{pos: at}
		for p.peek().kind != tBlockEnd {
			if w.targets != nil {
				p.expectOp(",")
			}
			w.targets = append(w.targets, p.target(false))
			p.expectOp("=")
			w.values = append(w.values, p.expression())
		}
		w.body, _ = p.body("endwith")
		return w
	case "generation":
		loops := p.loops
		p.loops = 0
		body, _ := p.body("endgeneration")
		p.loops = loops
		return &generationStmt{at, body}
	case "break", "continue":
		if p.loops == 0 {
			p.fail(t.line, "%s outside of a loop", t.text)
		}
		return &jumpStmt{at, map[string]jump{"break": jumpBreak, "continue": jumpContinue}[t.text]}
	case "print":
		l := &listExpr{pos: at, tuple: true}
		for p.peek().kind != tBlockEnd {
			if l.items != nil {
				p.expectOp(",")
			}
			l.items = append(l.items, p.expression())
		}
		if len(l.items) == 0 {
			return &dataStmt{pos: at}
		}
		return &printStmt{at, &concatExpr{at, l.items}}
	case "block", "extends", "include", "import", "from", "autoescape", "do", "trans", "debug":
		p.fail(t.line, "the statement %s is not supported", t.text)
	}
	p.fail(t.line, "unknown statement %.40q", t.text)
	return nil
}

func (p *parser) ifStatement(at pos) stmt {
	s := &ifStmt{pos: at}
	for {
		s.tests = append(s.tests, p.tuple(false, false))
		body, end := p.body("elif", "else", "endif")
		s.bodies = append(s.bodies, body)
		if end == "elif" {
			continue
		}
		if end == "else" {
			s.last, _ = p.body("endif")
		}
		return s
	}
}

func (p *parser) forStatement(at pos) stmt {
	p.fors++
	defer func() { p.fors-- }()
	s := &forStmt{pos: at, target: p.targetUntil(false, "in")}
	if !p.skipName("in") {
		p.fail(p.peek().line, "in expected, found %s", p.peek())
	}
	s.seq = p.tuple(false, false, "recursive")
	if p.skipName("if") {
		s.test = p.expression()
	}
	s.recursive = p.skipName("recursive")
	p.loops++
	body, end := p.body("endfor", "else")
	p.loops--
	if s.body = body; end == "else" {
		s.last, _ = p.body("endfor")
	}
	return s
}

// signature reads the parameters of a macro or a call block.
func (p *parser) signature(m *macroStmt) {
	p.expectOp("(")
	for first := true; !p.isOp(")"); first = false {
		if !first {
			p.expectOp(",")
		}
		t := p.expectName()
		p.assignable(t)
		if slices.Contains(m.params, t.text) {
			p.fail(t.line, "two parameters %.40q", t.text)
		}
		if m.params = append(m.params, t.text); len(m.params) > maxArgs {
			p.fail(t.line, "more than %d parameters", maxArgs)
		}
		if p.skipOp("=") {
			m.defaults = append(m.defaults, p.expression())
		} else if m.defaults != nil {
			p.fail(t.line, "the parameter %.40q without a default follows one with a default", t.text)
		}
	}
	p.expectOp(")")
}

// macroBody reads the body and finds out which of the names that every macro has
// it uses.
func (p *parser) macroBody(m *macroStmt, end string) {
	from, loops := p.i, p.loops
	p.loops = 0
	m.body, _ = p.body(end)
	p.loops = loops
	for _, t := range p.tokens[from:p.i] {
		if t.kind != tName {
			continue
		}
		switch t.text {
		case "caller":
			m.caller = !slices.Contains(m.params, t.text)
		case "kwargs":
			m.kwargs = !slices.Contains(m.params, t.text)
		case "varargs":
			m.varargs = !slices.Contains(m.params, t.text)
		}
	}
}

// assignable refuses the names of constants.
func (p *parser) assignable(t token) {
	switch t.text {
	case "true", "false", "none", "True", "False", "None":
		p.fail(t.line, "cannot assign to %s", t.text)
	case "loop":
		if p.fors > 0 {
			p.fail(t.line, "cannot assign to loop within a loop")
		}
	}
}

// target reads what a value is assigned to: a name, an attribute of a namespace
// where that is allowed, or several.
func (p *parser) target(namespaces bool) expr { return p.targetUntil(namespaces, "") }

func (p *parser) targetUntil(namespaces bool, end string) expr {
	var items []expr
	isTuple := false
	line := p.peek().line
	for {
		if items != nil {
			p.expectOp(",")
		}
		if t := p.peek(); t.kind == tBlockEnd || t.kind == tVarEnd || p.isOp(")") || p.isOp("=") && items != nil || end != "" && p.isName(end) {
			break
		}
		items = append(items, p.oneTarget(namespaces))
		if !p.isOp(",") {
			break
		}
		isTuple = true
	}
	if len(items) == 0 {
		p.fail(line, "a name expected, found %s", p.peek())
	}
	if !isTuple {
		return items[0]
	}
	return &listExpr{pos{line}, items, true}
}

func (p *parser) oneTarget(namespaces bool) expr {
	if p.isOp("(") {
		defer p.enter()()
		p.next()
		t := p.targetUntil(false, "")
		p.expectOp(")")
		return t
	}
	t := p.expectName()
	p.assignable(t)
	if namespaces && p.skipOp(".") {
		return &nsExpr{pos{t.line}, t.text, p.expectName().text}
	}
	return &nameExpr{pos{t.line}, t.text}
}
