package kv

// A Sequence is the keys and values of the tokens that a decoder has read, in
// their order.
type Sequence struct {
	pool  *Pool
	pages []*page
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
	for _, g := range s.pages[pages:] {
		s.pool.drop(g)
	}
	clear(s.pages[pages:])
	s.pages = s.pages[:pages]
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
			s.giveBack(had)
			return ErrFull
		}
		s.pages = append(s.pages, g)
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
		s.giveBack(had)
		return ErrFull
	}
	// The lock keeps the page's other owners from becoming the only one, who
	// may write, while it is read.
	copy(g.data, s.pages[last].data)
	s.pool.drop(s.pages[last])
	s.pages[last] = g
	s.pool.stats.Copied++
	return nil
}

func (s *Sequence) giveBack(had int) {
	for _, g := range s.pages[had:] {
		s.pool.drop(g)
	}
	s.pages = s.pages[:had]
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

func pagesOf(tokens int) int { return (tokens + PageTokens - 1) / PageTokens }
