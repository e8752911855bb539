// This file is BERT (Devlin et al. 2019, arXiv:1810.04805): an encoder with
// learned positions, biases, and the norm after each block. Names of dimensions:
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

type bertConfig struct {
	Vocab         int     `json:"vocab_size"`
	Hidden        int     `json:"hidden_size"`
	Intermediate  int     `json:"intermediate_size"`
	Layers        int     `json:"num_hidden_layers"`
	Heads         int     `json:"num_attention_heads"`
	Activation    string  `json:"hidden_act"`
	MaxPositions  int     `json:"max_position_embeddings"`
	Types         int     `json:"type_vocab_size"`
	NormEps       float64 `json:"layer_norm_eps"`
	PositionKind  string  `json:"position_embedding_type"`
	TieEmbeddings *bool   `json:"tie_word_embeddings"`
}

func bertDefaults() bertConfig {
	return bertConfig{
		Vocab: 30522, Hidden: 768, Intermediate: 3072, Layers: 12, Heads: 12, Activation: "gelu",
		MaxPositions: 512, Types: 2, NormEps: 1e-12, PositionKind: "absolute",
	}
}

type bert struct {
	bertConfig
	act       gemm.Act
	words     nn.Embedding // [v d]
	positions nn.Embedding // [MaxPositions d]
	types     nn.Embedding // [Types d]
	norm      nn.Norm
	layers    []bertLayer
}

type bertLayer struct {
	qkv      nn.Linear // d -> 3d
	out      nn.Linear // d -> d
	attnNorm nn.Norm   // of x + attention
	up       nn.Linear // d -> f
	down     nn.Linear // f -> d
	outNorm  nn.Norm   // of x + feed-forward
}

func openBERT(c *Config, w *Weights, kind headKind) (*Model, error) {
	m := &bert{bertConfig: bertDefaults()}
	if err := c.decode(&m.bertConfig); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	d, f := m.Hidden, m.Intermediate
	enc := w
	if kind != noHead || w.Has("bert.embeddings.word_embeddings.weight") {
		enc = w.At("bert")
	}
	m.words = enc.Embedding("embeddings.word_embeddings", m.Vocab, d)
	m.positions = enc.Embedding("embeddings.position_embeddings", m.MaxPositions, d)
	m.types = enc.Embedding("embeddings.token_type_embeddings", m.Types, d)
	m.norm = enc.Norm("embeddings.LayerNorm", d, true, m.NormEps)
	enc.Ignore("embeddings.position_ids") // a constant that old versions saved
	for i := range m.Layers {
		w := enc.At("encoder.layer.%d", i)
		m.layers = append(m.layers, bertLayer{
			qkv:      w.Stacked(d, d, true, "attention.self.query", "attention.self.key", "attention.self.value"),
			out:      w.Linear("attention.output.dense", d, d, true),
			attnNorm: w.Norm("attention.output.LayerNorm", d, true, m.NormEps),
			up:       w.Activated("intermediate.dense", d, f, true, m.act),
			down:     w.Linear("output.dense", f, d, true),
			outNorm:  w.Norm("output.LayerNorm", d, true, m.NormEps),
		})
	}
	model := &Model{Trunk: m}
	if err := m.heads(model, c, w, enc, kind); err != nil {
		return nil, err
	}
	return model, w.Err()
}

func (m *bert) check() error {
	if err := checkBounds(
		bound{"vocab_size", m.Vocab, 1, maxVocab},
		bound{"hidden_size", m.Hidden, 1, maxHidden},
		bound{"intermediate_size", m.Intermediate, 1, maxIntermediate},
		bound{"num_hidden_layers", m.Layers, 1, maxLayers},
		bound{"num_attention_heads", m.Heads, 1, m.Hidden},
		bound{"max_position_embeddings", m.MaxPositions, 1, maxPositions},
		bound{"type_vocab_size", m.Types, 1, 1 << 16},
	); err != nil {
		return err
	}
	if m.Hidden%m.Heads != 0 {
		return fmt.Errorf("hidden_size %d does not split into %d heads", m.Hidden, m.Heads)
	}
	if !(m.NormEps > 0 && m.NormEps < 1) {
		return fmt.Errorf("layer_norm_eps: %v is outside 0 to 1", m.NormEps)
	}
	if m.PositionKind != "" && m.PositionKind != "absolute" {
		return fmt.Errorf("position_embedding_type: %q is not supported; absolute is", m.PositionKind)
	}
	var ok bool
	if m.act, ok = nn.ParseAct(m.Activation); !ok {
		return fmt.Errorf("hidden_act: %q is not supported", m.Activation)
	}
	return nil
}

