package vec

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"mom/kernels/kerneltest"
)

// sizes has lengths of more than one call of a kernel, too.
var sizes = append([]int{0, chunkOver}, kerneltest.Sizes...)

const chunkOver = 32768 + 77

// pair returns two guarded vectors.
func pair(t *testing.T, n int) (a, b []float32) {
	return kerneltest.Fill(kerneltest.Guarded[float32](t, n), uint64(n)+1), kerneltest.Fill(kerneltest.GuardedAt[float32](t, n, n%16*4), uint64(n)+2)
}

func within(t *testing.T, what string, got float32, want, tol float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tol) {
		t.Errorf("%s: got %v, want %v ± %v", what, got, want, tol)
	}
}

func equal(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s: element %d of %d: got %v, want %v", what, i, len(want), got[i], want[i])
		}
	}
}

func TestDotSum(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, n := range sizes {
			a, b := pair(t, n)
			var dot, absDot, sum, absSum float64
			for i, v := range a {
				p := float64(v) * float64(b[i])
				dot += p
				absDot += math.Abs(p)
				sum += float64(v)
				absSum += math.Abs(float64(v))
			}
			within(t, fmt.Sprintf("Dot, n=%d", n), Dot(a, b), dot, float64(n+2)*0x1p-24*absDot)
			within(t, fmt.Sprintf("Sum, n=%d", n), Sum(a), sum, float64(n)*0x1p-24*absSum)
		}
	})
}

func TestMax(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	kerneltest.EachLevel(t, func(t *testing.T) {
		if got := Max(nil); got != -inf {
			t.Errorf("of nothing: got %v", got)
		}
		for _, n := range sizes[1:] {
			x, _ := pair(t, n)
			for i := range x {
				x[i] -= 5 // zeros beyond the end would be larger
			}
			if got, want := Max(x), slices.Max(x); got != want {
				t.Errorf("n=%d: got %v, want %v", n, got, want)
			}
			for at := 0; at < n; at += 1 + n/9 {
				for _, v := range []float32{inf, nan, -inf, 100} {
					old := x[at]
					x[at] = v
					want := slices.Max(x)
					if got := Max(x); got != want && !(v != v && got != got) {
						t.Errorf("n=%d, %v at %d: got %v", n, v, at, got)
					}
					x[at] = old
				}
			}
		}
		for n := range 40 {
			if got := Max(slices.Repeat([]float32{-inf}, n)); got != -inf {
				t.Errorf("of %d times -Inf: got %v", n, got)
			}
		}
	})
}

func TestElementwise(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, n := range sizes {
			a, b := pair(t, n)
			if n > 8 {
				a[3], a[5], b[5] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
			}
			dst := kerneltest.Guarded[float32](t, n)
			sum, scaled, added := make([]float32, n), make([]float32, n), slices.Clone(b)
			for i := range a {
				sum[i] = a[i] + b[i]
				scaled[i] = a[i] * 0.7
				added[i] += float32(a[i] * 0.7)
			}
			Add(dst, a, b)
			equal(t, "Add", dst, sum)
			copy(dst, a)
			Add(dst, dst, b)
			equal(t, "Add, dst = a", dst, sum)
			copy(dst, b)
			Add(dst, a, dst)
			equal(t, "Add, dst = b", dst, sum)
			copy(dst, b)
			AddScaled(dst, a, 0.7)
			equal(t, "AddScaled", dst, added)
			copy(dst, a)
			Scale(dst, 0.7)
			equal(t, "Scale", dst, scaled)
		}
	})
}

func TestL2Normalize(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, n := range sizes {
			x, _ := pair(t, n)
			want := slices.Clone(x)
			var square float64
			for _, v := range want {
				square += float64(v) * float64(v)
			}
			L2Normalize(x)
			for i, v := range want {
				w := float64(v) / math.Sqrt(square)
				if !(math.Abs(float64(x[i])-w) <= float64(n+8)*0x1p-24*math.Abs(w)) {
					t.Fatalf("n=%d: element %d: got %v, want %v", n, i, x[i], w)
				}
			}
			clear(x)
			L2Normalize(x)
			equal(t, "L2Normalize of zeros", x, make([]float32, n))
		}
	})
}

func TestMeanRows(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, d := range kerneltest.Sizes {
			for _, m := range []int{1, 2, 5, 40} {
				ldx := d + d%3
				x := kerneltest.Fill(kerneltest.Guarded[float32](t, (m-1)*ldx+d), 1)
				want := make([]float32, d)
				for j := range want {
					var sum float32
					for i := range m {
						sum += x[i*ldx+j]
					}
					want[j] = sum / float32(m)
				}
				dst := kerneltest.GuardedAt[float32](t, d, 8)
				MeanRows(dst, x, ldx, m, d)
				equal(t, fmt.Sprintf("MeanRows of %d", m), dst, want)
				MeanRows(x, x, ldx, m, d)
				equal(t, fmt.Sprintf("MeanRows of %d, dst = x", m), x[:d], want)
			}
		}
		one := []float32{7}
		MeanRows(one, nil, 0, 0, 1)
		if one[0] == one[0] {
			t.Errorf("the mean of no rows is %v", one[0])
		}
	})
}

func TestPanics(t *testing.T) {
	x := make([]float32, 12)
	id := []int32{0, 1}
	for name, f := range map[string]func(){
		"Dot":          func() { Dot(x, x[1:]) },
		"Add":          func() { Add(x, x, x[1:]) },
		"AddScaled":    func() { AddScaled(x, x[1:], 1) },
		"Exp":          func() { Exp(x, x[1:]) },
		"ExpSum":       func() { ExpSum(x, x[1:], 1) },
		"Softmax":      func() { Softmax(x, x[1:]) },
		"MeanRows dst": func() { MeanRows(x[:5], x, 6, 2, 6) },
		"MeanRows x":   func() { MeanRows(x, x[1:], 6, 2, 6) },
		"MeanRows m":   func() { MeanRows(x, x, 6, -1, 6) },
		"id":           func() { GatherF32(x, 6, x[:11], 6, id, false) },
		"negative id":  func() { GatherF32(x, 6, x, 6, []int32{-1}, false) },
		"dst":          func() { GatherF32(x[:11], 6, x, 6, id, false) },
		"stride":       func() { GatherF32(x, 5, x, 6, id, false) },
		"d":            func() { GatherF32(x, 5, x, 0, id, false) },
		"scale":        func() { GatherI8(x, 6, make([]int8, 12), x[:1], 6, id, false) },
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
}

func TestAllocations(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		x, y := make([]float32, 100), make([]float32, 100)
		q, h, ids := make([]int8, 100), make([]uint16, 100), []int32{3, 1}
		if n := testing.AllocsPerRun(10, func() {
			Add(x, x, y)
			AddScaled(x, y, Dot(x, y)+Sum(x)+Max(y))
			Softmax(y, x)
			Exp(y, x)
			L2Normalize(y)
			MeanRows(y, x, 10, 10, 10)
			GatherF32(y, 10, x, 10, ids, true)
			GatherBF16(y, 10, h, 10, ids, true)
			GatherF16(y, 10, h, 10, ids, true)
			GatherI8(y, 10, q, x[:10], 10, ids, true)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
