package vec

import (
	"math"
)

func dotGeneric(a, b []float32) float32 {
	var sum float32
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func sumGeneric(x []float32) float32 {
	var sum float32
	for _, v := range x {
		sum += v
	}
	return sum
}

func maximumGeneric(x []float32) float32 {
	m := x[0]
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

func addGeneric(dst, a, b []float32) {
	for i, v := range a {
		dst[i] = v + b[i]
	}
}

func addScaledGeneric(dst, a []float32, s float32) {
	for i, v := range a {
		dst[i] += float32(v * s)
	}
}

func scaleGeneric(dst []float32, s float32) {
	for i := range dst {
		dst[i] *= s
	}
}

func meanRowsGeneric(dst []float32, x []float32, ldx, m int) {
	n := float32(m)
	for j := range dst {
		var sum float32
		for i := range m {
			sum += x[i*ldx+j]
		}
		dst[j] = sum / n
	}
}

func expGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = expValue(v)
	}
}

func expSumGeneric(dst, x []float32, shift float32) float32 {
	var sum float32
	for i, v := range x {
		dst[i] = expValue(v - shift)
		sum += dst[i]
	}
	return sum
}

func expValue(x float32) float32 {
	if x < -87 {
		return 0
	}
	return float32(math.Exp(float64(x)))
}
