package models

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"strings"

	"mom/kernels/gemm"
	"mom/models/nn"
	"mom/tensor"
)

// A Source is where tensors come from; *safetensors.File is one.
type Source interface {
	Names() []string
	Stat(name string) (tensor.View, bool) // without data
	Tensor(name string) (tensor.View, bool)
}

// An Int4Source has tensors that are int4 where they lie, in the groups of nn.I4:
// in that precision they are taken as they are, not widened and rounded again.
type Int4Source interface {
	Source
	// Int4 is a matrix [n k] as nn.Matrix has it in I4: q+8 of two values a byte
	// [n k/2], the one of even k in the low half, the scales [n k/32], and the
	// offsets [n k/32] or nil; false if it is not stored so.
	Int4(name string) (q []byte, scale, offset []float32, ok bool)
}

// scaleSuffix names the scales of an int8 tensor: X.weight [n k] has
// X.weight_scale [n]; and of an int4 one: X.weight [n k/2] of bytes, two values
// each, has X.weight_scale [n k/32], and may have X.weight_offset [n k/32].
const (
	scaleSuffix  = "_scale"
	offsetSuffix = "_offset"
)

// Weights takes tensors by name and shape from a source and remembers what went
// wrong, so that a constructor reads like the architecture and asks for Err
// once, at its end.
type Weights struct {
	*weightState
	prefix string
}

type weightState struct {
	arch      string
	src       Source
	names     map[string]string // the name asked for -> the name in the file
	used      map[string]bool
	problems  []string
	precision nn.Precision
	lora      *lora
	garbage   int // bytes that converting has left behind, about
}

// NewWeights reads src for the architecture arch.
func NewWeights(arch string, src Source, p nn.Precision) *Weights {
	s := &weightState{arch: arch, src: src, precision: p, names: map[string]string{}, used: map[string]bool{}}
	for _, name := range src.Names() {
		// torch.compile leaves a prefix in the names that it saves.
		short := strings.TrimPrefix(name, "_orig_mod.")
		if other, ok := s.names[short]; ok {
			s.problems = append(s.problems, fmt.Sprintf("tensors %s and %s are the same", other, name))
		}
		s.names[short] = name
	}
	return &Weights{weightState: s}
}

// At is the part of the weights below a prefix.
func (w *Weights) At(format string, args ...any) *Weights {
	return &Weights{w.weightState, w.prefix + fmt.Sprintf(format, args...) + "."}
}

// Has reports whether a tensor exists.
func (w *Weights) Has(name string) bool {
	_, ok := w.names[w.prefix+name]
	return ok
}

// Ignore marks tensors as read that are known to hold nothing of use.
func (w *Weights) Ignore(names ...string) {
	for _, n := range names {
		w.used[w.prefix+n] = true
	}
}

// IgnoreBelow is Ignore for all tensors below a prefix, of an adapter too.
func (w *Weights) IgnoreBelow(format string, args ...any) {
	prefix := w.prefix + fmt.Sprintf(format, args...) + "."
	for name := range w.names {
		if strings.HasPrefix(name, prefix) {
			w.used[name] = true
		}
	}
	if w.lora != nil {
		w.lora.ignoreBelow(prefix)
	}
}

// Err is nil when every tensor that was asked for was there with its shape and
// valid values, and every tensor of the source was asked for.
func (w *Weights) Err() error {
	problems := w.problems
	var unread []string
	for name := range w.names {
		if !w.used[name] {
			unread = append(unread, name)
		}
	}
	if len(unread) > 0 {
		sort.Strings(unread)
		problems = append(problems, fmt.Sprintf("%d tensors that the architecture does not have: %s", len(unread), list(unread)))
	}
	if w.lora != nil {
		problems = append(problems, w.lora.unread()...)
	}
	if len(problems) == 0 {
		return nil
	}
	return &LoadError{Architecture: w.arch, Problems: problems}
}

// A LoadError lists everything that keeps a set of tensors from being a model.
type LoadError struct {
	Architecture string
	Problems     []string
}

