package nn

import (
	"mom/kernels/half"
	"mom/kernels/vec"
	"mom/tensor"
)

// An Embedding is a table of rows, kept in the narrowest format that the
// model's precision allows.
type Embedding struct {
	Rows, Dim int
	f32       []float32
	bf16      []uint16
	i8        []int8
	scale     []float32
	tied      *Linear // whose weight is the table, instead
}

// TiedEmbedding is the table that l, the output layer of a decoder, multiplies
// by: it is kept once. Its rows are in the format of l.
func TiedEmbedding(l *Linear) Embedding { return Embedding{Rows: l.Out, Dim: l.In, tied: l} }

// NewEmbedding keeps m as it is when it is int8, as bf16 when narrow is set,
// and else as float32.
func NewEmbedding(m Matrix, narrow bool) Embedding {
	e := Embedding{Rows: m.N, Dim: m.K}
	switch {
	case m.I8 != nil:
		e.i8, e.scale = m.I8, m.Scale
	case narrow:
		e.bf16 = make([]uint16, m.N*m.K)
		half.ToBF16(e.bf16, m.Floats())
	default:
		e.f32 = m.Floats()
	}
	return e
}

// Bytes is the memory of the table.
func (e *Embedding) Bytes() int {
	return 4*len(e.f32) + 2*len(e.bf16) + len(e.i8) + 4*len(e.scale)
}

// Gather sets row i of dst to row ids[i] of the table, or adds it. The caller
// has checked that every id is below Rows.
func (e *Embedding) Gather(dst tensor.Mat, ids []int32, add bool) {
	switch {
	case e.tied != nil:
		e.gatherTied(dst, ids, add)
	case e.i8 != nil:
		vec.GatherI8(dst.Data, dst.Cols, e.i8, e.scale, e.Dim, ids, add)
	case e.bf16 != nil:
		vec.GatherBF16(dst.Data, dst.Cols, e.bf16, e.Dim, ids, add)
	default:
		vec.GatherF32(dst.Data, dst.Cols, e.f32, e.Dim, ids, add)
	}
}

// gatherTied takes rows out of the packed weight, one at a time: a decoder reads
// few of them.
func (e *Embedding) gatherTied(dst tensor.Mat, ids []int32, add bool) {
	if add {
		panic("BUG: nn: Gather: a tied embedding cannot be added")
	}
	for i, id := range ids {
		e.tied.weight.Row(dst.Row(i), int(id))
	}
}
