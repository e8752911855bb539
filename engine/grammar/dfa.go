package grammar

import (
	"cmp"
	"slices"
)

// A dfa is a deterministic automaton over bytes whose every state can reach an
// end. State 0 is the start.
type dfa struct {
	first   []int32 // the edges of state s are edges[first[s]:first[s+1]], in order
	edges   []edge
	accept  []bool
	dist    []int32 // bytes to the nearest end
	maxDist int32
	longest int32 // bytes of the longest text, or -1 when there is none

	table   []arc // by state and class of bytes; nil where it would be too large
	class   [256]uint8
	classes int32
}

// An edge leads from a state to next for the bytes lo..hi.
type edge struct {
	lo, hi byte
	flag   edgeFlag
	next   int32
}

type edgeFlag uint8

// Flags of JSON strings whose length is counted at run time.
const (
	beginsChar edgeFlag = 1 + iota // a code point begins
	endsString                     // only when there are enough
)

// maxTable bounds the cells of a table of an automaton: 8 MiB.
const maxTable = 1 << 21

// tabulate makes the table that next uses, unless it would be too large. Bytes that
// no edge tells apart are one class.
func (d *dfa) tabulate() {
	var cuts [257]bool
	for _, e := range d.edges {
		cuts[e.lo], cuts[int(e.hi)+1] = true, true
	}
	n := int32(0)
	for b := range 256 {
		if cuts[b] && b > 0 {
			n++
		}
		d.class[b] = uint8(n)
	}
	d.classes = n + 1
	if int(d.classes)*len(d.accept) > maxTable {
		return
	}
	d.table = make([]arc, int(d.classes)*len(d.accept))
	for s := range d.accept {
		row := d.table[s*int(d.classes):][:d.classes]
		for i := range row {
			row[i] = noArc
		}
		for _, e := range d.edges[d.first[s]:d.first[s+1]] {
			for c := int(d.class[e.lo]); c <= int(d.class[e.hi]); c++ {
				row[c] = arcOf(e)
			}
		}
	}
}

// An arc is where an edge leads and its flag in one word.
type arc int32

const noArc arc = -1

func arcOf(e edge) arc { return arc(e.next<<2 | int32(e.flag)) }

func (a arc) to() int32      { return int32(a) >> 2 }
func (a arc) flag() edgeFlag { return edgeFlag(a & 3) }

// next is where s leads for b, or noArc.
func (d *dfa) next(s int32, b byte) arc {
	if d.table != nil {
		return d.table[s*d.classes+int32(d.class[b])]
	}
	return d.search(s, b)
}

func (d *dfa) search(s int32, b byte) arc {
	edges := d.edges[d.first[s]:d.first[s+1]]
	for len(edges) > 0 {
		half := len(edges) / 2
		switch e := edges[half]; {
		case b < e.lo:
			edges = edges[:half]
		case b > e.hi:
			edges = edges[half+1:]
		default:
			return arcOf(e)
		}
	}
	return noArc
}

// final reports whether a text ends in s and cannot go on.
func (d *dfa) final(s int32) bool { return d.accept[s] && d.first[s] == d.first[s+1] }

// matches reports whether text is one of the automaton's.
func (d *dfa) matches(text string) bool {
	s := int32(0)
	for i := range len(text) {
		a := d.next(s, text[i])
		if a == noArc {
			return false
		}
		s = a.to()
	}
	return d.accept[s]
}

// explore makes the automaton whose states are what visit reaches from start.
// Edges of a state must not overlap. The error is one of too many states.
func explore[K comparable](start K, limit int, visit func(k K, to func(lo, hi byte, flag edgeFlag, next K)) (accept bool)) (*dfa, error) {
	ids, keys := map[K]int32{start: 0}, []K{start}
	var edges [][]edge
	var accept []bool
	for i := 0; i < len(keys); i++ {
		var out []edge
		accept = append(accept, visit(keys[i], func(lo, hi byte, flag edgeFlag, next K) {
			id, ok := ids[next]
			if !ok {
				id = int32(len(keys))
				ids[next] = id
				keys = append(keys, next)
			}
			out = append(out, edge{lo, hi, flag, id})
		}))
		if len(keys) > limit {
			return nil, limitf("the automaton has more than %d states", limit)
		}
		edges = append(edges, out)
	}
	return newDFA(edges, accept), nil
}

