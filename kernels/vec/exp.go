package vec

// Exp computes the exponential function. It is
//
//	for i, v := range x {
//		dst[i] = math.Exp(v)
//	}
//
// except that results for v < -87 (below 1.7e-38, where float32s are about to
// become subnormal) are 0, and results for v > 88.72 may be +Inf. The others are
// within 1.5e-7 of the exact ones, relatively. NaN stays NaN. The bits differ
// between levels.
//
// The assembly computes 2^n * p(r), where n is v/ln(2) rounded to an integer and
// r = v - n*ln(2), by fused multiplications with ln(2) = 0x1.62e43p-1 -
// 0x1.05c61p-29. Horner's rule with fused multiplications evaluates
//
//	p(r) = 1 + r + 0.49999994*r² + 0.1666643*r³ + 0.041668009*r⁴ + 0.0083742356*r⁵ + 0.0013843559*r⁶
//
// whose relative error is at most 2e-9 for |r| <= ln(2)/2.
//
// Shapes: dst [n], x [n].
func Exp(dst, x []float32) {
	if len(dst) != len(x) {
		panic("vec: Exp: len(dst) != len(x)")
	}
	exp(dst, x)
}

// ExpSum computes exp(x-shift) and returns the sum. It is
//
//	var sum float32
//	for i, v := range x {
//		dst[i] = math.Exp(v - shift)
//		sum += dst[i]
//	}
//	return sum
//
// with the differences rounded to float32, exponentials like those of Exp, and
// an unspecified order of the additions. It is for a shift that is the largest
// of x, or larger: a difference above 0 may give a wrong result.
//
// Shapes: dst [n], x [n].
func ExpSum(dst, x []float32, shift float32) float32 {
	if len(dst) != len(x) {
		panic("vec: ExpSum: len(dst) != len(x)")
	}
	return expSum(dst, x, shift)
}

// Softmax computes exponentials that are scaled to the sum 1. It is
//
//	sum := ExpSum(dst, x, Max(x))
//	Scale(dst, 1/sum)
//
// A result is within (n+8+Max(x)-x[i])*2^-24 + 4e-7 of the exact one, relatively,
// if that is above 2^-100. Elements of -Inf give 0. A NaN, an element of +Inf, or
// nothing but -Inf makes all results NaN. The bits differ between levels.
//
// Shapes: dst [n], x [n].
func Softmax(dst, x []float32) {
	if len(dst) != len(x) {
		panic("vec: Softmax: len(dst) != len(x)")
	}
	if len(x) == 0 {
		return
	}
	scale(dst, 1/expSum(dst, x, maximum(x)))
}
