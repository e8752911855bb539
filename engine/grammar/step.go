package grammar

import "slices"

// A frame is a place in a rule. Of a stack of frames the top one reads; those below
// are containers whose value is on top of them.
type frame struct {
	rule  int32
	state int32
	// aLex: code points needed, code points and bytes left.
	// anObject: the next property; room for others; bytes left of a key of them.
	// anArray: items needed, items left, index of the next one.
	a, b, c int32
	below   int32 // the shortest end of the frames below
}

// States of an object; those of its trie of keys are 0 and up, 0 before a key.
// Below objKeys are the states of the automaton of other keys.
const (
	objOpen   = -1 - iota // before the brace
	objFirst              // after it
	objMember             // after a value, or before it where the value is on top
	objSpace              // after a comma
	objKeys
)

// States of an array.
const (
	arrOpen = iota
	arrFirst
	arrMember
	arrSpace
)

// A thread is one way to read the text so far. One without frames has ended.
type thread struct {
	f    []frame
	ways int32 // threads that those beside it and before it may have become, at most
}

// maxWays is how many threads are kept. What one thread can become is bounded by
// its ways alone, whatever became of the others, so that a mask may be made thread
// by thread; of more ways than there is room for the first are taken. That leaves
// out texts of very ambiguous schemas, but never leaves a text without an end.
const maxWays = 32

// threads is a list that keeps the memory of what it held.
type threads struct {
	list []thread
	n    int
}

func (t *threads) add() *thread {
	if t.n == len(t.list) {
		t.list = append(t.list, thread{})
	}
	t.n++
	th := &t.list[t.n-1]
	th.f = th.f[:0]
	return th
}

func (t *threads) copy(o *threads) {
	t.n = 0
	for i := range o.n {
		th := t.add()
		th.f = append(th.f, o.list[i].f...)
		th.ways = o.list[i].ways
	}
}

// A stepper reads bytes.
type stepper struct {
	g    *Grammar
	base int32 // containers below the first frame of every stack
	long bool  // whether left is a limit
	left int32 // bytes that may be written yet, the one that is read included

	out       *threads
	from, max int // of out: the first of this step, how many it may make
}

// step appends to out what t becomes by b.
func (s *stepper) step(out *threads, t *thread, b byte) {
	if len(t.f) == 0 {
		return
	}
	s.out, s.from, s.max = out, out.n, int(maxWays/t.ways)
	top := len(t.f) - 1
	s.read(t.f[:top], frame{}, false, t.f[top], b)
	n := out.n - s.from
	for i := s.from; i < out.n; i++ {
		out.list[i].ways = t.ways * int32(n)
	}
}

// put makes a thread of the frames below, mid if there is one, and top unless its
// text has ended; but none that could not be ended within what is left.
func (s *stepper) put(below []frame, mid frame, hasMid bool, top frame, hasTop bool) {
	if s.out.n-s.from >= s.max {
		return
	}
	if s.long {
		need := top.below
		if hasTop {
			need += s.cost(&top, s.base+int32(len(below)))
		}
		if need > s.left-1 {
			return
		}
	}
	t := s.out.add()
	t.f = append(t.f, below...)
	if hasMid {
		t.f = append(t.f, mid)
	}
	if hasTop {
		t.f = append(t.f, top)
	}
}

// start is the frame of a value before its first byte.
func (g *Grammar) start(rule, below int32) frame {
	f := frame{rule: rule, below: below}
	switch r := &g.rules[rule]; r.kind {
	case aLex:
		f.a, f.b, f.c = r.need, r.room, r.budget
	case anObject:
		f.state, f.b = objOpen, r.obj.room
	case anArray:
		f.state, f.a, f.b = arrOpen, r.arr.need, r.arr.room
	}
	return f
}

// fits reports whether a value of this rule may be put into so many containers.
func (s *stepper) fits(rule, depth int32) bool {
	return !s.g.deep || depth+s.g.rules[rule].minDepth <= s.g.depth
}

