package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"unsafe"

	"mom/kernels/half"
	"mom/kernels/quant"
	"mom/models"
	"mom/models/nn"
	"mom/tensor"
)

// A converter turns tensors into another number format and keeps account of
// what that changes.
type converter struct {
	precision string
	heads     []string    // prefixes of tensors that stay F32
	fit       *models.Fit // that rounds to int4 and int8; nil to round to the nearest
	classes   []*classInfo
}

// classInfo is the account of one kind of tensors.
type classInfo struct {
	Class       string  `json:"class"`
	Tensors     int     `json:"tensors"`
	Values      int64   `json:"values"`
	BytesBefore int64   `json:"bytes_before"`
	BytesAfter  int64   `json:"bytes_after"`
	MeanError   float64 `json:"mean_error"` // of absolute differences
	MaxError    float64 `json:"max_error"`
	Relative    float64 `json:"relative_rms"`

	sum, squares, norm float64
}

func newConverter(precision string, manifest []byte) (*converter, error) {
	c := &converter{precision: precision, heads: []string{"heads.", "head.", "classifier.", "pooler.", "bert.pooler.", "cls.predictions.transform."}}
	for _, class := range []string{"embeddings", "attention", "feed-forward", "output", "norms and biases", "heads"} {
		c.classes = append(c.classes, &classInfo{Class: class})
	}
	if manifest != nil {
		m, err := models.ParseManifest(manifest)
		if err != nil {
			return nil, err
		}
		for _, h := range m.Heads {
			c.heads = append(c.heads, h.Prefix+".")
		}
	}
	return c, nil
}

// class names the kind of tensor that name is.
func (c *converter) class(name string, dims int) *classInfo {
	name = strings.TrimPrefix(name, "_orig_mod.")
	class := "feed-forward"
	switch {
	case slices.ContainsFunc(c.heads, func(p string) bool { return strings.HasPrefix(name, p) }):
		class = "heads"
	case dims != 2:
		class = "norms and biases"
	case strings.Contains(name, "embeddings") || strings.Contains(name, "embed_tokens"):
		class = "embeddings"
	case strings.Contains(name, "attn") || strings.Contains(name, "attention"):
		class = "attention"
	case strings.Contains(name, "decoder") || name == "lm_head.weight":
		class = "output"
	}
	i := slices.IndexFunc(c.classes, func(k *classInfo) bool { return k.Class == class })
	return c.classes[i]
}

// tensors are those of a model that is converted.
type tensors interface {
	models.Source
	Metadata() map[string]string
	Close() error
}

// all converts every tensor of f, in the order of their names.
func (c *converter) all(ctx context.Context, f tensors) ([]tensor.View, error) {
	names := slices.Clone(f.Names())
	slices.Sort(names)
	var out []tensor.View
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if isScale(f, name) || isOffset(f, name) {
			continue // goes with its tensor
		}
		v, ok := f.Tensor(name)
		if !ok {
			if g, ok := f.(ggufTensors); ok && g.Err() != nil {
				return nil, g.Err()
			}
			return nil, fmt.Errorf("tensor %s cannot be read; did the file change?", name)
		}
		views, err := c.one(f, v)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", name, err)
		}
		out = append(out, views...)
	}
	c.classes = slices.DeleteFunc(c.classes, func(k *classInfo) bool { return k.Tensors == 0 })
	return out, nil
}

func (c *converter) one(f tensors, v tensor.View) ([]tensor.View, error) {
	k := c.class(v.Name, len(v.Shape))
	k.Tensors++
	before := int64(len(v.Data))
	if g, ok := f.(ggufTensors); ok {
		_, before = g.Stored(v.Name)
	}
	scale, scaled := f.Tensor(v.Name + "_scale")
	offset, shifted := f.Tensor(v.Name + "_offset")
	shifted = shifted && isOffset(f, v.Name+"_offset")
	if scaled {
		before += int64(len(scale.Data))
	}
	if shifted {
		before += int64(len(offset.Data))
	}
	k.BytesBefore += before
	narrow := k.Class != "heads" && k.Class != "norms and biases"
	switch {
	case scaled && narrow && v.DType == packedType(c.format(v.Name, k, rowLen(v))):
		k.Values += int64(v.Shape[0] * rowLen(v))
		k.BytesAfter += before
		if shifted {
			return []tensor.View{v, scale, offset}, nil
		}
		return []tensor.View{v, scale}, nil
	case c.keepsI4(f, v.Name, k):
		q, s, o, ok := f.(models.Int4Source).Int4(v.Name)
		if !ok {
			break
		}
		m := nn.Matrix{N: v.Shape[0], K: v.Shape[1], I4: q, Scale: s, Offset: slices.Clone(o)}
		x := m.Floats()
		m.Offset = o
		views := viewsI4(v, q, s, o) // rounds the offsets
		for _, o := range views {
			k.BytesAfter += int64(len(o.Data))
		}
		k.note(x, m.Floats())
		return views, nil
	case !isFloat(v.DType) && !scaled: // positions, which the model leaves alone
		k.BytesAfter += before
		return []tensor.View{v}, nil
	}
	if !shifted {
		offset = tensor.View{}
	}
	x, err := floats(v, scale, offset, scaled)
	if err != nil {
		return nil, err
	}
	if v.DType == tensor.U8 {
		v.Shape = []int{v.Shape[0], rowLen(v)}
	}
	views, back := c.encode(v, x, c.format(v.Name, k, rowLen(v)))
	for _, o := range views {
		k.BytesAfter += int64(len(o.Data))
	}
	k.note(x, back)
	return views, nil
}

