//go:build !purego

package attn

import "unsafe"

// A run is one call of Attend on its way through chunks of rows, blocks of
// keys and groups of queries.
type run struct {
	plan
	job     job
	scratch []float32 // from an address that is a multiple of 64

	// The block at hand: keys [blockLo,blockHi), and their rows in memory.
	blockLo, blockHi int
	k, v             unsafe.Pointer // of key blockLo
	kStride, vStride int            // bytes between keys of k, steps of v

	scoresArgs scoresArgs
	valuesArgs valuesArgs
}

// A group is some consecutive rows that are scored together.
type group struct {
	slot     int // in the chunk
	row      int // the first
	rows     int
	vectors  int
	lo, hi   int // keys of the block that they attend to; lo is even for bf16
	first    bool
	last     bool
	scores   unsafe.Pointer // [hi-lo][vectors], then the probabilities
	unitDone int            // of softmax
}

func attendVector(j job, k kernel, scratch []float32) {
	r := run{plan: newPlan(k, j.d, j.reach, j.n), job: j}
	if len(scratch) < r.length {
		panic("attn: Attend: scratch too short")
	}
	misaligned := int(uintptr(unsafe.Pointer(unsafe.SliceData(scratch))) % 64 / 4)
	r.scratch = scratch[(16-misaligned)%16:]
	for row := j.q0; row < j.q1; row += chunkRows {
		end := min(row+chunkRows, j.q1)
		lo, hi := j.band(row, end)
		for lo < hi {
			r.blockLo, r.blockHi = lo, hi
			if !r.single {
				r.blockHi = min(hi, (lo/blockKeys+1)*blockKeys)
			}
			lo = r.blockHi
			r.pack()
			r.block(row, end)
		}
	}
}

// block does rows [row,end), of one chunk, on the keys of the block. The
// softmax of a group is done beside the scores of the next.
func (r *run) block(row, end int) {
	var before, g group
	for slot := 0; row < end; slot++ {
		g = group{slot: slot, row: row, rows: min(r.group, end-row)}
		row += g.rows
		g.vectors = (g.rows + r.vector - 1) / r.vector
		lo, hi := r.job.band(g.row, g.row+g.rows)
		g.lo, g.hi = max(lo, r.blockLo), min(hi, r.blockHi)
		if g.lo >= g.hi {
			continue
		}
		g.first, g.last = g.lo == lo, g.hi == hi
		if r.kernel == kernelBF16 {
			g.lo &^= 1
		}
		g.scores = r.at(r.plan.scores + slot%2*r.scoreW)
		r.score(&g, &before)
		if before.rows != 0 {
			r.finish(&before, &g)
		}
		before = g
	}
	if before.rows != 0 {
		r.finish(&before, &group{})
	}
}

// at returns the address of scratch[offset].
func (r *run) at(offset int) unsafe.Pointer { return unsafe.Pointer(&r.scratch[offset]) }

func (r *run) state(g *group) *state {
	return (*state)(r.at(r.states + g.slot*int(unsafe.Sizeof(state{})/4)))
}

// score computes the group's scores, and meanwhile most of before's softmax.
func (r *run) score(g, before *group) {
	st := r.state(g)
	query := r.query + g.slot*r.queryW
	if g.first {
		*st = newState
		r.packQueries(g, query)
	}
	a := &r.scoresArgs
	a.stride = r.kStride
	a.q = r.at(query)
	a.steps = r.d / r.step()
	a.state = st
	a.aside = r.aside(before)
	reach := r.job.reach
	if reach < 0 {
		r.scoreKeys(g, g.lo, g.hi, false)
	} else {
		// Rows all attend to keys [inLo,inHi): no mask there.
		inLo := clamp(g.row+g.rows-1-reach, g.lo, g.hi)
		inLo = min(g.hi, g.lo+roundUp(inLo-g.lo, 6))
		inHi := clamp(g.row+reach+1, inLo, g.hi)
		inHi = inLo + (inHi-inLo)/6*6
		if inLo < inHi {
			r.scoreKeys(g, g.lo, inLo, true)
			r.scoreKeys(g, inLo, inHi, false)
			r.scoreKeys(g, inHi, g.hi, true)
		} else {
			r.scoreKeys(g, g.lo, g.hi, true)
		}
	}
	before.did(r, &a.aside)
	r.fold(st)
	if r.kernel == kernelBF16 && (g.hi-g.lo)%2 != 0 {
		// The pair's other key does not exist.
		floats := unsafe.Slice((*float32)(g.scores), r.scoreW)
		for i := range g.vectors * r.vector {
			floats[(g.hi-g.lo)*g.vectors*r.vector+i] = masked
		}
	}
}

func (r *run) scoreKeys(g *group, lo, hi int, mask bool) {
	if lo == hi {
		return
	}
	a := &r.scoresArgs
	a.k = unsafe.Add(r.k, (lo-r.blockLo)*r.kStride)
	a.s = unsafe.Add(g.scores, (lo-g.lo)*g.vectors*r.vector*4)
	a.six, a.tail, a.tail2 = split(hi - lo)
	if mask {
		a.first = g.row - lo + r.job.reach
		a.width = 2 * r.job.reach
		r.scoresBand(a, g.vectors)
		return
	}
	r.kernel.scores(a, g.vectors)
}

// units returns how many steps of P the group has.
func (r *run) units(g *group) int { return (g.hi - g.lo + r.step() - 1) / r.step() }

// aside returns what is left of the group's softmax, to do within a product.
func (r *run) aside(g *group) aside {
	if g.vectors != 2 {
		return aside{}
	}
	row := g.vectors * r.vector * 4
	return aside{
		s:     unsafe.Add(g.scores, g.unitDone*r.step()*row),
		units: r.units(g) - g.unitDone,
		state: r.state(g),
		p:     unsafe.Add(g.scores, g.unitDone*row),
	}
}

