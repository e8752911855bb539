package models_test

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"mom/models"
	"mom/models/nn"
	"mom/tensor"
)

// TestRejectDecoder breaks a good decoder in one place a case; each gives one
// error that names the place.
func TestRejectDecoder(t *testing.T) {
	type folder struct {
		config map[string]any
		src    source
	}
	set := func(key string, v any) func(*folder) { return func(f *folder) { f.config[key] = v } }
	without := func(name string) func(*folder) { return func(f *folder) { delete(f.src, name) } }
	scaling := func(v map[string]any) func(*folder) { return set("rope_scaling", v) }
	const q, embedding = "model.layers.1.self_attn.q_proj.weight", "model.embed_tokens.weight"
	cases := []struct {
		name   string
		break_ func(*folder)
		want   string
	}{
		{"an encoder", set("architectures", []string{"BertModel"}), `"BertModel" is not a supported decoder; supported are LlamaForCausalLM, Qwen3ForCausalLM`},
		{"no architecture", set("architectures", nil), "architectures: want one name, have 0"},
		{"huge hidden size", set("hidden_size", 1<<40), "hidden_size: 1099511627776 is outside"},
		{"hidden size as text", set("hidden_size", "72"), "hidden_size"},
		{"too many layers", set("num_hidden_layers", 100000), "num_hidden_layers: 100000 is outside"},
		{"negative layers", set("num_hidden_layers", -1), "num_hidden_layers: -1 is outside"},
		{"huge vocabulary", set("vocab_size", 1<<60), "vocab_size"},
		{"zero heads", set("num_attention_heads", 0), "num_attention_heads: 0 is outside"},
		{"more kv heads than heads", set("num_key_value_heads", 18), "num_key_value_heads: 18 is outside"},
		{"negative kv heads", set("num_key_value_heads", -3), "num_key_value_heads: -3 is outside"},
		{"kv heads that do not divide", set("num_key_value_heads", 4), "9 is not a multiple of num_key_value_heads 4"},
		{"heads that do not divide", set("num_attention_heads", 15), "does not split into 15 heads"},
		{"odd head", set("head_dim", 7), "head_dim: 7 is odd"},
		{"negative head", set("head_dim", -8), "head_dim: -8 is outside"},
		{"huge head", set("head_dim", 1<<30), "head_dim: 1073741824 is outside"},
		{"huge position count", set("max_position_embeddings", 1<<50), "max_position_embeddings"},
		{"eps of zero", set("rms_norm_eps", 0), "rms_norm_eps: 0 is outside"},
		{"unknown activation", set("hidden_act", "mish"), `hidden_act: "mish" is not supported`},
		{"theta below one", set("rope_theta", 0.5), "rope theta: 0.5 is outside"},
		{"interleaved", set("rope_interleaved", true), "rope_interleaved: true is not supported"},
		{"sliding layers", set("layer_types", []string{"full_attention", "sliding_attention"}), `layer_types[1]: "sliding_attention" is not supported`},
		{"quantised by others", set("quantization_config", map[string]any{"quant_method": "awq"}), "quantization_config: is not supported"},
		{"partial rotation", set("partial_rotary_factor", 0.5), "partial_rotary_factor: 0.5 is not supported"},
		{"unknown scaling", scaling(map[string]any{"rope_type": "longrope", "factor": 4}), `rope_type: "longrope" is not supported`},
		{"dynamic scaling", scaling(map[string]any{"type": "dynamic", "factor": 4}), `rope_type: "dynamic" is not supported`},
		{"linear without factor", scaling(map[string]any{"type": "linear"}), "rope_scaling.factor: 0 is outside"},
		{"linear of a huge factor", scaling(map[string]any{"type": "linear", "factor": 1e300}), "rope_scaling.factor: 1e+300 is outside"},
		{"llama3 without bands", scaling(map[string]any{"rope_type": "llama3", "factor": 8}), "low_freq_factor 0 and high_freq_factor 0"},
		{"llama3 with one band", scaling(map[string]any{"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}), "low_freq_factor 4 and high_freq_factor 4"},
		{"yarn with attention of zero", scaling(map[string]any{"rope_type": "yarn", "factor": 4, "attention_factor": 0}), "attention_factor: 0 is outside"},
		{"rope parameters of another type", set("rope_parameters", []int{1}), "rope_parameters"},
		{"layers that are not there", set("mom_layers", []int{0, 3}), "mom_layers[1]: 3; want layers of 0 to 2"},
		{"layers descending", set("mom_layers", []int{1, 0}), "mom_layers[1]: 0"},
		{"layers twice", set("mom_layers", []int{1, 1}), "mom_layers[1]: 1"},
		{"no layers", set("mom_layers", []int{}), "mom_layers: is empty"},
		{"missing tensor", without(q), "missing tensor " + q},
		{"missing norm", without("model.layers.2.input_layernorm.weight"), "missing tensor model.layers.2.input_layernorm.weight"},
		{"missing second norm", without("model.layers.0.post_attention_layernorm.weight"), "missing tensor model.layers.0.post_attention_layernorm.weight"},
		{"missing last norm", without("model.norm.weight"), "missing tensor model.norm.weight"},
		{"missing embedding", without(embedding), "missing tensor " + embedding},
		{"missing output layer", set("tie_word_embeddings", false), "missing tensor lm_head.weight"},
		{"missing bias", set("attention_bias", true), "missing tensor model.layers.0.self_attn.q_proj.bias"},
		{"unread bias", func(f *folder) {
			f.src["model.layers.0.mlp.up_proj.bias"] = f.src["model.norm.weight"]
		}, "1 tensors that the architecture does not have: model.layers.0.mlp.up_proj.bias"},
		{"norm of a head", func(f *folder) {
			f.src["model.layers.0.self_attn.q_norm.weight"] = f.src["model.norm.weight"]
		}, "does not have: model.layers.0.self_attn.q_norm.weight"},
		{"transposed tensor", func(f *folder) {
			const name = "model.layers.0.mlp.down_proj.weight"
			v := f.src[name]
			v.Shape = []int{v.Shape[1], v.Shape[0]}
			f.src[name] = v
		}, "tensor model.layers.0.mlp.down_proj.weight has shape [56 72], want [72 56]"},
		{"NaN", func(f *folder) {
			v := f.src[q]
			v.Data = slices.Clone(v.Data)
			binary.LittleEndian.PutUint32(v.Data[4:], math.Float32bits(float32(math.Inf(1))))
			f.src[q] = v
		}, "tensor " + q + ": value 1 is +Inf"},
		{"int4 of a width without groups", func(f *folder) {
			f.src[q] = tensor.View{Name: q, DType: tensor.U8, Shape: []int{72, 36}, Data: make([]byte, 72*36)}
		}, "tensor " + q + " is int4, but its rows of 72 values are not groups of 32"},
	}
	g := decoderGoldenOf(t, "llama-gqa3")
	var config map[string]any
	if err := json.Unmarshal([]byte(g.Config), &config); err != nil {
		t.Fatal(err)
	}
	src := goldenWeights(g.Name, g.Tensors)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &folder{maps.Clone(config), maps.Clone(src)}
			c.break_(f)
			text, err := json.Marshal(f.config)
			if err != nil {
				t.Fatal(err)
			}
			for p := nn.F32; p <= nn.I4; p++ {
				_, err = models.OpenDecoder(text, f.src, models.Options{Precision: p})
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("error is %v, want one with %q", err, c.want)
				}
				if strings.Contains(err.Error(), "\n") {
					t.Fatalf("error has more than one line: %v", err)
				}
			}
		})
	}
}

