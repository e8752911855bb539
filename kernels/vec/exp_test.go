package vec

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"mom/kernels/kerneltest"
)

// arguments are numbers of every size, and the range of Exp closely.
func arguments() []float32 {
	x := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, -87, math.Nextafter32(-87, -88), 88.72, math.Nextafter32(88.72, 89), 88.7228, 88.723, 89}
	for b := uint64(0); b < 1<<32; b += 8191 {
		if v := math.Float32frombits(uint32(b)); v == v {
			x = append(x, v)
		}
	}
	for v := -89.0; v < 90; v += 1.0 / 1024 {
		x = append(x, float32(v))
	}
	return x
}

func TestExp(t *testing.T) {
	x := arguments()
	kerneltest.EachLevel(t, func(t *testing.T) {
		dst := make([]float32, len(x))
		Exp(dst, x)
		worst := 0.0
		for i, v := range x {
			want, got := math.Exp(float64(v)), float64(dst[i])
			switch {
			case v < -87:
				if got != 0 {
					t.Fatalf("of %v: got %v, want 0", v, got)
				}
			case v > 88.7228:
				if !math.IsInf(got, 1) {
					t.Fatalf("of %v: got %v, want +Inf", v, got)
				}
			case v > 88.72 && math.IsInf(got, 1):
			default:
				relative := math.Abs(got-want) / want
				if !(relative <= 1.5e-7) {
					t.Fatalf("of %v: got %v, want %v", v, got, want)
				}
				worst = max(worst, relative)
			}
		}
		t.Logf("largest relative error %.3g", worst)
	})
}

func TestExpSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	kerneltest.EachLevel(t, func(t *testing.T) {
		x := []float32{nan, inf, -inf, -nan, 0}
		Exp(x, x)
		if x[0] == x[0] || x[1] != inf || x[2] != 0 || x[3] == x[3] || x[4] != 1 {
			t.Errorf("of NaN, Inf, -Inf, NaN, 0: got %v", x)
		}
	})
}

func TestExpSizes(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, n := range sizes {
			x, dst := pair(t, n)
			for i := range x {
				x[i] *= 20
			}
			Exp(dst, x)
			for i, v := range x {
				if want := math.Exp(float64(v)); !(math.Abs(float64(dst[i])-want) <= 1.5e-7*want) {
					t.Fatalf("n=%d: element %d: got %v, want %v", n, i, dst[i], want)
				}
			}
			const shift = 20.5
			sum := ExpSum(dst, x, shift)
			var want float64
			for i, v := range x {
				w := math.Exp(float64(v - shift))
				want += w
				if !(math.Abs(float64(dst[i])-w) <= 1.5e-7*w) {
					t.Fatalf("ExpSum, n=%d: element %d: got %v, want %v", n, i, dst[i], w)
				}
			}
			within(t, fmt.Sprintf("ExpSum, n=%d", n), sum, want, (float64(n)*0x1p-24+2e-7)*want)
			alias := slices.Clone(x)
			if got := ExpSum(alias, alias, shift); got != sum {
				t.Fatalf("ExpSum in place, n=%d: got %v, want %v", n, got, sum)
			}
			equal(t, "ExpSum in place", alias, dst)
		}
	})
}

func TestSoftmax(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, n := range sizes {
			x, dst := pair(t, n)
			for _, size := range []float32{1, 30, 1e30} {
				for i := range x {
					x[i] *= size
				}
				if n > 3 {
					x[n/2] = float32(math.Inf(-1))
				}
				want, top := softmax(x), Max(x)
				Softmax(dst, x)
				for i, w := range want {
					tol := ((float64(n+8)+float64(top)-float64(x[i]))*0x1p-24 + 4e-7) * w
					if w < 0x1p-100 {
						tol = 0x1p-100
					}
					if !(math.Abs(float64(dst[i])-w) <= tol) {
						t.Fatalf("n=%d: element %d: got %v, want %v", n, i, dst[i], w)
					}
				}
				if n > 3 && dst[n/2] != 0 {
					t.Errorf("n=%d: of -Inf: got %v", n, dst[n/2])
				}
				alias := slices.Clone(x)
				Softmax(alias, alias)
				equal(t, "Softmax in place", alias, dst)
			}
		}
	})
}

func softmax(x []float32) []float64 {
	want := make([]float64, len(x))
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, float64(v))
	}
	for i, v := range x {
		want[i] = math.Exp(float64(v) - top)
		sum += want[i]
	}
	for i := range want {
		want[i] /= sum
	}
	return want
}

func TestSoftmaxSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, x := range [][]float32{
			{1, nan, 2}, {1, inf, 2}, {-inf}, {-inf, -inf, -inf}, slices.Repeat([]float32{-inf}, 37), append(make([]float32, 36), nan),
		} {
			dst := make([]float32, len(x))
			Softmax(dst, x)
			for i, v := range dst {
				if v == v {
					t.Errorf("of %v: element %d is %v", x, i, v)
				}
			}
		}
		one := []float32{-1e30}
		if Softmax(one, one); one[0] != 1 {
			t.Errorf("of one number: got %v", one[0])
		}
	})
}
