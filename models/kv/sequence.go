package kv

import "mom/kernels/attn"

// A Sequence is the keys and values of the tokens that a decoder has read, in
// their order.
type Sequence struct {
	pool  *Pool
	pages []*page
	data  [][]byte // of pages
	n     int
	freed bool
}

// New starts an empty sequence.
func (p *Pool) New() *Sequence {
	p.mu.Lock()
	p.stats.Sequences++
	p.mu.Unlock()
	return &Sequence{pool: p}
}

// Len is the number of tokens whose keys and values are there.
func (s *Sequence) Len() int { return s.n }

// Pool is where the sequence's pages come from.
func (s *Sequence) Pool() *Pool { return s.pool }

// Fork returns a sequence of the same tokens, which goes its own way from here.
// It shares the pages; the part page at the end is copied by the first of the
// two that goes on.
func (s *Sequence) Fork() *Sequence {
	s.live()
	f := &Sequence{pool: s.pool, n: s.n}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.stats.Sequences++
	// Pages that were reserved but not written stay with the old sequence.
	f.pages = append(make([]*page, 0, len(s.pages)+1), s.pages[:pagesOf(s.n)]...)
	f.data = append(make([][]byte, 0, len(s.pages)+1), s.data[:len(f.pages)]...)
	for _, g := range f.pages {
		s.pool.share(g)
	}
	return f
}

// Truncate forgets the tokens from n on.
func (s *Sequence) Truncate(n int) {
	s.live()
	if n < 0 || n > s.n {
		panic("BUG: kv: Truncate: the sequence is not so long")
	}
	s.n = n
	s.shrink(pagesOf(n))
}

// Free gives the pages back. The sequence may not be used any more.
func (s *Sequence) Free() {
	s.live()
	s.freed = true
	s.n = 0
	s.shrink(0)
	s.pool.mu.Lock()
	s.pool.stats.Sequences--
	s.pool.mu.Unlock()
}

func (s *Sequence) live() {
	if s.freed {
		panic("BUG: kv: the sequence was freed")
	}
}

func (s *Sequence) shrink(pages int) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.cut(pages)
}

// cut drops the pages from one on. The lock is held.
func (s *Sequence) cut(pages int) {
	for _, g := range s.pages[pages:] {
		s.pool.drop(g)
	}
	clear(s.pages[pages:])
	clear(s.data[pages:])
	s.pages, s.data = s.pages[:pages], s.data[:pages]
}

// Reserve makes room for n more tokens, in pages that no other sequence holds.
// On ErrFull the sequence is as it was.
func (s *Sequence) Reserve(n int) error {
	s.live()
	if n < 0 {
		panic("BUG: kv: Reserve: n is negative")
	}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	had, want := len(s.pages), pagesOf(s.n+n)
	for len(s.pages) < want {
		g := s.pool.take()
		if g == nil {
			s.cut(had)
			return ErrFull
		}
		s.pages, s.data = append(s.pages, g), append(s.data, g.data)
	}
	if n == 0 || s.n%PageTokens == 0 {
		return nil
	}
	last := s.n / PageTokens
	if s.pages[last].refs == 1 {
		return nil
	}
	g := s.pool.take()
	if g == nil {
		s.cut(had)
		return ErrFull
	}
	// The lock keeps the page's other owners from becoming the only one, who
	// may write, while it is read.
	copy(g.data, s.pages[last].data)
	s.pool.drop(s.pages[last])
	s.pages[last], s.data[last] = g, g.data
	s.pool.stats.Copied++
	return nil
}

// Advance says that the keys and values of n more tokens were written. A decoder
// calls it at the end of a pass.
func (s *Sequence) Advance(n int) {
	s.live()
	if n < 0 || pagesOf(s.n+n) > len(s.pages) {
		panic("BUG: kv: Advance: beyond what was reserved")
	}
	s.n += n
}

// KV is the keys and values of one layer and kv head, as package attn takes them.
// It is good until the sequence's pages change.
func (s *Sequence) KV(layer, head int) attn.KV {
	return attn.KV{Format: s.pool.o.Format, Pages: s.data, Offset: s.offset(layer, head)}
}

func (s *Sequence) offset(layer, head int) int {
	return (layer*s.pool.o.KVHeads + head) * s.pool.headBytes
}

// Store writes the key and the value of the token at a position that Reserve made
// room for.
func (s *Sequence) Store(layer, head, pos int, k, v []float32) {
	if pos < s.n {
		panic("BUG: kv: Store: the token is there")
	}
	attn.PagedStore(s.pool.o.Format, s.data[pos/PageTokens][s.offset(layer, head):], pos%PageTokens, k, v)
}

func pagesOf(tokens int) int { return (tokens + PageTokens - 1) / PageTokens }
