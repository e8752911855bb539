package bench

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"sort"
	"strings"

	"mom/models/nn"
	"mom/tensor"
)

// ShapePrefix comes before the name of a shape where a folder could stand.
const ShapePrefix = "shape:"

// A Shape is a model without meaning: the tensors of an architecture at the
// size of a published model, with random values from a fixed seed. It is a
// models.Source that makes each tensor when it is asked for, so that a model of
// a gigabyte is never in memory twice.
type Shape struct {
	Config    []byte // config.json
	precision nn.Precision
	shapes    map[string][]int
	last      tensor.View
}

// The sizes of the shapes, named like the published models that have them.
var (
	modernBERTShapes = map[string]encoder{
		"modernbert-base":  {768, 22, 12, 1152, 50368, 8192},
		"modernbert-large": {1024, 28, 16, 2624, 50368, 8192},
	}
	bertShapes = map[string]encoder{
		"minilm-l6": {384, 6, 12, 1536, 30522, 512},
		"bert-base": {768, 12, 12, 3072, 30522, 512},
	}
)

type encoder struct {
	hidden, layers, heads, intermediate, vocab, positions int
}

// ShapeNames lists the shapes, with the prefix.
func ShapeNames() []string {
	var names []string
	for _, m := range []map[string]encoder{modernBERTShapes, bertShapes} {
		for name := range m {
			names = append(names, ShapePrefix+name)
		}
	}
	sort.Strings(names)
	return names
}

// NewShape makes a base model of a shape whose matrices are stored as p.
func NewShape(name string, p nn.Precision) (*Shape, error) {
	short := strings.TrimPrefix(name, ShapePrefix)
	s := &Shape{precision: p, shapes: map[string][]int{}}
	if e, ok := modernBERTShapes[short]; ok {
		s.modernBERT(e)
	} else if e, ok := bertShapes[short]; ok {
		s.bert(e)
	} else {
		return nil, fmt.Errorf("no shape %q; there are %s", name, strings.Join(ShapeNames(), ", "))
	}
	return s, nil
}

func (s *Shape) modernBERT(e encoder) {
	d, f := e.hidden, e.intermediate
	s.Config = mustJSON(map[string]any{
		"architectures": []string{"ModernBertModel"}, "model_type": "modernbert",
		"vocab_size": e.vocab, "hidden_size": d, "intermediate_size": f,
		"num_hidden_layers": e.layers, "num_attention_heads": e.heads, "max_position_embeddings": e.positions,
		"hidden_activation": "gelu", "norm_eps": 1e-5, "norm_bias": false, "attention_bias": false, "mlp_bias": false,
		"global_attn_every_n_layers": 3, "local_attention": 128, "global_rope_theta": 160000.0, "local_rope_theta": 10000.0,
	})
	s.add("embeddings.tok_embeddings.weight", e.vocab, d)
	s.add("embeddings.norm.weight", d)
	for i := range e.layers {
		at := fmt.Sprintf("layers.%d.", i)
		if i > 0 {
			s.add(at+"attn_norm.weight", d)
		}
		s.add(at+"attn.Wqkv.weight", 3*d, d)
		s.add(at+"attn.Wo.weight", d, d)
		s.add(at+"mlp_norm.weight", d)
		s.add(at+"mlp.Wi.weight", 2*f, d)
		s.add(at+"mlp.Wo.weight", d, f)
	}
	s.add("final_norm.weight", d)
}

