package models_test

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
)

// decoderGolden is what transformers computed for a tiny decoder whose weights
// follow from the names of its tensors; train/goldens_decoders.py wrote it.
type decoderGolden struct {
	Name     string           `json:"name"`
	Config   string           `json:"config"`
	Tensors  map[string][]int `json:"tensors"`
	Cases    []decoderCase    `json:"cases"`
	Adapters []decoderGolden  `json:"adapters"`
}

type decoderCase struct {
	IDs       []int32     `json:"ids"`
	Positions []int       `json:"positions"`
	Logits    [][]float64 `json:"logits"`
}

func decoderGoldens(t testing.TB) []decoderGolden {
	t.Helper()
	f, err := os.Open("testdata/decoders.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var g struct{ Models []decoderGolden }
	if err := json.NewDecoder(z).Decode(&g); err != nil {
		t.Fatal(err)
	}
	if len(g.Models) < 12 {
		t.Fatalf("only %d goldens", len(g.Models))
	}
	return g.Models
}

// decoderGoldenOf is the golden of a name.
func decoderGoldenOf(t testing.TB, name string) decoderGolden {
	t.Helper()
	all := decoderGoldens(t)
	i := slices.IndexFunc(all, func(g decoderGolden) bool { return g.Name == name })
	if i < 0 {
		t.Fatalf("no golden %s", name)
	}
	return all[i]
}

// goldenWeights is the tensors of a model or an adapter, as the script makes
// them: FNV-1a of the name, then SplitMix64.
func goldenWeights(model string, shapes map[string][]int) source {
	src := source{}
	for name, shape := range shapes {
		h := uint64(0xCBF29CE484222325)
		for _, b := range []byte(model + ":" + name) {
			h = (h ^ uint64(b)) * 0x100000001B3
		}
		v := tensor.View{Name: name, DType: tensor.F32, Shape: shape}
		for i := range v.Len() {
			z := h + uint64(i+1)*0x9E3779B97F4A7C15
			z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
			z = (z ^ z>>27) * 0x94D049BB133111EB
			z ^= z >> 31
			u := float64(z>>40)/(1<<23) - 1
			switch {
			case strings.Contains(name, "lora_"):
				u *= 0.3
			case strings.Contains(name, "embed_tokens"):
				u *= 0.9
			case len(shape) == 2:
				u *= 1.8 / math.Sqrt(float64(shape[1]))
			case strings.HasSuffix(name, "bias"):
				u *= 0.5
			default:
				u = 1 + float64(u*0.5)
			}
			v.Data = binary.LittleEndian.AppendUint32(v.Data, math.Float32bits(float32(u)))
		}
		src[name] = v
	}
	return src
}

func (g *decoderGolden) open(t testing.TB, p nn.Precision, lora *models.LoRA) models.Decoder {
	t.Helper()
	d, err := models.OpenDecoder([]byte(g.Config), goldenWeights(g.Name, g.Tensors), models.Options{Precision: p, LoRA: lora})
	if err != nil {
		t.Fatalf("%s: %v", g.Name, err)
	}
	return d
}

func (g *decoderGolden) lora(t testing.TB, base string) *models.LoRA {
	t.Helper()
	l, err := models.ParseLoRA([]byte(g.Config), goldenWeights(base+"/"+g.Name, g.Tensors))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// poolOf makes a pool of so many tokens.
func poolOf(d models.Decoder, f kv.Format, tokens int) *kv.Pool {
	i := d.Info()
	o := kv.Options{Layers: i.Layers, KVHeads: i.KVHeads, HeadDim: i.HeadDim, Format: f}
	o.Bytes = (tokens + kv.PageTokens - 1) / kv.PageTokens * o.PageBytes()
	return kv.NewPool(o)
}

// decodeBatch is a batch of new tokens; every row is wanted.
func decodeBatch(seqs []*kv.Sequence, tokens ...[]int32) *models.DecodeBatch {
	b := &models.DecodeBatch{Seqs: seqs, Starts: []int32{0}}
	for _, ids := range tokens {
		b.IDs = append(b.IDs, ids...)
		b.Starts = append(b.Starts, int32(len(b.IDs)))
	}
	for i := range b.IDs {
		b.Want = append(b.Want, int32(i))
	}
	return b
}

// logits decodes a batch and returns a copy of the logits of the rows wanted.
func logits(t testing.TB, d models.Decoder, ws *nn.Workspace, b *models.DecodeBatch) [][]float32 {
	t.Helper()
	h, err := d.Decode(ws, b)
	if err != nil {
		t.Fatal(err)
	}
	dst := tensor.NewMat(h.Rows, d.Info().Vocab)
	d.Logits(ws, dst, h, nil)
	out := make([][]float32, h.Rows)
	for i := range out {
		out[i] = dst.Row(i)
	}
	return out
}

func (c *decoderCase) compare(t testing.TB, got [][]float32, tol float64) (worst float64) {
	t.Helper()
	for i, p := range c.Positions {
		if len(got[p]) != len(c.Logits[i]) {
			t.Fatalf("%d logits, want %d", len(got[p]), len(c.Logits[i]))
		}
		for j, w := range c.Logits[i] {
			diff := math.Abs(float64(got[p][j]) - w)
			if !(diff <= tol) {
				t.Fatalf("%d tokens, position %d, logit %d: got %v, want %v ± %v", len(c.IDs), p, j, got[p][j], w, tol)
			}
			worst = max(worst, diff)
		}
	}
	return worst
}

// TestDecoderParity holds float32 to within 1e-4 of transformers at every level,
// all sequences in one batch, on one worker and on three.
func TestDecoderParity(t *testing.T) {
	for _, g := range decoderGoldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			eachLevel(t, func(t *testing.T) {
				d := g.open(t, nn.F32, nil)
				team := nn.NewTeam(3)
				defer team.Close()
				for _, ws := range []*nn.Workspace{{}, {Team: team}} {
					pool := poolOf(d, kv.F32, 2048)
					var seqs []*kv.Sequence
					var ids [][]int32
					for _, c := range g.Cases {
						seqs, ids = append(seqs, pool.New()), append(ids, c.IDs)
					}
					b := decodeBatch(seqs, ids...)
					got := logits(t, d, ws, b)
					worst := 0.0
					for i, c := range g.Cases {
						worst = max(worst, c.compare(t, got[b.Starts[i]:b.Starts[i+1]], 1e-4))
					}
					t.Logf("team of %d: largest difference %.2g", ws.Team.Size(), worst)
				}
			})
		})
	}
}

