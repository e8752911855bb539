package gguf

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"mom/tensor"
	"mom/tokenizer"
)

// parse reads a file from memory.
func parse(name string, data []byte) (*File, error) {
	return Read(name, bytes.NewReader(data), int64(len(data)))
}

func unzip(t testing.TB, path string, v any) {
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
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// goldens is what train/goldens_gguf.py wrote.
type goldens struct {
	Step    int                 `json:"step"`
	Llama   map[string]string   `json:"llama"`
	Qwen3   map[string]string   `json:"qwen3"`
	SmolLM2 map[string]string   `json:"smollm2"`
	IDs     map[string][]uint32 `json:"ids"`
	SmolIDs []uint32            `json:"smollm2 ids"`
}

func readGoldens(t testing.TB) *goldens {
	g := &goldens{}
	unzip(t, "testdata/goldens.json.gz", g)
	return g
}

func texts(t testing.TB) (texts []string) {
	unzip(t, "../../tokenizer/testdata/strings.json.gz", &texts)
	return texts
}

// Every tensor has the name, the shape and to the bit the values that the
// package gguf gives it, with rows of queries and keys as Hugging Face has them.
func TestTensorsMatchGoldens(t *testing.T) {
	g := readGoldens(t)
	for path, want := range map[string]map[string]string{"testdata/llama.gguf": g.Llama, "testdata/qwen3.gguf": g.Qwen3, smolLM2(t, false): g.SmolLM2} {
		if path == "" {
			continue
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, want := f.Names(), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
			t.Fatalf("%s: tensors %v, want %v", path, got, want)
		}
		for _, name := range f.Names() {
			v, ok := f.Tensor(name)
			if !ok {
				t.Fatal(f.Err())
			}
			if s, ok := f.Stat(name); !ok || !slices.Equal(s.Shape, v.Shape) || v.DType != tensor.F32 || s.DType != tensor.F32 || s.Name != name {
				t.Errorf("%s: %s: Stat %v %v, Tensor %v %v", path, name, s.DType, s.Shape, v.DType, v.Shape)
			}
			if v.Shared() == nil {
				t.Errorf("%s: %s: data cannot be used as float32 in place", path, name)
			}
			sum := sha256.Sum256(v.Data)
			if hex.EncodeToString(sum[:]) != want[name] {
				t.Errorf("%s: %s %v: other values", path, name, v.Shape)
			}
		}
	}
}

// smolLM2 is the path of the file that testdata/fetch.sh gets.
func smolLM2(t testing.TB, must bool) string {
	dirs := []string{os.Getenv("MOM_GGUF")}
	if dirs[0] == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			dirs = append(dirs, filepath.Join(dir, "mom-gguf"))
		}
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, "SmolLM2-135M-Instruct.Q4_1.gguf")
		if _, err := os.Stat(path); dir != "" && err == nil {
			return path
		}
	}
	if must {
		t.Skip("no SmolLM2-135M-Instruct.Q4_1.gguf; testdata/fetch.sh gets it")
	}
	return ""
}

