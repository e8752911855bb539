package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

// pack prints the wide packers. packQ transposes 16 rows of queries, times
// scale, into [step][query]; packK and packV round rows of K to bf16, and pairs
// of rows of V to interleaved bf16. d is a multiple of 16.
func (g *gen) pack() {
	g.packQWide()
	if !g.bf16 {
		return
	}
	g.packK()
	g.packV()
}

const packQSignature = "(dst, src unsafe.Pointer, dstStride, srcStride, d int, scale float32)"

func (g *gen) packQArgs() {
	g.L("MOVQ dst+0(FP), DI")
	g.L("MOVQ src+8(FP), SI")
	g.L("MOVQ dstStride+16(FP), R9")
	g.L("MOVQ srcStride+24(FP), R8")
	g.L("MOVQ d+32(FP), CX")
}

func (g *gen) packQWide() {
	g.Func("packQ"+g.name, packQSignature, 44)
	g.packQArgs()
	block, done := g.NewLabel("block"), g.NewLabel("done")
	width := 16 * g.step() // floats of a row that fill 16 steps
	g.Label(block)
	if g.bf16 {
		half := g.NewLabel("half")
		g.L("SUBQ $32, CX")
		g.L("JLT %s", half)
		g.packQRows(true)
		g.transposeWide()
		g.storeRows(16)
		g.L("ADDQ $%d, SI", 4*width)
		g.L("JMP %s", block)
		g.Label(half)
		g.L("ADDQ $32, CX")
		g.L("JZ %s", done)
		g.packQRows(false)
		g.transposeWide()
		g.storeRows(8)
	} else {
		g.packQRows(true)
		g.transposeWide()
		g.storeRows(16)
		g.L("ADDQ $%d, SI", 4*width)
		g.L("SUBQ $16, CX")
		g.L("JNZ %s", block)
	}
	g.Label(done)
	g.end()
}

// packQRows loads 16 rows into registers 0 to 15: 16 floats each, or as bf16
// 32 of them, or 16 (not full) with zeros after them.
func (g *gen) packQRows(full bool) {
	const scale, low, high = 31, 29, 30
	g.L("VBROADCASTSS scale+40(FP), %s", g.r(scale))
	g.L("MOVQ SI, AX")
	if g.bf16 && !full {
		g.zero(high)
	}
	for row := range 16 {
		if g.bf16 {
			g.L("VMULPS (AX), %s, %s", g.r(scale), g.r(low))
			if full {
				g.L("VMULPS 64(AX), %s, %s", g.r(scale), g.r(high))
			}
			g.L("%s", asmgen.VCVTNE2PS2BF16(row, high, low))
		} else {
			g.L("VMULPS (AX), %s, %s", g.r(scale), g.r(row))
		}
		if row < 15 {
			g.L("ADDQ R8, AX")
		}
	}
}

// transposeWide transposes the 16 x 16 dwords of registers 0 to 15, by way of
// 16 to 31. After the second stage, 128-bit lane l of register 4q+c holds column
// 4l+c of rows 4q to 4q+3.
func (g *gen) transposeWide() {
	for i := 0; i < 16; i += 2 {
		g.L("VUNPCKLPS %s, %s, %s", g.r(i+1), g.r(i), g.r(16+i))
		g.L("VUNPCKHPS %s, %s, %s", g.r(i+1), g.r(i), g.r(17+i))
	}
	for q := 0; q < 16; q += 4 {
		g.L("VUNPCKLPD %s, %s, %s", g.r(16+q+2), g.r(16+q), g.r(q))
		g.L("VUNPCKHPD %s, %s, %s", g.r(16+q+2), g.r(16+q), g.r(q+1))
		g.L("VUNPCKLPD %s, %s, %s", g.r(16+q+3), g.r(16+q+1), g.r(q+2))
		g.L("VUNPCKHPD %s, %s, %s", g.r(16+q+3), g.r(16+q+1), g.r(q+3))
	}
	for c := range 4 {
		for h := range 2 { // rows 8h to 8h+7: even lanes, odd lanes
			g.L("VSHUFF32X4 $0x88, %s, %s, %s", g.r(8*h+4+c), g.r(8*h+c), g.r(16+4*c+2*h))
			g.L("VSHUFF32X4 $0xdd, %s, %s, %s", g.r(8*h+4+c), g.r(8*h+c), g.r(16+4*c+2*h+1))
		}
	}
	for c := range 4 {
		for odd := range 2 {
			a, b := g.r(16+4*c+odd), g.r(16+4*c+2+odd)
			g.L("VSHUFF32X4 $0x88, %s, %s, %s", b, a, g.r(4*odd+c))
			g.L("VSHUFF32X4 $0xdd, %s, %s, %s", b, a, g.r(8+4*odd+c))
		}
	}
}

