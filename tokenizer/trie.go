package tokenizer

import (
	"errors"
	"math/bits"
)

// trie is a byte trie in an open-addressing table of its edges. Node 0 is the
// root. An edge is the key node<<8|byte (32 bits) beside the child (31 bits) and
// whether a token ends there.
type trie struct {
	slots []uint64 // key<<32 | end<<31 | child; 0 is free (no edge leads to the root)
	value []int32  // [nodes] id of the token that ends at the node, -1 for none
	shift uint
}

const (
	trieEnd   = 1 << 31
	maxTrie   = 1 << 22 // nodes; a key has 24 bits for one
	trieMul   = 0x9E3779B97F4A7C15
	trieChild = trieEnd - 1
)

func newTrie(edges int) *trie {
	n := max(64, 1<<bits.Len(uint(edges+edges/2)))
	return &trie{slots: make([]uint64, n), value: append(make([]int32, 0, edges+1), -1), shift: uint(64 - bits.Len(uint(n-1)))}
}

// child follows the edge c from node: the child, whether a token ends there, and
// whether there is such an edge.
func (t *trie) child(node uint32, c byte) (uint32, bool, bool) {
	key := uint64(node)<<8 | uint64(c)
	mask := uint64(len(t.slots) - 1)
	for i := key * trieMul >> t.shift; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			return 0, false, false
		}
		if s>>32 == key {
			return uint32(s) & trieChild, s&trieEnd != 0, true
		}
	}
}

// step is child that makes the edge when there is none.
func (t *trie) step(node uint32, c byte) (*uint64, error) {
	key := uint64(node)<<8 | uint64(c)
	mask := uint64(len(t.slots) - 1)
	i := key * trieMul >> t.shift
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i]>>32 == key {
			return &t.slots[i], nil
		}
	}
	if len(t.value) >= maxTrie {
		return nil, errors.New("the tokens have too many different beginnings (more than 2^22)")
	}
	if len(t.value)*4 >= len(t.slots)*3 {
		t.grow()
		return t.step(node, c)
	}
	t.slots[i] = key<<32 | uint64(len(t.value))
	t.value = append(t.value, -1)
	return &t.slots[i], nil
}

func (t *trie) grow() {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	t.shift--
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := (s >> 32) * trieMul >> t.shift
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// add enters a key. A key entered twice keeps its last id.
func (t *trie) add(key []byte, id int32) error {
	node, slot := uint32(0), (*uint64)(nil)
	for _, c := range key {
		var err error
		if slot, err = t.step(node, c); err != nil {
			return err
		}
		node = uint32(*slot) & trieChild
	}
	if slot != nil {
		*slot |= trieEnd
		t.value[node] = id
	}
	return nil
}

// longest returns the id and the end of the longest key that is a prefix of
// b[i:end], -1 when there is none.
func (t *trie) longest(b []byte, i, end int) (int32, int) {
	id, at, node := int32(-1), i, uint32(0)
	for i < end {
		next, last, ok := t.child(node, b[i])
		if !ok {
			break
		}
		i++
		if last {
			id, at = t.value[next], i
		}
		node = next
	}
	return id, at
}
