// Command _asm writes the assembly of package quant.
package main

import "mom/kernels/internal/lanes"

func main() {
	lanes.Both("quant", func(g *lanes.Gen) {
		g.Bits("abs", 0x7FFFFFFF)
		g.Bits("flip", 0x80808080) // q+128 as a byte is q with its sign flipped
		g.Float("maxQ", 127)
		g.Float("half", 0.5)
		g.Bits("middle", 128)
		if g.Wide() {
			// Packing interleaves the quarters of its operands, in units of 32 bits.
			g.Lanes("order", func(i int) uint32 { return uint32(i/4 + i%4*4) })
		} else {
			g.Lanes("order", func(i int) uint32 { return uint32(i/2 + i%2*4) })
		}
		rows(g)
		absmax(g)
		signed(g)
		g.Float("least", -8)
		g.Float("most", 7)
		fit(g)
	})
	arm64()
}

// rows is all of Rows. v8 holds the factor, v9 zero, v10 and v11 constants, v13
// the shift.
func rows(g *lanes.Gen) {
	g.Begin("rows", "(dst *uint8, ldd int, a *Affine, x *float32, ldx, m, k int)", 56)
	g.P(`MOVQ dst+0(FP), DI
		MOVQ ldd+8(FP), R8
		MOVQ a+16(FP), DX
		MOVQ x+24(FP), SI
		MOVQ ldx+32(FP), R9
		MOVQ m+40(FP), R11
		MOVQ k+48(FP), CX
		SHLQ $2, R9
		LEAQ 63(CX), R10
		ANDQ $-64, R10
		VMOVSS {maxQ}, X12`)
	g.Pin(10, "flip", "order")
	row, special, nan, fill, next := g.NewLabel("row"), g.NewLabel("special"), g.NewLabel("nan"), g.NewLabel("fill"), g.NewLabel("next")
	g.Label(row)
	extremes(g)
	g.P("VMOVD X0, BX\nANDL $0x7FFFFFFF, BX\nLEAL -0x04000000(BX), R14\nCMPL R14, $0x7B800000\nJAE %s", special) // 2^-119, Inf
	g.P(`VDIVSS X0, X12, X8
		VBROADCASTSS X8, v8
		VDIVSS X12, X0, X0
		VMOVSS X0, (DX)
		VMULSS X4, X8, X4
		VCVTPS2DQ X4, X4
		VPADDD {middle}, X4, X4
		VMOVD X4, 4(DX)
		VPBROADCASTD X4, v13`) // -low*inv is the byte of zero
	g.P("XORL AX, AX")
	g.Vectors("CX", 4, func() {
		block(g, true, func(i int) { g.P("VMULPS %s, v8, v%d", g.At("SI", 4, i), i) })
		g.P("VPXOR%[1]s v10, v0, v0\nVMOVDQU%[2]s v0, (DI)(AX*1)", suffix(g, "D"), suffix(g, "8"))
	})
	rest(g)
	g.P("JMP %s", next)

	g.Label(special)
	g.P("CMPL BX, $0x7F800000\nJAE %s", nan)
	g.P("MOVQ $0, (DX)\nJMP %s", fill)
	g.Label(nan)
	g.P("MOVL $0x7FC00000, (DX)\nMOVL $0, 4(DX)")
	g.Label(fill)
	g.P("XORL AX, AX")
	loop := g.NewLabel("loop")
	g.Label(loop)
	g.P("VMOVDQU%[2]s v10, (DI)(AX*1)\nADDQ $%[3]d, AX\nCMPQ AX, R10\nJLT %[1]s", loop, suffix(g, "8"), 4*g.W)

	g.Label(next)
	g.P("ADDQ R8, DI\nADDQ R9, SI\nADDQ $8, DX\nDECQ R11\nJNZ %s", row)
	g.End()
}

// rest quantises what is left of a row as if zeros followed it, up to the
// length R10 of the row with its padding.
func rest(g *lanes.Gen) {
	done, again := g.NewLabel("done"), g.NewLabel("rest")
	g.P("CMPQ AX, R10\nJGE %s", done)
	g.Label(again)
	block(g, true, func(i int) {
		// The mask of the elements that vector i has, if any.
		g.P("MOVQ CX, R15\nSUBQ AX, R15\nSUBQ $%d, R15\nMOVL $0, R14\nCMOVQLT R14, R15", i*g.W)
		if g.Wide() {
			g.P("MOVL $16, R14")
		} else {
			g.P("MOVL $8, R14")
		}
		g.P("CMPQ R15, R14\nCMOVQGT R14, R15")
		g.Mask("R15")
		g.Load(g.At("SI", 4, i), i, true)
		g.P("VMULPS v8, v%[1]d, v%[1]d", i)
	})
	g.P("VPXOR%[1]s v10, v0, v0\nVMOVDQU%[2]s v0, (DI)(AX*1)\nADDQ $%[3]d, AX\nCMPQ AX, R10\nJLT %[4]s", suffix(g, "D"), suffix(g, "8"), 4*g.W, again)
	g.Label(done)
}

