package gemm

import (
	"fmt"
	"testing"
	"time"

	"mom/kernels/kerneltest"
	"mom/kernels/peak"
	"mom/kernels/quant"
)

// Benchmarks report the rate of the fastest iteration, and its share of the
// ceiling that package peak measured just before at the same level. (The mean,
// ns/op, also has what other users of the machine took.)

// benchRows is m rows of up to k values in each format.
type benchRows struct {
	m    int
	f32  []float32
	bf16 []uint16
	u8   []uint8
	a    []quant.Affine
}

func newBenchRows(m, k int) *benchRows {
	r := &benchRows{
		m:    m,
		f32:  kerneltest.Fill(make([]float32, m*k), 1),
		bf16: kerneltest.FillBF16(make([]uint16, m*k), 2),
		u8:   make([]uint8, m*k),
		a:    make([]quant.Affine, m),
	}
	for i, s := range kerneltest.Fill(make([]float32, m), 3) {
		r.a[i] = quant.Affine{Scale: s, Shift: int32(i % 128)}
	}
	for i, q := range kerneltest.FillInt8(make([]int8, m*k), 4) {
		r.u8[i] = uint8(int(q) + 128)
	}
	return r
}

type benchWeight interface {
	ops() float64 // for a row
	mul(dst []float32, x *benchRows, u0, u1 int, ep Epilogue)
	K() int
	Cols() int
	Units() int
	Bytes() int
}

type benchF32 struct{ *F32 }
type benchBF16 struct{ *BF16 }
type benchI8 struct{ *I8 }
type benchI4 struct{ *I4 }

func (s *shape) ops() float64 { return 2 * float64(s.n*s.k) }

func (w benchF32) mul(dst []float32, x *benchRows, u0, u1 int, ep Epilogue) {
	w.Mul(dst, w.cols, x.f32, w.k, x.m, u0, u1, ep)
}

func (w benchBF16) mul(dst []float32, x *benchRows, u0, u1 int, ep Epilogue) {
	w.Mul(dst, w.cols, x.bf16, w.k, x.m, u0, u1, ep)
}

func (w benchI8) mul(dst []float32, x *benchRows, u0, u1 int, ep Epilogue) {
	w.Mul(dst, w.cols, x.u8, w.k, x.a, x.m, u0, u1, ep)
}

func (w benchI4) mul(dst []float32, x *benchRows, u0, u1 int, ep Epilogue) {
	w.Mul(dst, w.cols, x.u8, w.k, x.a, x.m, u0, u1, ep)
}

var benchFormats = []string{"f32", "bf16", "int8", "int4"}

// newBenchWeight packs n rows of k values, a multiple of 64.
func newBenchWeight(format string, n, k int, gated bool) benchWeight {
	return benchPacker(format, n, k, gated)()
}

// benchPacker returns a function that packs the same values again and again.
func benchPacker(format string, n, k int, gated bool) func() benchWeight {
	switch format {
	case "f32":
		w := kerneltest.Fill(make([]float32, n*k), 5)
		return func() benchWeight { return benchF32{PackF32(w, n, k, gated)} }
	case "bf16":
		w := kerneltest.FillBF16(make([]uint16, n*k), 6)
		return func() benchWeight { return benchBF16{PackBF16(w, n, k, gated)} }
	case "int8":
		w, scale := kerneltest.FillInt8(make([]int8, n*k), 8), kerneltest.Fill(make([]float32, n), 7)
		return func() benchWeight { return benchI8{PackI8(w, scale, n, k, gated)} }
	}
	w, scale := randomI4(n*k/2, 8), kerneltest.Fill(make([]float32, n*k/groupI4), 7)
	return func() benchWeight { return benchI4{PackI4(w, scale, n, k, gated)} }
}

func ceiling(format string) float64 {
	switch format {
	case "f32":
		return peak.F32()
	case "bf16":
		return peak.BF16()
	case "int4":
		return peak.I4()
	}
	return peak.I8()
}

// run times f, which does ops operations.
func run(b *testing.B, ops, ceiling float64, f func()) {
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	rate := ops / float64(best)
	b.ReportMetric(float64(best), "best-ns")
	b.ReportMetric(rate, "Gop/s")
	b.ReportMetric(100*rate/ceiling, "%peak")
}

// BenchmarkMul is one product whose weight stays in the caches.
func BenchmarkMul(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, format := range benchFormats {
			top := ceiling(format)
			for _, s := range []struct{ m, k, n int }{
				{1, 768, 768}, {8, 768, 768}, {32, 768, 2304}, {33, 768, 2304},
				{128, 768, 768}, {128, 1152, 768}, {512, 768, 768}, {32, 384, 1536},
			} {
				b.Run(fmt.Sprintf("%s/m=%d/k=%d/n=%d", format, s.m, s.k, s.n), func(b *testing.B) {
					w, x := newBenchWeight(format, s.n, s.k, false), newBenchRows(s.m, s.k)
					dst := make([]float32, s.m*s.n)
					ep := Epilogue{Bias: kerneltest.Fill(make([]float32, s.n), 9)}
					run(b, w.ops()*float64(s.m), top, func() { w.mul(dst, x, 0, w.Units(), ep) })
				})
			}
		}
	})
}

// BenchmarkLayers is the 88 products of the 22 layers of ModernBERT-base in
// sequence, so that all weights come from memory.
func BenchmarkLayers(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, format := range benchFormats {
			top := ceiling(format)
			for _, m := range []int{8, 16, 32, 64, 128} {
				b.Run(fmt.Sprintf("%s/m=%d", format, m), func(b *testing.B) {
					layers, ops := newBenchLayers(format)
					x, dst := newBenchRows(m, 1152), make([]float32, m*2304)
					ops *= float64(m)
					run(b, ops, top, func() { benchForward(layers, dst, x) })
					b.ReportMetric(ops/top, "floor-ns")
				})
			}
		}
	})
}

func newBenchLayers(format string) (layers []benchWeight, ops float64) {
	for range 22 {
		layers = append(layers,
			newBenchWeight(format, 2304, 768, false),
			newBenchWeight(format, 768, 768, false),
			newBenchWeight(format, 2304, 768, true),
			newBenchWeight(format, 768, 1152, false))
	}
	for _, w := range layers {
		ops += w.ops()
	}
	return layers, ops
}

func benchForward(layers []benchWeight, dst []float32, x *benchRows) {
	for i, w := range layers {
		ep := Epilogue{}
		switch i % 4 {
		case 1, 3:
			ep.Accumulate = true
		case 2:
			ep.Act = GELU
		}
		w.mul(dst, x, 0, w.Units(), ep)
	}
}
