package models

import (
	"encoding/json"
	"fmt"
	"math"

	"mom/models/nn"
)

// ropeScaling is the rope_scaling object of a config; only YaRN (Peng et al.
// 2023, arXiv:2309.00071) and no scaling are supported.
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
	kind := p.Type
	if kind == "" {
		kind = p.OldType
	}
	switch kind {
	case "", "default":
	case "yarn":
		var err error
		if scale, err = p.yarn(inv, dim, maxPos); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("rope_type: %q is not supported; default and yarn are", kind)
	}
	return &nn.Rotary{Dim: dim, InvFreq: inv, Scale: scale}, nil
}

// yarn divides the slow frequencies by the factor, leaves the fast ones, blends
// between, and returns the factor that multiplies cos and sin.
func (p *ropeParameter) yarn(inv []float64, dim, maxPos int) (float64, error) {
	original := p.Original
	if original == 0 {
		original = maxPos
	}
	factor := p.Factor
	if !(factor >= 1 && factor <= 1e4) {
		return 0, fmt.Errorf("rope_scaling.factor: %v is outside 1 to 10000", factor)
	}
	if err := within("rope_scaling.original_max_position_embeddings", original, 1, maxPositions); err != nil {
		return 0, err
	}
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
		return *p.AttentionFactor, nil
	case p.MScale != nil && p.MScaleAllDim != nil && *p.MScale != 0 && *p.MScaleAllDim != 0:
		return mscale(*p.MScale) / mscale(*p.MScaleAllDim), nil
	}
	return mscale(1), nil
}
