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
	d      int  // HeadDim, rounded up to a vector
	padded bool // it was rounded
	single bool // one block holds all keys of any group

	states int // [groups of a chunk] state
	query  int // [groups of a chunk][d][groupRows]
	scores int // [keys of a group][groupRows]
	rows   int // [4][d], for rows that need company
	padK   int // padded: [keys of a block][d]
	padV   int // padded: [keys of a block][d]
	out    int // padded: [groupRows][d]
	length int // of all
}

const stateFloats = int(unsafe.Sizeof(state{}) / 4)

func newPlan(d, reach, n int) (p plan) {
	p.d = (d + 3) &^ 3
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
	groups := (min(n, chunkRows) + groupRows - 1) / groupRows
	take := func(floats int) (at int) {
		at = p.length
		p.length += floats
		return at
	}
	p.states = take(groups * stateFloats)
	p.query = take(groups * groupRows * p.d)
	p.scores = take(groupRows * span)
	p.rows = take(4 * p.d)
	if p.padded {
		p.padK = take(keys * p.d)
		p.padV = take(keys * p.d)
		p.out = take(groupRows * p.d)
	}
	return p
}

// A run is one call of Attend on its way through chunks of rows, blocks of
// keys and groups of queries.
type run struct {
	plan
	job     job
	scratch []float32

	// The block at hand: keys [blockLo,blockHi), and their rows in memory.
	blockLo, blockHi int
	k, v             unsafe.Pointer // of key blockLo
	stride           int            // bytes between keys

	scoresArgs scoresArgs
	valuesArgs valuesArgs
}

// A group is some consecutive rows that are scored together.
type group struct {
	slot    int // in the chunk
	row     int // the first
	rows    int
	vectors int // 2 or 4
	lo, hi  int // keys of the block that they attend to
	first   bool
	last    bool
}

func attendNEON(j job, scratch []float32) {
	r := run{plan: newPlan(j.d, j.reach, j.n), job: j, scratch: scratch}
	for row := j.q0; row < j.q1; row += chunkRows {
		end := min(row+chunkRows, j.q1)
		lo, hi := j.band(row, end)
		for lo < hi {
			r.blockLo, r.blockHi = lo, hi
			if !r.single {
				r.blockHi = min(hi, (lo/blockKeys+1)*blockKeys)
			}
			lo = r.blockHi
			r.block(row, end)
		}
	}
}

// block does rows [row,end), of one chunk, on the keys of the block.
func (r *run) block(row, end int) {
	r.locate()
	for slot := 0; row < end; slot++ {
		g := group{slot: slot, row: row, rows: min(groupRows, end-row), vectors: 4}
		if g.rows <= 8 {
			g.vectors = 2
		}
		row += g.rows
		lo, hi := r.job.band(g.row, g.row+g.rows)
		g.lo, g.hi = max(lo, r.blockLo), min(hi, r.blockHi)
		if g.lo >= g.hi {
			continue
		}
		g.first, g.last = g.lo == lo, g.hi == hi
		r.score(&g)
		softmaxNEON(r.at(r.scores), g.hi-g.lo, r.state(&g), g.vectors)
		r.value(&g)
	}
}

// at returns the address of scratch[offset].
func (r *run) at(offset int) unsafe.Pointer { return unsafe.Pointer(&r.scratch[offset]) }

func (r *run) state(g *group) *state {
	return (*state)(r.at(r.states + g.slot*stateFloats))
}

// locate sets k and v for the block: where they are, or padded in the scratch.
func (r *run) locate() {
	j := &r.job
	k, v, ld := j.k[r.blockLo*j.ld:], j.v[r.blockLo*j.ld:], j.ld
	if r.padded {
		keys := r.blockHi - r.blockLo
		r.pad(r.scratch[r.padK:], k, keys)
		r.pad(r.scratch[r.padV:], v, keys)
		k, v, ld = r.scratch[r.padK:], r.scratch[r.padV:], r.d
	}
	r.k, r.v, r.stride = unsafe.Pointer(&k[0]), unsafe.Pointer(&v[0]), ld*4
}

// pad copies rows of src, of the job's stride, to rows of r.d with zeros at the
// end.
func (r *run) pad(dst, src []float32, rows int) {
	for i := range rows {
		to := dst[i*r.d:][:r.d]
		n := copy(to, src[i*r.job.ld:][:r.job.d])
		clear(to[n:])
	}
}

