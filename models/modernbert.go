// This file is ModernBERT (Warner et al. 2024, arXiv:2412.13663), an encoder
// with rotary positions and a gated feed-forward block. One layer in every
// global_attn_every_n_layers attends to the whole sequence, the others to a
// window. Names of dimensions:
//
//	t  tokens in the batch      d  hidden_size         v  vocab_size
//	n  sequences in the batch   f  intermediate_size   h  heads, of d/h each

package models

import (
	"fmt"
	"math"

	"mom/kernels/attn"
	"mom/kernels/gemm"
	"mom/models/nn"
	"mom/tensor"
)

type modernBERTConfig struct {
	Vocab           int     `json:"vocab_size"`
	Hidden          int     `json:"hidden_size"`
	Intermediate    int     `json:"intermediate_size"`
	Layers          int     `json:"num_hidden_layers"`
	Heads           int     `json:"num_attention_heads"`
	Activation      string  `json:"hidden_activation"`
	MaxPositions    int     `json:"max_position_embeddings"`
	NormEps         float64 `json:"norm_eps"`
	NormBias        bool    `json:"norm_bias"`
	AttentionBias   bool    `json:"attention_bias"`
	MLPBias         bool    `json:"mlp_bias"`
	DecoderBias     bool    `json:"decoder_bias"`
	TieEmbeddings   *bool   `json:"tie_word_embeddings"`
	GlobalEvery     int     `json:"global_attn_every_n_layers"`
	Window          int     `json:"local_attention"` // whole width, both sides
	ClassifierPool  string  `json:"classifier_pooling"`
	ClassifierBias  bool    `json:"classifier_bias"`
	ClassifierAct   string  `json:"classifier_activation"`
	GlobalRopeTheta float64 `json:"global_rope_theta"`
	LocalRopeTheta  float64 `json:"local_rope_theta"` // 0 or null: the global one

	LayerTypes     []string       `json:"layer_types"`
	RopeParameters ropeParameters `json:"rope_parameters"`
	RopeScaling    *ropeScaling   `json:"rope_scaling"`
}

// modernBERTDefaults are the values of keys that a config leaves out.
func modernBERTDefaults() modernBERTConfig {
	return modernBERTConfig{
		Vocab: 50368, Hidden: 768, Intermediate: 1152, Layers: 22, Heads: 12,
		Activation: "gelu", MaxPositions: 8192, NormEps: 1e-5, DecoderBias: true,
		GlobalEvery: 3, Window: 128, ClassifierPool: "cls", ClassifierAct: "gelu",
		GlobalRopeTheta: 160000, LocalRopeTheta: 10000,
	}
}

type modernBERT struct {
	modernBERTConfig
	act    gemm.Act
	tokens nn.Embedding // [v d]
	norm   nn.Norm
	layers []modernBERTLayer
	final  nn.Norm
}

type modernBERTLayer struct {
	attnNorm *nn.Norm   // nil in layer 0, whose input is already normalised
	qkv      nn.Linear  // d -> 3d
	out      nn.Linear  // d -> d
	mlpNorm  nn.Norm    //
	up       nn.Linear  // d -> f, gated
	down     nn.Linear  // f -> d
	rotary   *nn.Rotary // of the layer's kind
	reach    int        // a token attends to those at most this far away; < 0 all
}

