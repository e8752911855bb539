// Package half converts rows of float32 to and from the two formats of 16
// bits: bfloat16 (8 bits of exponent, 7 of mantissa) and IEEE 754 binary16
// (5 and 10). A number is held in a uint16.
//
// All conversions give the same bits at every level of the CPU: they round to
// nearest, ties to even, keep subnormal numbers, and turn a NaN into a quiet
// NaN with the leading bits of its payload.
package half

import "math"

// ToBF16 rounds x to bfloat16. It is
//
//	for i, v := range x {
//		b := math.Float32bits(v)
//		if v != v {
//			dst[i] = uint16(b>>16) | 0x40
//		} else {
//			dst[i] = uint16((b + 0x7FFF + b>>16&1) >> 16)
//		}
//	}
//
// A number that is too large becomes an infinity.
//
// ToBF16 panics if the lengths differ. The slices must not overlap.
//
// Shapes: dst [n], x [n].
func ToBF16(dst []uint16, x []float32) {
	if len(dst) != len(x) {
		panic("half: ToBF16: len(dst) != len(x)")
	}
	toBF16(dst, x)
}

// FromBF16 widens x; no information is lost. It is
//
//	for i, v := range x {
//		dst[i] = math.Float32frombits(uint32(v) << 16)
//	}
//
// FromBF16 panics if the lengths differ. The slices must not overlap.
//
// Shapes: dst [n], x [n].
func FromBF16(dst []float32, x []uint16) {
	if len(dst) != len(x) {
		panic("half: FromBF16: len(dst) != len(x)")
	}
	fromBF16(dst, x)
}

// ToF16 rounds x to binary16, to nearest, ties to even. Numbers of 65520 and
// more become an infinity, numbers below 2^-14 subnormal.
//
// ToF16 panics if the lengths differ. The slices must not overlap.
//
// Shapes: dst [n], x [n].
func ToF16(dst []uint16, x []float32) {
	if len(dst) != len(x) {
		panic("half: ToF16: len(dst) != len(x)")
	}
	toF16(dst, x)
}

// FromF16 widens x; no information is lost, except that a signalling NaN
// becomes a quiet one.
//
// FromF16 panics if the lengths differ. The slices must not overlap.
//
// Shapes: dst [n], x [n].
func FromF16(dst []float32, x []uint16) {
	if len(dst) != len(x) {
		panic("half: FromF16: len(dst) != len(x)")
	}
	fromF16(dst, x)
}

// BF16Rows rounds rows to bfloat16 like ToBF16 and pads each to an even length
// with a zero, as products of pairs of bfloat16 need. It is
//
//	for i := range m {
//		ToBF16(dst[i*ldd:][:k], x[i*ldx:][:k])
//		if k%2 != 0 {
//			dst[i*ldd+k] = 0
//		}
//	}
//
// BF16Rows panics if m or k is negative, a stride is shorter than a row, or a
// slice is too short. The slices must not overlap.
//
// Shapes: dst [m k+k%2] with row stride ldd, x [m k] with row stride ldx.
func BF16Rows(dst []uint16, ldd int, x []float32, ldx, m, k int) {
	if m < 0 || k < 0 {
		panic("half: BF16Rows: m or k is negative")
	}
	if m == 0 || k == 0 {
		return
	}
	padded := k + k&1
	if ldd < padded || ldx < k {
		panic("half: BF16Rows: a row stride is shorter than a row")
	}
	if len(dst) < (m-1)*ldd+padded || len(x) < (m-1)*ldx+k {
		panic("half: BF16Rows: dst or x is too short")
	}
	for i := range m {
		row := dst[i*ldd:][:padded]
		toBF16(row[:k], x[i*ldx:][:k])
		if padded > k {
			row[k] = 0
		}
	}
}

// F16ToF32 widens one number like FromF16.
func F16ToF32(v uint16) float32 { return math.Float32frombits(fromF16Bits(v)) }

// F32ToF16 rounds one number like ToF16.
func F32ToF16(v float32) uint16 { return toF16Bits(math.Float32bits(v)) }
