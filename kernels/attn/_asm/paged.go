package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

// pagedArgs, the struct that the functions on pages take.
const (
	pagedQ      = 8 * iota                               // queries [rows][d], times scale
	pagedS                                               // scores, then probabilities [rows][pagedBlock], from the first page's first key on
	pagedOut                                             // sums of values [rows][d]
	pagedPages                                           // K or V of the first page, and of those after it
	pagedScale  = 8 * (iota + pagedBlock/pageTokens - 1) // F32: scales of the page's keys, nil for none
	pagedFade                                            // values: what out is shrunk by [rows], if
	pagedMode                                            // is 2; 1: out is added to as it is, 0: it is set
	pagedKeys                                            // int32 a tile: how many keys of the block its rows attend to
	pagedBefore                                          // keys of the block in pages before the first one
	pagedCount                                           // pages
	pagedD
	pagedSix   // tiles of six rows
	pagedTail  // rows of the next tile, 0 for none
	pagedTail2 // rows of the last tile, 0 for none
	pagedAt    // values: bytes of fade before the tile
)

const (
	pageTokens = 32
	pagedBlock = 4 * pageTokens // keys that have scores at a time
	pageBytes  = 4 * pageTokens // of scores
	pagedRow   = 4 * pagedBlock // of a row of them
)

// A format is how a page holds numbers.
type format struct {
	name  string
	bytes int // of a number
}

var formats = []format{{"F32", 4}, {"BF16", 2}, {"I8", 1}}

// paged prints the functions of attention over pages.
func paged() {
	for _, level := range []struct {
		name, file, reg string
		bytes           int
	}{
		{"AVX2", "paged_avx2_amd64.s", "Y", 32},
		{"AVX512", "paged_avx512_amd64.s", "Z", 64},
	} {
		f := asmgen.New("kernels/attn/_asm", "!purego")
		constants(f)
		g := &gen{File: f, name: level.name, reg: level.reg, bytes: level.bytes}
		for _, format := range formats {
			p := pagedGen{g, format}
			p.scores()
			p.values()
		}
		g.pagedSoftmax()
		if !g.wide() {
			g.pagedMultiply()
			g.pagedWiden()
		}
		f.Write(level.file)
	}
}

// A pagedGen prints the products with pages of one format.
type pagedGen struct {
	*gen
	format
}

func (g pagedGen) lanes() int { return g.bytes() / 4 }

func (g pagedGen) bytes() int { return g.gen.bytes }

// vectors is how many vectors of columns a tile has: enough accumulators that
// they do not wait for each other, in the registers there are.
func (g pagedGen) vectors(rows int) int {
	if rows <= 3 {
		return 4
	}
	return 2
}

// loadB loads one vector of a page as float32.
func (g pagedGen) loadB(from string, to int) {
	switch g.format.name {
	case "F32":
		g.load(from, to)
	case "BF16":
		g.L("VPMOVZXWD %s, %s", from, g.r(to))
		g.L("VPSLLD $16, %[1]s, %[1]s", g.r(to))
	default:
		g.L("VPMOVSXBD %s, %s", from, g.r(to))
		g.L("VCVTDQ2PS %[1]s, %[1]s", g.r(to))
	}
}

// step is acc[row][v] += a(row) * b(v).
func (g pagedGen) step(rows, vectors int, a func(row int) string, b func(v int) string) {
	if !g.wide() && rows <= 3 { // 12 accumulators, rows of A, one vector of B
		for row := range rows {
			g.broadcast(a(row), 12+row)
		}
		for v := range vectors {
			g.loadB(b(v), 15)
			for row := range rows {
				g.multiply(12+row, 15, acc(row, v, vectors))
			}
		}
		return
	}
	const regB, regA = 12, 14
	firstB, firstA := regB, regA
	if g.wide() {
		firstB, firstA = 24, 28
	}
	for v := range vectors {
		g.loadB(b(v), firstB+v)
	}
	for row := range rows {
		g.broadcast(a(row), firstA+row%2)
		for v := range vectors {
			g.multiply(firstA+row%2, firstB+v, acc(row, v, vectors))
		}
	}
}

