package tokenizer

// addedToken is a token that is found in the text before it is split.
type addedToken struct {
	content    string
	id         int32
	singleWord bool
	lstrip     bool
	rstrip     bool
	normalized bool
	special    bool
}

// matcher finds added tokens: at the leftmost place where one begins, the
// longest one.
type matcher struct {
	trie   *trie
	tokens []addedToken // by the trie's values
	first  [256]bool    // bytes a token begins with
	second []uint64     // bitmap of the two bytes a token begins with
}

func newMatcher() *matcher {
	return &matcher{trie: newTrie(64), second: make([]uint64, 1<<16/64)}
}

// add enters a token under the text to look for.
func (m *matcher) add(text string, t addedToken) error {
	m.first[text[0]] = true
	if len(text) == 1 { // whatever follows
		for c := range 256 {
			m.mark(text[0], byte(c))
		}
	} else {
		m.mark(text[0], text[1])
	}
	m.tokens = append(m.tokens, t)
	return m.trie.add([]byte(text), int32(len(m.tokens)-1))
}

func (m *matcher) mark(a, b byte) {
	k := uint(a)<<8 | uint(b)
	m.second[k>>6] |= 1 << (k & 63)
}

// find returns the first match at or after i: its token and place; nil if none.
func (m *matcher) find(b []byte, i int) (*addedToken, int, int) {
	for ; i < len(b); i++ {
		if !m.first[b[i]] {
			continue
		}
		if i+1 < len(b) {
			if k := uint(b[i])<<8 | uint(b[i+1]); m.second[k>>6]>>(k&63)&1 == 0 {
				continue
			}
		}
		if v, end := m.trie.longest(b, i, len(b)); v >= 0 {
			return &m.tokens[v], i, end
		}
	}
	return nil, len(b), len(b)
}

// next returns the next piece of b: a token with its place [start, end), or nil
// with the end of the text. done is where the last piece ended and from where to
// look on; the text between done and start is an ordinary piece.
func (m *matcher) next(b []byte, done, from int) (t *addedToken, start, end, resume int) {
	u := uni()
	for {
		t, start, end = m.find(b, from)
		if t == nil {
			return nil, len(b), len(b), len(b)
		}
		from, resume = end, end
		if t.singleWord {
			if start > 0 {
				if p, _ := u.propBefore(b, start); p&propWord != 0 {
					continue
				}
			}
			if end < len(b) {
				if p, _ := u.propAt(b, end); p&propWord != 0 {
					continue
				}
			}
		}
		for t.lstrip && start > done {
			p, n := u.propBefore(b, start)
			if p&propWhite == 0 {
				break
			}
			start -= n
		}
		for t.rstrip && end < len(b) {
			p, n := u.propAt(b, end)
			if p&propWhite == 0 {
				break
			}
			end += n
		}
		start = max(start, done)
		if end > start { // else a token before it took its spaces, and it was nothing else
			return t, start, end, max(resume, end)
		}
	}
}

// pieces calls f for every piece of b in order, with the token or nil.
func (m *matcher) pieces(b []byte, f func(t *addedToken, start, end int) error) error {
	done, from := 0, 0
	for done < len(b) {
		t, start, end, resume := m.next(b, done, from)
		if start > done {
			if err := f(nil, done, start); err != nil {
				return err
			}
		}
		if t == nil {
			return nil
		}
		if err := f(t, start, end); err != nil {
			return err
		}
		done, from = end, resume
	}
	return nil
}
