package main

import (
	"fmt"

	"mom/kernels/internal/neon"
)

// On arm64 a group is 16 or 8 queries, in four or two vectors. The structs are
// those of attn_arm64.go.
func arm64() {
	neon.Write("attn", func(g *neon.Gen) {
		g.Raw("#include \"go_asm.h\"\n")
		g.Float("masked", masked)
		g.Float("small", -127)
		g.Float("magic", 0x1.8p23+127)
		g.Floats("exp", append([]float64{1}, exp2Degree5...))
		g.Bits("one", 1)
		for v := range uint32(4) {
			g.Lanes("iota"+string(rune('0'+v)), [4]uint32{4 * v, 4*v + 1, 4*v + 2, 4*v + 3})
		}
		neonPackQ(g)
		neonPackPairs(g)
		neonPackV(g)
		for _, bf16 := range []bool{false, true} {
			neonScores(g, 2, bf16)
			neonScores(g, 4, bf16)
			neonValues(g, bf16)
		}
		neonSoftmax(g)
		neonSoftmaxBF16(g)
	})
}

// neonPackQ prints the function that transposes four rows of queries, times
// scale, to [dimension][query]. d is a multiple of 4.
func neonPackQ(g *neon.Gen) {
	g.Begin("packQNEON", "(dst, src unsafe.Pointer, dstStride, srcStride, d int, scale float32)",
		"dst", "src", "dstStride", "srcStride", "d", "F16 scale")
	g.P("ADD R3, R1, R5\nADD R3, R5, R6\nADD R3, R6, R7")
	loop := g.NewLabel("loop")
	g.Label(loop)
	for i, row := range []string{"R1", "R5", "R6", "R7"} {
		g.Load(row, i)
	}
	g.P(`trn1 v4.4s, v0.4s, v1.4s
		trn2 v5.4s, v0.4s, v1.4s
		trn1 v6.4s, v2.4s, v3.4s
		trn2 v7.4s, v2.4s, v3.4s
		trn1 v0.2d, v4.2d, v6.2d
		trn1 v1.2d, v5.2d, v7.2d
		trn2 v2.2d, v4.2d, v6.2d
		trn2 v3.2d, v5.2d, v7.2d`)
	for i := range 4 {
		g.P("fmul v%d.4s, v%[1]d.4s, v16.s[0]\nFMOVQ F%[1]d, (R0)\nADD R2, R0", i)
	}
	g.P("SUBS $4, R4\nBNE %s", loop)
	g.End()
}

// neonScores prints S = K Qᵀ for a group, in tiles of six keys and one of what is
// left. V0 to V23 are scores, V24 to V29 keys, V30 and V31 queries.
//
// R0 the arguments, R1 keys, R2 their stride, R3 to R8 keys of the tile, R9
// queries, R10 steps left, R11 scores, R12 the query of lane 0 less the first key
// of the tile plus Reach, R13 2*Reach, R14 keys left, R15 whether there is a mask.
//
// For bf16 a tile has pairs of keys, R2 is bytes from one to the next, and a step
// takes eight dimensions instead of four.
func neonScores(g *neon.Gen, vectors int, bf16 bool) {
	g.Begin(fmt.Sprintf("scores%d%s", vectors, suffix(bf16)), "(a *scoresArgs)", "a")
	g.Constants(0)
	g.P(`MOVD scoresArgs_k(R0), R1
		MOVD scoresArgs_stride(R0), R2
		MOVD scoresArgs_s(R0), R11
		MOVD scoresArgs_first(R0), R12
		MOVD scoresArgs_width(R0), R13
		MOVD scoresArgs_keys(R0), R14
		MOVD scoresArgs_band(R0), R15`)
	for rows := 6; rows > 0; rows-- {
		tile, next := g.NewLabel("keys"), g.NewLabel("fewer")
		g.P("CMP $%d, R14\nBLT %s", rows, next)
		g.Label(tile)
		neonScoresTile(g, rows, vectors, bf16)
		if rows == 6 {
			g.P("SUB $6, R14\nCMP $6, R14\nBGE %s", tile)
		} else {
			g.End()
		}
		g.Label(next)
	}
	g.End()
}