// tiles prints a loop over the tiles of rows. body prints a tile, done moves on to
// the next.
//
// R15 the arguments, R14 keys of the tile, SI and DX the tile's rows of A and of
// what is computed, R13 tiles of six rows left.
func (g pagedGen) tiles(body, done func(rows int)) {
	g.L("MOVQ %d(R15), R14", pagedKeys)
	g.L("MOVQ %d(R15), R13", pagedSix)
	tile := func(rows int) {
		skip := g.NewLabel("skip")
		g.L("MOVLQSX (R14), AX")
		g.L("CMPQ AX, %d(R15)", pagedBefore)
		g.L("JLE %s", skip)
		body(rows)
		g.Label(skip)
		g.L("ADDQ $4, R14")
		done(rows)
	}
	six, tail, again, end := g.NewLabel("six"), g.NewLabel("tail"), g.NewLabel("again"), g.NewLabel("end")
	g.Label(six)
	g.L("DECQ R13")
	g.L("JLT %s", tail)
	tile(maxRows)
	g.L("JMP %s", six)
	g.Label(tail)
	g.L("MOVQ %d(R15), R13", pagedTail)
	g.Label(again)
	var cases [maxRows]string
	for rows := 1; rows < maxRows; rows++ {
		cases[rows] = g.NewLabel("rows")
		g.L("CMPQ R13, $%d", rows)
		g.L("JEQ %s", cases[rows])
	}
	g.L("JMP %s", end)
	for rows := 1; rows < maxRows; rows++ {
		g.Label(cases[rows])
		tile(rows)
		g.L("MOVQ %d(R15), R13", pagedTail2)
		g.L("MOVQ $0, %d(R15)", pagedTail2)
		g.L("JMP %s", again)
	}
	g.Label(end)
	g.end()
}

// pages prints a loop over those pages that the tile attends to. Within body, R11
// is the page, R12 how many of its keys to take, 1 to 32, and R8 counts pages.
func (g pagedGen) pages(body func()) {
	page, some, done := g.NewLabel("page"), g.NewLabel("some"), g.NewLabel("done")
	g.L("XORQ R8, R8")
	g.Label(page)
	g.L("MOVQ R8, AX")
	g.L("SHLQ $5, AX")
	g.L("MOVLQSX (R14), R12")
	g.L("SUBQ %d(R15), R12", pagedBefore)
	g.L("SUBQ AX, R12")
	g.L("JLE %s", done)
	g.L("CMPQ R12, $%d", pageTokens)
	g.L("JLE %s", some)
	g.L("MOVQ $%d, R12", pageTokens)
	g.Label(some)
	g.L("MOVQ %d(R15)(R8*8), R11", pagedPages)
	body()
	g.L("INCQ R8")
	g.L("CMPQ R8, %d(R15)", pagedCount)
	g.L("JLT %s", page)
	g.Label(done)
}

// scores prints S = Q K: a step is one c, columns are keys.
//
// R9 bytes of a row of Q.
func (g pagedGen) scores() {
	g.Func("pagedScores"+g.format.name+g.gen.name, "(a *pagedArgs)", 8)
	g.L("MOVQ a+0(FP), R15")
	g.L("MOVQ %d(R15), SI", pagedQ)
	g.L("MOVQ %d(R15), DX", pagedS)
	g.L("MOVQ %d(R15), R9", pagedD)
	g.L("SHLQ $2, R9")
	g.tiles(func(rows int) {
		g.pages(func() { g.scoresTile(rows) })
	}, func(rows int) {
		g.L("ADDQ $%d, DX", rows*pagedRow)
		for range rows {
			g.L("ADDQ R9, SI")
		}
	})
}

