package asmgen

import (
	"fmt"
	"strings"
)

func byteLine(code []byte) string {
	parts := make([]string, len(code))
	for i, b := range code {
		parts[i] = fmt.Sprintf("BYTE $0x%02x", b)
	}
	return strings.Join(parts, "; ")
}

// evex encodes a register-only EVEX instruction op dst, a, b, where pp is the
// mandatory prefix (0 none, 1 66, 2 F3, 3 F2), mm the opcode map (1 0F, 2
// 0F38, 3 0F3A), w the W bit and ll the length (0 xmm, 1 ymm, 2 zmm).
func evex(pp, mm, w, op, dst, a, b, ll int) string {
	r := dst>>3&1 ^ 1
	r2 := dst>>4&1 ^ 1
	bb := b>>3&1 ^ 1
	x := b>>4&1 ^ 1
	v2 := a>>4&1 ^ 1
	return byteLine([]byte{
		0x62,
		byte(r<<7 | x<<6 | bb<<5 | r2<<4 | mm),
		byte(w<<7 | (^a&0xf)<<3 | 1<<2 | pp),
		byte(ll<<5 | v2<<3),
		byte(op),
		byte(0xC0 | (dst&7)<<3 | b&7),
	})
}

// vex is evex for the three-byte VEX prefix: registers 0 to 15, l 0 xmm or 1 ymm.
func vex(pp, mm, w, op, dst, a, b, l int) string {
	r := dst>>3&1 ^ 1
	bb := b>>3&1 ^ 1
	return byteLine([]byte{
		0xC4,
		byte(r<<7 | 1<<6 | bb<<5 | mm),
		byte(w<<7 | (^a&0xf)<<3 | l<<2 | pp),
		byte(op),
		byte(0xC0 | (dst&7)<<3 | b&7),
	})
}

// VDPBF16PS is dst += a·b over pairs of bf16, zmm registers 0 to 31.
func VDPBF16PS(dst, a, b int) string { return evex(2, 2, 0, 0x52, dst, a, b, 2) }

// VPDPBUSDVEX is AVX-VNNI's dst += a(u8)·b(s8) over groups of four, ymm
// registers 0 to 15. (Go's assembler has the EVEX form only.)
func VPDPBUSDVEX(dst, a, b int) string { return vex(1, 2, 0, 0x50, dst, a, b, 1) }

// VCVTNE2PS2BF16 rounds the floats of b (low half) and a (high half) to bf16, zmm.
func VCVTNE2PS2BF16(dst, a, b int) string { return evex(3, 2, 0, 0x72, dst, a, b, 2) }

// VCVTNEPS2BF16 rounds the 16 floats of zmm src to bf16 in ymm dst.
func VCVTNEPS2BF16(dst, src int) string { return evex(2, 2, 0, 0x72, dst, 0, src, 2) }
