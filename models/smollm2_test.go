package models_test

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"mom/models"
	"mom/models/gguf"
	"mom/models/kv"
	"mom/models/nn"
	"mom/safetensors"
	"mom/tensor"
)

type continuation struct {
	Prompt string    `json:"prompt"`
	IDs    []int32   `json:"ids"`
	Next   []int32   `json:"next"`
	Margin []float64 `json:"margin"`
}

func smollm2(t testing.TB) (folder string, cases []continuation) {
	t.Helper()
	folder = os.Getenv("MOM_SMOLLM2")
	if folder == "" {
		t.Skip("MOM_SMOLLM2 names no folder; train/gguf_folder.py makes one")
	}
	f, err := os.Open("testdata/smollm2.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var g struct{ Cases []continuation }
	if err := json.NewDecoder(z).Decode(&g); err != nil {
		t.Fatal(err)
	}
	return folder, g.Cases
}

func openDecoderFolder(t testing.TB, dir string, p nn.Precision) models.Decoder {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	src, err := safetensors.OpenFolder(dir, safetensors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	d, err := models.OpenDecoder(config, src, models.Options{Precision: p})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSmolLM2 decodes 20 prompts at once, greedily, and wants the continuations
// of transformers on the same float32 weights.
func TestSmolLM2(t *testing.T) {
	folder, cases := smollm2(t)
	team := nn.NewTeam(2)
	defer team.Close()
	d := openDecoderFolder(t, folder, nn.F32)
	ws := &nn.Workspace{Team: team}
	var seqs []*kv.Sequence
	var next [][]int32
	pool := poolOf(d, kv.F32, 20*256)
	for _, c := range cases {
		seqs, next = append(seqs, pool.New()), append(next, c.IDs)
	}
	for step := range cases[0].Next {
		b := decodeBatch(seqs, next...)
		b.Want = nil
		for i := range seqs {
			b.Want = append(b.Want, b.Starts[i+1]-1)
		}
		for i, row := range logits(t, d, ws, b) {
			c := &cases[i]
			if best := argmax(row); best != c.Next[step] {
				t.Fatalf("prompt %d, step %d: got %d, want %d, which was ahead by %v", i, step, best, c.Next[step], c.Margin[step])
			}
			next[i] = c.Next[step : step+1]
		}
	}
}

// An agreement is how near the logits of a decoder are to those of another.
type agreement struct {
	sum        float64
	rows, same int
}

func (a *agreement) add(want, got [][]float32) {
	for r := range want {
		p, q := logSoftmax(want[r]), logSoftmax(got[r])
		for j := range p {
			a.sum += math.Exp(p[j]) * (p[j] - q[j])
		}
		a.rows++
		if argmax(got[r]) == argmax(want[r]) {
			a.same++
		}
	}
}

// figures are the mean Kullback-Leibler divergence, and how many percent of the most
// probable tokens are the same.
func (a *agreement) figures() (divergence, same float64) {
	return a.sum / float64(a.rows), 100 * float64(a.same) / float64(a.rows)
}

// stored is int4 as a GGUF file of Q4_1 has it.
const stored = nn.I4 + 1

// openStored opens the file from which the folder was made; nil if there is none.
func openStored(t *testing.T) models.Decoder {
	path := os.Getenv("MOM_SMOLLM2_GGUF")
	if path == "" {
		t.Log("MOM_SMOLLM2_GGUF names no file: int4 as it is stored is left out")
		return nil
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	config, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	d, err := models.OpenDecoder(config, f, models.Options{Precision: nn.I4})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestSmolLM2Precisions bounds how far the narrow precisions, and the narrow
// formats of pages, are from f32 on the same continuations: the mean
// Kullback-Leibler divergence of the next token's distribution.
func TestSmolLM2Precisions(t *testing.T) {
	folder, cases := smollm2(t)
	team := nn.NewTeam(2)
	defer team.Close()
	run := func(d models.Decoder, f kv.Format, c *continuation) [][]float32 {
		ids := append(append([]int32{}, c.IDs...), c.Next...)
		b := decodeBatch([]*kv.Sequence{poolOf(d, f, len(ids)).New()}, ids)
		b.Want = b.Want[len(c.IDs)-1 : len(ids)-1]
		return logits(t, d, &nn.Workspace{Team: team}, b)
	}
	exact := openDecoderFolder(t, folder, nn.F32)
	for _, v := range []struct {
		p     nn.Precision
		f     kv.Format
		bound float64
	}{
		{nn.F32, kv.BF16, 0.0002}, {nn.F32, kv.I8, 0.002}, {nn.BF16, kv.F32, 0.0005},
		{nn.I8, kv.F32, 0.01}, {nn.I8, kv.I8, 0.012}, {nn.I4, kv.F32, 0.22},
		{stored, kv.F32, 0.03},
	} {
		d := exact
		switch v.p {
		case nn.F32:
		case stored:
			if d = openStored(t); d == nil {
				continue
			}
		default:
			d = openDecoderFolder(t, folder, v.p)
		}
		var apart agreement
		for i := range cases {
			apart.add(run(exact, kv.F32, &cases[i]), run(d, v.f, &cases[i]))
		}
		kl, same := apart.figures()
		name := "int4 as stored"
		if v.p != stored {
			name = v.p.String()
		}
		t.Logf("%s, pages of %s: divergence %.5f, %.1f%% of tokens the same", name, v.f, kl, same)
		if !(kl <= v.bound) {
			t.Errorf("%s, pages of %s: divergence %.5f, want at most %v", name, v.f, kl, v.bound)
		}
	}
}

func logSoftmax(x []float32) []float64 {
	top, sum := float64(x[argmax(x)]), 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v) - top - math.Log(sum)
	}
	return out
}

func argmax(row []float32) int32 {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return int32(best)
}

// BenchmarkSmolLM2 is a decoding step of one sequence, and prefill.
func BenchmarkSmolLM2(b *testing.B) {
	folder, cases := smollm2(b)
	for p := nn.F32; p <= nn.I4; p++ {
		d := openDecoderFolder(b, folder, p)
		b.Run("decode/"+p.String(), func(b *testing.B) {
			ws := &nn.Workspace{}
			pool := poolOf(d, kv.F32, 1024)
			s := pool.New()
			batch := decodeBatch([]*kv.Sequence{s}, cases[19].IDs)
			batch.Want = batch.Want[:1]
			dst := tensor.NewMat(1, d.Info().Vocab)
			if _, err := d.Decode(ws, batch); err != nil {
				b.Fatal(err)
			}
			batch = decodeBatch([]*kv.Sequence{s}, []int32{500})
			for b.Loop() {
				h, err := d.Decode(ws, batch)
				if err != nil {
					b.Fatal(err)
				}
				d.Logits(ws, dst, h, nil)
				s.Truncate(s.Len() - 1)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
		b.Run("prefill/"+p.String(), func(b *testing.B) {
			ws := &nn.Workspace{}
			pool := poolOf(d, kv.F32, 1024)
			s := pool.New()
			batch := decodeBatch([]*kv.Sequence{s}, cases[19].IDs)
			batch.Want = batch.Want[:1]
			for b.Loop() {
				if _, err := d.Decode(ws, batch); err != nil {
					b.Fatal(err)
				}
				s.Truncate(0)
			}
			b.ReportMetric(float64(b.N*len(cases[19].IDs))/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