// read lets top read b. Below it are the frames below, and mid if there is one:
// then top is at its start, where it is not ended.
func (s *stepper) read(below []frame, mid frame, hasMid bool, top frame, b byte) {
	r := &s.g.rules[top.rule]
	switch r.kind {
	case aLex:
		t := top
		switch r.advance(&t, b) {
		case readOn:
			s.put(below, mid, hasMid, t, true)
		case readLast:
			s.put(below, mid, hasMid, t, false)
		}
		if !hasMid && len(below) > 0 && r.ended(&top) {
			n := len(below) - 1
			s.read(below[:n], frame{}, false, below[n], b)
		}
	case anAlt:
		depth := s.base + int32(len(below))
		if hasMid {
			depth++
		}
		for _, a := range r.alts {
			if s.g.rules[a].first.has(b) && s.fits(a, depth) {
				s.read(below, mid, hasMid, s.g.start(a, top.below), b)
			}
		}
	case anObject:
		s.readObject(r, below, mid, hasMid, top, b)
	case anArray:
		s.readArray(r, below, mid, hasMid, top, b)
	}
}

// What became of an automaton by a byte.
type outcome uint8

const (
	readNot outcome = iota
	readOn
	readLast // its text has ended and cannot go on
)

// advance lets a frame of an automaton read b.
func (r *rule) advance(f *frame, b byte) outcome {
	a := r.dfa.next(f.state, b)
	if a == noArc {
		return readNot
	}
	to := a.to()
	switch a.flag() {
	case beginsChar:
		if f.b--; f.b < 0 {
			return readNot
		}
		f.a = max(f.a-1, 0)
	case endsString:
		if f.a > 0 {
			return readNot
		}
	}
	if f.c < unlimited {
		if f.c--; f.c < r.dfa.dist[to]+f.a {
			return readNot
		}
	}
	f.state = to
	if r.dfa.final(to) {
		return readLast
	}
	return readOn
}

// ended reports whether a frame of an automaton has read a whole text.
func (r *rule) ended(f *frame) bool { return r.dfa.accept[f.state] && f.a == 0 }

func (s *stepper) readObject(r *rule, below []frame, mid frame, hasMid bool, top frame, b byte) {
	o := r.obj
	n := int32(len(o.props))
	depth := s.base + int32(len(below)) + 1 // of its values
	switch {
	case top.state == objOpen:
		if b == '{' {
			top.state = objFirst
			s.put(below, mid, hasMid, top, true)
		}
	case top.state == objFirst, top.state == objMember:
		switch {
		case b == '}' && o.nextReq[top.a] == n:
			s.put(below, mid, hasMid, top, false)
		case b == ',' && top.state == objMember:
			if s.hasKey(o, &top, depth) || s.hasOther(o, &top, depth) {
				top.state = 0
				if s.g.spaced {
					top.state = objSpace
				}
				s.put(below, mid, false, top, true)
			}
		case b == '"' && top.state == objFirst:
			top.state = 0
			s.readKey(o, below, top, b, depth)
		}
	case top.state == objSpace:
		if b == ' ' {
			top.state = 0
			s.put(below, mid, false, top, true)
		}
	case top.state >= 0:
		s.readKey(o, below, top, b, depth)
	default:
		s.readOther(o, below, top, b)
	}
}

// readKey reads a byte of a key, at the beginning of one of either kind.
func (s *stepper) readKey(o *object, below []frame, top frame, b byte, depth int32) {
	at := top.state
	if i := slices.IndexFunc(o.nodes[at].edges, func(e edge) bool { return e.lo == b }); i >= 0 {
		f := top
		f.state = o.nodes[at].edges[i].next
		switch p := o.nodes[f.state].prop; {
		case p < 0:
			if s.hasKey(o, &f, depth) {
				s.put(below, frame{}, false, f, true)
			}
		case p >= f.a && p <= o.nextReq[f.a] && s.fits(o.props[p].rule, depth):
			f.state, f.a = objMember, p+1
			s.put(below, f, true, s.g.start(o.props[p].rule, f.below+s.cost(&f, depth-1)), true)
		}
	}
	if at == 0 && s.hasOther(o, &top, depth) {
		top.state, top.a, top.c = objKeys, int32(len(o.props)), keyBytes
		s.readOther(o, below, top, b)
	}
}

// readOther reads a byte of a key that no schema names.
func (s *stepper) readOther(o *object, below []frame, top frame, b byte) {
	a := o.keys.next(objKeys-top.state, b)
	if top.c--; a == noArc || top.c < o.keys.dist[a.to()] {
		return
	}
	if top.state = objKeys - a.to(); !o.keys.final(a.to()) {
		s.put(below, frame{}, false, top, true)
		return
	}
	top.state, top.b, top.c = objMember, top.b-1, 0
	s.put(below, top, true, s.g.start(o.extra, top.below+s.cost(&top, 0)), true)
}

