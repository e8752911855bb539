package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// unigram finds the tokens of the greatest total score (Kudo 2018,
// arXiv:1804.10959) by dynamic programming over the places of a word.
type unigram struct {
	vocab    *vocab
	trie     *trie
	score    []float64 // [ids]
	unkScore float64
	unk      int32      // -1 if the model has none
	bytes    [256]int32 // byte tokens
	fallback bool
}

// unkPenalty is how much an unknown character is worse than the worst token.
const unkPenalty = 10

// lattice is the best way to each place of a word.
type lattice struct {
	score []float64
	start []int32 // where its last token begins; -1 not reached
	id    []int32
}

// tokenize appends the tokens of a word to sc.toks. It fails at a character that
// is in no token when the model has no unknown token.
func (m *unigram) tokenize(sc *scratch, w []byte) error {
	l, n := &sc.lattice, len(w)+1
	l.score, l.start, l.id = slices.Grow(l.score[:0], n)[:n], slices.Grow(l.start[:0], n)[:n], slices.Grow(l.id[:0], n)[:n]
	for i := range l.start {
		l.score[i], l.start[i] = 0, -1
	}
	for i := 0; i < len(w); {
		_, size := utf8.DecodeRune(w[i:])
		if !m.extend(l, w, i, size) {
			if m.unk < 0 {
				return errUnknown
			}
			l.offer(i, i+size, m.unk, m.unkScore)
		}
		i += size
	}
	m.backtrack(sc, w)
	return nil
}

// extend offers every token that begins at i and reports whether one of them is
// the one character there.
func (m *unigram) extend(l *lattice, w []byte, i, size int) bool {
	single, node := false, uint32(0)
	for k := i; k < len(w); k++ {
		next, end, ok := m.trie.child(node, w[k])
		if !ok {
			break
		}
		if node = next; end {
			id := m.trie.value[node]
			l.offer(i, k+1, id, m.score[id])
			single = single || k+1-i == size
		}
	}
	return single
}

// offer takes a token as the way to end if it is better than the one so far.
func (l *lattice) offer(start, end int, id int32, score float64) {
	if s := score + l.score[start]; l.start[end] < 0 || s > l.score[end] {
		l.score[end], l.start[end], l.id[end] = s, int32(start), id
	}
}

// backtrack appends the tokens of the best way. Unknown ones that touch are one.
func (m *unigram) backtrack(sc *scratch, w []byte) {
	l, before := &sc.lattice, len(sc.toks)
	for end := int32(len(w)); end > 0; {
		start, id := l.start[end], l.id[end]
		for id == m.unk && start > 0 && l.id[start] == m.unk {
			start = l.start[start]
		}
		text := w[start:end]
		if id == m.unk {
			if found := m.vocab.find(text); found >= 0 {
				id = found
			}
		}
		if id == m.unk && m.fallback && m.hasBytes(text) && m.vocab.find(text) < 0 {
			for i := len(text) - 1; i >= 0; i-- {
				sc.toks = append(sc.toks, tok{m.bytes[text[i]], start, end})
			}
		} else {
			sc.toks = append(sc.toks, tok{id, start, end})
		}
		end = start
	}
	slices.Reverse(sc.toks[before:])
}

func (m *unigram) hasBytes(text []byte) bool {
	for _, c := range text {
		if m.bytes[c] < 0 {
			return false
		}
	}
	return true
}
