package norm

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"mom/kernels/kerneltest"
)

const eps = 1e-5

// exact is a norm of one row in float64, and the bound of the error.
func exact(x, gamma, beta []float32, eps float64, centre bool) (want, bound []float64) {
	d := float64(len(x))
	var mean, square, largest float64
	for _, v := range x {
		mean += float64(v) / d
		largest = max(largest, math.Abs(float64(v)))
	}
	if !centre {
		mean = 0
	}
	for _, v := range x {
		square += (float64(v) - mean) * (float64(v) - mean) / d
	}
	s := math.Sqrt(square + eps)
	e := (d/16 + 32) * 0x1p-24
	for j, v := range x {
		y := (float64(v) - mean) / s
		b := e * math.Abs(y)
		if centre {
			b = e * (largest/s + math.Abs(y)*(1+e*(largest/s)*(largest/s)))
		}
		if gamma != nil {
			y *= float64(gamma[j])
			b *= math.Abs(float64(gamma[j]))
		}
		if beta != nil {
			y += float64(beta[j])
			b += e * math.Abs(float64(beta[j]))
		}
		want, bound = append(want, y), append(bound, b)
	}
	return want, bound
}

// run calls LayerNorm, or RMSNorm.
func run(centre bool, dst []float32, ldd int, x []float32, ldx, m, d int, gamma, beta []float32) {
	if centre {
		LayerNorm(dst, ldd, x, ldx, m, d, gamma, beta, eps)
	} else {
		RMSNorm(dst, ldd, x, ldx, m, d, gamma, eps)
	}
}

func compare(t *testing.T, what string, got []float32, want, bound []float64) {
	t.Helper()
	for j, w := range want {
		if diff := math.Abs(float64(got[j]) - w); !(diff <= bound[j]) {
			t.Fatalf("%s: element %d: got %v, want %v ± %v", what, j, got[j], w, bound[j])
		}
	}
}

func TestNorm(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, d := range kerneltest.Sizes {
			for parameters := range 4 {
				if d > 257 && parameters != d%4 {
					continue
				}
				var gamma, beta []float32
				if parameters&1 != 0 {
					gamma = kerneltest.Fill(kerneltest.Guarded[float32](t, d), 1)
				}
				if parameters&2 != 0 {
					beta = kerneltest.Fill(kerneltest.Guarded[float32](t, d), 2)
				}
				for _, centre := range []bool{true, false} {
					if !centre {
						beta = nil
					}
					testRows(t, centre, 1+d%3, d, d%5, gamma, beta)
				}
			}
		}
	})
}

// testRows checks m rows with a gap between them, and that they are the same
// one by one and in place.
func testRows(t *testing.T, centre bool, m, d, gap int, gamma, beta []float32) {
	t.Helper()
	ld := d + gap
	n := (m-1)*ld + d
	x := kerneltest.Fill(kerneltest.Guarded[float32](t, n), 3)
	for i := range x {
		x[i] = 3*x[i] + 1
	}
	dst := kerneltest.GuardedAt[float32](t, n, 4*(d%16))
	for i := range dst {
		dst[i] = -77
	}
	run(centre, dst, ld, x, ld, m, d, gamma, beta)
	alone := make([]float32, d)
	for i := range m {
		row, got := x[i*ld:][:d], dst[i*ld:][:d]
		what := fmt.Sprintf("centre=%v, row %d of %dx%d, gamma %v, beta %v", centre, i, m, d, gamma != nil, beta != nil)
		want, bound := exact(row, gamma, beta, float64(float32(eps)), centre)
		compare(t, what, got, want, bound)
		run(centre, alone, d, row, d, 1, d, gamma, beta)
		if !slices.Equal(got, alone) {
			t.Fatalf("%s: a row alone has another result", what)
		}
		if i < m-1 {
			for _, v := range dst[i*ld+d : (i+1)*ld] {
				if v != -77 {
					t.Fatalf("%s: wrote between the rows", what)
				}
			}
		}
	}
	run(centre, x, ld, x, ld, m, d, gamma, beta)
	for i := range m {
		if !slices.Equal(x[i*ld:][:d], dst[i*ld:][:d]) {
			t.Fatalf("%dx%d: row %d in place has another result", m, d, i)
		}
	}
}