func checksum(e *tokenizer.Encoding) uint32 {
	var b []byte
	for _, id := range e.IDs {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return crc32.ChecksumIEEE(b)
}

// compareIDs tokenizes the texts and compares the checksums of their ids.
func compareIDs(t *testing.T, f *File, texts []string, want []uint32) {
	t.Helper()
	data, err := f.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Parse("tokenizer.json", data)
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) != len(want) || len(want) == 0 {
		t.Fatalf("%d texts, %d goldens", len(texts), len(want))
	}
	var e tokenizer.Encoding
	wrong := 0
	for i, text := range texts {
		if err := tok.EncodeSpecial(&e, text); err != nil {
			t.Fatal(err)
		}
		if checksum(&e) != want[i] {
			if wrong++; wrong < 5 {
				t.Errorf("%q: ids %v are others", text, e.IDs)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d texts have other ids", wrong, len(texts))
	}
}

// The tokenizer has the ids that Hugging Face's has of the same vocabulary, with
// every way to cut words.
func TestTokenizerMatchesHuggingFace(t *testing.T) {
	g, all := readGoldens(t), texts(t)
	var some []string
	for i := 0; i < len(all); i += g.Step {
		some = append(some, all[i])
	}
	for name, want := range g.IDs {
		t.Run(name, func(t *testing.T) {
			f, err := parse("llama.gguf", withPre(t, name))
			if err != nil {
				t.Fatal(err)
			}
			compareIDs(t, f, some, want)
		})
	}
	for _, p := range pres {
		if g.IDs[p.names[0]] == nil {
			t.Errorf("no goldens of %s", p.names[0])
		}
	}
	t.Run("SmolLM2", func(t *testing.T) {
		f, err := Open(smolLM2(t, true))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		compareIDs(t, f, all, g.SmolIDs)
	})
}

// withPre is the metadata of testdata/llama.gguf with another tokenizer.ggml.pre.
func withPre(t *testing.T, pre string) []byte {
	t.Helper()
	f, err := Open("testdata/llama.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := small()
	b.tensors = nil
	b.set("llama.vocab_size", vU32(uint32(f.hyper.vocab)))
	b.set(keyPre, vText(pre))
	for _, key := range []string{keyTokens, keyMerges} {
		var list []string
		if err := f.eachString(key, f.meta[key], 2*maxToken, func(_ int, s []byte) { list = append(list, string(s)) }); err != nil {
			t.Fatal(err)
		}
		b.set(key, vTexts(list...))
	}
	raw := make([]byte, f.meta[keyTypes].bytes)
	if _, err := f.r.ReadAt(raw, f.meta[keyTypes].at); err != nil {
		t.Fatal(err)
	}
	b.set(keyTypes, vArray(kindI32, uint64(len(raw)/4), raw))
	for _, key := range []string{keyBOS, keyEOS} {
		b.set(key, vU32(uint32(f.meta[key].bits)))
	}
	return b.bytes()
}

func TestConfig(t *testing.T) {
	type fields = map[string]any
	for _, c := range []struct {
		path string
		want fields
	}{
		{"testdata/llama.gguf", fields{
			"architectures": []any{"LlamaForCausalLM"}, "model_type": "llama", "vocab_size": 576.0, "hidden_size": 32.0, "intermediate_size": 64.0,
			"num_hidden_layers": 2.0, "num_attention_heads": 2.0, "num_key_value_heads": 1.0, "head_dim": 64.0, "max_position_embeddings": 131072.0,
			"rms_norm_eps": 1e-5, "rope_theta": 500000.0, "tie_word_embeddings": false, "attention_bias": true, "mlp_bias": false,
			"rope_scaling": fields{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192.0},
			"bos_token_id": 561.0, "eos_token_id": 560.0, "pad_token_id": 562.0, "hidden_act": "silu",
		}},
		{"testdata/qwen3.gguf", fields{
			"architectures": []any{"Qwen3ForCausalLM"}, "model_type": "qwen3", "vocab_size": 576.0, "hidden_size": 32.0, "intermediate_size": 64.0,
			"num_hidden_layers": 1.0, "num_attention_heads": 4.0, "num_key_value_heads": 2.0, "head_dim": 64.0, "max_position_embeddings": 131072.0,
			"rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": true, "attention_bias": false, "mlp_bias": false, "rope_scaling": nil,
			"bos_token_id": 561.0, "eos_token_id": 560.0, "pad_token_id": 562.0, "hidden_act": "silu",
		}},
	} {
		f, err := Open(c.path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		compareConfig(t, f, c.want)
	}
}

func compareConfig(t *testing.T, f *File, want map[string]any) {
	t.Helper()
	data, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Errorf("%s:\n got %s\nwant %s", f.name, a, b)
	}
}

// A text, a turn and a message may each have an end of their own.
func TestEndTokens(t *testing.T) {
	b := small()
	b.set(keyEOT, vU32(258))
	b.set(keyEOM, vU32(257)) // as EOS
	f, err := parse("x", b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		EOS []int `json:"eos_token_id"`
	}
	if err := json.Unmarshal(data, &got); err != nil || !slices.Equal(got.EOS, []int{257, 258}) {
		t.Errorf("got %v, %v", got.EOS, err)
	}
}

// The ways of scaling positions, each from the metadata that llama.cpp writes.
func TestRopeScaling(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*builder)
		want string
	}{
		{"none", func(*builder) {}, `null`},
		{"named none", func(b *builder) { b.set("llama.rope.scaling.type", vText("none")) }, `null`},
		{"linear", func(b *builder) {
			b.set("llama.rope.scaling.type", vText("linear"))
			b.set("llama.rope.scaling.factor", vF32(2.5))
		}, `{"factor":2.5,"rope_type":"linear"}`},
		{"linear of old files", func(b *builder) { b.set("llama.rope.scale_linear", vF32(4)) }, `{"factor":4,"rope_type":"linear"}`},
		{"yarn", func(b *builder) {
			b.set("llama.rope.scaling.type", vText("yarn"))
			b.set("llama.rope.scaling.factor", vF32(4))
			b.set("llama.rope.scaling.original_context_length", vU32(32768))
		}, `{"factor":4,"original_max_position_embeddings":32768,"rope_type":"yarn"}`},
		{"yarn with betas", func(b *builder) {
			b.set("llama.rope.scaling.type", vText("yarn"))
			b.set("llama.rope.scaling.factor", vF32(4))
			b.set("llama.rope.scaling.original_context_length", vU32(32768))
			b.set("llama.rope.scaling.yarn_beta_fast", vF32(16))
			b.set("llama.rope.scaling.yarn_beta_slow", vF32(2))
		}, `{"beta_fast":16,"beta_slow":2,"factor":4,"original_max_position_embeddings":32768,"rope_type":"yarn"}`},
		{"factors of 1", func(b *builder) { addFactors(b, func(int) float64 { return 1 }) }, `null`},
	} {
		b := small()
		c.set(b)
		f, err := parse("x", b.bytes())
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		data, err := f.Config()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got struct {
			Scaling json.RawMessage `json:"rope_scaling"`
		}
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		json.Compact(&compact, got.Scaling)
		if compact.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.name, compact.String(), c.want)
		}
	}
}

