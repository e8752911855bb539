package grammar

import "fmt"

// A State is a text that is being written. It is for one goroutine.
type State struct {
	b         *Bound
	now, next threads
	spare     threads
	left      int32 // bytes that may be written yet
	limited   bool  // whether left is a limit
	over      bool  // EOS was accepted
	mask      []uint64
	union     []uint64
	stepper   stepper
	walker    *walker // made for the first mask
}

// Start is the state before the first byte.
func (b *Bound) Start() *State {
	s := &State{b: b, stepper: stepper{g: b.g}}
	s.Reset()
	return s
}

// Err is that of the Bound.
func (s *State) Err() error { return s.b.err }

// Reset begins a new text.
func (s *State) Reset() {
	g := s.b.g
	s.now.n = 0
	t := s.now.add()
	t.f, t.ways = append(t.f, g.start(g.root, 0)), 1
	if f := &t.f[0]; g.rules[f.rule].kind == aLex && g.rules[f.rule].dfa.final(0) {
		t.f = t.f[:0]
	}
	s.left, s.limited, s.over, s.mask = g.maxBytes, g.long, false, nil
}

// Clone is a copy that goes its own way.
func (s *State) Clone() *State {
	c := &State{b: s.b, left: s.left, limited: s.limited, over: s.over, stepper: stepper{g: s.b.g}}
	c.now.copy(&s.now)
	return c
}

// Limit lets the text go on for at most n bytes, so that it is led to its end
// before. It is an error if that is less than the text needs.
func (s *State) Limit(n int) error {
	if need := s.MinBytes(); n < need {
		return fmt.Errorf("grammar: a limit of %d bytes for a text that needs %d", n, need)
	}
	if n < int(s.left) {
		s.left, s.limited, s.mask = int32(n), true, nil
	}
	return nil
}

// MinBytes is how many bytes suffice to end the text.
func (s *State) MinBytes() int {
	least := int32(unlimited)
	for i := range s.now.n {
		least = min(least, s.costOf(&s.now.list[i]))
	}
	return int(least)
}

func (s *State) costOf(t *thread) int32 {
	if len(t.f) == 0 {
		return 0
	}
	top := &t.f[len(t.f)-1]
	return top.below + s.stepper.cost(top, int32(len(t.f)-1))
}

// Done reports whether the text may end here; it may be that it can go on as well.
func (s *State) Done() bool {
	for i := range s.now.n {
		if s.now.list[i].ended(s.b.g) {
			return true
		}
	}
	return false
}

// Mask is the tokens that may follow: token t is bit t%64 of word t/64. It is shared
// and valid until the state changes; it must not be written to. After EOS it
// is empty.
func (s *State) Mask() []uint64 {
	if s.mask != nil {
		return s.mask
	}
	w := s.walker
	if w == nil {
		w = &walker{b: s.b, stepper: stepper{g: s.b.g}}
		s.walker = w
	}
	if s.now.n == 1 && !s.over && !s.near(&s.now.list[0]) {
		s.mask = w.mask(&s.now.list[0], 0, false).mask
		return s.mask
	}
	if s.union == nil {
		s.union = make([]uint64, s.b.v.words)
	}
	clear(s.union)
	s.mask = s.union
	if s.over {
		return s.mask
	}
	for i := range s.now.n {
		t := &s.now.list[i]
		for j, word := range w.mask(t, s.left, s.near(t)).mask {
			s.union[j] |= word
		}
	}
	return s.mask
}

// near reports whether one token could come so near a limit that the limit has to
// be watched.
func (s *State) near(t *thread) bool {
	n := int64(s.b.v.longest) + 1
	return s.limited && int64(s.left) < int64(s.costOf(t))+n*int64(s.b.g.grow)
}

// Accept appends a token to the text. An error leaves the state as it was.
func (s *State) Accept(token int32) error {
	v := s.b.v
	switch {
	case token < 0 || int(token) >= len(v.pieces):
		return fmt.Errorf("grammar: token %d is not in the vocabulary of %d", token, len(v.pieces))
	case s.over:
		return fmt.Errorf("grammar: token %d after the end", token)
	case v.isEOS[token]:
		if !s.Done() {
			return fmt.Errorf("grammar: token %d ends an unfinished text", token)
		}
		s.over, s.mask = true, nil
		return nil
	case len(v.pieces[token]) == 0:
		return fmt.Errorf("grammar: token %d has no bytes", token)
	}
	if !s.read(v.pieces[token]) {
		return fmt.Errorf("grammar: token %d, %q, is not allowed", token, v.pieces[token])
	}
	return nil
}

