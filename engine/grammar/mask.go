package grammar

import (
	"slices"
	"sync"
)

// cacheBytes bounds the masks that a Bound keeps.
const cacheBytes = 16 << 20

// A Bound is a grammar with a vocabulary, and the masks that were made so far. It
// may be shared by any number of states.
type Bound struct {
	g   *Grammar
	v   *Vocabulary
	err error

	mu    sync.RWMutex
	masks generations
}

// Bind makes masks of g over v possible. Texts that need a byte which no token of v
// is are left out, also where it is part of a longer token; if no text is left,
// Err says so.
func (g *Grammar) Bind(v *Vocabulary) *Bound {
	most := max(64, cacheBytes/2/(8*v.words+256))
	b := &Bound{g: g, v: v, masks: generations{most: most}}
	if of, err := g.restrict(&v.missing); err != nil {
		b.err = err
	} else {
		b.g = of
	}
	return b
}

// Grammar is the grammar that was bound, without what the vocabulary cannot write.
func (b *Bound) Grammar() *Grammar { return b.g }

// Err is an *Error if the vocabulary can write no text of the grammar. States of
// such a Bound may come to a place where no token is allowed.
func (b *Bound) Err() error { return b.err }

// A made is what a walk from a frame, or a thread, has found.
type made struct {
	key    []int32
	next   *made // of the same hash
	mask   []uint64
	leaves []leave // of a frame alone
}

// A leave is a node of the trie, with others below it, at which the text of the
// frame has ended.
type leave struct{ node, ways int32 }

// generations is a cache of two halves. When the new one is full the old one goes.
type generations struct {
	most     int
	n        int
	now, old map[uint64]*made
}

// get also says whether what it found will be lost with the old half.
func (c *generations) get(hash uint64, key []int32) (m *made, old bool) {
	for e := c.now[hash]; e != nil; e = e.next {
		if slices.Equal(e.key, key) {
			return e, false
		}
	}
	for e := c.old[hash]; e != nil; e = e.next {
		if slices.Equal(e.key, key) {
			return e, true
		}
	}
	return nil, false
}

func (c *generations) put(hash uint64, m *made) {
	if c.n >= c.most || c.now == nil {
		c.old, c.now, c.n = c.now, map[uint64]*made{}, 0
	}
	m.next = c.now[hash]
	c.now[hash] = m
	c.n++
}

func hashOf(key []int32) uint64 {
	h := uint64(14695981039346656037)
	for _, k := range key {
		h = (h ^ uint64(uint32(k))) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h
}

// lookup is what was made for key, or nil.
func (b *Bound) lookup(hash uint64, key []int32) *made {
	b.mu.RLock()
	m, old := b.masks.get(hash, key)
	b.mu.RUnlock()
	if old {
		b.keep(hash, &made{key: m.key, mask: m.mask, leaves: m.leaves})
	}
	return m
}

// keep puts m into the cache unless another walker was first.
func (b *Bound) keep(hash uint64, m *made) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, old := b.masks.get(hash, m.key); e == nil || old {
		b.masks.put(hash, m)
	}
}

// A walker makes masks.
type walker struct {
	b *Bound
	stepper
	start  threads
	levels []threads // of stacks, by the depth in the trie
	lex    []frame   // where one automaton is all there is
	states []int32   // where nothing is counted beside it
	left0  int32
	key    []int32
	norm   []frame
	// Masks near a limit are not kept.
	limited, limitedFrame made
}

// normal is f with its counters cut to what a token can use up, so that frames
// which allow the same tokens are the same.
func (b *Bound) normal(f frame, exact bool) frame {
	if exact {
		return f
	}
	f.below = 0
	r := &b.g.rules[f.rule]
	most := int32(b.v.longest) + 1
	switch r.kind {
	case aLex:
		need := min(f.a, most)
		if f.c < unlimited {
			f.c = min(f.c-f.a, most+r.dfa.maxDist) + need
		}
		f.a = need
		if f.b < unlimited {
			f.b = min(f.b, most)
		}
	case anArray:
		f.a, f.b = min(f.a, most), min(f.b, most)
	case anObject:
		f.b = min(f.b, most)
		if r.obj.keys != nil {
			f.c = min(f.c, most+r.obj.keys.maxDist)
		}
	}
	return f
}

