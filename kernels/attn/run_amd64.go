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
	source           struct {       // bf16: what is packed at k and v
		k, v []float32 // of key blockLo
		ld   int
	}
	packed int // bf16: keys of the block that are at k and v by now

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
				r.blockHi = min(hi, (lo/r.plan.block+1)*r.plan.block)
			}
			lo = r.blockHi
			r.block(row, end)
		}
	}
}

// block does rows [row,end), of one chunk, on the keys of the block. The
// softmax of a group is done beside the scores of the next.
func (r *run) block(row, end int) {
	var before, g group
	open := false
	for slot := 0; row < end; slot++ {
		g = group{slot: slot, row: row, rows: min(r.group, end-row)}
		row += g.rows
		if !r.keys(&g) {
			continue
		}
		if !open {
			r.openBlock()
			open = true
		}
		r.pack(&g)
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

// keys sets which keys of the block the group attends to, and returns whether
// there are any.
func (r *run) keys(g *group) bool {
	g.vectors = (g.rows + r.vector - 1) / r.vector
	lo, hi := r.job.band(g.row, g.row+g.rows)
	g.lo, g.hi = max(lo, r.blockLo), min(hi, r.blockHi)
	if g.lo >= g.hi {
		return false
	}
	g.first, g.last = g.lo == lo, g.hi == hi
	if r.kernel == kernelBF16 {
		g.lo &^= 1
	}
	return true
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
	for _, part := range r.parts(g) {
		r.scoreKeys(g, part.lo, part.hi, part.mask)
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

// A part is some keys of a group, all scored with the band's mask, or without.
type part struct {
	lo, hi int
	mask   bool
}

// parts splits a group's keys: only those far from its rows need the mask. All
// but the last part are full tiles.
func (r *run) parts(g *group) [3]part {
	reach := r.job.reach
	if reach < 0 {
		return [3]part{{g.lo, g.hi, false}}
	}
	lo := clamp(g.row+g.rows-1-reach, g.lo, g.hi)
	lo = min(g.hi, g.lo+roundUp(lo-g.lo, 6))
	hi := clamp(g.row+reach+1, lo, g.hi)
	if hi < g.hi {
		hi = lo + (hi-lo)/6*6
	}
	if lo == hi {
		return [3]part{{g.lo, g.hi, true}}
	}
	return [3]part{{g.lo, lo, true}, {lo, hi, false}, {hi, g.hi, true}}
}

// sixes returns how many tiles of six keys the group's scores have.
func (r *run) sixes(g *group) (tiles int) {
	for _, part := range r.parts(g) {
		six, _, _ := split(part.hi - part.lo)
		tiles += six
	}
	return tiles
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
	r.lookAhead(g)
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
