package jinja

import (
	"slices"
	"strconv"
	"strings"
)

// lazy is an iterator that begins when it is gone through: until then nothing
// that is wrong with it is an error.
func (in *interp) lazy(begin func() *iter) *iter {
	var it *iter
	return &iter{func() (Value, bool) {
		defer in.enter()() // for an iterator may be one over an iterator
		if it == nil {
			it = begin()
		}
		return it.next()
	}}
}

// getter looks up an attribute such as "address.city" or 0 of an item, in small
// letters when fold is set. Without an attribute it is the item itself.
func (in *interp) getter(attribute Value, fold bool, otherwise Value) func(Value) Value {
	var parts []Value
	switch a := attribute.(type) {
	case nil:
	case string:
		for _, p := range strings.Split(a, ".") {
			if n, err := strconv.ParseInt(p, 10, 64); err == nil && strings.Trim(p, "0123456789") == "" {
				parts = append(parts, n)
			} else {
				parts = append(parts, p)
			}
		}
	default:
		parts = []Value{a}
	}
	return func(v Value) Value {
		for _, p := range parts {
			in.step(1)
			v = in.item(v, p)
			if _, ok := v.(*undefined); ok && otherwise != nil {
				v = otherwise
			}
		}
		if s, ok := v.(string); ok && fold {
			in.grow(len(s))
			return lower(s)
		}
		return v
	}
}

// sorted sorts items by a key, stable.
func (in *interp) sorted(items []Value, key func(Value) Value, reverse bool) []Value {
	type pair struct{ item, key Value }
	in.grow(48 * len(items))
	pairs := make([]pair, len(items))
	for i, x := range items {
		pairs[i] = pair{x, key(x)}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		c := in.mustCompare(a.key, b.key)
		if reverse {
			return -c
		}
		return c
	})
	out := make([]Value, len(items))
	for i, p := range pairs {
		out[i] = p.item
	}
	return out
}

func (in *interp) mustCompare(a, b Value) int {
	in.defined(a)
	in.defined(b)
	c, ok := in.compare(a, b)
	if !ok {
		in.fail("%s cannot be compared with %s", typeName(a), typeName(b))
	}
	return c
}

func filterSort(in *interp, v Value, a args) Value {
	o := in.bind("sort", a, "reverse?", "case_sensitive?", "attribute?")
	attribute := or(o[2], nil)
	fold := !truth(or(o[1], false))
	keys := []func(Value) Value{in.getter(attribute, fold, nil)}
	if s, ok := attribute.(string); ok {
		keys = nil
		for _, one := range strings.Split(s, ",") {
			keys = append(keys, in.getter(one, fold, nil))
		}
	}
	key := func(v Value) Value { // a list, whose undefined items are equal
		l := &List{}
		in.grow(16 * len(keys))
		for _, k := range keys {
			l.Items = append(l.Items, k(v))
		}
		return l
	}
	return list(in.sorted(in.collect(v), key, truth(or(o[0], false))))
}

func filterDictSort(in *interp, v Value, a args) Value {
	o := in.bind("dictsort", a, "case_sensitive?", "by?", "reverse?")
	d, ok := v.(*Dict)
	if !ok {
		in.defined(v)
		in.fail("dictsort of a %s", typeName(v))
	}
	place := int64(0)
	switch or(o[1], "key") {
	case "key":
	case "value":
		place = 1
	default:
		in.fail("dictsort can sort by key or by value")
	}
	fold := !truth(or(o[0], false))
	return list(in.sorted(in.collect(&view{d, 'i'}), in.getter(place, fold, nil), truth(or(o[2], false))))
}

func filterGroupBy(in *interp, v Value, a args) Value {
	o := in.bind("groupby", a, "attribute", "default?", "case_sensitive?")
	fold := !truth(or(o[2], false))
	key := in.getter(o[0], fold, or(o[1], nil))
	plainKey := in.getter(o[0], false, or(o[1], nil))
	groups := list(nil)
	var last Value = unset
	for _, x := range in.sorted(in.collect(v), key, false) {
		k := key(x)
		in.grow(64)
		if last == unset || !in.equal(k, last) {
			groups.Items = append(groups.Items, &List{Items: []Value{plainKey(x), list(nil)}, Tuple: true, fields: []string{"grouper", "list"}})
			last = k
		}
		items := groups.Items[len(groups.Items)-1].(*List).Items[1].(*List)
		items.Items = append(items.Items, x)
	}
	return groups
}

func filterUnique(in *interp, v Value, a args) Value {
	return in.lazy(func() *iter {
		o := in.bind("unique", a, "case_sensitive?", "attribute?")
		key := in.getter(or(o[1], nil), !truth(or(o[0], false)), nil)
		it := in.iterate(v)
		seen := &Dict{}
		return &iter{func() (Value, bool) {
			for {
				x, ok := it.next()
				if !ok {
					return nil, false
				}
				in.step(1)
				if k := key(x); !in.hasKey(seen, k) {
					in.put(seen, k, true)
					return x, true
				}
			}
		}}
	})
}

