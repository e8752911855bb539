//go:build !purego

package attn

import (
	"unsafe"

	"mom/kernels/cpu"
	"mom/kernels/half"
)

func paged(j pagedJob, scratch []float32) {
	switch {
	case j.d%8 != 0:
		pagedGeneric(&j, scratch)
	case cpu.HasAVX512 && j.d%16 == 0:
		r := pagedRun{pagedJob: j, wide: true}
		r.run(scratch)
	case cpu.HasAVX2:
		r := pagedRun{pagedJob: j}
		r.run(scratch)
	default:
		pagedGeneric(&j, scratch)
	}
}

const (
	// pagedBlock is how many keys have scores at a time. Blocks begin at its
	// multiples, so that a row's sums do not depend on what shares the call.
	pagedBlock = 4 * PageTokens

	pagedPages = pagedBlock / PageTokens

	// pagedFew is how many tiles of rows are few.
	pagedFew = 2

	// pagedWiden is how many rows make it worth while to widen a page of a narrow
	// format once, instead of in every tile of rows.
	pagedWiden = 13
)

// pagedScratchLen is the room for the parts of a pagedRun, and to align them.
func pagedScratchLen(d int) int {
	return pagedRows*(2*d+pagedBlock) + PageTokens*d + pagedStateLen + 16
}

// A pagedRun is one call of Paged on its way through blocks of rows, blocks of
// keys, and pages.
type pagedRun struct {
	pagedJob
	wide bool // AVX-512, else AVX2

	q      unsafe.Pointer // [rows][d] times scale
	out    unsafe.Pointer // [rows][d]
	scores []float32      // [rows][pagedBlock]
	state  *pagedState

	widened []float32                  // K or V of a page
	page    [pagedPages]unsafe.Pointer // of the block of keys
	pages   int                        // how many

	rows, first      int // of the block of rows
	six, tail, tail2 int // its tiles
	tiles            int

	args    pagedArgs
	softmax pagedSoftmaxArgs
}

// A pagedState is what rows carry from page to page and block to block.
type pagedState struct {
	top, sum, fade [pagedRows]float32
	keys           [pagedRows]int32 // of the block, that a tile's rows attend to
	extent         [pagedRows]int32 // scores of a row, rounded up
}

const pagedStateLen = int(unsafe.Sizeof(pagedState{}) / 4)

// pagedArgs are the arguments of pagedScores and pagedValues. The generator has
// the same offsets.
type pagedArgs struct {
	q      unsafe.Pointer             // [rows][d]
	s      unsafe.Pointer             // [rows][pagedBlock], from the first page's first key on
	out    unsafe.Pointer             // [rows][d]
	pages  [pagedPages]unsafe.Pointer // K or V
	scale  unsafe.Pointer             // scores of F32: [32], nil for 1
	fade   unsafe.Pointer             // values: [rows], what out is multiplied by
	mode   int                        // if this is outFade; or one of the below
	keys   unsafe.Pointer             // [tiles]
	before int                        // keys of the block in pages before the first
	count  int                        // pages
	d      int
	six    int // tiles of six rows,
	tail   int // rows of the tile after them, and of the
	tail2  int // one after that; 0 for none
	at     int // for the function's own use
}

const (
	outSet  = iota // out is what was added up
	outAdd         // what was added up is added to out
	outFade        // out is multiplied by fade before
)

// pagedSoftmaxArgs are the arguments of pagedSoftmax.
type pagedSoftmaxArgs struct {
	s      unsafe.Pointer // [rows][pagedBlock]
	rows   int
	extent unsafe.Pointer             // [rows], multiples of 32
	top    unsafe.Pointer             // [rows]
	sum    unsafe.Pointer             // [rows]
	fade   unsafe.Pointer             // [rows]
	scale  [pagedPages]unsafe.Pointer // [32] each, the first nil if there are none
}

