package gguf

import (
	"fmt"
	"strconv"
	"strings"
)

// A part is one of the tensors that the architectures have.
type part uint8

const (
	partEmbedding part = iota
	partNorm
	partHead
	partRopeFreqs // not a weight: it stands for rope_scaling
	partAttnNorm  // from here on one a layer
	partQ
	partK
	partV
	partO
	partQNorm
	partKNorm
	partMLPNorm
	partGate
	partUp
	partDown
	partQBias
	partKBias
	partVBias
	partOBias
	partGateBias
	partUpBias
	partDownBias
)

// parts has the names of each: in the file, and of Hugging Face. The layers' are
// without their prefix.
var parts = [...]struct{ file, name string }{
	partEmbedding: {"token_embd.weight", "model.embed_tokens.weight"},
	partNorm:      {"output_norm.weight", "model.norm.weight"},
	partHead:      {"output.weight", "lm_head.weight"},
	partRopeFreqs: {"rope_freqs.weight", ""},
	partAttnNorm:  {"attn_norm.weight", "input_layernorm.weight"},
	partQ:         {"attn_q.weight", "self_attn.q_proj.weight"},
	partK:         {"attn_k.weight", "self_attn.k_proj.weight"},
	partV:         {"attn_v.weight", "self_attn.v_proj.weight"},
	partO:         {"attn_output.weight", "self_attn.o_proj.weight"},
	partQNorm:     {"attn_q_norm.weight", "self_attn.q_norm.weight"},
	partKNorm:     {"attn_k_norm.weight", "self_attn.k_norm.weight"},
	partMLPNorm:   {"ffn_norm.weight", "post_attention_layernorm.weight"},
	partGate:      {"ffn_gate.weight", "mlp.gate_proj.weight"},
	partUp:        {"ffn_up.weight", "mlp.up_proj.weight"},
	partDown:      {"ffn_down.weight", "mlp.down_proj.weight"},
	partQBias:     {"attn_q.bias", "self_attn.q_proj.bias"},
	partKBias:     {"attn_k.bias", "self_attn.k_proj.bias"},
	partVBias:     {"attn_v.bias", "self_attn.v_proj.bias"},
	partOBias:     {"attn_output.bias", "self_attn.o_proj.bias"},
	partGateBias:  {"ffn_gate.bias", "mlp.gate_proj.bias"},
	partUpBias:    {"ffn_up.bias", "mlp.up_proj.bias"},
	partDownBias:  {"ffn_down.bias", "mlp.down_proj.bias"},
}

// parsePart finds the tensor that the file calls name.
func parsePart(name string) (p part, layer int, ok bool) {
	first, short := partEmbedding, name
	if rest, in := strings.CutPrefix(name, "blk."); in {
		number, rest, in := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if !in || err != nil || n < 0 || strconv.Itoa(n) != number {
			return 0, 0, false
		}
		first, short, layer = partAttnNorm, rest, n
	}
	for p := first; int(p) < len(parts); p++ {
		if parts[p].file == short && (p < partAttnNorm) == (first < partAttnNorm) {
			return p, layer, true
		}
	}
	return 0, 0, false
}

// A stored is a tensor of the file. It is small: names and shapes are made when
// they are asked for, so that a header of very many tensors takes no more memory
// than it has bytes.
type stored struct {
	part    part
	storage storage
	vector  bool // of k values; else n rows of k
	layer   int16
	n, k    int32
	at      int64 // where the data begins, in the file
}

// file is the tensor's name in the file.
func (t *stored) file() string {
	if t.part < partAttnNorm {
		return parts[t.part].file
	}
	return fmt.Sprintf("blk.%d.%s", t.layer, parts[t.part].file)
}

// name is the tensor's name of Hugging Face.
func (t *stored) name() string {
	if t.part < partAttnNorm {
		return parts[t.part].name
	}
	return fmt.Sprintf("model.layers.%d.%s", t.layer, parts[t.part].name)
}

func (t *stored) shape() []int {
	if t.vector {
		return []int{int(t.k)}
	}
	return []int{int(t.n), int(t.k)}
}

func (t *stored) bytes() int64 { return int64(t.n) * t.storage.rowBytes(int(t.k)) }

// want is the shape that the metadata gives a tensor; n is 0 for a vector. ok is
// false when the architecture has no such tensor.
func (h *hyper) want(p part) (n, k int, ok bool) {
	d, f, q, kv := h.hidden, h.intermediate, h.heads*h.headDim, h.kvHeads*h.headDim
	switch p {
	case partEmbedding, partHead:
		return h.vocab, d, true
	case partNorm, partAttnNorm, partMLPNorm, partOBias, partDownBias:
		return 0, d, true
	case partRopeFreqs:
		return 0, h.headDim / 2, true
	case partQ:
		return q, d, true
	case partK, partV:
		return kv, d, true
	case partO:
		return d, q, true
	case partQNorm, partKNorm:
		return 0, h.headDim, h.arch.qkNorm
	case partGate, partUp:
		return f, d, true
	case partDown:
		return d, f, true
	case partQBias:
		return 0, q, true
	case partKBias, partVBias:
		return 0, kv, true
	case partGateBias, partUpBias:
		return 0, f, true
	}
	return 0, 0, false
}

// source is the row of the file that row i of a tensor is. Llama files keep the
// rows of a head's queries and keys so that the two numbers that rotate together
// are neighbours; Hugging Face has them half a head apart.
func (h *hyper) source(p part, i int) int {
	if h.arch.interleaved && (p == partQ || p == partK || p == partQBias || p == partKBias) {
		head, j := i/h.headDim, i%h.headDim
		half := h.headDim / 2
		return head*h.headDim + j%half*2 + j/half
	}
	return i
}