// extreme is the smallest item, or the greatest.
func (in *interp) extreme(v Value, a args, side int) Value {
	o := in.bind("max", a, "case_sensitive?", "attribute?")
	key := in.getter(or(o[1], nil), !truth(or(o[0], false)), nil)
	it := in.iterate(v)
	best, ok := it.next()
	if !ok {
		return &undefined{"there is no greatest or smallest item: the sequence is empty"}
	}
	of := key(best)
	for {
		x, ok := it.next()
		if !ok {
			return best
		}
		if k := key(x); in.mustCompare(k, of)*side > 0 {
			best, of = x, k
		}
	}
}

func filterJoin(in *interp, v Value, a args) Value {
	o := in.bind("join", a, "d?", "attribute?")
	key := in.getter(or(o[1], nil), false, nil)
	var parts []string
	for _, x := range in.collect(v) {
		parts = append(parts, in.str(key(x)))
	}
	in.grow(16 * len(parts))
	return in.join(parts, in.str(or(o[0], "")))
}

func filterSum(in *interp, v Value, a args) Value {
	o := in.bind("sum", a, "attribute?", "start?")
	key := in.getter(or(o[0], nil), false, nil)
	sum := or(o[1], int64(0))
	if _, ok := text(sum); ok {
		in.fail("sum of texts")
	}
	for _, x := range in.collect(v) {
		sum = in.binary("+", sum, key(x))
	}
	return sum
}

// filterMap applies a filter, or looks up an attribute, as its result is gone
// through.
func filterMap(in *interp, v Value, a args) Value {
	return in.lazy(func() *iter {
		var f func(Value) Value
		if len(a.pos) == 0 && slices.Contains(a.names, "attribute") {
			o := in.bind("map", a, "attribute", "default?")
			f = in.getter(o[0], false, or(o[1], nil))
		} else {
			if len(a.pos) == 0 {
				in.fail("map needs a filter")
			}
			name := in.needText("map", a.pos[0])
			rest := args{a.pos[1:], a.names, a.values}
			f = func(x Value) Value { return in.filter(name, x, rest) }
		}
		if !truth(v) {
			if _, ok := v.(*iter); !ok {
				return in.each(nil)
			}
		}
		it := in.iterate(v)
		return &iter{func() (Value, bool) {
			x, ok := it.next()
			if !ok {
				return nil, false
			}
			return f(x), true
		}}
	})
}

// selected goes through the items that pass a test, or that do not: the items
// themselves, or an attribute of theirs.
func (in *interp) selected(v Value, a args, attribute, want bool) Value {
	return in.lazy(func() *iter {
		if !truth(v) {
			return in.each(nil)
		}
		get := func(x Value) Value { return x }
		pos := a.pos
		if attribute {
			if len(pos) == 0 {
				in.fail("selectattr needs an attribute")
			}
			get = in.getter(pos[0], false, nil)
			pos = pos[1:]
		}
		test := truth
		if len(pos) > 0 {
			name := in.needText("select", pos[0])
			rest := args{pos[1:], a.names, a.values}
			test = func(x Value) bool { return truth(in.test(name, x, rest)) }
		}
		it := in.iterate(v)
		return &iter{func() (Value, bool) {
			for {
				x, ok := it.next()
				if !ok {
					return nil, false
				}
				in.step(1)
				if test(get(x)) == want {
					return x, true
				}
			}
		}}
	})
}

func filterBatch(in *interp, v Value, a args) Value {
	return in.lazy(func() *iter {
		o := in.bind("batch", a, "linecount", "fill_with?")
		n := in.whole("batch", o[0])
		fill := or(o[1], nil)
		it := in.iterate(v)
		pending, done := Value(unset), false
		return &iter{func() (Value, bool) {
			batch := list(nil)
			for !done {
				x := pending
				if x == unset {
					var ok bool
					if x, ok = it.next(); !ok {
						done = true
						break
					}
				}
				if int64(len(batch.Items)) == n {
					pending = x
					return batch, true
				}
				pending = unset
				in.grow(16)
				batch.Items = append(batch.Items, x)
			}
			if len(batch.Items) == 0 {
				return nil, false
			}
			if missing := n - int64(len(batch.Items)); fill != nil && missing > 0 {
				in.growTimes(16, missing)
				for range missing {
					batch.Items = append(batch.Items, fill)
				}
			}
			return batch, true
		}}
	})
}

func filterSlice(in *interp, v Value, a args) Value {
	return in.lazy(func() *iter {
		o := in.bind("slice", a, "slices", "fill_with?")
		n := in.whole("slice", o[0])
		fill := or(o[1], nil)
		items := in.collect(v)
		if n == 0 {
			in.fail("slice into 0 parts")
		}
		i, offset := int64(0), int64(0)
		return &iter{func() (Value, bool) {
			if i >= n {
				return nil, false
			}
			size, more := int64(len(items))/n, int64(len(items))%n
			start := offset + i*size
			if i < more {
				offset++
			}
			end := offset + (i+1)*size
			in.grow(16 * int(end-start+1))
			part := list(append([]Value{}, items[start:end]...))
			if fill != nil && i >= more {
				part.Items = append(part.Items, fill)
			}
			i++
			return part, true
		}}
	})
}
