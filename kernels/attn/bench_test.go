package attn

import (
	"fmt"
	"math"
	"testing"

	"mom/kernels/kerneltest"
)

func BenchmarkAttend(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, c := range []struct{ n, d, reach int }{
			{16, 64, -1}, {32, 64, -1}, {128, 64, -1}, {512, 64, -1}, {512, 64, 64},
			{1024, 64, 64}, {8192, 64, 64}, {16, 32, -1}, {32, 32, -1}, {128, 32, -1},
		} {
			for _, bf16 := range []bool{false, true} {
				if bf16 && !hasBF16() {
					continue
				}
				b.Run(fmt.Sprintf("n=%d/d=%d/reach=%d/bf16=%t", c.n, c.d, c.reach, bf16), func(b *testing.B) {
					benchmarkHeads(b, c.n, c.d, c.reach, bf16)
				})
			}
		}
	})
}

// benchmarkHeads times a layer of 12 heads, on one core. The rate counts the
// products of the pairs within reach alone.
func benchmarkHeads(b *testing.B, n, d, reach int, bf16 bool) {
	s := Shape{Heads: 12, KVHeads: 12, HeadDim: d, Scale: float32(1 / math.Sqrt(float64(d))), Reach: reach, BF16: bf16}
	ld := 3 * 12 * d
	x := kerneltest.Fill(make([]float32, n*ld), 1)
	dst := make([]float32, n*12*d)
	scratch := make([]float32, ScratchLen(s, n))
	for b.Loop() {
		for head := range 12 {
			Attend(dst, 12*d, x, x[12*d:], x[24*d:], ld, n, head, 0, n, s, scratch)
		}
	}
	pairs := 0
	for i := range n {
		if reach < 0 {
			pairs += n
		} else {
			pairs += min(n, i+reach+1) - max(0, i-reach)
		}
	}
	b.ReportMetric(float64(4*d*pairs)*12*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