func openModernBERT(c *Config, w *Weights, heads headKind) (*Model, error) {
	m := &modernBERT{modernBERTConfig: modernBERTDefaults()}
	if err := c.decode(&m.modernBERTConfig); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	global, local, err := m.rotaries()
	if err != nil {
		return nil, err
	}
	d, f := m.Hidden, m.Intermediate
	enc := w
	if heads != noHead || w.Has("model.embeddings.tok_embeddings.weight") {
		enc = w.At("model")
	}
	m.tokens = enc.Embedding("embeddings.tok_embeddings", m.Vocab, d)
	m.norm = enc.Norm("embeddings.norm", d, m.NormBias, m.NormEps)
	for i := range m.Layers {
		w := enc.At("layers.%d", i)
		layer := modernBERTLayer{rotary: global, reach: -1}
		if m.local(i) {
			layer.rotary, layer.reach = local, m.Window/2
		}
		if i > 0 {
			norm := w.Norm("attn_norm", d, m.NormBias, m.NormEps)
			layer.attnNorm = &norm
		}
		layer.qkv = w.Linear("attn.Wqkv", d, 3*d, m.AttentionBias)
		layer.out = w.Linear("attn.Wo", d, d, m.AttentionBias)
		layer.mlpNorm = w.Norm("mlp_norm", d, m.NormBias, m.NormEps)
		layer.up = w.Gated("mlp.Wi", d, f, m.MLPBias, m.act)
		layer.down = w.Linear("mlp.Wo", f, d, m.MLPBias)
		m.layers = append(m.layers, layer)
	}
	m.final = enc.Norm("final_norm", d, m.NormBias, m.NormEps)
	model := &Model{Trunk: m}
	if err := m.heads(model, c, w, enc, heads); err != nil {
		return nil, err
	}
	return model, w.Err()
}

func (m *modernBERT) check() error {
	if err := checkBounds(
		bound{"vocab_size", m.Vocab, 1, maxVocab},
		bound{"hidden_size", m.Hidden, 2, maxHidden},
		bound{"intermediate_size", m.Intermediate, 1, maxIntermediate},
		bound{"num_hidden_layers", m.Layers, 1, maxLayers},
		bound{"num_attention_heads", m.Heads, 1, m.Hidden},
		bound{"max_position_embeddings", m.MaxPositions, 1, maxPositions},
		bound{"global_attn_every_n_layers", m.GlobalEvery, 1, maxLayers},
		bound{"local_attention", m.Window, 0, 2 * maxPositions},
	); err != nil {
		return err
	}
	if m.Hidden%m.Heads != 0 || m.Hidden/m.Heads%2 != 0 {
		return fmt.Errorf("hidden_size %d does not split into %d heads of even width", m.Hidden, m.Heads)
	}
	if !(m.NormEps > 0 && m.NormEps < 1) {
		return fmt.Errorf("norm_eps: %v is outside 0 to 1", m.NormEps)
	}
	if len(m.LayerTypes) != 0 && len(m.LayerTypes) != m.Layers {
		return fmt.Errorf("layer_types has %d entries for %d layers", len(m.LayerTypes), m.Layers)
	}
	for i, t := range m.LayerTypes {
		if t != "full_attention" && t != "sliding_attention" {
			return fmt.Errorf("layer_types[%d]: %q is not full_attention or sliding_attention", i, t)
		}
	}
	var ok bool
	if m.act, ok = nn.ParseAct(m.Activation); !ok {
		return fmt.Errorf("hidden_activation: %q is not supported", m.Activation)
	}
	if m.ClassifierPool != "cls" && m.ClassifierPool != "mean" {
		return fmt.Errorf("classifier_pooling: %q is not cls or mean", m.ClassifierPool)
	}
	return nil
}

func (m *modernBERT) local(layer int) bool {
	if len(m.LayerTypes) > 0 {
		return m.LayerTypes[layer] == "sliding_attention"
	}
	return layer%m.GlobalEvery != 0
}

// rotaries makes the tables of global and local layers. The settings come as
// global_rope_theta, local_rope_theta and rope_scaling, or as rope_parameters
// with an entry a layer type; the latter wins, as in transformers.
func (m *modernBERT) rotaries() (global, local *nn.Rotary, err error) {
	g := ropeParameter{Theta: m.GlobalRopeTheta}
	l := ropeParameter{Theta: m.LocalRopeTheta}
	if l.Theta == 0 {
		l.Theta = g.Theta
	}
	if m.RopeScaling != nil {
		g.ropeScaling, l.ropeScaling = *m.RopeScaling, *m.RopeScaling
	}
	if err := m.RopeParameters.apply(&g, &l); err != nil {
		return nil, nil, err
	}
	if global, err = g.rotary(m.Hidden/m.Heads, m.MaxPositions); err != nil {
		return nil, nil, err
	}
	if l == g {
		return global, global, nil
	}
	local, err = l.rotary(m.Hidden/m.Heads, m.MaxPositions)
	return global, local, err
}

