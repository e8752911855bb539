package jinja

import "slices"

// tuple reads an expression, or several with commas between them. condition is
// whether "a if b" may be among them.
func (p *parser) tuple(parentheses, condition bool, ends ...string) expr {
	line := p.peek().line
	var items []expr
	isTuple := false
	for {
		if items != nil {
			p.expectOp(",")
		}
		if t := p.peek(); t.kind == tVarEnd || t.kind == tBlockEnd || p.isOp(")") || len(ends) > 0 && p.isName(ends...) {
			break
		}
		if condition {
			items = append(items, p.expression())
		} else {
			items = append(items, p.or())
		}
		if !p.isOp(",") {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if len(items) > 0 {
			return items[0]
		}
		if !parentheses {
			p.fail(line, "an expression expected, found %s", p.peek())
		}
	}
	return &listExpr{pos{line}, items, true}
}

// chain counts the links of a chain.
func (p *parser) chain(n *int) {
	if *n++; *n > maxDepth {
		p.fail(p.peek().line, "an expression of more than %d links", maxDepth)
	}
}

func (p *parser) expression() expr {
	defer p.enter()()
	at := pos{p.peek().line}
	e := p.or()
	for n := 0; p.skipName("if"); {
		p.chain(&n)
		c := &condExpr{pos: at, then: e, test: p.or()}
		if p.skipName("else") {
			c.last = p.expression()
		}
		e = c
	}
	return e
}

func (p *parser) or() expr {
	at := pos{p.peek().line}
	e := p.and()
	for n := 0; p.skipName("or"); {
		p.chain(&n)
		e = &logicExpr{at, false, e, p.and()}
	}
	return e
}

func (p *parser) and() expr {
	at := pos{p.peek().line}
	e := p.not()
	for n := 0; p.skipName("and"); {
		p.chain(&n)
		e = &logicExpr{at, true, e, p.not()}
	}
	return e
}

func (p *parser) not() expr {
	if t := p.peek(); p.skipName("not") {
		defer p.enter()()
		return &unaryExpr{pos{t.line}, "not", p.not()}
	}
	return p.compare()
}

func (p *parser) compare() expr {
	c := &compareExpr{pos: pos{p.peek().line}, first: p.sum()}
	for n := 0; ; {
		t := p.peek()
		op := ""
		switch {
		case t.kind == tOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.text):
			op = t.text
		case p.isName("in"):
			op = "in"
		case p.isName("not") && p.tokens[p.i+1].kind == tName && p.tokens[p.i+1].text == "in":
			op = "not in"
			p.i++
		}
		if op == "" {
			break
		}
		p.i++
		p.chain(&n)
		c.ops, c.rest = append(c.ops, op), append(c.rest, p.sum())
	}
	if c.ops == nil {
		return c.first
	}
	return c
}

func (p *parser) sum() expr {
	at := pos{p.peek().line}
	e := p.concat()
	for n := 0; p.isOp("+") || p.isOp("-"); {
		p.chain(&n)
		op := p.next().text
		e = &binaryExpr{at, op, e, p.concat()}
	}
	return e
}

func (p *parser) concat() expr {
	c := &concatExpr{pos{p.peek().line}, []expr{p.product()}}
	for n := 0; p.skipOp("~"); {
		p.chain(&n)
		c.parts = append(c.parts, p.product())
	}
	if len(c.parts) == 1 {
		return c.parts[0]
	}
	return c
}

func (p *parser) product() expr {
	at := pos{p.peek().line}
	e := p.power()
	for n := 0; p.isOp("*") || p.isOp("/") || p.isOp("//") || p.isOp("%"); {
		p.chain(&n)
		op := p.next().text
		e = &binaryExpr{at, op, e, p.power()}
	}
	return e
}

func (p *parser) power() expr {
	at := pos{p.peek().line}
	e := p.unary(true)
	for n := 0; p.skipOp("**"); {
		p.chain(&n)
		e = &binaryExpr{at, "**", e, p.unary(true)}
	}
	return e
}

func (p *parser) unary(filters bool) expr {
	t := p.peek()
	var e expr
	if p.isOp("-") || p.isOp("+") {
		defer p.enter()()
		p.next()
		e = &unaryExpr{pos{t.line}, t.text, p.unary(false)}
	} else {
		e = p.primary()
	}
	e = p.postfix(e)
	if filters {
		e = p.filtered(e)
	}
	return e
}

func (p *parser) primary() expr {
	t := p.next()
	at := pos{t.line}
	switch {
	case t.kind == tName:
		switch t.text {
		case "true", "True":
			return &constExpr{at, true}
		case "false", "False":
			return &constExpr{at, false}
		case "none", "None":
			return &constExpr{at, nil}
		}
		return &nameExpr{at, t.text}
	case t.kind == tString:
		s := t.text
		for n := 0; p.peek().kind == tString; { // neighbours are one
			p.chain(&n)
			s += p.next().text
		}
		return &constExpr{at, s}
	case t.kind == tNumber:
		return &constExpr{at, t.value}
	case t.kind == tOp && t.text == "(":
		defer p.enter()()
		e := p.tuple(true, true)
		p.expectOp(")")
		return e
	case t.kind == tOp && t.text == "[":
		l := &listExpr{pos: at}
		for !p.isOp("]") {
			if l.items != nil {
				p.expectOp(",")
				if p.isOp("]") {
					break
				}
			}
			l.items = append(l.items, p.expression())
		}
		p.expectOp("]")
		return l
	case t.kind == tOp && t.text == "{":
		d := &dictExpr{pos: at}
		for !p.isOp("}") {
			if d.keys != nil {
				p.expectOp(",")
				if p.isOp("}") {
					break
				}
			}
			d.keys = append(d.keys, p.expression())
			p.expectOp(":")
			d.values = append(d.values, p.expression())
		}
		p.expectOp("}")
		return d
	}
	p.fail(t.line, "unexpected %s", t)
	return nil
}

