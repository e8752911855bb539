// This file is Llama (Touvron et al. 2023, arXiv:2302.13971; Grattafiori et al.
// 2024, arXiv:2407.21783), a decoder with rotary positions, grouped queries and a
// gated feed-forward block. Names of dimensions:
//
//	t  new tokens in the batch  d  hidden_size         v  vocab_size
//	h  query heads              f  intermediate_size   e  head_dim
//	g  key and value heads

package models

import (
	"fmt"
	"math"
	"slices"

	"mom/kernels/gemm"
	"mom/models/nn"
	"mom/tensor"
)

type llamaConfig struct {
	Vocab         int     `json:"vocab_size"`
	Hidden        int     `json:"hidden_size"`
	Intermediate  int     `json:"intermediate_size"`
	Layers        int     `json:"num_hidden_layers"`
	Heads         int     `json:"num_attention_heads"`
	KVHeads       int     `json:"num_key_value_heads"` // 0 or null: as many as heads
	HeadDim       int     `json:"head_dim"`            // 0 or null: hidden_size / heads
	Activation    string  `json:"hidden_act"`
	MaxPositions  int     `json:"max_position_embeddings"`
	NormEps       float64 `json:"rms_norm_eps"`
	TieEmbeddings bool    `json:"tie_word_embeddings"`
	AttentionBias bool    `json:"attention_bias"`
	MLPBias       bool    `json:"mlp_bias"`
	Kept          []int   `json:"mom_layers"` // null: all; else the layers that run, in order

	RopeTheta       float64        `json:"rope_theta"`
	RopeScaling     *ropeParameter `json:"rope_scaling"`
	RopeParameters  ropeParameters `json:"rope_parameters"`
	RopeInterleaved bool           `json:"rope_interleaved"`
	Partial         *float64       `json:"partial_rotary_factor"`
	LayerTypes      []string       `json:"layer_types"`
	Quantization    any            `json:"quantization_config"`
}

// llamaDefaults are the values of keys that a config leaves out.
func llamaDefaults() llamaConfig {
	return llamaConfig{
		Vocab: 32000, Hidden: 4096, Intermediate: 11008, Layers: 32, Heads: 32, Activation: "silu",
		MaxPositions: 2048, NormEps: 1e-6, RopeTheta: 10000,
	}
}

type llama struct {
	llamaConfig
	act    gemm.Act
	rotary *nn.Rotary
	tokens nn.Embedding // [v d]
	layers []llamaLayer
	final  nn.Norm
	head   nn.Linear // d -> v
}

type llamaLayer struct {
	name         string // of its tensors
	attnNorm     nn.Norm
	qkv          nn.Linear // d -> (h+2g)e
	qNorm, kNorm *nn.Norm  // of e; nil but in Qwen3
	out          nn.Linear // he -> d
	mlpNorm      nn.Norm
	up           nn.Linear // d -> 2f: the gate, then what it multiplies
	down         nn.Linear // f -> d
}

func openLlama(c *Config, w *Weights) (Decoder, error) {
	m := &llama{llamaConfig: llamaDefaults()}
	if err := c.decode(&m.llamaConfig); err != nil {
		return nil, err
	}
	return m.open(w, false)
}

// open checks the config and reads the weights, with norms of the heads as in
// Qwen3 if headNorms is set.
func (m *llama) open(w *Weights, headNorms bool) (Decoder, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	var err error
	if m.rotary, err = m.rope(); err != nil {
		return nil, err
	}
	d, f, e := m.Hidden, m.Intermediate, m.HeadDim
	q, kv := m.Heads*e, m.KVHeads*e
	enc := w.At("model")
	if m.TieEmbeddings && !w.Has("lm_head.weight") {
		m.head = enc.Output("embed_tokens", d, m.Vocab)
		m.tokens = nn.TiedEmbedding(&m.head)
	} else {
		m.tokens = enc.Embedding("embed_tokens", m.Vocab, d)
		m.head = w.Output("lm_head", d, m.Vocab)
	}
	for _, i := range m.kept(enc) {
		w := enc.At("layers.%d", i)
		l := llamaLayer{name: fmt.Sprintf("model.layers.%d", i)}
		l.attnNorm = w.RMSNorm("input_layernorm", d, m.NormEps)
		// In int4 they would be a sixth of the weights and more than a third of the error.
		l.qkv = w.Joined(d, m.AttentionBias, min(w.precision, nn.I8), Part{"self_attn.q_proj", q}, Part{"self_attn.k_proj", kv}, Part{"self_attn.v_proj", kv})
		if headNorms {
			qNorm, kNorm := w.RMSNorm("self_attn.q_norm", e, m.NormEps), w.RMSNorm("self_attn.k_norm", e, m.NormEps)
			l.qNorm, l.kNorm = &qNorm, &kNorm
		}
		l.out = w.Linear("self_attn.o_proj", q, d, m.AttentionBias)
		l.mlpNorm = w.RMSNorm("post_attention_layernorm", d, m.NormEps)
		l.up = w.Joined(d, m.MLPBias, w.precision, Part{"mlp.gate_proj", f}, Part{"mlp.up_proj", f})
		l.down = w.Linear("mlp.down_proj", f, d, m.MLPBias)
		m.layers = append(m.layers, l)
	}
	m.final = enc.RMSNorm("norm", d, m.NormEps)
	if err := w.Err(); err != nil {
		return nil, err
	}
	for i := range m.layers {
		l := &m.layers[i]
		for j, x := range []*nn.Linear{&l.qkv, &l.out, &l.up, &l.down} {
			x.SetID(1 + 4*i + j)
		}
		l.down.Refine()
	}
	return m, nil
}