// did records what is left of the aside.
func (g *group) did(r *run, a *aside) {
	if a.state != nil {
		g.unitDone = r.units(g) - a.units
	}
}

// finish does the rest of a group's softmax, and its output, and meanwhile some
// of the softmax of the group after it.
func (r *run) finish(g, after *group) {
	st := r.state(g)
	row := g.vectors * r.vector * 4 // bytes of a row of scores, and of P
	if units := r.units(g); g.unitDone < units {
		p := unsafe.Add(g.scores, g.unitDone*row)
		s := unsafe.Add(g.scores, g.unitDone*r.step()*row)
		r.softmax(p, s, units-g.unitDone, st, g.vectors)
	}
	a := &r.valuesArgs
	a.p, a.pStride = g.scores, row
	a.v = unsafe.Add(r.v, (g.lo-r.blockLo)/r.step()*r.vStride)
	a.vStride = r.vStride
	a.wide, a.one = r.d/r.group*r.group*4, r.d%r.group/r.vector
	a.state = st
	a.add, a.last = 1, 0
	if g.first {
		a.add = 0
	}
	if g.last {
		a.last = 1
	}
	a.count = r.tile(g, row)
	a.aside = r.aside(after)
	j := &r.job
	if !r.padded {
		a.dst, a.stride = unsafe.Pointer(&j.dst[g.row*j.ldd]), j.ldd*4
		r.values(a)
		after.did(r, &a.aside)
		return
	}
	out := r.scratch[r.out:]
	a.dst, a.stride = unsafe.Pointer(&out[0]), r.d*4
	for i := range g.rows * a.add {
		copy(out[i*r.d:][:j.d], j.dst[(g.row+i)*j.ldd:])
	}
	r.values(a)
	after.did(r, &a.aside)
	for i := range g.rows {
		copy(j.dst[(g.row+i)*j.ldd:][:j.d], out[i*r.d:])
	}
}

// tile splits the group's rows into tiles and returns their number.
func (r *run) tile(g *group, pStride int) int {
	six, tail, tail2 := split(g.rows)
	row, count := g.row, 0
	add := func(rows int) {
		lo, hi := r.job.band(row, row+rows)
		lo, hi = max(lo, g.lo), min(hi, g.hi)
		if lo >= hi { // none of this block: all of P is 0
			lo, hi = g.lo, g.hi
		}
		start := (lo - g.lo) / r.step()
		r.valuesArgs.tiles[count] = tile{
			rows:   rows,
			steps:  (hi-g.lo+r.step()-1)/r.step() - start,
			pStart: start * pStride,
			vStart: start * r.vStride,
		}
		count++
		row += rows
	}
	for range six {
		add(6)
	}
	if tail != 0 {
		add(tail)
	}
	if tail2 != 0 {
		add(tail2)
	}
	return count
}

// split cuts n rows into tiles of six and up to two smaller ones, none so
// small that its few accumulators wait for each other, if n allows.
func split(n int) (six, tail, tail2 int) {
	six, tail = n/6, n%6
	if six == 0 || tail == 0 || tail > 3 {
		return six, tail, 0
	}
	tail += 6
	return six - 1, (tail + 1) / 2, tail / 2
}

func clamp(x, lo, hi int) int { return max(lo, min(x, hi)) }

// pack sets r.k and r.v for the block: where they are, or rounded to bf16 and
// padded in the scratch.
func (r *run) pack() {
	j := &r.job
	if r.kernel == kernelBF16 {
		r.blockLo &^= 1
	}
	keys := r.blockHi - r.blockLo
	k, v := j.k[r.blockLo*j.ld:], j.v[r.blockLo*j.ld:]
	ld := j.ld
	if r.padded {
		r.pad(r.scratch[r.padK:], k, keys)
		r.pad(r.scratch[r.padV:], v, keys)
		k, v, ld = r.scratch[r.padK:], r.scratch[r.padV:], r.d
	}
	r.k, r.v = unsafe.Pointer(&k[0]), unsafe.Pointer(&v[0])
	r.kStride, r.vStride = ld*4, ld*4
	if r.kernel != kernelBF16 {
		return
	}
	packK, packV := r.at(r.packK), r.at(r.packV)
	packKBF16(packK, r.k, r.kStride, keys, r.d)
	if keys > 1 {
		packVBF16(packV, r.v, r.vStride, keys/2, r.d)
	}
	if keys%2 != 0 {
		two := r.scratch[r.rows:][:2*r.d]
		copy(two[:r.d], v[(keys-1)*ld:])
		clear(two[r.d:])
		packVBF16(unsafe.Add(packV, keys/2*r.d*4), unsafe.Pointer(&two[0]), r.d*4, 1, r.d)
	}
	r.k, r.kStride = packK, r.d*2
	r.v, r.vStride = packV, r.d*4
}

// pad copies rows of src, of stride ld, to rows of r.d with zeros at the end.
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
	stride := g.vectors * r.vector * 4
	for v := range g.vectors {
		row := g.row + v*r.vector
		rows := min(r.vector, g.row+g.rows-row)
		src, ld := j.q[row*j.ld:], j.ld
		if rows < r.vector || r.padded {
			to := r.scratch[r.rows:][:r.vector*r.d]
			r.pad(to, src, rows)
			clear(to[rows*r.d:])
			src, ld = to, r.d
		}
		r.packQ(r.at(query+v*r.vector), unsafe.Pointer(&src[0]), stride, ld*4, r.d, scale)
	}
}
