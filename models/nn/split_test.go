package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"mom/kernels/gemm"
	"mom/kernels/kerneltest"
	"mom/tensor"
)

// rows returns t rows of standard normals whose channel c is times as large.
func splitRows(rnd *rand.Rand, t, k, c int, times float32) tensor.Mat {
	x := tensor.Mat{Rows: t, Cols: k, Data: make([]float32, t*k)}
	for i := range x.Data {
		x.Data[i] = float32(rnd.NormFloat64())
		if i%k == c {
			x.Data[i] *= times
		}
	}
	return x
}

// TestSplit multiplies rows that one channel dominates before and after a split,
// against float64.
func TestSplit(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, gated := range []bool{false, true} {
			const n, k = 100, 200
			rnd := rand.New(rand.NewPCG(7, 7))
			w := make([]float32, n*k)
			for i := range w {
				w[i] = float32(rnd.NormFloat64())
			}
			act := gemm.None
			if gated {
				act = gemm.ReLU
			}
			l := NewLinear(Matrix{N: n, K: k, F32: w}, nil, act, gated, I8)
			x := splitRows(rnd, 12, k, 17, 60)
			before := splitError(&l, w, x)
			observed := Observations{}
			ws := &Workspace{}
			ws.Observe(observed)
			ws.Prepare(x, &l, nil, false)
			observed.Split(2)
			if l.split == nil || l.split.parts[0].channel != 17 || l.i8.K() != k+splitColumns {
				t.Fatalf("split %+v of a layer with K %d", l.split, l.i8.K())
			}
			if l.In != k || l.Ops() != 2*n*k {
				t.Errorf("In %d, Ops %d after a split", l.In, l.Ops())
			}
			if after := splitError(&l, w, x); !(after < before/3) {
				t.Errorf("gated %v: root mean square error %.3g before, %.3g after", gated, before, after)
			}
		}
	})
}

// splitError is the root mean square error of l on x; the sum of a channel's
// rounding of the weight is left in, since a split does not change it.
func splitError(l *Linear, w []float32, x tensor.Mat) float64 {
	q, scale := Matrix{N: len(w) / l.In, K: l.In, F32: w}.Quantized()
	dst := tensor.Mat{Rows: x.Rows, Cols: l.Out, Data: make([]float32, x.Rows*l.Out)}
	(&Workspace{}).Apply(dst, x, l, nil, false)
	dot := func(row []float32, j int) (sum float64) {
		for i, v := range row {
			sum += float64(v) * float64(q[j*l.In+i]) * float64(scale[j])
		}
		return sum
	}
	var sum float64
	for i := range x.Rows {
		for j := range l.Out {
			want := dot(x.Row(i), j)
			if l.gated() {
				want = max(0, want) * dot(x.Row(i), l.Out+j)
			}
			sum += math.Pow(float64(dst.Row(i)[j])-want, 2)
		}
	}
	return math.Sqrt(sum / float64(len(dst.Data)))
}

// A layer whose channels are alike keeps its shape, and its input its values.
func TestSplitNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	l := NewLinear(Matrix{N: 64, K: 300, F32: splitRows(rnd, 64, 300, 0, 1).Data}, nil, gemm.None, false, I8)
	x := splitRows(rnd, 40, 300, 0, 1)
	observed := Observations{}
	ws := &Workspace{}
	ws.Observe(observed)
	ws.Prepare(x, &l, nil, false)
	observed.Split(2)
	if l.split != nil {
		t.Errorf("split %+v", l.split)
	}
	// With a split, rows that nobody normalises are copied before they are widened.
	s := newSplit([]peaks{{{5, 100}, {6, 1}}})
	l.widen(s)
	copied := append([]float32(nil), x.Data...)
	ws.Observe(nil)
	ws.Prepare(x, &l, nil, false)
	for i := range copied {
		if x.Data[i] != copied[i] {
			t.Fatalf("value %d of the input was changed", i)
		}
	}
}
