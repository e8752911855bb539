package grammar

// disjoint reports whether it can be shown that no value is valid under both of
// two lists of alternatives. Schemas are looked into so many levels deep.
func (c *compiler) disjoint(a, b []conj, levels int) (bool, error) {
	for _, x := range a {
		for _, y := range b {
			if apart, err := c.apart(merge(x), merge(y), levels); !apart || err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

func (c *compiler) apart(a, b *merged, levels int) (bool, error) {
	if err := c.spend(len(a.of)+len(b.of), c.root); err != nil || levels == 0 {
		return false, err
	}
	if a.why != "" || b.why != "" {
		return true, nil
	}
	if a.values == nil {
		a, b = b, a
	}
	if a.values != nil { // a few values: none is valid under b
		for _, v := range a.values {
			if len(intersectValues([]*node{v}, orAll(b.values, v))) == 0 {
				continue
			}
			for _, m := range []*merged{a, b} {
				ok, err := c.allows(m, v)
				if err != nil {
					return false, err
				}
				if !ok {
					v = nil
					break
				}
			}
			if v != nil {
				return false, nil
			}
		}
		return true, nil
	}
	for t := typeSet(1); t < tAll; t <<= 1 {
		if said(a)&said(b)&t == 0 {
			continue
		}
		if apart, err := c.apartAs(t, a, b, levels); !apart || err != nil {
			return false, err
		}
	}
	return true, nil
}

func orAll(values []*node, v *node) []*node {
	if values == nil {
		return []*node{v}
	}
	return values
}

// said are the types that m allows, where inferred ones do not count.
func said(m *merged) typeSet {
	t := typeSet(tAll)
	for _, k := range m.of {
		if k.types != 0 {
			t &= k.types
		}
	}
	return t
}

// apartAs is apart for values of one type.
func (c *compiler) apartAs(t typeSet, a, b *merged, levels int) (bool, error) {
	switch t {
	case tInteger, tFraction:
		return beyond(a.lo, b.hi) || beyond(b.lo, a.hi), nil
	case tString:
		return a.maxLength >= 0 && a.maxLength < b.minLength || b.maxLength >= 0 && b.maxLength < a.minLength, nil
	case tArray:
		if a.maxItems >= 0 && a.maxItems < b.minItems || b.maxItems >= 0 && b.maxItems < a.minItems {
			return true, nil
		}
		for i := range min(max(a.minItems, b.minItems), max(a.prefixLen(), b.prefixLen())+1) {
			x, _ := a.itemAt(i)
			y, _ := b.itemAt(i)
			if apart, err := c.disjointNodes(x, y, levels-1); apart || err != nil {
				return apart, err
			}
		}
	case tObject:
		for _, pair := range [][2]*merged{{a, b}, {b, a}} {
			for _, n := range pair[0].names() {
				if !pair[0].required[n.text] {
					continue
				}
				x, _ := pair[0].member(n.text)
				y, forbidden := pair[1].member(n.text)
				if forbidden {
					return true, nil
				}
				if apart, err := c.disjointNodes(x, y, levels-1); apart || err != nil {
					return apart, err
				}
			}
		}
	}
	return false, nil
}

func (c *compiler) disjointNodes(a, b []*node, levels int) (bool, error) {
	if levels == 0 {
		return false, nil
	}
	x, err := c.product(a)
	if err != nil {
		return false, unproven(err)
	}
	y, err := c.product(b)
	if err != nil {
		return false, unproven(err)
	}
	apart, err := c.disjoint(x, y, levels)
	return apart, unproven(err)
}

func unproven(err error) error {
	if err == errUnproven {
		return nil
	}
	return err
}

// beyond reports whether a lower limit is above an upper one.
func beyond(lo, hi *bound) bool {
	if lo == nil || hi == nil {
		return false
	}
	cmp := lo.at.Cmp(hi.at)
	return cmp > 0 || cmp == 0 && (lo.open || hi.open)
}