// TestConditions has rows of large mean, tiny variance and odd sizes.
func TestConditions(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		const d = 768
		for _, c := range []struct{ offset, scale float32 }{{100, 1}, {0, 1e-4}, {1000, 0.1}, {0, 1e15}, {-3, 1e-30}, {0, 1e-42}} {
			x := kerneltest.Fill(make([]float32, d), 4)
			for i := range x {
				x[i] = x[i]*c.scale + c.offset
			}
			dst := make([]float32, d)
			for _, centre := range []bool{true, false} {
				run(centre, dst, d, x, d, 1, d, nil, nil)
				want, bound := exact(x, nil, nil, float64(float32(eps)), centre)
				for i := range bound {
					bound[i] += 1e-42 // of subnormal numbers
				}
				compare(t, fmt.Sprintf("centre=%v %+v", centre, c), dst, want, bound)
			}
		}
		constant := slices.Repeat([]float32{0.3}, 1024)
		LayerNorm(constant, 1024, constant, 1024, 1, 1024, nil, nil, eps)
		if i := slices.IndexFunc(constant, func(v float32) bool { return math.Abs(float64(v)) > 2e-3 }); i >= 0 {
			t.Errorf("a constant row: got %v", constant[i])
		}
	})
}

func TestNotFinite(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		const d = 50
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for at := range d {
				x, dst := kerneltest.Fill(make([]float32, d), 5), make([]float32, d)
				x[at] = float32(bad)
				LayerNorm(dst, d, x, d, 1, d, nil, nil, eps)
				for j, v := range dst {
					if v == v {
						t.Fatalf("LayerNorm, %v at %d: element %d is %v", bad, at, j, v)
					}
				}
				RMSNorm(dst, d, x, d, 1, d, nil, eps)
				for j, v := range dst {
					if nan := bad != bad || j == at; nan != (v != v) || !nan && v != 0 {
						t.Fatalf("RMSNorm, %v at %d: element %d is %v", bad, at, j, v)
					}
				}
			}
		}
	})
}

func TestManyRows(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		const m, d = 4000, 20 // more than one call of a kernel
		x := kerneltest.Fill(make([]float32, m*d), 6)
		dst, alone := make([]float32, m*d), make([]float32, d)
		for _, centre := range []bool{true, false} {
			run(centre, dst, d, x, d, m, d, nil, nil)
			for i := range m {
				run(centre, alone, d, x[i*d:], d, 1, d, nil, nil)
				if !slices.Equal(alone, dst[i*d:][:d]) {
					t.Fatalf("centre=%v: row %d differs", centre, i)
				}
			}
		}
	})
}

func TestPanics(t *testing.T) {
	x := make([]float32, 10)
	for name, f := range map[string]func(){
		"m":         func() { LayerNorm(x, 5, x, 5, -1, 5, nil, nil, eps) },
		"stride":    func() { LayerNorm(x, 4, x, 5, 2, 5, nil, nil, eps) },
		"short dst": func() { RMSNorm(x[1:], 5, x, 5, 2, 5, nil, eps) },
		"short x":   func() { RMSNorm(x, 5, x[1:], 5, 2, 5, nil, eps) },
		"gamma":     func() { RMSNorm(x, 5, x, 5, 2, 5, x[:4], eps) },
		"beta":      func() { LayerNorm(x, 5, x, 5, 2, 5, nil, x, eps) },
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
	LayerNorm(nil, 0, nil, 0, 0, 5, nil, nil, eps)
	RMSNorm(nil, 0, nil, 0, 5, 0, nil, eps)
}

func TestAllocations(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		x, g := make([]float32, 200), make([]float32, 100)
		if n := testing.AllocsPerRun(10, func() {
			LayerNorm(x, 100, x, 100, 2, 100, g, g, eps)
			RMSNorm(x, 100, x, 100, 2, 100, nil, eps)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// rows=1 is how the models call it; 64 rows of 768 are in the second-level cache.
func BenchmarkNorm(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, d := range []int{384, 768, 1152} {
			for _, m := range []int{1, 64} {
				for _, centre := range []bool{true, false} {
					name := "RMS"
					if centre {
						name = "Layer"
					}
					b.Run(fmt.Sprintf("f=%s/d=%d/rows=%d", name, d, m), func(b *testing.B) {
						x, dst := kerneltest.Fill(make([]float32, m*d), 1), make([]float32, m*d)
						g := kerneltest.Fill(make([]float32, d), 2)
						beta := kerneltest.Fill(make([]float32, d), 3)
						b.SetBytes(int64(8 * m * d)) // x and dst once
						for b.Loop() {
							run(centre, dst, d, x, d, m, d, g, beta)
						}
						b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*m*d), "ns/element")
					})
				}
			}
		}
	})
}
