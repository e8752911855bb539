package models

import (
	"math"
	"math/rand/v2"
	"testing"

	"mom/models/nn"
	"mom/tensor"
)

// correlated are inputs [t k] of a few directions and some noise, with a channel
// that dominates and one that is always zero.
func correlated(rnd *rand.Rand, t, k int) tensor.Mat {
	const directions = 12
	base := make([]float64, directions*k)
	for i := range base {
		base[i] = rnd.NormFloat64()
	}
	x := tensor.NewMat(t, k)
	for r := range t {
		row := x.Row(r)
		for d := range directions {
			f := rnd.NormFloat64()
			for i := range row {
				row[i] += float32(f * base[d*k+i])
			}
		}
		for i := range row {
			row[i] += float32(0.3 * rnd.NormFloat64())
		}
		row[5] *= 20
		row[k-7] = 0
	}
	return x
}

func gramOf(x tensor.Mat) []float32 {
	f := &Fit{grams: map[int][]float32{}}
	f.see(1, x)
	return f.grams[1]
}

// TestInvert: UᵀU times the gram is the identity.
func TestInvert(t *testing.T) {
	const k = 37
	x := correlated(rand.New(rand.NewPCG(1, 1)), 90, k)
	h := make([]float64, k*k)
	for i, v := range gramOf(x) {
		want := 0.0
		for r := range x.Rows {
			want += float64(x.Row(r)[i/k]) * float64(x.Row(r)[i%k])
		}
		if math.Abs(float64(v)-want) > 1e-4*(1+math.Abs(want)) {
			t.Fatalf("gram %d is %v, want %v", i, v, want)
		}
		if h[i] = float64(v); i/k == i%k {
			h[i] += 5
		}
	}
	u := invert(append([]float64{}, h...), k)
	for i := range k {
		for j := range k {
			sum := 0.0 // of row i of UᵀU·h
			for a := range k {
				uu := 0.0
				for b := range k {
					uu += u[b*k+i] * u[b*k+a]
				}
				sum += uu * h[a*k+j]
			}
			if want := map[bool]float64{true: 1}[i == j]; math.Abs(sum-want) > 1e-7 {
				t.Fatalf("%d, %d: %v, want %v", i, j, sum, want)
			}
			if j < i && u[i*k+j] != 0 {
				t.Fatalf("%d, %d: %v below the diagonal", i, j, u[i*k+j])
			}
		}
	}
}

// TestCompensation: the output of a layer changes far less than by rounding to the
// nearest, on the inputs at hand and on others of their kind.
func TestCompensation(t *testing.T) {
	const n, k = 24, 96
	rnd := rand.New(rand.NewPCG(3, 1))
	x := correlated(rnd, 400, k)
	seen, other := tensor.Mat{Rows: 300, Cols: k, Data: x.Data[:300*k]}, tensor.Mat{Rows: 100, Cols: k, Data: x.Data[300*k:]}
	w := make([]float32, n*k)
	for i := range w {
		w[i] = float32(rnd.NormFloat64() * 0.05)
	}
	for i := range 32 { // a group of zeros
		w[k+i] = 0
	}
	off := func(m nn.Matrix, x tensor.Mat) (sum float64) {
		v := m.Floats()
		for r := range x.Rows {
			for j := range n {
				d := 0.0
				for i, a := range x.Row(r) {
					d += float64(a) * float64(v[j*k+i]-w[j*k+i])
				}
				sum += d * d
			}
		}
		return sum
	}
	q, scale := newCompensation(gramOf(seen), k).int4(w, n)
	fitted := nn.Matrix{N: n, K: k, I4: q, Scale: scale}
	q, scale = nn.Matrix{N: n, K: k, F32: w}.QuantizedI4()
	plain := nn.Matrix{N: n, K: k, I4: q, Scale: scale}
	for name, x := range map[string]tensor.Mat{"seen": seen, "other": other} {
		a, b := off(plain, x), off(fitted, x)
		t.Logf("%s: the squared error is %.3f of that of rounding to the nearest", name, b/a)
		if !(b < 0.3*a) {
			t.Errorf("%s: the squared error is %v, of rounding to the nearest %v", name, b, a)
		}
	}
	// Without inputs nothing is known, and nothing fails.
	q, scale = newCompensation(make([]float32, k*k), k).int4(w, n)
	for i, v := range (nn.Matrix{N: n, K: k, I4: q, Scale: scale}).Floats() {
		if !(math.Abs(float64(v-w[i])) < 0.05) {
			t.Fatalf("without inputs value %d is %v, was %v", i, v, w[i])
		}
	}
}