func addFactors(b *builder, factor func(i int) float64) {
	data, _ := floats(stF32, tHeadDim/2, func(i int) float32 { return float32(factor(i)) })
	b.add("rope_freqs.weight", stF32, data, tHeadDim/2)
}

// Llama 3's parameters are found again from the factors alone, of every release.
func TestLlama3Factors(t *testing.T) {
	for _, c := range []struct {
		dim                    int
		theta                  float32
		factor, high, original float64
	}{{128, 500000, 8, 4, 8192}, {128, 500000, 32, 4, 8192}, {64, 500000, 32, 4, 8192}, {64, 10000, 4, 4, 2048}, {128, 1e6, 16, 3.5, 32768}, {96, 500000, 8, 2, 4096}} {
		factors := make([]float32, c.dim/2)
		for i := range factors {
			freq := float32(1 / math.Pow(float64(c.theta), float64(2*i)/float64(c.dim)))
			wave := 2 * math.Pi / float64(freq)
			s := (c.original/wave - 1) / (c.high - 1)
			switch {
			case wave < c.original/c.high:
				factors[i] = 1
			case wave > c.original:
				factors[i] = float32(c.factor)
			default:
				factors[i] = float32(1 / ((1-s)/c.factor + s))
			}
		}
		h := &hyper{theta: c.theta, headDim: c.dim}
		got, err := h.llama3(factors)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if got["factor"] != c.factor || math.Abs(got["high_freq_factor"].(float64)-c.high) > 1e-6 || got["original_max_position_embeddings"] != int(c.original) {
			t.Errorf("%+v: got %v", c, got)
		}
		factors[3] *= 1.01
		if got, err := h.llama3(factors); err == nil {
			t.Errorf("%+v with another factor: got %v", c, got)
		}
	}
}

// Blocks of every type, written here, read as their definition says.
func TestWiden(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 8 * group
	for kind, s := range storages {
		if s.values == 0 {
			continue
		}
		var raw []byte
		var want []float32
		scale := func(int) (float32, float32) { return float32(r.NormFloat64() * 0.01), float32(r.NormFloat64()) }
		switch k := storage(kind); k {
		case stQ80:
			raw, want = blocks(k, n, scale, func(int) int { return r.IntN(256) - 128 })
		case stQ40, stQ41:
			raw, want = blocks(k, n, scale, func(int) int { return r.IntN(16) })
		default:
			raw, want = floats(k, n, func(int) float32 { return float32(r.NormFloat64()) })
		}
		got := make([]float32, n)
		if i := storage(kind).widen(got, raw); i >= 0 {
			t.Fatalf("%s: value %d is not finite", s.name, i)
		}
		if int64(len(raw)) != storage(kind).rowBytes(n) {
			t.Errorf("%s: %d bytes, rowBytes says %d", s.name, len(raw), storage(kind).rowBytes(n))
		}
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%s: value %d is %v, want %v", s.name, i, got[i], want[i])
			}
		}
	}
	for h := range 1 << 16 {
		data := le.AppendUint16(nil, uint16(h))
		var want [1]float32
		if err := (tensor.View{DType: tensor.F16, Shape: []int{1}, Data: data}).Float32s(want[:]); err != nil {
			t.Fatal(err)
		}
		if got := half(uint16(h)); got != want[0] && !(got != got && want[0] != want[0]) {
			t.Fatalf("half(%#04x) = %v, want %v", h, got, want[0])
		}
	}
}

