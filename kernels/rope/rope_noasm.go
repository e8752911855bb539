//go:build purego || !(amd64 || arm64)

package rope

func apply(x []float32, ldx, m, heads, dim int, cos, sin []float32, pos []int32) {
	applyGeneric(x, ldx, m, heads, dim, cos, sin, pos)
}
