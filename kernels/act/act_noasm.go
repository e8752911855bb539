//go:build purego || !(amd64 || arm64)

package act

func tile(kind Kind, dst []float32, ldd int, a []float32, lda int, rows, cols int) {
	tileGeneric(kind, dst, ldd, a, lda, rows, cols)
}

func gatedTile(kind Kind, dst []float32, ldd int, a []float32, lda int, b []float32, ldb int, rows, cols int, accumulate bool) {
	gatedTileGeneric(kind, dst, ldd, a, lda, b, ldb, rows, cols, accumulate)
}
