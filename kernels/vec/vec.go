// Package vec has operations on vectors: sums and products, the softmax, means
// of rows, and lookups in embedding tables.
//
// Where nothing else is said, results are the same, bit for bit, at every level
// of the CPU, and dst may be one of the operands but must not overlap them
// otherwise. Functions of several vectors panic if the lengths differ.
package vec

import "math"

// Dot returns the inner product of a and b. It is
//
//	var sum float32
//	for i, v := range a {
//		sum += v * b[i]
//	}
//	return sum
//
// except that the order of the additions is unspecified: assembly keeps several
// partial sums, and does not round the products. With n = len(a), the result is
// within (n+2)*2^-24*Σ|a[i]*b[i]| of the exact one, as long as nothing overflows
// or becomes subnormal.
//
// Shapes: a [n], b [n].
func Dot(a, b []float32) float32 {
	if len(a) != len(b) {
		panic("vec: Dot: len(a) != len(b)")
	}
	return dot(a, b)
}

// Sum returns the sum of x. The order of the additions is unspecified. The
// result is within n*2^-24*Σ|x[i]| of the exact one.
//
// Shapes: x [n].
func Sum(x []float32) float32 { return sum(x) }

// Max returns the largest number of x, -Inf if x is empty, and NaN if x holds
// one. It is
//
//	m := float32(math.Inf(-1))
//	for _, v := range x {
//		m = max(m, v)
//	}
//	return m
//
// except that of two zeros with different signs it may return either.
//
// Shapes: x [n].
func Max(x []float32) float32 {
	if len(x) == 0 {
		return float32(math.Inf(-1))
	}
	return maximum(x)
}

// Add is
//
//	for i, v := range a {
//		dst[i] = v + b[i]
//	}
//
// Shapes: dst [n], a [n], b [n].
func Add(dst, a, b []float32) {
	if len(dst) != len(a) || len(b) != len(a) {
		panic("vec: Add: the lengths differ")
	}
	add(dst, a, b)
}

// AddScaled is, with the product rounded,
//
//	for i, v := range a {
//		dst[i] += v * s
//	}
//
// Shapes: dst [n], a [n].
func AddScaled(dst, a []float32, s float32) {
	if len(dst) != len(a) {
		panic("vec: AddScaled: len(dst) != len(a)")
	}
	addScaled(dst, a, s)
}

// Scale is
//
//	for i := range dst {
//		dst[i] *= s
//	}
//
// Shapes: dst [n].
func Scale(dst []float32, s float32) { scale(dst, s) }

// L2Normalize divides x by its Euclidean norm. It is
//
//	n := math.Sqrt(Dot(x, x))
//	for i := range x {
//		x[i] *= 1 / n
//	}
//
// and leaves x alone if n is 0. The squares must not overflow or all become
// zero: it is for vectors of a size of about 1. The bits differ between levels,
// as those of Dot do.
//
// Shapes: x [n].
func L2Normalize(x []float32) {
	if n := math.Sqrt(float64(Dot(x, x))); n != 0 {
		scale(x, float32(1/n))
	}
}

// MeanRows sets dst to the mean of rows. It is
//
//	for j := range d {
//		var sum float32
//		for i := range m {
//			sum += x[i*ldx+j]
//		}
//		dst[j] = sum / float32(m)
//	}
//
// Without rows (m = 0) the mean is NaN.
//
// MeanRows panics if m or d is negative, the stride is shorter than a row, or
// a slice is too short. dst may be the first row of x.
//
// Shapes: dst [d], x [m d] with row stride ldx.
func MeanRows(dst []float32, x []float32, ldx, m, d int) {
	if m < 0 || d < 0 {
		panic("vec: MeanRows: m or d is negative")
	}
	if len(dst) < d {
		panic("vec: MeanRows: dst is too short")
	}
	if m > 0 && (ldx < d || len(x) < (m-1)*ldx+d) {
		panic("vec: MeanRows: the row stride is shorter than a row, or x is too short")
	}
	meanRows(dst[:d], x, ldx, m)
}