// format is the number format of a tensor whose rows have n values.
func (c *converter) format(name string, k *classInfo, n int) string {
	switch {
	case k.Class == "heads" || k.Class == "norms and biases":
		return "f32"
	case c.precision == "int4" && (k.Class == "embeddings" || k.Class == "output" || n%quant.GroupI4 != 0 || isQKV(name)):
		return "int8"
	}
	return c.precision
}

// isQKV reports whether a tensor makes queries, keys or values: in int4 those are
// a sixth of a decoder's weights and more than a third of the error.
func isQKV(name string) bool {
	return strings.HasSuffix(name, ".q_proj.weight") || strings.HasSuffix(name, ".k_proj.weight") || strings.HasSuffix(name, ".v_proj.weight")
}

// packedType is the type of the integers of a format.
func packedType(format string) tensor.DType {
	switch format {
	case "int8":
		return tensor.I8
	case "int4":
		return tensor.U8
	}
	return tensor.Invalid
}

// rowLen is the number of values in a row of a matrix.
func rowLen(v tensor.View) int {
	if len(v.Shape) != 2 {
		return 0
	}
	if v.DType == tensor.U8 {
		return 2 * v.Shape[1]
	}
	return v.Shape[1]
}

func isFloat(d tensor.DType) bool {
	switch d {
	case tensor.F32, tensor.F16, tensor.BF16, tensor.F64:
		return true
	}
	return false
}

// floats reads a tensor, with its scales when it is int8, and with offsets if it has
// them when it is int4. Values that are not finite are refused: no format would say
// what they mean.
func floats(v, scale, offset tensor.View, scaled bool) ([]float32, error) {
	x := make([]float32, v.Len())
	if v.DType == tensor.U8 && scaled {
		n, k := v.Shape[0], rowLen(v)
		m := nn.Matrix{N: n, K: k, I4: v.Data, Scale: make([]float32, scale.Len())}
		if err := scale.Float32s(m.Scale); err != nil {
			return nil, err
		}
		if k == 0 || k%quant.GroupI4 != 0 || len(m.Scale) != n*k/quant.GroupI4 {
			return nil, fmt.Errorf("shape %v does not go with %d scales", v.Shape, len(m.Scale))
		}
		if offset.DType != tensor.Invalid {
			m.Offset = make([]float32, offset.Len())
			if err := offset.Float32s(m.Offset); err != nil {
				return nil, err
			}
			if len(m.Offset) != len(m.Scale) {
				return nil, fmt.Errorf("%d offsets do not go with %d scales", len(m.Offset), len(m.Scale))
			}
		}
		x = m.Floats()
	} else if v.DType == tensor.I8 && scaled {
		s := make([]float32, scale.Len())
		if err := scale.Float32s(s); err != nil {
			return nil, err
		}
		if len(v.Shape) != 2 || len(s) != v.Shape[0] {
			return nil, fmt.Errorf("shape %v does not go with %d scales", v.Shape, len(s))
		}
		for i, q := range v.Int8s() {
			x[i] = float32(q) * s[i/v.Shape[1]]
		}
	} else if err := v.Float32s(x); err != nil {
		return nil, err
	}
	for i, f := range x {
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			return nil, fmt.Errorf("value %d is %v", i, f)
		}
	}
	return x, nil
}

