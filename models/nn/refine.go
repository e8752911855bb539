package nn

import (
	"mom/kernels/gemm"
	"mom/kernels/quant"
	"mom/kernels/vec"
)

// Refine makes an int8 or int4 layer take its input as the sum of two rows of
// bytes: the input rounded, and what the rounding left, rounded. The gated
// product that goes into a decoder's down projection has values of all sizes, each
// row other large ones, so that one scale leaves most of them a few steps, and
// no split helps. It costs a second product; while few rows are decoded that is
// nearly nothing, as the weight is read once.
func (l *Linear) Refine() {
	if l.Act != gemm.None || l.gated() || l.split != nil {
		panic("BUG: nn: Refine: the layer has an activation or a split")
	}
	l.fine = l.precision == I8 || l.precision == I4
}

// terms is how many rows of bytes an input is.
func (l *Linear) terms() int {
	if l.fine {
		return 2
	}
	return 1
}

// refined quantises row i into rows 2i and 2i+1. rest [In] may be row.
func (t *rowTask) refined(i int, row, rest []float32) {
	q, a, n := t.ws.q[2*i*t.ld:2*(i+1)*t.ld], t.ws.affine[2*i:2*i+2], len(row)
	quant.Rows(q[:t.ld], t.ld, a[:1], row, n, 1, n)
	scale, zero := a[0].Scale, 128-a[0].Shift
	for j, b := range q[:n] {
		rest[j] = row[j] - float32(float32(int32(b)-zero)*scale)
	}
	quant.Rows(q[t.ld:], t.ld, a[1:], rest, n, 1, n)
}

// addTerms computes a unit of a fine layer: m rows of dst from r0 on, the columns
// of units [u0, u1).
func (t *linearTask) addTerms(r0, m, u0, u1 int) {
	w := t.l.weight
	c0, c1 := u0*w.UnitCols(), min(u1*w.UnitCols(), t.l.Out)
	bias, add := t.epilogue.Bias, t.epilogue.Accumulate
	t.mul(t.terms.Data[2*r0*t.terms.Cols:], t.terms.Cols, 2*r0, 2*m, u0, u1, gemm.Epilogue{})
	for r := r0; r < r0+m; r++ {
		dst, y := t.dst.Row(r)[c0:c1], t.terms.Row(2 * r)[c0:c1]
		vec.Add(y, y, t.terms.Row(2*r + 1)[c0:c1])
		if bias != nil {
			vec.Add(y, y, bias[c0:c1])
		}
		if add {
			vec.Add(dst, dst, y)
		} else {
			copy(dst, y)
		}
	}
	t.addOffset(r0, m, u0, u1)
}
