package main

import "mom/kernels/internal/neon"

// neonPackPairs prints the function that rounds pairs of rows, times scale, to
// bf16: four elements of the first row and four of the second make 16 bytes.
// stepStride is bytes from these to the next ones of the pair, pairStride to those
// of the next pair. d is a multiple of 8.
func neonPackPairs(g *neon.Gen) {
	g.Begin("packPairsI8MM", "(dst, src unsafe.Pointer, stepStride, pairStride, srcStride, pairs, d int, scale float32)",
		"dst", "src", "stepStride", "pairStride", "srcStride", "pairs", "d", "F16 scale")
	pair, step := g.NewLabel("pair"), g.NewLabel("step")
	g.Label(pair)
	g.P("MOVD R1, R8\nADD R4, R1, R9\nMOVD R0, R10\nMOVD R6, R11")
	g.Label(step)
	g.P("FLDPQ.P 32(R8), (F0, F1)\nFLDPQ.P 32(R9), (F2, F3)")
	for i := range 4 {
		g.P("fmul v%d.4s, v%[1]d.4s, v16.s[0]", i)
	}
	g.P(`bfcvtn v0.4h, v0.4s
		bfcvtn2 v0.8h, v1.4s
		bfcvtn v2.4h, v2.4s
		bfcvtn2 v2.8h, v3.4s
		zip1 v1.2d, v0.2d, v2.2d
		zip2 v3.2d, v0.2d, v2.2d
		FMOVQ F1, (R10)
		ADD R2, R10
		FMOVQ F3, (R10)
		ADD R2, R10
		SUBS $8, R11
		BNE %s`, step)
	g.P("ADD R4, R9, R1\nSUB R6<<2, R1\nADD R3, R0\nSUBS $1, R5\nBNE %s", pair)
	g.End()
}

// neonPackV prints the function that rounds four rows at a time to bf16, as
// [column][4 rows]. d is a multiple of 8.
func neonPackV(g *neon.Gen) {
	g.Begin("packVI8MM", "(dst, src unsafe.Pointer, srcStride, steps, d int)", "dst", "src", "srcStride", "steps", "d")
	step, columns := g.NewLabel("step"), g.NewLabel("columns")
	g.Label(step)
	g.P("ADD R2, R1, R5\nADD R2, R5, R6\nADD R2, R6, R7\nADD R2, R7, R9\nMOVD R4, R8")
	g.Label(columns)
	for i, row := range []string{"R1", "R5", "R6", "R7"} {
		g.P("FLDPQ.P 32(%s), (F%d, F%d)", row, 2*i, 2*i+1)
	}
	for i := range 4 {
		g.P("bfcvtn v%d.4h, v%[1]d.4s\nbfcvtn2 v%[1]d.8h, v%[2]d.4s", 2*i, 2*i+1)
	}
	g.P(`zip1 v1.8h, v0.8h, v4.8h
		zip2 v5.8h, v0.8h, v4.8h
		zip1 v3.8h, v2.8h, v6.8h
		zip2 v7.8h, v2.8h, v6.8h
		zip1 v0.8h, v1.8h, v3.8h
		zip2 v2.8h, v1.8h, v3.8h
		zip1 v4.8h, v5.8h, v7.8h
		zip2 v6.8h, v5.8h, v7.8h
		FSTPQ.P (F0, F2), 32(R0)
		FSTPQ.P (F4, F6), 32(R0)
		SUBS $8, R8
		BNE %s`, columns)
	g.P("MOVD R9, R1\nSUBS $1, R3\nBNE %s", step)
	g.End()
}

