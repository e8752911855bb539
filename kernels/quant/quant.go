// Package quant rounds rows of float32 to 8 bits: activations between the
// smallest and the largest value of each row, weights symmetrically; or weights to
// 4 bits in groups of 32. It is the entry to the exact integer products of
// package gemm.
//
// The results are the same, bit for bit, at every level of the CPU.
package quant

import "math"

// MaxQ is the largest quantised weight; the smallest is -MaxQ.
const MaxQ = 127

// smallest is the largest absolute value, or half the range, from which on a row
// is not taken as zero: 2^-119. Its scale is still a normal number and 127 times
// its inverse is finite.
const smallest = 0x1p-119

// An Affine says what the bytes of a row stand for: byte b is the number
// (b-128+Shift)*Scale. Zero is always such a number.
type Affine struct {
	Scale float32
	Shift int32 // from -126 to 128; the byte of zero is 128-Shift
}

// KPad returns the length of a row of k quantised activations with its padding:
// k rounded up to a multiple of 64.
func KPad(k int) int { return (k + 63) &^ 63 }

// Rows quantises rows of activations, using the bytes from 0 to 254 or 255 for
// the numbers from the smallest to the largest of the row and zero. With the
// float32 operations rounded one by one, it is
//
//	for i := range m {
//		low, high := smallest x[i][j] or 0, largest x[i][j] or 0
//		half := high/2 - low/2
//		inv := 127 / half
//		zero := math.RoundToEven(-low * inv)
//		a[i] = Affine{half / 127, 128 - zero}
//		for j := range k {
//			dst[i][j] = uint8(zero + math.RoundToEven(x[i][j]*inv))
//		}
//		for j := k; j < KPad(k); j++ {
//			dst[i][j] = zero
//		}
//	}
//
// so that x[i][j] is about (dst[i][j]-128+a[i].Shift)*a[i].Scale, with an error
// of at most 0.501*a[i].Scale. A row of zeros, or one whose half is below 2^-119,
// has scale and shift 0 and the bytes 128. A row that holds a NaN or an infinity
// has scale NaN, shift 0 and the bytes 128: all products with it are NaN.
//
// Rows panics if m or k is negative, a stride is shorter than a row, or a slice
// is too short. The slices must not overlap.
//
// Shapes: dst [m KPad(k)] with row stride ldd, a [m], x [m k] with row
// stride ldx.
func Rows(dst []uint8, ldd int, a []Affine, x []float32, ldx, m, k int) {
	if m < 0 || k < 0 {
		panic("quant: Rows: m or k is negative")
	}
	if m == 0 {
		return
	}
	pad := KPad(k)
	if ldd < pad || ldx < k {
		panic("quant: Rows: a row stride is shorter than a row")
	}
	if len(dst) < (m-1)*ldd+pad || len(a) < m || len(x) < (m-1)*ldx+k {
		panic("quant: Rows: dst, a or x is too short")
	}
	if k == 0 {
		clear(a[:m])
		return
	}
	rows(dst, ldd, a, x, ldx, m, k)
}

// Weights quantises the rows of a weight matrix, symmetrically and without
// padding:
//
//	for i := range n {
//		absmax := largest |w[i][j]|
//		scale[i] = absmax / 127
//		for j := range k {
//			dst[i][j] = int8(math.RoundToEven(w[i][j] * (127 / absmax)))
//		}
//	}
//
// so that w[i][j] is about dst[i][j]*scale[i], with an error of at most
// 0.501*scale[i]. Rows of zeros and those with a NaN or an infinity have the
// scales that Rows gives them, and the bytes 0.
//
// Weights panics if n or k is negative or a slice has not the length of its
// shape. The slices must not overlap.
//
// Shapes: dst [n k], scale [n], w [n k].
func Weights(dst []int8, scale []float32, w []float32, n, k int) {
	if n < 0 || k < 0 {
		panic("quant: Weights: n or k is negative")
	}
	if len(dst) != n*k || len(scale) != n || len(w) != n*k {
		panic("quant: Weights: a slice has not the length of its shape")
	}
	if k == 0 {
		clear(scale)
		return
	}
	weights(dst, scale, w, n, k)
}

// factors returns the scale of a row and the factor that quantises it, given
// the bits of its largest absolute value. (NaN has the largest bits of all.)
// With factor 0 the bytes do not depend on the row.
func factors(absmax uint32) (scale, inv float32) {
	a := math.Float32frombits(absmax)
	switch {
	case absmax >= 0x7F800000:
		return float32(math.NaN()), 0
	case a < smallest:
		return 0, 0
	}
	return a / MaxQ, MaxQ / a
}
