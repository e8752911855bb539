package norm

import "math"

func layerNormGeneric(dst []float32, ldd int, x []float32, ldx, m, d int, gamma, beta []float32, eps float32) {
	for i := range m {
		to, from := dst[i*ldd:][:d], x[i*ldx:][:d]
		mean := float32(sum(from) / float64(d))
		scale := inverse(squares(from, mean), d, eps)
		for j, v := range from {
			to[j] = (v - mean) * scale
		}
		affine(to, gamma, beta)
	}
}

func rmsNormGeneric(dst []float32, ldd int, x []float32, ldx, m, d int, gamma []float32, eps float32) {
	for i := range m {
		to, from := dst[i*ldd:][:d], x[i*ldx:][:d]
		scale := inverse(squares(from, 0), d, eps)
		for j, v := range from {
			to[j] = v * scale
		}
		affine(to, gamma, nil)
	}
}

func sum(x []float32) (sum float64) {
	for _, v := range x {
		sum += float64(v)
	}
	return sum
}

// squares is the sum of (x[j]-mean)².
func squares(x []float32, mean float32) (sum float64) {
	for _, v := range x {
		c := float64(v - mean)
		sum += c * c
	}
	return sum
}

func inverse(squares float64, d int, eps float32) float32 {
	return float32(1 / math.Sqrt(squares/float64(d)+float64(eps)))
}

func affine(x, gamma, beta []float32) {
	if gamma != nil {
		for j, v := range gamma {
			x[j] *= v
		}
	}
	if beta != nil {
		for j, v := range beta {
			x[j] += v
		}
	}
}
