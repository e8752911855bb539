package rope

import (
	"fmt"
	"math"
	"testing"

	"mom/kernels/kerneltest"
)

func invFreq(dim int, base float64) []float64 {
	f := make([]float64, dim/2)
	for i := range f {
		f[i] = math.Pow(base, -2*float64(i)/float64(dim))
	}
	return f
}

func TestTable(t *testing.T) {
	const dim, maxpos, scale = 64, 50, 1.25
	f := invFreq(dim, 10000)
	cos, sin := Table(dim, maxpos, f, scale)
	if len(cos) != maxpos*dim/2 || len(sin) != len(cos) {
		t.Fatalf("lengths %d and %d", len(cos), len(sin))
	}
	for p := range maxpos {
		for i := range f {
			c, s := cos[p*dim/2+i], sin[p*dim/2+i]
			if c != float32(math.Cos(float64(p)*f[i])*scale) || s != float32(math.Sin(float64(p)*f[i])*scale) {
				t.Fatalf("position %d, frequency %d: got %v, %v", p, i, c, s)
			}
		}
	}
}

// TestApply compares with a rotation of complex numbers in float64, and bit for
// bit with the loop in the comment of Apply.
func TestApply(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, dim := range []int{2, 4, 6, 8, 10, 14, 16, 18, 30, 32, 34, 48, 62, 64, 66, 80, 96, 126, 128, 130, 160, 256} {
			for _, heads := range []int{1, 3} {
				testApply(t, dim, heads, 4, dim%3)
			}
		}
		testApply(t, 64, 12, 50, 64) // more than one call of a kernel
	})
}

func testApply(t *testing.T, dim, heads, m, gap int) {
	t.Helper()
	const maxpos = 20
	f := invFreq(dim, 100)
	cosTable, sinTable := Table(dim, maxpos, f, 1)
	cos, sin := kerneltest.Guarded[float32](t, len(cosTable)), kerneltest.Guarded[float32](t, len(sinTable))
	copy(cos, cosTable)
	copy(sin, sinTable)
	ldx := heads*dim + gap
	x := kerneltest.Fill(kerneltest.Guarded[float32](t, (m-1)*ldx+heads*dim), 1)
	before := append([]float32(nil), x...)
	pos := kerneltest.Guarded[int32](t, m)
	for r := range pos {
		pos[r] = int32((maxpos - 1 - r*3%maxpos) % maxpos)
	}
	Apply(x, ldx, m, heads, dim, cos, sin, pos)
	half := dim / 2
	for at := range x {
		r, c := at/ldx, at%ldx
		if c >= heads*dim {
			if x[at] != before[at] {
				t.Fatalf("dim=%d: wrote between the rows", dim)
			}
			continue
		}
		i := c % dim
		first := at
		if i >= half {
			i -= half
			first -= half
		}
		a, b := before[first], before[first+half]
		ci, si := cos[int(pos[r])*half+i], sin[int(pos[r])*half+i]
		want := float32(a*ci) - float32(b*si)
		rotated := complex(float64(a), float64(b)) * complex(math.Cos(float64(pos[r])*f[i]), math.Sin(float64(pos[r])*f[i]))
		exact := real(rotated)
		if first != at {
			want = float32(b*ci) + float32(a*si)
			exact = imag(rotated)
		}
		if x[at] != want {
			t.Fatalf("dim=%d, heads=%d: row %d, column %d: got %v, want %v", dim, heads, r, c, x[at], want)
		}
		if !(math.Abs(float64(x[at])-exact) <= 3e-7) {
			t.Fatalf("dim=%d, heads=%d: row %d, column %d: got %v, want %v", dim, heads, r, c, x[at], exact)
		}
	}
}

func TestPanics(t *testing.T) {
	x := make([]float32, 16)
	cos, sin := Table(4, 3, []float64{1, 0.1}, 1)
	pos := []int32{0, 2}
	for name, f := range map[string]func(){
		"odd":      func() { Apply(x, 8, 2, 2, 3, cos, sin, pos) },
		"stride":   func() { Apply(x, 7, 2, 2, 4, cos, sin, pos) },
		"x":        func() { Apply(x[1:], 8, 2, 2, 4, cos, sin, pos) },
		"pos":      func() { Apply(x, 8, 2, 2, 4, cos, sin, pos[1:]) },
		"position": func() { Apply(x, 8, 2, 2, 4, cos, sin, []int32{0, 3}) },
		"negative": func() { Apply(x, 8, 2, 2, 4, cos, sin, []int32{0, -1}) },
		"tables":   func() { Apply(x, 8, 2, 2, 4, cos, sin[1:], pos) },
		"Table":    func() { Table(4, 3, []float64{1}, 1) },
		"odd dim":  func() { Table(5, 3, []float64{1, 2}, 1) },
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
	Apply(nil, 8, 0, 2, 4, cos, sin, nil)
	Apply(x, 8, 2, 2, 4, cos, sin, pos)
}

func TestAllocations(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		x := make([]float32, 16)
		cos, sin := Table(4, 3, []float64{1, 0.1}, 1)
		pos := []int32{0, 2}
		if n := testing.AllocsPerRun(10, func() { Apply(x, 8, 2, 2, 4, cos, sin, pos) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// BenchmarkApply rotates queries and keys of ModernBERT-base, which lie in rows
// of 2304 with the values.
func BenchmarkApply(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, m := range []int{1, 32} {
			b.Run(fmt.Sprintf("dim=64/heads=24/rows=%d", m), func(b *testing.B) {
				x := kerneltest.Fill(make([]float32, m*2304), 1)
				cos, sin := Table(64, m, invFreq(64, 160000), 1)
				pos := make([]int32, m)
				for i := range pos {
					pos[i] = int32(i)
				}
				b.SetBytes(int64(8 * m * 1536)) // read and written
				for b.Loop() {
					Apply(x, 2304, m, 24, 64, cos, sin, pos)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*m*1536), "ns/element")
			})
		}
	})
}
