package act

import (
	"fmt"
	"math"
	"testing"

	"mom/kernels/kerneltest"
)

var kindNames = []string{"None", "GELU", "GELUTanh", "SiLU", "ReLU", "Tanh"}

// exact is a function in float64.
func exact(kind Kind, x float64) float64 {
	switch kind {
	case KindGELU:
		return x * math.Erfc(-x/math.Sqrt2) / 2
	case KindGELUTanh:
		return x / (1 + math.Exp(-2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	case KindSiLU:
		return x / (1 + math.Exp(-x))
	case KindReLU:
		return math.Max(x, 0)
	case KindTanh:
		return math.Tanh(x)
	}
	return x
}

// bound is the error that the package's comment allows.
func bound(kind Kind, x float64) float64 {
	switch kind {
	case KindNone, KindReLU:
		return 0
	case KindTanh:
		return 4e-7
	}
	return 3e-7 * math.Max(1, math.Abs(x))
}

// samples are numbers of every size and sign, and the interval where the
// functions bend, closely.
func samples() []float32 {
	x := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, 1e-38, -1e-38, math.MaxFloat32, -math.MaxFloat32}
	for b := uint64(0); b < 1<<32; b += 8191 {
		if v := math.Float32frombits(uint32(b)); v-v == 0 {
			x = append(x, v)
		}
	}
	for v := -12.0; v < 12; v += 1.0 / 4096 {
		x = append(x, float32(v))
	}
	return x
}

func TestValues(t *testing.T) {
	x := samples()
	for kind, name := range kindNames {
		kind := Kind(kind)
		want := make([]float64, len(x))
		for i, v := range x {
			want[i] = exact(kind, float64(v))
		}
		t.Run(name, func(t *testing.T) {
			kerneltest.EachLevel(t, func(t *testing.T) {
				dst := make([]float32, len(x))
				apply(kind, dst, x)
				worst, at := 0.0, 0
				for i, v := range x {
					diff := math.Abs(float64(dst[i]) - want[i])
					if !(diff <= bound(kind, float64(v))) {
						t.Fatalf("of %v: got %v, want %v", v, dst[i], want[i])
					}
					if diff /= math.Max(1, math.Abs(float64(v))); diff > worst {
						worst, at = diff, i
					}
				}
				t.Logf("largest error %.2g*max(1,|x|), at %v", worst, x[at])
			})
		})
	}
}

func TestSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	kerneltest.EachLevel(t, func(t *testing.T) {
		x := []float32{nan, inf, -inf, -nan}
		want := map[Kind][]float32{
			KindNone:     {nan, inf, -inf, nan},
			KindGELU:     {nan, inf, nan, nan},
			KindGELUTanh: {nan, inf, nan, nan},
			KindSiLU:     {nan, inf, nan, nan},
			KindReLU:     {nan, inf, 0, nan},
			KindTanh:     {nan, 1, -1, nan},
		}
		for kind, want := range want {
			dst := make([]float32, len(x))
			apply(kind, dst, x)
			for i, w := range want {
				if dst[i] != w && !(w != w && dst[i] != dst[i]) {
					t.Errorf("%s of %v: got %v, want %v", kindNames[kind], x[i], dst[i], w)
				}
			}
			// Far below 0 the functions vanish, near 0 they are x/2 or x.
			apply(kind, dst, []float32{-1e4, -1e30, 1e-30, -1e-40})
			if kind != KindNone && kind != KindTanh && (dst[0] != 0 || dst[1] != 0) {
				t.Errorf("%s of -1e4, -1e30: got %v", kindNames[kind], dst[:2])
			}
			slope := exact(kind, 1e-9) / 1e-9
			if r := float64(dst[2]) / 1e-30; math.Abs(r-slope) > 1e-6 {
				t.Errorf("%s of 1e-30: got %v", kindNames[kind], dst[2])
			}
		}
	})
}

// TestShapes compares tiles of every shape with the same numbers in one row.
func TestShapes(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, cols := range kerneltest.Sizes {
			for kind := range kindNames {
				rows, gap := 1+(cols+kind)%3, cols%5
				if cols > 300 && kind != int(KindGELU) {
					continue
				}
				testTile(t, Kind(kind), rows, cols, gap)
			}
		}
	})
}

func testTile(t *testing.T, kind Kind, rows, cols, gap int) {
	t.Helper()
	ld := cols + gap
	n := (rows-1)*ld + cols
	a := kerneltest.Fill(kerneltest.Guarded[float32](t, n), 1)
	b := kerneltest.Fill(kerneltest.GuardedAt[float32](t, n, 4), 2)
	dst := kerneltest.Fill(kerneltest.Guarded[float32](t, n), 3)
	before := append([]float32(nil), dst...)
	for i := range a {
		a[i] *= 6
	}
	f, fb := make([]float32, n), make([]float32, n)
	apply(kind, f, a)
	gate(kind, fb, a, b)
	compare := func(what string, got, want []float32) {
		t.Helper()
		for i := range n {
			w := want[i]
			if i%ld >= cols {
				w = before[i]
			}
			if got[i] != w {
				t.Fatalf("%s %s %dx%d: element %d: got %v, want %v", kindNames[kind], what, rows, cols, i, got[i], w)
			}
		}
	}
	Tile(kind, dst, ld, a, ld, rows, cols)
	compare("Tile", dst, f)
	copy(dst, before)
	GatedTile(kind, dst, ld, a, ld, b, ld, rows, cols, false)
	compare("GatedTile", dst, fb)
	copy(dst, before)
	GatedTile(kind, dst, ld, a, ld, b, ld, rows, cols, true)
	for i := range dst {
		tol := 1e-6 * (math.Abs(float64(fb[i])) + math.Abs(float64(before[i])))
		if i%ld >= cols {
			fb[i], tol = 0, 0
		}
		if want := float64(fb[i]) + float64(before[i]); !(math.Abs(float64(dst[i])-want) <= tol) {
			t.Fatalf("%s accumulated %dx%d: element %d: got %v, want %v", kindNames[kind], rows, cols, i, dst[i], want)
		}
	}
}