// TestDecoderPieces: a row has the same bits whether the sequence came whole, in
// pieces, token by token, or among others, at every precision and format of the
// pages. That is also what finds a prompt's last token fed twice after a cached
// prefix, and positions that begin again after one.
func TestDecoderPieces(t *testing.T) {
	for _, name := range []string{"qwen3-gqa4", "llama-gqa3", "llama-biases"} {
		g := decoderGoldenOf(t, name)
		for p := nn.F32; p <= nn.I4; p++ {
			for _, f := range formats {
				t.Run(fmt.Sprintf("%s/%s/%s", name, p, f), func(t *testing.T) {
					eachLevel(t, func(t *testing.T) { testPieces(t, &g, p, f) })
				})
			}
		}
	}
}

func testPieces(t *testing.T, g *decoderGolden, p nn.Precision, f kv.Format) {
	d := g.open(t, p, nil)
	pool := poolOf(d, f, 4096)
	team := nn.NewTeam(2)
	defer team.Close()
	ids := g.Cases[len(g.Cases)-1].IDs[:150]
	want := logits(t, d, &nn.Workspace{}, decodeBatch([]*kv.Sequence{pool.New()}, ids))
	ws := &nn.Workspace{Team: team}
	same := func(how string, got [][]float32, from int) {
		t.Helper()
		for i, row := range got {
			if !slices.Equal(row, want[from+i]) {
				t.Fatalf("%s: row %d differs", how, from+i)
			}
		}
	}
	for _, size := range []int{1, 7, 32, 33, 64, 100} {
		s := pool.New()
		for from := 0; from < len(ids); from += size {
			to := min(from+size, len(ids))
			same(fmt.Sprintf("pieces of %d", size), logits(t, d, ws, decodeBatch([]*kv.Sequence{s}, ids[from:to])), from)
		}
		if s.Len() != len(ids) {
			t.Fatalf("the sequence has %d tokens, want %d", s.Len(), len(ids))
		}
		s.Free()
	}
	// Sequences of different lengths, all at different places, in one batch.
	seqs := []*kv.Sequence{pool.New(), pool.New(), pool.New(), pool.New()}
	at := []int{0, 0, 0, 0}
	for round, steps := range [][]int{{150, 1, 31, 64}, {0, 1, 1, 33}, {0, 50, 1, 2}, {0, 1, 33, 1}, {0, 97, 84, 50}} {
		var now []*kv.Sequence
		var parts [][]int32
		var from []int
		for i, n := range steps {
			if n == 0 {
				continue
			}
			now, parts, from = append(now, seqs[i]), append(parts, ids[at[i]:at[i]+n]), append(from, at[i])
			at[i] += n
		}
		b := decodeBatch(now, parts...)
		got := logits(t, d, ws, b)
		for i := range now {
			same(fmt.Sprintf("round %d, sequence %d", round, i), got[b.Starts[i]:b.Starts[i+1]], from[i])
		}
	}
}

