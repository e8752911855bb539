package gemm

import "unsafe"

// BF16 is a packed weight of bfloat16: the upper halves of float32.
type BF16 struct {
	shape
	block int // values of a column that lie together
	data  []uint16
}

// PackBF16 packs w, n rows of k values. A gated weight has n = 2f: the rows of
// a, then the rows of b.
func PackBF16(w []uint16, n, k int, gated bool) *BF16 {
	g := blockBF16()
	s := newShape(n, k, gated, g)
	if len(w) != n*k {
		panic("gemm: PackBF16: len(w) is not n*k")
	}
	p := &BF16{shape: s, block: g, data: alignedSlice[uint16](s.paddedCols() * s.kpad)}
	s.panels(func(at, width, r0, rows int) {
		packPanel(p.data[at*s.kpad:], w[r0*k:], width, rows, k, g)
	})
	settle(p.data)
	return p
}

// Unpack returns the weight as it was given to PackBF16.
func (w *BF16) Unpack() []uint16 {
	out := make([]uint16, w.n*w.k)
	w.panels(func(at, width, r0, rows int) {
		unpackPanel(out[r0*w.k:], w.data[at*w.kpad:], width, rows, w.k, w.block)
	})
	return out
}

// Bytes returns the memory that the packed weight holds.
func (w *BF16) Bytes() int { return 2 * len(w.data) }

// Mul is F32.Mul for bfloat16: the products are exact, the sums float32. A row
// of x has k values, and if k is odd one more, which must be finite (a zero).
//
// Before the activation, the result is within
// (k+2)*(2^-24*(Σ|x[i]*w[j][i]| + |bias[j]|) + 2^-126) of the exact one: the CPU's
// bfloat16 instructions take subnormal numbers for zeros.
//
// Shapes: x [m k], dst [m Cols].
func (w *BF16) Mul(dst []float32, ldd int, x []uint16, ldx, m, u0, u1 int, ep Epilogue) {
	w.check(len(dst), ldd, len(x), ldx, (w.k+1)&^1, m, u0, u1, &ep)
	if m == 0 || u0 == u1 {
		return
	}
	p := product{
		shape:    &w.shape,
		format:   formatBF16,
		x:        unsafe.Pointer(&x[0]),
		ldx:      uintptr(ldx) * 2,
		w:        unsafe.Pointer(&w.data[0]),
		groups:   (w.k + 1) / 2,
		block:    w.block,
		colBytes: uintptr(w.kpad) * 2,
	}
	p.run(dst, ldd, m, u0, u1, &ep)
}
