package models_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"mom/models"
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
// of transformers on the same float32 weights, and says how far the narrow
// precisions follow them.
func TestSmolLM2(t *testing.T) {
	folder, cases := smollm2(t)
	team := nn.NewTeam(2)
	defer team.Close()
	for p := nn.F32; p <= nn.I4; p++ {
		t.Run(p.String(), func(t *testing.T) {
			d := openDecoderFolder(t, folder, p)
			ws := &nn.Workspace{Team: team}
			var seqs []*kv.Sequence
			var next [][]int32
			pool := poolOf(d, kv.F32, 20*256)
			for _, c := range cases {
				seqs, next = append(seqs, pool.New()), append(next, c.IDs)
			}
			follows := make([]int, len(cases))
			for step := range len(cases[0].Next) {
				b := decodeBatch(seqs, next...)
				b.Want = b.Want[:0]
				for i := range seqs {
					b.Want = append(b.Want, b.Starts[i+1]-1)
				}
				rows := logits(t, d, ws, b)
				for i, row := range rows {
					best := argmax(row)
					c := &cases[i]
					if best == c.Next[step] && follows[i] == step {
						follows[i]++
					} else if follows[i] == step && p == nn.F32 {
						t.Errorf("prompt %d, step %d: got %d, want %d, which was ahead by %v", i, step, best, c.Next[step], c.Margin[step])
					}
					// What transformers took goes on, so that all stay comparable.
					next[i] = c.Next[step : step+1]
				}
			}
			sum := 0
			for _, n := range follows {
				sum += n
			}
			t.Logf("tokens in a row as transformers in f32: %v, %d of %d", follows, sum, len(cases)*len(cases[0].Next))
		})
	}
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
