package models

import (
	"errors"
	"fmt"
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
	// next use. On an error, kv.ErrFull or ErrCancelled, no sequence has grown.
	// Every id has been checked against Info, and every length against MaxTokens.
	Decode(ws *nn.Workspace, b *DecodeBatch) (tensor.Mat, error)

	// Logits computes dst [rows v] = hidden · lm_headᵀ; with ids != nil only
	// those rows of lm_head, dst [rows len(ids)]. A logit has the same bits
	// either way.
	Logits(ws *nn.Workspace, dst, hidden tensor.Mat, ids []int32)

	Info() Info
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

// An Adapter is a LoRA ready to run over one decoder, beside others in a batch.
type Adapter struct{}

// OpenAdapter prepares a LoRA for d.
func OpenAdapter(d Decoder, l *LoRA) (*Adapter, error) {
	return nil, errors.New("adapter: not supported yet")
}

// decoders is every name of a decoder that config.json may have in
// architectures[0].
var decoders = map[string]func(*Config, *Weights) (Decoder, error){}

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
	return d, nil
}
