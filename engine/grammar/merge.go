package grammar

import (
	"math/big"
	"unicode/utf8"
)

// A merged is the keywords of a conj as one.
type merged struct {
	of                   conj
	types                typeSet
	values               []*node // nil: not said
	minItems, maxItems   int     // maxItems -1: no limit
	minLength, maxLength int
	lo, hi               *bound
	required             map[string]bool
	why                  string // nothing is valid, and why
}

// merge takes the keywords of a conj together. The types of a schema that has
// none are those that its keywords are about.
func merge(of conj) *merged {
	m := &merged{of: of, types: tAll, maxItems: -1, maxLength: -1, required: map[string]bool{}}
	said, used := false, typeSet(0)
	for _, k := range of {
		if k.types != 0 {
			m.types &= k.types
			said = true
		}
		used |= k.used
		if k.values != nil {
			m.values = intersectValues(m.values, k.values)
		}
		m.minItems, m.maxItems = max(m.minItems, k.minItems), smaller(m.maxItems, k.maxItems)
		m.minLength, m.maxLength = max(m.minLength, k.minLength), smaller(m.maxLength, k.maxLength)
		if k.lo.tighter(m.lo, 1) {
			m.lo = k.lo
		}
		if k.hi.tighter(m.hi, -1) {
			m.hi = k.hi
		}
		for _, r := range k.required {
			m.required[r.text] = true
		}
	}
	if !said && used != 0 && m.values == nil {
		m.types = used
	}
	if m.types == 0 {
		m.why = "no type is left"
	}
	if m.values != nil && len(m.values) == 0 {
		m.why = "no value of the enums is left"
	}
	return m
}

// smaller is the smaller of two limits, where negative is none.
func smaller(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

// member is the schemas of the member with this name: all that have a say.
// forbidden is whether one says that there is none.
func (m *merged) member(name string) (nodes []*node, forbidden bool) {
	for _, k := range m.of {
		v := k.extra
		if k.props != nil {
			if p := k.props.get(name); p != nil {
				v = p
			}
		}
		if v != nil {
			nodes = append(nodes, v)
			forbidden = forbidden || v.kind == isFalse
		}
	}
	return nodes, forbidden
}

// names are the names of members that are declared or required, in order.
func (m *merged) names() []*node {
	var out []*node
	seen := map[string]bool{}
	for _, k := range m.of {
		if k.props == nil {
			continue
		}
		for _, p := range k.props.kids {
			if !seen[p.key] {
				seen[p.key] = true
				out = append(out, &node{text: p.key})
			}
		}
	}
	for _, k := range m.of {
		for _, r := range k.required {
			if !seen[r.text] {
				seen[r.text] = true
				out = append(out, r)
			}
		}
	}
	return out
}

// others are the schemas of members that are not named. open is whether there may
// be such members.
func (m *merged) others() (nodes []*node, open bool) {
	named := false
	for _, k := range m.of {
		named = named || k.props != nil || len(k.required) > 0
		if k.extra != nil {
			nodes = append(nodes, k.extra)
			if k.extra.kind == isFalse {
				return nil, false
			}
		}
	}
	return nodes, len(nodes) > 0 || !named
}

// itemAt is the schemas of item i.
func (m *merged) itemAt(i int) (nodes []*node, forbidden bool) {
	for _, k := range m.of {
		v := k.items
		if k.prefix != nil && i < len(k.prefix.kids) {
			v = k.prefix.kids[i]
		}
		if v != nil {
			nodes = append(nodes, v)
			forbidden = forbidden || v.kind == isFalse
		}
	}
	return nodes, forbidden
}

// prefixLen is from where on all items have the same schemas.
func (m *merged) prefixLen() int {
	n := 0
	for _, k := range m.of {
		if k.prefix != nil {
			n = max(n, len(k.prefix.kids))
		}
	}
	return n
}

// typeOf is the type of a value.
func typeOf(v *node) (typeSet, error) {
	switch v.kind {
	case isNull:
		return tNull, nil
	case isFalse, isTrue:
		return tBool, nil
	case isString:
		return tString, nil
	case isArray:
		return tArray, nil
	case isObject:
		return tObject, nil
	}
	x, err := v.rat()
	if err != nil {
		return 0, err
	}
	if x.IsInt() {
		return tInteger, nil
	}
	return tFraction, nil
}

// holds reports whether v is valid under all of nodes.
func (c *compiler) holds(v *node, nodes []*node) (bool, error) {
	alts, err := c.product(nodes)
	if err != nil {
		return false, err
	}
	for _, alt := range alts {
		m := merge(alt)
		ok := m.why == ""
		if ok && m.values != nil {
			ok = len(intersectValues([]*node{v}, m.values)) > 0
		}
		if ok {
			ok, err = c.allows(m, v)
		}
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// allows reports whether v is valid under m, its enum apart.
func (c *compiler) allows(m *merged, v *node) (bool, error) {
	if err := c.spend(1+len(m.of), v); err != nil {
		return false, err
	}
	t, err := typeOf(v)
	if err != nil {
		return false, err
	}
	for _, k := range m.of {
		if k.types != 0 && k.types&t == 0 {
			return false, nil
		}
	}
	switch v.kind {
	case isNumber:
		var x *big.Rat
		if x, err = v.rat(); err != nil {
			return false, err
		}
		return m.lo.holds(x, 1) && m.hi.holds(x, -1), nil
	case isString:
		return c.allowsString(m, v)
	case isArray:
		if n := len(v.kids); n < m.minItems || m.maxItems >= 0 && n > m.maxItems {
			return false, nil
		}
		for i, item := range v.kids {
			nodes, _ := m.itemAt(i)
			if ok, err := c.holds(item, nodes); !ok || err != nil {
				return false, err
			}
		}
	case isObject:
		for name := range m.required {
			if v.get(name) == nil {
				return false, nil
			}
		}
		for i, item := range v.kids {
			nodes, _ := m.member(v.keys[i])
			if ok, err := c.holds(item, nodes); !ok || err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

func (c *compiler) allowsString(m *merged, v *node) (bool, error) {
	if n := utf8.RuneCountInString(v.text); n < m.minLength || m.maxLength >= 0 && n > m.maxLength {
		return false, nil
	}
	d, err := c.patterns(m)
	if err != nil {
		return false, err
	}
	inside := appendQuoted(nil, v.text)
	return d == nil || d.matches(string(inside[1:len(inside)-1])), nil
}