func neonScoresTile(g *neon.Gen, rows, vectors int, bf16 bool) {
	sum := func(r, v int) int { return r*vectors + v }
	pointers := rows
	if bf16 {
		sum = func(r, v int) int { return r/2*2*vectors + 2*v + r%2 }
		pointers = (rows + 1) / 2
	}
	g.P("MOVD R1, R3")
	for r := 1; r < pointers; r++ {
		g.P("ADD R2, R%d, R%d", 2+r, 3+r)
	}
	g.P("ADD R2, R%d, R1\nMOVD scoresArgs_q(R0), R9\nMOVD scoresArgs_steps(R0), R10", 2+pointers)
	if bf16 {
		neonScoresBF16(g, pointers, vectors)
	} else {
		neonScoresF32(g, rows, vectors)
	}

	// With i the query and j the key, a pair is within the band when the
	// unsigned i-j+Reach is at most 2*Reach.
	plain := g.NewLabel("plain")
	g.P("CBZ R15, %s", plain)
	const width, none, tmp, one = 28, 29, 30, 31
	g.P("VDUP R13, V%d.S4", width)
	g.Const("masked", none)
	for v := range vectors {
		g.Const("iota"+string(rune('0'+v)), tmp)
		g.P("VDUP R12, V%d.S4\nadd v%[1]d.4s, v%[1]d.4s, v%d.4s", 24+v, tmp)
	}
	g.Const("one", one)
	for r := range rows {
		for v := range vectors {
			g.P("cmhs v%d.4s, v%d.4s, v%d.4s", tmp, width, 24+v)
			g.P("bif v%d.16b, v%d.16b, v%d.16b", sum(r, v), none, tmp)
			g.P("sub v%d.4s, v%[1]d.4s, v%d.4s", 24+v, one)
		}
	}
	g.P("SUB $%d, R12", rows)
	g.Label(plain)
	g.P("MOVD scoresArgs_state(R0), R9")
	for v := range vectors {
		g.P("FMOVQ state_top+%d(R9), F%d", 16*v, 24+v)
	}
	for r := range rows {
		for v := 0; v < vectors; v += 2 {
			a, b := sum(r, v), sum(r, v+1)
			g.P("FSTPQ.P (F%d, F%d), 32(R11)", a, b)
			g.P("fmax v%d.4s, v%[1]d.4s, v%d.4s\nfmax v%d.4s, v%[3]d.4s, v%d.4s", 24+v, a, 25+v, b)
		}
	}
	for v := range vectors {
		g.P("FMOVQ F%d, state_top+%d(R9)", 24+v, 16*v)
	}
}

func neonScoresF32(g *neon.Gen, rows, vectors int) {
	g.Zero(0, rows*vectors)
	loop := g.NewLabel("loop")
	g.Label(loop)
	for r := range rows {
		g.P("FMOVQ.P 16(R%d), F%d", 3+r, 24+r)
	}
	for lane := range 4 {
		for v := 0; v < vectors; v += 2 {
			g.P("FLDPQ.P 32(R9), (F30, F31)")
			for i := range 2 {
				for r := range rows {
					g.P("fmla v%d.4s, v%d.4s, v%d.s[%d]", r*vectors+v+i, 30+i, 24+r, lane)
				}
			}
		}
	}
	g.P("SUBS $1, R10\nBNE %s", loop)
}

func suffix(bf16 bool) string {
	if bf16 {
		return "I8MM"
	}
	return "NEON"
}

// neonSoftmax prints the online step and P = 2^(S - max), for pairs of vectors:
// the block's largest scores are taken into the rows', the sums shrink, and the
// block's probabilities are added to them. For a pair, V28 and V29 are the rows'
// largest scores, V30 and V31 the sums.
func neonSoftmax(g *neon.Gen) {
	const largest, sum = 28, 30
	g.Begin("softmaxNEON", "(s unsafe.Pointer, keys int, st *state, vectors int)", "s", "keys", "st", "vectors")
	g.Constants(24, "magic", "exp1", "exp3", "exp5")
	g.P("LSL $4, R3, R4") // bytes of a key's scores
	pair, single := g.NewLabel("pair"), g.NewLabel("single")
	g.Label(pair)
	neonFold(g, 2, largest, sum)
	g.P("MOVD R0, R5\nMOVD R1, R6")
	keys := func(n int) { // the next key's scores are at R7
		g.Together(2*n, 6, func(i int) {
			at := fmt.Sprintf("%d(R%d)", 16*(i%2), []int{5, 7}[i/2])
			g.P("FMOVQ %s, F%d", at, 6*i)
			g.P("fsub t0.4s, t0.4s, v%d.4s", largest+i%2)
			neonExp2(g)
			g.P("FMOVQ F%d, %s", 6*i, at)
			g.P("fadd v%d.4s, v%[1]d.4s, t0.4s", sum+i%2)
		})
	}
	two, next := g.NewLabel("two"), g.NewLabel("next")
	g.P("SUBS $2, R6\nBLT %s", single)
	g.Label(two)
	g.P("ADD R4, R5, R7")
	keys(2)
	g.P("ADD R4, R7, R5\nSUBS $2, R6\nBGE %s", two)
	g.Label(single)
	g.P("TBZ $0, R6, %s", next)
	keys(1)
	g.Label(next)
	for i := range 2 {
		g.P("FMOVQ F%d, state_sum+%d(R2)", sum+i, 16*i)
	}
	g.P("ADD $32, R0\nADD $32, R2\nSUBS $2, R3\nBNE %s", pair)
	g.End()
}

