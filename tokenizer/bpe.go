package tokenizer

import (
	"bytes"
	"hash/maphash"
	"math"
	"unicode/utf8"
)

// tok is a token of a word: its id and its bytes of the word.
type tok struct{ id, start, end int32 }

// symbol is a part of a word while it is merged. prev and next link the symbols
// of a long word.
type symbol struct {
	tok
	prev, next int32
}

// noPair is the value of a pair that has no merge; it is greater than all others.
const noPair = math.MaxUint64

// mergeTable maps a pair of ids to rank<<32|id of the merged token, in an
// open-addressing table.
type mergeTable struct {
	slots []mergeSlot
	shift uint
	seed  uint64
}

type mergeSlot struct {
	pair  uint64 // left<<32 | right
	value uint64 // (rank+1)<<32 | id; 0 is free
}

// newMergeTable makes room for n merges.
func newMergeTable(n int) *mergeTable {
	t := &mergeTable{shift: 60, seed: maphash.Bytes(maphash.MakeSeed(), nil)}
	slots := 16
	for slots < n+n/2 {
		slots *= 2
		t.shift--
	}
	t.slots = make([]mergeSlot, slots)
	return t
}

// add enters a merge; a pair that occurs again takes its later rank, as in the
// reference.
func (t *mergeTable) add(left, right, rank, id int32) {
	pair, mask := uint64(left)<<32|uint64(right), len(t.slots)-1
	i := int((pair ^ t.seed) * trieMul >> t.shift)
	for t.slots[i].value != 0 && t.slots[i].pair != pair {
		i = (i + 1) & mask
	}
	t.slots[i] = mergeSlot{pair, uint64(rank+1)<<32 | uint64(id)}
}

// get returns the merge of two ids, noPair if there is none. Lower is earlier.
func (t *mergeTable) get(left, right int32) uint64 {
	pair, mask := uint64(left)<<32|uint64(right), len(t.slots)-1
	i := int((pair ^ t.seed) * trieMul >> t.shift)
	for {
		s := &t.slots[i&mask]
		if s.value == 0 {
			return noPair
		}
		if s.pair == pair {
			return s.value
		}
		i++
	}
}

// bpe is byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) over bytes
// or over characters, these with or without fallback to bytes.
type bpe struct {
	vocab        *vocab
	merges       *mergeTable
	bytes        [256]int32 // token of a byte (byte level or fallback), -1 if there is none
	ascii        [128]int32 // token of an ASCII character, for character level
	byteLevel    bool
	fallback     bool
	ignoreMerges bool
	fuseUnk      bool
	unk          int32
	prefix       string // of every character but the first of a word
	breaks       *breakSet
}

// shortWord is the number of symbols up to which merging by scanning all pairs
// is faster than the queue.
const shortWord = 40

// tokenize appends the tokens of a word to sc.toks.
func (m *bpe) tokenize(sc *scratch, w []byte) {
	if m.ignoreMerges {
		if id := m.vocab.find(w); id >= 0 {
			sc.toks = append(sc.toks, tok{id, 0, int32(len(w))})
			return
		}
	}
	sc.symbols = sc.symbols[:0]
	if m.byteLevel {
		m.byteSymbols(sc, w)
	} else {
		m.charSymbols(sc, w)
	}
	n := len(sc.symbols)
	if n <= shortWord {
		n = m.mergeShort(sc.symbols)
		for i := range sc.symbols[:n] {
			sc.toks = append(sc.toks, sc.symbols[i].tok)
		}
		return
	}
	m.mergeLong(sc)
	for i := int32(0); i >= 0; i = sc.symbols[i].next {
		sc.toks = append(sc.toks, sc.symbols[i].tok)
	}
}

