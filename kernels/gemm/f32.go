package gemm

import "unsafe"

// F32 is a packed weight of float32.
type F32 struct {
	shape
	data []float32
}

// PackF32 packs w, n rows of k values. A gated weight has n = 2f: the rows of
// a, then the rows of b.
func PackF32(w []float32, n, k int, gated bool) *F32 {
	s := newShape(n, k, gated, 1)
	if len(w) != n*k {
		panic("gemm: PackF32: len(w) is not n*k")
	}
	p := &F32{shape: s, data: alignedSlice[float32](s.paddedCols() * s.kpad)}
	s.panels(func(at, width, r0, rows int) {
		packPanel(p.data[at*s.kpad:], w[r0*k:], width, rows, k, 1)
	})
	settle(p.data)
	return p
}

// Unpack returns the weight as it was given to PackF32.
func (w *F32) Unpack() []float32 {
	out := make([]float32, w.n*w.k)
	w.panels(func(at, width, r0, rows int) {
		unpackPanel(out[r0*w.k:], w.data[at*w.kpad:], width, rows, w.k, 1)
	})
	return out
}

// Bytes returns the memory that the packed weight holds.
func (w *F32) Bytes() int { return 4 * len(w.data) }

// Mul computes the columns of units [u0, u1) of m rows of dst = epilogue(x·wᵀ):
//
//	for j := range columns {
//		var y float32
//		for i := range k {
//			y += x[i] * w[j][i]
//		}
//		y += bias[j]
//		dst[j] = act(y)
//	}
//
// for each row, where assembly fuses the multiplications and additions; if the
// weight is gated, y is computed for column j of a and of b and
//
//	dst[j] = act(ya) * yb
//
// Before the activation, the result is within (k+2)*2^-24*(Σ|x[i]*w[j][i]| + |bias[j]|)
// of the exact one.
//
// Row r of x begins at x[r*ldx], row r of dst at dst[r*ldd]. Columns of other
// units are left alone. dst and x must not overlap. Mul panics if a slice is too
// short or an argument out of range.
//
// Shapes: x [m k], dst [m Cols].
func (w *F32) Mul(dst []float32, ldd int, x []float32, ldx, m, u0, u1 int, ep Epilogue) {
	w.check(len(dst), ldd, len(x), ldx, w.k, m, u0, u1, &ep)
	if m == 0 || u0 == u1 {
		return
	}
	p := product{
		shape:    &w.shape,
		format:   formatF32,
		x:        unsafe.Pointer(&x[0]),
		ldx:      uintptr(ldx) * 4,
		w:        unsafe.Pointer(&w.data[0]),
		groups:   w.k,
		colBytes: uintptr(w.kpad) * 4,
	}
	p.run(dst, ldd, m, u0, u1, &ep)
}
