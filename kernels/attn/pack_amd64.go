//go:build !purego

package attn

import "unsafe"

// openBlock sets r.k and r.v for the block: where its first key is, or where
// its keys will be packed.
func (r *run) openBlock() {
	j := &r.job
	if r.kernel == kernelBF16 {
		r.blockLo &^= 1
	}
	k, v, ld := j.k[r.blockLo*j.ld:], j.v[r.blockLo*j.ld:], j.ld
	if r.padded {
		keys := r.blockHi - r.blockLo
		r.pad(r.scratch[r.padK:], k, keys)
		r.pad(r.scratch[r.padV:], v, keys)
		k, v, ld = r.scratch[r.padK:], r.scratch[r.padV:], r.d
	}
	if r.kernel != kernelBF16 {
		r.k, r.v = unsafe.Pointer(&k[0]), unsafe.Pointer(&v[0])
		r.kStride, r.vStride = ld*4, ld*4
		return
	}
	r.source.k, r.source.v, r.source.ld = k, v, ld
	r.packed = 0
	r.k, r.kStride = r.at(r.packK), r.d*2
	r.v, r.vStride = r.at(r.packV), r.d*4
}

// pack rounds the keys and values that the group needs and that were not yet
// packed to bf16. The scores of the block's first group do as much of that as
// they can.
func (r *run) pack(g *group) {
	r.scoresArgs.packing.tiles = 0
	if r.kernel != kernelBF16 {
		return
	}
	lo, hi := r.packed, min(roundUp(g.hi-r.blockLo, 2), r.blockHi-r.blockLo)
	if hi <= lo {
		return
	}
	r.packed = hi
	if lo == 0 && r.d%32 == 0 {
		// The first tile's rows must be there, and each tile packs eight.
		tiles := max(0, min((hi-6)/8, r.sixes(g)))
		whole := hi &^ 1
		r.packLater(whole-8*tiles, tiles)
		r.packRows(0, whole-8*tiles)
		lo = whole
	}
	r.packRows(lo, hi)
}

// packLater has tiles of the next scores pack keys from lo on.
func (r *run) packLater(lo, tiles int) {
	stride := r.source.ld * 4
	r.scoresArgs.packing = packing{
		tiles: tiles,
		k:     unsafe.Pointer(&r.source.k[0]), v: unsafe.Pointer(&r.source.v[0]),
		ld: stride, at: lo * stride,
		kTo: unsafe.Add(r.k, lo*r.kStride), vTo: unsafe.Add(r.v, lo/2*r.vStride),
		columns: r.d / 32, all: r.d / 32,
	}
}

// packRows packs keys [lo,hi) of the block, lo even.
func (r *run) packRows(lo, hi int) {
	if lo >= hi {
		return
	}
	ld := r.source.ld
	k, v := r.source.k[lo*ld:], r.source.v[lo*ld:]
	packKBF16(unsafe.Add(r.k, lo*r.kStride), unsafe.Pointer(&k[0]), ld*4, hi-lo, r.d)
	if hi-lo > 1 {
		packVBF16(unsafe.Add(r.v, lo/2*r.vStride), unsafe.Pointer(&v[0]), ld*4, (hi-lo)/2, r.d)
	}
	if hi%2 != 0 { // the pair's other key does not exist
		two := r.scratch[r.rows:][:2*r.d]
		copy(two[:r.d], v[(hi-lo-1)*ld:])
		clear(two[r.d:])
		packVBF16(unsafe.Add(r.v, hi/2*r.vStride), unsafe.Pointer(&two[0]), r.d*4, 1, r.d)
	}
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

// lookAhead has the values of a group fetch what the group after the next will
// begin with: its queries, and in a band also its last keys and values.
func (r *run) lookAhead(g *group) {
	j, a := &r.job, &r.valuesArgs
	a.aheadLd, a.aheadAt = j.ld*4, 0
	row := min(g.row+2*r.group, j.q1-1)
	a.ahead = unsafe.Pointer(&j.q[row*j.ld])
	a.aheadK, a.aheadV = nil, nil
	if key := row + j.reach; j.reach >= 0 && key < j.n {
		a.aheadK, a.aheadV = unsafe.Pointer(&j.k[key*j.ld]), unsafe.Pointer(&j.v[key*j.ld])
	}
}