func (m *bert) heads(model *Model, c *Config, w, enc *Weights, kind headKind) error {
	d := m.Hidden
	switch kind {
	case noHead:
		// A pooler that was saved with the trunk belongs to a task that is not asked for.
		enc.Ignore("pooler.dense.weight", "pooler.dense.bias")
		return nil
	case maskedLMHead:
		dense := w.Activated("cls.predictions.transform.dense", d, d, true, m.act)
		norm := w.Norm("cls.predictions.transform.LayerNorm", d, true, m.NormEps)
		p := w.At("cls.predictions")
		tied := m.TieEmbeddings == nil || *m.TieEmbeddings
		head := &Head{Task: MaskedLM, Temperature: 1, dense: &dense, norm: &norm}
		bias := "decoder.bias"
		if p.Has("bias") {
			bias = "bias" // beside the decoder; some files hold it twice
			p.Ignore("decoder.bias")
		}
		head.classifier = decoder(p, enc, "decoder", bias, "embeddings.word_embeddings", d, m.Vocab, tied)
		enc.Ignore("pooler.dense.weight", "pooler.dense.bias")
		model.Heads = append(model.Heads, head)
		return nil
	}
	labels, err := c.Labels()
	if err != nil {
		return err
	}
	head := &Head{Task: kind.task(), Pooling: CLS, Labels: labels, Temperature: 1}
	if kind == sequenceHead {
		dense := enc.Activated("pooler.dense", d, d, true, gemm.Tanh)
		head.dense = &dense
	}
	head.classifier = w.Exact("classifier", d, len(labels), true)
	model.Heads = append(model.Heads, head)
	return nil
}

// Info implements Trunk.
func (m *bert) Info() Info {
	info := Info{
		Architecture: "BERT", Vocab: m.Vocab, Hidden: m.Hidden, Layers: m.Layers, Heads: m.Heads,
		Intermediate: m.Intermediate, MaxTokens: m.MaxPositions,
		Bytes: m.words.Bytes() + m.positions.Bytes() + m.types.Bytes(),
	}
	for i := range m.layers {
		l := &m.layers[i]
		info.addLinear(&l.qkv, &l.out, &l.up, &l.down)
	}
	return info
}

// Encode implements Trunk.
func (m *bert) Encode(ws *nn.Workspace, b *Batch) (tensor.Mat, error) {
	t, d, f := len(b.IDs), m.Hidden, m.Intermediate
	shape := attn.Shape{
		Heads: m.Heads, KVHeads: m.Heads, HeadDim: d / m.Heads, Reach: -1,
		Scale: float32(1 / math.Sqrt(float64(d/m.Heads))),
		BF16:  !m.layers[0].qkv.Exact(),
	}
	ws.PlanAttention(b.Starts, m.Heads)
	x := ws.Mat(nn.X, t, d)       // [t d]
	qkv := ws.Mat(nn.QKV, t, 3*d) // [t 3d]
	ctx := ws.Mat(nn.Ctx, t, d)   // [t d]
	up := ws.Mat(nn.Up, t, f)     // [t f]
	m.words.Gather(x, b.IDs, false)
	m.positions.Gather(x, ws.Positions(b.Starts), true)
	m.types.Gather(x, ws.Types(b.Types, t), true)
	norm := &m.norm
	for i := range m.layers {
		if b.cancelled() {
			return tensor.Mat{}, ErrCancelled
		}
		l := &m.layers[i]
		ws.Prepare(x, &l.qkv, norm, true) // x = norm(x)
		ws.Multiply(qkv, &l.qkv, false)
		ws.Attend(ctx, qkv, shape)
		ws.Apply(x, ctx, &l.out, nil, true) // x += attention
		ws.Prepare(x, &l.up, &l.attnNorm, true)
		ws.Multiply(up, &l.up, false)
		ws.Apply(x, up, &l.down, nil, true) // x += feed-forward
		norm = &l.outNorm
	}
	ws.Normalize(x, norm)
	return x, nil
}