func (g pagedGen) scoresTile(rows int) {
	vectors := min(g.vectors(rows), pageTokens/g.lanes())
	columns, plain := g.NewLabel("columns"), g.NewLabel("plain")
	width := vectors * g.lanes()
	g.L("XORQ R10, R10")
	g.Label(columns)
	g.L("MOVQ SI, AX")
	if rows > 3 {
		g.L("LEAQ (R9)(R9*2), BX")
		g.L("ADDQ SI, BX")
	}
	g.L("LEAQ (R11)(R10*%d), DI", g.format.bytes)
	for i := range rows * vectors {
		g.zero(i)
	}
	const unroll = 4 // d is a multiple of 8
	g.L("MOVQ %d(R15), CX", pagedD)
	g.L("SHRQ $2, CX")
	loop := g.NewLabel("loop")
	g.Label(loop)
	for u := range unroll {
		g.step(rows, vectors, func(row int) string {
			return fmt.Sprintf("%d(%s%s", 4*u, []string{"AX", "BX"}[row/3], []string{")", ")(R9*1)", ")(R9*2)"}[row%3])
		}, func(v int) string {
			return fmt.Sprintf("%d(DI)", (u*pageTokens+v*g.lanes())*g.format.bytes)
		})
	}
	g.L("ADDQ $%d, AX", 4*unroll)
	if rows > 3 {
		g.L("ADDQ $%d, BX", 4*unroll)
	}
	g.L("ADDQ $%d, DI", unroll*pageTokens*g.format.bytes)
	g.L("DECQ CX")
	g.L("JNZ %s", loop)
	switch g.format.name {
	case "F32": // widened pages have scales
		g.L("MOVQ %d(R15), BX", pagedScale)
		g.L("TESTQ BX, BX")
		g.L("JZ %s", plain)
		g.scaleKeys(rows, vectors)
		g.Label(plain)
	case "I8": // they follow V
		g.L("MOVQ R9, BX")
		g.L("SHLQ $4, BX")
		g.L("ADDQ R11, BX")
		g.scaleKeys(rows, vectors)
	}
	g.L("MOVQ R8, DI")
	g.L("SHLQ $7, DI")
	g.L("LEAQ (DI)(R10*4), DI")
	g.L("ADDQ DX, DI")
	for row := range rows {
		for v := range vectors {
			g.store(acc(row, v, vectors), fmt.Sprintf("%d(DI)", row*pagedRow+v*g.bytes()))
		}
	}
	if width < pageTokens {
		g.L("ADDQ $%d, R10", width)
		g.L("CMPQ R10, R12")
		g.L("JLT %s", columns)
	}
}

// scaleKeys multiplies the columns at R10 by the scales at BX.
func (g pagedGen) scaleKeys(rows, vectors int) {
	tmp := rows * vectors
	for v := range vectors {
		g.load(fmt.Sprintf("%d(BX)(R10*4)", v*g.bytes()), tmp)
		for row := range rows {
			g.L("VMULPS %s, %s, %[2]s", g.r(tmp), g.r(acc(row, v, vectors)))
		}
	}
}

// values prints O = O*fade + P V: a step is one key, columns are those of V.
//
// R9 bytes of a row of V, R10 the column.
func (g pagedGen) values() {
	g.Func("pagedValues"+g.format.name+g.gen.name, "(a *pagedArgs)", 8)
	g.L("MOVQ a+0(FP), R15")
	g.L("MOVQ %d(R15), SI", pagedS)
	g.L("MOVQ %d(R15), DX", pagedOut)
	g.L("MOVQ $0, %d(R15)", pagedAt)
	g.L("MOVQ %d(R15), R9", pagedD)
	if shift := map[int]int{1: 0, 2: 1, 4: 2}[g.format.bytes]; shift > 0 {
		g.L("SHLQ $%d, R9", shift)
	}
	g.tiles(func(rows int) {
		g.L("XORQ R10, R10")
		next := ""
		for vectors := g.vectors(rows); vectors > 0; vectors /= 2 {
			if next != "" {
				g.Label(next)
			}
			columns, width := g.NewLabel("columns"), vectors*g.lanes()
			next = g.NewLabel("fewer")
			g.Label(columns)
			g.L("LEAQ %d(R10), AX", width)
			g.L("CMPQ AX, %d(R15)", pagedD)
			g.L("JGT %s", next)
			g.valuesTile(rows, vectors)
			g.L("ADDQ $%d, R10", width)
			g.L("JMP %s", columns)
		}
		g.Label(next)
	}, func(rows int) {
		g.L("ADDQ $%d, SI", rows*pagedRow)
		g.L("MOVQ %d(R15), AX", pagedD)
		g.L("SHLQ $2, AX")
		for range rows {
			g.L("ADDQ AX, DX")
		}
		g.L("ADDQ $%d, %d(R15)", 4*rows, pagedAt)
	})
}

