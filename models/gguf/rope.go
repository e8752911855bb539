package gguf

import (
	"errors"
	"math"
	"slices"
)

// parseRope reads how positions rotate.
func (f *File) parseRope(prefix string) error {
	h := &f.hyper
	h.theta, h.factor, h.attnFactor = 10000, 1, 1
	for _, n := range []struct {
		to     *float32
		key    string
		lo, hi float32
	}{
		{&h.theta, "rope.freq_base", 1, 1e12},
		{&h.factor, "rope.scaling.factor", 0, 1e6},
		{&h.attnFactor, "rope.scaling.attn_factor", 0, 1e6},
		{&h.betaFast, "rope.scaling.yarn_beta_fast", 0, 1e6},
		{&h.betaSlow, "rope.scaling.yarn_beta_slow", 0, 1e6},
	} {
		if !f.has(prefix + n.key) {
			continue
		}
		var err error
		if *n.to, err = f.float(prefix+n.key, n.lo, n.hi); err != nil {
			return err
		}
	}
	key := prefix + "rope.scaling.type"
	kind, err := f.text(key)
	if err != nil {
		return err
	}
	if old := prefix + "rope.scale_linear"; f.has(old) { // of files before rope.scaling
		if kind != "" {
			return f.failKey(old, "beside %s", key)
		}
		if h.factor, err = f.float(old, 0, 1e6); err != nil {
			return err
		}
		kind, key = "linear", old
	}
	switch kind {
	case "", "none":
		if f.has(prefix + "rope.scaling.factor") {
			return f.failKey(prefix+"rope.scaling.factor", "without %s", key)
		}
		return nil
	case "linear", "yarn":
		if h.factor == 0 { // how llama.cpp writes that there is none
			h.factor = 1
		}
		if h.factor < 1 {
			return f.failKey(key, "%s with a factor of %v; want at least 1", kind, h.factor)
		}
		if h.factor > 1 {
			h.scaling = kind
		}
	default:
		return f.failKey(key, "%s is not supported; supported are none, linear, yarn", clip(kind))
	}
	if h.scaling == "yarn" && h.original == 0 {
		return f.failKey(prefix+"rope.scaling.original_context_length", "is missing, but yarn needs it")
	}
	if h.attnFactor != 1 {
		return f.failKey(prefix+"rope.scaling.attn_factor", "%v is not supported; 1 is", h.attnFactor)
	}
	return nil
}

// ropeScaling is the rope_scaling of config.json; nil for none.
func (f *File) ropeScaling() (map[string]any, error) {
	h := &f.hyper
	i := slices.IndexFunc(f.tensors, func(t stored) bool { return t.part == partRopeFreqs })
	if i >= 0 {
		factors, err := f.read(&f.tensors[i])
		if err != nil {
			return nil, err
		}
		l, err := h.llama3(factors)
		if err != nil {
			return nil, f.failTensor(f.tensors[i].file(), "%v", err)
		}
		if l != nil && h.scaling != "" {
			return nil, f.failTensor(f.tensors[i].file(), "beside the rope scaling %s", h.scaling)
		}
		if l != nil {
			return l, nil
		}
	}
	switch h.scaling {
	case "linear":
		return map[string]any{"rope_type": "linear", "factor": h.factor}, nil
	case "yarn":
		s := map[string]any{"rope_type": "yarn", "factor": h.factor, "original_max_position_embeddings": h.original}
		if h.betaFast != 0 {
			s["beta_fast"] = h.betaFast
		}
		if h.betaSlow != 0 {
			s["beta_slow"] = h.betaSlow
		}
		return s, nil
	}
	return nil, nil
}

// llama3 finds the parameters of Llama 3's rope scaling that the factors of the
// frequencies were made with; nil when they are all 1. With λ the wavelength of a
// frequency, c the original context, and l and h the low and high factors, its
// factor is 1 below c/h, the factor above c/l, and between them
//
//	1 / ((1-s)/factor + s)    s = (c/λ - l)/(h - l)
//
// so that s is a straight line in 1/λ. Only c/l and c/h can be told from it: l is
// taken to be 1, as it is in every Llama. The result is checked by making the
// factors again.
func (h *hyper) llama3(factors []float32) (map[string]any, error) {
	n := len(factors)
	factor := float64(factors[n-1])
	if i := slices.IndexFunc(factors, func(x float32) bool { return x != 1 }); i < 0 {
		return nil, nil
	}
	rate := func(i int) float64 { // 1/λ
		return math.Pow(float64(h.theta), -2*float64(i)/float64(2*n)) / (2 * math.Pi)
	}
	var points []int // where the line is seen
	for i, x := range factors {
		if float64(x) > 1 && float64(x) < factor {
			points = append(points, i)
		}
	}
	errNot := errors.New("these are no factors of Llama 3's scaling, which alone is supported")
	if !(factor > 1) || len(points) < 2 {
		return nil, errNot
	}
	smooth := func(i int) float64 { return (1/float64(factors[i]) - 1/factor) / (1 - 1/factor) }
	a, b := points[0], points[len(points)-1]
	slope := (smooth(a) - smooth(b)) / (rate(a) - rate(b)) // c/(h-l)
	begin := slope*rate(a) - smooth(a)                     // l/(h-l)
	if !(slope > 0) || !(begin > 0) || slope > 1e9 || begin > 1e6 {
		return nil, errNot
	}
	context, high := math.Round(slope/begin), 1+1/begin
	if r := math.Round(high*100) / 100; math.Abs(high-r) < 1e-3 {
		high = r
	}
	if !(context >= 1 && high > 1) {
		return nil, errNot
	}
	for i, x := range factors {
		want := 1.0
		switch s := (context*rate(i) - 1) / (high - 1); {
		case s < 0:
			want = factor
		case s < 1:
			want = 1 / ((1-s)/factor + s)
		}
		if math.Abs(float64(x)-want) > 1e-4*want {
			return nil, errNot
		}
	}
	return map[string]any{
		"rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0, "high_freq_factor": high,
		"original_max_position_embeddings": int(context),
	}, nil
}