// Quantized has the values that Tensor widens, in the same rows; with offsets, but
// for rounding.
func TestQuantizedIsLossless(t *testing.T) {
	seen := map[string]int{}
	for _, path := range []string{"testdata/llama.gguf", "testdata/qwen3.gguf"} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, name := range f.Names() {
			kind, _ := f.Stored(name)
			g, ok := f.Quantized(name)
			if want := kind == "Q4_0" || kind == "Q4_1" || kind == "Q8_0"; ok != want {
				t.Fatalf("%s %s: Quantized says %v", name, kind, ok)
			}
			if !ok {
				continue
			}
			seen[kind]++
			q, scale, offset, ok := f.Int4(name)
			if ok != (kind != "Q8_0") || ok && (!bytes.Equal(q, g.I4) || !slices.Equal(scale, g.Scale) || !slices.Equal(offset, g.Offset)) ||
				(offset != nil) != (kind == "Q4_1") {
				t.Errorf("%s %s: Int4 says %v, or has others", name, kind, ok)
			}
			v, _ := f.Tensor(name)
			x := v.Shared()
			for i := range x {
				scale := g.Scale[i/group]
				var got float32
				if g.I4 != nil {
					got = scale * float32(int(g.I4[i/2]>>(4*(i%2))&15)-8)
				} else {
					got = scale * float32(g.I8[i])
				}
				if g.Offset != nil {
					o := g.Offset[i/group]
					got += o
					if math.Abs(float64(got-x[i])) <= 1e-6*float64(8*max(scale, -scale)+max(o, -o)) {
						continue
					}
				}
				if math.Float32bits(got) != math.Float32bits(x[i]) {
					t.Fatalf("%s %s: value %d is %v, want %v", name, kind, i, got, x[i])
				}
			}
			if !slices.Equal(v.Shape, []int{g.N, g.K}) {
				t.Errorf("%s: %d x %d, want %v", name, g.N, g.K, v.Shape)
			}
		}
	}
	for _, kind := range []string{"Q4_0", "Q4_1", "Q8_0"} {
		if seen[kind] < 2 {
			t.Errorf("only %d tensors of %s", seen[kind], kind)
		}
	}
}

func TestTemplateAndSpecial(t *testing.T) {
	f, err := Open("testdata/llama.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s, err := f.ChatTemplate(""); err != nil || s != "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}" {
		t.Errorf("template %q, %v", s, err)
	}
	if s, err := f.ChatTemplate("tool_use"); err != nil || s != "" {
		t.Errorf("template %q, %v", s, err)
	}
	s, err := f.Special()
	if want := map[string]string{"bos_token": "<|start|>", "eos_token": "<|end|>", "pad_token": "<|pad|>"}; err != nil || !maps.Equal(s, want) {
		t.Errorf("special %v, %v", s, err)
	}
}

// A file without output.weight shares the embedding; lists of unknown names find nothing.
func TestLookups(t *testing.T) {
	f, err := parse("x", small().bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "weight", "token_embd.weight", "lm_head.weight", "model.layers.2.input_layernorm.weight", "model.layers.00.input_layernorm.weight", "rope_freqs.weight"} {
		if _, ok := f.Tensor(name); ok {
			t.Errorf("there is a tensor %q", name)
		}
		if _, ok := f.Stat(name); ok {
			t.Errorf("Stat finds %q", name)
		}
		if _, ok := f.Quantized(name); ok {
			t.Errorf("Quantized finds %q", name)
		}
	}
	if f.Err() != nil {
		t.Error(f.Err())
	}
}