func (g pagedGen) valuesTile(rows, vectors int) {
	set, add, ready := g.NewLabel("set"), g.NewLabel("add"), g.NewLabel("ready")
	// out calls f for every row and vector of the tile, with its address.
	out := func(eachRow func(row int), f func(acc int, at string)) {
		g.L("LEAQ (DX)(R10*4), DI")
		for row := range rows {
			eachRow(row)
			for v := range vectors {
				f(acc(row, v, vectors), fmt.Sprintf("%d(DI)", v*g.bytes()))
			}
			if row < rows-1 {
				g.L("LEAQ (DI)(CX*4), DI")
			}
		}
	}
	g.L("MOVQ %d(R15), CX", pagedD)
	g.L("MOVQ %d(R15), BX", pagedFade)
	g.L("ADDQ %d(R15), BX", pagedAt)
	g.L("CMPQ %d(R15), $1", pagedMode)
	g.L("JLT %s", set)
	g.L("JEQ %s", add)
	fade := 15
	if g.wide() {
		fade = 28
	}
	out(func(row int) { g.broadcast(fmt.Sprintf("%d(BX)", 4*row), fade) }, func(acc int, at string) {
		g.L("VMULPS %s, %s, %s", at, g.r(fade), g.r(acc))
	})
	g.L("JMP %s", ready)
	g.Label(add)
	out(func(int) {}, func(acc int, at string) { g.load(at, acc) })
	g.L("JMP %s", ready)
	g.Label(set)
	for i := range rows * vectors {
		g.zero(i)
	}
	g.Label(ready)
	g.pages(func() { g.valuesPage(rows, vectors) })
	g.L("MOVQ %d(R15), CX", pagedD)
	out(func(int) {}, func(acc int, at string) { g.store(acc, at) })
}

// valuesPage adds one page to the accumulators.
func (g pagedGen) valuesPage(rows, vectors int) {
	g.L("MOVQ R8, AX")
	g.L("SHLQ $7, AX")
	g.L("ADDQ SI, AX")
	g.L("LEAQ (R11)(R10*%d), DI", g.format.bytes)
	step := func(u int) {
		g.step(rows, vectors, func(row int) string {
			return fmt.Sprintf("%d(AX)", row*pagedRow+4*u)
		}, func(v int) string {
			return fmt.Sprintf("%d(DI)", v*g.lanes()*g.format.bytes)
		})
		g.L("ADDQ R9, DI")
	}
	const unroll = 4
	four, rest, one, made := g.NewLabel("four"), g.NewLabel("rest"), g.NewLabel("one"), g.NewLabel("made")
	g.L("MOVQ R12, CX")
	g.L("SUBQ $%d, CX", unroll)
	g.L("JLT %s", rest)
	g.Label(four)
	for u := range unroll {
		step(u)
	}
	g.L("ADDQ $%d, AX", 4*unroll)
	g.L("SUBQ $%d, CX", unroll)
	g.L("JGE %s", four)
	g.Label(rest)
	g.L("ADDQ $%d, CX", unroll)
	g.L("JZ %s", made)
	g.Label(one)
	step(0)
	g.L("ADDQ $4, AX")
	g.L("DECQ CX")
	g.L("JNZ %s", one)
	g.Label(made)
}