// hasKey reports whether a property may come whose key goes on from the node where
// f is.
func (s *stepper) hasKey(o *object, f *frame, depth int32) bool {
	n := &o.nodes[max(f.state, 0)]
	leaves := o.leaves[n.leaf:n.leafEnd]
	last := min(o.nextReq[f.a], int32(len(o.props))-1)
	i, _ := slices.BinarySearch(leaves, f.a)
	for ; i < len(leaves) && leaves[i] <= last; i++ {
		if s.fits(o.props[leaves[i]].rule, depth) {
			return true
		}
	}
	return false
}

// hasOther reports whether a member may come that no schema names.
func (s *stepper) hasOther(o *object, f *frame, depth int32) bool {
	return o.extra >= 0 && f.b > 0 && o.nextReq[f.a] == int32(len(o.props)) && s.fits(o.extra, depth)
}

func (s *stepper) readArray(r *rule, below []frame, mid frame, hasMid bool, top frame, b byte) {
	depth := s.base + int32(len(below)) + 1
	item := func() (frame, bool) {
		if top.b <= 0 || !s.fits(r.arr.item(top.c), depth) {
			return frame{}, false
		}
		rule := r.arr.item(top.c)
		top.state, top.a, top.b = arrMember, max(top.a-1, 0), top.b-1
		top.c = min(top.c+1, int32(len(r.arr.items)-1))
		return s.g.start(rule, top.below+s.cost(&top, 0)), true
	}
	switch {
	case top.state == arrOpen:
		if b == '[' {
			top.state = arrFirst
			s.put(below, mid, hasMid, top, true)
		}
	case b == ']' && top.state != arrSpace:
		if top.a == 0 {
			s.put(below, mid, false, top, false)
		}
	case top.state == arrFirst:
		if f, ok := item(); ok {
			s.read(below, top, true, f, b)
		}
	case top.state == arrSpace, b == ',' && !s.g.spaced:
		if top.state == arrSpace && b != ' ' {
			return
		}
		if f, ok := item(); ok {
			s.put(below, top, true, f, true)
		}
	case b == ',' && top.b > 0 && s.fits(r.arr.item(top.c), depth):
		top.state = arrSpace
		s.put(below, mid, false, top, true)
	}
}

// cost is the shortest end of a frame; of a container with a value on top, of what
// follows the value. depth is how many containers it is in.
func (s *stepper) cost(f *frame, depth int32) int32 {
	g := s.g
	r := &g.rules[f.rule]
	switch r.kind {
	case aLex:
		return r.dfa.dist[f.state] + f.a
	case anAlt:
		return r.close
	case anArray:
		switch f.state {
		case arrOpen:
			return r.close
		case arrFirst:
			return r.close - 1
		case arrSpace:
			return r.arr.rest(g, max(f.a, 1), f.c) - 1
		}
		return r.arr.rest(g, f.a, f.c)
	}
	o := r.obj
	switch {
	case f.state == objOpen:
		return r.close
	case f.state == objFirst:
		return r.close - 1
	case f.state == objMember:
		return addLimited(o.reqRest[f.a], 1)
	case f.state <= objKeys:
		return addLimited(o.keys.dist[objKeys-f.state]+1, g.rules[o.extra].close)
	}
	space := int32(0)
	if f.state == objSpace {
		space = 1
	}
	least := int32(unlimited)
	n := &o.nodes[max(f.state, 0)]
	leaves := o.leaves[n.leaf:n.leafEnd]
	last := min(o.nextReq[f.a], int32(len(o.props))-1)
	i, _ := slices.BinarySearch(leaves, f.a)
	for ; i < len(leaves) && leaves[i] <= last; i++ {
		if p := &o.props[leaves[i]]; s.fits(p.rule, depth+1) {
			least = min(least, addLimited(int32(len(p.key))-n.depth+1, addLimited(g.rules[p.rule].close, o.reqRest[leaves[i]+1])))
		}
	}
	if f.state <= 0 && s.hasOther(o, f, depth+1) {
		least = min(least, addLimited(o.keys.dist[0]+1, g.rules[o.extra].close))
	}
	return addLimited(least, space)
}
