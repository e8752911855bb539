package attn

import (
	"math"
	"unsafe"

	"mom/kernels/half"
)

// PagedStore writes the key and the value of one token into a slot of a page:
// as they are, rounded to bfloat16 (to nearest, ties to even), or quantised to
// int8 with a scale for the key and one for the value,
//
//	scale = largest |x[c]| / 127
//	int8  = x[c] * (127 / largest |x[c]|), rounded to nearest, ties to even
//
// for which numbers must be finite. A row without any number of 2^-100 or more
// becomes zeros. The other slots of the page are not touched.
//
// PagedStore panics if the page is too short or begins at an address that is not
// a multiple of 4, there is no such slot, or the lengths differ.
//
// Shapes: page [PageBytes(f, d)], k [d], v [d].
func PagedStore(f Format, page []byte, slot int, k, v []float32) {
	d := len(k)
	if d == 0 || len(v) != d {
		panic("attn: PagedStore: len(k) != len(v), or nothing to store")
	}
	if slot < 0 || slot >= PageTokens {
		panic("attn: PagedStore: no such slot")
	}
	if len(page) < PageBytes(f, d) {
		panic("attn: PagedStore: page too short")
	}
	at := unsafe.Pointer(unsafe.SliceData(page))
	if uintptr(at)%4 != 0 {
		panic("attn: PagedStore: the page does not begin at a multiple of 4")
	}
	p := view(f, at, d)
	switch f {
	case F32:
		scatter(p.kF32, slot, k)
		copy(p.vF32[slot*d:], v)
	case BF16:
		var narrow [64]uint16
		for c := 0; c < d; c += len(narrow) {
			n := min(d-c, len(narrow))
			half.ToBF16(narrow[:n], k[c:][:n])
			scatter(p.kBF16[c*PageTokens:], slot, narrow[:n])
		}
		half.ToBF16(p.vBF16[slot*d:][:d], v)
	default:
		var inverse float32
		p.kScale[slot], inverse = scaleOf(k)
		column := p.kI8[slot:]
		for c, x := range k {
			column[c*PageTokens] = toInt8(float32(x * inverse))
		}
		p.vScale[slot], inverse = scaleOf(v)
		row := p.vI8[slot*d:][:d]
		for c, x := range v {
			row[c] = toInt8(float32(x * inverse))
		}
	}
}

// scatter writes x into column slot of k [len(x)][PageTokens].
func scatter[T float32 | uint16](k []T, slot int, x []T) {
	for c, x := range x {
		k[c*PageTokens+slot] = x
	}
}

// scaleOf returns the scale of a row of int8, and its inverse.
func scaleOf(x []float32) (scale, inverse float32) {
	var bits uint32 // of the largest magnitude: they are in the order of the numbers
	for _, x := range x {
		bits = max(bits, math.Float32bits(x)&^(1<<31))
	}
	most := math.Float32frombits(bits)
	if most < 0x1p-100 {
		return 0, 0
	}
	return most / 127, 127 / most
}

// toInt8 rounds x, |x| <= 127 but for rounding, to nearest even: a number plus
// magic has its integer in the low bits.
func toInt8(x float32) int8 {
	const magic = 0x1.8p23
	return int8(int32(math.Float32bits(x+magic)) - int32(math.Float32bits(magic)))
}
