package gemm

import (
	"fmt"
	"testing"

	"mom/kernels/kerneltest"
	"mom/kernels/peak"
)

// Benchmarks report the rate and the share of the ceiling that package peak
// measures at the same level just before.

type benchWeight interface {
	Units() int
	Cols() int
	N() int
	K() int
	mul(dst []float32, m int, ep Epilogue)
}

type benchF32 struct {
	*F32
	x []float32
}

func (w benchF32) mul(dst []float32, m int, ep Epilogue) {
	w.Mul(dst, w.cols, w.x, w.k, m, 0, w.Units(), ep)
}

type benchBF16 struct {
	*BF16
	x []uint16
}

func (w benchBF16) mul(dst []float32, m int, ep Epilogue) {
	w.Mul(dst, w.cols, w.x, w.k, m, 0, w.Units(), ep)
}

type benchI8 struct {
	*I8
	x     []uint8
	scale []float32
}

func (w benchI8) mul(dst []float32, m int, ep Epilogue) {
	w.Mul(dst, w.cols, w.x, w.k, w.scale, m, 0, w.Units(), ep)
}

// newBench packs a weight and makes rows for it. k is a multiple of 64.
func newBench(format string, m, n, k int, gated bool) benchWeight {
	switch format {
	case "f32":
		w := kerneltest.Fill(make([]float32, n*k), 1)
		return benchF32{PackF32(w, n, k, gated), kerneltest.Fill(make([]float32, m*k), 2)}
	case "bf16":
		w := kerneltest.FillBF16(make([]uint16, n*k), 1)
		return benchBF16{PackBF16(w, n, k, gated), kerneltest.FillBF16(make([]uint16, m*k), 2)}
	}
	w := kerneltest.FillInt8(make([]int8, n*k), 1)
	x := make([]uint8, m*k)
	for i, q := range kerneltest.FillInt8(make([]int8, m*k), 2) {
		x[i] = uint8(int(q) + 128)
	}
	scale := kerneltest.Fill(make([]float32, max(m, n)), 3)
	return benchI8{PackI8(w, scale[:n], n, k, gated), x, scale[:m]}
}

func ceiling(format string) float64 {
	switch format {
	case "f32":
		return peak.F32()
	case "bf16":
		return peak.BF16()
	}
	return peak.I8()
}

func report(b *testing.B, ops, ceiling float64) {
	rate := ops * float64(b.N) / float64(b.Elapsed().Nanoseconds())
	b.ReportMetric(rate, "Gop/s")
	b.ReportMetric(100*rate/ceiling, "%peak")
}

func BenchmarkMul(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, format := range []string{"f32", "bf16", "int8"} {
			top := ceiling(format)
			for _, s := range []struct{ m, k, n int }{
				{1, 768, 768}, {8, 768, 768}, {32, 768, 2304}, {33, 768, 2304}, {128, 768, 768}, {512, 768, 768}, {128, 1152, 768},
			} {
				b.Run(fmt.Sprintf("%s/m=%d/k=%d/n=%d", format, s.m, s.k, s.n), func(b *testing.B) {
					w := newBench(format, s.m, s.n, s.k, false)
					dst := make([]float32, s.m*s.n)
					ep := Epilogue{Bias: kerneltest.Fill(make([]float32, s.n), 4)}
					for b.Loop() {
						w.mul(dst, s.m, ep)
					}
					report(b, 2*float64(s.m*s.k*s.n), top)
				})
			}
		}
	})
}

// BenchmarkLayers multiplies by the 22 layers of ModernBERT-base in sequence,
// so that all weights come from memory.
func BenchmarkLayers(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, format := range []string{"f32", "bf16", "int8"} {
			top := ceiling(format)
			for _, m := range []int{8, 16, 32, 64, 128} {
				b.Run(fmt.Sprintf("%s/m=%d", format, m), func(b *testing.B) { benchLayers(b, format, m, top) })
			}
		}
	})
}

func benchLayers(b *testing.B, format string, m int, top float64) {
	const layers = 22
	var ws []benchWeight
	ops := 0.0
	for range layers {
		for _, s := range []struct {
			k, n  int
			gated bool
		}{{768, 2304, false}, {768, 768, false}, {768, 2304, true}, {1152, 768, false}} {
			ws = append(ws, newBench(format, m, s.n, s.k, s.gated))
			ops += 2 * float64(m*s.k*s.n)
		}
	}
	dst := make([]float32, m*2304)
	for b.Loop() {
		for i, w := range ws {
			ep := Epilogue{Accumulate: i%4 == 1 || i%4 == 3}
			if i%4 == 2 {
				ep.Act = GELU
			}
			w.mul(dst, m, ep)
		}
	}
	report(b, ops, top)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ms")
	b.ReportMetric(ops/top/1e6, "ms-floor")
}