// AcceptBytes appends bytes to the text, such as those of a forced stretch. An error
// leaves the state as it was.
func (s *State) AcceptBytes(text []byte) error {
	if s.over || !s.read(text) {
		return fmt.Errorf("grammar: %q is not allowed", text)
	}
	return nil
}

func (s *State) read(text []byte) bool {
	from := &s.now
	left := s.left
	for i, b := range text {
		to := &s.next
		if i%2 == 1 {
			to = &s.spare
		}
		if !s.readByte(to, from, b, left) {
			return false
		}
		from = to
		left--
	}
	if len(text) == 0 {
		return true
	}
	settle(from)
	s.now, *from = *from, s.now
	s.left, s.mask = left, nil
	return true
}

// readByte makes the threads to of the threads from.
func (s *State) readByte(to, from *threads, b byte, left int32) bool {
	to.n = 0
	s.stepper.left, s.stepper.long = left, s.limited
	for j := range from.n {
		s.stepper.step(to, &from.list[j], b)
	}
	return to.n > 0
}

// settle takes out threads that are equal and counts the rest anew.
func settle(t *threads) {
	n := 0
	for i := range t.n {
		if !contains(t.list[:n], &t.list[i]) {
			t.list[n], t.list[i] = t.list[i], t.list[n]
			n++
		}
	}
	t.n = n
	for i := range n {
		t.list[i].ways = int32(n)
	}
}

func contains(list []thread, t *thread) bool {
	for i := range list {
		if equalFrames(list[i].f, t.f) {
			return true
		}
	}
	return false
}

func equalFrames(a, b []frame) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Forced appends to dst the bytes that must follow: the longest stretch in which
// there is only one way to go on and the text may not end. It may stop within a
// code point. The state stays as it is; the stretch is accepted token by token, or
// by AcceptBytes.
func (s *State) Forced(dst []byte) []byte {
	if s.over {
		return dst
	}
	from, left := &s.now, s.left
	for i := 0; ; i++ {
		var bytes byteSet
		for j := range from.n {
			t := &from.list[j]
			if t.ended(s.b.g) {
				return dst
			}
			s.b.g.follow(t.f, &bytes)
		}
		to := &s.next
		if i%2 == 1 {
			to = &s.spare
		}
		only, n := byte(0), 0
		for b := range 256 {
			if bytes.has(byte(b)) && s.readByte(to, from, byte(b), left) {
				only = byte(b)
				if n++; n > 1 {
					return dst
				}
			}
		}
		if n == 0 {
			return dst
		}
		s.readByte(to, from, only, left)
		settle(to)
		dst = append(dst, only)
		from = to
		left--
	}
}

// follow adds to set the bytes that may follow the stack f, and perhaps others.
func (g *Grammar) follow(f []frame, set *byteSet) {
	if len(f) == 0 {
		return
	}
	top := &f[len(f)-1]
	r := &g.rules[top.rule]
	switch r.kind {
	case aLex:
		for _, e := range r.dfa.edges[r.dfa.first[top.state]:r.dfa.first[top.state+1]] {
			set.add(e.lo, e.hi)
		}
		if r.ended(top) {
			g.follow(f[:len(f)-1], set)
		}
	case anAlt:
		set.addAll(&r.first)
	case anArray:
		switch top.state {
		case arrOpen:
			set.add('[', '[')
		case arrFirst:
			set.add(']', ']')
			if top.b > 0 {
				set.addAll(&g.rules[r.arr.item(0)].first)
			}
		case arrMember:
			set.add(',', ',')
			set.add(']', ']')
		case arrSpace:
			set.add(' ', ' ')
		}
	case anObject:
		switch {
		case top.state >= 0:
			for _, e := range r.obj.nodes[top.state].edges {
				set.add(e.lo, e.hi)
			}
			if top.state == 0 {
				set.add('"', '"')
			}
		case top.state <= objKeys:
			s := objKeys - top.state
			for _, e := range r.obj.keys.edges[r.obj.keys.first[s]:r.obj.keys.first[s+1]] {
				set.add(e.lo, e.hi)
			}
		default:
			for _, b := range []byte(`{"},  `) {
				set.add(b, b)
			}
		}
	}
}