// kept returns the layers that run, and marks the tensors of the others as read.
func (m *llama) kept(enc *Weights) (layers []int) {
	next := 0
	for i := range m.Layers {
		switch {
		case m.Kept == nil:
			layers = append(layers, i)
		case next < len(m.Kept) && m.Kept[next] == i:
			layers = append(layers, i)
			next++
		default:
			enc.IgnoreBelow("layers.%d", i)
		}
	}
	// What other versions saved beside the weights follows from the config.
	enc.IgnoreBelow("rotary_emb")
	for _, i := range layers {
		enc.IgnoreBelow("layers.%d.self_attn.rotary_emb", i)
	}
	return layers
}

func (m *llama) check() error {
	if m.KVHeads == 0 {
		m.KVHeads = m.Heads
	}
	if err := checkBounds(
		bound{"vocab_size", m.Vocab, 1, maxVocab},
		bound{"hidden_size", m.Hidden, 2, maxHidden},
		bound{"intermediate_size", m.Intermediate, 1, maxIntermediate},
		bound{"num_hidden_layers", m.Layers, 1, maxLayers},
		bound{"num_attention_heads", m.Heads, 1, maxHidden},
		bound{"num_key_value_heads", m.KVHeads, 1, m.Heads},
		bound{"head_dim", m.HeadDim, 0, 1 << 12},
		bound{"max_position_embeddings", m.MaxPositions, 1, maxPositions},
	); err != nil {
		return err
	}
	if m.Heads%m.KVHeads != 0 {
		return fmt.Errorf("num_attention_heads: %d is not a multiple of num_key_value_heads %d", m.Heads, m.KVHeads)
	}
	if m.HeadDim == 0 {
		if m.Hidden%m.Heads != 0 {
			return fmt.Errorf("hidden_size %d does not split into %d heads, and there is no head_dim", m.Hidden, m.Heads)
		}
		m.HeadDim = m.Hidden / m.Heads
	}
	if m.HeadDim%2 != 0 {
		return fmt.Errorf("head_dim: %d is odd", m.HeadDim)
	}
	if !(m.NormEps > 0 && m.NormEps < 1) {
		return fmt.Errorf("rms_norm_eps: %v is outside 0 to 1", m.NormEps)
	}
	if m.Quantization != nil {
		return fmt.Errorf("quantization_config: is not supported; want weights of f32, f16 or bf16, or those that mom convert writes")
	}
	if m.RopeInterleaved {
		return fmt.Errorf("rope_interleaved: true is not supported; false is")
	}
	for i, t := range m.LayerTypes {
		if t != "full_attention" {
			return fmt.Errorf("layer_types[%d]: %q is not supported; full_attention is", i, t)
		}
	}
	for i, l := range m.Kept {
		if l < 0 || l >= m.Layers || i > 0 && l <= m.Kept[i-1] {
			return fmt.Errorf("mom_layers[%d]: %d; want layers of 0 to %d, ascending", i, l, m.Layers-1)
		}
	}
	if m.Kept != nil && len(m.Kept) == 0 {
		return fmt.Errorf("mom_layers: is empty")
	}
	var ok bool
	if m.act, ok = nn.ParseAct(m.Activation); !ok {
		return fmt.Errorf("hidden_act: %q is not supported", m.Activation)
	}
	return nil
}

