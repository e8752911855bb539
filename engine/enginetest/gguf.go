package enginetest

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"strings"

	"mom/tensor"
)

// ChatTemplate is the template of the file that WriteGGUF writes.
const ChatTemplate = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
	"{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

// WriteGGUF writes the decoder as a GGUF file: with q40 the matrices of its layers
// in Q4_0, else all tensors in F32.
func WriteGGUF(path string, q40 bool) error {
	var vocabulary struct {
		Model struct {
			Vocab  map[string]int
			Merges []string
		}
	}
	if err := json.Unmarshal(tokenizer(), &vocabulary); err != nil {
		return err
	}
	tokens, types := make([]string, vocab), make([]uint32, vocab)
	for token, id := range vocabulary.Model.Vocab {
		tokens[id], types[id] = token, 1
		if id >= Start && id <= TurnEnd {
			types[id] = 3 // control
		}
	}
	w := &ggufWriter{}
	w.text("general.architecture", "llama")
	for key, n := range map[string]uint32{
		"llama.block_count": 2, "llama.context_length": Positions, "llama.embedding_length": d, "llama.feed_forward_length": f,
		"llama.attention.head_count": heads, "llama.attention.head_count_kv": kvHeads, "tokenizer.ggml.eos_token_id": TurnEnd,
		"tokenizer.ggml.bos_token_id": Start,
	} {
		w.number(key, n)
	}
	w.float("llama.attention.layer_norm_rms_epsilon", 1e-5)
	w.float("llama.rope.freq_base", 10000)
	w.text("tokenizer.ggml.model", "gpt2")
	w.text("tokenizer.ggml.pre", "gpt-2")
	w.texts("tokenizer.ggml.tokens", tokens)
	w.texts("tokenizer.ggml.merges", vocabulary.Model.Merges)
	w.numbers("tokenizer.ggml.token_type", types)
	w.flag("tokenizer.ggml.add_bos_token", false)
	w.text("tokenizer.chat_template", ChatTemplate)
	for _, v := range tensors() {
		w.tensor(v, q40)
	}
	return os.WriteFile(path, w.file(), 0o644)
}

var le = binary.LittleEndian

// ggufWriter collects the parts of a file.
type ggufWriter struct {
	pairs, infos, data []byte
	nPairs, nTensors   uint64
}

func ggufText(b []byte, s string) []byte {
	return append(le.AppendUint64(b, uint64(len(s))), s...)
}

func (w *ggufWriter) pair(key string, kind uint32) {
	w.nPairs++
	w.pairs = le.AppendUint32(ggufText(w.pairs, key), kind)
}

func (w *ggufWriter) number(key string, n uint32) {
	w.pair(key, 4)
	w.pairs = le.AppendUint32(w.pairs, n)
}

func (w *ggufWriter) float(key string, x float32) {
	w.pair(key, 6)
	w.pairs = le.AppendUint32(w.pairs, math.Float32bits(x))
}

func (w *ggufWriter) flag(key string, on bool) {
	w.pair(key, 7)
	w.pairs = append(w.pairs, map[bool]byte{true: 1}[on])
}

func (w *ggufWriter) text(key, s string) { w.pair(key, 8); w.pairs = ggufText(w.pairs, s) }

func (w *ggufWriter) list(key string, kind uint32, n int) {
	w.pair(key, 9)
	w.pairs = le.AppendUint64(le.AppendUint32(w.pairs, kind), uint64(n))
}

func (w *ggufWriter) texts(key string, all []string) {
	w.list(key, 8, len(all))
	for _, s := range all {
		w.pairs = ggufText(w.pairs, s)
	}
}

func (w *ggufWriter) numbers(key string, all []uint32) {
	w.list(key, 5, len(all))
	for _, n := range all {
		w.pairs = le.AppendUint32(w.pairs, n)
	}
}

// tensor adds a tensor under llama.cpp's name and in its order of rows.
func (w *ggufWriter) tensor(v tensor.View, q40 bool) {
	name := strings.NewReplacer(
		"model.embed_tokens", "token_embd", "model.norm", "output_norm", "model.layers.", "blk.", "input_layernorm", "attn_norm",
		"post_attention_layernorm", "ffn_norm", "self_attn.q_proj", "attn_q", "self_attn.k_proj", "attn_k", "self_attn.v_proj", "attn_v",
		"self_attn.o_proj", "attn_output", "mlp.gate_proj", "ffn_gate", "mlp.up_proj", "ffn_up", "mlp.down_proj", "ffn_down",
	).Replace(v.Name)
	data := v.Data
	k := v.Shape[len(v.Shape)-1]
	if strings.Contains(name, "attn_q.") || strings.Contains(name, "attn_k.") {
		data = nil // the halves of a head take turns
		for row := range v.Shape[0] {
			head, i := row/e, row%e
			from := head*e + i%2*(e/2) + i/2
			data = append(data, v.Data[4*from*k:4*(from+1)*k]...)
		}
	}
	kind := uint32(0)
	if q40 && len(v.Shape) == 2 && strings.HasPrefix(name, "blk.") {
		kind, data = 2, packQ40(data)
	}
	w.nTensors++
	w.infos = le.AppendUint32(ggufText(w.infos, name), uint32(len(v.Shape)))
	for i := range v.Shape {
		w.infos = le.AppendUint64(w.infos, uint64(v.Shape[len(v.Shape)-1-i]))
	}
	w.infos = le.AppendUint64(le.AppendUint32(w.infos, kind), uint64(len(w.data)))
	w.data = append(w.data, data...)
	for len(w.data)%32 != 0 {
		w.data = append(w.data, 0)
	}
}

// packQ40 rounds float32 to blocks of 32 whose scale, of half precision, is a power of two.
func packQ40(x []byte) (out []byte) {
	for ; len(x) > 0; x = x[128:] {
		most := 0.0
		at := func(i int) float64 { return float64(math.Float32frombits(le.Uint32(x[4*i:]))) }
		for i := range 32 {
			most = max(most, math.Abs(at(i)))
		}
		_, exp := math.Frexp(most / 8) // scale 2^exp
		out = le.AppendUint16(out, uint16(exp+15)<<10)
		q := func(i int) byte {
			return byte(8 + max(-8, min(7, math.RoundToEven(math.Ldexp(at(i), -exp)))))
		}
		for i := range 16 {
			out = append(out, q(i)|q(i+16)<<4)
		}
	}
	return out
}

func (w *ggufWriter) file() []byte {
	b := append([]byte("GGUF"), 3, 0, 0, 0)
	b = le.AppendUint64(le.AppendUint64(b, w.nTensors), w.nPairs)
	b = append(append(b, w.pairs...), w.infos...)
	for len(b)%32 != 0 {
		b = append(b, 0)
	}
	return append(b, w.data...)
}
