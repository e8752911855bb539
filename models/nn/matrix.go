package nn

import "mom/kernels/quant"

// A Matrix is the weight of a linear layer before packing, n rows of k values:
// float32, or int8 with a scale a row, or int4, two values a byte, with a scale
// for each 32 values of a row, as in gemm.PackI4, and an offset that is added to
// them, or none at all.
type Matrix struct {
	N, K   int
	F32    []float32
	I8     []int8
	I4     []byte
	Scale  []float32
	Offset []float32 // of I4, [N K/32]; nil for none
}

// Floats returns the matrix as float32.
func (m Matrix) Floats() []float32 {
	if m.F32 != nil {
		return m.F32
	}
	w := make([]float32, m.N*m.K)
	for i, q := range m.I8 {
		w[i] = float32(q) * m.Scale[i/m.K]
	}
	for i, q := range m.I4 {
		s := m.Scale[2*i/quant.GroupI4]
		w[2*i], w[2*i+1] = float32(int(q&15)-8)*s, float32(int(q>>4)-8)*s
	}
	for i, o := range m.Offset {
		for j := range quant.GroupI4 {
			w[i*quant.GroupI4+j] += o
		}
	}
	return w
}

// Join puts matrices of one width under each other. They keep their format when
// all have the same.
func Join(parts ...Matrix) Matrix {
	all := Matrix{K: parts[0].K}
	i8, i4, offset := true, true, false
	for _, m := range parts {
		all.N += m.N
		i8, i4, offset = i8 && m.I8 != nil, i4 && m.I4 != nil, offset || m.Offset != nil
	}
	for _, m := range parts {
		if i8 || i4 {
			all.I8, all.I4 = append(all.I8, m.I8...), append(all.I4, m.I4...)
			all.Scale = append(all.Scale, m.Scale...)
			if offset && i4 {
				all.Offset = append(append(all.Offset, m.Offset...), make([]float32, len(m.Scale)-len(m.Offset))...)
			}
		} else {
			all.F32 = append(all.F32, m.Floats()...)
		}
	}
	return all
}

// Quantized returns the matrix as int8 with a scale a row.
func (m Matrix) Quantized() (w []int8, scale []float32) {
	if m.I8 != nil {
		return m.I8, m.Scale
	}
	w, scale = make([]int8, m.N*m.K), make([]float32, m.N)
	quant.Weights(w, scale, m.Floats(), m.N, m.K)
	return w, scale
}

// QuantizedI4 returns the matrix as int4, two values a byte, with a scale for
// each 32 values of a row, without the offsets that it may have. K must be a
// multiple of 32.
func (m Matrix) QuantizedI4() (w []byte, scale []float32) {
	if m.I4 != nil {
		return m.I4, m.Scale
	}
	w, scale = make([]byte, m.N*m.K/2), make([]float32, m.N*m.K/quant.GroupI4)
	quant.WeightsI4(w, scale, m.Floats(), m.N, m.K)
	return w, scale
}
