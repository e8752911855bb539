package grammar

import (
	"slices"
	"unicode/utf8"
)

// A charset is a set of code points as an automaton over their bytes. Node 0 is
// where a code point begins; done is where it has ended.
type charset struct {
	nodes [][]edge
}

const done = -1

// byteSeq is the encodings of some code points: a range for each byte.
type byteSeq [][2]byte

// newCharset makes the automaton of the code points in ranges, pairs of first and
// last in order: of UTF-8, or of what stands for it within a JSON string. There a
// character that must be escaped has one spelling: the short one, or \u00 and two
// lower-case digits.
func newCharset(ranges []rune, json bool) *charset {
	var seqs []byteSeq
	for i := 0; i+1 < len(ranges); i += 2 {
		lo, hi := ranges[i], ranges[i+1]
		if !json {
			seqs = utf8Range(seqs, lo, hi)
			continue
		}
		for r := lo; r <= hi && r <= '\\'; r++ {
			if e := escapeOf(r); e != "" {
				var s byteSeq
				for _, b := range []byte(e) {
					s = append(s, [2]byte{b, b})
				}
				seqs = append(seqs, s)
			}
		}
		for _, part := range [][2]rune{{' ', '!'}, {'#', '['}, {']', utf8.MaxRune}} {
			seqs = utf8Range(seqs, max(lo, part[0]), min(hi, part[1]))
		}
	}
	slices.SortFunc(seqs, func(a, b byteSeq) int {
		return slices.CompareFunc(a, b, func(x, y [2]byte) int { return int(x[0]) - int(y[0]) })
	})
	c := &charset{nodes: [][]edge{nil}}
	c.nodes[0] = c.edges(seqs, map[string]int32{})
	return c
}

// escapeOf is how r is written within a JSON string when it cannot stand for
// itself.
func escapeOf(r rune) string {
	switch r {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	if r >= 0 && r < ' ' {
		const digits = "0123456789abcdef"
		return `\u00` + string(digits[r>>4]) + string(digits[r&15])
	}
	return ""
}

// edges are those of the node from which seqs begin. Ranges of the first byte are
// equal or disjoint, since code points of one range and length are.
func (c *charset) edges(seqs []byteSeq, known map[string]int32) []edge {
	var out []edge
	for i := 0; i < len(seqs); {
		j := i + 1
		for j < len(seqs) && seqs[j][0] == seqs[i][0] {
			j++
		}
		e := edge{lo: seqs[i][0][0], hi: seqs[i][0][1], next: done}
		if len(seqs[i]) > 1 {
			rest := make([]byteSeq, 0, j-i)
			for _, s := range seqs[i:j] {
				rest = append(rest, s[1:])
			}
			e.next = c.node(c.edges(rest, known), known)
		}
		if n := len(out); n > 0 && out[n-1].next == e.next && int(out[n-1].hi)+1 == int(e.lo) {
			out[n-1].hi = e.hi
		} else {
			out = append(out, e)
		}
		i = j
	}
	return out
}

// node is the node with these edges, shared by all that have them.
func (c *charset) node(edges []edge, known map[string]int32) int32 {
	key := make([]byte, 0, 6*len(edges))
	for _, e := range edges {
		key = append(key, e.lo, e.hi, byte(e.next), byte(e.next>>8), byte(e.next>>16), byte(e.next>>24))
	}
	if id, ok := known[string(key)]; ok {
		return id
	}
	id := int32(len(c.nodes))
	c.nodes = append(c.nodes, edges)
	known[string(key)] = id
	return id
}

// utf8Range appends the encodings of lo..hi, without surrogates.
func utf8Range(seqs []byteSeq, lo, hi rune) []byteSeq {
	const surrogateLo, surrogateHi = 0xd800, 0xdfff
	if lo <= surrogateHi && hi >= surrogateLo {
		seqs = utf8Range(seqs, lo, surrogateLo-1)
		return utf8Range(seqs, surrogateHi+1, hi)
	}
	if lo > hi {
		return seqs
	}
	for _, last := range []rune{0x7f, 0x7ff, 0xffff} { // of each length
		if lo <= last && last < hi {
			seqs = utf8Range(seqs, lo, last)
			return utf8Range(seqs, last+1, hi)
		}
	}
	if hi > 0x7f {
		// Split until every byte after the first that differs has its whole range.
		for shift := 6; shift <= 18; shift += 6 {
			mask := rune(1)<<shift - 1
			if lo&^mask == hi&^mask {
				break
			}
			if lo&mask != 0 {
				seqs = utf8Range(seqs, lo, lo|mask)
				return utf8Range(seqs, (lo|mask)+1, hi)
			}
			if hi&mask != mask {
				seqs = utf8Range(seqs, lo, hi&^mask-1)
				return utf8Range(seqs, hi&^mask, hi)
			}
		}
	}
	var a, b [utf8.UTFMax]byte
	n := utf8.EncodeRune(a[:], lo)
	utf8.EncodeRune(b[:], hi)
	s := make(byteSeq, n)
	for i := range s {
		s[i] = [2]byte{a[i], b[i]}
	}
	return append(seqs, s)
}
