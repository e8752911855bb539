//go:build purego || !(amd64 || arm64)

package quant

func rows(dst []uint8, ldd int, a []Affine, x []float32, ldx, m, k int) {
	rowsGeneric(dst, ldd, a, x, ldx, m, k)
}

func weights(dst []int8, scale []float32, w []float32, n, k int) {
	weightsGeneric(dst, scale, w, n, k)
}

func fitI4(w *[GroupI4]float32, inv, tq, qq *[tryI4]float32) { fitI4Generic(w, inv, tq, qq) }
