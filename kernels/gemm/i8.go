package gemm

import (
	"unsafe"

	"mom/kernels/quant"
)

// I8 is a packed weight of int8, with a scale for each of its rows.
type I8 struct {
	shape
	block  int // values of a column that lie together
	data   []int8
	scale  []float32 // one a padded column
	colsum []int32   // the sum of the column
}

// maxK is the longest row for which no sum of products leaves int32.
const maxK = 1 << 16

// PackI8 packs w, n rows of k values in [-127, 127], which stand for
// w[i]*scale[i/k]. A gated weight has n = 2f: the rows of a, then the rows of b.
func PackI8(w []int8, scale []float32, n, k int, gated bool) *I8 {
	s := newShape(n, k, gated, 16)
	if len(w) != n*k || len(scale) != n {
		panic("gemm: PackI8: len(w) is not n*k or len(scale) is not n")
	}
	if k > maxK {
		panic("gemm: PackI8: k is above 65536")
	}
	p := &I8{
		shape:  s,
		block:  blockI8(),
		data:   alignedSlice[int8](s.paddedCols() * s.kpad),
		scale:  alignedSlice[float32](s.paddedCols()),
		colsum: alignedSlice[int32](s.paddedCols()),
	}
	s.panels(func(at, width, r0, rows int) {
		packPanel(p.data[at*s.kpad:], w[r0*k:], width, rows, k, p.block)
		copy(p.scale[at:at+rows], scale[r0:])
		for j := range rows {
			p.colsum[at+j] = sum(w[(r0+j)*k:][:k])
		}
	})
	settle(p.data)
	return p
}

// Unpack returns the weight and the scales as they were given to PackI8.
func (w *I8) Unpack() (data []int8, scale []float32) {
	data, scale = make([]int8, w.n*w.k), make([]float32, w.n)
	w.panels(func(at, width, r0, rows int) {
		unpackPanel(data[r0*w.k:], w.data[at*w.kpad:], width, rows, w.k, w.block)
		copy(scale[r0:r0+rows], w.scale[at:])
	})
	return data, scale
}

// Bytes returns the memory that the packed weight holds.
func (w *I8) Bytes() int { return len(w.data) + 4*len(w.scale) + 4*len(w.colsum) }

// Mul computes the columns of units [u0, u1) of m rows of dst = epilogue(x·wᵀ).
// Row r of x stands for (x[i]-128+a[r].Shift)*a[r].Scale, as quant.Rows makes
// it. For each row,
//
//	for j := range columns {
//		var sum int32
//		for i := range k {
//			sum += (int32(x[i]) - 128 + a[r].Shift) * int32(w[j][i])
//		}
//		y := float32(sum)*(a[r].Scale*scale[j]) + bias[j]
//		dst[j] = act(y)
//	}
//
// where each operation on floats is rounded by itself. The result is the same
// at every level, bit for bit, if Act is None; otherwise the activation decides.
// If the weight is gated, dst[j] = act(ya) * yb as in F32.Mul.
//
// A row of x has k values and is padded to a multiple of 16 bytes, whose
// contents do not matter: ldx must be at least k rounded up to 64 and x must
// reach to the end of the padded last row.
//
// Shapes: x [m k], a [m], dst [m Cols].
func (w *I8) Mul(dst []float32, ldd int, x []uint8, ldx int, a []quant.Affine, m, u0, u1 int, ep Epilogue) {
	w.check(len(dst), ldd, len(x), ldx, (w.k+63)&^63, m, u0, u1, &ep)
	if len(a) < m {
		panic("gemm: Mul: a is too short")
	}
	if m == 0 || u0 == u1 {
		return
	}
	p := product{
		shape:    &w.shape,
		format:   formatI8,
		x:        unsafe.Pointer(&x[0]),
		ldx:      uintptr(ldx),
		w:        unsafe.Pointer(&w.data[0]),
		groups:   w.kpad / 4,
		block:    w.block,
		colBytes: uintptr(w.kpad),
		affine:   unsafe.Pointer(&a[0]),
		wscale:   unsafe.Pointer(&w.scale[0]),
		colsum:   unsafe.Pointer(&w.colsum[0]),
	}
	if rows := splitRows(w.kpad); splitsI8() && m > fewRows && rows > fewRows && (u1-u0)*w.halves >= splitPanels {
		p.runSplit(dst, ldd, m, rows, u0, u1, &ep)
		return
	}
	p.run(dst, ldd, m, u0, u1, &ep)
}

// Kernels of level avx2 split x into sizes and signs, which takes a twentieth of
// the time of the products with a panel. For several panels i8Split does it once.
// It makes 512 bytes of each 256 values of k, or what is left of them, rows one
// after the other, and sums of 32 bytes a row.
const (
	splitPanels = 4        // from so many on it is worth setting the memory aside
	splitBytes  = 48 << 10 // for a tile's rows: they stay in the second-level cache
	splitMost   = 16       // rows of a tile
	fewRows     = 4        // tiles of so many split x themselves: they wait for memory
)

// splitRows returns how many rows of kpad values can be split together.
func splitRows(kpad int) int {
	return min(splitMost, splitBytes/((kpad+255)/256*512)) &^ 1
}

// runSplit is run with x split, up to most rows at a time.
func (p *product) runSplit(dst []float32, ldd, m, most, u0, u1 int, ep *Epilogue) {
	var (
		split [splitBytes / 8]uint64
		below [splitMost][4]uint64
	)
	count := (m + most - 1) / most
	rows := ((m+count-1)/count + 1) &^ 1
	for r := 0; r < m; r += rows {
		n := min(rows, m-r)
		q := *p
		q.x = unsafe.Add(p.x, uintptr(r)*p.ldx)
		q.affine = unsafe.Add(p.affine, 8*r)
		if n > fewRows {
			t := tile{dst: unsafe.Pointer(&split), x: q.x, ldx: p.ldx, k: p.groups, rows: n, below: unsafe.Pointer(&below)}
			i8Split(&t)
			q.x, q.below = t.dst, t.below
		}
		q.run(dst[r*ldd:], ldd, n, u0, u1, ep)
	}
}
