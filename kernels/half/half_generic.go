package half

import "math"

func toBF16Generic(dst []uint16, x []float32) {
	for i, v := range x {
		b := math.Float32bits(v)
		if v != v {
			dst[i] = uint16(b>>16) | 0x40
		} else {
			dst[i] = uint16((b + 0x7FFF + b>>16&1) >> 16)
		}
	}
}

func fromBF16Generic(dst []float32, x []uint16) {
	for i, v := range x {
		dst[i] = math.Float32frombits(uint32(v) << 16)
	}
}

func toF16Generic(dst []uint16, x []float32) {
	for i, v := range x {
		dst[i] = toF16Bits(math.Float32bits(v))
	}
}

func fromF16Generic(dst []float32, x []uint16) {
	for i, v := range x {
		dst[i] = math.Float32frombits(fromF16Bits(v))
	}
}

// toF16Bits rounds the float32 with bits b.
func toF16Bits(b uint32) uint16 {
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7FFFFFFF
	switch {
	case b > 0x7F800000: // NaN
		return sign | 0x7E00 | uint16(b>>13&0x1FF)
	case b >= 0x477FF000: // 65520
		return sign | 0x7C00
	case b >= 0x38800000: // 2^-14: normal
		b -= (127 - 15) << 23
		return sign | uint16((b+0xFFF+b>>13&1)>>13)
	case b > 0x33000000: // 2^-25: half of the smallest subnormal number
		shift := 126 - b>>23 // of the significand, to units of 2^-24
		significand := b&0x7FFFFF | 0x800000
		half := uint32(1) << (shift - 1)
		return sign | uint16((significand+half-1+significand>>shift&1)>>shift)
	}
	return sign
}

// fromF16Bits returns the bits of the float32 that equals v.
func fromF16Bits(v uint16) uint32 {
	sign := uint32(v&0x8000) << 16
	exponent, fraction := uint32(v>>10&0x1F), uint32(v&0x3FF)
	switch {
	case exponent == 0x1F && fraction != 0: // NaN
		return sign | 0x7FC00000 | fraction<<13
	case exponent == 0x1F:
		return sign | 0x7F800000
	case exponent != 0:
		return sign | (exponent+127-15)<<23 | fraction<<13
	}
	return sign | math.Float32bits(float32(fraction)*0x1p-24)
}
