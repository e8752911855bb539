package gemm

// packPanel writes rows of w, k values each, as columns of a panel of the given
// width, in groups of g values. What it does not write stays zero.
func packPanel[T any](panel, w []T, width, rows, k, g int) {
	for j := range rows {
		for i, v := range w[j*k : (j+1)*k] {
			panel[(i/g*width+j)*g+i%g] = v
		}
	}
}

// unpackPanel is the inverse of packPanel.
func unpackPanel[T any](w, panel []T, width, rows, k, g int) {
	for j := range rows {
		row := w[j*k : (j+1)*k]
		for i := range row {
			row[i] = panel[(i/g*width+j)*g+i%g]
		}
	}
}
