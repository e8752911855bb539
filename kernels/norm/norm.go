// Package norm has the normalisations of rows: LayerNorm (Ba et al. 2016,
// arXiv:1607.06450) and RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467).
package norm

// LayerNorm shifts and scales each row to mean 0 and variance 1, then applies
// gamma and beta, either of which may be nil. It is
//
//	for i := range m {
//		mean := Σ x[i][j] / d
//		variance := Σ (x[i][j]-mean)² / d
//		for j := range d {
//			dst[i][j] = (x[i][j]-mean) / sqrt(variance+eps) * gamma[j] + beta[j]
//		}
//	}
//
// except that the order of the additions is unspecified. A row's result does
// not depend on the other rows. Let A be the row's largest |x[j]|, S the exact
// sqrt(variance+eps), y the exact result without gamma and beta, and
// E = (d/16+32)*2^-24. A result is within
//
//	E * (|gamma[j]| * (A/S + |y|*(1+E*(A/S)²)) + |beta[j]|)
//
// of the exact one. The squares must not overflow: |x[j]| < 2^63/sqrt(d). A NaN
// or an infinity makes the whole row NaN.
//
// LayerNorm panics if m or d is negative, a stride is shorter than a row, or a
// slice is too short. dst may be x, but must not overlap it otherwise, nor
// gamma or beta.
//
// Shapes: dst [m d] with row stride ldd, x [m d] with row stride ldx, gamma
// and beta [d].
func LayerNorm(dst []float32, ldd int, x []float32, ldx, m, d int, gamma, beta []float32, eps float32) {
	check(len(dst), ldd, len(x), ldx, m, d)
	if gamma != nil && len(gamma) != d || beta != nil && len(beta) != d {
		panic("norm: LayerNorm: len(gamma) or len(beta) is not d")
	}
	if m > 0 && d > 0 {
		layerNorm(dst, ldd, x, ldx, m, d, gamma, beta, eps)
	}
}

// RMSNorm scales each row to mean square 1, then by gamma, which may be nil.
// It is
//
//	for i := range m {
//		square := Σ x[i][j]² / d
//		for j := range d {
//			dst[i][j] = x[i][j] / sqrt(square+eps) * gamma[j]
//		}
//	}
//
// except that the order of the additions is unspecified. A row's result does
// not depend on the other rows. A result is within (d/16+32)*2^-24 of the exact
// one, relatively. The squares must not overflow, |x[j]| < 2^63/sqrt(d), nor
// vanish unless eps is larger. A NaN makes the whole row NaN; an infinity makes
// its own element NaN and the others 0.
//
// RMSNorm panics if m or d is negative, a stride is shorter than a row, or a
// slice is too short. dst may be x, but must not overlap it otherwise, nor gamma.
//
// Shapes: dst [m d] with row stride ldd, x [m d] with row stride ldx, gamma [d].
func RMSNorm(dst []float32, ldd int, x []float32, ldx, m, d int, gamma []float32, eps float32) {
	check(len(dst), ldd, len(x), ldx, m, d)
	if gamma != nil && len(gamma) != d {
		panic("norm: RMSNorm: len(gamma) is not d")
	}
	if m > 0 && d > 0 {
		rmsNorm(dst, ldd, x, ldx, m, d, gamma, eps)
	}
}

func check(ndst, ldd, nx, ldx, m, d int) {
	if m < 0 || d < 0 {
		panic("norm: m or d is negative")
	}
	if m == 0 {
		return
	}
	if ldd < d || ldx < d {
		panic("norm: a row stride is shorter than a row")
	}
	if ndst < (m-1)*ldd+d || nx < (m-1)*ldx+d {
		panic("norm: dst or x is too short")
	}
}
