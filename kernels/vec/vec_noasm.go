//go:build purego || !(amd64 || arm64)

package vec

func dot(a, b []float32) float32            { return dotGeneric(a, b) }
func sum(x []float32) float32               { return sumGeneric(x) }
func maximum(x []float32) float32           { return maximumGeneric(x) }
func add(dst, a, b []float32)               { addGeneric(dst, a, b) }
func addScaled(dst, a []float32, s float32) { addScaledGeneric(dst, a, s) }
func scale(dst []float32, s float32)        { scaleGeneric(dst, s) }
func meanRows(dst, x []float32, ldx, m int) { meanRowsGeneric(dst, x, ldx, m) }
func exp(dst, x []float32)                  { expGeneric(dst, x) }
func expSum(dst, x []float32, shift float32) float32 {
	return expSumGeneric(dst, x, shift)
}

func gatherF32(dst []float32, ldd int, table []float32, d int, ids []int32, add bool) {
	gatherF32Generic(dst, ldd, table, d, ids, add)
}

func gatherBF16(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	gatherBF16Generic(dst, ldd, table, d, ids, add)
}

func gatherF16(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	gatherF16Generic(dst, ldd, table, d, ids, add)
}

func gatherI8(dst []float32, ldd int, table []int8, scale []float32, d int, ids []int32, add bool) {
	gatherI8Generic(dst, ldd, table, scale, d, ids, add)
}
