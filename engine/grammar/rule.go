package grammar

import (
	"cmp"
	"math"
	"slices"
)

// A rule is a set of texts of one value.
type rule struct {
	kind ruleKind

	// minDepth is how many containers lie in each other in the shallowest text, and
	// close the length of the shortest text among the shallowest. A text that
	// keeps to what these say can always be ended within the limits.
	minDepth, close int32
	longest         int32 // bytes of the longest text, at most
	first           byteSet

	dead bool // no text can be written, whatever its parts say

	dfa    *dfa  // aLex
	counts bool  // its automaton flags code points: the automaton of JSON strings
	plain  bool  // and all plain text may stand in it
	need   int32 // code points that a string must have, of those that its automaton flags
	room   int32 // that it may have
	budget int32 // bytes of a text; unlimited where the automaton has an end itself

	alts []int32 // anAlt: rules of other kinds
	obj  *object
	arr  *array
}

type ruleKind uint8

const (
	aLex ruleKind = iota
	anObject
	anArray
	anAlt // of rules of the other kinds
)

// unlimited is larger than every limit; two of them can be added.
const unlimited = math.MaxInt32 / 4

func addLimited(a, b int32) int32 { return min(a+b, unlimited) }

func mulLimited(a, b int32) int32 { return int32(min(int64(a)*int64(b), unlimited)) }

// A byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(lo, hi byte) {
	for b := int(lo); b <= int(hi); b++ {
		s[b>>6] |= 1 << (b & 63)
	}
}

func (s *byteSet) has(b byte) bool { return s[b>>6]>>(b&63)&1 != 0 }

