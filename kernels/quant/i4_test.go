package quant

import (
	"math"
	"slices"
	"testing"

	"mom/kernels/cpu"
	"mom/kernels/kerneltest"
)

// errorI4 returns the squared error of a group that was quantised.
func errorI4(q []byte, scale float32, w []float32) float64 {
	sum := 0.0
	for i, v := range w {
		h := int(q[i/2]>>(i%2*4)&15) - 8
		d := float64(v) - float64(h)*float64(scale)
		sum += d * d
	}
	return sum
}

// leastI4 returns the least squared error that any scale of a fine grid leaves.
func leastI4(w []float32) float64 {
	most, all := 0.0, 0.0
	for _, v := range w {
		most, all = max(most, math.Abs(float64(v))), all+float64(v)*float64(v)
	}
	least := all
	for top := 4.0; top < 16; top += 0.01 {
		for _, inv := range []float64{top / most, -top / most} {
			wq, qq := 0.0, 0.0
			for _, v := range w {
				q := math.RoundToEven(min(max(float64(v)*inv, -8), 7))
				wq, qq = wq+float64(v)*q, qq+q*q
			}
			least = min(least, all-wq*wq/qq)
		}
	}
	return least
}

func TestWeightsI4(t *testing.T) {
	const n, k = 60, 64
	w := kerneltest.Fill(make([]float32, n*k), 1)
	for i := range w {
		switch i / k % 4 {
		case 1: // heavier tails
			w[i] *= w[i] * w[i]
		case 2: // an outlier
			if i%k == 37 {
				w[i] = 4
			}
		case 3: // very small ones
			w[i] *= 0x1p-100
		}
	}
	q, scale := make([]byte, n*k/2), make([]float32, n*k/GroupI4)
	restore := cpu.Use("generic")
	WeightsI4(q, scale, w, n, k)
	restore()
	kerneltest.EachLevel(t, func(t *testing.T) {
		gotQ, gotScale := make([]byte, len(q)), make([]float32, len(scale))
		WeightsI4(gotQ, gotScale, w, n, k)
		if !slices.Equal(gotQ, q) || !slices.Equal(gotScale, scale) {
			t.Error("differs from the generic level")
		}
	})
	sum, leastSum := 0.0, 0.0
	for g := range scale {
		w := w[g*GroupI4:][:GroupI4]
		norm := 0.0
		for _, v := range w {
			norm += float64(v) * float64(v)
		}
		got, least := errorI4(q[g*GroupI4/2:], scale[g], w)/norm, leastI4(w)/norm
		if !(got <= 1.1*least+1e-5) {
			t.Errorf("group %d: error %v, the least is %v", g, got, least)
		}
		sum, leastSum = sum+got, leastSum+least
	}
	if !(sum <= 1.002*leastSum) {
		t.Errorf("error %v, the least is %v", sum, leastSum)
	}
}

// What is on the grid is kept exactly, with the most negative half byte in use.
func TestWeightsI4Exact(t *testing.T) {
	for _, s := range []float32{0.125, -0.125, 0x1p-110, 0x1p100} {
		w := make([]float32, 2*GroupI4)
		for i := range w {
			w[i] = float32(i%16-8) * s
		}
		q, scale := make([]byte, GroupI4), make([]float32, 2)
		WeightsI4(q, scale, w, 2, GroupI4)
		for g := range scale {
			if e := errorI4(q[g*GroupI4/2:], scale[g], w[g*GroupI4:][:GroupI4]); e != 0 {
				t.Errorf("scale %v: got %v with error %v", s, scale[g], e)
			}
		}
	}
}

func TestWeightsI4Special(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, test := range []struct {
		at0, at5 float32
		isNaN    bool
	}{{0, 0, false}, {0x1p-120, -0x1p-130, false}, {nan, 1, true}, {1, inf, true}, {-inf, nan, true}} {
		w := make([]float32, GroupI4)
		w[0], w[5] = test.at0, test.at5
		q, scale := make([]byte, GroupI4/2), make([]float32, 1)
		WeightsI4(q, scale, w, 1, GroupI4)
		if isNaN := scale[0] != scale[0]; isNaN != test.isNaN || !isNaN && scale[0] != 0 {
			t.Errorf("%v, %v: scale %v", test.at0, test.at5, scale[0])
		}
		for _, b := range q {
			if b != 0x88 {
				t.Errorf("%v, %v: byte %#x", test.at0, test.at5, b)
			}
		}
	}
	WeightsI4(nil, nil, nil, 0, 32)
	WeightsI4(nil, nil, nil, 3, 0)
	for _, f := range []func(){
		func() { WeightsI4(make([]byte, 16), make([]float32, 1), make([]float32, 32), 2, 16) },
		func() { WeightsI4(make([]byte, 15), make([]float32, 1), make([]float32, 32), 1, 32) },
		func() { WeightsI4(make([]byte, 16), make([]float32, 1), make([]float32, 33), 1, 32) },
		func() { WeightsI4(nil, nil, nil, -1, 0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
}

func BenchmarkWeightsI4(b *testing.B) {
	const n, k = 64, 1024
	w := kerneltest.Fill(make([]float32, n*k), 1)
	q, scale := make([]byte, n*k/2), make([]float32, n*k/GroupI4)
	b.SetBytes(4 * n * k)
	for b.Loop() {
		WeightsI4(q, scale, w, n, k)
	}
}
