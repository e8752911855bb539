//go:build !purego

package rope

import "mom/kernels/cpu"

//go:generate go run ./_asm

// batch is how many elements one call of a kernel has at most, unless it is a
// single row, so that it does not delay a stop of the goroutines.
const batch = 32768

func apply(x []float32, ldx, m, heads, dim int, cos, sin []float32, pos []int32) {
	if !cpu.HasAVX2 {
		applyGeneric(x, ldx, m, heads, dim, cos, sin, pos)
		return
	}
	for i, rows := 0, max(1, batch/(heads*dim)); i < m; i += rows {
		n := min(rows, m-i)
		if cpu.HasAVX512 {
			applyAVX512(&x[i*ldx], ldx, n, heads, dim, &cos[0], &sin[0], &pos[i])
		} else {
			applyAVX2(&x[i*ldx], ldx, n, heads, dim, &cos[0], &sin[0], &pos[i])
		}
	}
}

//go:noescape
func applyAVX512(x *float32, ldx, m, heads, dim int, cos, sin *float32, pos *int32)

//go:noescape
func applyAVX2(x *float32, ldx, m, heads, dim int, cos, sin *float32, pos *int32)
