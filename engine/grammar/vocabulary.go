package grammar

import (
	"bytes"
	"cmp"
	"slices"
)

// A Vocabulary is the bytes of each token of a model, as a trie. It does not change
// and may be shared.
type Vocabulary struct {
	pieces [][]byte
	eos    []int32
	isEOS  map[int32]bool
	nodes  []trieNode // in preorder; the first is the root, the last an end
	tokens []int32    // that end at node i: tokens[nodes[i].token:nodes[i+1].token]

	missing byteSet // bytes that are no token

	plain []uint64 // the tokens that are such text as a whole

	words   int // of a mask
	longest int // piece
	closers int // brackets that close, in one piece, at most
	openers int
}

type trieNode struct {
	skip    int32 // the node after those below this one
	token   int32
	depth   int16
	deepest int16 // depth of those below
	b       byte
	// What follows this node in every piece is, or begins, text that may stand in a
	// JSON string as it is, when a code point ends here.
	plain bool
}

// maxPiece bounds the pieces that are ever allowed.
const maxPiece = 1<<15 - 1

// NewVocabulary takes the bytes of each token by its id. A token without bytes is
// never allowed, nor is one with a byte that is no token of its own, nor one of eos
// but where a text may end. The pieces are not copied.
func NewVocabulary(pieces [][]byte, eos ...int32) *Vocabulary {
	v := &Vocabulary{pieces: pieces, eos: slices.Clone(eos), isEOS: map[int32]bool{}, words: (len(pieces) + 63) / 64}
	for _, id := range eos {
		if id < 0 || int(id) >= len(pieces) {
			panic("grammar: NewVocabulary: an EOS token is not in the vocabulary")
		}
		v.isEOS[id] = true
	}
	v.findMissing()
	ids := make([]int32, 0, len(pieces))
	for id, p := range pieces {
		if len(p) > 0 && len(p) <= maxPiece && !v.isEOS[int32(id)] && !v.missing.hasAny(string(p)) {
			ids = append(ids, int32(id))
			v.measure(p)
		}
	}
	slices.SortFunc(ids, func(a, b int32) int {
		if c := bytes.Compare(pieces[a], pieces[b]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	v.nodes = []trieNode{{}}
	open := []int32{0} // the path to the last piece
	var last []byte
	for _, id := range ids {
		p := pieces[id]
		same := 0
		for same < len(p) && same < len(last) && p[same] == last[same] {
			same++
		}
		for len(open) > same+1 {
			v.nodes[open[len(open)-1]].skip = int32(len(v.nodes))
			open = open[:len(open)-1]
		}
		for ; same < len(p); same++ {
			open = append(open, int32(len(v.nodes)))
			v.nodes = append(v.nodes, trieNode{token: int32(len(v.tokens)), depth: int16(same + 1), b: p[same]})
		}
		v.tokens = append(v.tokens, id)
		last = p
	}
	for _, n := range open {
		v.nodes[n].skip = int32(len(v.nodes))
	}
	v.nodes = append(v.nodes, trieNode{token: int32(len(v.tokens))})
	v.findPlain()
	return v
}

// findPlain goes through the trie from its end, so that children come first, and
// keeps for each node the states of the automaton of JSON strings from which all
// that follows is plain.
func (v *Vocabulary) findPlain() {
	d := jsonString()
	inside := d.next(0, '"').to()
	next := make([][256]int8, len(d.accept))
	for s := range next {
		for b := range 256 {
			next[s][b] = -1
			if a := d.next(int32(s), byte(b)); a != noArc && b != '\\' && b != '"' && s != 0 {
				next[s][b] = int8(a.to())
			}
		}
	}
	all := uint32(1)<<len(next) - 1
	from := make([]uint32, len(v.nodes)) // so far: the states from which what follows is plain
	for i := range from {
		from[i] = all
	}
	parents := make([]int32, len(v.nodes))
	var path []int32
	for i := range v.nodes[:len(v.nodes)-1] {
		n := &v.nodes[i]
		path = append(path[:n.depth], int32(i))
		if n.depth > 0 {
			parents[i] = path[n.depth-1]
		}
		n.deepest = n.depth
	}
	for i := len(v.nodes) - 2; i > 0; i-- {
		n, p := &v.nodes[i], parents[i]
		n.plain = from[i]>>inside&1 != 0
		v.nodes[p].deepest = max(v.nodes[p].deepest, n.deepest)
		for s := range next {
			if t := next[s][n.b]; t < 0 || from[i]>>t&1 == 0 {
				from[p] &^= 1 << s
			}
		}
	}
	v.plain = make([]uint64, v.words)
	for _, id := range v.tokens {
		s := int8(inside)
		for _, b := range v.pieces[id] {
			if s = next[s][b]; s < 0 {
				break
			}
		}
		if s >= 0 {
			v.plain[id>>6] |= 1 << (id & 63)
		}
	}
}

func (v *Vocabulary) measure(p []byte) {
	open, closed := 0, 0
	for _, b := range p {
		switch b {
		case '{', '[':
			open++
		case '}', ']':
			closed++
		}
	}
	v.longest, v.openers, v.closers = max(v.longest, len(p)), max(v.openers, open), max(v.closers, closed)
}

// Len is the number of tokens.
func (v *Vocabulary) Len() int { return len(v.pieces) }

func (v *Vocabulary) findMissing() {
	v.missing.add(0, 255)
	for id, p := range v.pieces {
		if len(p) == 1 && !v.isEOS[int32(id)] {
			v.missing[p[0]>>6] &^= 1 << (p[0] & 63)
		}
	}
}

// Missing are the bytes that are no token of their own. Texts that need one of
// them are not written, see Bind.
func (v *Vocabulary) Missing() []byte {
	var out []byte
	for b := range 256 {
		if v.missing.has(byte(b)) {
			out = append(out, byte(b))
		}
	}
	return out
}
