package tokenizer

import "unicode/utf8"

// wordPiece takes the longest token again and again (Wu et al. 2016,
// arXiv:1609.08144). A word for which that fails is one unknown token.
type wordPiece struct {
	first *trie // tokens for the beginning of a word
	rest  *trie // tokens for what follows, without their prefix
	unk   int32
	max   int // characters of a word; a longer one is unknown
}

// newWordPiece builds the tries of a vocabulary.
func newWordPiece(v *vocab, prefix string, unk int32, max int) (*wordPiece, error) {
	m := &wordPiece{first: newTrie(2 * v.n), rest: newTrie(v.n / 2), unk: unk, max: max}
	for id := range int32(v.ids()) {
		token := v.token(id)
		if err := m.first.add(token, id); err != nil {
			return nil, err
		}
		if len(token) > len(prefix) && string(token[:len(prefix)]) == prefix {
			if err := m.rest.add(token[len(prefix):], id); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// tokenize appends the tokens of a word to sc.toks.
func (m *wordPiece) tokenize(sc *scratch, w []byte) {
	if len(w) > m.max && utf8.RuneCountInString(unsafeString(w)) > m.max {
		sc.toks = append(sc.toks, tok{m.unk, 0, int32(len(w))})
		return
	}
	before, t := len(sc.toks), m.first
	for i := 0; i < len(w); t = m.rest {
		id, end := t.longest(w, i, len(w))
		if id < 0 {
			sc.toks = append(sc.toks[:before], tok{m.unk, 0, int32(len(w))})
			return
		}
		sc.toks = append(sc.toks, tok{id, int32(i), int32(end)})
		i = end
	}
}
