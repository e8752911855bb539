package gemm

import (
	"math"
	"testing"

	"mom/kernels/kerneltest"
)

// Row returns the rows that were packed, of each format, gated or not.
func TestRow(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, gated := range []bool{false, true} {
			for _, n := range []int{2, 16, 48, 50, 96, 130} {
				for _, k := range []int{1, 7, 16, 33} {
					f, h, q, scale := make([]float32, n*k), make([]uint16, n*k), make([]int8, n*k), make([]float32, n)
					for i := range f {
						f[i], h[i], q[i] = float32(i), uint16(i), int8(i*7%255-127)
					}
					for i := range scale {
						scale[i] = float32(i + 1)
					}
					pf, ph, pq := PackF32(f, n, k, gated), PackBF16(h, n, k, gated), PackI8(q, scale, n, k, gated)
					got := make([]float32, k)
					for j := range n {
						pf.Row(got, j)
						for i, v := range got {
							if v != f[j*k+i] {
								t.Fatalf("gated %v, %d x %d: row %d of f32 is not what was packed", gated, n, k, j)
							}
						}
						ph.Row(got, j)
						for i, v := range got {
							if v != math.Float32frombits(uint32(h[j*k+i])<<16) {
								t.Fatalf("gated %v, %d x %d: row %d of bf16 is not what was packed", gated, n, k, j)
							}
						}
						pq.Row(got[:k-1], j)
						for i, v := range got[:k-1] {
							if v != float32(q[j*k+i])*scale[j] {
								t.Fatalf("gated %v, %d x %d: row %d of int8 is not what was packed", gated, n, k, j)
							}
						}
					}
				}
			}
		}
	})
}
