package grammar

import (
	"fmt"
	"slices"
	"strings"
)

// restrict is g without the texts that need one of the missing bytes: g itself if
// none does. What may follow a byte that can be written can be written too then,
// so that no text comes to a dead end. It is an error if no text is left.
func (g *Grammar) restrict(missing *byteSet) (*Grammar, error) {
	if g.needs(missing) == (byteSet{}) {
		return g, nil
	}
	r := &restriction{missing: missing, known: map[*dfa]restricted{}}
	c := &Grammar{depth: g.depth, root: g.root, options: g.options, rules: slices.Clone(g.rules)}
	for i := range c.rules {
		r.rule(&c.rules[i], g.spaced)
	}
	if err := c.finish(g.options, nil); err != nil {
		e := &Error{Reason: "the vocabulary cannot write it: " + g.without(missing)}
		if wrong, ok := err.(*Error); ok && wrong.Limit {
			e.Reason, e.Limit = e.Reason+", "+wrong.Reason, true
		}
		return nil, e
	}
	return c, nil
}

// needs are the missing bytes that some text has.
func (g *Grammar) needs(missing *byteSet) (set byteSet) {
	all := &byteSet{}
	for i := range g.rules {
		r := &g.rules[i]
		if r.minDepth >= unlimited {
			continue
		}
		switch r.kind {
		case aLex:
			all.addEdges(r.dfa.edges)
		case anArray:
			all.addText("[],")
		case anObject:
			all.addText("{},")
			for _, p := range r.obj.props {
				all.addText(string(p.key))
			}
			if r.obj.extra >= 0 {
				all.addEdges(r.obj.keys.edges)
			}
		}
		if g.spaced && r.kind != aLex && r.kind != anAlt {
			all.addText(" ")
		}
	}
	for i := range set {
		set[i] = all[i] & missing[i]
	}
	return set
}

// without says which bytes are missing.
func (g *Grammar) without(missing *byteSet) string {
	const most = 8
	set := g.needs(missing)
	var list []string
	for b := range 256 {
		switch {
		case !set.has(byte(b)):
		case b > ' ' && b < 0x7f:
			list = append(list, fmt.Sprintf("%q", rune(b)))
		default:
			list = append(list, fmt.Sprintf("0x%02x", b))
		}
	}
	text := strings.Join(list[:min(len(list), most)], ", ")
	if n := len(list) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	if len(list) == 1 {
		return "no token is the byte " + text
	}
	return "no token is one of the bytes " + text
}

func (s *byteSet) addEdges(edges []edge) {
	for _, e := range edges {
		s.add(e.lo, e.hi)
	}
}

func (s *byteSet) addText(text string) {
	for i := range len(text) {
		s.add(text[i], text[i])
	}
}

// hasAny reports whether a text has one of the bytes.
func (s *byteSet) hasAny(text string) bool {
	for i := range len(text) {
		if s.has(text[i]) {
			return true
		}
	}
	return false
}

// A restriction takes bytes out of the parts of a grammar.
type restriction struct {
	missing *byteSet
	known   map[*dfa]restricted
}

// restricted is an automaton without some bytes; d is nil if no text is left.
type restricted struct {
	d *dfa
	// plain is set if every byte that is left leads where it led before: no state
	// has become a dead end, so that what may stand in a string still may.
	plain bool
}

// rule restricts a rule in its place. One without a text is dead.
func (x *restriction) rule(r *rule, spaced bool) {
	separator := x.missing.hasAny(",") || spaced && x.missing.hasAny(" ")
	switch r.kind {
	case aLex:
		if r.dfa == nil {
			return
		}
		old := r.dfa
		of := x.dfa(old)
		if r.dfa = of.d; of.d == nil {
			r.dead = true
			return
		}
		if r.counts && r.need > 0 && !of.d.oneByteChars() {
			// The shortest end would be longer than a byte for each code point.
			r.dfa, r.dead = nil, true
			return
		}
		r.plain = r.plain && of.plain
		if r.budget < unlimited {
			r.budget = max(r.budget, of.d.dist[0]+r.need)
		}
		if r.longest = r.budget; r.budget >= unlimited {
			r.longest = of.d.longest
		}
	case anAlt:
		r.alts = slices.Clone(r.alts)
	case anArray:
		a := *r.arr
		r.arr = &a
		if a.items = slices.Clone(a.items); separator {
			a.room = min(a.room, 1)
		}
		r.dead = r.dead || x.missing.hasAny("[]") || a.need > a.room
	case anObject:
		o := &object{extra: r.obj.extra, room: r.obj.room, inside: -1}
		needed := 0
		for _, p := range r.obj.props {
			if p.required {
				needed++
			}
			switch {
			case !x.missing.hasAny(string(p.key)):
				o.props = append(o.props, p)
			case p.required:
				r.dead = true
			}
		}
		if o.extra >= 0 {
			of := x.dfa(r.obj.keys)
			if o.keys = of.d; o.keys == nil || o.keys.dist[0] > keyBytes {
				o.extra = -1
			} else if of.plain {
				o.inside = x.insideOf(r.obj, o.keys)
			}
		}
		if separator { // one member, if it must be there
			o.props = without(o.props, func(p property) bool { return !p.required })
			o.extra = -1
		}
		r.dead = r.dead || x.missing.hasAny("{}") || separator && needed > 1
		r.obj = o
	}
}

// insideOf is the state of keys that was o.inside, or -1.
func (x *restriction) insideOf(o *object, keys *dfa) int32 {
	for b := byte('a'); b <= 'z' && o.inside >= 0; b++ {
		if x.missing.has(b) || o.keys.next(o.keys.next(0, '"').to(), b).to() != o.inside {
			continue
		}
		if a := keys.next(keys.next(0, '"').to(), b); a != noArc {
			return a.to()
		}
	}
	return -1
}

// dfa is d without the missing bytes.
func (x *restriction) dfa(d *dfa) restricted {
	if r, ok := x.known[d]; ok {
		return r
	}
	edges := make([][]edge, len(d.accept))
	for s := range edges {
		for _, e := range d.edges[d.first[s]:d.first[s+1]] {
			for b := int(e.lo); b <= int(e.hi); b++ {
				if x.missing.has(byte(b)) {
					continue
				}
				f := e
				f.lo = byte(b)
				for b < int(e.hi) && !x.missing.has(byte(b+1)) {
					b++
				}
				f.hi = byte(b)
				edges[s] = append(edges[s], f)
			}
		}
	}
	r := restricted{plain: true}
	dist := distances(edges, d.accept)
	seen := make([]bool, len(edges))
	todo := []int32{0}
	seen[0] = true
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, e := range edges[s] {
			if dist[e.next] < 0 {
				r.plain = false
			} else if !seen[e.next] {
				seen[e.next] = true
				todo = append(todo, e.next)
			}
		}
	}
	r.d = newDFA(edges, slices.Clone(d.accept))
	x.known[d] = r
	return r
}

// oneByteChars reports whether a code point of one byte may stand in a string.
func (d *dfa) oneByteChars() bool {
	a := d.next(0, '"')
	if a == noArc {
		return false
	}
	for _, e := range d.edges[d.first[a.to()]:d.first[a.to()+1]] {
		if e.flag == beginsChar && e.next == a.to() {
			return true
		}
	}
	return false
}
