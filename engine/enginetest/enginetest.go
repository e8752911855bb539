// Package enginetest writes a small random decoder for tests: a folder as Hugging
// Face saves a Llama of two layers, with a byte-level tokenizer that has the
// markers of ChatML. What it says has no meaning, but is always the same.
package enginetest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"mom/safetensors"
	"mom/tensor"
)

const (
	vocab = 384
	// Start, TurnStart and TurnEnd are the special tokens.
	Start, TurnStart, TurnEnd = 256, 257, 258
	// Positions is how many tokens the model takes.
	Positions = 1024
)

// The shape: width, width of the feed-forward block, heads and their width.
const d, f, heads, kvHeads, e = 64, 96, 4, 2, 16

// Decoder writes the folder name into a temporary one and returns its path.
func Decoder(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := WriteDecoder(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// WriteDecoder makes the folder dir.
func WriteDecoder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	config := fmt.Sprintf(`{"architectures":["LlamaForCausalLM"],"vocab_size":%d,"hidden_size":%d,"intermediate_size":%d,"num_hidden_layers":2,
		"num_attention_heads":%d,"num_key_value_heads":%d,"hidden_act":"silu","max_position_embeddings":%d,"rms_norm_eps":1e-5,"rope_theta":10000,
		"tie_word_embeddings":true,"eos_token_id":%d}`, vocab, d, f, heads, kvHeads, Positions, TurnEnd)
	if err := safetensors.WriteFile(filepath.Join(dir, "model.safetensors"), tensors(), nil); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "tokenizer.json"), tokenizer(), 0o644)
}

// tensors are the decoder's.
func tensors() []tensor.View {
	all := []tensor.View{random("model.embed_tokens.weight", 0.6, vocab, d), random("model.norm.weight", 1, d)}
	for i := range 2 {
		at := fmt.Sprintf("model.layers.%d.", i)
		all = append(all,
			random(at+"input_layernorm.weight", 1, d),
			random(at+"post_attention_layernorm.weight", 1, d),
			random(at+"self_attn.q_proj.weight", 0.2, heads*e, d),
			random(at+"self_attn.k_proj.weight", 0.2, kvHeads*e, d),
			random(at+"self_attn.v_proj.weight", 0.2, kvHeads*e, d),
			random(at+"self_attn.o_proj.weight", 0.2, d, heads*e),
			random(at+"mlp.gate_proj.weight", 0.2, f, d),
			random(at+"mlp.up_proj.weight", 0.2, f, d),
			random(at+"mlp.down_proj.weight", 0.2, d, f))
	}
	return all
}

// WriteAdapted makes the folder dir beside that of a decoder called base: its last
// layer alone, under an adapter, without weights of its own.
func WriteAdapted(dir, base string) error {
	if err := WriteDecoder(dir); err != nil {
		return err
	}
	for _, name := range []string{"model.safetensors", "tokenizer.json"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	path := filepath.Join(dir, "config.json")
	config, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	config = append([]byte(`{"mom_layers":[1],`), config[1:]...)
	const at = "base_model.model.model.layers.1."
	adapter := []tensor.View{
		random(at+"self_attn.q_proj.lora_A.weight", 0.3, 4, d), random(at+"self_attn.q_proj.lora_B.weight", 0.3, d, 4),
		random(at+"mlp.down_proj.lora_A.weight", 0.3, 4, f), random(at+"mlp.down_proj.lora_B.weight", 0.3, d, 4),
	}
	if err := safetensors.WriteFile(filepath.Join(dir, "adapter_model.safetensors"), adapter, nil); err != nil {
		return err
	}
	peft := fmt.Sprintf(`{"peft_type":"LORA","r":4,"lora_alpha":8,"base_model_name_or_path":%q,"target_modules":["q_proj","down_proj"]}`, "somewhere/"+base)
	if err := os.WriteFile(filepath.Join(dir, "adapter_config.json"), []byte(peft), 0o644); err != nil {
		return err
	}
	return os.WriteFile(path, config, 0o644)
}

// Write puts a file into a folder.
func Write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// random is a tensor of normal numbers; a vector's are about 1.
func random(name string, size float64, shape ...int) tensor.View {
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
	return v
}

// tokenizer is byte-level: 0 to 255 are bytes, then the special tokens, some
// merges, and pairs that no merge makes but that a decoder may choose.
func tokenizer() []byte {
	words := map[string]int{}
	var alphabet []string
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE) {
			r, next = next, next+1
		}
		alphabet = append(alphabet, string(r))
		words[string(r)] = b
	}
	var added []any
	for i, content := range []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"} {
		words[content] = Start + i
		added = append(added, map[string]any{"id": Start + i, "content": content, "special": true,
			"single_word": false, "lstrip": false, "rstrip": false, "normalized": false})
	}
	var merges []string
	id := TurnEnd + 1
	for _, pair := range [][2]string{{"t", "h"}, {"th", "e"}, {"a", "n"}, {"an", "d"}, {"Ġ", "t"}, {"i", "n"}, {"e", "r"}, {"o", "n"}, {"l", "a"}, {"la", "w"}} {
		merges = append(merges, pair[0]+" "+pair[1])
		words[pair[0]+pair[1]] = id
		id++
	}
	for ; id < vocab; id++ {
		words[alphabet['a'+id%26]+alphabet['0'+id/26%10]] = id
	}
	text, err := json.Marshal(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil, "post_processor": nil,
		"added_tokens":  added,
		"pre_tokenizer": map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
		"decoder":       map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model": map[string]any{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": words, "merges": merges},
	})
	if err != nil {
		panic("BUG: enginetest: " + err.Error())
	}
	return text
}