func (s *byteSet) addAll(o *byteSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// lexRule is the rule of an automaton's texts; one without a longest text gets one
// of budget bytes.
func lexRule(d *dfa, budget int) rule {
	r := rule{kind: aLex, dfa: d, room: unlimited, budget: unlimited, longest: d.longest}
	if d.longest < 0 {
		r.budget = max(int32(budget), d.dist[0])
		r.longest = r.budget
	}
	return r
}

// stringRule is the rule of JSON strings with lo to hi code points (hi < 0: no
// limit), of so many bytes where hi sets none.
func stringRule(lo, hi, bytes int) rule {
	r := lexRule(jsonString(), 0)
	r.counts, r.plain = true, true
	r.need, r.room = int32(min(lo, unlimited)), unlimited
	r.budget = addLimited(int32(max(bytes, lo)), 2)
	if hi >= 0 {
		r.room = int32(min(hi, unlimited))
		r.budget = addLimited(mulLimited(r.room, 4), 2)
	}
	r.longest = r.budget
	return r
}

// finish measures the rules, takes out what has no text, and builds what steps
// need. why is a reason for there being no text, or nil.
func (g *Grammar) finish(o Options, why error) error {
	g.spaced, g.options = o.Spaced, o
	g.measureDepth()
	if g.rules[g.root].minDepth >= unlimited {
		if why != nil {
			return why
		}
		return errorf("recursion without an end: every value would hold another")
	}
	if d := g.rules[g.root].minDepth; d > g.depth {
		return limitf("the shallowest answer has %d objects and arrays in each other, more than %d", d, g.depth)
	}
	g.prune()
	g.measureClose()
	if c := g.rules[g.root].close; c > int32(o.MaxBytes) {
		return limitf("the shortest answer is longer than %d bytes", o.MaxBytes)
	}
	states := 0
	for i := range g.rules {
		if r := &g.rules[i]; r.kind == anObject && r.minDepth < unlimited {
			if err := r.obj.build(g, o.States-states); err != nil {
				return err
			}
			states += len(r.obj.nodes)
		}
	}
	g.measureFirst()
	g.measureLongest()
	g.maxBytes = min(g.rules[g.root].longest, int32(o.MaxBytes))
	g.long = g.rules[g.root].longest > int32(o.MaxBytes)
	for i := range g.rules {
		r := &g.rules[i]
		if r.minDepth >= unlimited {
			continue
		}
		g.deepest = max(g.deepest, r.minDepth)
		more := r.close
		switch r.kind {
		case aLex:
			more = max(more, r.dfa.maxDist)
		case anObject:
			for i := range r.obj.props {
				p := &r.obj.props[i]
				more = max(more, addLimited(int32(len(p.key)), g.rules[p.rule].close))
			}
			if r.obj.extra >= 0 {
				more = max(more, addLimited(r.obj.keys.maxDist, g.rules[r.obj.extra].close))
			}
		}
		g.grow = max(g.grow, addLimited(more, 2))
	}
	return nil
}

// measureDepth finds the least depths level by level: a container is one deeper
// than the last of the values that it must have, an alternative as deep as the first.
func (g *Grammar) measureDepth() {
	users := make([][]int32, len(g.rules)) // of each rule, once for each use
	waits := make([]int32, len(g.rules))   // values that a container must have and that have no depth yet
	var now, next []int32
	for i := range g.rules {
		r, id := &g.rules[i], int32(i)
		r.minDepth = unlimited
		use := func(of int32) {
			users[of] = append(users[of], id)
			waits[id]++
		}
		switch r.kind {
		case aLex:
			if !r.dead {
				now = append(now, id)
			}
			continue
		case anAlt:
			for _, a := range r.alts {
				use(a)
			}
			continue
		case anObject:
			for _, p := range r.obj.props {
				if p.required {
					use(p.rule)
				}
			}
		case anArray:
			for _, item := range r.arr.items[:min(int(r.arr.need), len(r.arr.items))] {
				use(item)
			}
		}
		if r.dead {
			waits[id]++ // for ever
		}
		if waits[id] == 0 {
			next = append(next, id)
		}
	}
	for depth := int32(0); len(now)+len(next) > 0; depth++ {
		for len(now) > 0 {
			id := now[len(now)-1]
			now = now[:len(now)-1]
			if g.rules[id].minDepth < unlimited {
				continue // an alternative that had its depth
			}
			g.rules[id].minDepth = depth
			for _, u := range users[id] {
				if waits[u]--; g.rules[u].kind == anAlt {
					now = append(now, u)
				} else if waits[u] == 0 {
					next = append(next, u)
				}
			}
		}
		now, next = next, now
	}
}

// prune takes out what has no text where it need not be.
func (g *Grammar) prune() {
	dead := func(id int32) bool { return g.rules[id].minDepth >= unlimited }
	for i := range g.rules {
		r := &g.rules[i]
		switch r.kind {
		case anAlt:
			r.alts = without(r.alts, dead)
		case anObject:
			r.obj.props = without(r.obj.props, func(p property) bool { return !p.required && dead(p.rule) })
			if r.obj.extra >= 0 && dead(r.obj.extra) {
				r.obj.extra = -1
			}
		case anArray:
			for i := range r.arr.items {
				if dead(r.arr.items[i]) {
					r.arr.room = min(r.arr.room, int32(i))
				}
			}
		}
	}
}

func without[T any](list []T, drop func(T) bool) []T {
	var kept []T
	for _, x := range list {
		if !drop(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

// measureClose finds the shortest ends. Those of a rule depend on shallower rules,
// of an alternative on ones as deep too, so one pass in this order is enough.
func (g *Grammar) measureClose() {
	order := make([]int32, len(g.rules))
	for i := range order {
		order[i] = int32(i)
		g.rules[i].close = unlimited
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		x, y := &g.rules[a], &g.rules[b]
		if x.minDepth != y.minDepth {
			return cmp.Compare(x.minDepth, y.minDepth)
		}
		return cmp.Compare(x.kind, y.kind) // anAlt is the last
	})
	for _, id := range order {
		if r := &g.rules[id]; r.minDepth < unlimited {
			r.close = g.closeOf(r)
		}
	}
}

func (g *Grammar) closeOf(r *rule) int32 {
	switch r.kind {
	case aLex:
		return r.dfa.dist[0] + r.need
	case anArray:
		c := addLimited(1, r.arr.rest(g, r.arr.need, 0))
		if r.arr.need > 0 {
			c -= g.sep()
		}
		return c
	case anObject:
		c, n := int32(2), int32(0)
		for _, p := range r.obj.props {
			if p.required {
				c = addLimited(c, addLimited(int32(len(p.key)), g.rules[p.rule].close))
				n++
			}
		}
		return addLimited(c, max(n-1, 0)*g.sep())
	}
	c := int32(unlimited)
	for _, a := range r.alts {
		if g.rules[a].minDepth == r.minDepth {
			c = min(c, g.rules[a].close)
		}
	}
	return c
}

// sep is the length of what separates members.
func (g *Grammar) sep() int32 {
	if g.spaced {
		return 2
	}
	return 1
}

func (g *Grammar) measureFirst() {
	for i := range g.rules {
		r := &g.rules[i]
		if r.dead {
			continue
		}
		switch r.kind {
		case aLex:
			for _, e := range r.dfa.edges[:r.dfa.first[1]] {
				r.first.add(e.lo, e.hi)
			}
		case anObject:
			r.first.add('{', '{')
		case anArray:
			r.first.add('[', '[')
		}
	}
	for i := range g.rules {
		for _, a := range g.rules[i].alts {
			g.rules[i].first.addAll(&g.rules[a].first)
		}
	}
}

// measureLongest finds the longest texts, and whether the depth must be watched.
// What is recursive is unlimited in both.
func (g *Grammar) measureLongest() {
	const unseen, open, closed = 0, 1, 2
	mark := make([]uint8, len(g.rules))
	deep := make([]int32, len(g.rules))
	sep := g.sep()
	var visit func(id int32) (longest, depth int32)
	visit = func(id int32) (int32, int32) {
		r := &g.rules[id]
		if mark[id] == open {
			return unlimited, unlimited
		}
		if mark[id] == closed || r.kind == aLex {
			return r.longest, deep[id]
		}
		mark[id] = open
		l, d := int32(2), int32(0)
		add := func(head int32, id int32) {
			kl, kd := visit(id)
			l = addLimited(l, addLimited(kl, head+sep))
			d = max(d, kd)
		}
		switch r.kind {
		case anAlt:
			l = 0
			for _, a := range r.alts {
				kl, kd := visit(a)
				l, d = max(l, kl), max(d, kd)
			}
		case anObject:
			for _, p := range r.obj.props {
				add(int32(len(p.key)), p.rule)
			}
			if r.obj.extra >= 0 {
				kl, kd := visit(r.obj.extra)
				l = addLimited(l, mulLimited(r.obj.room, addLimited(kl, keyBytes+sep)))
				d = max(d, kd)
			}
		case anArray:
			for i := int32(0); i < r.arr.room && i < int32(len(r.arr.items)); i++ {
				add(0, r.arr.items[i])
			}
			if n := r.arr.room - int32(len(r.arr.items)); n > 0 {
				kl, _ := visit(r.arr.item(r.arr.room))
				l = addLimited(l, mulLimited(n, addLimited(kl, sep)))
			}
		}
		if r.kind != anAlt {
			d = addLimited(d, 1)
		}
		mark[id] = closed
		r.longest, deep[id] = l, d
		return l, d
	}
	_, d := visit(g.root)
	g.deep = d > g.depth
}