func (r *pagedRun) run(scratch []float32) {
	misaligned := int(uintptr(unsafe.Pointer(unsafe.SliceData(scratch))) % 64 / 4)
	scratch = scratch[(16-misaligned)%16:]
	take := func(floats int) []float32 {
		part := scratch[:floats:floats]
		scratch = scratch[floats:]
		return part
	}
	r.q = unsafe.Pointer(unsafe.SliceData(take(pagedRows * r.d)))
	r.out = unsafe.Pointer(unsafe.SliceData(take(pagedRows * r.d)))
	r.scores = take(pagedRows * pagedBlock)
	r.widened = take(PageTokens * r.d)
	r.state = (*pagedState)(unsafe.Pointer(unsafe.SliceData(take(pagedStateLen))))
	rows := r.m * r.group
	for r.first = 0; r.first < rows; r.first += pagedRows {
		r.rows = min(pagedRows, rows-r.first)
		r.block()
	}
}

// block takes one block of rows through all pages.
func (r *pagedRun) block() {
	r.tile()
	for i := range r.rows {
		pagedMultiplyAVX2(unsafe.Add(r.q, i*r.d*4), unsafe.Pointer(&r.query(r.first + i)[0]), r.d, r.pagedJob.scale)
		r.state.top[i], r.state.sum[i] = masked, 0
	}
	all := r.pagedJob.keys(r.first + r.rows - 1)
	for lo := 0; lo < all; lo += pagedBlock {
		r.setKeys(lo)
		r.setPages(lo, min(all-lo, pagedBlock))
		r.products(true)
		r.mask(lo)
		r.soften()
		r.args.mode = outFade
		if lo == 0 {
			r.args.mode = outSet
		}
		r.products(false)
	}
	for i := range r.rows {
		out := r.pagedJob.out(r.first + i)
		pagedMultiplyAVX2(unsafe.Pointer(&out[0]), unsafe.Add(r.out, i*r.d*4), r.d, 1/r.state.sum[i])
	}
}

// tile splits the rows into tiles of six and up to two of fewer. Those of three
// and less compute twice as many columns at a time.
func (r *pagedRun) tile() {
	r.six, r.tail, r.tail2 = r.rows/6, r.rows%6, 0
	if r.six > 0 && (r.tail == 1 || r.tail == 2) {
		r.six--
		r.tail, r.tail2 = 4, r.tail+2
	}
	r.tiles = r.six + min(r.tail, 1) + min(r.tail2, 1)
}

// tileRows returns how many rows tile t has.
func (r *pagedRun) tileRows(t int) int {
	switch t - r.six {
	case 0:
		return r.tail
	case 1:
		return r.tail2
	}
	return 6
}

// setKeys sets how many keys of the block from lo on each tile needs.
func (r *pagedRun) setKeys(lo int) {
	row := 0
	for t := range r.tiles {
		end := row + r.tileRows(t)
		keys := clamp(r.pagedJob.keys(r.first+end-1)-lo, 0, pagedBlock)
		r.state.keys[t] = int32(keys)
		for ; row < end; row++ {
			r.state.extent[row] = int32(roundUp(keys, PageTokens))
		}
	}
}

// mask overwrites the scores of keys that come after their row.
func (r *pagedRun) mask(lo int) {
	if r.pagedJob.keys(r.first)-lo >= pagedBlock {
		return
	}
	for i := range r.rows {
		keys := max(r.pagedJob.keys(r.first+i)-lo, 0)
		extent := int(r.state.extent[i])
		if keys >= extent {
			continue
		}
		s := r.scores[i*pagedBlock:][keys:extent]
		for t := range s {
			s[t] = masked
		}
	}
}

// setPages sets the pages of a block of keys.
func (r *pagedRun) setPages(lo, keys int) {
	r.pages = (keys + PageTokens - 1) / PageTokens
	for i := range r.pages {
		r.page[i] = r.kv.at(lo/PageTokens + i)
		if r.kv.Format == I8 {
			r.softmax.scale[i] = unsafe.Add(r.page[i], PageTokens*(2*r.d+4))
		}
	}
}