// rope sets up the rotary positions. The settings come as rope_theta and
// rope_scaling, or as rope_parameters; with both, rope_scaling wins, as in
// transformers.
func (m *llama) rope() (*nn.Rotary, error) {
	p := ropeParameter{Theta: m.RopeTheta}
	p.Partial = m.Partial
	if err := m.RopeParameters.apply(&p, &ropeParameter{}); err != nil {
		return nil, err
	}
	if s := m.RopeScaling; s != nil {
		theta := p.Theta
		if p = *s; p.Theta == 0 {
			p.Theta = theta
		}
	}
	return p.rotary(m.HeadDim, m.MaxPositions)
}

// Info implements Decoder.
func (m *llama) Info() Info {
	info := Info{
		Architecture: "Llama", Vocab: m.Vocab, Hidden: m.Hidden, Layers: len(m.layers), Heads: m.Heads,
		KVHeads: m.KVHeads, HeadDim: m.HeadDim, Intermediate: m.Intermediate, MaxTokens: m.MaxPositions,
		Bytes: m.tokens.Bytes() + m.head.Bytes(),
	}
	for i := range m.layers {
		l := &m.layers[i]
		info.addLinear(&l.qkv, &l.out, &l.up, &l.down)
		if l.qNorm != nil {
			info.Architecture = "Qwen3"
		}
	}
	return info
}

// Decode implements Decoder.
func (m *llama) Decode(ws *nn.Workspace, b *DecodeBatch) (tensor.Mat, error) {
	if err := b.begin(ws, m); err != nil {
		return tensor.Mat{}, err
	}
	t, d, f, h, g, e := len(b.IDs), m.Hidden, m.Intermediate, m.Heads, m.KVHeads, m.HeadDim
	s := nn.CausalShape{Heads: h, KVHeads: g, HeadDim: e, Scale: float32(1 / math.Sqrt(float64(e))), Rotary: m.rotary}
	x := ws.Mat(nn.X, t, d)             // [t d]
	qkv := ws.Mat(nn.QKV, t, (h+2*g)*e) // [t (h+2g)e]
	ctx := ws.Mat(nn.Ctx, t, h*e)       // [t he]
	up := ws.Mat(nn.Up, t, 2*f)         // [t 2f]
	m.tokens.Gather(x, b.IDs, false)    //
	for i := range m.layers {
		if b.cancelled() {
			return tensor.Mat{}, ErrCancelled
		}
		l := &m.layers[i]
		s.Layer, s.QNorm, s.KNorm = i, l.qNorm, l.kNorm
		ws.Apply(qkv, x, &l.qkv, &l.attnNorm, false)
		ws.StoreKeys(qkv, &s)
		ws.AttendPaged(ctx, qkv, &s)
		ws.Apply(x, ctx, &l.out, nil, true)
		ws.Apply(up, x, &l.up, &l.mlpNorm, false)
		ws.ApplyGated(x, up, m.act, &l.down, true)
	}
	b.end()
	return ws.Pick(nn.Pooled, x, b.Want, &m.final), nil // [len(Want) d]
}

// Logits implements Decoder.
func (m *llama) Logits(ws *nn.Workspace, dst, hidden tensor.Mat, ids []int32) {
	if ids == nil {
		ws.Apply(dst, hidden, &m.head, nil, false)
		return
	}
	ws.ApplyColumns(dst, hidden, &m.head, ids)
}

// targets implements Decoder.
func (m *llama) targets() (all []target, dropped []string) {
	for i := range m.Layers {
		if m.Kept != nil && !slices.Contains(m.Kept, i) {
			dropped = append(dropped, fmt.Sprintf("model.layers.%d", i))
		}
	}
	d, f, q, kv := m.Hidden, m.Intermediate, m.Heads*m.HeadDim, m.KVHeads*m.HeadDim
	for i := range m.layers {
		l := &m.layers[i]
		all = append(all,
			target{l.name + ".self_attn.q_proj", l.qkv.ID(), 0, q, d},
			target{l.name + ".self_attn.k_proj", l.qkv.ID(), q, kv, d},
			target{l.name + ".self_attn.v_proj", l.qkv.ID(), q + kv, kv, d},
			target{l.name + ".self_attn.o_proj", l.out.ID(), 0, d, q},
			target{l.name + ".mlp.gate_proj", l.up.ID(), 0, f, d},
			target{l.name + ".mlp.up_proj", l.up.ID(), f, f, d},
			target{l.name + ".mlp.down_proj", l.down.ID(), 0, d, f},
		)
	}
	return all, dropped
}
