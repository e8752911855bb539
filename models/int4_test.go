package models

import (
	"testing"

	"mom/models/nn"
	"mom/tensor"
)

// int4Source has one tensor, in float32 and in int4.
type int4Source struct{ asked int }

func (s *int4Source) Names() []string { return []string{"x.weight"} }

func (s *int4Source) Stat(name string) (tensor.View, bool) {
	return tensor.View{Name: name, DType: tensor.F32, Shape: []int{2, 32}}, name == "x.weight"
}

func (s *int4Source) Tensor(name string) (tensor.View, bool) {
	v, ok := s.Stat(name)
	v.Data = make([]byte, 4*64)
	return v, ok
}

func (s *int4Source) Int4(name string) (q []byte, scale, offset []float32, ok bool) {
	s.asked++
	return make([]byte, 32), []float32{-0.5, 2}, []float32{0.25, -1}, true
}

// What a source has in int4 is taken as it is, in that precision alone.
func TestInt4Source(t *testing.T) {
	for p := nn.F32; p <= nn.I4; p++ {
		src := &int4Source{}
		w := NewWeights("test", src, p)
		m := w.Matrix("x.weight", 2, 32)
		if err := w.Err(); err != nil {
			t.Errorf("%v: %v", p, err)
		}
		if int4 := p == nn.I4; int4 != (m.I4 != nil) || int4 == (m.F32 != nil) || int4 != (src.asked == 1) {
			t.Errorf("%v: int4 %v, float32 %v", p, m.I4 != nil, m.F32 != nil)
		}
		if p == nn.I4 && (m.Scale[0] != -0.5 || m.Floats()[0] != 4.25 || m.Floats()[63] != -17) {
			t.Errorf("%v: scales %v, values %v", p, m.Scale, m.Floats()[:2])
		}
	}
	w := NewWeights("test", &int4Source{}, nn.I4)
	if w.Matrix("x.weight", 4, 16); w.Err() == nil {
		t.Error("another shape was accepted")
	}
}