// extremes puts half the range of a row and zero in lane 0 of X0, or a number
// that is not finite if the row has one, and its lowest number in lane 0 of X4.
// Minima and maxima may pass over a NaN, but a product of it by zero is one.
func extremes(g *lanes.Gen) {
	g.P("VXORPS X9, X9, X9")
	for i := range 7 {
		g.P("VXORPS X%[1]d, X%[1]d, X%[1]d", i)
	}
	g.Elements("CX", 2, func(vectors int, masked bool) {
		for i := range vectors {
			at := g.At("SI", 4, i)
			if masked {
				g.Load(at, 7, true)
				at = "v7"
			}
			g.P("VMAXPS %[1]s, v%[2]d, v%[2]d\nVMINPS %[1]s, v%[3]d, v%[3]d\nVFMADD231PS %[1]s, v9, v%[4]d", at, i, 4+i, 2+i)
		}
	})
	g.P("VMAXPS v1, v0, v0\nVMINPS v5, v4, v4\nVADDPS v3, v2, v2")
	g.Fold("VMAXPS", 0, 1)
	g.Fold("VMINPS", 4, 1)
	g.Fold("VADDPS", 2, 1)
	g.P(`VMULSS {half}, X0, X0
		VMULSS {half}, X4, X1
		VSUBSS X1, X0, X0
		VADDSS X2, X0, X0`)
}

// largest puts the largest bits of an |x| in lane 0 of X0. Numbers without
// sign order like integers.
func largest(g *lanes.Gen) {
	for i := range 4 {
		g.P("VXORPS X%[1]d, X%[1]d, X%[1]d", i)
	}
	g.Elements("CX", 4, func(vectors int, masked bool) {
		for i := range vectors {
			at := g.At("SI", 4, i)
			if masked {
				g.Load(at, 4, true)
				at = "v4"
			}
			g.P("VPAND%[1]s %[2]s, v9, v%[3]d\nVPMAXSD v%[3]d, v%[4]d, v%[4]d", suffix(g, "D"), at, 4+i, i)
		}
	})
	g.P("VPMAXSD v1, v0, v0\nVPMAXSD v3, v2, v2\nVPMAXSD v2, v0, v0")
	g.Fold("VPMAXSD", 0, 1)
}

// block quantises four vectors, which multiply leaves in v0 to v3, to signed
// bytes in v0, less the shift in v13.
func block(g *lanes.Gen, shift bool, multiply func(i int)) {
	for i := range 4 {
		multiply(i)
		g.P("VCVTPS2DQ v%[1]d, v%[1]d", i)
		if shift {
			g.P("VPSUBD v13, v%[1]d, v%[1]d", i)
		}
	}
	g.P("VPACKSSDW v1, v0, v0\nVPACKSSDW v3, v2, v2\nVPACKSSWB v2, v0, v0\nVPERMD v0, v11, v0")
}

func absmax(g *lanes.Gen) {
	g.Begin("absmax", "(x *float32, n int) uint32", 20)
	g.P("MOVQ x+0(FP), SI\nMOVQ n+8(FP), CX")
	g.Pin(9, "abs")
	largest(g)
	g.P("VMOVD X0, BX\nMOVL BX, ret+16(FP)")
	g.End()
}

// signed quantises whole blocks, without the offset.
func signed(g *lanes.Gen) {
	g.Begin("signed", "(dst *int8, x *float32, n int, inv float32)", 28)
	g.P("MOVQ dst+0(FP), DI\nMOVQ x+8(FP), SI\nMOVQ n+16(FP), CX\nVMOVSS inv+24(FP), X8\nVBROADCASTSS X8, v8")
	g.Pin(11, "order")
	g.P("XORL AX, AX")
	g.Vectors("CX", 4, func() {
		block(g, false, func(i int) { g.P("VMULPS %s, v8, v%d", g.At("SI", 4, i), i) })
		g.P("VMOVDQU%s v0, (DI)(AX*1)", suffix(g, "8"))
	})
	g.End()
}

// fit is fitI4, a candidate in each lane: factors in v0 and v1, Σtq in v2 and v3,
// Σqq in v4 and v5. At AVX-512 one vector has all candidates.
func fit(g *lanes.Gen) {
	n := 16 / g.W
	g.Begin("fitI4", "(w, inv, tq, qq *float32)", 32)
	g.P("MOVQ w+0(FP), SI\nMOVQ inv+8(FP), BX\nMOVQ tq+16(FP), DX\nMOVQ qq+24(FP), DI")
	g.Pin(11, "least", "most")
	for i := range n {
		g.P("VMOVUPS %d(BX), v%d", 4*g.W*i, i)
		g.P("VXORPS X%[1]d, X%[1]d, X%[1]d\nVXORPS X%[2]d, X%[2]d, X%[2]d", 2+i, 4+i)
	}
	loop := g.NewLabel("value")
	g.P("MOVL $32, CX")
	g.Label(loop)
	g.P("VBROADCASTSS (SI), v10")
	for i := range n {
		t, q := 6+i, 8+i
		g.P("VMULPS v10, v%d, v%d", i, t)
		g.P("VMAXPS v11, v%d, v%d\nVMINPS v12, v%d, v%d", t, q, q, q)
		g.P("VCVTPS2DQ v%[1]d, v%[1]d\nVCVTDQ2PS v%[1]d, v%[1]d", q)
		g.P("VMULPS v%[1]d, v%[2]d, v%[2]d\nVADDPS v%[2]d, v%[3]d, v%[3]d", q, t, 2+i)
		g.P("VFMADD231PS v%[1]d, v%[1]d, v%[2]d", q, 4+i) // integers: exact
	}
	g.P("ADDQ $4, SI\nDECQ CX\nJNZ %s", loop)
	for i := range n {
		g.P("VMOVUPS v%d, %d(DX)\nVMOVUPS v%d, %d(DI)", 2+i, 4*g.W*i, 4+i, 4*g.W*i)
	}
	g.End()
}

// suffix completes the names of instructions that differ between levels.
func suffix(g *lanes.Gen, s string) string {
	if g.Wide() {
		return s
	}
	return ""
}
