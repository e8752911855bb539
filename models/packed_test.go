package models_test

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"mom/kernels/half"
	"mom/kernels/quant"
	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
)

// packI8 and packI4 turn the matrices of a decoder into the tensors that mom
// convert writes.
func packI8(t testing.TB, src source) source {
	return pack(t, src, func(name string, _ int) bool { return true }, nil)
}

func packI4(t testing.TB, src source) source {
	linear := func(name string, k int) bool { return strings.Contains(name, "layers.") && k%quant.GroupI4 == 0 }
	return pack(t, src, func(name string, k int) bool { return !linear(name, k) }, linear)
}

func pack(t testing.TB, src source, i8, i4 func(name string, k int) bool) source {
	out := source{}
	for name, v := range src {
		if len(v.Shape) != 2 {
			out[name] = v
			continue
		}
		n, k := v.Shape[0], v.Shape[1]
		x := make([]float32, v.Len())
		if err := v.Float32s(x); err != nil {
			t.Fatal(err)
		}
		s := tensor.View{Name: name + "_scale"}
		if i8(name, k) {
			q, scale := nn.Matrix{N: n, K: k, F32: x}.Quantized()
			v.DType, v.Data = tensor.I8, nil
			for _, b := range q {
				v.Data = append(v.Data, byte(b))
			}
			s.DType, s.Shape = tensor.F32, []int{n}
			for _, f := range scale {
				s.Data = binary.LittleEndian.AppendUint32(s.Data, math.Float32bits(f))
			}
		} else if i4(name, k) {
			q, scale := nn.Matrix{N: n, K: k, F32: x}.QuantizedI4()
			v.DType, v.Shape, v.Data = tensor.U8, []int{n, k / 2}, q
			s.DType, s.Shape = tensor.F16, []int{n, k / quant.GroupI4}
			for _, f := range scale {
				s.Data = binary.LittleEndian.AppendUint16(s.Data, half.F32ToF16(f))
			}
		}
		out[name], out[s.Name] = v, s
	}
	return out
}

// TestPacked: a decoder of int8 tensors is, to the bit, the one that quantises
// float tensors at load; one of int4 tensors nearly so, since the scales in a
// file are rounded.
func TestPacked(t *testing.T) {
	g := decoderGoldenOf(t, "llama-wide")
	src := goldenWeights(g.Name, g.Tensors)
	open := func(src source, p nn.Precision) [][]float32 {
		d, err := models.OpenDecoder([]byte(g.Config), src, models.Options{Precision: p})
		if err != nil {
			t.Fatal(err)
		}
		return logits(t, d, &nn.Workspace{}, decodeBatch([]*kv.Sequence{poolOf(d, kv.F32, 64).New()}, g.Cases[5].IDs))
	}
	want, got := open(src, nn.I8), open(packI8(t, src), nn.I8)
	for i := range want {
		if !slices.Equal(want[i], got[i]) {
			t.Fatalf("int8: row %d differs between packed and float tensors", i)
		}
	}
	i4 := packI4(t, src)
	// q, k and v are int8 when they are quantised at load; what is int4 stays so.
	if rel := relative(open(i4, nn.I4), open(unpackI4(t, i4), nn.F32)); !(rel < 0.05) {
		t.Errorf("int4: packed differs from its own values in float32 by %.4f", rel)
	}
	if p, err := models.ChoosePrecision("auto", i4); err != nil || p != nn.I4 {
		t.Errorf("int4 tensors are run in %v, error %v", p, err)
	}
	if p, err := models.ChoosePrecision("auto", packI8(t, src)); err != nil || p != nn.I8 {
		t.Errorf("int8 tensors are run in %v, error %v", p, err)
	}
}

// unpackI4 is the values of packed tensors as float32.
func unpackI4(t testing.TB, src source) source {
	out := source{}
	for name, v := range src {
		s, packed := src[name+"_scale"]
		if strings.HasSuffix(name, "_scale") {
			continue
		}
		if packed {
			m := nn.Matrix{N: v.Shape[0], K: v.Shape[1], Scale: make([]float32, s.Len())}
			if err := s.Float32s(m.Scale); err != nil {
				t.Fatal(err)
			}
			if v.DType == tensor.U8 {
				m.K, m.I4 = 2*m.K, v.Data
			} else {
				m.I8 = v.Int8s()
			}
			v = tensor.View{Name: name, DType: tensor.F32, Shape: []int{m.N, m.K}}
			for _, f := range m.Floats() {
				v.Data = binary.LittleEndian.AppendUint32(v.Data, math.Float32bits(f))
			}
		}
		out[name] = v
	}
	return out
}

// relative is the root mean square difference over that of the values.
func relative(got, want [][]float32) float64 {
	var diff, norm float64
	for i := range want {
		for j, w := range want[i] {
			diff += math.Pow(float64(got[i][j]-w), 2)
			norm += math.Pow(float64(w), 2)
		}
	}
	return math.Sqrt(diff / norm)
}

// TestDecoderPrecisions: the narrow precisions and formats of pages stay near
// f32. The models are random, so that this bounds noise rather than accuracy.
func TestDecoderPrecisions(t *testing.T) {
	bounds := map[nn.Precision]float64{nn.BF16: 0.015, nn.I8: 0.04, nn.I4: 0.2}
	for _, name := range []string{"llama-wide", "qwen3-gqa8-yarn"} {
		g := decoderGoldenOf(t, name)
		run := func(p nn.Precision, f kv.Format) [][]float32 {
			d := g.open(t, p, nil)
			return logits(t, d, &nn.Workspace{}, decodeBatch([]*kv.Sequence{poolOf(d, f, 128).New()}, g.Cases[7].IDs))
		}
		exact := run(nn.F32, kv.F32)
		for p, bound := range bounds {
			rel := relative(run(p, kv.F32), exact)
			if t.Logf("%s %s: relative difference %.4f", name, p, rel); !(rel <= bound) {
				t.Errorf("%s %s: relative difference %.4f, want at most %v", name, p, rel, bound)
			}
		}
		for f, bound := range map[kv.Format]float64{kv.BF16: 0.005, kv.I8: 0.015} {
			rel := relative(run(nn.F32, f), exact)
			if t.Logf("%s pages of %s: relative difference %.4f", name, f, rel); !(rel <= bound) {
				t.Errorf("%s pages of %s: relative difference %.4f, want at most %v", name, f, rel, bound)
			}
		}
	}
}
