package nn

import "mom/kernels/quant"

// A Matrix is the weight of a linear layer before packing, n rows of k values:
// float32, or int8 with a scale a row, or int4, two values a byte, with a scale
// for each 32 values of a row, as in gemm.PackI4.
type Matrix struct {
	N, K  int
	F32   []float32
	I8    []int8
	I4    []byte
	Scale []float32
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
	return w
}

// Join puts matrices of one width under each other. They keep their format when
// all have the same.
func Join(parts ...Matrix) Matrix {
	all := Matrix{K: parts[0].K}
	i8, i4 := true, true
	for _, m := range parts {
		all.N += m.N
		i8, i4 = i8 && m.I8 != nil, i4 && m.I4 != nil
	}
	for _, m := range parts {
		if i8 || i4 {
			all.I8, all.I4 = append(all.I8, m.I8...), append(all.I4, m.I4...)
			all.Scale = append(all.Scale, m.Scale...)
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
// each 32 values of a row. K must be a multiple of 32.
func (m Matrix) QuantizedI4() (w []byte, scale []float32) {
	if m.I4 != nil {
		return m.I4, m.Scale
	}
	w, scale = make([]byte, m.N*m.K/2), make([]float32, m.N*m.K/quant.GroupI4)
	quant.WeightsI4(w, scale, m.Floats(), m.N, m.K)
	return w, scale
}
