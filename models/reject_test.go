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

// TestReject breaks a good folder in one place a case; each gives one error
// that names the place.
func TestReject(t *testing.T) {
	type folder struct {
		config map[string]any
		src    source
	}
	set := func(key string, v any) func(*folder) { return func(f *folder) { f.config[key] = v } }
	without := func(key string) func(*folder) { return func(f *folder) { delete(f.src, key) } }
	nan := func(name string) func(*folder) {
		return func(f *folder) {
			v := f.src[name]
			v.Data = slices.Clone(v.Data)
			binary.LittleEndian.PutUint32(v.Data[4:], math.Float32bits(float32(math.NaN())))
			f.src[name] = v
		}
	}
	const wo, embedding = "model.layers.1.attn.Wo.weight", "model.embeddings.tok_embeddings.weight"
	cases := []struct {
		name   string
		break_ func(*folder)
		want   string
	}{
		{"unknown architecture", set("architectures", []string{"GPT2LMHeadModel"}), `"GPT2LMHeadModel" is not supported; supported are Bert`},
		{"no architecture", set("architectures", []string{}), "architectures: want one name, have 0"},
		{"two architectures", set("architectures", []string{"BertModel", "ModernBertModel"}), "want one name, have 2"},
		{"architectures of another type", set("architectures", 7), "architectures"},
		{"negative hidden size", set("hidden_size", -64), "hidden_size: -64 is outside"},
		{"huge hidden size", set("hidden_size", 1<<40), "hidden_size: 1099511627776 is outside"},
		{"hidden size as text", set("hidden_size", "64"), "hidden_size"},
		{"fractional layers", set("num_hidden_layers", 2.5), "num_hidden_layers"},
		{"too many layers", set("num_hidden_layers", 100000), "num_hidden_layers: 100000 is outside"},
		{"huge vocabulary", set("vocab_size", 1<<60), "vocab_size"},
		{"zero heads", set("num_attention_heads", 0), "num_attention_heads: 0 is outside"},
		{"heads that do not divide", set("num_attention_heads", 7), "does not split into 7 heads"},
		{"huge intermediate size", set("intermediate_size", 1<<50), "intermediate_size"},
		{"huge position count", set("max_position_embeddings", 1<<50), "max_position_embeddings"},
		{"negative window", set("local_attention", -1), "local_attention: -1 is outside"},
		{"no global layers", set("global_attn_every_n_layers", 0), "global_attn_every_n_layers: 0 is outside"},
		{"unknown activation", set("hidden_activation", "mish"), `hidden_activation: "mish" is not supported`},
		{"unknown head activation", set("classifier_activation", "mish"), `classifier_activation: "mish" is not supported`},
		{"unknown pooling", set("classifier_pooling", "max"), `classifier_pooling: "max" is not`},
		{"eps of zero", set("norm_eps", 0), "norm_eps: 0 is outside"},
		{"negative eps", set("norm_eps", -1e-5), "norm_eps"},
		{"theta below one", set("global_rope_theta", 0.5), "rope theta: 0.5 is outside"},
		{"unknown scaling", set("rope_scaling", map[string]any{"rope_type": "longrope", "factor": 4}), `rope_type: "longrope" is not supported`},
		{"yarn without factor", set("rope_scaling", map[string]any{"rope_type": "yarn"}), "rope_scaling.factor: 0 is outside"},
		{"layer types of another number", set("layer_types", []string{"full_attention"}), "layer_types has 1 entries"},
		{"rope parameters of another type", set("rope_parameters", []int{1}), "rope_parameters"},
		{"labels with a hole", set("id2label", map[string]string{"0": "a", "2": "b"}), `id2label: id "2" is not one of 0 to 1`},
		{"labels without numbers", set("id2label", map[string]string{"zero": "a"}), `id2label: id "zero"`},
		{"more labels than rows", set("id2label", map[string]string{"0": "a", "1": "b", "2": "c", "3": "d", "4": "e", "5": "f", "6": "g", "7": "h", "8": "i"}), "tensor classifier.weight has shape"},
		{"missing tensor", without(wo), "missing tensor " + wo},
		{"missing norm", without("model.layers.2.mlp_norm.weight"), "missing tensor model.layers.2.mlp_norm.weight"},
		{"missing embedding", without(embedding), "missing tensor " + embedding},
		{"two missing tensors", func(f *folder) { without(wo)(f); without(embedding)(f) }, wo},
		{"unread tensor", func(f *folder) { f.src["extra.weight"] = f.src[wo] }, "1 tensors that the architecture does not have: extra.weight"},
		{"same tensor twice", func(f *folder) { f.src["_orig_mod."+wo] = f.src[wo] }, "are the same"},
		{"transposed tensor", func(f *folder) {
			v := f.src["model.layers.0.mlp.Wi.weight"]
			v.Shape = []int{v.Shape[1], v.Shape[0]}
			f.src["model.layers.0.mlp.Wi.weight"] = v
		}, "tensor model.layers.0.mlp.Wi.weight has shape"},
		{"flat tensor", func(f *folder) {
			v := f.src[wo]
			v.Shape = []int{v.Shape[0] * v.Shape[1]}
			f.src[wo] = v
		}, "tensor " + wo + " has shape"},
		{"tensor of another type", func(f *folder) {
			v := f.src[wo]
			v.DType = tensor.I32
			f.src[wo] = v
		}, "tensor " + wo},
		{"NaN weight", nan(wo), "tensor " + wo + ": value 1 is NaN"},
		{"NaN norm", nan("model.final_norm.weight"), "tensor model.final_norm.weight: value 1 is NaN"},
		{"int8 without scales", func(f *folder) {
			v := f.src[wo]
			v.DType, v.Data = tensor.I8, make([]byte, v.Shape[0]*v.Shape[1])
			f.src[wo] = v
		}, "missing tensor " + wo + "_scale"},
		{"int8 with a NaN scale", func(f *folder) {
			v := f.src[wo]
			n := v.Shape[0]
			v.DType, v.Data = tensor.I8, make([]byte, v.Shape[0]*v.Shape[1])
			f.src[wo] = v
			s := tensor.View{Name: wo + "_scale", DType: tensor.F32, Shape: []int{n}, Data: make([]byte, 4*n)}
			f.src[s.Name] = s
			nan(s.Name)(f)
		}, "_scale: value 1 is NaN"},
		{"int8 with a negative scale", func(f *folder) {
			v := f.src[wo]
			n := v.Shape[0]
			v.DType, v.Data = tensor.I8, make([]byte, v.Shape[0]*v.Shape[1])
			f.src[wo] = v
			s := tensor.View{Name: wo + "_scale", DType: tensor.F32, Shape: []int{n}, Data: make([]byte, 4*n)}
			binary.LittleEndian.PutUint32(s.Data, math.Float32bits(-1))
			f.src[s.Name] = s
		}, "_scale: value 0 is negative"},
		{"int8 value outside the range", func(f *folder) {
			v := f.src[wo]
			n := v.Shape[0]
			v.DType, v.Data = tensor.I8, make([]byte, v.Shape[0]*v.Shape[1])
			v.Data[3] = 0x80
			f.src[wo] = v
			f.src[wo+"_scale"] = tensor.View{Name: wo + "_scale", DType: tensor.F32, Shape: []int{n}, Data: make([]byte, 4*n)}
		}, "int8 value -128"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := &folder{}
			f.config, f.src = load(t, "modernbert-seq-mean")
			f.config, f.src = maps.Clone(f.config), maps.Clone(f.src)
			c.break_(f)
			config, err := json.Marshal(f.config)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range []nn.Precision{nn.F32, nn.I8} {
				_, err = models.Open(config, f.src, models.Options{Precision: p})
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

// TestRejectConfigText: files that are not the JSON they should be.
func TestRejectConfigText(t *testing.T) {
	_, src := load(t, "modernbert-seq-mean")
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "config.json"},
		"not JSON":       {"hello", "config.json"},
		"truncated":      {`{"architectures": ["BertModel"`, "malformed JSON"},
		"two values":     {`{} {}`, "config.json"},
		"an array":       {`[]`, "config.json"},
		"duplicate key":  {`{"hidden_size": 64, "hidden_size": 32}`, `key "hidden_size" comes twice`},
		"case variant":   {`{"hidden_size": 64, "Hidden_Size": 32}`, `key "Hidden_Size" comes twice`},
		"deep nesting":   {strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000), "nested deeper"},
		"deep arrays":    {`{"a":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + "}", "nested deeper"},
		"a huge number":  {`{"architectures":["BertModel"],"hidden_size":1e400}`, "hidden_size"},
		"an over number": {`{"architectures":["BertModel"],"hidden_size":99999999999999999999}`, "hidden_size"},
		"bad escape":     {`{"architectures":["\q"]}`, "malformed JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := models.Open([]byte(c.text), src, models.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// FuzzOpen: no config makes a good set of tensors panic.
func FuzzOpen(f *testing.F) {
	config, src := load(f, "modernbert-seq-mean")
	good, _ := json.Marshal(config)
	f.Add(good)
	f.Add([]byte(`{"architectures":["BertModel"],"hidden_size":64}`))
	f.Add([]byte(`{"architectures":["ModernBertModel"],"rope_parameters":{"full_attention":{"rope_type":"yarn","factor":4}}}`))
	f.Fuzz(func(t *testing.T, config []byte) {
		models.Open(config, src, models.Options{})
	})
}