func (g *gen) storeRows(n int) {
	for i := range n {
		g.store(i, "(DI)")
		g.L("ADDQ R9, DI")
	}
}

func (g *gen) packK() {
	g.Func("packK"+g.name, "(dst, src unsafe.Pointer, srcStride, rows, d int)", 40)
	g.L("MOVQ dst+0(FP), DI")
	g.L("MOVQ src+8(FP), SI")
	g.L("MOVQ srcStride+16(FP), R8")
	g.L("MOVQ rows+24(FP), DX")
	row, block, half, next := g.NewLabel("row"), g.NewLabel("block"), g.NewLabel("half"), g.NewLabel("next")
	g.Label(row)
	g.L("MOVQ SI, AX")
	g.L("MOVQ d+32(FP), CX")
	g.Label(block)
	g.L("SUBQ $32, CX")
	g.L("JLT %s", half)
	g.prefetchPair("AX", "R8")
	g.load("(AX)", 0)
	g.load("64(AX)", 1)
	g.L("%s", asmgen.VCVTNE2PS2BF16(0, 1, 0))
	g.store(0, "(DI)")
	g.L("ADDQ $128, AX")
	g.L("ADDQ $64, DI")
	g.L("JMP %s", block)
	g.Label(half)
	g.L("ADDQ $32, CX")
	g.L("JZ %s", next)
	g.load("(AX)", 0)
	g.L("%s", asmgen.VCVTNEPS2BF16(0, 0))
	g.L("VMOVUPS Y0, (DI)")
	g.L("ADDQ $32, DI")
	g.Label(next)
	g.L("ADDQ R8, SI")
	g.L("DECQ DX")
	g.L("JNZ %s", row)
	g.end()
}

func (g *gen) packV() {
	g.Func("packV"+g.name, "(dst, src unsafe.Pointer, srcStride, pairs, d int)", 40)
	g.L("MOVQ dst+0(FP), DI")
	g.L("MOVQ src+8(FP), SI")
	g.L("MOVQ srcStride+16(FP), R8")
	g.L("MOVQ pairs+24(FP), DX")
	g.L("VMOVUPS %s, %s", constant(constPair), g.r(regPair))
	pair, block := g.NewLabel("pair"), g.NewLabel("block")
	g.Label(pair)
	g.L("MOVQ SI, AX")
	g.L("MOVQ d+32(FP), CX")
	g.Label(block)
	g.L("LEAQ (AX)(R8*1), BX")
	g.L("PREFETCHT0 (AX)(R8*8)")
	g.L("PREFETCHT0 (BX)(R8*8)")
	g.load("(AX)", 0)
	g.load("(BX)", 1)
	g.L("%s", asmgen.VCVTNE2PS2BF16(0, 1, 0))
	g.L("VPERMW %s, %s, %s", g.r(0), g.r(regPair), g.r(0))
	g.store(0, "(DI)")
	g.L("ADDQ $64, AX")
	g.L("ADDQ $64, DI")
	g.L("SUBQ $16, CX")
	g.L("JNZ %s", block)
	g.L("LEAQ (SI)(R8*2), SI")
	g.L("DECQ DX")
	g.L("JNZ %s", pair)
	g.end()
}

