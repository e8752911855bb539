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

var general = map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SP": 4, "BP": 5, "SI": 6, "DI": 7,
	"R8": 8, "R9": 9, "R10": 10, "R11": 11, "R12": 12, "R13": 13, "R14": 14, "R15": 15}

// The matrix instructions (AMX) work on tiles 0 to 7, which are up to 16 rows of
// 64 bytes. LDTILECFG gives them their shapes, and zeros.

// LDTILECFG reads the 64 bytes that base points to.
func LDTILECFG(base string) string { return tileMem(0, 0x49, 0, base, "", 0) }

// TILERELEASE ends the use of tiles.
func TILERELEASE() string { return byteLine([]byte{0xC4, 0xE2, 0x78, 0x49, 0xC0}) }

// TILELOADD loads a tile whose rows begin at disp(base) and lie stride bytes apart.
func TILELOADD(tile int, base, stride string, disp int) string {
	return tileMem(3, 0x4B, tile, base, stride, disp)
}

// TILESTORED stores a tile as TILELOADD loads it.
func TILESTORED(tile int, base, stride string, disp int) string {
	return tileMem(2, 0x4B, tile, base, stride, disp)
}

// TDPBUSD is dst += a(u8)·b(s8): a has rows of 16 groups of four values of k, b a
// row of 16 columns for each group.
func TDPBUSD(dst, a, b int) string { return vex(1, 2, 0, 0x5E, dst, b, a, 0) }

// TDPBF16PS is dst += a·b for groups of two bf16.
func TDPBF16PS(dst, a, b int) string { return vex(2, 2, 0, 0x5C, dst, b, a, 0) }

// tileMem encodes a tile instruction with memory at disp(base)(stride*1), or at (base) without stride.
func tileMem(pp, op, tile int, base, stride string, disp int) string {
	b, ok := general[base]
	index, ok2 := general[stride]
	if !ok || !ok2 && stride != "" {
		panic("asmgen: tile instruction: no such register: " + base + " " + stride)
	}
	if stride == "" {
		index = 4 // none
	}
	code := []byte{
		0xC4,
		byte(1<<7 | (index>>3&1^1)<<6 | (b>>3&1^1)<<5 | 2),
		byte(0xf<<3 | pp),
		byte(op),
		byte(2<<6 | tile<<3 | 4), // a displacement of 32 bits, and a SIB byte
		byte(index&7<<3 | b&7),
	}
	for i := range 4 {
		code = append(code, byte(disp>>(8*i)))
	}
	return byteLine(code)
}

// TILEZERO sets a tile to zeros.
func TILEZERO(tile int) string {
	return byteLine([]byte{0xC4, 0xE2, 0x7B, 0x49, byte(0xC0 | tile<<3)})
}