// heads adds the head of the architecture: pool -> dense -> activation -> norm
// -> classifier, on the pooled row or on every token.
func (m *modernBERT) heads(model *Model, c *Config, w, enc *Weights, kind headKind) error {
	if kind == noHead {
		return nil
	}
	d := m.Hidden
	act, ok := nn.ParseAct(m.ClassifierAct)
	if !ok {
		return fmt.Errorf("classifier_activation: %q is not supported", m.ClassifierAct)
	}
	head := &Head{Task: kind.task(), Pooling: CLS, Temperature: 1}
	if m.ClassifierPool == "mean" {
		head.Pooling = Mean
	}
	dense := w.Activated("head.dense", d, d, m.ClassifierBias, act)
	norm := w.Norm("head.norm", d, m.NormBias, m.NormEps)
	head.dense, head.norm = &dense, &norm
	if kind == maskedLMHead {
		tied := m.TieEmbeddings == nil || *m.TieEmbeddings
		bias := ""
		if m.DecoderBias {
			bias = "decoder.bias"
		}
		head.classifier = decoder(w, enc, "decoder", bias, "embeddings.tok_embeddings", d, m.Vocab, tied)
		model.Heads = append(model.Heads, head)
		return nil
	}
	labels, err := c.Labels()
	if err != nil {
		return err
	}
	head.Labels = labels
	head.classifier = w.Exact("classifier", d, len(labels), true)
	model.Heads = append(model.Heads, head)
	return nil
}

// Info implements Trunk.
func (m *modernBERT) Info() Info {
	info := Info{
		Architecture: "ModernBERT", Vocab: m.Vocab, Hidden: m.Hidden, Layers: m.Layers, Heads: m.Heads,
		Intermediate: m.Intermediate, MaxTokens: m.MaxPositions, Bytes: m.tokens.Bytes(),
	}
	for i := range m.layers {
		l := &m.layers[i]
		info.addLinear(&l.qkv, &l.out, &l.up, &l.down)
	}
	return info
}

// Encode implements Trunk.
func (m *modernBERT) Encode(ws *nn.Workspace, b *Batch) (tensor.Mat, error) {
	t, d, f := len(b.IDs), m.Hidden, m.Intermediate
	heads := attn.Shape{
		Heads: m.Heads, KVHeads: m.Heads, HeadDim: d / m.Heads,
		Scale: float32(1 / math.Sqrt(float64(d/m.Heads))),
	}
	pos := ws.Positions(b.Starts)       // [t]
	ws.PlanAttention(b.Starts, m.Heads) //
	x := ws.Mat(nn.X, t, d)             // [t d]
	qkv := ws.Mat(nn.QKV, t, 3*d)       // [t 3d]
	ctx := ws.Mat(nn.Ctx, t, d)         // [t d]
	up := ws.Mat(nn.Up, t, f)           // [t f]
	m.tokens.Gather(x, b.IDs, false)    //
	ws.Normalize(x, &m.norm)            //
	for i := range m.layers {
		if b.cancelled() {
			return tensor.Mat{}, ErrCancelled
		}
		l := &m.layers[i]
		ws.Apply(qkv, x, &l.qkv, l.attnNorm, false)
		ws.Rotate(qkv, 2*m.Heads, l.rotary, pos) // queries and keys
		heads.Reach = l.reach
		heads.BF16 = !l.qkv.Exact()
		ws.Attend(ctx, qkv, heads)
		ws.Apply(x, ctx, &l.out, nil, true)
		ws.Apply(up, x, &l.up, &l.mlpNorm, false)
		ws.Apply(x, up, &l.down, nil, true)
	}
	ws.Normalize(x, &m.final)
	return x, nil
}
