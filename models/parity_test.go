package models_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"mom/kernels/kerneltest"
	"mom/models"
	"mom/models/nn"
	"mom/safetensors"
	"mom/tensor"
)

// golden is what transformers computed in float32, each sequence run alone;
// train/goldens_models.py wrote it.
type golden struct {
	Task  string `json:"task"`
	Cases []struct {
		IDs       [][]int32       `json:"ids"`
		Positions [][]int         `json:"positions"`
		Logits    json.RawMessage `json:"logits"`
		Hidden    [][][]float64   `json:"hidden"`
		Mean      [][]float64     `json:"mean"`
	} `json:"cases"`
}

func readGolden(t *testing.T, path string) *golden {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{}
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

func openFolder(t testing.TB, dir, adapter string, p nn.Precision) *models.Model {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	src, err := safetensors.OpenFolder(dir, safetensors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	o := models.Options{Precision: p}
	if adapter != "" {
		config, err := os.ReadFile(filepath.Join(adapter, "adapter_config.json"))
		if err != nil {
			t.Fatal(err)
		}
		file, err := safetensors.Open(filepath.Join(adapter, "adapter_model.safetensors"), safetensors.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if o.LoRA, err = models.ParseLoRA(config, file); err != nil {
			t.Fatal(err)
		}
	}
	m, err := models.Open(config, src, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// batchOf concatenates sequences.
func batchOf(sequences ...[]int32) *models.Batch {
	b := &models.Batch{Starts: []int32{0}}
	for _, s := range sequences {
		b.IDs = append(b.IDs, s...)
		b.Starts = append(b.Starts, int32(len(b.IDs)))
	}
	return b
}

// goldenDirs are the folders under testdata, and each adapter's.
func goldenDirs(t *testing.T) (dirs []string) {
	t.Helper()
	for _, pattern := range []string{"testdata/*/golden.json", "testdata/*/*/golden.json"} {
		paths, _ := filepath.Glob(pattern)
		for _, p := range paths {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	if len(dirs) < 24 {
		t.Fatalf("only %d goldens", len(dirs))
	}
	return dirs
}

// model opens the folder of a golden, which is an adapter's when the model lies
// above it.
func openGolden(t *testing.T, dir string, p nn.Precision) *models.Model {
	if _, err := os.Stat(filepath.Join(dir, "adapter_config.json")); err == nil {
		return openFolder(t, filepath.Dir(dir), dir, p)
	}
	return openFolder(t, dir, "", p)
}

// TestParity holds float32 to within 1e-4 of transformers at every level, in
// batches of mixed length, on one worker and on three.
func TestParity(t *testing.T) {
	for _, dir := range goldenDirs(t) {
		name, _ := filepath.Rel("testdata", dir)
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, filepath.Join(dir, "golden.json"))
			eachLevel(t, func(t *testing.T) {
				m := openGolden(t, dir, nn.F32)
				team := nn.NewTeam(3)
				defer team.Close()
				for _, ws := range []*nn.Workspace{{}, {Team: team}} {
					worst := 0.0
					for _, c := range g.Cases {
						got, want := answers(t, m, ws, batchOf(c.IDs...)), wanted(t, g, c.IDs, c.Positions, c.Logits, c.Hidden)
						for i := range want {
							worst = max(worst, compareRows(t, got[i], want[i], 1e-4))
						}
					}
					t.Logf("team of %d: largest difference %.2g", ws.Team.Size(), worst)
				}
			})
		})
	}
}

// eachLevel is EachLevel, or the highest level alone with -short.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	if testing.Short() {
		f(t)
		return
	}
	kerneltest.EachLevel(t, f)
}

// answers returns the rows that m gives each sequence: one of logits, or one a
// token, of logits or hidden states.
func answers(t testing.TB, m *models.Model, ws *nn.Workspace, b *models.Batch) [][][]float32 {
	t.Helper()
	hidden, err := m.Trunk.Encode(ws, b)
	if err != nil {
		t.Fatal(err)
	}
	rows, perToken := hidden, true
	if len(m.Heads) > 0 {
		rows, perToken = m.Heads[0].Apply(ws, hidden, b), m.Heads[0].Task != models.Sequence
	}
	var all [][][]float32
	for i := range b.Len() {
		if !perToken {
			all = append(all, [][]float32{slices.Clone(rows.Row(i))})
			continue
		}
		var seq [][]float32
		for j := b.Starts[i]; j < b.Starts[i+1]; j++ {
			seq = append(seq, slices.Clone(rows.Row(int(j))))
		}
		all = append(all, seq)
	}
	return all
}

// expected is the golden rows of one sequence by position.
type expected map[int][]float64

func wanted(t *testing.T, g *golden, ids [][]int32, positions [][]int, logits json.RawMessage, hidden [][][]float64) []expected {
	t.Helper()
	var out []expected
	rows := hidden
	switch g.Task {
	case "sequence-classification":
		var l [][]float64
		if err := json.Unmarshal(logits, &l); err != nil {
			t.Fatal(err)
		}
		for _, row := range l {
			out = append(out, expected{0: row})
		}
		return out
	case "base":
	default:
		if err := json.Unmarshal(logits, &rows); err != nil {
			t.Fatal(err)
		}
	}
	if len(rows) != len(ids) || len(positions) != len(ids) {
		t.Fatal("golden.json: sequences and outputs differ in number")
	}
	for i := range rows {
		e := expected{}
		for k, p := range positions[i] {
			e[p] = rows[i][k]
		}
		out = append(out, e)
	}
	return out
}

func compareRows(t *testing.T, got [][]float32, want expected, tol float64) (worst float64) {
	t.Helper()
	if len(want) == 0 {
		t.Fatal("golden without rows")
	}
	for p, row := range want {
		if len(got[p]) != len(row) {
			t.Fatalf("position %d: %d values, want %d", p, len(got[p]), len(row))
		}
		for k, w := range row {
			diff := math.Abs(float64(got[p][k]) - w)
			if !(diff <= tol) {
				t.Fatalf("position %d value %d: got %v, want %v ± %v", p, k, got[p][k], w, tol)
			}
			worst = max(worst, diff)
		}
	}
	return worst
}

// TestBatchInvariance: a sequence's answer is the same to the bit whatever it
// is batched with and however many workers share the work.
func TestBatchInvariance(t *testing.T) {
	for _, name := range []string{"modernbert-token", "modernbert-seq-mean", "bert-token", "bert-seq"} {
		for p := nn.F32; p <= nn.I8; p++ {
			t.Run(fmt.Sprintf("%s/%s", name, p), func(t *testing.T) {
				eachLevel(t, func(t *testing.T) {
					m := openFolder(t, "testdata/"+name, "", p)
					var seqs [][]int32
					for i, n := range []int{1, 2, 3, 7, 8, 9, 16, 17, 31, 64, 65, 130, 300} {
						seq := make([]int32, n)
						for j := range seq {
							seq[j] = int32((j*j*7 + i*13 + j) % m.Trunk.Info().Vocab)
						}
						seqs = append(seqs, seq)
					}
					team := nn.NewTeam(3)
					defer team.Close()
					together := answers(t, m, &nn.Workspace{Team: team}, batchOf(seqs...))
					ws := &nn.Workspace{}
					for i, s := range seqs {
						alone := answers(t, m, ws, batchOf(s))[0]
						for r := range alone {
							if !slices.Equal(alone[r], together[i][r]) {
								t.Fatalf("sequence %d of %d tokens: row %d differs from the batch's", i, len(s), r)
							}
						}
					}
				})
			})
		}
	}
}

// TestPrecisions: bf16 and int8 stay near f32. The models are random, so that
// this bounds noise rather than accuracy.
func TestPrecisions(t *testing.T) {
	bounds := map[nn.Precision]float64{nn.BF16: 0.05, nn.I8: 0.12}
	for _, name := range []string{"modernbert-base", "bert-base"} {
		exact := openFolder(t, "testdata/"+name, "", nn.F32)
		g := readGolden(t, "testdata/"+name+"/golden.json")
		for p, bound := range bounds {
			m := openFolder(t, "testdata/"+name, "", p)
			var diff, norm float64
			for _, c := range g.Cases {
				b := batchOf(c.IDs...)
				want, got := answers(t, exact, &nn.Workspace{}, b), answers(t, m, &nn.Workspace{}, b)
				for i := range want {
					for r := range want[i] {
						for k, w := range want[i][r] {
							diff += math.Pow(float64(got[i][r][k]-w), 2)
							norm += math.Pow(float64(w), 2)
						}
					}
				}
			}
			if rel := math.Sqrt(diff / norm); !(rel <= bound) {
				t.Errorf("%s %s: relative difference %.4f, want at most %v", name, p, rel, bound)
			} else {
				t.Logf("%s %s: relative difference %.4f", name, p, rel)
			}
		}
	}
}

// TestEncodeAllocates nothing once the workspace has grown.
func TestEncodeAllocates(t *testing.T) {
	team := nn.NewTeam(2)
	defer team.Close()
	for _, name := range []string{"modernbert-seq-mean", "bert-token"} {
		for p := nn.F32; p <= nn.I8; p++ {
			m := openFolder(t, "testdata/"+name, "", p)
			for _, ws := range []*nn.Workspace{{}, {Team: team}} {
				b := batchOf(make([]int32, 33), make([]int32, 5))
				run := func() {
					hidden, err := m.Trunk.Encode(ws, b)
					if err != nil {
						t.Fatal(err)
					}
					m.Heads[0].Apply(ws, hidden, b)
				}
				run()
				if n := testing.AllocsPerRun(20, run); n != 0 {
					t.Errorf("%s %s team of %d: %v allocations a pass", name, p, ws.Team.Size(), n)
				}
			}
		}
	}
}

// source is tensors in memory.
type source map[string]tensor.View

func (s source) Names() (names []string) {
	for n := range s {
		names = append(names, n)
	}
	return names
}

func (s source) Stat(name string) (tensor.View, bool) { v, ok := s[name]; return v, ok }

func (s source) Tensor(name string) (tensor.View, bool) { v, ok := s[name]; return v, ok }

// load reads a golden folder into memory, to be broken by a test.
func load(t testing.TB, name string) (config map[string]any, src source) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.OpenFolder(filepath.Join("testdata", name), safetensors.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	src = source{}
	for _, n := range f.Names() {
		src[n], _ = f.Tensor(n)
	}
	return config, src
}

// TestParityFolders compares folders that are too large to commit, made by
// train/goldens_base.py. The bound is relative to the spread of the logits.
func TestParityFolders(t *testing.T) {
	dirs := filepath.SplitList(os.Getenv("MOM_GOLDENS"))
	if len(dirs) == 0 {
		t.Skip("MOM_GOLDENS names no folders; train/goldens_base.py makes one")
	}
	for _, dir := range dirs {
		g := readGolden(t, filepath.Join(dir, "golden.json"))
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, c := range g.Cases {
			for _, e := range wanted(t, g, c.IDs, c.Positions, c.Logits, c.Hidden) {
				for _, row := range e {
					lo, hi = min(lo, slices.Min(row)), max(hi, slices.Max(row))
				}
			}
		}
		for p, bound := range map[nn.Precision]float64{nn.F32: 1e-4, nn.BF16: 0.05, nn.I8: 0.15} {
			t.Run(fmt.Sprintf("%s/%s", filepath.Base(dir), p), func(t *testing.T) {
				m := openFolder(t, dir, "", p)
				worst := 0.0
				for _, c := range g.Cases {
					got := answers(t, m, &nn.Workspace{}, batchOf(c.IDs...))
					for i, want := range wanted(t, g, c.IDs, c.Positions, c.Logits, c.Hidden) {
						worst = max(worst, compareRows(t, got[i], want, bound*(hi-lo)))
					}
				}
				t.Logf("largest difference %.2g of a spread of %.3g", worst/(hi-lo), hi-lo)
			})
		}
	}
}
