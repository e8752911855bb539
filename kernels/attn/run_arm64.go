//go:build !purego

package attn

import "unsafe"

// A run is one call of Attend on its way through chunks of rows, blocks of
// keys and groups of queries.
type run struct {
	plan
	job     job
	scratch []float32

	// The block at hand: keys [blockLo,blockHi), and their rows in memory.
	blockLo, blockHi int
	k, v             unsafe.Pointer // of key blockLo
	kStride, vStride int            // bytes to the next key, bf16: pair of keys, step of v

	scoresArgs scoresArgs
	valuesArgs valuesArgs
}

// A group is some consecutive rows that are scored together.
type group struct {
	slot    int // in the chunk
	row     int // the first
	rows    int
	vectors int // 2 or 4
	lo, hi  int // keys of the block that they attend to; lo is at a step
	first   bool
	last    bool
}

func attendVector(j job, bf16 bool, scratch []float32) {
	r := run{plan: newPlan(bf16, j.d, j.reach, j.n), job: j, scratch: scratch}
	if len(scratch) < r.length {
		panic("attn: Attend: scratch too short")
	}
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
		g.lo = g.lo / r.step * r.step
		r.score(&g)
		r.softmax(&g)
		r.value(&g)
	}
}

// at returns the address of scratch[offset].
func (r *run) at(offset int) unsafe.Pointer { return unsafe.Pointer(&r.scratch[offset]) }

func (r *run) state(g *group) *state {
	return (*state)(r.at(r.states + g.slot*stateFloats))
}

// locate sets k and v for the block: where they are, or padded in the scratch, or
// rounded to bf16 there.
func (r *run) locate() {
	j := &r.job
	r.blockLo = r.blockLo / r.step * r.step
	keys := r.blockHi - r.blockLo
	k, v, ld := j.k[r.blockLo*j.ld:], j.v[r.blockLo*j.ld:], j.ld
	if r.padded {
		r.pad(r.scratch[r.padK:], k, keys)
		r.pad(r.scratch[r.padV:], v, keys)
		k, v, ld = r.scratch[r.padK:], r.scratch[r.padV:], r.d
	}
	if !r.bf16 {
		r.k, r.v, r.kStride, r.vStride = unsafe.Pointer(&k[0]), unsafe.Pointer(&v[0]), ld*4, ld*4
		return
	}
	r.k, r.v, r.kStride, r.vStride = r.at(r.packK), r.at(r.packV), r.d*4, r.d*8
	if pairs := keys / 2; pairs > 0 {
		packPairsI8MM(r.k, unsafe.Pointer(&k[0]), 16, r.kStride, ld*4, pairs, r.d, 1)
	}
	if keys%2 != 0 {
		last := r.company(k[(keys-1)*ld:], ld, 1)
		packPairsI8MM(unsafe.Add(r.k, keys/2*r.kStride), last, 16, r.kStride, r.d*4, 1, r.d, 1)
	}
	if steps := keys / 4; steps > 0 {
		packVI8MM(r.v, unsafe.Pointer(&v[0]), ld*4, steps, r.d)
	}
	if rest := keys % 4; rest != 0 {
		last := r.company(v[(keys-rest)*ld:], ld, rest)
		packVI8MM(unsafe.Add(r.v, keys/4*r.vStride), last, r.d*4, 1, r.d)
	}
}

// company copies rows of src, of stride ld, to the scratch and adds rows of zeros
// to make four of r.d. It returns where they are.
func (r *run) company(src []float32, ld, rows int) unsafe.Pointer {
	to := r.scratch[r.rows:][:4*r.d]
	clear(to)
	for i := range rows {
		copy(to[i*r.d:][:r.job.d], src[i*ld:])
	}
	return unsafe.Pointer(&to[0])
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
	scale := j.scale * log2e
	for at := 0; at < 4*g.vectors; at += 4 {
		rows := max(0, min(4, g.rows-at))
		var src unsafe.Pointer
		ld := j.ld
		switch {
		case rows == 4 && !r.padded:
			src = unsafe.Pointer(&j.q[(g.row+at)*ld])
		case rows > 0:
			src, ld = r.company(j.q[(g.row+at)*ld:], ld, rows), r.d
		default:
			src, ld = r.company(nil, 0, 0), r.d
		}
		if r.bf16 {
			packPairsI8MM(r.at(query+2*at), src, 32*g.vectors, 16, ld*4, 2, r.d, scale)
		} else {
			packQNEON(r.at(query+at), src, 16*g.vectors, ld*4, r.d, scale)
		}
	}
}

