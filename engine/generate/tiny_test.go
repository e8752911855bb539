package generate

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
	"mom/tokenizer"
)

// tensors is a models.Source in memory.
type tensors map[string]tensor.View

func (s tensors) Names() (names []string) {
	for n := range s {
		names = append(names, n)
	}
	return names
}
func (s tensors) Stat(name string) (tensor.View, bool)   { v, ok := s[name]; return v, ok }
func (s tensors) Tensor(name string) (tensor.View, bool) { v, ok := s[name]; return v, ok }

func (s tensors) add(name string, size float64, shape ...int) {
	h := fnv.New64()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	v := tensor.View{Name: name, DType: tensor.F32, Shape: shape}
	for range v.Len() {
		x := rng.NormFloat64() * size
		if len(shape) == 1 {
			x = 1 + x*0.1
		}
		v.Data = binary.LittleEndian.AppendUint32(v.Data, math.Float32bits(float32(x)))
	}
	s[name] = v
}

const (
	tinyVocab = 384
	tinyEnd   = 257
)

// tinyDecoder is a random Llama of two layers.
func tinyDecoder(t testing.TB, p nn.Precision) models.Decoder {
	t.Helper()
	const d, f, heads, kvHeads, e = 64, 96, 4, 2, 16
	config := fmt.Sprintf(`{"architectures":["LlamaForCausalLM"],"vocab_size":%d,"hidden_size":%d,"intermediate_size":%d,"num_hidden_layers":2,
		"num_attention_heads":%d,"num_key_value_heads":%d,"hidden_act":"silu","max_position_embeddings":600,"rms_norm_eps":1e-5,"rope_theta":10000,
		"tie_word_embeddings":true}`, tinyVocab, d, f, heads, kvHeads)
	src := tensors{}
	src.add("model.embed_tokens.weight", 0.6, tinyVocab, d)
	src.add("model.norm.weight", 1, d)
	for i := range 2 {
		at := fmt.Sprintf("model.layers.%d.", i)
		src.add(at+"input_layernorm.weight", 1, d)
		src.add(at+"post_attention_layernorm.weight", 1, d)
		src.add(at+"self_attn.q_proj.weight", 0.2, heads*e, d)
		src.add(at+"self_attn.k_proj.weight", 0.2, kvHeads*e, d)
		src.add(at+"self_attn.v_proj.weight", 0.2, kvHeads*e, d)
		src.add(at+"self_attn.o_proj.weight", 0.2, d, heads*e)
		src.add(at+"mlp.gate_proj.weight", 0.2, f, d)
		src.add(at+"mlp.up_proj.weight", 0.2, f, d)
		src.add(at+"mlp.down_proj.weight", 0.2, d, f)
	}
	dec, err := models.OpenDecoder([]byte(config), src, models.Options{Precision: p})
	if err != nil {
		t.Fatal(err)
	}
	return dec
}

// tinyAdapter is a random LoRA of the tiny decoder.
func tinyAdapter(t testing.TB, d models.Decoder, name string) *models.Adapter {
	t.Helper()
	src := tensors{}
	for i := range 2 {
		at := fmt.Sprintf("base_model.model.model.layers.%d.self_attn.q_proj.", i)
		src[at+"lora_A.weight"] = named(name+"A"+at, 0.3, 4, 64)
		src[at+"lora_B.weight"] = named(name+"B"+at, 0.3, 64, 4)
	}
	l, err := models.ParseLoRA([]byte(`{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj"]}`), src)
	if err != nil {
		t.Fatal(err)
	}
	a, err := models.OpenAdapter(d, l)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func named(name string, size float64, shape ...int) tensor.View {
	s := tensors{}
	s.add(name, size, shape...)
	return s[name]
}

// tinyTokenizer is byte-level, with a few merges: 0 to 255 are bytes, 256 and 257
// the ends of texts, the rest pieces of words.
func tinyTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	vocab := map[string]int{}
	var alphabet []string
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE) {
			r, next = next, next+1
		}
		alphabet = append(alphabet, string(r))
		vocab[string(r)] = b
	}
	var merges []string
	id := 258
	for _, pair := range [][2]string{{"t", "h"}, {"th", "e"}, {"a", "n"}, {"an", "d"}, {"Ġ", "t"}, {"i", "n"}, {"e", "r"}, {"o", "n"}, {"l", "a"}, {"la", "w"}} {
		merges = append(merges, pair[0]+" "+pair[1])
		vocab[pair[0]+pair[1]] = id
		id++
	}
	for ; id < tinyVocab; id++ { // pairs that no merge makes, but that a decoder may choose
		vocab[alphabet['a'+id%26]+alphabet['0'+id/26%10]] = id
	}
	text, err := json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil, "post_processor": nil,
		"added_tokens": []any{
			map[string]any{"id": 256, "content": "<|start|>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
			map[string]any{"id": 257, "content": "<|end|>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
		},
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
		"decoder":       map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model": map[string]any{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": merges},
	})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Parse("tiny", text)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// tiny is an open tiny model.
func tiny(t testing.TB, p nn.Precision, o Options) *Model {
	t.Helper()
	m := newModel(tinyDecoder(t, p), tinyTokenizer(t), []int32{tinyEnd}, kv.F32, o)
	t.Cleanup(m.Close)
	return m
}

func encode(t testing.TB, m *Model, text string) []int32 {
	t.Helper()
	var e tokenizer.Encoding
	if err := m.Tokenizer.Encode(&e, text); err != nil {
		t.Fatal(err)
	}
	return append([]int32(nil), e.IDs...)
}

// bytesOf is the pool's bound for so many tokens of the tiny model.
func bytesOf(tokens int) int {
	o := kv.Options{Layers: 2, KVHeads: 2, HeadDim: 16}
	return (tokens + pageTokens - 1) / pageTokens * o.PageBytes()
}
