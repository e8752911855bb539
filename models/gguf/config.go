package gguf

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
)

const (
	keyArchitecture = "general.architecture"
	keyAlignment    = "general.alignment"
	keyQuantization = "general.quantization_version"
)

// An architecture says how a name of general.architecture is read.
type architecture struct {
	name, class string // llama, LlamaForCausalLM
	qkNorm      bool   // a norm of each head's queries and keys
	interleaved bool   // rows of queries and keys are in the order of llama.cpp
}

var architectures = []architecture{
	{name: "llama", class: "LlamaForCausalLM", interleaved: true},
	{name: "qwen3", class: "Qwen3ForCausalLM", qkNorm: true},
}

// hyper is what the metadata says of the model's shape.
type hyper struct {
	arch                                   *architecture
	vocab, hidden, intermediate, layers    int
	heads, kvHeads, headDim, context       int
	theta, eps                             float32
	scaling                                string // "", linear or yarn
	factor, betaFast, betaSlow, attnFactor float32
	original                               int
}

// hyperKeys are the keys below the architecture's name that are known. Any other
// would change the model in a way that is not known here.
var hyperKeys = []string{
	"vocab_size", "context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count",
	"attention.head_count_kv", "attention.key_length", "attention.value_length", "attention.layer_norm_rms_epsilon",
	"attention.causal", "rope.dimension_count", "rope.freq_base", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.attn_factor",
	"rope.scaling.original_context_length", "rope.scaling.finetuned", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
	"rope.scale_linear", "tensor_data_layout", "expert_count", "expert_used_count", "use_parallel_residual",
}

// parseHyper reads and checks the metadata but for the vocabulary.
func (f *File) parseHyper() error {
	name, err := f.text(keyArchitecture)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(architectures, func(a architecture) bool { return a.name == name })
	switch {
	case name == "":
		return f.failKey(keyArchitecture, "is missing")
	case i < 0:
		var have []string
		for _, a := range architectures {
			have = append(have, a.name)
		}
		return f.failKey(keyArchitecture, "%s is not supported; supported are %s", clip(name), strings.Join(have, ", "))
	}
	h := &f.hyper
	h.arch = &architectures[i]
	if err := f.checkGeneral(); err != nil {
		return err
	}
	prefix := name + "."
	var unknown []string
	for key := range f.meta {
		if short, ok := strings.CutPrefix(key, prefix); ok && !slices.Contains(hyperKeys, short) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		return f.failKey(slices.Min(unknown), "is a key that is not known for this architecture")
	}
	// The limits are those of package models.
	for _, n := range []struct {
		to        *int
		key       string
		lo, hi    int64
		otherwise int // when absent; 0 for none
	}{
		{&h.hidden, "embedding_length", 1, 1 << 15, 0},
		{&h.intermediate, "feed_forward_length", 1, 1 << 17, 0},
		{&h.layers, "block_count", 1, 512, 0},
		{&h.heads, "attention.head_count", 1, 1 << 15, 0},
		{&h.kvHeads, "attention.head_count_kv", 1, 1 << 15, -1},
		{&h.headDim, "attention.key_length", 2, 1 << 12, -1},
		{&h.context, "context_length", 1, math.MaxInt32, 0},
		{&h.original, "rope.scaling.original_context_length", 1, math.MaxInt32, -1},
	} {
		if n.otherwise != 0 && !f.has(prefix+n.key) {
			*n.to = 0
			continue
		}
		if *n.to, err = f.whole(prefix+n.key, n.lo, n.hi); err != nil {
			return err
		}
	}
	if h.kvHeads == 0 {
		h.kvHeads = h.heads
	}
	if h.headDim == 0 {
		if h.hidden%h.heads != 0 {
			return f.failKey(prefix+"attention.head_count", "%d heads do not divide %sembedding_length, %d", h.heads, prefix, h.hidden)
		}
		h.headDim = h.hidden / h.heads
	}
	switch {
	case h.heads%h.kvHeads != 0:
		return f.failKey(prefix+"attention.head_count_kv", "%d does not divide the %d heads", h.kvHeads, h.heads)
	case h.headDim%2 != 0:
		return f.failKey(prefix+"attention.head_count", "heads of %d values cannot rotate in pairs", h.headDim)
	case h.heads*h.headDim > 1<<17:
		return f.failKey(prefix+"attention.head_count", "%d heads of %d values are more than %d", h.heads, h.headDim, 1<<17)
	}
	if h.eps, err = f.float(prefix+"attention.layer_norm_rms_epsilon", 1e-12, 1); err != nil {
		return err
	}
	if err := f.parseRope(prefix); err != nil {
		return err
	}
	if err := f.checkFixed(prefix); err != nil {
		return err
	}
	return f.parseVocab(prefix)
}

