package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"mom/kernels/gemm"
	"mom/models/nn"
	"mom/tensor"
)

// TestSegments holds the segments of a window against what they are for: all
// tokens are in one, neighbours share half, short texts have none.
func TestSegments(t *testing.T) {
	for _, c := range [][2]int{{96, 0}, {97, 3}, {128, 3}, {129, 4}, {256, 7}} {
		if got := segments(c[0], 64); got != c[1] {
			t.Errorf("%d tokens: %d segments of 64, want %d", c[0], got, c[1])
		}
	}
	if segments(1000, 0) != 0 {
		t.Error("segments of a head that has none")
	}
}

// segmentHead is a random head of two labels over d columns, and its float64 twin.
func segmentHead(rnd *rand.Rand, d, segment int) (*Head, func(pooled []float64) [2]float64) {
	dense, out := tensor.NewMat(d, d), tensor.NewMat(2, d)
	for _, m := range []tensor.Mat{dense, out} {
		for i := range m.Data {
			m.Data[i] = float32(rnd.NormFloat64()) / 2
		}
	}
	first := nn.NewLinear(nn.Matrix{N: d, K: d, F32: dense.Data}, nil, gemm.Tanh, false, nn.F32)
	h := &Head{Task: Sequence, Segment: segment, dense: &first,
		classifier: nn.NewLinear(nn.Matrix{N: 2, K: d, F32: out.Data}, nil, gemm.None, false, nn.F32)}
	return h, func(x []float64) (y [2]float64) {
		for i := range d {
			var sum float64
			for j := range d {
				sum += x[j] * float64(dense.Row(i)[j])
			}
			for l := range y {
				y[l] += math.Tanh(sum) * float64(out.Row(l)[i])
			}
		}
		return y
	}
}

// TestHeadSegments: the logits of a text are those of the whole or of the segment
// in which the last label is furthest ahead, the same alone as in a batch.
func TestHeadSegments(t *testing.T) {
	const d, size = 24, 16
	rnd := rand.New(rand.NewPCG(1, 2))
	h, judge := segmentHead(rnd, d, size)
	lengths := []int{1, 16, 24, 25, 90, 7, 40}
	b := &Batch{Starts: []int32{0}}
	for _, n := range lengths {
		b.Starts = append(b.Starts, b.Starts[len(b.Starts)-1]+int32(n))
	}
	hidden := tensor.NewMat(int(b.Starts[len(lengths)]), d)
	for i := range hidden.Data {
		hidden.Data[i] = float32(rnd.NormFloat64())
	}
	mean := func(s, e int) [2]float64 {
		x := make([]float64, d)
		for r := s; r < e; r++ {
			for j, v := range hidden.Row(r) {
				x[j] += float64(v) / float64(e-s)
			}
		}
		return judge(x)
	}
	var ws nn.Workspace
	got := h.Apply(&ws, hidden, b)
	if got.Rows != len(lengths) {
		t.Fatalf("%d rows for %d texts", got.Rows, len(lengths))
	}
	segmented := 0
	for i, n := range lengths {
		s := int(b.Starts[i])
		whole := mean(s, s+n)
		want := whole
		for from := 0; n > size*3/2 && from < n-size/2; from += size / 2 {
			at := s + min(from, n-size)
			if y := mean(at, at+size); y[1]-y[0] > want[1]-want[0] {
				want = y
			}
		}
		if want != whole {
			segmented++
		}
		for l, w := range want {
			if math.Abs(float64(got.Row(i)[l])-w) > 1e-4 {
				t.Errorf("text %d of %d tokens: logits %v, want %v", i, n, got.Row(i), want)
				break
			}
		}
		var alone nn.Workspace
		one := h.Apply(&alone, tensor.Mat{Rows: n, Cols: d, Data: hidden.Data[s*d : (s+n)*d]}, &Batch{Starts: []int32{0, int32(n)}})
		for l, v := range one.Row(0) {
			if v != got.Row(i)[l] {
				t.Errorf("text %d: %v alone, %v in the batch", i, one.Row(0), got.Row(i))
				break
			}
		}
	}
	if segmented == 0 {
		t.Error("no text in which a segment decides")
	}
}

func TestManifestSegment(t *testing.T) {
	head := func(segment, combine, labels string) []byte {
		return fmt.Appendf(nil, `{"name":"m","version":1,"heads":[{"name":"h","function":"jailbreak","task":"sequence-classification","pooling":"mean","activation":"tanh",
			"prefix":"p","labels":%s,"temperature":1,"combine":"%s","window":{"tokens":256,"overlap":64},"segment":%s}]}`, labels, combine, segment)
	}
	for _, c := range []struct {
		manifest []byte
		want     string
	}{
		{head("64", "max", `["a","b"]`), ""},
		{head("0", "max", `["a","b"]`), ""},
		{head("64", "mean", `["a","b"]`), "segment: only a head"},
		{head("64", "max", `["a","b","c"]`), "segment: only a head"},
		{head("7", "max", `["a","b"]`), "segment: 7 is outside 8 to 256"},
		{head("257", "max", `["a","b"]`), "segment: 257 is outside 8 to 256"},
	} {
		_, err := ParseManifest(c.manifest)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.manifest, err, c.want)
		}
	}
}