// loopPack prints the product of a tile of scores, each of whose rounds packs
// 32 columns of two rows of K and of V. Eight rows are packed in a tile that
// needs six, so that rows of K are ready in time if the first six were.
func (g *gen) loopPack(p product) {
	const k, v, ld, kTo, vTo = "R9", "R11", "R14", "R10", "R12"
	g.L("MOVQ %d(R15), %s", scoresPackAt, v)
	g.L("MOVQ %d(R15), %s", scoresPackK, k)
	g.L("ADDQ %s, %s", v, k)
	g.L("ADDQ %d(R15), %s", scoresPackV, v)
	g.L("MOVQ %d(R15), %s", scoresPackLd, ld)
	g.L("MOVQ %d(R15), %s", scoresPackKTo, kTo)
	g.L("MOVQ %d(R15), %s", scoresPackVTo, vTo)
	g.L("MOVQ %d(R15), CX", scoresSteps)
	g.L("SHRQ $2, CX")
	steps := func() {
		for range roundSteps / 2 {
			g.productStep(p)
		}
	}
	const a, b = regTmp, regTmp + 1
	top, same := g.NewLabel("packing"), g.NewLabel("same")
	g.Label(top)
	g.interleave(steps, func() {
		for row := range 2 {
			g.prefetchPair(k, ld)
			g.load("("+k+")", a)
			g.load("64("+k+")", b)
			g.L("%s", asmgen.VCVTNE2PS2BF16(a, b, a))
			g.store(a, []string{"(" + kTo + ")", "(" + kTo + ")(R8*1)"}[row])
			g.L("%s %s, %s", []string{"ADDQ", "SUBQ"}[row], ld, k)
		}
		g.L("ADDQ $128, %s", k)
		g.L("ADDQ $64, %s", kTo)
	})
	g.interleave(steps, func() {
		g.prefetchPair(v, ld)
		for _, at := range []int{0, 64} {
			g.load(fmt.Sprintf("%d(%s)", at, v), a)
			g.load(fmt.Sprintf("%d(%s)(%s*1)", at, v, ld), b)
			g.L("%s", asmgen.VCVTNE2PS2BF16(a, b, a))
			g.L("VPERMW %s, %s, %s", g.r(a), g.r(regPair), g.r(a))
			g.store(a, fmt.Sprintf("%d(%s)", at, vTo))
		}
		g.L("ADDQ %s, %s", ld, v)
		g.prefetchPair(v, ld)
		g.L("SUBQ %s, %s", ld, v)
		g.L("ADDQ $128, %s", v)
		g.L("ADDQ $128, %s", vTo)
	})
	g.L("DECQ %d(R15)", scoresPackCols)
	g.L("JNZ %s", same)
	// The next pair of rows: a row of kTo is R8 bytes, as one of k is columns.
	g.L("ADDQ R8, %s", kTo)
	g.L("LEAQ (%s)(%s*2), %s", k, ld, k)
	g.L("LEAQ (%s)(%s*2), %s", v, ld, v)
	g.L("SUBQ R8, %s", k)
	g.L("SUBQ R8, %s", k)
	g.L("SUBQ R8, %s", v)
	g.L("SUBQ R8, %s", v)
	g.L("VMOVQ %d(R15), X%d", scoresPackAll, a) // no other register is left
	g.L("VMOVQ X%d, %d(R15)", a, scoresPackCols)
	g.Label(same)
	g.L("DECQ CX")
	g.L("JNZ %s", top)
	g.L("MOVQ %s, %d(R15)", kTo, scoresPackKTo)
	g.L("MOVQ %s, %d(R15)", vTo, scoresPackVTo)
	g.L("SUBQ %d(R15), %s", scoresPackV, v)
	g.L("MOVQ %s, %d(R15)", v, scoresPackAt)
	g.L("MOVQ %d(R15), R9", scoresQ)
	g.L("MOVQ %d(R15), R10", scoresNextP)
	g.L("MOVQ %d(R15), R12", scoresNext)
	g.L("MOVQ %d(R15), R14", scoresState)
}

// prefetchPair fetches 32 columns that are packed eight rows later.
func (g *gen) prefetchPair(at, ld string) {
	g.L("PREFETCHT0 (%s)(%s*8)", at, ld)
	g.L("PREFETCHT0 64(%s)(%s*8)", at, ld)
}

// packNarrow prints packQ for 8 rows; d is a multiple of 8.
func (g *gen) packNarrow() {
	g.Func("packQ"+g.name, packQSignature, 44)
	g.packQArgs()
	block := g.NewLabel("block")
	g.Label(block)
	g.L("VBROADCASTSS scale+40(FP), %s", g.r(15))
	g.L("MOVQ SI, AX")
	for row := range 8 {
		g.L("VMULPS (AX), %s, %s", g.r(15), g.r(row))
		if row < 7 {
			g.L("ADDQ R8, AX")
		}
	}
	for i := 0; i < 8; i += 2 {
		g.L("VUNPCKLPS %s, %s, %s", g.r(i+1), g.r(i), g.r(8+i))
		g.L("VUNPCKHPS %s, %s, %s", g.r(i+1), g.r(i), g.r(9+i))
	}
	for q := 0; q < 8; q += 4 {
		g.L("VUNPCKLPD %s, %s, %s", g.r(8+q+2), g.r(8+q), g.r(q))
		g.L("VUNPCKHPD %s, %s, %s", g.r(8+q+2), g.r(8+q), g.r(q+1))
		g.L("VUNPCKLPD %s, %s, %s", g.r(8+q+3), g.r(8+q+1), g.r(q+2))
		g.L("VUNPCKHPD %s, %s, %s", g.r(8+q+3), g.r(8+q+1), g.r(q+3))
	}
	for c := range 4 {
		g.L("VPERM2F128 $0x20, %s, %s, %s", g.r(4+c), g.r(c), g.r(8+c))
		g.L("VPERM2F128 $0x31, %s, %s, %s", g.r(4+c), g.r(c), g.r(12+c))
	}
	for i := range 8 {
		g.store(8+i, "(DI)")
		g.L("ADDQ R9, DI")
	}
	g.L("ADDQ $32, SI")
	g.L("SUBQ $8, CX")
	g.L("JNZ %s", block)
	g.end()
}