// checkGeneral refuses files that are part of a model or of another kind.
func (f *File) checkGeneral() error {
	if kind, err := f.text("general.type"); err != nil {
		return err
	} else if kind != "" && kind != "model" {
		return f.failKey("general.type", "%s is not supported; model is", clip(kind))
	}
	if f.has("split.count") {
		n, err := f.whole("split.count", 0, math.MaxUint16)
		if err != nil {
			return err
		}
		if n > 1 {
			return f.failKey("split.count", "the model is split over %d files; join them first", n)
		}
	}
	if f.has(keyQuantization) {
		if _, err := f.whole(keyQuantization, 2, 2); err != nil {
			return err
		}
	}
	return nil
}

// checkFixed checks the keys that may have one value only.
func (f *File) checkFixed(prefix string) error {
	h := &f.hyper
	for _, k := range []struct {
		key  string
		want int
	}{
		{"attention.value_length", h.headDim}, {"rope.dimension_count", h.headDim}, {"expert_count", 0}, {"expert_used_count", 0},
	} {
		if !f.has(prefix + k.key) {
			continue
		}
		n, err := f.whole(prefix+k.key, 0, math.MaxInt32)
		if err != nil {
			return err
		}
		if n != k.want {
			return f.failKey(prefix+k.key, "%d is not supported; %d is", n, k.want)
		}
	}
	for _, k := range []struct {
		key  string
		want bool
	}{{"attention.causal", true}, {"use_parallel_residual", false}} {
		v, err := f.flag(prefix+k.key, k.want)
		if err != nil {
			return err
		}
		if v != k.want {
			return f.failKey(prefix+k.key, "%v is not supported", v)
		}
	}
	return nil
}

// Architecture is the name of general.architecture.
func (f *File) Architecture() string { return f.hyper.arch.name }

// Config is a config.json made of the metadata, for models.OpenDecoder.
func (f *File) Config() ([]byte, error) {
	h := &f.hyper
	c := struct {
		Architectures []string       `json:"architectures"`
		ModelType     string         `json:"model_type"`
		Vocab         int            `json:"vocab_size"`
		Hidden        int            `json:"hidden_size"`
		Intermediate  int            `json:"intermediate_size"`
		Layers        int            `json:"num_hidden_layers"`
		Heads         int            `json:"num_attention_heads"`
		KVHeads       int            `json:"num_key_value_heads"`
		HeadDim       int            `json:"head_dim"`
		Activation    string         `json:"hidden_act"`
		MaxPositions  int            `json:"max_position_embeddings"`
		Eps           float32        `json:"rms_norm_eps"`
		Theta         float32        `json:"rope_theta"`
		Scaling       map[string]any `json:"rope_scaling"`
		AttentionBias bool           `json:"attention_bias"`
		MLPBias       bool           `json:"mlp_bias"`
		Tied          bool           `json:"tie_word_embeddings"`
		BOS           *int           `json:"bos_token_id,omitempty"`
		EOS           any            `json:"eos_token_id,omitempty"` // a number, or a list
		Pad           *int           `json:"pad_token_id,omitempty"`
	}{
		Architectures: []string{h.arch.class}, ModelType: h.arch.name, Vocab: h.vocab, Hidden: h.hidden, Intermediate: h.intermediate,
		Layers: h.layers, Heads: h.heads, KVHeads: h.kvHeads, HeadDim: h.headDim, Activation: "silu", MaxPositions: h.context,
		Eps: h.eps, Theta: h.theta, AttentionBias: f.hasPart(partQBias), MLPBias: f.hasPart(partUpBias), Tied: !f.hasPart(partHead),
	}
	var err error
	if c.Scaling, err = f.ropeScaling(); err != nil {
		return nil, err
	}
	var ends []int
	for _, key := range []string{keyBOS, keyPad, keyEOS, keyEOT, keyEOM} {
		if !f.has(key) {
			continue
		}
		n, err := f.whole(key, 0, int64(h.vocab)-1)
		switch {
		case err != nil:
			return nil, err
		case key == keyBOS:
			c.BOS = &n
		case key == keyPad:
			c.Pad = &n
		case !slices.Contains(ends, n):
			ends = append(ends, n) // the ends of a text, of a turn and of a message
		}
	}
	if len(ends) == 1 {
		c.EOS = ends[0]
	} else if len(ends) > 1 {
		c.EOS = ends
	}
	return json.MarshalIndent(c, "", "  ")
}

func (f *File) hasPart(p part) bool {
	return slices.ContainsFunc(f.tensors, func(t stored) bool { return t.part == p })
}
