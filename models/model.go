// Package models holds the architectures: each file of a family's name is one,
// from its config keys to its forward pass. Open reads Hugging Face folders
// through the table in this file.
package models

import (
	"fmt"
	"strings"

	"mom/kernels/cpu"
	"mom/kernels/gemm"
	"mom/models/nn"
	"mom/tensor"
)

// A Trunk turns tokens into hidden states.
type Trunk interface {
	// Encode returns the last hidden states [t d], which live in the
	// workspace until its next use. Every id, type and length of the batch
	// has been checked against Info.
	Encode(ws *nn.Workspace, b *Batch) (tensor.Mat, error)
	Info() Info
}

// Info describes a trunk.
type Info struct {
	Architecture                               string
	Vocab, Hidden, Layers, Heads, Intermediate int
	MaxTokens                                  int
	KVHeads, HeadDim                           int // of a decoder
	Ops                                        int // additions and multiplications a token in linear layers
	Bytes                                      int // memory of the weights
}

func (i *Info) addLinear(ls ...*nn.Linear) {
	for _, l := range ls {
		i.Ops += l.Ops()
		i.Bytes += l.Bytes()
	}
}

// A Model is a trunk and the heads that share it. A base model has none.
type Model struct {
	Trunk     Trunk
	Heads     []*Head
	Precision nn.Precision
}

// headKind is the part of an architecture's name after the family.
type headKind uint8

const (
	noHead headKind = iota
	sequenceHead
	tokenHead
	maskedLMHead
)

func (k headKind) task() Task {
	switch k {
	case tokenHead:
		return Token
	case maskedLMHead:
		return MaskedLM
	}
	return Sequence
}

type architecture struct {
	open func(*Config, *Weights, headKind) (*Model, error)
	head headKind
}

// architectures is every name that config.json may have in architectures[0].
var architectures = map[string]architecture{
	"ModernBertModel":                     {openModernBERT, noHead},
	"ModernBertForSequenceClassification": {openModernBERT, sequenceHead},
	"ModernBertForTokenClassification":    {openModernBERT, tokenHead},
	"ModernBertForMaskedLM":               {openModernBERT, maskedLMHead},
	"BertModel":                           {openBERT, noHead},
	"BertForSequenceClassification":       {openBERT, sequenceHead},
	"BertForTokenClassification":          {openBERT, tokenHead},
	"BertForMaskedLM":                     {openBERT, maskedLMHead},
}

// Architectures lists the supported names.
func Architectures() []string { return sortedKeys(architectures) }

// ChoosePrecision resolves the name of a precision. "auto" and "" are int4 for
// tensors of int4, int8 for those of int8, else bf16 where the CPU multiplies it,
// which stays within a rounding of f32, else f32.
func ChoosePrecision(name string, src Source) (nn.Precision, error) {
	if name != "" && name != "auto" {
		return nn.ParsePrecision(name)
	}
	packed := nn.F32
	for _, n := range src.Names() {
		switch v, _ := src.Stat(n); v.DType {
		case tensor.I8:
			packed = max(packed, nn.I8)
		case tensor.U8:
			packed = nn.I4
		}
	}
	if packed != nn.F32 {
		return packed, nil
	}
	if cpu.HasAVX512BF16 || cpu.HasI8MM {
		return nn.BF16, nil
	}
	return nn.F32, nil
}

// Options say how a model is opened.
type Options struct {
	Precision nn.Precision
	LoRA      *LoRA  // merged into the weights; nil for none
	Manifest  []byte // a family's mom.json: its heads replace the architecture's
}

// Open builds the model that config.json describes from the tensors of src.
func Open(config []byte, src Source, o Options) (*Model, error) {
	c, err := ParseConfig(config)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	if len(c.Architectures) != 1 {
		return nil, fmt.Errorf("config.json: architectures: want one name, have %d", len(c.Architectures))
	}
	name := c.Architectures[0]
	arch, ok := architectures[name]
	if !ok {
		return nil, fmt.Errorf("config.json: architecture %q is not supported; supported are %s", name, strings.Join(Architectures(), ", "))
	}
	if o.Precision == nn.I4 {
		return nil, fmt.Errorf("precision int4: is for decoders; %s takes f32, bf16 or int8", name)
	}
	w := NewWeights(name, src, o.Precision)
	if o.LoRA != nil {
		w.lora = newLoRA(o.LoRA)
	}
	var heads []*Head
	if o.Manifest != nil {
		arch.head = noHead
		if heads, err = familyHeads(o.Manifest, w, c); err != nil {
			return nil, fmt.Errorf("mom.json: %w", err)
		}
	}
	m, err := arch.open(c, w, arch.head)
	if err != nil {
		if _, ok := err.(*LoadError); ok {
			return nil, err
		}
		return nil, fmt.Errorf("config.json: %w", err)
	}
	m.Heads = append(m.Heads, heads...)
	m.Precision = o.Precision
	return m, nil
}

// decoder is the last layer of a masked language model. It shares the matrix
// of the embedding when tied.
func decoder(w, enc *Weights, name, bias, embedding string, d, vocab int, tied bool) nn.Linear {
	var b []float32
	if bias != "" {
		b = w.Vector(bias, vocab)
	}
	var m nn.Matrix
	if tied && !w.Has(name+".weight") {
		m = enc.Matrix(embedding+".weight", vocab, d)
	} else {
		m = w.Matrix(name+".weight", vocab, d)
	}
	return w.linear(m, b, gemm.None, false, w.precision)
}