// TestWant: the rows asked for are those of the batch's own tokens: nothing is
// padded, so that no logits come from a pad position.
func TestWant(t *testing.T) {
	g := decoderGoldenOf(t, "qwen3-gqa1")
	d := g.open(t, nn.F32, nil)
	pool := poolOf(d, kv.F32, 2048)
	seqs := []*kv.Sequence{pool.New(), pool.New(), pool.New()}
	cases := []decoderCase{g.Cases[8], g.Cases[0], g.Cases[4]} // 300, 1 and 33 tokens
	b := decodeBatch(seqs, cases[0].IDs, cases[1].IDs, cases[2].IDs)
	b.Want = []int32{299, 300, 333}
	got := logits(t, d, &nn.Workspace{}, b)
	if len(got) != 3 {
		t.Fatalf("%d rows, want 3", len(got))
	}
	for i, c := range cases {
		last := len(c.Positions) - 1
		end := decoderCase{IDs: c.IDs, Positions: []int{0}, Logits: c.Logits[last:]}
		end.compare(t, got[i:], 1e-4)
	}
	b = decodeBatch(seqs, []int32{1}, []int32{2}, []int32{3})
	b.Want = nil
	if h, err := d.Decode(&nn.Workspace{}, b); err != nil || h.Rows != 0 {
		t.Errorf("nothing wanted: %d rows, error %v", h.Rows, err)
	}
}

// TestFork: sequences that share a prompt go on from its positions, each with its
// own tokens, while the other goes on too and after it is gone.
func TestFork(t *testing.T) {
	g := decoderGoldenOf(t, "llama-gqa4-llama3")
	for _, f := range formats {
		d := g.open(t, nn.F32, nil)
		pool := poolOf(d, f, 4096)
		ws := &nn.Workspace{}
		ids := g.Cases[8].IDs
		tails := [][]int32{ids[100:140], ids[150:190], ids[200:240]}
		for _, prompt := range []int{1, 31, 32, 45, 64} {
			var want [][][]float32
			for _, tail := range tails {
				all := append(slices.Clone(ids[:prompt]), tail...)
				want = append(want, logits(t, d, ws, decodeBatch([]*kv.Sequence{pool.New()}, all))[prompt:])
			}
			root := pool.New()
			logits(t, d, ws, decodeBatch([]*kv.Sequence{root}, ids[:prompt]))
			seqs := []*kv.Sequence{root.Fork(), root.Fork(), root.Fork()}
			root.Free()
			for i := range seqs { // the first alone, then two, then all
				b := decodeBatch(seqs[:i+1], tails[0][10*i:10*i+10], tails[1][10*max(i-1, 0):][:10], tails[2][:10])
				b.Starts, b.IDs = b.Starts[:i+2], b.IDs[:10*(i+1)]
				b.Want = b.Want[:len(b.IDs)]
				got := logits(t, d, ws, b)
				for k := range i + 1 {
					for j := range 10 {
						if at := seqs[k].Len() - prompt - 10 + j; !slices.Equal(got[10*k+j], want[k][at]) {
							t.Fatalf("%s, prompt of %d: fork %d, token %d after the prompt differs", f, prompt, k, at)
						}
					}
				}
			}
			for _, s := range seqs {
				s.Free()
			}
		}
	}
}

var formats = []kv.Format{kv.F32, kv.BF16, kv.I8}
