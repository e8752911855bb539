//go:build !purego

package attn

import "unsafe"

// Level amx multiplies bf16 by matrix instructions, for heads of 32 and 64
// dimensions. Scores are transposed, [key][query of a group], as at the other levels,
// and so are the results until they are written, [dimension][query of a group].
const (
	tileGroup = 32  // queries of a group
	tileChunk = 32  // keys that one step of P V takes; what is done begins at its multiples
	tileBlock = 128 // keys of a block, which begins at its multiples
)

func fitsTiles(d int) bool { return d == 32 || d == 64 }

// A tileRun is one call of Attend on its way through chunks of rows, blocks of keys
// and groups of queries. The slices are parts of the scratch.
type tileRun struct {
	job
	states []float32 // [groups of a chunk] state
	query  []float32 // [groups of a chunk][d/2][tileGroup] pairs of bf16
	out    []float32 // [groups of a chunk][d][tileGroup]
	scores []float32 // [keys of a block][tileGroup], then pairs of bf16 probabilities
	k      []float32 // [keys of a block][d] bf16
	v      []float32 // [chunks of a block][d][tileChunk] bf16
	rows   []float32 // [tileGroup][d], for rows that need company
}

// cutTiles cuts the scratch, or says how long it has to be.
func cutTiles(scratch []float32, d, n int, r *tileRun) (length int) {
	groups := min(roundUp(n, tileGroup), chunkRows) / tileGroup
	keys := min(roundUp(n, tileChunk), tileBlock)
	if scratch != nil {
		misaligned := int(uintptr(unsafe.Pointer(unsafe.SliceData(scratch))) % 64 / 4)
		scratch = scratch[(16-misaligned)%16:]
	}
	take := func(part *[]float32, floats int) {
		if scratch != nil {
			*part = scratch[length:][:floats]
		}
		length += floats
	}
	take(&r.states, groups*stateFloats)
	take(&r.query, groups*tileGroup*d/2)
	take(&r.out, groups*tileGroup*d)
	take(&r.scores, keys*tileGroup)
	take(&r.k, keys*d/2)
	take(&r.v, keys*d/2)
	take(&r.rows, tileGroup*d)
	return length + 16 // to align what begins at scratch[0]
}

func attendTiles(j job, scratch []float32) {
	r := tileRun{job: j}
	if len(scratch) < cutTiles(nil, j.d, j.n, &r) {
		panic("attn: Attend: scratch too short")
	}
	cutTiles(scratch, j.d, j.n, &r)
	for row := j.q0; row < j.q1; row += chunkRows {
		end := min(row+chunkRows, j.q1)
		lo, hi := j.band(row, end)
		for at := lo &^ (tileChunk - 1); at < hi; {
			stop := min(hi, (at/tileBlock+1)*tileBlock)
			r.block(row, end, at, stop)
			at = stop
		}
	}
}

// block does rows [row,end) on keys [lo,hi), lo a multiple of tileChunk.
func (r *tileRun) block(row, end, lo, hi int) {
	r.pack(lo, hi)
	for slot := 0; row < end; slot++ {
		rows := min(tileGroup, end-row)
		from, to := r.band(row, row+rows)
		from &^= tileChunk - 1
		if a, b := max(from, lo), min(to, hi); a < b {
			r.group(slot, row, rows, a, roundUp(b, tileChunk), lo, a == from, b == to)
		}
		row += rows
	}
}

// group does a group on keys [from,to), whole chunks of the block that begins at key lo.
func (r *tileRun) group(slot, row, rows, from, to, lo int, first, last bool) {
	st := (*state)(unsafe.Pointer(&r.states[slot*stateFloats]))
	query := unsafe.Pointer(&r.query[slot*tileGroup*r.d/2])
	out := unsafe.Pointer(&r.out[slot*tileGroup*r.d])
	s := unsafe.Pointer(&r.scores[0])
	if first {
		*st = newState
		r.packQueries(query, row, rows)
	}
	scoresTiles(s, unsafe.Pointer(&r.k[(from-lo)*r.d/2]), query, (to-from)/16, r.d/32)
	keys := min(to, r.n) - from
	width := -1
	if r.reach >= 0 && r.reach < r.n {
		width = 2 * r.reach
	}
	topTiles(s, keys, row-from+r.reach, width, st)
	none := r.scores[keys*tileGroup : (to-from)*tileGroup]
	for i := range none {
		none[i] = masked
	}
	foldBF16(st)
	add := 0
	if !first {
		add = 1
		fadeTiles(out, r.d, st)
	}
	softmax2BF16(s, s, (to-from)/2, st)
	valuesTiles(out, s, unsafe.Pointer(&r.v[(from-lo)*r.d/2]), (to-from)/tileChunk, r.d, add)
	if !last {
		return
	}
	if rows == tileGroup {
		unpackTiles(unsafe.Pointer(&r.dst[row*r.ldd]), out, r.ldd*4, r.d, st)
		return
	}
	unpackTiles(unsafe.Pointer(&r.rows[0]), out, r.d*4, r.d, st)
	for i := range rows {
		copy(r.dst[(row+i)*r.ldd:][:r.d], r.rows[i*r.d:])
	}
}

func (r *tileRun) packQueries(dst unsafe.Pointer, row, rows int) {
	src, ld := r.q[row*r.ld:], r.ld
	if rows < tileGroup {
		src, ld = r.company(src, rows), r.d
	}
	for half := range 2 {
		packQBF16(unsafe.Add(dst, 64*half), unsafe.Pointer(&src[16*half*ld]), 4*tileGroup, 4*ld, r.d, r.scale*log2e)
	}
}

// pack rounds keys [lo,hi) and their values to bf16, in whole chunks. Past the
// sequence's end there are zeros.
func (r *tileRun) pack(lo, hi int) {
	for at := lo; at < hi; at += tileChunk {
		n := min(tileChunk, r.n-at)
		k, v := r.k[(at-lo)*r.d/2:], unsafe.Pointer(&r.v[(at-lo)*r.d/2])
		packKBF16(unsafe.Pointer(&k[0]), unsafe.Pointer(&r.job.k[at*r.ld]), 4*r.ld, n, r.d)
		src, ld := r.job.v[at*r.ld:], r.ld
		if n < tileChunk {
			clear(k[n*r.d/2 : tileChunk*r.d/2])
			src, ld = r.company(src, n), r.d
		}
		packVTiles(v, unsafe.Pointer(&src[0]), 4*ld, r.d)
	}
}

// company returns n rows of src, and as many rows of zeros as a group has besides.
func (r *tileRun) company(src []float32, n int) []float32 {
	for i := range n {
		copy(r.rows[i*r.d:][:r.d], src[i*r.ld:])
	}
	clear(r.rows[n*r.d:])
	return r.rows
}

//go:noescape
func scoresTiles(s, k, q unsafe.Pointer, tiles, steps int)

//go:noescape
func topTiles(s unsafe.Pointer, keys, first, width int, st *state)

//go:noescape
func fadeTiles(o unsafe.Pointer, d int, st *state)

//go:noescape
func packVTiles(dst, src unsafe.Pointer, srcStride, d int)

//go:noescape
func valuesTiles(o, p, v unsafe.Pointer, chunks, d, add int)

//go:noescape
func unpackTiles(dst, o unsafe.Pointer, dstStride, d int, st *state)
