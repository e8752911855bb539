package models

import (
	"bytes"
	"slices"

	"mom/kernels/quant"
	"mom/models/nn"
	"mom/tensor"
)

// quantized is the values of an int8 tensor and its scales, one a row.
func (w *Weights) quantized(name string, v tensor.View) ([]int8, []float32) {
	scale := w.floats(name+scaleSuffix, v.Shape[0])
	if i := slices.IndexFunc(scale, func(s float32) bool { return s < 0 }); i >= 0 {
		w.fail("tensor %s: value %d is negative", w.prefix+name+scaleSuffix, i)
	}
	q := v.Int8s()
	if bytes.IndexByte(v.Data, 0x80) >= 0 {
		w.fail("tensor %s: int8 value -128 is outside the symmetric range", w.prefix+name)
	}
	if scale == nil {
		return nil, nil
	}
	return q, scale
}

// dtype is the type of a tensor, Invalid if there is none.
func (w *Weights) dtype(name string) tensor.DType {
	v, _ := w.src.Stat(w.names[w.prefix+name])
	return v.DType
}

// nibbles is the bytes of an int4 tensor, two values each, its scales, and its
// offsets if it has any.
func (w *Weights) nibbles(name string, n, k int) (q []byte, scale, offset []float32) {
	if k%quant.GroupI4 != 0 {
		w.fail("tensor %s is int4, but its rows of %d values are not groups of %d", w.prefix+name, k, quant.GroupI4)
		return nil, nil, nil
	}
	v, ok := w.take(name, n, k/2)
	scale = w.floats(name+scaleSuffix, n, k/quant.GroupI4)
	if w.dtype(name+offsetSuffix) != tensor.Invalid {
		if offset = w.floats(name+offsetSuffix, n, k/quant.GroupI4); offset == nil {
			return nil, nil, nil
		}
	}
	if !ok || scale == nil {
		return nil, nil, nil
	}
	return v.Data, scale, offset
}

// int4 is a matrix that its source has in int4.
func (w *Weights) int4(name string, n, k int) (q []byte, scale, offset []float32) {
	full := w.prefix + name
	src, ok := w.src.(Int4Source)
	if !ok || w.precision != nn.I4 {
		return nil, nil, nil
	}
	v, ok := src.Stat(w.names[full])
	if !ok || !slices.Equal(v.Shape, []int{n, k}) {
		return nil, nil, nil
	}
	q, scale, offset, ok = src.Int4(w.names[full])
	if !ok {
		return nil, nil, nil
	}
	if len(q) != n*k/2 || len(scale) != n*k/quant.GroupI4 || offset != nil && len(offset) != len(scale) {
		panic("BUG: models: an Int4Source of another size")
	}
	w.used[full] = true
	return q, scale, offset
}