func TestGated(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		const n = 1000
		a, b := kerneltest.Fill(make([]float32, n), 1), kerneltest.Fill(make([]float32, n), 2)
		for i := range a {
			a[i] *= 8
			b[i] *= 100
		}
		for _, g := range []struct {
			kind Kind
			f    func(dst, a, b []float32)
		}{{KindGELU, GEGLU}, {KindGELUTanh, GEGLUTanh}, {KindSiLU, SwiGLU}} {
			dst := make([]float32, n)
			g.f(dst, a, b)
			for i := range dst {
				x, y := float64(a[i]), float64(b[i])
				want := exact(g.kind, x) * y
				tol := bound(g.kind, x)*math.Abs(y) + 0x1p-22*math.Abs(want)
				if !(math.Abs(float64(dst[i])-want) <= tol) {
					t.Fatalf("%s gated, of %v and %v: got %v, want %v", kindNames[g.kind], x, y, dst[i], want)
				}
			}
		}
	})
}

func TestInPlace(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, n := range []int{5, 64, 77, chunk + 3} {
			a, b := kerneltest.Fill(make([]float32, n), 1), kerneltest.Fill(make([]float32, n), 2)
			for kind, f := range []func(dst, x []float32){KindGELU: GELU, KindGELUTanh: GELUTanh, KindSiLU: SiLU, KindReLU: ReLU, KindTanh: Tanh} {
				if f == nil {
					continue
				}
				want, got := make([]float32, n), append([]float32(nil), a...)
				f(want, a)
				f(got, got)
				equal(t, kindNames[kind], got, want)
				gate(Kind(kind), want, a, b)
				copy(got, a)
				gate(Kind(kind), got, got, b)
				equal(t, kindNames[kind]+" gated, dst = a", got, want)
				copy(got, b)
				gate(Kind(kind), got, a, got)
				equal(t, kindNames[kind]+" gated, dst = b", got, want)
			}
		}
	})
}

func equal(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s, n=%d: element %d: got %v, want %v", what, len(want), i, got[i], want[i])
		}
	}
}

func TestPanics(t *testing.T) {
	x := make([]float32, 10)
	for name, f := range map[string]func(){
		"lengths":       func() { GELU(x, x[1:]) },
		"gated lengths": func() { GEGLU(x, x, x[1:]) },
		"kind":          func() { Tile(KindTanh+1, x, 5, x, 5, 2, 5) },
		"rows":          func() { Tile(KindGELU, x, 5, x, 5, -1, 5) },
		"stride":        func() { Tile(KindGELU, x, 4, x, 5, 1, 5) },
		"short dst":     func() { Tile(KindGELU, x[1:], 5, x, 5, 2, 5) },
		"short b":       func() { GatedTile(KindGELU, x, 5, x, 5, x[1:], 5, 2, 5, false) },
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
	Tile(KindGELU, nil, 0, nil, 0, 0, 5)
	Tile(KindGELU, nil, 0, nil, 0, 5, 0)
	GELU(nil, nil)
}

func TestAllocations(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		x, y := make([]float32, 100), make([]float32, 100)
		if n := testing.AllocsPerRun(10, func() {
			GELU(x, y)
			SwiGLU(x, x, y)
			Tile(KindTanh, x, 10, y, 10, 10, 10)
			GatedTile(KindGELU, x, 10, x, 10, y, 10, 10, 10, true)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func BenchmarkAct(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, n := range []int{384, 1152} { // hidden layer of a small model, MLP of ModernBERT-base
			x, y := kerneltest.Fill(make([]float32, n), 1), kerneltest.Fill(make([]float32, n), 2)
			for i := range x {
				x[i] *= 4
			}
			dst := make([]float32, n)
			for kind, name := range kindNames {
				b.Run(fmt.Sprintf("f=%s/n=%d", name, n), func(b *testing.B) {
					for b.Loop() {
						apply(Kind(kind), dst, x)
					}
					perElement(b, n)
				})
				b.Run(fmt.Sprintf("f=%s-gated/n=%d", name, n), func(b *testing.B) {
					for b.Loop() {
						gate(Kind(kind), dst, x, y)
					}
					perElement(b, n)
				})
			}
		}
	})
}

// BenchmarkTile is the epilogue of a product's tile.
func BenchmarkTile(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		const rows, cols, ldd = 8, 48, 1152
		x, y := kerneltest.Fill(make([]float32, rows*cols), 1), kerneltest.Fill(make([]float32, rows*cols), 2)
		dst := make([]float32, rows*ldd)
		b.Run("f=GELU", func(b *testing.B) {
			for b.Loop() {
				Tile(KindGELU, dst, ldd, x, cols, rows, cols)
			}
			perElement(b, rows*cols)
		})
		b.Run("f=GELU-gated", func(b *testing.B) {
			for b.Loop() {
				GatedTile(KindGELU, dst, ldd, x, cols, y, cols, rows, cols, false)
			}
			perElement(b, rows*cols)
		})
		b.Run("f=GELU-gated-added", func(b *testing.B) {
			for b.Loop() {
				GatedTile(KindGELU, dst, ldd, x, cols, y, cols, rows, cols, true)
			}
			perElement(b, rows*cols)
		})
	})
}

func perElement(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
}