// byteSymbols splits a word into bytes. A byte that is no token is unknown, or
// dropped where there is no token for that.
func (m *bpe) byteSymbols(sc *scratch, w []byte) {
	for i, c := range w {
		id := m.bytes[c]
		if id < 0 {
			if id = m.unk; id < 0 {
				continue
			}
			if n := len(sc.symbols); m.fuseUnk && n > 0 && i > 0 && m.bytes[w[i-1]] < 0 {
				sc.symbols[n-1].end++
				continue
			}
		}
		sc.symbols = append(sc.symbols, symbol{tok: tok{id, int32(i), int32(i + 1)}})
	}
}

// charSymbols splits a word into characters. One that is no token becomes its
// bytes if they all are tokens, else it is unknown.
func (m *bpe) charSymbols(sc *scratch, w []byte) {
	unk := tok{id: -1} // an unknown token not yet appended: it may grow
	flush := func() {
		if unk.id >= 0 {
			sc.symbols = append(sc.symbols, symbol{tok: unk})
			unk.id = -1
		}
	}
	for i := 0; i < len(w); {
		n := 1
		if w[i] >= utf8.RuneSelf {
			_, n = utf8.DecodeRune(w[i:])
		}
		char := w[i : i+n]
		id := int32(-1)
		switch {
		case m.prefix != "" && i > 0:
			sc.text = append(append(sc.text[:0], m.prefix...), char...)
			char = sc.text
			id = m.vocab.find(char)
		case n == 1:
			id = m.ascii[w[i]]
		default:
			id = m.vocab.find(char)
		}
		start, end := int32(i), int32(i+n)
		i += n
		if id >= 0 {
			flush()
			sc.symbols = append(sc.symbols, symbol{tok: tok{id, start, end}})
			continue
		}
		if m.fallback && m.hasBytes(char) {
			// The prefix is spelled out, too; its bytes stand for the character.
			for k, c := range char {
				at := start + int32(max(0, k-(len(char)-n)))
				sc.symbols = append(sc.symbols, symbol{tok: tok{m.bytes[c], at, at + 1}})
			}
			continue
		}
		if m.unk < 0 {
			continue
		}
		if unk.id >= 0 && m.fuseUnk {
			unk.end = end
			continue
		}
		flush()
		unk = tok{m.unk, start, end}
	}
	flush()
}

func (m *bpe) hasBytes(char []byte) bool {
	for _, c := range char {
		if m.bytes[c] < 0 {
			return false
		}
	}
	return true
}

// mergeShort merges in place and returns the number of symbols that are left:
// always the pair of the lowest rank, of equal ones the leftmost.
func (m *bpe) mergeShort(sym []symbol) int {
	var pairs [shortWord]uint64
	n := len(sym)
	for i := 0; i+1 < n; i++ {
		pairs[i] = m.merges.get(sym[i].id, sym[i+1].id)
	}
	for {
		best, at := uint64(noPair), 0
		for i, p := range pairs[:max(n-1, 0)] {
			if p < best {
				best, at = p, i
			}
		}
		if best == noPair {
			return n
		}
		sym[at].id, sym[at].end = int32(best&math.MaxUint32), sym[at+1].end
		copy(sym[at+1:n-1], sym[at+2:n])
		copy(pairs[at+1:n-1], pairs[at+2:n])
		n--
		pairs[n-1] = noPair
		if at+1 < n {
			pairs[at] = m.merges.get(sym[at].id, sym[at+1].id)
		}
		if at > 0 {
			pairs[at-1] = m.merges.get(sym[at-1].id, sym[at].id)
		}
	}
}

