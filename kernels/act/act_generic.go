package act

import "math"

func tileGeneric(kind Kind, dst []float32, ldd int, a []float32, lda int, rows, cols int) {
	for i := range rows {
		to := dst[i*ldd:][:cols]
		for j, v := range a[i*lda:][:cols] {
			to[j] = float32(value(kind, float64(v)))
		}
	}
}

func gatedTileGeneric(kind Kind, dst []float32, ldd int, a []float32, lda int, b []float32, ldb int, rows, cols int, accumulate bool) {
	for i := range rows {
		to, by := dst[i*ldd:][:cols], b[i*ldb:][:cols]
		for j, v := range a[i*lda:][:cols] {
			y := float32(value(kind, float64(v)) * float64(by[j]))
			if accumulate {
				y += to[j]
			}
			to[j] = y
		}
	}
}

func value(kind Kind, x float64) float64 {
	switch kind {
	case KindGELU:
		return x * (1 + math.Erf(x/math.Sqrt2)) / 2
	case KindGELUTanh:
		return x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) / 2
	case KindSiLU:
		return x / (1 + math.Exp(-x))
	case KindReLU:
		if x < 0 {
			return 0
		}
	case KindTanh:
		return math.Tanh(x)
	}
	return x
}
