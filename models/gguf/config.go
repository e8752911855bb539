package gguf

import (
	"encoding/json"
	"fmt"
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

// parseRope reads how positions rotate.
func (f *File) parseRope(prefix string) error {
	h := &f.hyper
	h.theta, h.factor, h.attnFactor = 10000, 1, 1
	for _, n := range []struct {
		to     *float32
		key    string
		lo, hi float32
	}{
		{&h.theta, "rope.freq_base", 1, 1e12},
		{&h.factor, "rope.scaling.factor", 0, 1e6},
		{&h.attnFactor, "rope.scaling.attn_factor", 0, 1e6},
		{&h.betaFast, "rope.scaling.yarn_beta_fast", 0, 1e6},
		{&h.betaSlow, "rope.scaling.yarn_beta_slow", 0, 1e6},
	} {
		if !f.has(prefix + n.key) {
			continue
		}
		var err error
		if *n.to, err = f.float(prefix+n.key, n.lo, n.hi); err != nil {
			return err
		}
	}
	key := prefix + "rope.scaling.type"
	kind, err := f.text(key)
	if err != nil {
		return err
	}
	if old := prefix + "rope.scale_linear"; f.has(old) { // of files before rope.scaling
		if kind != "" {
			return f.failKey(old, "beside %s", key)
		}
		if h.factor, err = f.float(old, 0, 1e6); err != nil {
			return err
		}
		kind, key = "linear", old
	}
	switch kind {
	case "", "none":
		if f.has(prefix + "rope.scaling.factor") {
			return f.failKey(prefix+"rope.scaling.factor", "without %s", key)
		}
		return nil
	case "linear", "yarn":
		if h.factor == 0 { // how llama.cpp writes that there is none
			h.factor = 1
		}
		if h.factor < 1 {
			return f.failKey(key, "%s with a factor of %v; want at least 1", kind, h.factor)
		}
		if h.factor > 1 {
			h.scaling = kind
		}
	default:
		return f.failKey(key, "%s is not supported; supported are none, linear, yarn", clip(kind))
	}
	if h.scaling == "yarn" && h.original == 0 {
		return f.failKey(prefix+"rope.scaling.original_context_length", "is missing, but yarn needs it")
	}
	if h.attnFactor != 1 {
		return f.failKey(prefix+"rope.scaling.attn_factor", "%v is not supported; 1 is", h.attnFactor)
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
		EOS           *int           `json:"eos_token_id,omitempty"`
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
	for _, id := range []struct {
		to  **int
		key string
	}{{&c.BOS, keyBOS}, {&c.EOS, keyEOS}, {&c.Pad, keyPad}} {
		if !f.has(id.key) {
			continue
		}
		n, err := f.whole(id.key, 0, int64(h.vocab)-1)
		if err != nil {
			return nil, err
		}
		*id.to = &n
	}
	return json.MarshalIndent(c, "", "  ")
}

func (f *File) hasPart(p part) bool {
	return slices.ContainsFunc(f.tensors, func(t stored) bool { return t.part == p })
}

// ropeScaling is the rope_scaling of config.json; nil for none.
func (f *File) ropeScaling() (map[string]any, error) {
	h := &f.hyper
	i := slices.IndexFunc(f.tensors, func(t stored) bool { return t.part == partRopeFreqs })
	if i >= 0 {
		factors, err := f.read(&f.tensors[i])
		if err != nil {
			return nil, err
		}
		l, err := h.llama3(factors)
		if err != nil {
			return nil, f.failTensor(f.tensors[i].file(), "%v", err)
		}
		if l != nil && h.scaling != "" {
			return nil, f.failTensor(f.tensors[i].file(), "beside the rope scaling %s", h.scaling)
		}
		if l != nil {
			return l, nil
		}
	}
	switch h.scaling {
	case "linear":
		return map[string]any{"rope_type": "linear", "factor": h.factor}, nil
	case "yarn":
		s := map[string]any{"rope_type": "yarn", "factor": h.factor, "original_max_position_embeddings": h.original}
		if h.betaFast != 0 {
			s["beta_fast"] = h.betaFast
		}
		if h.betaSlow != 0 {
			s["beta_slow"] = h.betaSlow
		}
		return s, nil
	}
	return nil, nil
}

// llama3 finds the parameters of Llama 3's rope scaling that the factors of the
// frequencies were made with; nil when they are all 1. With λ the wavelength of a
// frequency, c the original context, and l and h the low and high factors, its
// factor is 1 below c/h, the factor above c/l, and between them
//
//	1 / ((1-s)/factor + s)    s = (c/λ - l)/(h - l)
//
// so that s is a straight line in 1/λ. Only c/l and c/h can be told from it: l is
// taken to be 1, as it is in every Llama. The result is checked by making the
// factors again.
func (h *hyper) llama3(factors []float32) (map[string]any, error) {
	n := len(factors)
	factor := float64(factors[n-1])
	if i := slices.IndexFunc(factors, func(x float32) bool { return x != 1 }); i < 0 {
		return nil, nil
	}
	rate := func(i int) float64 { // 1/λ
		return math.Pow(float64(h.theta), -2*float64(i)/float64(2*n)) / (2 * math.Pi)
	}
	var points []int // where the line is seen
	for i, x := range factors {
		if float64(x) > 1 && float64(x) < factor {
			points = append(points, i)
		}
	}
	errNot := fmt.Errorf("these are no factors of Llama 3's scaling, which alone is supported")
	if !(factor > 1) || len(points) < 2 {
		return nil, errNot
	}
	smooth := func(i int) float64 { return (1/float64(factors[i]) - 1/factor) / (1 - 1/factor) }
	a, b := points[0], points[len(points)-1]
	slope := (smooth(a) - smooth(b)) / (rate(a) - rate(b)) // c/(h-l)
	begin := slope*rate(a) - smooth(a)                     // l/(h-l)
	if !(slope > 0) || !(begin > 0) || slope > 1e9 || begin > 1e6 {
		return nil, errNot
	}
	context, high := math.Round(slope/begin), 1+1/begin
	if r := math.Round(high*100) / 100; math.Abs(high-r) < 1e-3 {
		high = r
	}
	if !(context >= 1 && high > 1) {
		return nil, errNot
	}
	for i, x := range factors {
		want := 1.0
		switch s := (context*rate(i) - 1) / (high - 1); {
		case s < 0:
			want = factor
		case s < 1:
			want = 1 / ((1-s)/factor + s)
		}
		if math.Abs(float64(x)-want) > 1e-4*want {
			return nil, errNot
		}
	}
	return map[string]any{
		"rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0, "high_freq_factor": high,
		"original_max_position_embeddings": int(context),
	}, nil
}
