package gemm

import "math"

// Row writes the first len(dst) values of row j of the weight to dst: a packed
// output matrix that is also a table of embeddings is kept once.
//
// Row panics if there is no such row or dst is longer than K.
func (w *F32) Row(dst []float32, j int) {
	at, step, _ := w.row(j, len(dst), 1)
	for i := range dst {
		dst[i] = w.data[at+i*step]
	}
}

// Row is F32.Row, with the values widened.
func (w *BF16) Row(dst []float32, j int) {
	at, step, _ := w.row(j, len(dst), w.block)
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(w.data[at+i/w.block*step+i%w.block]) << 16)
	}
}

// Row is F32.Row, with the values times the scale of their row.
func (w *I8) Row(dst []float32, j int) {
	at, step, column := w.row(j, len(dst), w.block)
	scale := w.scale[column]
	for i := range dst {
		dst[i] = float32(w.data[at+i/w.block*step+i%w.block]) * scale
	}
}

// row returns where row j of the weight begins in the data, how far its blocks
// are from each other, and its padded column.
func (s *shape) row(j, k, block int) (at, step, column int) {
	if j < 0 || j >= s.n || k > s.k {
		panic("gemm: Row: no such row, or dst is longer than K")
	}
	h, c := j/s.cols, j%s.cols
	u := c / unitCols
	_, _, vecs := s.unit(u)
	panel, width := s.panel(u, h), vecs*vecCols
	return panel*s.kpad + c%unitCols*block, width * block, panel + c%unitCols
}
