package models

import (
	"encoding/json"
	"fmt"
	"math"

	"mom/models/nn"
)

// ropeScaling is the rope_scaling object of a config: linear, YaRN (Peng et al.
// 2023, arXiv:2309.00071), or that of Llama 3.1 (Grattafiori et al. 2024,
// arXiv:2407.21783).
type ropeScaling struct {
	Type            string   `json:"rope_type"`
	OldType         string   `json:"type"` // spelling of older configs
	Factor          float64  `json:"factor"`
	Original        int      `json:"original_max_position_embeddings"`
	BetaFast        *float64 `json:"beta_fast"`
	BetaSlow        *float64 `json:"beta_slow"`
	AttentionFactor *float64 `json:"attention_factor"`
	MScale          *float64 `json:"mscale"`
	MScaleAllDim    *float64 `json:"mscale_all_dim"`
	Truncate        *bool    `json:"truncate"`
	LowFreq         float64  `json:"low_freq_factor"`  // llama3
	HighFreq        float64  `json:"high_freq_factor"` // llama3
	Partial         *float64 `json:"partial_rotary_factor"`
}

// ropeParameter is one entry of rope_parameters.
type ropeParameter struct {
	Theta float64 `json:"rope_theta"`
	ropeScaling
}

// ropeParameters is transformers' newer form: an entry a layer type, or one for
// all layers.
type ropeParameters struct{ raw map[string]json.RawMessage }

func (r *ropeParameters) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &r.raw) }

// apply overrides the settings of the two kinds of layers.
func (r *ropeParameters) apply(global, local *ropeParameter) error {
	if len(r.raw) == 0 {
		return nil
	}
	found := false
	for key, to := range map[string]*ropeParameter{"full_attention": global, "sliding_attention": local} {
		if data, ok := r.raw[key]; ok && string(data) != "null" {
			found = true
			if err := json.Unmarshal(data, to); err != nil {
				return fmt.Errorf("rope_parameters.%s: %v", key, err)
			}
		}
	}
	if found {
		return nil
	}
	data, err := json.Marshal(r.raw)
	if err != nil {
		return err
	}
	for _, to := range []*ropeParameter{global, local} {
		if err := json.Unmarshal(data, to); err != nil {
			return fmt.Errorf("rope_parameters: %v", err)
		}
	}
	return nil
}

// rotary sets up heads of width dim in a model of maxPos positions.
func (p *ropeParameter) rotary(dim, maxPos int) (*nn.Rotary, error) {
	if !(p.Theta > 1 && p.Theta < 1e12) {
		return nil, fmt.Errorf("rope theta: %v is outside 1 to 1e12", p.Theta)
	}
	inv := make([]float64, dim/2)
	for i := range inv {
		inv[i] = math.Pow(p.Theta, -float64(2*i)/float64(dim))
	}
	scale := 1.0
	if p.Partial != nil && *p.Partial != 1 {
		return nil, fmt.Errorf("partial_rotary_factor: %v is not supported; 1 is", *p.Partial)
	}
	kind := p.Type
	if kind == "" {
		kind = p.OldType
	}
	var err error
	switch kind {
	case "", "default":
	case "linear":
		err = p.linear(inv)
	case "llama3":
		err = p.llama3(inv, maxPos)
	case "yarn":
		scale, err = p.yarn(inv, dim, maxPos)
	default:
		err = fmt.Errorf("rope_type: %q is not supported; default, linear, llama3 and yarn are", kind)
	}
	if err != nil {
		return nil, err
	}
	return &nn.Rotary{Dim: dim, InvFreq: inv, Scale: scale}, nil
}

// lengthened checks the factor and returns the length that the model was
// trained for first.
func (p *ropeParameter) lengthened(maxPos int) (original int, err error) {
	if err := p.checkFactor(); err != nil {
		return 0, err
	}
	if original = p.Original; original == 0 {
		original = maxPos
	}
	return original, within("rope_scaling.original_max_position_embeddings", original, 1, maxPositions)
}

func (p *ropeParameter) checkFactor() error {
	if !(p.Factor >= 1 && p.Factor <= 1e4) {
		return fmt.Errorf("rope_scaling.factor: %v is outside 1 to 10000", p.Factor)
	}
	return nil
}

// linear divides all frequencies by the factor.
func (p *ropeParameter) linear(inv []float64) error {
	if err := p.checkFactor(); err != nil {
		return err
	}
	for i := range inv {
		inv[i] /= p.Factor
	}
	return nil
}

// llama3 divides by the factor the frequencies whose waves turn less than
// low_freq_factor times over the original length, leaves those that turn more
// than high_freq_factor times, and blends between.
func (p *ropeParameter) llama3(inv []float64, maxPos int) error {
	original, err := p.lengthened(maxPos)
	if err != nil {
		return err
	}
	if !(p.LowFreq > 0 && p.LowFreq < p.HighFreq && p.HighFreq <= 1e6) {
		return fmt.Errorf("rope_scaling: low_freq_factor %v and high_freq_factor %v must be positive, the second larger", p.LowFreq, p.HighFreq)
	}
	for i, f := range inv {
		turns := float64(original) * f / (2 * math.Pi)
		keep := min(max((turns-p.LowFreq)/(p.HighFreq-p.LowFreq), 0), 1)
		inv[i] = f/p.Factor*(1-keep) + f*keep
	}
	return nil
}

// yarn divides the slow frequencies by the factor, leaves the fast ones, blends
// between, and returns the factor that multiplies cos and sin.
func (p *ropeParameter) yarn(inv []float64, dim, maxPos int) (float64, error) {
	original, err := p.lengthened(maxPos)
	if err != nil {
		return 0, err
	}
	factor := p.Factor
	fast, slow := 32.0, 1.0
	if p.BetaFast != nil {
		fast = *p.BetaFast
	}
	if p.BetaSlow != nil {
		slow = *p.BetaSlow
	}
	if !(fast > 0 && slow > 0) {
		return 0, fmt.Errorf("rope_scaling: beta_fast %v and beta_slow %v must be positive", fast, slow)
	}
	// The dimension whose wave turns so many times over the original length.
	at := func(turns float64) float64 {
		return float64(dim) * math.Log(float64(original)/(turns*2*math.Pi)) / (2 * math.Log(p.Theta))
	}
	lo, hi := at(fast), at(slow)
	if p.Truncate == nil || *p.Truncate {
		lo, hi = math.Floor(lo), math.Ceil(hi)
	}
	lo, hi = max(lo, 0), min(hi, float64(dim-1))
	if lo == hi {
		hi += 0.001
	}
	for i := range inv {
		ramp := min(max((float64(i)-lo)/(hi-lo), 0), 1)
		inv[i] = inv[i]/factor*ramp + inv[i]*(1-ramp)
	}
	mscale := func(m float64) float64 {
		if factor <= 1 {
			return 1
		}
		return 0.1*m*math.Log(factor) + 1
	}
	switch {
	case p.AttentionFactor != nil:
		if a := *p.AttentionFactor; !(a > 0 && a <= 1e4) {
			return 0, fmt.Errorf("rope_scaling.attention_factor: %v is outside 0 to 10000", a)
		}
		return *p.AttentionFactor, nil
	case p.MScale != nil && p.MScaleAllDim != nil && *p.MScale != 0 && *p.MScaleAllDim != 0:
		return mscale(*p.MScale) / mscale(*p.MScaleAllDim), nil
	}
	return mscale(1), nil
}