// score computes the group's scores.
func (r *run) score(g *group) {
	st := r.state(g)
	query := r.query + g.slot*r.queryW
	if g.first {
		*st = newState
		r.packQueries(g, query)
	}
	a := &r.scoresArgs
	a.stride, a.q, a.steps, a.state = r.kStride, r.at(query), r.d/4, st
	if r.bf16 {
		a.steps = r.d / 8
	}
	if reach := r.job.reach; reach < 0 {
		r.scoreKeys(g, g.lo, g.hi, 0)
	} else {
		// All rows attend to keys [lo,hi): no mask there. Pairs of keys stay
		// together.
		lo := clamp((g.row+g.rows-reach)&^1, g.lo, g.hi)
		hi := clamp((g.row+reach+1)&^1, lo, g.hi)
		if lo == hi {
			lo, hi = g.hi, g.hi
		}
		r.scoreKeys(g, g.lo, lo, 1)
		r.scoreKeys(g, lo, hi, 0)
		r.scoreKeys(g, hi, g.hi, 1)
	}
	// The last step may have keys that do not exist.
	lanes, keys := 4*g.vectors, g.hi-g.lo
	none := r.scratch[r.scores:][keys*lanes : roundUp(keys, r.step)*lanes]
	for i := range none {
		none[i] = masked
	}
}

func (r *run) scoreKeys(g *group, lo, hi, mask int) {
	if lo == hi {
		return
	}
	a := &r.scoresArgs
	if r.bf16 {
		a.k = unsafe.Add(r.k, (lo-r.blockLo)/2*r.kStride)
	} else {
		a.k = unsafe.Add(r.k, (lo-r.blockLo)*r.kStride)
	}
	a.s = r.at(r.scores + (lo-g.lo)*4*g.vectors)
	a.keys = hi - lo
	a.band, a.first, a.width = mask, g.row-lo+r.job.reach, 2*r.job.reach
	switch {
	case r.bf16 && g.vectors == 4:
		scores4I8MM(a)
	case r.bf16:
		scores2I8MM(a)
	case g.vectors == 4:
		scores4NEON(a)
	default:
		scores2NEON(a)
	}
}

// softmax turns the group's scores into probabilities.
func (r *run) softmax(g *group) {
	if r.bf16 {
		softmaxI8MM(r.at(r.scores), roundUp(g.hi-g.lo, 4)/4, r.state(g), g.vectors, r.at(r.p))
	} else {
		softmaxNEON(r.at(r.scores), g.hi-g.lo, r.state(g), g.vectors)
	}
}

// value computes the group's output, or its part of this block.
func (r *run) value(g *group) {
	a := &r.valuesArgs
	a.p, a.pStride = r.at(r.scores), 16*g.vectors
	if r.bf16 {
		a.p, a.pStride = r.at(r.p), 32*g.vectors
	}
	a.v, a.vStride = unsafe.Add(r.v, (g.lo-r.blockLo)/r.step*r.vStride), r.vStride
	a.vectors, a.state = r.d/4, r.state(g)
	a.add, a.last = flag(!g.first), flag(g.last)
	r.tile(g)
	j := &r.job
	if !r.padded {
		a.dst, a.stride = unsafe.Pointer(&j.dst[g.row*j.ldd]), j.ldd*4
		r.values()
		return
	}
	out := r.scratch[r.out:]
	a.dst, a.stride = unsafe.Pointer(&out[0]), r.d*4
	if a.add == 1 {
		for i := range g.rows {
			copy(out[i*r.d:], j.dst[(g.row+i)*j.ldd:][:j.d])
		}
	}
	r.values()
	for i := range g.rows {
		copy(j.dst[(g.row+i)*j.ldd:][:j.d], out[i*r.d:])
	}
}

func (r *run) values() {
	if r.bf16 {
		valuesI8MM(&r.valuesArgs)
	} else {
		valuesNEON(&r.valuesArgs)
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
		first := (lo - g.lo) / r.step
		steps := roundUp(hi-g.lo, r.step)/r.step - first
		a.tiles[a.count] = tile{rows: rows, steps: steps, p: first * a.pStride, v: first * r.vStride}
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
