package grammar

import "slices"

// An object's members come in the order of props, then others. Its keys are a trie
// of their JSON texts, quotes and colon included.
type object struct {
	props   []property
	nodes   []keyNode
	leaves  []int32 // of all nodes, node by node
	nextReq []int32 // from each property on: the next that is required, or len(props)
	reqRest []int32 // from each property on: bytes that the required ones take, with separators

	extra  int32 // the rule of members that props does not name, -1: none
	keys   *dfa  // of their keys, colon included
	inside int32 // the state of keys in which any plain text may follow, or -1
	room   int32 // of them, at most
}

type property struct {
	key      []byte // as JSON, with quotes and colon
	rule     int32
	required bool
}

// keyBytes bounds the text of a key that no schema names, with quotes and colon.
const keyBytes = 64

// A keyNode is a node of the trie of keys. The properties below it are
// leaves[leaf:leafEnd] of the object, in order.
type keyNode struct {
	edges         []edge
	leaf, leafEnd int32
	prop          int32 // whose key ends here, or -1
	depth         int32
}

// build makes the trie and the sums.
func (o *object) build(g *Grammar, limit int) error {
	n := len(o.props)
	o.nextReq, o.reqRest = make([]int32, n+1), make([]int32, n+1)
	o.nextReq[n] = int32(n)
	for i := n - 1; i >= 0; i-- {
		p := &o.props[i]
		o.nextReq[i], o.reqRest[i] = o.nextReq[i+1], o.reqRest[i+1]
		if p.required {
			o.nextReq[i] = int32(i)
			o.reqRest[i] = addLimited(o.reqRest[i], addLimited(g.sep()+int32(len(p.key)), g.rules[p.rule].close))
		}
	}
	below := [][]int32{nil}
	o.nodes = []keyNode{{prop: -1}}
	for i, p := range o.props {
		at := int32(0)
		below[0] = append(below[0], int32(i))
		for _, b := range p.key {
			edges := o.nodes[at].edges
			j := slices.IndexFunc(edges, func(e edge) bool { return e.lo == b })
			if j < 0 {
				if len(o.nodes) > limit {
					return limitf("the names of properties need more than %d states", limit)
				}
				o.nodes[at].edges = append(edges, edge{lo: b, hi: b, next: int32(len(o.nodes))})
				o.nodes = append(o.nodes, keyNode{prop: -1, depth: o.nodes[at].depth + 1})
				below = append(below, nil)
				at = int32(len(o.nodes) - 1)
			} else {
				at = edges[j].next
			}
			below[at] = append(below[at], int32(i))
		}
		o.nodes[at].prop = int32(i)
	}
	for i := range o.nodes {
		o.nodes[i].leaf = int32(len(o.leaves))
		o.leaves = append(o.leaves, below[i]...)
		o.nodes[i].leafEnd = int32(len(o.leaves))
	}
	return nil
}

// An array has need to room items. Item i is of the rule items[i], of the last one
// beyond that.
type array struct {
	items      []int32
	need, room int32
}

func (a *array) item(i int32) int32 { return a.items[min(int(i), len(a.items)-1)] }

// rest is the shortest end after item i-1 when need more must come: separators,
// items, and the bracket.
func (a *array) rest(g *Grammar, need, i int32) int32 {
	sum, last := int32(1), int32(len(a.items)-1)
	for ; need > 0 && i < last; i++ {
		sum = addLimited(sum, addLimited(g.sep(), g.rules[a.items[i]].close))
		need--
	}
	if need > 0 {
		sum = addLimited(sum, mulLimited(need, addLimited(g.sep(), g.rules[a.items[last]].close)))
	}
	return sum
}
