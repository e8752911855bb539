//go:build purego || !(amd64 || arm64)

package norm

func layerNorm(dst []float32, ldd int, x []float32, ldx, m, d int, gamma, beta []float32, eps float32) {
	layerNormGeneric(dst, ldd, x, ldx, m, d, gamma, beta, eps)
}

func rmsNorm(dst []float32, ldd int, x []float32, ldx, m, d int, gamma []float32, eps float32) {
	rmsNormGeneric(dst, ldd, x, ldx, m, d, gamma, eps)
}
