// Package rope applies rotary position embeddings (Su et al. 2021,
// arXiv:2104.09864) in the layout of GPT-NeoX: element i of a head is rotated
// together with element i+dim/2.
package rope

import "math"

// Table returns cosines and sines for positions below maxpos. It is
//
//	for p := range maxpos {
//		for i := range dim/2 {
//			cos[p][i] = float32(math.Cos(p*invFreq[i]) * scale)
//			sin[p][i] = float32(math.Sin(p*invFreq[i]) * scale)
//		}
//	}
//
// invFreq[i] is base^(-2i/dim), or what a scaling method such as YaRN (Peng et
// al. 2023, arXiv:2309.00071) makes of it; scale is YaRN's attention factor, 1
// otherwise.
//
// Table panics if dim is odd or not positive, maxpos is negative, or the length
// of invFreq is not dim/2.
//
// Shapes: invFreq [dim/2]; cos and sin [maxpos dim/2].
func Table(dim, maxpos int, invFreq []float64, scale float64) (cos, sin []float32) {
	if dim < 2 || dim%2 != 0 || maxpos < 0 {
		panic("rope: Table: dim is not even and positive, or maxpos is negative")
	}
	if len(invFreq) != dim/2 {
		panic("rope: Table: len(invFreq) is not dim/2")
	}
	cos, sin = make([]float32, maxpos*len(invFreq)), make([]float32, maxpos*len(invFreq))
	for p := range maxpos {
		for i, f := range invFreq {
			s, c := math.Sincos(float64(p) * f)
			cos[p*len(invFreq)+i], sin[p*len(invFreq)+i] = float32(c*scale), float32(s*scale)
		}
	}
	return cos, sin
}

// Apply rotates, in place, the first heads heads of each row. With c and s the
// rows of the tables for position pos[r], it is
//
//	for r := range m {
//		for h := range heads {
//			a := x[r*ldx+h*dim:][:dim/2]
//			b := x[r*ldx+h*dim+dim/2:][:dim/2]
//			for i := range dim/2 {
//				a[i], b[i] = a[i]*c[i]-b[i]*s[i], b[i]*c[i]+a[i]*s[i]
//			}
//		}
//	}
//
// where each product and sum is rounded to float32: the results have the same
// bits at every level of the CPU.
//
// Apply panics if dim is odd or not positive, m or heads is negative, the
// stride is shorter than the heads, a slice is too short, cos and sin differ in
// length, or a position is not in the tables. The tables must not overlap x.
//
// Shapes: x [m heads*dim] with row stride ldx, cos and sin [positions dim/2], pos [m].
func Apply(x []float32, ldx, m, heads, dim int, cos, sin []float32, pos []int32) {
	if dim < 2 || dim%2 != 0 || m < 0 || heads < 0 {
		panic("rope: Apply: dim is not even and positive, or m or heads is negative")
	}
	if m == 0 || heads == 0 {
		return
	}
	if ldx < heads*dim {
		panic("rope: Apply: the row stride is shorter than the heads")
	}
	if len(x) < (m-1)*ldx+heads*dim || len(pos) < m {
		panic("rope: Apply: x or pos is too short")
	}
	if len(cos) != len(sin) {
		panic("rope: Apply: len(cos) != len(sin)")
	}
	positions := uint(len(cos) / (dim / 2))
	for _, p := range pos[:m] {
		if uint(p) >= positions {
			panic("rope: Apply: a position is not in the tables")
		}
	}
	apply(x, ldx, m, heads, dim, cos, sin, pos)
}
