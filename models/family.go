package models

import (
	"encoding/json"
	"fmt"
	"strings"

	"mom/kernels/gemm"
	"mom/models/nn"
)

// A Manifest is mom.json: what a folder adds to a Hugging Face base model so
// that several heads share its trunk.
type Manifest struct {
	Name    string         `json:"name"`
	Version int            `json:"version"`
	Heads   []ManifestHead `json:"heads"`
}

// A ManifestHead is one head, its labels in the order of the logits, and how
// its answers are meant to be used.
type ManifestHead struct {
	Name        string   `json:"name"`
	Function    string   `json:"function"` // intent, jailbreak or pii
	Task        string   `json:"task"`
	Prefix      string   `json:"prefix"` // of its tensors
	Pooling     string   `json:"pooling,omitempty"`
	Activation  string   `json:"activation,omitempty"`
	Labels      []string `json:"labels"`
	Temperature float64  `json:"temperature"`
	Threshold   float64  `json:"threshold,omitempty"`
	Combine     string   `json:"combine"`
	Window      Window   `json:"window"`

	Ngrams *ManifestNgrams `json:"ngrams,omitempty"`
}

// ManifestNgrams says that a linear model of hashed words (engine/ngram) stands
// beside a head: its tensors are ngrams.weight [rows buckets] and ngrams.bias. A head
// that combines windows by mean has a row a label, and adds what the whole text says;
// one that takes the highest has two labels and one row, and adds to every window what
// its words say.
type ManifestNgrams struct {
	Buckets int     `json:"buckets"`
	Mix     float64 `json:"mix"` // share of its log-probabilities, or of its log-odds, in the logits
}

// A Window is how many tokens the trunk reads at once, special ones included,
// and how many text tokens two neighbouring windows share at least.
type Window struct {
	Tokens  int `json:"tokens"`
	Overlap int `json:"overlap"`
}

// ParseManifest reads and checks mom.json.
func ParseManifest(data []byte) (*Manifest, error) {
	if len(data) > maxConfig {
		return nil, fmt.Errorf("has %d bytes, more than %d", len(data), maxConfig)
	}
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	m := &Manifest{}
	if err := dec.Decode(m); err != nil {
		return nil, err
	}
	if m.Version != 1 {
		return nil, fmt.Errorf("version: %d is not supported; 1 is", m.Version)
	}
	if len(m.Heads) == 0 || len(m.Heads) > 64 {
		return nil, fmt.Errorf("heads: want 1 to 64, have %d", len(m.Heads))
	}
	for i := range m.Heads {
		h := &m.Heads[i]
		if err := h.check(); err != nil {
			return nil, fmt.Errorf("heads[%d] %q: %w", i, h.Name, err)
		}
		if h.Window != m.Heads[0].Window {
			return nil, fmt.Errorf("heads[%d] %q: window differs from that of the first head; heads of one trunk share it", i, h.Name)
		}
	}
	return m, nil
}

func (h *ManifestHead) check() error {
	if h.Name == "" || h.Prefix == "" {
		return fmt.Errorf("name and prefix must not be empty")
	}
	if !(h.Temperature > 0 && h.Temperature < 1000) {
		return fmt.Errorf("temperature: %v is outside 0 to 1000", h.Temperature)
	}
	if !(h.Threshold >= 0 && h.Threshold <= 1) {
		return fmt.Errorf("threshold: %v is outside 0 to 1", h.Threshold)
	}
	if err := within("labels", len(h.Labels), 1, maxLabels); err != nil {
		return err
	}
	if err := within("window.tokens", h.Window.Tokens, 8, maxPositions); err != nil {
		return err
	}
	if n := h.Ngrams; n != nil {
		if h.Task != Sequence.String() || h.Combine != "mean" && (h.Combine != "max" || len(h.Labels) != 2) {
			return fmt.Errorf("ngrams: they stand beside a head of %s that combines by mean, or of two labels by max", Sequence)
		}
		if err := within("ngrams.buckets", n.Buckets, 1, maxBuckets); err != nil {
			return err
		}
		if !(n.Mix > 0 && n.Mix <= 100) {
			return fmt.Errorf("ngrams.mix: %v is outside 0 to 100", n.Mix)
		}
	}
	return within("window.overlap", h.Window.Overlap, 0, h.Window.Tokens/2)
}

// familyHeads reads the manifest's heads from w. They are float32 at every
// precision: they are small, and they decide.
func familyHeads(manifest []byte, w *Weights, c *Config) ([]*Head, error) {
	m, err := ParseManifest(manifest)
	if err != nil {
		return nil, err
	}
	var size struct {
		Hidden int `json:"hidden_size"`
	}
	if err := c.decode(&size); err != nil {
		return nil, err
	}
	if err := within("hidden_size", size.Hidden, 1, maxHidden); err != nil {
		return nil, err
	}
	var heads []*Head
	for i := range m.Heads {
		h, err := m.Heads[i].open(w, size.Hidden)
		if err != nil {
			return nil, fmt.Errorf("head %q: %w", m.Heads[i].Name, err)
		}
		heads = append(heads, h)
	}
	return heads, nil
}

func (h *ManifestHead) open(w *Weights, d int) (*Head, error) {
	head := &Head{
		Name: h.Name, Function: h.Function, Labels: h.Labels,
		Temperature: h.Temperature, Threshold: h.Threshold,
	}
	at := w.At("%s", h.Prefix)
	switch h.Combine {
	case "mean":
		head.Combine = CombineMean
	case "max":
		head.Combine = CombineMax
	case "spans":
		head.Combine = CombineSpans
	default:
		return nil, fmt.Errorf("combine: %q is not mean, max or spans", h.Combine)
	}
	switch h.Task {
	case Token.String():
		head.Task = Token
		if head.Combine != CombineSpans {
			return nil, fmt.Errorf("combine: token classification needs spans")
		}
	case Sequence.String():
		if head.Combine == CombineSpans {
			return nil, fmt.Errorf("combine: sequence classification needs mean or max")
		}
		switch h.Pooling {
		case "mean":
			head.Pooling = Mean
		case "cls":
			head.Pooling = CLS
		default:
			return nil, fmt.Errorf("pooling: %q is not mean or cls", h.Pooling)
		}
		act, ok := nn.ParseAct(h.Activation)
		if !ok {
			return nil, fmt.Errorf("activation: %q is not supported", h.Activation)
		}
		dense := at.linear(at.Matrix("dense.weight", d, d), at.bias("dense", d, true), act, false, nn.F32)
		head.dense = &dense
	default:
		return nil, fmt.Errorf("task: %q is not %s or %s", h.Task, Sequence, Token)
	}
	if h.Ngrams != nil {
		head.Ngrams = at.ngrams(len(h.Labels), head.Combine == CombineMax, h.Ngrams)
	}
	head.classifier = at.linear(at.Matrix("classifier.weight", len(h.Labels), d), at.bias("classifier", len(h.Labels), true), gemm.None, false, nn.F32)
	return head, nil
}
