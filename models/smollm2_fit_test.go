package models_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mom/kernels/half"
	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
	"mom/safetensors"
	"mom/tensor"
)

// TestSmolLM2Fit bounds how far int4 and int8 are from f32 when weights are fitted to
// what the layers see. It takes some minutes on two cores.
func TestSmolLM2Fit(t *testing.T) {
	folder, cases := smollm2(t)
	if testing.Short() {
		t.Skip("takes minutes")
	}
	team := nn.NewTeam(2)
	defer team.Close()
	exact := openDecoderFolder(t, folder, nn.F32)
	fit, err := models.NewFit(exact, 1, team)
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.OpenFolder(folder, safetensors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	config, err := os.ReadFile(filepath.Join(folder, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p     nn.Precision
		bound float64
	}{{nn.I4, 0.13}, {nn.I8, 0.0063}} {
		src := source{}
		fitted := 0
		for _, name := range file.Names() {
			v, _ := file.Tensor(name)
			src[name] = v
			layer := strings.HasSuffix(name, "_proj.weight")
			int4 := c.p == nn.I4 && (strings.Contains(name, "mlp.") || strings.Contains(name, "o_proj"))
			if !layer {
				continue
			}
			x, n, k := make([]float32, v.Len()), v.Shape[0], v.Shape[1]
			if err := v.Float32s(x); err != nil {
				t.Fatal(err)
			}
			s := tensor.View{Name: name + "_scale", DType: tensor.F32, Shape: []int{n}}
			if int4 {
				q, scale, ok := fit.Int4(name, x, n, k)
				if !ok {
					t.Fatalf("%s is no layer", name)
				}
				s.DType, s.Shape = tensor.F16, []int{n, k / 32}
				for _, f := range scale {
					s.Data = binary.LittleEndian.AppendUint16(s.Data, half.F32ToF16(f))
				}
				src[name] = tensor.View{Name: name, DType: tensor.U8, Shape: []int{n, k / 2}, Data: q}
			} else {
				q, scale, ok := fit.Int8(name, x, n, k)
				if !ok {
					t.Fatalf("%s is no layer", name)
				}
				for _, f := range scale {
					s.Data = binary.LittleEndian.AppendUint32(s.Data, math.Float32bits(f))
				}
				b := make([]byte, len(q))
				for i, v := range q {
					b[i] = byte(v)
				}
				src[name] = tensor.View{Name: name, DType: tensor.I8, Shape: []int{n, k}, Data: b}
			}
			src[s.Name] = s
			fitted++
		}
		if fitted != 30*7 {
			t.Errorf("%d weights were fitted", fitted)
		}
		d, err := models.OpenDecoder(config, src, models.Options{Precision: c.p})
		if err != nil {
			t.Fatal(err)
		}
		var apart agreement
		for i := range cases {
			c := &cases[i]
			ids := append(append([]int32{}, c.IDs...), c.Next...)
			run := func(d models.Decoder) [][]float32 {
				b := decodeBatch([]*kv.Sequence{poolOf(d, kv.F32, len(ids)).New()}, ids)
				b.Want = b.Want[len(c.IDs)-1 : len(ids)-1]
				return logits(t, d, &nn.Workspace{Team: team}, b)
			}
			apart.add(run(exact), run(d))
		}
		kl, same := apart.figures()
		t.Logf("%s, fitted: divergence %.5f, %.1f%% of tokens the same", c.p, kl, same)
		if !(kl <= c.bound) {
			t.Errorf("%s, fitted: divergence %.5f, want at most %v", c.p, kl, c.bound)
		}
	}
}
