package grammar

import (
	"fmt"
	"slices"
)

// merged appends the rules of the values that are valid under all of a conj.
func (c *compiler) merged(ids []int32, of conj) ([]int32, error) {
	m := merge(of)
	at := c.root
	if len(of) > 0 {
		at = of[0].node
	}
	if err := c.spend(1+len(of), at); err != nil {
		return nil, err
	}
	if m.why != "" {
		c.impossible(at, m.why)
		return ids, nil
	}
	if m.values != nil {
		return c.enum(ids, m, at)
	}
	add := func(id int32, err error) error {
		if err == nil && id >= 0 {
			ids = append(ids, id)
		}
		return at.at(err)
	}
	var words []string
	if m.types&tNull != 0 {
		words = append(words, "null")
	}
	if m.types&tBool != 0 {
		words = append(words, "false", "true")
	}
	if len(words) > 0 {
		if err := add(c.literal(words)); err != nil {
			return nil, err
		}
	}
	for _, of := range []struct {
		t    typeSet
		rule func(*merged, *node) (int32, error)
	}{{tInteger | tFraction, c.number}, {tString, c.text}, {tArray, c.array}, {tObject, c.object}} {
		if m.types&of.t != 0 {
			if err := add(of.rule(m, at)); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// lex is the rule of an automaton that is made once for each key; -1 if it has no
// text.
func (c *compiler) lex(key string, budget int, build func(limit int) (*dfa, error)) (int32, error) {
	if id, ok := c.lexes[key]; ok {
		return id, nil
	}
	d, err := build(c.o.States - c.states)
	if err != nil {
		return 0, err
	}
	id := int32(-1)
	if d != nil {
		c.states += len(d.accept)
		if id, err = c.add(lexRule(d, budget)); err != nil {
			return 0, err
		}
	}
	c.lexes[key] = id
	return id, nil
}

// literal is the rule of given JSON texts.
func (c *compiler) literal(texts []string) (int32, error) {
	return c.lex(fmt.Sprintf("literal %q", texts), 0, func(limit int) (*dfa, error) { return literals(texts, limit) })
}

// enum is the rule of those values that the other keywords allow.
func (c *compiler) enum(ids []int32, m *merged, at *node) ([]int32, error) {
	var texts []string
	for _, v := range m.values {
		ok, err := c.allows(m, v)
		if err != nil {
			return nil, err
		}
		if ok {
			texts = append(texts, string(v.appendText(nil, c.o.Spaced)))
		}
	}
	if len(texts) == 0 {
		c.impossible(at, "the other keywords allow no value of the enum")
		return ids, nil
	}
	id, err := c.literal(texts)
	if err != nil {
		return nil, at.at(err)
	}
	return append(ids, id), nil
}

func (c *compiler) number(m *merged, at *node) (int32, error) {
	integer := m.types&tFraction == 0
	key := fmt.Sprintf("number %v", integer)
	for _, b := range []*bound{m.lo, m.hi} {
		if b != nil {
			key += fmt.Sprintf(" %s %v", b.at.RatString(), b.open)
		} else {
			key += " none"
		}
	}
	id, err := c.lex(key, 0, func(limit int) (*dfa, error) { return numberDFA(m.lo, m.hi, integer, c.o.Digits, limit) })
	if err == nil && id < 0 {
		c.impossible(at, "no number is within the limits")
	}
	return id, err
}

// text is the rule of strings.
func (c *compiler) text(m *merged, at *node) (int32, error) {
	if m.maxLength >= 0 && m.maxLength < m.minLength {
		c.impossible(at, "minLength is above maxLength")
		return -1, nil
	}
	d, err := c.patterns(m)
	if err != nil {
		return 0, err
	}
	if d == nil {
		key := fmt.Sprintf("string %d %d", m.minLength, m.maxLength)
		if id, ok := c.lexes[key]; ok {
			return id, nil
		}
		id, err := c.add(stringRule(m.minLength, m.maxLength, c.o.StringBytes))
		c.lexes[key] = id
		return id, err
	}
	key := fmt.Sprintf("text %d %d%s", m.minLength, m.maxLength, m.patternKey())
	id, err := c.lex(key, c.o.StringBytes+2, func(limit int) (*dfa, error) {
		d := d
		if m.minLength > 0 || m.maxLength >= 0 {
			if d, err = counted(d, m.minLength, m.maxLength, limit); d == nil || err != nil {
				return nil, err
			}
		}
		return quoted(unflagged(d)), nil
	})
	if err == nil && id < 0 {
		c.impossible(at, "no string matches the pattern and has such a length")
	}
	return id, err
}

func (m *merged) patternKey() string {
	key := ""
	for _, k := range m.of {
		if k.pattern != nil {
			key += fmt.Sprintf(" pattern %q", k.pattern.text)
		}
		if k.format != nil {
			key += " format " + k.format.text
		}
	}
	return key
}

// patterns is the automaton of what is between the quotes of a string with the
// patterns and formats of m, nil when there are none.
func (c *compiler) patterns(m *merged) (*dfa, error) {
	var all *dfa
	key := ""
	for _, k := range m.of {
		for _, n := range []*node{k.pattern, k.format} {
			if n == nil {
				continue
			}
			text, search := n.text, n == k.pattern
			if !search {
				text = formats[n.text]
			}
			own := fmt.Sprintf("%v %q", search, text)
			d, err := c.inner(own, func() (*dfa, error) { return regexDFA(text, search, true, c.o.States-c.states) })
			if err != nil {
				return nil, n.at(err)
			}
			if key += " " + own; all == nil {
				all = d
				continue
			}
			before := all
			all, err = c.inner(key, func() (*dfa, error) { return intersect(before, d, c.o.States-c.states) })
			if err != nil {
				return nil, n.at(err)
			}
			if all == nil {
				return nil, n.errorf("no string matches this and the patterns and formats beside it")
			}
		}
	}
	return all, nil
}

// inner is an automaton of the inside of strings, made once for each key.
func (c *compiler) inner(key string, build func() (*dfa, error)) (*dfa, error) {
	if d, ok := c.inners[key]; ok {
		return d, nil
	}
	d, err := build()
	if err != nil {
		return nil, err
	}
	if d != nil {
		c.states += len(d.accept)
	}
	c.inners[key] = d
	return d, nil
}

func (c *compiler) array(m *merged, at *node) (int32, error) {
	need, room := m.minItems, m.maxItems
	if room < 0 {
		room = max(need, c.o.Items)
	}
	prefix := m.prefixLen()
	a := &array{}
	for i := 0; i <= prefix && i < room; i++ {
		nodes, forbidden := m.itemAt(i)
		if forbidden {
			room = i
			break
		}
		id, err := c.schema(nodes)
		if err != nil {
			return 0, err
		}
		a.items = append(a.items, id)
	}
	if need > room {
		c.impossible(at, "minItems is above the number of items that there may be")
		return -1, nil
	}
	if err := c.spend(len(a.items), at); err != nil {
		return 0, err
	}
	a.need, a.room = int32(need), int32(room)
	return c.add(rule{kind: anArray, arr: a})
}

func (c *compiler) object(m *merged, at *node) (int32, error) {
	o := &object{extra: -1, room: int32(c.o.Items)}
	colon := ":"
	if c.o.Spaced {
		colon = ": "
	}
	names := m.names()
	if err := c.spend(len(names)*len(m.of), at); err != nil {
		return 0, err
	}
	var taken []string
	for _, n := range names {
		taken = append(taken, n.text)
		nodes, forbidden := m.member(n.text)
		if forbidden {
			if m.required[n.text] {
				c.impossible(at, "property "+quote(n.text)+" is required and must not be there")
				return -1, nil
			}
			continue
		}
		id, err := c.schema(nodes)
		if err != nil {
			return 0, err
		}
		key := append(appendQuoted(nil, n.text), colon...)
		o.props = append(o.props, property{key: key, rule: id, required: m.required[n.text]})
	}
	nodes, open := m.others()
	if !open {
		return c.add(rule{kind: anObject, obj: o})
	}
	var err error
	if o.extra, err = c.schema(nodes); err != nil {
		return 0, err
	}
	slices.Sort(taken)
	key := fmt.Sprintf("keys %q", taken)
	if o.keys, err = c.inner(key, func() (*dfa, error) { return otherKeys(taken, colon, c.o.States-c.states) }); err != nil {
		return 0, err
	}
	// After a byte with which no name begins.
	o.inside = -1
	for b := byte('a'); b <= 'z' && o.inside < 0; b++ {
		if !slices.ContainsFunc(taken, func(n string) bool { return n != "" && n[0] == b }) {
			o.inside = o.keys.next(o.keys.next(0, '"').to(), b).to()
		}
	}
	return c.add(rule{kind: anObject, obj: o})
}
