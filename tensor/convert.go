package tensor

import (
	"encoding/binary"
	"math"
)

// The loops below read several values from one load of eight bytes and keep
// every index under a length that the compiler knows, so that no bounds are
// checked inside.

func fromF32(dst []float32, b []byte) {
	for len(dst) >= 2 && len(b) >= 8 {
		u := binary.LittleEndian.Uint64(b)
		dst[0] = math.Float32frombits(uint32(u))
		dst[1] = math.Float32frombits(uint32(u >> 32))
		dst, b = dst[2:], b[8:]
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

func fromBF16(dst []float32, b []byte) {
	for len(dst) >= 4 && len(b) >= 8 {
		u := binary.LittleEndian.Uint64(b)
		dst[0] = math.Float32frombits(uint32(u) << 16)
		dst[1] = math.Float32frombits(uint32(u) &^ 0xFFFF)
		dst[2] = math.Float32frombits(uint32(u>>32) << 16)
		dst[3] = math.Float32frombits(uint32(u>>32) &^ 0xFFFF)
		dst, b = dst[4:], b[8:]
	}
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
	}
}

func fromF16(dst []float32, b []byte) {
	for len(dst) >= 4 && len(b) >= 8 {
		u := binary.LittleEndian.Uint64(b)
		dst[0] = f16(uint16(u))
		dst[1] = f16(uint16(u >> 16))
		dst[2] = f16(uint16(u >> 32))
		dst[3] = f16(uint16(u >> 48))
		dst, b = dst[4:], b[8:]
	}
	for i := range dst {
		dst[i] = f16(binary.LittleEndian.Uint16(b[2*i:]))
	}
}

// f16 widens a normal binary16 number by moving its exponent from bias 15 to
// bias 127. It is small enough to be inlined.
func f16(h uint16) float32 {
	if e := h & 0x7C00; e == 0 || e == 0x7C00 {
		return f16Special(h)
	}
	return math.Float32frombits(uint32(h&0x8000)<<16 | (uint32(h&0x7FFF)<<13 + (127-15)<<23))
}

// f16Special widens zeros, subnormals, infinities and NaNs. A NaN becomes quiet
// and keeps the rest of its payload.
func f16Special(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	frac := uint32(h & 0x3FF)
	if h&0x7C00 == 0 {
		x := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(sign | math.Float32bits(x))
	}
	bits := sign | 0xFF<<23 | frac<<13
	if frac != 0 {
		bits |= 1 << 22
	}
	return math.Float32frombits(bits)
}

func fromF64(dst []float32, b []byte) {
	for i := range dst {
		dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
	}
}