// neonScoresBF16 multiplies pairs of keys by pairs of queries, and then puts the
// scores of each key together.
func neonScoresBF16(g *neon.Gen, pairs, vectors int) {
	g.Zero(0, 2*pairs*vectors)
	loop := g.NewLabel("loop")
	g.Label(loop)
	for p := range pairs {
		g.P("FLDPQ.P 32(R%d), (F%d, F%d)", 3+p, 24+p, 27+p)
	}
	for half := range 2 {
		for v := range vectors {
			g.P("FLDPQ.P 32(R9), (F30, F31)")
			for i := range 2 {
				for p := range pairs {
					g.P("bfmmla v%d.4s, v%d.8h, v%d.8h", p*2*vectors+2*v+i, 24+3*half+p, 30+i)
				}
			}
		}
	}
	g.P("SUBS $1, R10\nBNE %s", loop)
	untwist(g, 2*pairs*vectors)
}

// untwist turns results of two by two, in the first sums registers, into rows: a
// register has the first row of its four columns, the next one the second.
func untwist(g *neon.Gen, sums int) {
	for i := 0; i < sums; i += 2 {
		g.P("zip1 v30.2d, v%d.2d, v%d.2d\nzip2 v%[2]d.2d, v%[1]d.2d, v%[2]d.2d\nmov v%[1]d.16b, v30.16b", i, i+1)
	}
}

// neonSoftmaxBF16 is neonSoftmax for one vector at a time and four keys in a
// step. It writes probabilities to R5 as bf16: [step][query][4 keys].
func neonSoftmaxBF16(g *neon.Gen) {
	const largest, sum = 28, 30
	g.Begin("softmaxI8MM", "(s unsafe.Pointer, steps int, st *state, vectors int, p unsafe.Pointer)", "s", "steps", "st", "vectors", "p")
	g.Constants(24, "magic", "exp1", "exp3", "exp5")
	g.P("LSL $4, R3, R6\nLSL $5, R3, R7") // bytes of a key's scores, of a step's probabilities
	vector, step := g.NewLabel("vector"), g.NewLabel("step")
	g.Label(vector)
	neonFold(g, 1, largest, sum)
	g.P("MOVD R0, R8\nMOVD R4, R9\nMOVD R1, R10")
	g.Label(step)
	g.P("ADD R6, R8, R11\nADD R6, R11, R12\nADD R6, R12, R13")
	g.Together(4, 6, func(i int) {
		g.P("FMOVQ (R%d), F%d", []int{8, 11, 12, 13}[i], 6*i)
		g.P("fsub t0.4s, t0.4s, v%d.4s", largest)
		neonExp2(g)
	})
	for i := range 4 {
		g.P("fadd v%d.4s, v%[1]d.4s, v%d.4s", sum, 6*i)
	}
	g.P(`bfcvtn v1.4h, v0.4s
		bfcvtn2 v1.8h, v6.4s
		bfcvtn v2.4h, v12.4s
		bfcvtn2 v2.8h, v18.4s
		zip1 v3.8h, v1.8h, v2.8h
		zip2 v4.8h, v1.8h, v2.8h
		zip1 v1.8h, v3.8h, v4.8h
		zip2 v2.8h, v3.8h, v4.8h
		FSTPQ (F1, F2), (R9)
		ADD R7, R9
		ADD R6, R13, R8
		SUBS $1, R10
		BNE %s`, step)
	g.P("FMOVQ F%d, state_sum(R2)\nADD $16, R0\nADD $16, R2\nADD $32, R4\nSUBS $1, R3\nBNE %s", sum, vector)
	g.End()
}

// neonValuesBF16 multiplies pairs of queries by pairs of columns, four keys in a
// step.
func neonValuesBF16(g *neon.Gen, vectors int) {
	loop := g.NewLabel("loop")
	g.Label(loop)
	g.P("FLDPQ (R9), (F24, F25)\nADD R4, R9")
	for v := range vectors {
		g.P("FLDPQ %d(R10), (F%d, F%d)", 32*v, 16+2*v, 17+2*v)
	}
	g.P("ADD R5, R10")
	for v := range 2 * vectors {
		for p := range 2 {
			g.P("bfmmla v%d.4s, v%d.8h, v%d.8h", p*2*vectors+v, 24+p, 16+v)
		}
	}
	g.P("SUBS $1, R11\nBNE %s", loop)
	untwist(g, 4*vectors)
}
