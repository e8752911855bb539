//go:build !purego

package attn

const (
	// chunkRows is how many rows share the packed keys and values of a block.
	chunkRows = 256
	// blockKeys is how many keys have scores at a time, so that no call of
	// assembly takes long; half as many for heads of more than 128 dimensions.
	blockKeys = 512
	// stateFloats is the length of a state.
	stateFloats = 5 * 32
)

// A plan is how a kernel goes about a sequence: sizes, and where things are in
// the scratch, in floats. It depends on the shape and n, not on the rows.
type plan struct {
	kernel
	vector int  // lanes of a vector
	group  int  // queries of a group: two vectors
	d      int  // HeadDim, rounded up to a vector
	padded bool // it was rounded
	block  int  // keys of a block; blocks begin at its multiples unless
	single bool // one block holds all keys of any group

	states int // [groups of a chunk] state
	queryW int // floats of a packed group of queries
	query  int // [groups of a chunk][queryW]
	scoreW int // floats of a group's scores
	scores int // [2][scoreW]
	packK  int // bf16: [keys of a block][d] bf16
	packV  int // bf16: [keys of a block / 2][d][2] bf16
	padK   int // padded: [keys of a block][d]
	padV   int // padded: [keys of a block][d]
	out    int // padded: [group][d]
	rows   int // [vector][d], for rows that need company
	length int // of all, and some for alignment
}

func newPlan(k kernel, d, reach, n int) (p plan) {
	p.kernel = k
	p.vector = k.lanes()
	p.group = 2 * p.vector
	p.d = roundUp(d, p.vector)
	p.padded = p.d != d
	p.block = blockKeys
	if p.d > 128 {
		p.block = blockKeys / 2
	}
	span := n // keys of a group
	keys := n // keys of a chunk
	if reach >= 0 && reach < n {
		span = min(span, 2*reach+2+p.group)
		keys = min(keys, 2*reach+2+chunkRows)
	}
	p.single = span <= p.block
	if !p.single {
		span, keys = p.block, min(keys, p.block)
	}
	span, keys = roundUp(span, 2), roundUp(keys, 2)
	rows := roundUp(min(n, chunkRows), p.group)

	p.length = 0
	take := func(floats int) (at int) {
		at = p.length
		p.length += roundUp(floats, 16)
		return at
	}
	p.states = take(rows / p.group * stateFloats)
	p.queryW = p.group * p.d / k.step()
	p.query = take(rows / p.group * p.queryW)
	p.scoreW = span * p.group
	p.scores = take(2 * p.scoreW)
	if k == kernelBF16 {
		p.packK = take(keys * p.d / 2)
		p.packV = take(keys * p.d / 2)
	}
	if p.padded {
		p.padK = take(keys * p.d)
		p.padV = take(keys * p.d)
		p.out = take(p.group * p.d)
	}
	p.rows = take(p.vector * p.d)
	p.length += 16 // to align what begins at scratch[0] to 64 bytes
	return p
}

func roundUp(x, to int) int { return (x + to - 1) / to * to }
