package grammar

// walk follows start through the trie below node and sets the bits of the tokens
// that it can read. With leave it notes where the first frame has ended.
func (w *walker) walk(node int32, start *threads, m *made, leaves bool) {
	v := w.b.v
	first := v.nodes[node].depth
	if need := v.longest + 1; len(w.levels) < need {
		w.levels = append(w.levels, make([]threads, need-len(w.levels))...)
	}
	w.levels[first].copy(start)
	for i := node + 1; i < v.nodes[node].skip; {
		n := &v.nodes[i]
		from, to := &w.levels[n.depth-1], &w.levels[n.depth]
		to.n = 0
		w.left = w.left0 - int32(n.depth-1)
		for j := range from.n {
			w.step(to, &from.list[j], n.b)
		}
		if to.n == 0 {
			i = n.skip
			continue
		}
		m.allow(v, i, i+1)
		if leaves && n.skip > i+1 {
			for j := range to.n {
				if t := &to.list[j]; t.ended(w.g) {
					m.leaves = append(m.leaves, leave{i, t.ways})
				}
			}
		}
		i++
	}
}

// walkLex is walk for a frame of an automaton, which is always one thread.
func (w *walker) walkLex(r *rule, f frame, ways int32, m *made) {
	v := w.b.v
	if need := v.longest + 1; len(w.lex) < need {
		w.lex = append(w.lex, make([]frame, need-len(w.lex))...)
	}
	if r.ended(&f) {
		m.leaves = append(m.leaves, leave{0, ways})
	}
	inside, sure := w.plainBytes(r, f)
	known := f.state == inside && sure >= int32(v.longest) // all of v.plain is allowed
	if known {
		copy(m.mask, v.plain)
	}
	escaped := int16(maxPiece) // the depth of the first backslash on the path
	w.lex[0] = f
	for i := int32(1); i < v.nodes[0].skip; {
		n := &v.nodes[i]
		t := &w.lex[n.depth]
		*t = w.lex[n.depth-1]
		got := r.advance(t, n.b)
		if got != readNot && w.long && t.below+r.dfa.dist[t.state]+t.a > w.left0-int32(n.depth) {
			got = readNot
		}
		if got == readNot {
			i = n.skip
			continue
		}
		if n.depth <= escaped {
			if escaped = maxPiece; n.b == '\\' {
				escaped = n.depth
			}
		}
		if n.plain && t.state == inside && int32(n.deepest) <= sure {
			if !known || n.depth >= escaped {
				m.allow(v, i, n.skip)
			}
			i = n.skip
			continue
		}
		m.allow(v, i, i+1)
		if n.skip > i+1 && (got == readLast || r.ended(t)) {
			m.leaves = append(m.leaves, leave{i, ways})
		}
		if i++; got == readLast {
			i = n.skip
		}
	}
}

// plainBytes is the state of a JSON string between code points, and how many bytes
// of plain text are allowed in f for sure. Neither is for other automata.
func (w *walker) plainBytes(r *rule, f frame) (inside, n int32) {
	if !r.plain {
		return -1, 0
	}
	// A code point may have been begun, and what is needed may come in one byte each.
	n = min(f.b, f.c-f.a-6)
	if w.long {
		n = min(n, w.left0-f.below-f.a-6)
	}
	return r.dfa.next(0, '"').to(), n
}

// allow sets the bits of the tokens at the nodes from..to-1.
func (m *made) allow(v *Vocabulary, from, to int32) {
	for _, id := range v.tokens[v.nodes[from].token:v.nodes[to].token] {
		m.mask[id>>6] |= 1 << (id & 63)
	}
}

// unhindered reports whether no counter of an automaton can be used up by a token.
func (w *walker) unhindered(r *rule, f frame) bool {
	return !r.counts && !w.long && f.c > int32(w.b.v.longest)+r.dfa.maxDist
}

// walkFree is walkLex where nothing is counted.
func (w *walker) walkFree(d *dfa, state, ways int32, m *made) {
	v := w.b.v
	if need := v.longest + 1; len(w.states) < need {
		w.states = append(w.states, make([]int32, need-len(w.states))...)
	}
	states := w.states
	if d.accept[state] {
		m.leaves = append(m.leaves, leave{0, ways})
	}
	states[0] = state
	for i, end := int32(1), v.nodes[0].skip; i < end; {
		n := &v.nodes[i]
		a := d.next(states[n.depth-1], n.b)
		if a == noArc {
			i = n.skip
			continue
		}
		s := a.to()
		states[n.depth] = s
		m.allow(v, i, i+1)
		if i++; i < n.skip && d.accept[s] {
			m.leaves = append(m.leaves, leave{i - 1, ways})
		}
	}
}

// walkKey is walk for an object within a key that no schema names: one automaton
// until the key ends.
func (w *walker) walkKey(o *object, f frame, ways int32, m *made) {
	v := w.b.v
	if need := v.longest + 1; len(w.states) < need {
		w.states = append(w.states, make([]int32, need-len(w.states))...)
	}
	w.states[0] = objKeys - f.state
	sure := f.c - o.keys.maxDist // bytes that may follow whatever they are
	var after threads
	for i := int32(1); i < v.nodes[0].skip; {
		n := &v.nodes[i]
		a := o.keys.next(w.states[n.depth-1], n.b)
		if a == noArc || f.c-int32(n.depth) < o.keys.dist[a.to()] {
			i = n.skip
			continue
		}
		w.states[n.depth] = a.to()
		switch {
		case o.keys.final(a.to()):
			m.allow(v, i, i+1)
			g := f
			g.state, g.b, g.c = objMember, f.b-1, 0
			after.n = 0
			t := after.add()
			t.f, t.ways = append(t.f, g, w.g.start(o.extra, 0)), ways
			w.walk(i, &after, m, true)
			i = n.skip
		case a.to() == o.inside && n.plain && int32(n.deepest) <= sure:
			m.allow(v, i, n.skip)
			i = n.skip
		default:
			m.allow(v, i, i+1)
			i++
		}
	}
}
