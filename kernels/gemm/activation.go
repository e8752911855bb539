package gemm

import "math"

// activate replaces each x by act(x).
func activate(act Act, x []float32) {
	for i, v := range x {
		x[i] = activation(act, v)
	}
}

// gate replaces each a[i] by act(a[i])*b[i].
func gate(act Act, a, b []float32) {
	for i, v := range a {
		a[i] = activation(act, v) * b[i]
	}
}

func activation(act Act, v float32) float32 {
	x := float64(v)
	switch act {
	case GELU:
		x *= 0.5 * (1 + math.Erf(x*(math.Sqrt2/2)))
	case GELUTanh:
		x *= 0.5 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	case SiLU:
		x /= 1 + math.Exp(-x)
	case ReLU:
		x = max(x, 0)
	case Tanh:
		x = math.Tanh(x)
	}
	return float32(x)
}
