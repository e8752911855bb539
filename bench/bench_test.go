package bench

import (
	"bytes"
	"context"
	"math"
	"testing"

	"mom/models"
	"mom/models/nn"
	"mom/tensor"
)

// TestShapeOpens: a shape is a complete model in each number format, and has
// the size of the model whose name it bears.
func TestShapeOpens(t *testing.T) {
	for p := nn.F32; p <= nn.I8; p++ {
		s, err := NewShape("shape:minilm-l6", p)
		if err != nil {
			t.Fatal(err)
		}
		m, err := models.Open(s.Config, s, models.Options{Precision: p})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Trunk.Info().Ops; got != 2*10_616_832 {
			t.Errorf("%s: %d operations a token, want 2 a linear parameter", p, got)
		}
		b := text(5, m.Trunk.Info().Vocab)
		hidden, err := m.Trunk.Encode(&nn.Workspace{}, &b)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range hidden.Data {
			if !(math.Abs(float64(x)) < 100) {
				t.Fatalf("%s: hidden value %d is %v", p, i, x)
			}
		}
	}
	if _, err := NewShape("shape:none", nn.F32); err == nil {
		t.Error("a shape that there is not opens")
	}
}

// TestShapeSize counts the parameters of the published models.
func TestShapeSize(t *testing.T) {
	for name, want := range map[string]float64{
		"shape:modernbert-base": 149.0e6, "shape:modernbert-large": 394.8e6, "shape:minilm-l6": 22.565e6, "shape:bert-base": 108.9e6,
	} {
		s, err := NewShape(name, nn.F32)
		if err != nil {
			t.Fatal(err)
		}
		got := 0.0
		for _, shape := range s.shapes {
			n := 1
			for _, d := range shape {
				n *= d
			}
			got += float64(n)
		}
		if math.Abs(got-want) > 0.001*want {
			t.Errorf("%s has %.1f M parameters, want %.1f M", name, got/1e6, want/1e6)
		}
	}
}

// TestShapeSeed: a tensor has the same values whenever and after whatever it is
// asked for, so that two runs measure the same model.
func TestShapeSeed(t *testing.T) {
	for p := nn.F32; p <= nn.I8; p++ {
		a, _ := NewShape("shape:minilm-l6", p)
		b, _ := NewShape("shape:minilm-l6", p)
		const name = "encoder.layer.3.output.dense.weight"
		b.Tensor("encoder.layer.0.output.dense.weight")
		x, _ := a.Tensor(name)
		y, ok := b.Tensor(name)
		if !ok || !bytes.Equal(x.Data, y.Data) || len(x.Data) != 384*1536*x.DType.Size() {
			t.Errorf("%s: the tensor differs or has not its size", p)
		}
		if p == nn.I8 && (x.DType != tensor.I8 || bytes.Contains(x.Data, []byte{0x80})) {
			t.Error("int8 is of another type or outside the symmetric range")
		}
	}
}

// TestKernels measures one case of each kind: plain ones have a share of a
// ceiling, movers a rate.
func TestKernels(t *testing.T) {
	for only, moves := range map[string]bool{"gemm.int8.geglu": false, "attn.f32.local": false, "norm.layernorm": true} {
		n := 0
		err := Kernels(context.Background(), KernelOptions{Only: only, Rounds: 1}, func(r KernelResult) error {
			n++
			if moves != (r.GBps > 0) || moves == (r.Gops > 0) || moves == (r.Percent > 0) || r.Micros <= 0 {
				t.Errorf("%+v", r)
			}
			// A share well above the ceiling is a mistake in counting.
			if r.Percent > 115 {
				t.Errorf("%s runs at %.0f %% of what the core can do", r.Kernel, r.Percent)
			}
			return nil
		})
		if err != nil || n == 0 {
			t.Errorf("%s: %d results, %v", only, n, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Kernels(ctx, KernelOptions{}, func(KernelResult) error { return nil }); err != context.Canceled {
		t.Errorf("after a cancel: %v", err)
	}
}

// TestCasesWork: every kernel of the list runs once.
func TestCasesWork(t *testing.T) {
	for _, c := range cases() {
		if c.m > 128 {
			continue // seconds without vector instructions
		}
		k := c.make()
		k.run()
		if (k.ops > 0) == (k.bytes > 0) {
			t.Errorf("%s: want operations or bytes, have %v and %v", c.name, k.ops, k.bytes)
		}
	}
}

func TestQuantiles(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	if got := quantile(x, 0.5); got != 6 {
		t.Errorf("median of 1 to 10 by rank: %v", got)
	}
	if got := quantile(x, 0.99); got != 10 {
		t.Errorf("99 %% of 1 to 10: %v", got)
	}
	if got := median([]float64{3, 1, 2, 10}); got != 2.5 {
		t.Errorf("median of 1 2 3 10: %v", got)
	}
}