// TestRejectPacked breaks int4 tensors.
func TestRejectPacked(t *testing.T) {
	const name = "model.layers.0.self_attn.q_proj.weight"
	g := decoderGoldenOf(t, "llama-wide")
	for what, c := range map[string]struct {
		break_ func(source)
		want   string
	}{
		"no scales":       {func(s source) { delete(s, name+"_scale") }, "missing tensor " + name + "_scale"},
		"scales a row":    {func(s source) { v := s[name+"_scale"]; v.Shape = []int{v.Len()}; s[name+"_scale"] = v }, "_scale has shape [288], want [96 3]"},
		"as many as int8": {func(s source) { v := s[name]; v.Shape = []int{48, 96}; s[name] = v }, "has shape [48 96], want [96 48]"},
		"an infinite scale": {func(s source) {
			v := s[name+"_scale"]
			v.Data = slices.Clone(v.Data)
			binary.LittleEndian.PutUint16(v.Data[2:], 0x7C00)
			s[name+"_scale"] = v
		}, "_scale: value 1 is +Inf"},
	} {
		src := packI4(t, goldenWeights(g.Name, g.Tensors))
		c.break_(src)
		if _, err := models.OpenDecoder([]byte(g.Config), src, models.Options{Precision: nn.I4}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", what, err, c.want)
		}
	}
}

// FuzzOpenDecoder: no config makes a good set of tensors panic.
func FuzzOpenDecoder(f *testing.F) {
	g := decoderGoldenOf(f, "llama-gqa4-llama3")
	src := goldenWeights(g.Name, g.Tensors)
	f.Add([]byte(g.Config))
	f.Add([]byte(`{"architectures":["Qwen3ForCausalLM"],"hidden_size":40,"mom_layers":[0]}`))
	f.Add([]byte(`{"architectures":["LlamaForCausalLM"],"rope_parameters":{"rope_type":"llama3","factor":4}}`))
	f.Fuzz(func(t *testing.T, config []byte) {
		models.OpenDecoder(config, src, models.Options{})
	})
}
