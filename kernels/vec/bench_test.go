package vec

import (
	"fmt"
	"testing"

	"mom/kernels/kerneltest"
)

var sink float32

func BenchmarkVec(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, n := range []int{64, 768, 8192} { // a head, a row, twice the first-level cache
			x, y := kerneltest.Fill(make([]float32, n), 1), kerneltest.Fill(make([]float32, n), 2)
			dst := make([]float32, n)
			for _, c := range []struct {
				name  string
				bytes int // moved for each element
				f     func()
			}{
				{"Dot", 8, func() { sink = Dot(x, y) }},
				{"Sum", 4, func() { sink = Sum(x) }},
				{"Max", 4, func() { sink = Max(x) }},
				{"Add", 12, func() { Add(dst, x, y) }},
				{"AddScaled", 12, func() { AddScaled(dst, x, 1e-9) }},
				{"Scale", 8, func() { Scale(x, 1) }},
				{"Exp", 8, func() { Exp(dst, x) }},
				{"ExpSum", 8, func() { sink = ExpSum(dst, x, 1) }},
				{"Softmax", 20, func() { Softmax(dst, x) }},
			} {
				b.Run(fmt.Sprintf("f=%s/n=%d", c.name, n), func(b *testing.B) {
					b.SetBytes(int64(c.bytes * n))
					for b.Loop() {
						c.f()
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/element")
				})
			}
		}
	})
}

// BenchmarkGather looks up 128 rows of 768 in tables of 50368 rows, the
// vocabulary of ModernBERT, which no cache holds.
func BenchmarkGather(b *testing.B) {
	const rows, d, n = 50368, 768, 128
	f32, half, i8 := make([]float32, rows*d), make([]uint16, rows*d), make([]int8, rows*d)
	for i := range i8 {
		f32[i], half[i], i8[i] = 1, 0x3C00, int8(i)
	}
	scale := kerneltest.Fill(make([]float32, rows), 1)
	dst := make([]float32, n*d)
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, c := range []struct {
			name string
			size int
			f    func(ids []int32)
		}{
			{"F32", 4, func(ids []int32) { GatherF32(dst, d, f32, d, ids, false) }},
			{"BF16", 2, func(ids []int32) { GatherBF16(dst, d, half, d, ids, false) }},
			{"F16", 2, func(ids []int32) { GatherF16(dst, d, half, d, ids, false) }},
			{"I8", 1, func(ids []int32) { GatherI8(dst, d, i8, scale, d, ids, false) }},
		} {
			b.Run("f="+c.name, func(b *testing.B) {
				ids := make([]int32, n)
				next := uint32(1)
				b.SetBytes(int64(c.size * n * d)) // of the table
				for b.Loop() {
					for i := range ids {
						next = next*1664525 + 1013904223
						ids[i] = int32(next>>8) % rows
					}
					c.f(ids)
				}
			})
		}
	})
}

func BenchmarkMeanRows(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, m := range []int{16, 128} {
			b.Run(fmt.Sprintf("d=384/rows=%d", m), func(b *testing.B) {
				x, dst := kerneltest.Fill(make([]float32, m*384), 1), make([]float32, 384)
				b.SetBytes(int64(4 * 384 * m))
				for b.Loop() {
					MeanRows(dst, x, 384, m, 384)
				}
			})
		}
	})
}