// mergeLong merges the linked list of sc.symbols with a queue of pairs. It takes
// n log n steps.
func (m *bpe) mergeLong(sc *scratch) {
	sym, q := sc.symbols, sc.queue[:0]
	sc.pairs = sc.pairs[:0]
	for i := range sym {
		sym[i].prev, sym[i].next = int32(i-1), int32(i+1)
		value := uint64(noPair)
		if i+1 < len(sym) {
			value = m.merges.get(sym[i].id, sym[i+1].id)
		}
		sc.pairs = append(sc.pairs, value)
		if value != noPair {
			q = append(q, value>>32<<32|uint64(i))
		}
	}
	sym[len(sym)-1].next = -1
	pairs := sc.pairs // merge of each symbol with the next; noPair for one that is gone
	heapify(q)
	set := func(i int32) {
		pairs[i] = noPair
		if next := sym[i].next; next >= 0 {
			if pairs[i] = m.merges.get(sym[i].id, sym[next].id); pairs[i] != noPair {
				q = push(q, pairs[i]>>32<<32|uint64(i))
			}
		}
	}
	for len(q) > 0 {
		top := q[0]
		q = pop(q)
		i := int32(top & math.MaxUint32)
		if pairs[i]>>32 != top>>32 { // the pair has changed since
			continue
		}
		next := sym[i].next
		sym[i].id, sym[i].end = int32(pairs[i]&math.MaxUint32), sym[next].end
		sym[i].next = sym[next].next
		pairs[next] = noPair
		if after := sym[i].next; after >= 0 {
			sym[after].prev = i
		}
		set(i)
		if sym[i].prev >= 0 {
			set(sym[i].prev)
		}
	}
	sc.queue = q
}

func heapify(q []uint64) {
	for i := len(q)/4 + 1; i >= 0; i-- {
		if i < len(q) {
			down(q, i)
		}
	}
}

// down restores the heap, of four children a node, below i.
func down(q []uint64, i int) {
	v := q[i]
	for {
		first := 4*i + 1
		if first >= len(q) {
			break
		}
		least := first
		for k := first + 1; k < min(first+4, len(q)); k++ {
			if q[k] < q[least] {
				least = k
			}
		}
		if v <= q[least] {
			break
		}
		q[i] = q[least]
		i = least
	}
	q[i] = v
}

func push(q []uint64, v uint64) []uint64 {
	q = append(q, v)
	i := len(q) - 1
	for i > 0 && v < q[(i-1)/4] {
		q[i] = q[(i-1)/4]
		i = (i - 1) / 4
	}
	q[i] = v
	return q
}

func pop(q []uint64) []uint64 {
	last := q[len(q)-1]
	q = q[:len(q)-1]
	if len(q) > 0 {
		q[0] = last
		down(q, 0)
	}
	return q
}

// metaspace is the character that stands for a space in SentencePiece.
const metaspace = "▁"

// breakSet finds places where a word may be cut without changing its tokens: in
// front of a metaspace, after a character that no token has in front of one. So
// a text that is one word (Gemma has no pre-tokeniser) is cut into words.
type breakSet struct {
	before map[rune]bool // characters that stand before a metaspace in a token
	ascii  [128]bool
}

// newBreakSet looks through the vocabulary. It returns nil where cutting would
// not pay.
func newBreakSet(v *vocab) *breakSet {
	s := &breakSet{before: map[rune]bool{}}
	for id := range v.ids() {
		text := v.token(int32(id))
		for i := 1; i < len(text); {
			k := bytes.Index(text[i:], []byte(metaspace))
			if k < 0 {
				break
			}
			r, _ := utf8.DecodeLastRune(text[:i+k])
			s.before[r] = true
			i += k + len(metaspace)
		}
	}
	if len(s.before) > 1000 {
		return nil
	}
	for r := range s.before {
		if r < utf8.RuneSelf {
			s.ascii[r] = true
		}
	}
	return s
}

// next returns the end of the part of w that begins at i.
func (s *breakSet) next(w []byte, i int) int {
	for i++; i < len(w); i++ {
		if w[i] != metaspace[0] || !bytes.HasPrefix(w[i:], []byte(metaspace)) {
			continue
		}
		if c := w[i-1]; c < utf8.RuneSelf {
			if !s.ascii[c] {
				return i
			}
		} else if r, _ := utf8.DecodeLastRune(w[:i]); !s.before[r] {
			return i
		}
	}
	return len(w)
}
