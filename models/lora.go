package models

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strings"

	"mom/models/nn"
)

// A LoRA is a low-rank adapter (Hu et al. 2021, arXiv:2106.09685) as PEFT saves
// it: for each adapted matrix W [n k], A [r k] and B [n r], and the layer
// computes W + (alpha/r)·B·A.
type LoRA struct {
	Rank    int
	Alpha   float64
	Tensors Source

	rslora       bool
	rankPattern  map[string]int
	alphaPattern map[string]float64
}

type loraConfig struct {
	PeftType     string             `json:"peft_type"`
	Rank         int                `json:"r"`
	Alpha        float64            `json:"lora_alpha"`
	RSLoRA       bool               `json:"use_rslora"`
	DoRA         bool               `json:"use_dora"`
	FanInFanOut  bool               `json:"fan_in_fan_out"`
	Bias         string             `json:"bias"`
	RankPattern  map[string]int     `json:"rank_pattern"`
	AlphaPattern map[string]float64 `json:"alpha_pattern"`
}

// ParseLoRA reads adapter_config.json.
func ParseLoRA(config []byte, tensors Source) (*LoRA, error) {
	if err := checkJSON(config); err != nil {
		return nil, err
	}
	var c loraConfig
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, err
	}
	switch {
	case c.PeftType != "" && c.PeftType != "LORA":
		return nil, fmt.Errorf("peft_type: %q is not supported; LORA is", c.PeftType)
	case c.DoRA:
		return nil, fmt.Errorf("use_dora: DoRA adapters are not supported")
	case c.FanInFanOut:
		return nil, fmt.Errorf("fan_in_fan_out: transposed weights are not supported")
	case c.Bias != "" && c.Bias != "none":
		return nil, fmt.Errorf("bias: %q is not supported; none is", c.Bias)
	}
	if err := within("r", c.Rank, 1, maxHidden); err != nil {
		return nil, err
	}
	if !(math.Abs(c.Alpha) < 1e9) {
		return nil, fmt.Errorf("lora_alpha: %v is out of range", c.Alpha)
	}
	return &LoRA{
		Rank: c.Rank, Alpha: c.Alpha, Tensors: tensors, rslora: c.RSLoRA,
		rankPattern: c.RankPattern, alphaPattern: c.AlphaPattern,
	}, nil
}

// scale is what multiplies B·A for the module of this name.
func (l *LoRA) scale(module string, rank int) float64 {
	alpha := l.Alpha
	for suffix, a := range l.alphaPattern {
		if module == suffix || strings.HasSuffix(module, "."+suffix) {
			alpha = a
		}
	}
	if l.rslora {
		return alpha / math.Sqrt(float64(rank))
	}
	return alpha / float64(rank)
}

// lora is a LoRA during loading.
type lora struct {
	*LoRA
	names map[string]string // base_model.model. taken off -> the name in the file
	used  map[string]bool
}

func newLoRA(l *LoRA) *lora {
	s := &lora{LoRA: l, names: map[string]string{}, used: map[string]bool{}}
	for _, name := range l.Tensors.Names() {
		short := strings.TrimPrefix(name, "base_model.model.")
		short = strings.ReplaceAll(short, ".default.", ".")
		s.names[short] = name
	}
	return s
}

// saved returns a tensor that the adapter holds whole, because its module (a
// classifier, mostly) was trained along; it replaces the model's.
func (l *lora) saved(w *Weights, name string, shape ...int) ([]float32, bool) {
	if l.names[name] == "" {
		return nil, false
	}
	return l.take(w, name, shape...)
}

// pair returns A [rank k] and B [n rank] of module, and what multiplies B·A; rank
// is 0 when the adapter does not change the module.
func (l *lora) pair(w *Weights, module string, n, k int) (a, b []float32, rank int, scale float64) {
	nameA, nameB := module+".lora_A.weight", module+".lora_B.weight"
	if l.names[nameA] == "" && l.names[nameB] == "" {
		return nil, nil, 0, 0
	}
	rank = l.Rank
	for suffix, r := range l.rankPattern {
		if module == suffix || strings.HasSuffix(module, "."+suffix) {
			rank = r
		}
	}
	if rank < 1 || rank > maxHidden {
		w.fail("adapter: rank %d of %s is outside 1 to %d", rank, module, maxHidden)
		return nil, nil, 0, 0
	}
	a, okA := l.take(w, nameA, rank, k)
	b, okB := l.take(w, nameB, n, rank)
	if !okA || !okB {
		return nil, nil, 0, 0
	}
	return a, b, rank, l.scale(module, rank)
}

// merge adds the adapter's share to the matrix of module.
func (l *lora) merge(w *Weights, module string, m *nn.Matrix) {
	a, b, rank, s := l.pair(w, module, m.N, m.K)
	if rank == 0 || w.failed() {
		return
	}
	f := append([]float32(nil), m.Floats()...)
	sum := make([]float64, m.K)
	for i := range m.N {
		clear(sum)
		for r := range rank {
			bi := float64(b[i*rank+r])
			for k, v := range a[r*m.K : (r+1)*m.K] {
				sum[k] += bi * float64(v)
			}
		}
		for k, v := range sum {
			f[i*m.K+k] += float32(s * v)
		}
	}
	*m = nn.Matrix{N: m.N, K: m.K, F32: f}
}

// ignoreBelow marks what belongs to modules below a prefix as read.
func (l *lora) ignoreBelow(prefix string) {
	for name := range l.names {
		if strings.HasPrefix(name, prefix) {
			l.used[name] = true
		}
	}
}

func (l *lora) take(w *Weights, name string, shape ...int) ([]float32, bool) {
	stored, ok := l.names[name]
	if !ok {
		w.fail("adapter: missing tensor %s %v", name, shape)
		return nil, false
	}
	l.used[name] = true
	sub := &Weights{weightState: &weightState{
		src: l.Tensors, names: map[string]string{name: stored}, used: map[string]bool{},
	}}
	x := sub.floats(name, shape...)
	for _, p := range sub.problems {
		w.fail("adapter: %s", p)
	}
	return x, x != nil
}

func (l *lora) unread() []string {
	var names []string
	for name := range l.names {
		if !l.used[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	sort.Strings(names)
	return []string{fmt.Sprintf("adapter: %d tensors fit no layer of the model: %s", len(names), list(names))}
}
