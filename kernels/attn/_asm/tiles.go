package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

// tiles prints what level amx does with matrix instructions, for heads of 32 and 64
// dimensions. All tiles are full: 16 rows of 64 bytes. A group is 32 queries; its
// scores, probabilities and results have a row of 128 bytes for each key, pair of
// keys, and dimension.
func tiles() {
	f := asmgen.New("kernels/attn/_asm", "!purego")
	g := &gen{File: f, name: "Tiles", bf16: true, reg: "Z", bytes: 64}
	constants(f)
	shape := [8]uint64{0: 1, 2: 0x0040004000400040, 3: 0x0040004000400040, 6: 0x1010101010101010}
	for i, word := range shape {
		g.Raw("DATA ·shape<>+%d(SB)/8, $0x%016x\n", 8*i, word)
	}
	g.Raw("GLOBL ·shape<>(SB), RODATA|NOPTR, $64\n")
	g.scoresTiles()
	g.topTiles()
	g.fadeTiles()
	g.packVTiles()
	g.valuesTiles()
	g.unpackTiles()
	f.Write("attn_amx_amd64.s")
}

func (g *gen) configure() {
	g.L("LEAQ ·shape<>(SB), AX")
	g.L("%s", asmgen.LDTILECFG("AX"))
}

func (g *gen) release() {
	g.L("%s", asmgen.TILERELEASE())
	g.L("RET")
}

// scoresTiles prints S = K Qᵀ: 16 keys at a time, with the queries in tiles 4 to 7.
func (g *gen) scoresTiles() {
	g.Func("scoresTiles", "(s, k, q unsafe.Pointer, tiles, steps int)", 40)
	g.L("MOVQ s+0(FP), DI\nMOVQ k+8(FP), SI\nMOVQ q+16(FP), DX\nMOVQ tiles+24(FP), CX\nMOVQ steps+32(FP), R9")
	g.configure()
	g.L("MOVQ $128, R8")
	g.L("SHLQ $6, R9") // bytes of a key
	one := g.NewLabel("one")
	g.L("CMPQ R9, $64\nJEQ %s", one)
	for steps := 2; steps > 0; steps-- {
		if steps == 1 {
			g.Label(one)
		}
		for i := range 2 * steps {
			g.L("%s", asmgen.TILELOADD(4+i, "DX", "R8", i/2*16*128+i%2*64))
		}
		again := g.NewLabel("keys")
		g.Label(again)
		for half := range 2 {
			g.L("%s", asmgen.TILEZERO(half))
		}
		for step := range steps {
			g.L("%s", asmgen.TILELOADD(2+step, "SI", "R9", 64*step))
			for half := range 2 {
				g.L("%s", asmgen.TDPBF16PS(half, 2+step, 4+2*step+half))
			}
		}
		for half := range 2 {
			g.L("%s", asmgen.TILESTORED(half, "DI", "R8", 64*half))
		}
		g.L("ADDQ $%d, SI\nADDQ $2048, DI\nDECQ CX\nJNZ %s", 16*64*steps, again)
		g.release()
	}
}

