//go:build !purego

package attn

import "unsafe"

const (
	groupRows = 16  // queries that are scored together, one in each lane of four vectors
	chunkRows = 256 // rows that go through the keys of a block together
	// blockKeys is how many keys have scores at a time. Blocks begin at its
	// multiples, unless all keys of every group fit in one.
	blockKeys = 512
)

// A plan is how a sequence is gone about: sizes, and where things are in the
// scratch, in floats. It depends on the shape and n, not on the rows.
type plan struct {
	bf16   bool
	step   int  // keys of a step of P V: 1, bf16: 4
	d      int  // HeadDim, rounded up to four, bf16: to eight
	padded bool // it was rounded
	single bool // one block holds all keys of any group

	states int // [groups of a chunk] state
	queryW int // floats of a group's packed queries
	query  int // [groups of a chunk][queryW]
	scores int // [keys of a group][groupRows]
	rows   int // [4][d], for rows that need company
	padK   int // padded: [keys of a block][d]
	padV   int // padded: [keys of a block][d]
	out    int // padded: [groupRows][d]
	p      int // bf16: probabilities, [keys of a group][groupRows] bf16
	packK  int // bf16: [keys of a block][d] bf16
	packV  int // bf16: [keys of a block][d] bf16
	length int // of all
}

const stateFloats = int(unsafe.Sizeof(state{}) / 4)

func newPlan(bf16 bool, d, reach, n int) (p plan) {
	p.bf16, p.step, p.d = bf16, 1, roundUp(d, 4)
	if bf16 {
		p.step, p.d = 4, roundUp(d, 8)
	}
	p.padded = p.d != d
	span, keys := n, n // keys of a group, of a chunk
	if reach >= 0 && reach < n {
		span = min(span, 2*reach+groupRows)
		keys = min(keys, 2*reach+chunkRows)
	}
	p.single = span <= blockKeys
	if !p.single {
		span, keys = blockKeys, min(keys, blockKeys)
	}
	// Both ends may be rounded to a step.
	span, keys = roundUp(span+p.step-1, p.step), roundUp(keys+p.step-1, p.step)
	groups := roundUp(min(n, chunkRows), groupRows) / groupRows
	take := func(floats int) (at int) {
		at = p.length
		p.length += floats
		return at
	}
	p.states = take(groups * stateFloats)
	p.queryW = groupRows * p.d
	if bf16 {
		p.queryW /= 2
	}
	p.query = take(groups * p.queryW)
	p.scores = take(groupRows * span)
	p.rows = take(4 * p.d)
	if p.padded {
		p.padK = take(keys * p.d)
		p.padV = take(keys * p.d)
		p.out = take(groupRows * p.d)
	}
	if bf16 {
		p.p = take(groupRows * span / 2)
		p.packK = take(keys * p.d / 2)
		p.packV = take(keys * p.d / 2)
	}
	return p
}

func roundUp(x, to int) int { return (x + to - 1) / to * to }
