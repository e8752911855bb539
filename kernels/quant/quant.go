// Package quant rounds rows of float32 to 8 bits, symmetrically and with one
// scale for each row: the entry to the exact integer products of package gemm.
//
// The results are the same, bit for bit, at every level of the CPU.
package quant

import "math"

// MaxQ is the largest quantised value; the smallest is -MaxQ.
const MaxQ = 127

// smallest is the largest absolute value from which on a row is not taken as
// zero: 2^-119. Its scale is still a normal number and 127 times its inverse is
// finite.
const smallest = 0x1p-119

// KPad returns the length of a row of k quantised activations with its padding:
// k rounded up to a multiple of 64.
func KPad(k int) int { return (k + 63) &^ 63 }

// Rows quantises rows of activations. With the float32 operations rounded one
// by one, it is
//
//	for i := range m {
//		absmax := largest |x[i][j]|
//		scale[i] = absmax / 127
//		inv := 127 / absmax
//		for j := range k {
//			dst[i][j] = uint8(128 + math.RoundToEven(x[i][j]*inv))
//		}
//		for j := k; j < KPad(k); j++ {
//			dst[i][j] = 128
//		}
//	}
//
// so that x[i][j] is about (dst[i][j]-128)*scale[i], with an error of at most
// 0.501*scale[i]. A row of zeros, or one whose largest absolute value is below
// 2^-119, has scale 0 and the bytes 128. A row that holds a NaN or an infinity
// has scale NaN and the bytes 128: all products with it are NaN.
//
// Rows panics if m or k is negative, a stride is shorter than a row, or a slice
// is too short. The slices must not overlap.
//
// Shapes: dst [m KPad(k)] with row stride ldd, scale [m], x [m k] with row
// stride ldx.
func Rows(dst []uint8, ldd int, scale []float32, x []float32, ldx, m, k int) {
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
	if len(dst) < (m-1)*ldd+pad || len(scale) < m || len(x) < (m-1)*ldx+k {
		panic("quant: Rows: dst, scale or x is too short")
	}
	if k == 0 {
		clear(scale[:m])
		return
	}
	rows(dst, ldd, scale, x, ldx, m, k)
}

// Weights quantises the rows of a weight matrix. It is Rows without the offset
// of 128 and without padding: w[i][j] is about dst[i][j]*scale[i], and the bytes
// of a row with scale 0 or NaN are 0.
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