// topTiles prints what takes the largest score of each query into the state. With
// width not negative it replaces scores of pairs outside the band before that: the
// query of lane 0 less the first key, plus Reach, is first, and 2*Reach is width.
func (g *gen) topTiles() {
	const width, none, one, at, top = 8, 9, 10, 0, 2
	g.Func("topTiles", "(s unsafe.Pointer, keys, first, width int, st *state)", 40)
	g.L("MOVQ s+0(FP), SI\nMOVQ keys+8(FP), CX\nMOVQ st+32(FP), AX\nMOVQ width+24(FP), R8")
	for v := range 2 {
		g.load(fmt.Sprintf("%d(AX)", stateTop+64*v), top+v)
	}
	plain, done := g.NewLabel("plain"), g.NewLabel("done")
	g.L("TESTQ R8, R8\nJLT %s", plain)
	g.L("VPBROADCASTD width+24(FP), %s", g.r(width))
	g.L("VMOVUPS %s, %s", constant(constMasked), g.r(none))
	g.L("VMOVUPS %s, %s", constant(constIntOne), g.r(one))
	for v := range 2 {
		g.L("VPBROADCASTD first+16(FP), %s", g.r(at+v))
		g.L("VPADDD %s, %[2]s, %[2]s", constant(constIota+64*v), g.r(at+v))
	}
	for _, mask := range []bool{true, false} {
		if !mask {
			g.Label(plain)
		}
		again := g.NewLabel("key")
		g.Label(again)
		for v := range 2 {
			x := 4 + v
			g.load(fmt.Sprintf("%d(SI)", 64*v), x)
			if mask {
				g.L("VPCMPUD $6, %s, %s, K1", g.r(width), g.r(at+v))
				g.L("VMOVAPS %s, K1, %s", g.r(none), g.r(x))
				g.store(x, fmt.Sprintf("%d(SI)", 64*v))
				g.L("VPSUBD %s, %[2]s, %[2]s", g.r(one), g.r(at+v))
			}
			g.L("VMAXPS %s, %[2]s, %[2]s", g.r(x), g.r(top+v))
		}
		g.L("ADDQ $128, SI\nDECQ CX\nJNZ %s", again)
		if mask {
			g.L("JMP %s", done)
		}
	}
	g.Label(done)
	for v := range 2 {
		g.store(top+v, fmt.Sprintf("%d(AX)", stateTop+64*v))
	}
	g.end()
}

// fadeTiles prints what shrinks results so far by what the last fold shrank the sum by.
func (g *gen) fadeTiles() {
	g.Func("fadeTiles", "(o unsafe.Pointer, d int, st *state)", 24)
	g.L("MOVQ o+0(FP), DI\nMOVQ d+8(FP), CX\nMOVQ st+16(FP), AX")
	for v := range 2 {
		g.load(fmt.Sprintf("%d(AX)", stateFade+64*v), v)
	}
	again := g.NewLabel("dimension")
	g.Label(again)
	for v := range 2 {
		at := fmt.Sprintf("%d(DI)", 64*v)
		g.L("VMULPS %s, %s, %s", at, g.r(v), g.r(2+v))
		g.store(2+v, at)
	}
	g.L("ADDQ $128, DI\nDECQ CX\nJNZ %s", again)
	g.end()
}

// packVTiles prints what rounds 32 rows of V to bf16 and transposes them: a tile
// for each 16 dimensions, of rows of 32 keys.
func (g *gen) packVTiles() {
	const low, high, pair = 16, 17, 31
	g.Func("packVTiles", "(dst, src unsafe.Pointer, srcStride, d int)", 32)
	g.L("MOVQ dst+0(FP), DI\nMOVQ src+8(FP), SI\nMOVQ srcStride+16(FP), R8\nMOVQ d+24(FP), CX\nMOVQ $64, R9")
	again := g.NewLabel("columns")
	g.Label(again)
	g.L("VMOVUPS %s, %s", constant(constPair), g.r(pair))
	g.L("MOVQ SI, AX")
	for row := range 16 {
		g.load("(AX)", low)
		g.load("(AX)(R8*1)", high)
		g.L("%s", asmgen.VCVTNE2PS2BF16(row, high, low))
		g.L("VPERMW %s, %s, %s", g.r(row), g.r(pair), g.r(row))
		g.L("LEAQ (AX)(R8*2), AX")
	}
	g.transposeWide()
	g.storeRows(16)
	g.L("ADDQ $64, SI\nSUBQ $16, CX\nJNZ %s", again)
	g.end()
}