// packQueries packs the group's queries, times Scale and log2(e), at query.
func (r *run) packQueries(g *group, query int) {
	j := &r.job
	for at := 0; at < 4*g.vectors; at += 4 {
		rows := max(0, min(4, g.rows-at))
		var src []float32
		ld := j.ld
		if rows == 4 && !r.padded {
			src = j.q[(g.row+at)*ld:]
		} else {
			src = r.scratch[r.rows:][:4*r.d]
			if rows > 0 {
				r.pad(src, j.q[(g.row+at)*ld:], rows)
			}
			clear(src[rows*r.d:])
			ld = r.d
		}
		packQNEON(r.at(query+at), unsafe.Pointer(&src[0]), 16*g.vectors, ld*4, r.d, j.scale*log2e)
	}
}

// score computes the group's scores.
func (r *run) score(g *group) {
	st := r.state(g)
	query := r.query + g.slot*groupRows*r.d
	if g.first {
		*st = newState
		r.packQueries(g, query)
	}
	a := &r.scoresArgs
	a.stride, a.q, a.steps, a.state = r.stride, r.at(query), r.d/4, st
	reach := r.job.reach
	if reach < 0 {
		r.scoreKeys(g, g.lo, g.hi, 0)
		return
	}
	// All rows attend to keys [lo,hi): no mask there.
	lo := clamp(g.row+g.rows-1-reach, g.lo, g.hi)
	hi := clamp(g.row+reach+1, lo, g.hi)
	if lo == hi {
		r.scoreKeys(g, g.lo, g.hi, 1)
		return
	}
	r.scoreKeys(g, g.lo, lo, 1)
	r.scoreKeys(g, lo, hi, 0)
	r.scoreKeys(g, hi, g.hi, 1)
}

func (r *run) scoreKeys(g *group, lo, hi, mask int) {
	if lo == hi {
		return
	}
	a := &r.scoresArgs
	a.k = unsafe.Add(r.k, (lo-r.blockLo)*r.stride)
	a.s = r.at(r.scores + (lo-g.lo)*4*g.vectors)
	a.keys = hi - lo
	a.band, a.first, a.width = mask, g.row-lo+r.job.reach, 2*r.job.reach
	if g.vectors == 4 {
		scores4NEON(a)
	} else {
		scores2NEON(a)
	}
}

// value computes the group's output, or its part of this block.
func (r *run) value(g *group) {
	a := &r.valuesArgs
	a.p, a.pStride = r.at(r.scores), 16*g.vectors
	a.v, a.vStride = unsafe.Add(r.v, (g.lo-r.blockLo)*r.stride), r.stride
	a.vectors, a.state = r.d/4, r.state(g)
	a.add, a.last = flag(!g.first), flag(g.last)
	r.tile(g)
	j := &r.job
	if !r.padded {
		a.dst, a.stride = unsafe.Pointer(&j.dst[g.row*j.ldd]), j.ldd*4
		valuesNEON(a)
		return
	}
	out := r.scratch[r.out:]
	a.dst, a.stride = unsafe.Pointer(&out[0]), r.d*4
	if a.add == 1 {
		for i := range g.rows {
			copy(out[i*r.d:], j.dst[(g.row+i)*j.ldd:][:j.d])
		}
	}
	valuesNEON(a)
	for i := range g.rows {
		copy(j.dst[(g.row+i)*j.ldd:][:j.d], out[i*r.d:])
	}
}

// tile splits the group's rows into tiles of four.
func (r *run) tile(g *group) {
	a := &r.valuesArgs
	a.count = 0
	for at := 0; at < g.rows; at += 4 {
		rows := min(4, g.rows-at)
		lo, hi := r.job.band(g.row+at, g.row+at+rows)
		lo, hi = max(lo, g.lo), min(hi, g.hi)
		if lo >= hi { // none of this block: all of P is 0
			lo, hi = g.lo, g.hi
		}
		a.tiles[a.count] = tile{rows: rows, keys: hi - lo, p: (lo - g.lo) * a.pStride, v: (lo - g.lo) * r.stride}
		a.count++
	}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func clamp(x, lo, hi int) int { return max(lo, min(x, hi)) }