// postfix reads .name, [index] and (arguments) after e.
func (p *parser) postfix(e expr) expr {
	for n := 0; ; {
		switch {
		case p.isOp("."), p.isOp("["):
			e = p.subscript(e)
		case p.isOp("("):
			e = p.call(e)
		default:
			return e
		}
		p.chain(&n)
	}
}

// filtered reads filters, tests and calls after e.
func (p *parser) filtered(e expr) expr {
	for n := 0; ; {
		switch {
		case p.isOp("|"):
			e = p.filters(e)
		case p.isName("is"):
			e = p.test(e)
		case p.isOp("("):
			e = p.call(e)
		default:
			return e
		}
		p.chain(&n)
	}
}

func (p *parser) subscript(e expr) expr {
	at := pos{p.peek().line}
	if p.next().text == "." {
		t := p.next()
		if t.kind == tName {
			return &attrExpr{at, e, t.text}
		}
		if _, ok := t.value.(int64); t.kind == tNumber && ok {
			return &itemExpr{at, e, &constExpr{at, t.value}}
		}
		p.fail(t.line, "a name or a number expected, found %s", t)
	}
	index := p.subscribed()
	if p.isOp(",") {
		l := &listExpr{at, []expr{index}, true}
		for p.skipOp(",") && !p.isOp("]") {
			l.items = append(l.items, p.subscribed())
		}
		index = l
	}
	p.expectOp("]")
	return &itemExpr{at, e, index}
}

// subscribed reads an index or a slice.
func (p *parser) subscribed() expr {
	s := &sliceExpr{pos: pos{p.peek().line}}
	if !p.isOp(":") {
		e := p.expression()
		if !p.isOp(":") {
			return e
		}
		s.from = e
	}
	p.next()
	if !p.isOp(":") && !p.isOp("]") && !p.isOp(",") {
		s.to = p.expression()
	}
	if p.skipOp(":") && !p.isOp("]") && !p.isOp(",") {
		s.step = p.expression()
	}
	return s
}

func (p *parser) call(e expr) expr {
	at := pos{p.peek().line}
	return &callExpr{at, e, p.arguments()}
}

func (p *parser) arguments() (a callArgs) {
	line := p.expectOp("(").line
	for first := true; !p.isOp(")"); first = false {
		if !first {
			p.expectOp(",")
			if p.isOp(")") {
				break
			}
		}
		bad := false
		switch {
		case p.isOp("*"):
			bad = a.dynArgs != nil || a.dynKw != nil
			p.next()
			a.dynArgs = p.expression()
		case p.isOp("**"):
			bad = a.dynKw != nil
			p.next()
			a.dynKw = p.expression()
		case p.peek().kind == tName && p.tokens[p.i+1].kind == tOp && p.tokens[p.i+1].text == "=":
			bad = a.dynKw != nil
			t := p.next()
			p.next()
			if slices.Contains(a.names, t.text) {
				p.fail(t.line, "two arguments %.40q", t.text)
			}
			a.names, a.values = append(a.names, t.text), append(a.values, p.expression())
			if len(a.names) > maxArgs {
				p.fail(t.line, "more than %d named arguments", maxArgs)
			}
		default:
			bad = a.dynArgs != nil || a.dynKw != nil || a.names != nil
			a.args = append(a.args, p.expression())
		}
		if bad {
			p.fail(line, "arguments in the wrong order")
		}
	}
	p.expectOp(")")
	return a
}

// filters reads "| name(arguments)" as often as it comes.
func (p *parser) filters(e expr) expr {
	for n := 0; p.skipOp("|"); {
		p.chain(&n)
		e = p.filter(e)
	}
	return e
}

func (p *parser) filter(e expr) expr {
	t := p.expectName()
	f := &filterExpr{pos: pos{t.line}, of: e, name: t.text}
	for p.skipOp(".") {
		f.name += "." + p.expectName().text
	}
	if p.isOp("(") {
		f.callArgs = p.arguments()
	}
	return f
}

func (p *parser) test(e expr) expr {
	at := pos{p.next().line}
	negated := p.skipName("not")
	t := &testExpr{pos: at, of: e, name: p.expectName().text}
	for p.skipOp(".") {
		t.name += "." + p.expectName().text
	}
	next := p.peek()
	switch {
	case p.isOp("("):
		t.callArgs = p.arguments()
	case next.kind == tName && !p.isName("else", "or", "and"), next.kind == tString, next.kind == tNumber, p.isOp("["), p.isOp("{"):
		if p.isName("is") {
			p.fail(next.line, "tests cannot follow each other")
		}
		t.args = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &unaryExpr{at, "not", t}
	}
	return t
}
