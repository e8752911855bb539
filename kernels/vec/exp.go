package vec

// Exp computes the exponential function. It is
//
//	for i, v := range x {
//		dst[i] = math.Exp(v)
//	}
//
// except that results for v < -87 (below 1.7e-38, where float32s are about to
// become subnormal) are 0. The others are within 3e-7 of the exact ones,
// relatively; above 88.7228 they are +Inf. NaN stays NaN. The bits differ
// between levels.
//
// The assembly computes 2^n * p(r), where n is v/ln(2) rounded to an integer,
// r = v - n*ln(2) with ln(2) in two parts, and p the polynomial in exp.go.
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
// A result is within (n+8)*2^-24+6e-7 of the exact one, relatively, if that is
// above 2^-100. Elements of -Inf give 0. A NaN, an element of +Inf, or nothing but
// -Inf makes all results NaN. The bits differ between levels.
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
