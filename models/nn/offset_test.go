package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"mom/kernels/gemm"
	"mom/tensor"
)

// TestOffset: a layer with offsets is the product with the whole weight, whatever
// is joined, refined, accumulated and shared among workers, and its rows do not
// depend on each other.
func TestOffset(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	int4 := func(n, k int, offset bool) Matrix {
		m := Matrix{N: n, K: k, I4: make([]byte, n*k/2), Scale: make([]float32, n*k/32)}
		for i := range m.I4 {
			m.I4[i] = byte(r.Uint32())
		}
		for i := range m.Scale {
			m.Scale[i] = 0.01 * (0.5 + r.Float32())
		}
		if offset {
			m.Offset = make([]float32, len(m.Scale))
			for i := range m.Offset {
				m.Offset[i] = 0.05 * (r.Float32() - 0.5)
			}
		}
		return m
	}
	for _, c := range []struct {
		n, k int
		fine bool
	}{{48, 64, false}, {100, 96, false}, {576, 1536, true}, {33, 2240, false}} {
		w := Join(int4(c.n, c.k, true), int4(7, c.k, false), int4(c.n, c.k, true))
		if w.Offset == nil || len(w.Offset) != len(w.Scale) {
			t.Fatalf("%d offsets, %d scales", len(w.Offset), len(w.Scale))
		}
		bias := make([]float32, w.N)
		for i := range bias {
			bias[i] = r.Float32()
		}
		l, exact := NewLinear(w, bias, gemm.None, false, I4), NewLinear(Matrix{N: w.N, K: w.K, F32: w.Floats()}, bias, gemm.None, false, F32)
		if c.fine {
			l.Refine()
		}
		const rows = 70
		x := tensor.NewMat(rows, c.k)
		for i := range x.Data {
			x.Data[i] = 0.3 + r.Float32()*2 - 1 // offsets meet a mean that is not 0
		}
		want, one := tensor.NewMat(rows, w.N), tensor.NewMat(1, w.N)
		(&Workspace{Team: NewTeam(1)}).Apply(want, x, &exact, nil, false)
		var first []float32
		for _, workers := range []int{1, 3} {
			team := NewTeam(workers)
			ws := &Workspace{Team: team}
			got := tensor.NewMat(rows, w.N)
			for i := range got.Data {
				got.Data[i] = 1
			}
			ws.Apply(got, x, &l, nil, true)
			var worst, norm float64
			for i, v := range want.Data {
				worst = max(worst, math.Abs(float64(got.Data[i]-1-v)))
				norm += float64(v) * float64(v)
			}
			if norm = math.Sqrt(norm / float64(len(want.Data))); !(worst < 0.04*norm) {
				t.Errorf("%dx%d: off by %v, the values are about %v", w.N, w.K, worst, norm)
			}
			if first == nil {
				first = got.Data
			} else if !slices.Equal(got.Data, first) {
				t.Errorf("%dx%d: other bits with %d workers", w.N, w.K, workers)
			}
			for i := range rows {
				for j := range one.Data {
					one.Data[j] = 1
				}
				ws.Apply(one, tensor.Mat{Rows: 1, Cols: c.k, Data: x.Row(i)}, &l, nil, true)
				if !slices.Equal(one.Data, got.Row(i)) {
					t.Fatalf("%dx%d: row %d alone has other bits", w.N, w.K, i)
				}
			}
			team.Close()
		}
	}
}
