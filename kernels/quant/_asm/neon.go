package main

import "mom/kernels/internal/neon"

// V16 holds the factor in all lanes, V17 the byte of zero, F18 127, V19 a number
// that, added to a small one, leaves its integer in the low bits. V0 to V7 are
// temporaries.
func arm64() {
	neon.Write("quant", func(g *neon.Gen) {
		g.Float("maxQ", 127)
		g.Float("magic", 0x1.8p23)
		g.Float("half", 0.5)
		g.Begin("rowsNEON", "(dst *uint8, ldd int, a *Affine, x *float32, ldx, m, k int)",
			"dst", "ldd", "a", "x", "ldx", "m", "k")
		neonRows(g)
		g.Begin("absmaxNEON", "(x *float32, n int) uint32", "x", "n", "result")
		neonLargest(g, "R0", "R1")
		g.P("MOVW R8, ret+16(FP)")
		g.End()
		g.Begin("signedNEON", "(dst *int8, x *float32, n int, inv float32)", "dst", "x", "n", "F16 inv")
		g.Constants(19, "magic")
		g.P("dup v16.4s, v16.s[0]")
		neonQuantise(g, "R0", "R1", "R2", false)
		g.End()
	})
}

// neonRows is all of Rows. R7 is k rounded up to 64, R8 the bits of half the range,
// R9 to R12 are for loops.
func neonRows(g *neon.Gen) {
	g.Constants(18, "maxQ", "magic", "half")
	g.P("ADD $63, R6, R7\nAND $-64, R7\nLSL $2, R4")
	row, whole, special, nan := g.NewLabel("row"), g.NewLabel("whole"), g.NewLabel("special"), g.NewLabel("nan")
	fill, block, next := g.NewLabel("fill"), g.NewLabel("block"), g.NewLabel("next")
	g.Label(row)
	g.P("MOVD R3, R10\nMOVD R6, R9")
	neonExtremes(g, "R10", "R9")
	g.P(`MOVD $0x04000000, R9 // 2^-119
		SUBW R9, R8, R10
		MOVD $0x7B800000, R9 // up to infinity
		CMPW R9, R10
		BHS %s
		FDIVS F0, F18, F16
		dup v16.4s, v16.s[0]
		FDIVS F18, F0, F0
		FMOVS F0, (R2)
		fneg v4.4s, v4.4s
		fmul v4.4s, v4.4s, v16.4s
		fadd v4.4s, v4.4s, {magic}.4s
		FMOVS F4, R8
		AND $255, R8
		VDUP R8, V17.B16
		MOVD $128, R9
		SUBW R8, R9
		MOVW R9, 4(R2)
		MOVD R0, R11
		CMP R6, R7
		BEQ %s`, special, whole)
	// The last block has padding; the elements are written over it.
	g.P("ADD R7, R0, R12\nSUB $64, R12\nFSTPQ (F17, F17), (R12)\nFSTPQ (F17, F17), 32(R12)")
	g.Label(whole)
	g.P("MOVD R3, R10\nMOVD R6, R9")
	neonQuantise(g, "R11", "R10", "R9", true)
	g.P("B %s", next)

	g.Label(special)
	g.P("VMOVI $128, V17.B16\nMOVW ZR, 4(R2)\nMOVD $0x7F800000, R9\nCMPW R9, R8\nBHS %s\nMOVW ZR, (R2)\nB %s", nan, fill)
	g.Label(nan)
	g.P("MOVD $0x7FC00000, R9\nMOVW R9, (R2)")
	g.Label(fill)
	g.P("MOVD R0, R11\nMOVD R7, R9")
	g.Label(block)
	g.P("FSTPQ.P (F17, F17), 32(R11)\nFSTPQ.P (F17, F17), 32(R11)\nSUBS $64, R9\nBNE %s", block)

	g.Label(next)
	g.P("ADD R1, R0\nADD R4, R3\nADD $8, R2\nSUBS $1, R5\nBNE %s", row)
	g.End()
}

