package nn

import (
	"mom/kernels/gemm"
	"mom/kernels/half"
	"mom/kernels/quant"
)

// An int4 matrix may have an offset for each group of 32 values beside the scale,
// as Q4_1 of GGUF has. With s and o those of a group g,
//
//	y = Σ_g s·Σ(q-8)·x + Σ_g o·Σx
//
// The first part is the product without offsets; the second is a matrix of K/32
// columns times the sums of x over the groups. It is taken in bfloat16: what this
// rounds is a tenth of what rounding x to int8 does.

// setOffset packs the offsets of the layer's weight [n k].
func (l *Linear) setOffset(offset []float32, n, k int) {
	if l.Act != gemm.None || l.gated() {
		panic("BUG: nn: NewLinear: offsets, and an activation before which they would have to be added")
	}
	b := make([]uint16, len(offset))
	half.ToBF16(b, offset)
	l.offset = gemm.PackBF16(b, n, k/quant.GroupI4, false)
}

// offsetStride is the length of a row of sums.
func (l *Linear) offsetStride() int { return (l.In/quant.GroupI4 + 31) &^ 31 }

// sums writes the sums over the groups of row i.
func (t *rowTask) sums(i int, row []float32) {
	n, ld := len(row)/quant.GroupI4, t.l.offsetStride()
	to := t.ws.bf[i*ld : (i+1)*ld]
	clear(to[n:])
	var sums [64]float32
	for at := 0; at < n; at += len(sums) {
		m := min(len(sums), n-at)
		for g := range m {
			x := (*[quant.GroupI4]float32)(row[(at+g)*quant.GroupI4:])
			var s [4]float32
			for j := 0; j < len(x); j += 4 {
				s[0] += x[j]
				s[1] += x[j+1]
				s[2] += x[j+2]
				s[3] += x[j+3]
			}
			sums[g] = (s[0] + s[1]) + (s[2] + s[3])
		}
		half.ToBF16(to[at:at+m], sums[:m])
	}
}

// addOffset adds what the offsets make, to m rows of dst from r0 on, the columns of
// units [u0, u1).
func (t *linearTask) addOffset(r0, m, u0, u1 int) {
	if t.l.offset == nil {
		return
	}
	ld := t.l.offsetStride()
	t.l.offset.Mul(t.dst.Data[r0*t.dst.Cols:], t.dst.Cols, t.ws.bf[r0*ld:], ld, m, u0, u1, gemm.Epilogue{Accumulate: true})
}