func (s *Shape) bert(e encoder) {
	d, f := e.hidden, e.intermediate
	s.Config = mustJSON(map[string]any{
		"architectures": []string{"BertModel"}, "model_type": "bert",
		"vocab_size": e.vocab, "hidden_size": d, "intermediate_size": f,
		"num_hidden_layers": e.layers, "num_attention_heads": e.heads, "max_position_embeddings": e.positions,
		"hidden_act": "gelu", "layer_norm_eps": 1e-12, "type_vocab_size": 2,
	})
	s.add("embeddings.word_embeddings.weight", e.vocab, d)
	s.add("embeddings.position_embeddings.weight", e.positions, d)
	s.add("embeddings.token_type_embeddings.weight", 2, d)
	s.linearNorm("embeddings.LayerNorm", d)
	for i := range e.layers {
		at := fmt.Sprintf("encoder.layer.%d.", i)
		for _, part := range []string{"query", "key", "value"} {
			s.linear(at+"attention.self."+part, d, d)
		}
		s.linear(at+"attention.output.dense", d, d)
		s.linearNorm(at+"attention.output.LayerNorm", d)
		s.linear(at+"intermediate.dense", f, d)
		s.linear(at+"output.dense", d, f)
		s.linearNorm(at+"output.LayerNorm", d)
	}
}

func (s *Shape) linear(name string, n, k int) {
	s.add(name+".weight", n, k)
	s.add(name+".bias", n)
}

func (s *Shape) linearNorm(name string, d int) {
	s.add(name+".weight", d)
	s.add(name+".bias", d)
}

func (s *Shape) add(name string, shape ...int) {
	s.shapes[name] = shape
	if len(shape) == 2 && s.precision == nn.I8 {
		s.shapes[name+"_scale"] = shape[:1]
	}
}

// Names implements models.Source.
func (s *Shape) Names() []string {
	names := make([]string, 0, len(s.shapes))
	for name := range s.shapes {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Stat implements models.Source.
func (s *Shape) Stat(name string) (tensor.View, bool) {
	shape, ok := s.shapes[name]
	v := tensor.View{Name: name, DType: tensor.F32, Shape: shape}
	switch {
	case len(shape) == 2 && s.precision == nn.I8:
		v.DType = tensor.I8
	case len(shape) == 2 && s.precision == nn.BF16:
		v.DType = tensor.BF16
	}
	return v, ok
}

// Tensor implements models.Source. It keeps the last tensor only, and is for
// one goroutine.
func (s *Shape) Tensor(name string) (tensor.View, bool) {
	v, ok := s.Stat(name)
	if !ok {
		return tensor.View{}, false
	}
	if s.last.Name == name {
		return s.last, true
	}
	shape := v.Shape
	n := 1
	for _, d := range shape {
		n *= d
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	// Uniform in ±bound has the variance 1/k that keeps activations in range.
	bound := float32(math.Sqrt(3 / float64(shape[len(shape)-1])))
	matrix := len(shape) == 2
	switch {
	case matrix && s.precision == nn.I8:
		v.Data = randomInt8(r, n)
	case matrix && s.precision == nn.BF16:
		v.Data = randomFloats(r, n, bound, 2)
	case matrix:
		v.Data = randomFloats(r, n, bound, 4)
	case strings.HasSuffix(name, "_scale"):
		k := s.shapes[strings.TrimSuffix(name, "_scale")][1]
		v.Data = constant(n, float32(math.Sqrt(3/float64(k)))/127)
	case strings.HasSuffix(name, ".bias"):
		v.Data = randomFloats(r, n, 0.02, 4)
	default: // the gain of a norm
		v.Data = constant(n, 1)
	}
	s.last = v
	return v, true
}

func randomInt8(r *rand.Rand, n int) []byte {
	b := make([]byte, (n+7)/8*8)
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	for i, q := range b {
		if int8(q) == -128 { // outside the symmetric range
			b[i] = 0
		}
	}
	return b[:n]
}

// randomFloats draws n values from [-bound, bound) as float32, or as bfloat16
// when width is 2.
func randomFloats(r *rand.Rand, n int, bound float32, width int) []byte {
	b := make([]byte, n*width)
	for i := range n {
		x := bound * (float32(r.Uint32()>>8)*(2.0/(1<<24)) - 1)
		if width == 2 {
			binary.LittleEndian.PutUint16(b[2*i:], uint16(math.Float32bits(x)>>16))
		} else {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
		}
	}
	return b
}

func constant(n int, x float32) []byte {
	b := make([]byte, 4*n)
	for i := range n {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return b
}

func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: bench: " + err.Error())
	}
	return data
}