// valuesTiles prints O = P V, transposed, or O += P V, for chunks of 32 keys: four sums
// at a time, of 64 dimensions by half of the queries or of 32 by all.
func (g *gen) valuesTiles() {
	g.Func("valuesTiles", "(o, p, v unsafe.Pointer, chunks, d, add int)", 48)
	g.L("MOVQ o+0(FP), DI\nMOVQ chunks+24(FP), DX\nMOVQ d+32(FP), R9")
	g.configure()
	g.L("MOVQ $128, R8")
	small := g.NewLabel("small")
	g.L("CMPQ R9, $64\nJNE %s\nMOVQ $64, R9", small)
	g.valuesPart(4, []int{0})
	g.valuesPart(4, []int{1})
	g.release()
	g.Label(small)
	g.L("MOVQ $64, R9")
	g.valuesPart(2, []int{0, 1})
	g.release()
}

func (g *gen) valuesPart(dims int, halves []int) {
	const v, p = 4, 6
	sum := func(dim, half int) (tile, at int) {
		return dim*len(halves) + half, dim*16*128 + halves[half]*64
	}
	load, set := g.NewLabel("add"), g.NewLabel("set")
	each := func(f func(dim, half int)) {
		for dim := range dims {
			for half := range halves {
				f(dim, half)
			}
		}
	}
	g.L("MOVQ p+8(FP), SI\nMOVQ v+16(FP), BX\nMOVQ DX, CX")
	g.L("CMPQ add+40(FP), $0\nJNE %s", load)
	each(func(dim, half int) {
		tile, _ := sum(dim, half)
		g.L("%s", asmgen.TILEZERO(tile))
	})
	g.L("JMP %s", set)
	g.Label(load)
	each(func(dim, half int) {
		tile, at := sum(dim, half)
		g.L("%s", asmgen.TILELOADD(tile, "DI", "R8", at))
	})
	g.Label(set)
	again := g.NewLabel("chunk")
	g.Label(again)
	for half, h := range halves {
		g.L("%s", asmgen.TILELOADD(p+half, "SI", "R8", 64*h))
	}
	for dim := range dims {
		g.L("%s", asmgen.TILELOADD(v+dim%2, "BX", "R9", 1024*dim))
		for half := range halves {
			tile, _ := sum(dim, half)
			g.L("%s", asmgen.TDPBF16PS(tile, v+dim%2, p+half))
		}
	}
	g.L("ADDQ $2048, SI\nADDQ $%d, BX\nDECQ CX\nJNZ %s", 1024*dims, again)
	each(func(dim, half int) {
		tile, at := sum(dim, half)
		g.L("%s", asmgen.TILESTORED(tile, "DI", "R8", at))
	})
}

// unpackTiles prints what divides the results by the sums of probabilities and writes
// them to 32 rows of dst.
func (g *gen) unpackTiles() {
	g.Func("unpackTiles", "(dst, o unsafe.Pointer, dstStride, d int, st *state)", 40)
	g.L("MOVQ o+8(FP), SI\nMOVQ dstStride+16(FP), R9\nMOVQ st+32(FP), AX")
	g.L("MOVQ dst+0(FP), BX")
	half := g.NewLabel("half")
	g.L("MOVQ $2, DX")
	g.Label(half)
	g.L("MOVQ d+24(FP), CX\nMOVQ SI, R10\nMOVQ BX, R11")
	again := g.NewLabel("columns")
	g.Label(again)
	g.L("VMOVUPS %s, %s", constant(constOne), g.r(31))
	g.L("VDIVPS %d(AX), %s, %[2]s", stateSum, g.r(31))
	for row := range 16 {
		g.L("VMULPS %d(R10), %s, %s", 128*row, g.r(31), g.r(row))
	}
	g.transposeWide()
	g.L("MOVQ R11, DI")
	g.storeRows(16)
	g.L("ADDQ $2048, R10\nADDQ $64, R11\nSUBQ $16, CX\nJNZ %s", again)
	g.L("SHLQ $4, R9\nADDQ R9, BX\nSHRQ $4, R9\nADDQ $64, SI\nADDQ $64, AX\nDECQ DX\nJNZ %s", half)
	g.end()
}