// newDFA drops the states that reach no end and measures the rest. It returns nil
// when no text is left.
func newDFA(edges [][]edge, accept []bool) *dfa {
	dist := distances(edges, accept)
	if dist[0] < 0 {
		return nil
	}
	ids := make([]int32, len(edges))
	for s := range ids {
		ids[s] = -1
	}
	d := &dfa{}
	ids[0] = 0
	order := []int32{0}
	for i := 0; i < len(order); i++ {
		s := order[i]
		d.first = append(d.first, int32(len(d.edges)))
		d.accept = append(d.accept, accept[s])
		d.dist = append(d.dist, dist[s])
		d.maxDist = max(d.maxDist, dist[s])
		slices.SortFunc(edges[s], func(a, b edge) int { return cmp.Compare(a.lo, b.lo) })
		from := len(d.edges)
		for _, e := range edges[s] {
			if dist[e.next] < 0 {
				continue
			}
			if ids[e.next] < 0 {
				ids[e.next] = int32(len(order))
				order = append(order, e.next)
			}
			e.next = ids[e.next]
			if n := len(d.edges); n > from && d.edges[n-1].hi+1 == e.lo && d.edges[n-1].next == e.next && d.edges[n-1].flag == e.flag {
				d.edges[n-1].hi = e.hi
				continue
			}
			d.edges = append(d.edges, e)
		}
	}
	d.first = append(d.first, int32(len(d.edges)))
	d.longest = d.longestText()
	d.tabulate()
	return d
}

// distances are the bytes from each state to the nearest end, -1 for none.
func distances(edges [][]edge, accept []bool) []int32 {
	from := make([][]int32, len(edges))
	dist := make([]int32, len(edges))
	var queue []int32
	for s := range edges {
		for _, e := range edges[s] {
			from[e.next] = append(from[e.next], int32(s))
		}
		dist[s] = -1
		if accept[s] {
			dist[s] = 0
			queue = append(queue, int32(s))
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, s := range from[queue[i]] {
			if dist[s] < 0 {
				dist[s] = dist[queue[i]] + 1
				queue = append(queue, s)
			}
		}
	}
	return dist
}

// longestText orders the states so that edges lead forward (Kahn 1962); those of a
// cycle have no place in the order.
func (d *dfa) longestText() int32 {
	n := len(d.accept)
	in := make([]int32, n)
	for _, e := range d.edges {
		in[e.next]++
	}
	if in[0] > 0 {
		return -1
	}
	far := make([]int32, n) // from the start
	order := []int32{0}
	longest := int32(0)
	for i := 0; i < len(order); i++ {
		s := order[i]
		if d.accept[s] {
			longest = max(longest, far[s])
		}
		for _, e := range d.edges[d.first[s]:d.first[s+1]] {
			far[e.next] = max(far[e.next], far[s]+1)
			if in[e.next]--; in[e.next] == 0 {
				order = append(order, e.next)
			}
		}
	}
	if len(order) < n {
		return -1
	}
	return longest
}

// intersect is the automaton of the texts of both, nil when there is none.
func intersect(a, b *dfa, limit int) (*dfa, error) {
	type pair struct{ a, b int32 }
	return explore(pair{}, limit, func(k pair, to func(lo, hi byte, flag edgeFlag, next pair)) bool {
		for _, x := range a.edges[a.first[k.a]:a.first[k.a+1]] {
			for _, y := range b.edges[b.first[k.b]:b.first[k.b+1]] {
				if lo, hi := max(x.lo, y.lo), min(x.hi, y.hi); lo <= hi {
					to(lo, hi, max(x.flag, y.flag), pair{x.next, y.next})
				}
			}
		}
		return a.accept[k.a] && b.accept[k.b]
	})
}

// counted is d with at least lo and at most hi code points (hi < 0: any number).
// Edges that begin one are flagged beginsChar; in the result no edge is.
func counted(d *dfa, lo, hi, limit int) (*dfa, error) {
	type pair struct {
		s int32
		n int
	}
	most := hi
	if hi < 0 {
		most = lo // more need not be told apart
	}
	return explore(pair{}, limit, func(k pair, to func(lo, hi byte, flag edgeFlag, next pair)) bool {
		for _, e := range d.edges[d.first[k.s]:d.first[k.s+1]] {
			n := k.n
			if e.flag == beginsChar {
				if n++; n > most {
					if hi >= 0 {
						continue
					}
					n = most
				}
			}
			to(e.lo, e.hi, 0, pair{e.next, n})
		}
		return d.accept[k.s] && k.n >= lo
	})
}

// unflagged is d without flags.
func unflagged(d *dfa) *dfa {
	c := *d
	c.edges = slices.Clone(d.edges)
	for i := range c.edges {
		c.edges[i].flag = 0
	}
	return &c
}

// literals is the automaton of the given texts: their trie.
func literals(texts []string, limit int) (*dfa, error) {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	texts = slices.Compact(texts)
	edges, accept := [][]edge{nil}, []bool{false}
	path := []int32{0} // the states of the text before, by its length
	for i, t := range texts {
		same := 0
		if i > 0 {
			for p := texts[i-1]; same < len(p) && same < len(t) && p[same] == t[same]; {
				same++
			}
		}
		path = path[:same+1]
		for ; same < len(t); same++ {
			id := int32(len(edges))
			edges, accept = append(edges, nil), append(accept, false)
			from := path[same]
			edges[from] = append(edges[from], edge{lo: t[same], hi: t[same], next: id})
			path = append(path, id)
		}
		accept[path[len(t)]] = true
		if len(edges) > limit {
			return nil, limitf("the automaton has more than %d states", limit)
		}
	}
	return newDFA(edges, accept), nil
}
