package tensor

// A Mat is a row-major matrix without gaps: Data [Rows Cols].
type Mat struct {
	Rows, Cols int
	Data       []float32
}

// NewMat is a matrix of zeros.
func NewMat(rows, cols int) Mat {
	return Mat{Rows: rows, Cols: cols, Data: make([]float32, rows*cols)}
}

// Row is row i, a part of m.
func (m Mat) Row(i int) []float32 {
	return m.Data[i*m.Cols : (i+1)*m.Cols : (i+1)*m.Cols]
}