// encode stores x in a format. back is what a reader will get.
func (c *converter) encode(v tensor.View, x []float32, format string) (views []tensor.View, back []float32) {
	if c.fit != nil && format == "int4" {
		n, k := v.Shape[0], v.Shape[1]
		if q, scale, ok := c.fit.Int4(v.Name, x, n, k); ok {
			views = viewsI4(v, q, scale, nil)
			return views, nn.Matrix{N: n, K: k, I4: q, Scale: scale}.Floats()
		}
	}
	if c.fit != nil && format == "int8" {
		n, k := v.Shape[0], v.Shape[1]
		if q, scale, ok := c.fit.Int8(v.Name, x, n, k); ok {
			return viewsI8(v, q, scale), nn.Matrix{N: n, K: k, I8: q, Scale: scale}.Floats()
		}
	}
	return encode(v, x, format)
}

func encode(v tensor.View, x []float32, precision string) (views []tensor.View, back []float32) {
	out := tensor.View{Name: v.Name, Shape: v.Shape, DType: tensor.F32}
	switch precision {
	case "int8":
		n, k := v.Shape[0], v.Shape[1]
		q, scale := make([]int8, n*k), make([]float32, n)
		quant.Weights(q, scale, x, n, k)
		return viewsI8(v, q, scale), nn.Matrix{N: n, K: k, I8: q, Scale: scale}.Floats()
	case "int4":
		return encodeI4(v, x)
	case "bf16", "f16":
		h := make([]uint16, len(x))
		back = make([]float32, len(x))
		if out.DType = tensor.BF16; precision == "f16" {
			out.DType = tensor.F16
			half.ToF16(h, x)
			half.FromF16(back, h)
		} else {
			half.ToBF16(h, x)
			half.FromBF16(back, h)
		}
		for _, u := range h {
			out.Data = binary.LittleEndian.AppendUint16(out.Data, u)
		}
		return []tensor.View{out}, back
	}
	out.Data = bytesOfFloats(x)
	return []tensor.View{out}, x
}

// viewsI8 are the tensors of an int8 matrix in the shape of v.
func viewsI8(v tensor.View, q []int8, scale []float32) []tensor.View {
	return []tensor.View{
		{Name: v.Name, Shape: v.Shape, DType: tensor.I8, Data: bytesOf(q)},
		{Name: v.Name + "_scale", Shape: []int{v.Shape[0]}, DType: tensor.F32, Data: bytesOfFloats(scale)},
	}
}

func encodeI4(v tensor.View, x []float32) (views []tensor.View, back []float32) {
	n, k := v.Shape[0], v.Shape[1]
	m := nn.Matrix{N: n, K: k, F32: x}
	q, scale := m.QuantizedI4()
	views = viewsI4(v, q, scale, nil)
	return views, nn.Matrix{N: n, K: k, I4: q, Scale: scale}.Floats()
}

// viewsI4 are the tensors of an int4 matrix in the shape of v; offset may be nil.
// The scales are rounded to what the file will have.
func viewsI4(v tensor.View, q []byte, scale, offset []float32) []tensor.View {
	n, k := v.Shape[0], v.Shape[1]
	views := []tensor.View{{Name: v.Name, Shape: []int{n, k / 2}, DType: tensor.U8, Data: q}}
	add := func(suffix string, x []float32) {
		h := make([]uint16, len(x))
		half.ToF16(h, x)
		half.FromF16(x, h)
		s := tensor.View{Name: v.Name + suffix, Shape: []int{n, k / quant.GroupI4}, DType: tensor.F16}
		for _, u := range h {
			s.Data = binary.LittleEndian.AppendUint16(s.Data, u)
		}
		views = append(views, s)
	}
	add("_scale", scale)
	if offset != nil {
		add("_offset", offset)
	}
	return views
}

// keepsI4 reports whether a tensor is taken as it is from a source that may have
// it in int4.
func (c *converter) keepsI4(f tensors, name string, k *classInfo) bool {
	_, ok := f.(models.Int4Source)
	return ok && c.precision == "int4" && (k.Class == "attention" || k.Class == "feed-forward")
}

func bytesOf(q []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(q))), len(q))
}

func bytesOfFloats(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, f := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return b
}

// note adds a tensor's values before and after to the account.
func (k *classInfo) note(before, after []float32) {
	k.Values += int64(len(before))
	for i, b := range before {
		d := math.Abs(float64(after[i]) - float64(b))
		k.MaxError = max(k.MaxError, d)
		k.sum += d
		k.squares += d * d
		k.norm += float64(b) * float64(b)
	}
}

func (k *classInfo) finish() {
	if k.Values > 0 {
		k.MeanError = k.sum / float64(k.Values)
	}
	if k.norm > 0 {
		k.Relative = math.Sqrt(k.squares / k.norm)
	}
}
