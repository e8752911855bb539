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

// TestSmolLM2Fit bounds how far int4 is from f32 when its weights are fitted to what
// the layers see. It takes about a minute on two cores.
func TestSmolLM2Fit(t *testing.T) {
	folder, cases := smollm2(t)
	if testing.Short() {
		t.Skip("takes a minute")
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
	src := source{}
	fitted := 0
	for _, name := range file.Names() {
		v, _ := file.Tensor(name)
		src[name] = v
		if !strings.Contains(name, "mlp.") && !strings.Contains(name, "o_proj") {
			continue
		}
		x := make([]float32, v.Len())
		if err := v.Float32s(x); err != nil {
			t.Fatal(err)
		}
		q, scale, ok := fit.Int4(name, x, v.Shape[0], v.Shape[1])
		if !ok {
			t.Fatalf("%s is no layer", name)
		}
		s := tensor.View{Name: name + "_scale", DType: tensor.F16, Shape: []int{v.Shape[0], v.Shape[1] / 32}}
		for _, f := range scale {
			s.Data = binary.LittleEndian.AppendUint16(s.Data, half.F32ToF16(f))
		}
		src[name] = tensor.View{Name: name, DType: tensor.U8, Shape: []int{v.Shape[0], v.Shape[1] / 2}, Data: q}
		src[s.Name] = s
		fitted++
	}
	if fitted != 30*4 {
		t.Errorf("%d weights were fitted", fitted)
	}
	config, err := os.ReadFile(filepath.Join(folder, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := models.OpenDecoder(config, src, models.Options{Precision: nn.I4})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	var rows, same int
	for i := range cases {
		c := &cases[i]
		ids := append(append([]int32{}, c.IDs...), c.Next...)
		run := func(d models.Decoder) [][]float32 {
			b := decodeBatch([]*kv.Sequence{poolOf(d, kv.F32, len(ids)).New()}, ids)
			b.Want = b.Want[len(c.IDs)-1 : len(ids)-1]
			return logits(t, d, &nn.Workspace{Team: team}, b)
		}
		want, got := run(exact), run(d)
		for r := range want {
			a, b := logSoftmax(want[r]), logSoftmax(got[r])
			for j := range a {
				sum += math.Exp(a[j]) * (a[j] - b[j])
			}
			rows++
			if argmax(got[r]) == argmax(want[r]) {
				same++
			}
		}
	}
	kl := sum / float64(rows)
	t.Logf("int4, fitted: divergence %.5f, %.1f%% of tokens the same", kl, 100*float64(same)/float64(rows))
	if !(kl <= 0.13) {
		t.Errorf("int4, fitted: divergence %.5f, want at most 0.13", kl)
	}
}
