// This file is Qwen3 (Yang et al. 2025, arXiv:2505.09388): Llama whose queries and
// keys are normed, head by head, before they are turned, and whose heads need
// not divide the hidden size.

package models

import "fmt"

type qwen3Config struct {
	llamaConfig
	Sliding bool `json:"use_sliding_window"`
}

// qwen3Defaults are the values of keys that a config leaves out.
func qwen3Defaults() qwen3Config {
	return qwen3Config{llamaConfig: llamaConfig{
		Vocab: 151936, Hidden: 4096, Intermediate: 22016, Layers: 32, Heads: 32, KVHeads: 32, HeadDim: 128,
		Activation: "silu", MaxPositions: 32768, NormEps: 1e-6, RopeTheta: 10000,
	}}
}

func openQwen3(c *Config, w *Weights) (Decoder, error) {
	conf := qwen3Defaults()
	if err := c.decode(&conf); err != nil {
		return nil, err
	}
	switch {
	case conf.Sliding:
		return nil, fmt.Errorf("use_sliding_window: true is not supported; false is")
	case conf.MLPBias:
		return nil, fmt.Errorf("mlp_bias: true is not supported; false is")
	}
	return (&llama{llamaConfig: conf.llamaConfig}).open(w, true)
}