// neonExtremes puts half the range of a row and zero, or bits of a number that is
// not finite, in F0 and R8, and its lowest number in F4. Minima and maxima keep a
// NaN. The pointer and the count are lost.
func neonExtremes(g *neon.Gen, x, count string) {
	g.Zero(0, 8)
	g.Elements(count, 4, func(vectors int) {
		g.Together(vectors, 1, func(int) {
			g.Load(x, 8)
			g.P("fmax t0.4s, t0.4s, t8.4s\nfmin t4.4s, t4.4s, t8.4s")
		})
	})
	for _, v := range []int{0, 4} {
		op := map[int]string{0: "fmax", 4: "fmin"}[v]
		g.P("%[1]s v%[2]d.4s, v%[2]d.4s, v%[3]d.4s\n%[1]s v%[4]d.4s, v%[4]d.4s, v%[5]d.4s", op, v, v+1, v+2, v+3)
		g.P("%[1]s v%[2]d.4s, v%[2]d.4s, v%[3]d.4s\n%[1]sv s%[2]d, v%[2]d.4s", op, v, v+2)
	}
	g.P(`fmul v0.4s, v0.4s, {half}.4s
		fmul v1.4s, v4.4s, {half}.4s
		fsub v0.4s, v0.4s, v1.4s
		FMOVS F0, R8
		AND $0x7FFFFFFF, R8`)
}

// neonLargest puts the largest bits of an |x| in F0 and R8; numbers without sign
// order like integers. The pointer and the count are lost.
func neonLargest(g *neon.Gen, x, count string) {
	g.Zero(0, 4)
	g.Elements(count, 4, func(vectors int) {
		g.Together(vectors, 1, func(int) {
			g.Load(x, 4)
			g.P("fabs t4.4s, t4.4s\numax t0.4s, t0.4s, t4.4s")
		})
	})
	g.P(`umax v0.4s, v0.4s, v1.4s
		umax v2.4s, v2.4s, v3.4s
		umax v0.4s, v0.4s, v2.4s
		umaxv s0, v0.4s
		FMOVS F0, R8`)
}

// neonQuantise writes count bytes: 16 at a time, then one by one. With shift, V17
// is added to each. The pointers and the count are lost.
func neonQuantise(g *neon.Gen, dst, x, count string, shift bool) {
	loop, rest, single, done := g.NewLabel("loop"), g.NewLabel("rest"), g.NewLabel("single"), g.NewLabel("done")
	g.P("SUBS $16, %s\nBLT %s", count, rest)
	g.Label(loop)
	g.P("FLDPQ.P 32(%[1]s), (F0, F1)\nFLDPQ.P 32(%[1]s), (F2, F3)", x)
	g.Together(4, 1, func(int) { g.P("fmul t0.4s, t0.4s, v16.4s\nfadd t0.4s, t0.4s, {magic}.4s") })
	g.P("uzp1 v0.8h, v0.8h, v1.8h\nuzp1 v2.8h, v2.8h, v3.8h\nuzp1 v0.16b, v0.16b, v2.16b")
	if shift {
		g.P("add v0.16b, v0.16b, v17.16b")
	}
	g.P("FMOVQ.P F0, 16(%s)\nSUBS $16, %s\nBGE %s", dst, count, loop)
	g.Label(rest)
	g.P("ADDS $16, %s\nBEQ %s", count, done)
	g.Label(single)
	g.P("FMOVS.P 4(%s), F0\nfmul v0.4s, v0.4s, v16.4s\nfadd v0.4s, v0.4s, {magic}.4s", x)
	if shift {
		g.P("add v0.16b, v0.16b, v17.16b")
	}
	g.P("FMOVS F0, R8\nMOVB.P R8, 1(%s)\nSUBS $1, %s\nBNE %s", dst, count, single)
	g.Label(done)
}
