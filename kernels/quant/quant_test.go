package quant

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"mom/kernels/kerneltest"
)

// reference quantises one row as the comment of Rows says.
func reference(x []float32) (q []uint8, a Affine) {
	q = slices.Repeat([]uint8{128}, KPad(len(x)))
	var low, high float32
	for _, v := range x {
		if v-v != 0 {
			return q, Affine{Scale: float32(math.NaN())}
		}
		low, high = min(low, v), max(high, v)
	}
	half := float32(float64(high)/2 - float64(low)/2)
	if half < 0x1p-119 {
		return q, a
	}
	inv := 127 / half
	zero := math.RoundToEven(float64(float32(-low * inv)))
	for j := range q {
		q[j] = uint8(zero)
		if j < len(x) {
			q[j] = uint8(zero + math.RoundToEven(float64(float32(x[j]*inv))))
		}
	}
	return q, Affine{half / 127, 128 - int32(zero)}
}

// referenceWeights does so for Weights.
func referenceWeights(x []float32) (q []int8, scale float32) {
	q = make([]int8, len(x))
	var absmax float64
	for _, v := range x {
		if v-v != 0 {
			return q, float32(math.NaN())
		}
		absmax = max(absmax, math.Abs(float64(v)))
	}
	if absmax < math.Ldexp(1, -119) {
		return q, 0
	}
	scale = float32(absmax) / 127
	inv := 127 / float32(absmax)
	for j, v := range x {
		p := float32(v * inv)
		q[j] = int8(math.RoundToEven(float64(p)))
	}
	return q, scale
}

func same(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }

func testRows(t *testing.T, what string, x []float32, ldx, m, k int) {
	t.Helper()
	pad := KPad(k)
	ldd := pad + 64*(m%2)
	dst := kerneltest.GuardedAt[uint8](t, (m-1)*ldd+pad, k%64)
	for i := range dst {
		dst[i] = 3
	}
	a := kerneltest.Guarded[Affine](t, m)
	Rows(dst, ldd, a, x, ldx, m, k)
	for i := range m {
		want, wantA := reference(x[i*ldx:][:k])
		if !same(a[i].Scale, wantA.Scale) || a[i].Shift != wantA.Shift {
			t.Fatalf("%s, row %d: %v, want %v", what, i, a[i], wantA)
		}
		for j := range ldd {
			if i == m-1 && j == pad {
				break
			}
			w := uint8(3) // between rows
			if j < pad {
				w = want[j]
			}
			if got := dst[i*ldd+j]; got != w {
				t.Fatalf("%s, row %d of %d, k=%d: byte %d is %d, want %d", what, i, m, k, j, got, w)
			}
		}
	}
	if m > 1 && ldx != k {
		return
	}
	q, scale := kerneltest.Guarded[int8](t, m*k), kerneltest.Guarded[float32](t, m)
	Weights(q, scale, x[:m*k], m, k)
	for i := range m {
		want, wantScale := referenceWeights(x[i*k:][:k])
		if !same(scale[i], wantScale) {
			t.Fatalf("%s, row %d of weights: scale %v, want %v", what, i, scale[i], wantScale)
		}
		for j := range k {
			if got := q[i*k+j]; got != want[j] {
				t.Fatalf("%s, row %d of weights: element %d is %d, want %d", what, i, j, got, want[j])
			}
		}
	}
}

func TestRows(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, k := range kerneltest.Sizes {
			m := 1 + k%3
			ldx := k + k%2*(k%7)
			x := kerneltest.Fill(kerneltest.Guarded[float32](t, (m-1)*ldx+k), uint64(k))
			testRows(t, "random", x, ldx, m, k)
		}
	})
}

// TestRounding has rows full of ties, which go to the even integer, and rows
// of all sizes.
func TestRounding(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		x := kerneltest.Guarded[float32](t, 255)
		for i := range x {
			x[i] = float32(i-127) + 0.5
		}
		x[254] = 127
		testRows(t, "ties", x, 255, 1, 255)
		for e := -149; e < 128; e++ {
			kerneltest.Fill(x, uint64(e+200))
			for i := range x {
				x[i] = float32(math.Ldexp(float64(x[i]), e))
			}
			testRows(t, fmt.Sprintf("2^%d", e), x, 255, 1, 255)
		}
	})
}