// neonFold takes the block's largest scores of n vectors into those of the rows,
// in registers from largest on, and shrinks the sums, in registers from sum on.
func neonFold(g *neon.Gen, n, largest, sum int) {
	g.Together(n, 6, func(i int) {
		g.P("FMOVQ state_max+%d(R2), F%d", 16*i, 6*i)
		g.P("FMOVQ state_top+%d(R2), F%d", 16*i, largest+i)
		g.P("fmax v%d.4s, v%[1]d.4s, t0.4s", largest+i)
		g.P("FMOVQ F%d, state_max+%d(R2)", largest+i, 16*i)
		g.P("fsub t0.4s, t0.4s, v%d.4s", largest+i)
		neonExp2(g)
		g.P("FMOVQ F%d, state_fade+%d(R2)", 6*i, 16*i)
		g.P("FMOVQ state_sum+%d(R2), F%d", 16*i, sum+i)
		g.P("fmul v%d.4s, v%[1]d.4s, t0.4s", sum+i)
		g.Const("masked", 1)
		g.P("FMOVQ F%d, state_top+%d(R2)", 6*i+1, 16*i)
	})
}

// neonExp2 replaces t0 by 2^t0, t0 <= 0, which is 0 where t0 is below -127; t1 to
// t5 are lost.
func neonExp2(g *neon.Gen) {
	// A number plus magic has its integer, plus the bias of exponents, in the
	// low bits: the scale 2^integer is 0 at -127.
	g.Const("small", 1)
	g.P(`fmax t0.4s, t0.4s, t1.4s
		fadd t2.4s, t0.4s, {magic}.4s
		fsub t1.4s, t2.4s, {magic}.4s
		fsub t0.4s, t0.4s, t1.4s
		shl t2.4s, t2.4s, #23
		fmul t1.4s, t0.4s, t0.4s`)
	for i, even := range []string{"exp0", "exp2", "exp4"} {
		g.Const(even, 3+i)
		g.P("fmla t%d.4s, t0.4s, {exp%d}.4s", 3+i, 2*i+1)
	}
	g.P(`fmla t4.4s, t5.4s, t1.4s
		fmla t3.4s, t4.4s, t1.4s
		fmul t0.4s, t3.4s, t2.4s`)
}