// products computes the scores of a block of keys, or adds its values. When there
// are many tiles of rows, a page serves all of them while it is in L1; when there
// are few, a tile keeps its sums in registers for all pages.
func (r *pagedRun) products(scores bool) {
	a, format := &r.args, r.kv.Format
	a.q, a.out, a.d = r.q, r.out, r.d
	a.keys, a.fade = unsafe.Pointer(&r.state.keys), unsafe.Pointer(&r.state.fade)
	n := PageTokens * r.d
	offset := 0 // of V
	if !scores {
		offset = n * format.bytes()
	}
	step := r.pages
	widen := format != F32 && r.rows >= pagedWiden
	if r.tiles > pagedFew || widen {
		step = 1
	}
	for p := 0; p < r.pages; p += step {
		a.s = unsafe.Pointer(&r.scores[p*PageTokens])
		a.before, a.count = p*PageTokens, step
		a.six, a.tail, a.tail2 = r.six, r.tail, r.tail2
		for i := range step {
			a.pages[i] = unsafe.Add(r.page[p+i], offset)
		}
		a.scale = nil
		if widen {
			if format == I8 {
				a.scale = unsafe.Add(r.page[p], 2*n)
			}
			a.pages[0] = r.widen(a.pages[0])
			format = F32
		}
		if scores {
			pagedScores(format, r.wide, a)
		} else {
			pagedValues(format, r.wide, a)
			a.mode = outAdd
		}
		format = r.kv.Format
	}
}

// widen converts half a page to float32, without scales.
func (r *pagedRun) widen(p unsafe.Pointer) unsafe.Pointer {
	n := PageTokens * r.d
	to := unsafe.Pointer(unsafe.SliceData(r.widened))
	if r.kv.Format == BF16 {
		half.FromBF16(r.widened, unsafe.Slice((*uint16)(p), n))
	} else {
		pagedWidenI8AVX2(to, p, n)
	}
	return to
}

// soften replaces scores by probabilities.
func (r *pagedRun) soften() {
	a := &r.softmax
	a.s = unsafe.Pointer(unsafe.SliceData(r.scores))
	a.rows = r.rows
	a.extent = unsafe.Pointer(&r.state.extent)
	a.top, a.sum, a.fade = unsafe.Pointer(&r.state.top), unsafe.Pointer(&r.state.sum), unsafe.Pointer(&r.state.fade)
	if r.wide {
		pagedSoftmaxAVX512(a)
	} else {
		pagedSoftmaxAVX2(a)
	}
}

func pagedScores(f Format, wide bool, a *pagedArgs) {
	switch {
	case f == F32 && wide:
		pagedScoresF32AVX512(a)
	case f == BF16 && wide:
		pagedScoresBF16AVX512(a)
	case wide:
		pagedScoresI8AVX512(a)
	case f == F32:
		pagedScoresF32AVX2(a)
	case f == BF16:
		pagedScoresBF16AVX2(a)
	default:
		pagedScoresI8AVX2(a)
	}
}

func pagedValues(f Format, wide bool, a *pagedArgs) {
	switch {
	case f == F32 && wide:
		pagedValuesF32AVX512(a)
	case f == BF16 && wide:
		pagedValuesBF16AVX512(a)
	case wide:
		pagedValuesI8AVX512(a)
	case f == F32:
		pagedValuesF32AVX2(a)
	case f == BF16:
		pagedValuesBF16AVX2(a)
	default:
		pagedValuesI8AVX2(a)
	}
}

//go:noescape
func pagedScoresF32AVX2(a *pagedArgs)

//go:noescape
func pagedScoresBF16AVX2(a *pagedArgs)

//go:noescape
func pagedScoresI8AVX2(a *pagedArgs)

//go:noescape
func pagedScoresF32AVX512(a *pagedArgs)

//go:noescape
func pagedScoresBF16AVX512(a *pagedArgs)

//go:noescape
func pagedScoresI8AVX512(a *pagedArgs)

//go:noescape
func pagedValuesF32AVX2(a *pagedArgs)

//go:noescape
func pagedValuesBF16AVX2(a *pagedArgs)

//go:noescape
func pagedValuesI8AVX2(a *pagedArgs)

//go:noescape
func pagedValuesF32AVX512(a *pagedArgs)

//go:noescape
func pagedValuesBF16AVX512(a *pagedArgs)

//go:noescape
func pagedValuesI8AVX512(a *pagedArgs)

//go:noescape
func pagedSoftmaxAVX2(a *pagedSoftmaxArgs)

//go:noescape
func pagedSoftmaxAVX512(a *pagedSoftmaxArgs)

//go:noescape
func pagedMultiplyAVX2(dst, src unsafe.Pointer, n int, factor float32)

//go:noescape
func pagedWidenI8AVX2(dst, src unsafe.Pointer, n int)
