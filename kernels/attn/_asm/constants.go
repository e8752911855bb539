package main

import (
	"fmt"
	"math"
	"strings"

	"mom/kernels/internal/asmgen"
)

// Polynomials for 2^f, |f| <= 1/2, that are 1 at 0 and have the smallest
// greatest relative error: 1.1e-7 in degree 5, 1.0e-4 in degree 3. The latter
// is for probabilities that are rounded to bf16, whose own error is 2e-3.
var (
	exp2Degree5 = []float64{0.693147061560251, 0.24022235322362018, 0.05550678368720992, 0.009671961679592967, 0.0013274633365305164}
	exp2Degree3 = []float64{0.6932829274019442, 0.2422109620283942, 0.05500893174448625}
)

// masked is the score of a pair outside the band: 2^(masked-m) is 0 for any
// row maximum m, and a difference of two scores cannot overflow.
const masked = -0x1p126

// Offsets of constants in their table; each fills 64 bytes.
const (
	constOne    = 64 * iota // 1
	constMasked             // masked
	constIota               // int32 0, 1, 2, ... 15
	constIota2              // int32 16, ... 31
	constIntOne             // int32 1
	constSmall              // below it 2^x is taken as 0 (AVX2)
	constPair               // word indices 0, 16, 1, 17, ... that interleave two halves
	constExp                // c1, c2, ... of exp2Degree5
	constExp3   = constExp + 5*64
	constLow    = constExp3 + 3*64 // at and below it 2^x is taken as 0 (AVX2, pages)
	constMagic  = constLow + 64    // 1.5*2^23 + 127
	constEnd    = constMagic + 64
)

func constants(f *asmgen.File) {
	table := make([]uint32, constEnd/4)
	fill := func(offset int, value func(i int) uint32) {
		for i := range 16 {
			table[offset/4+i] = value(i)
		}
	}
	float := func(offset int, x float64) {
		fill(offset, func(int) uint32 { return math.Float32bits(float32(x)) })
	}
	float(constOne, 1)
	float(constMasked, masked)
	fill(constIota, func(i int) uint32 { return uint32(i) })
	fill(constIota2, func(i int) uint32 { return uint32(16 + i) })
	fill(constIntOne, func(int) uint32 { return 1 })
	float(constSmall, -125)
	fill(constPair, func(i int) uint32 { return uint32(16+i)<<16 | uint32(i) })
	float(constLow, -127)
	float(constMagic, 0x1.8p23+127)
	for i, c := range exp2Degree5 {
		float(constExp+64*i, c)
	}
	for i, c := range exp2Degree3 {
		float(constExp3+64*i, c)
	}
	var text strings.Builder
	for i := 0; i < len(table); i += 2 {
		fmt.Fprintf(&text, "DATA ·table<>+%d(SB)/8, $0x%016x\n", 4*i, uint64(table[i+1])<<32|uint64(table[i]))
	}
	fmt.Fprintf(&text, "GLOBL ·table<>(SB), RODATA|NOPTR, $%d\n", constEnd)
	f.Raw("\n%s", text.String())
}

// constant is the memory operand of a constant.
func constant(offset int) string { return fmt.Sprintf("·table<>+%d(SB)", offset) }

// degree is the polynomial for this level's probabilities.
func (g *gen) degree() int {
	if g.bf16 {
		return len(exp2Degree3)
	}
	return len(exp2Degree5)
}

func (g *gen) coefficient(i int) string { // of f^i
	switch {
	case i == 0:
		return constant(constOne)
	case g.bf16:
		return constant(constExp3 + 64*(i-1))
	}
	return constant(constExp + 64*(i-1))
}