func TestSpecialValues(t *testing.T) {
	inf, nan, zero := float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1))
	const k = 150
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, v := range []float32{
			nan, -nan, inf, -inf, math.Float32frombits(0x7F800001), math.Float32frombits(0xFFFFFFFF),
			0, zero, math.MaxFloat32, -math.MaxFloat32, 1e-45, 0x1p-119, 0x1.fffffep-120, -0x1p-119, 0x1p-126,
		} {
			for at := 0; at < k; at += 7 {
				x := make([]float32, k)
				x[at] = v
				testRows(t, fmt.Sprintf("%v (%#x) at %d", v, math.Float32bits(v), at), x, k, 1, k)
				kerneltest.Fill(x, 9)
				x[at] = v
				testRows(t, fmt.Sprintf("%v (%#x) at %d among others", v, math.Float32bits(v), at), x, k, 1, k)
			}
		}
	})
}

// TestError checks the bound that the comment of Rows states.
func TestError(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		const k = 1000
		for seed := range uint64(50) {
			x := kerneltest.Fill(make([]float32, k), seed)
			for i := range x { // between all below zero and all above
				x[i] += float32(seed)/25 - 1
			}
			dst, a := make([]uint8, KPad(k)), make([]Affine, 1)
			Rows(dst, len(dst), a, x, k, 1, k)
			for j, v := range x {
				back := float64(int32(dst[j])-128+a[0].Shift) * float64(a[0].Scale)
				if !(math.Abs(back-float64(v)) <= 0.501*float64(a[0].Scale)) {
					t.Fatalf("%v became %v, %v", v, back, a[0])
				}
			}
		}
	})
}

func TestManyRows(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		const m, k = 700, 70 // more than one call of a kernel
		testRows(t, "many", kerneltest.Fill(make([]float32, m*k), 1), k, m, k)
	})
}

func TestPanics(t *testing.T) {
	x, q, s, a := make([]float32, 128), make([]uint8, 128), make([]float32, 2), make([]Affine, 2)
	for name, f := range map[string]func(){
		"m":         func() { Rows(q, 64, a, x, 64, -1, 64) },
		"stride":    func() { Rows(q, 63, a, x, 64, 1, 64) },
		"x stride":  func() { Rows(q, 64, a, x, 63, 1, 64) },
		"short dst": func() { Rows(q[1:], 64, a, x, 64, 2, 64) },
		"padding":   func() { Rows(q[:100], 64, a, x, 36, 2, 36) },
		"short x":   func() { Rows(q, 64, a, x[1:], 64, 2, 64) },
		"short a":   func() { Rows(q, 64, a[1:], x, 64, 2, 64) },
		"weights":   func() { Weights(make([]int8, 127), s, x, 2, 64) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	Rows(nil, 0, nil, nil, 0, 0, 64)
	a[0], a[1] = Affine{1, 1}, Affine{1, 1}
	Rows(nil, 0, a, nil, 0, 2, 0)
	if a[0] != (Affine{}) || a[1] != (Affine{}) {
		t.Error("empty rows have a scale or a shift other than 0")
	}
}

func TestAllocations(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		x, q, a := make([]float32, 200), make([]uint8, 256), make([]Affine, 2)
		if n := testing.AllocsPerRun(10, func() { Rows(q, 128, a, x, 100, 2, 100) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// rows=1 is how the models call it; 64 rows of 768 are in the second-level cache.
func BenchmarkRows(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, k := range []int{384, 768, 1152} {
			for _, m := range []int{1, 64} {
				b.Run(fmt.Sprintf("k=%d/rows=%d", k, m), func(b *testing.B) {
					x := kerneltest.Fill(make([]float32, m*k), 1)
					q, a := make([]uint8, m*KPad(k)), make([]Affine, m)
					b.SetBytes(int64(5 * m * k)) // x and dst once
					for b.Loop() {
						Rows(q, KPad(k), a, x, k, m, k)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*m*k), "ns/element")
				})
			}
		}
	})
}

func BenchmarkWeights(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		const n, k = 768, 768
		w := kerneltest.Fill(make([]float32, n*k), 1)
		q, s := make([]int8, n*k), make([]float32, n)
		b.SetBytes(5 * n * k)
		for b.Loop() {
			Weights(q, s, w, n, k)
		}
	})
}