// Error names the first problems and counts the rest; Problems has all.
func (e *LoadError) Error() string {
	const most = 12
	text := strings.Join(e.Problems[:min(len(e.Problems), most)], "; ")
	if n := len(e.Problems) - most; n > 0 {
		text += fmt.Sprintf("; and %d more problems", n)
	}
	return e.Architecture + ": " + text
}

func list(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + fmt.Sprintf(", and %d more", len(names)-8)
	}
	return strings.Join(names, ", ")
}

func (w *Weights) fail(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// take finds a tensor and checks its shape.
func (w *Weights) take(name string, shape ...int) (tensor.View, bool) {
	full := w.prefix + name
	stored, ok := w.names[full]
	if !ok {
		w.fail("missing tensor %s %v", full, shape)
		return tensor.View{}, false
	}
	w.used[full] = true
	v, ok := w.src.Tensor(stored)
	if !ok {
		w.fail("unreadable tensor %s", full)
		return tensor.View{}, false
	}
	if !slices.Equal(v.Shape, shape) {
		w.fail("tensor %s has shape %v, want %v", full, v.Shape, shape)
		return tensor.View{}, false
	}
	return v, true
}

// floats reads a tensor as float32.
func (w *Weights) floats(name string, shape ...int) []float32 {
	v, ok := w.take(name, shape...)
	if !ok {
		return nil
	}
	return w.convert(name, v)
}

// convert turns a tensor into float32 and refuses values that are not finite.
func (w *Weights) convert(name string, v tensor.View) []float32 {
	// What was converted before is packed by now. Left to itself the collector
	// would let it grow to the size of the model.
	if w.garbage += 4*v.Len() + len(v.Data); w.garbage > 64<<20 {
		runtime.GC()
		w.garbage = 0
	}
	x := v.Shared()
	if x == nil || w.lora != nil { // which adds to it
		x = make([]float32, v.Len())
		if err := v.Float32s(x); err != nil {
			w.fail("tensor %s: %v", w.prefix+name, err)
			return nil
		}
	}
	if i := slices.IndexFunc(x, notFinite); i >= 0 {
		w.fail("tensor %s: value %d is %v", w.prefix+name, i, x[i])
		return nil
	}
	return x
}

func notFinite(x float32) bool { return !(math.Abs(float64(x)) <= math.MaxFloat32) }

// Vector reads name [n], from a LoRA adapter when that saved it.
func (w *Weights) Vector(name string, n int) []float32 {
	if w.lora != nil {
		if x, ok := w.lora.saved(w, w.prefix+name, n); ok {
			w.Ignore(name)
			return x
		}
	}
	return w.floats(name, n)
}

// Matrix reads name [n k], float, int8 or int4 with scales, with a LoRA adapter's
// share added.
func (w *Weights) Matrix(name string, n, k int) nn.Matrix {
	m := nn.Matrix{N: n, K: k}
	if w.lora != nil {
		if x, ok := w.lora.saved(w, w.prefix+name, n, k); ok {
			w.Ignore(name, name+scaleSuffix, name+offsetSuffix)
			m.F32 = x
			return m
		}
	}
	if m.I4, m.Scale, m.Offset = w.int4(name, n, k); m.I4 != nil {
		// as it is
	} else if w.dtype(name) == tensor.U8 {
		m.I4, m.Scale, m.Offset = w.nibbles(name, n, k)
	} else if v, ok := w.take(name, n, k); ok && v.DType == tensor.I8 {
		m.I8, m.Scale = w.quantized(name, v)
	} else if ok {
		m.F32 = w.convert(name, v)
	}
	if m.I8 == nil && m.I4 == nil && m.F32 == nil {
		return m
	}
	if w.lora != nil {
		w.lora.merge(w, w.prefix+strings.TrimSuffix(name, ".weight"), &m)
	}
	return m
}

func (w *Weights) failed() bool { return len(w.problems) > 0 }

// Linear reads name.weight [out in], and name.bias [out] when bias is set.
func (w *Weights) Linear(name string, in, out int, bias bool) nn.Linear {
	return w.linear(w.Matrix(name+".weight", out, in), w.bias(name, out, bias), gemm.None, false, w.precision)
}

// Activated is Linear followed by an activation.
func (w *Weights) Activated(name string, in, out int, bias bool, act gemm.Act) nn.Linear {
	return w.linear(w.Matrix(name+".weight", out, in), w.bias(name, out, bias), act, false, w.precision)
}

// Gated is a Linear of 2*out rows whose first half, activated, multiplies the second.
func (w *Weights) Gated(name string, in, out int, bias bool, act gemm.Act) nn.Linear {
	return w.linear(w.Matrix(name+".weight", 2*out, in), w.bias(name, 2*out, bias), act, true, w.precision)
}

// Exact is Linear in float32 whatever the model's precision: for classifiers,
// which are small and last.
func (w *Weights) Exact(name string, in, out int, bias bool) nn.Linear {
	return w.linear(w.Matrix(name+".weight", out, in), w.bias(name, out, bias), gemm.None, false, nn.F32)
}

// Stacked is several linears of one width over one input as one: their outputs
// side by side.
func (w *Weights) Stacked(in, out int, bias bool, names ...string) nn.Linear {
	var parts []Part
	for _, name := range names {
		parts = append(parts, Part{name, out})
	}
	return w.Joined(in, bias, w.precision, parts...)
}

// A Part is one of the linears that Joined makes one of.
type Part struct {
	Name string
	Out  int
}

// Joined is Stacked for linears of different widths, in a precision of their own.
// What is int4 in the file stays so in an int4 model.
func (w *Weights) Joined(in int, bias bool, p nn.Precision, parts ...Part) nn.Linear {
	var biases []float32
	var all []nn.Matrix
	for _, p := range parts {
		all = append(all, w.Matrix(p.Name+".weight", p.Out, in))
		biases = append(biases, w.bias(p.Name, p.Out, bias)...)
	}
	if w.failed() {
		return nn.Linear{}
	}
	joined := nn.Join(all...)
	if joined.I4 != nil {
		p = w.precision
	}
	return w.linear(joined, biases, gemm.None, false, p)
}

// Output reads name.weight [out in] of the layer that gives a decoder's logits.
// It is not narrower than int8.
func (w *Weights) Output(name string, in, out int) nn.Linear {
	return w.linear(w.Matrix(name+".weight", out, in), nil, gemm.None, false, min(w.precision, nn.I8))
}

// linear packs m, unless the model is already known to be broken.
func (w *Weights) linear(m nn.Matrix, bias []float32, act gemm.Act, gated bool, p nn.Precision) nn.Linear {
	if w.failed() {
		return nn.Linear{}
	}
	return nn.NewLinear(m, bias, act, gated, p)
}

func (w *Weights) bias(name string, n int, want bool) []float32 {
	if !want {
		return nil
	}
	return w.Vector(name+".bias", n)
}

// Norm reads name.weight [d], and name.bias [d] when bias is set, of a LayerNorm.
func (w *Weights) Norm(name string, d int, bias bool, eps float64) nn.Norm {
	return nn.Norm{Gamma: w.Vector(name+".weight", d), Beta: w.bias(name, d, bias), Eps: float32(eps)}
}

// RMSNorm reads name.weight [d] of an RMSNorm.
func (w *Weights) RMSNorm(name string, d int, eps float64) nn.Norm {
	return nn.Norm{Gamma: w.Vector(name+".weight", d), Eps: float32(eps), RMS: true}
}

// Embedding reads name.weight [rows d].
func (w *Weights) Embedding(name string, rows, d int) nn.Embedding {
	m := w.Matrix(name+".weight", rows, d)
	if w.failed() {
		return nn.Embedding{Rows: rows, Dim: d}
	}
	return nn.NewEmbedding(m, w.precision != nn.F32)
}