// neonValues prints O = P V for a group, by tiles of up to four rows, and for
// each by four, two and one vectors of columns.
//
// R0 the arguments, R1 the tile, R2 tiles left, R3 bytes of the queries before
// it, R4 and R5 strides of P and V, R6 the first row of dst, R7 bytes of columns
// before those at hand, R8 vectors of columns left, R9 P, R10 V, R11 keys left, R12
// stride of dst, R13 rows of the tile, R14 the row being stored, R15 scratch.
//
// For bf16 a step takes four keys instead of one.
func neonValues(g *neon.Gen, bf16 bool) {
	g.Begin("values"+suffix(bf16), "(a *valuesArgs)", "a")
	g.P(`ADD $valuesArgs_tiles, R0, R1
		MOVD valuesArgs_count(R0), R2
		MOVD $0, R3
		MOVD valuesArgs_pStride(R0), R4
		MOVD valuesArgs_vStride(R0), R5
		MOVD valuesArgs_dst(R0), R6
		MOVD valuesArgs_stride(R0), R12`)
	tile, columns, done := g.NewLabel("tile"), g.NewLabel("columns"), g.NewLabel("done")
	g.Label(tile)
	g.P("MOVD tile_rows(R1), R13\nMOVD $0, R7\nMOVD valuesArgs_vectors(R0), R8")
	// F28 1/sum in the last block, else 1; F29 what dst is shrunk by.
	g.P(`MOVD valuesArgs_state(R0), R15
		ADD R3, R15
		FMOVS $1.0, F28
		dup v28.4s, v28.s[0]
		FMOVQ state_fade(R15), F29
		MOVD valuesArgs_last(R0), R9
		CBZ R9, %s
		FMOVQ state_sum(R15), F30
		fdiv v28.4s, v28.4s, v30.4s`, columns)
	g.Label(columns)
	for _, vectors := range []int{4, 2, 1} {
		next := g.NewLabel("fewer")
		g.P("CMP $%d, R8\nBLT %s", vectors, next)
		neonValuesTile(g, vectors, bf16)
		g.P("ADD $%d, R7\nSUBS $%d, R8\nBNE %s\nB %s", 16*vectors, vectors, columns, done)
		g.Label(next)
	}
	g.Label(done)
	g.P("LSL $2, R13, R15\nMUL R12, R13\nADD R13, R6\nADD R15, R3\nADD $tile__size, R1\nSUBS $1, R2\nBNE %s", tile)
	g.End()
}

func neonValuesTile(g *neon.Gen, vectors int, bf16 bool) {
	g.P(`MOVD valuesArgs_p(R0), R9
		ADD R3, R9
		MOVD tile_p(R1), R15
		ADD R15, R9
		MOVD valuesArgs_v(R0), R10
		ADD R7, R10
		MOVD tile_v(R1), R15
		ADD R15, R10
		MOVD tile_steps(R1), R11`)
	g.Zero(0, 4*vectors)
	sum := func(r, v int) int { return r*vectors + v }
	if bf16 {
		sum = func(r, v int) int { return r/2*2*vectors + 2*v + r%2 }
		g.P("ADD R3, R9\nADD R7, R10") // twice as wide as they are for one key
		neonValuesBF16(g, vectors)
	} else {
		neonValuesF32(g, vectors)
	}

	add, stored := g.NewLabel("add"), g.NewLabel("stored")
	g.P("ADD R7, R6, R14\nMOVD valuesArgs_add(R0), R15\nCBNZ R15, %s", add)
	for _, adding := range []bool{false, true} {
		if adding {
			g.Label(add)
		}
		for r := range 4 {
			for v := range vectors {
				if adding {
					g.P("FMOVQ %d(R14), F16\nfmla v%d.4s, v16.4s, v29.s[%d]", 16*v, sum(r, v), r)
				}
				g.P("fmul v%d.4s, v%[1]d.4s, v28.s[%d]\nFMOVQ F%[1]d, %[3]d(R14)", sum(r, v), r, 16*v)
			}
			if r < 3 {
				g.P("CMP $%d, R13\nBEQ %s\nADD R12, R14", r+1, stored)
			}
		}
		if !adding {
			g.P("B %s", stored)
		}
	}
	g.Label(stored)
}

func neonValuesF32(g *neon.Gen, vectors int) {
	step := func(p, v0 int) {
		g.P("FMOVQ (R9), F%d\nADD R4, R9", p)
		for v := 0; v < vectors; v += 2 {
			if v+1 < vectors {
				g.P("FLDPQ %d(R10), (F%d, F%d)", 16*v, v0+v, v0+v+1)
			} else {
				g.P("FMOVQ %d(R10), F%d", 16*v, v0+v)
			}
		}
		g.P("ADD R5, R10")
		for r := range 4 {
			for v := range vectors {
				g.P("fmla v%d.4s, v%d.4s, v%d.s[%d]", r*vectors+v, v0+v, p, r)
			}
		}
	}
	loop, rest, end := g.NewLabel("loop"), g.NewLabel("rest"), g.NewLabel("end")
	g.P("SUBS $2, R11\nBLT %s", rest)
	g.Label(loop)
	step(24, 16)
	step(25, 20)
	g.P("SUBS $2, R11\nBGE %s", loop)
	g.Label(rest)
	g.P("TBZ $0, R11, %s", end)
	step(24, 16)
	g.Label(end)
}
