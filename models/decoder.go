package models

import (
	"fmt"
	"slices"
	"strings"

	"mom/models/kv"
	"mom/models/nn"
	"mom/tensor"
)

// A Decoder is a causal language model. Decode and Logits may be called from
// several goroutines, each with a workspace of its own and sequences of its own.
type Decoder interface {
	// Decode runs the new tokens of every sequence on top of what its pages
	// hold, appends their keys and values, and returns the final-normed hidden
	// states [len(b.Want) d] of the rows in b.Want. They live in ws until its
	// next use. On an error, kv.ErrFull or ErrCancelled, no sequence has grown,
	// though some may hold pages for what they did not get. Every id has been
	// checked against Info, and every length against MaxTokens.
	Decode(ws *nn.Workspace, b *DecodeBatch) (tensor.Mat, error)

	// Logits computes dst [rows v] = hidden · lm_headᵀ; with ids != nil only
	// those rows of lm_head, dst [rows len(ids)]. A logit has the same bits
	// either way.
	Logits(ws *nn.Workspace, dst, hidden tensor.Mat, ids []int32)

	Info() Info

	targets() (linears []target, dropped []string) // what adapters may change; the layers that do not run
}

// A DecodeBatch is the new tokens of some sequences, one after another.
type DecodeBatch struct {
	IDs      []int32        // [t]
	Starts   []int32        // [n+1] sequence i gets IDs[Starts[i]:Starts[i+1]], one at least; Starts[0] is 0
	Seqs     []*kv.Sequence // [n] no sequence twice
	Adapters []*Adapter     // [n] nil for none; or nil when no sequence has one
	Want     []int32        // rows of the batch, ascending, whose hidden states are asked for

	// Cancel, when set, is asked between layers; true ends the pass with ErrCancelled.
	Cancel func() bool
}

// begin checks the batch, makes room in its sequences and plans the pass.
func (b *DecodeBatch) begin(ws *nn.Workspace, d Decoder) error {
	b.check(d)
	for i, s := range b.Seqs {
		if err := s.Reserve(int(b.Starts[i+1] - b.Starts[i])); err != nil {
			return err
		}
	}
	ws.PlanPaged(b.Starts, b.Seqs, d.Info().KVHeads)
	ws.ClearAdapters()
	for i, a := range b.Adapters {
		if a != nil {
			ws.AddAdapter(a.deltas, int(b.Starts[i]), int(b.Starts[i+1]))
		}
	}
	return nil
}

// check panics on what a caller must not ask.
func (b *DecodeBatch) check(d Decoder) {
	info, n := d.Info(), len(b.Seqs)
	if n == 0 || len(b.Starts) != n+1 || b.Starts[0] != 0 || int(b.Starts[n]) != len(b.IDs) || b.Adapters != nil && len(b.Adapters) != n {
		panic("BUG: models: Decode: the lengths of a batch do not fit together")
	}
	for i, s := range b.Seqs {
		o, more := s.Pool().Options(), int(b.Starts[i+1]-b.Starts[i])
		switch {
		case o.Layers != info.Layers || o.KVHeads != info.KVHeads || o.HeadDim != info.HeadDim:
			panic("BUG: models: Decode: a sequence is of another model's pool")
		case more < 1:
			panic("BUG: models: Decode: a sequence without new tokens")
		case s.Len()+more > info.MaxTokens:
			panic("BUG: models: Decode: a sequence is longer than MaxTokens")
		case slices.Contains(b.Seqs[:i], s):
			panic("BUG: models: Decode: a sequence comes twice")
		case b.Adapters != nil && b.Adapters[i] != nil && b.Adapters[i].of != d:
			panic("BUG: models: Decode: an adapter of another model")
		}
	}
	for _, id := range b.IDs {
		if id < 0 || int(id) >= info.Vocab {
			panic("BUG: models: Decode: an id is outside the vocabulary")
		}
	}
	last := int32(-1)
	for _, r := range b.Want {
		if r <= last || int(r) >= len(b.IDs) {
			panic("BUG: models: Decode: the rows wanted are not rows of the batch, ascending")
		}
		last = r
	}
}

// end lets the sequences have the tokens whose keys and values were written.
func (b *DecodeBatch) end() {
	for i, s := range b.Seqs {
		s.Advance(int(b.Starts[i+1] - b.Starts[i]))
	}
}

func (b *DecodeBatch) cancelled() bool { return b.Cancel != nil && b.Cancel() }

// decoders is every name of a decoder that config.json may have in
// architectures[0].
var decoders = map[string]func(*Config, *Weights) (Decoder, error){
	"LlamaForCausalLM": openLlama,
	"Qwen3ForCausalLM": openQwen3,
}

// DecoderArchitectures lists the supported names.
func DecoderArchitectures() []string { return sortedKeys(decoders) }

// OpenDecoder builds the decoder that config.json describes from the tensors of
// src.
func OpenDecoder(config []byte, src Source, o Options) (Decoder, error) {
	c, err := ParseConfig(config)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	if len(c.Architectures) != 1 {
		return nil, fmt.Errorf("config.json: architectures: want one name, have %d", len(c.Architectures))
	}
	name := c.Architectures[0]
	open, ok := decoders[name]
	if !ok {
		return nil, fmt.Errorf("config.json: architecture %q is not a supported decoder; supported are %s", name, strings.Join(DecoderArchitectures(), ", "))
	}
	w := NewWeights(name, src, o.Precision)
	if o.LoRA != nil {
		w.lora = newLoRA(o.LoRA)
	}
	d, err := open(c, w)
	if err != nil {
		if _, ok := err.(*LoadError); ok {
			return nil, err
		}
		return nil, fmt.Errorf("config.json: %w", err)
	}
	if o.Precision == nn.I8 {
		err = calibrateDecoder(d)
	}
	return d, err
}