// depthBelow is the number of containers below a stack of n frames, in a form in
// which numbers that leave a token enough room are the same.
func (b *Bound) depthBelow(below, n int32) int32 {
	if !b.g.deep {
		return 0
	}
	return max(below, b.g.depth-int32(b.v.openers)-b.g.deepest-1-n)
}

// mask is what the thread t allows, where left bytes may be written if limited.
// The result is shared, but of the walker if limited, until its next use.
func (w *walker) mask(t *thread, left int32, limited bool) *made {
	b := w.b
	n := min(len(t.f), b.v.closers+2)
	cut := t.f[len(t.f)-n:]
	below := int32(len(t.f) - n)
	w.norm = w.norm[:0]
	for _, f := range cut {
		w.norm = append(w.norm, b.normal(f, limited))
	}
	if !limited {
		below = b.depthBelow(below, int32(n))
	}
	w.long, w.left0 = limited, left
	key := w.keyOf(w.norm, below, t.ways, false)
	hash := hashOf(key)
	if !limited {
		if m := b.lookup(hash, key); m != nil {
			return m
		}
	}
	m := w.blank(key, &w.limited, limited)
	if n > 0 {
		own := w.frame(w.norm[n-1], below+int32(n)-1, t.ways, limited)
		copy(m.mask, own.mask)
		w.base = below
		for _, l := range own.leaves {
			w.start.n = 0
			th := w.start.add()
			th.f, th.ways = append(th.f, w.norm[:n-1]...), l.ways
			if n > 1 {
				w.walk(l.node, &w.start, m, false)
			}
		}
	}
	if t.ended(b.g) {
		for _, id := range b.v.eos {
			m.mask[id>>6] |= 1 << (id & 63)
		}
	}
	if !limited {
		b.keep(hash, m)
	}
	return m
}

// blank is where a mask is made: one's own, or anew to be kept.
func (w *walker) blank(key []int32, own *made, limited bool) *made {
	words := w.b.v.words
	if !limited {
		return &made{key: slices.Clone(key), mask: make([]uint64, words)}
	}
	if own.mask == nil {
		own.mask = make([]uint64, words)
	}
	clear(own.mask)
	own.leaves = own.leaves[:0]
	return own
}

// keyOf is the key of a stack, or of a frame alone.
func (w *walker) keyOf(f []frame, below, ways int32, alone bool) []int32 {
	key := append(w.key[:0], below, ways, 0)
	if alone {
		key[2] = 1
	}
	for i := range f {
		key = append(key, f[i].rule, f[i].state, f[i].a, f[i].b, f[i].c)
	}
	w.key = key
	return key
}

// frame is what f allows whatever is below it, and where its text ends.
func (w *walker) frame(f frame, below, ways int32, limited bool) *made {
	b := w.b
	if !limited {
		below = b.depthBelow(below, 1)
	}
	one := [1]frame{f}
	key := w.keyOf(one[:], below, ways, true)
	hash := hashOf(key)
	if !limited {
		if m := b.lookup(hash, key); m != nil {
			return m
		}
	}
	m := w.blank(key, &w.limitedFrame, limited)
	w.base = below
	switch r := &b.g.rules[f.rule]; {
	case r.kind == aLex && w.unhindered(r, f):
		w.walkFree(r.dfa, f.state, ways, m)
	case r.kind == aLex:
		w.walkLex(r, f, ways, m)
	case r.kind == anObject && f.state < objKeys && !limited:
		w.walkKey(r.obj, f, ways, m)
	default:
		w.start.n = 0
		th := w.start.add()
		th.f, th.ways = append(th.f, f), ways
		w.walk(0, &w.start, m, true)
	}
	if !limited {
		b.keep(hash, m)
	}
	return m
}

// ended reports whether the text of a thread may end here.
func (t *thread) ended(g *Grammar) bool {
	if len(t.f) > 1 || len(t.f) == 1 && g.rules[t.f[0].rule].kind != aLex {
		return false
	}
	return len(t.f) == 0 || g.rules[t.f[0].rule].ended(&t.f[0])
}
