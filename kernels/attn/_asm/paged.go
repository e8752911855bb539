package main

import (
	"fmt"
	"strings"

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

// pagedSoftmaxArgs, the struct that pagedSoftmax takes.
const (
	softS      = 8 * iota // scores [rows][pagedBlock], replaced by probabilities
	softRows              // at least one
	softExtent            // int32 a row: how many scores it has, a multiple of 16
	softTop               // [rows] largest score so far
	softSum               // [rows] sum of the probabilities so far
	softFade              // [rows] what sums shrink by
	softScale             // [pages] pointers to [32] by which probabilities are multiplied once they were added, or nil
)

// pagedSoftmax prints the online step for rows of scores: the block's largest
// is taken into the row's, P = 2^(S - largest), and the sums grow. The largest of
// all rows come first, so that rows do not wait for each other.
//
// SI the row, R8 its extent, R9 to R12 the arrays, R13 rows left.
func (g *gen) pagedSoftmax() {
	g.Func("pagedSoftmax"+g.name, "(a *pagedSoftmaxArgs)", 8)
	g.L("MOVQ a+0(FP), R15")
	restart := func() {
		for i, to := range []string{"SI", "R13", "R8", "R9", "R10", "R11"} {
			g.L("MOVQ %d(R15), %s", 8*i, to)
		}
	}
	rows := func(body func()) {
		row, skip := g.NewLabel("row"), g.NewLabel("skip")
		restart()
		g.Label(row)
		g.L("MOVLQSX (R8), CX")
		g.L("TESTQ CX, CX")
		g.L("JZ %s", skip)
		body()
		g.Label(skip)
		g.L("ADDQ $%d, SI", pagedRow)
		for _, r := range []string{"R8", "R9", "R10", "R11"} {
			g.L("ADDQ $4, %s", r)
		}
		g.L("DECQ R13")
		g.L("JNZ %s", row)
	}
	c := g.pagedConstants()

	rows(func() {
		done := g.NewLabel("done")
		g.broadcast("(R9)", 0)
		g.broadcast("(R9)", 1)
		for page := range pagedBlock / pageTokens {
			g.pageOfRow(page, done)
			for v := range pageBytes / g.bytes {
				g.L("VMAXPS %d(SI), %s, %[2]s", page*pageBytes+v*g.bytes, g.r(v%2))
			}
		}
		g.Label(done)
		g.L("VMAXPS %s, %s, %[2]s", g.r(1), g.r(0))
		g.across("VMAXPS", 0, 1)
		g.L("VMOVSS (R9), X1")
		g.L("VSUBSS X0, X1, X1")
		g.L("VMOVSS X0, (R9)")
		g.L("VMOVSS X1, (R11)") // an exponent, for now
	})

	// Arrays of rows have room for full vectors.
	restart()
	fade := g.NewLabel("fade")
	g.Label(fade)
	g.load("(R11)", 0)
	g.pagedExp2(c, []int{0})
	g.store(0, "(R11)")
	g.L("ADDQ $%d, R11", g.bytes)
	g.L("SUBQ $%d, R13", g.bytes/4)
	g.L("JG %s", fade)

	const sum, largest = 6, 7
	exps := func(scale bool, done string) {
		for at := 0; at < pagedRow; at += 2 * g.bytes {
			if at%pageBytes == 0 {
				g.pageOfRow(at/pageBytes, done)
				if scale {
					g.L("MOVQ %d(R15), BX", softScale+8*(at/pageBytes))
				}
			}
			xs := []int{0, 3}
			for v, x := range xs {
				g.load(fmt.Sprintf("%d(SI)", at+v*g.bytes), x)
				g.L("VSUBPS %s, %s, %[2]s", g.r(largest), g.r(x))
			}
			g.pagedExp2(c, xs)
			for v, x := range xs {
				g.L("VADDPS %s, %s, %[2]s", g.r(x), g.r(sum))
				if scale {
					g.L("VMULPS %d(BX), %s, %[2]s", at%pageBytes+v*g.bytes, g.r(x))
				}
				g.store(x, fmt.Sprintf("%d(SI)", at+v*g.bytes))
			}
		}
	}
	rows(func() {
		scaled, done := g.NewLabel("scaled"), g.NewLabel("done")
		g.broadcast("(R9)", largest)
		g.zero(sum)
		g.L("CMPQ %d(R15), $0", softScale)
		g.L("JNE %s", scaled)
		exps(false, done)
		g.L("JMP %s", done)
		g.Label(scaled)
		exps(true, done)
		g.Label(done)
		g.across("VADDPS", sum, 0)
		g.L("VMOVSS (R10), X0")
		g.L("VMOVSS (R11), X1")
		g.L("VFMADD213SS X%d, X1, X0", sum)
		g.L("VMOVSS X0, (R10)")
	})
	g.end()
}

// pageOfRow goes to done if the row's extent, in CX, ends before a page. Loops are
// unrolled by its means because their ends would be hard to predict.
func (g *gen) pageOfRow(page int, done string) {
	if page > 0 {
		g.L("CMPQ CX, $%d", page*pageTokens)
		g.L("JLE %s", done)
	}
}

// across combines the lanes of register r by op: the result is in all of them.
// tmp is lost.
func (g *gen) across(op string, r, tmp int) {
	if g.wide() {
		g.L("VSHUFF32X4 $0x4e, Z%[1]d, Z%[1]d, Z%[2]d\n%[3]s Z%[2]d, Z%[1]d, Z%[1]d", r, tmp, op)
		g.L("VSHUFF32X4 $0xb1, Z%[1]d, Z%[1]d, Z%[2]d\n%[3]s Z%[2]d, Z%[1]d, Z%[1]d", r, tmp, op)
	} else {
		g.L("VPERM2F128 $1, Y%[1]d, Y%[1]d, Y%[2]d\n%[3]s Y%[2]d, Y%[1]d, Y%[1]d", r, tmp, op)
	}
	for _, control := range []string{"$0x4e", "$0xb1"} {
		g.L("VPERMILPS %s, %s, %s", control, g.r(r), g.r(tmp))
		g.L("%s %s, %s, %[3]s", op, g.r(tmp), g.r(r))
	}
}

// expRegisters are those where pagedExp2 finds its constants: coefficients, lowest
// first, then (AVX2) what 2^x is 0 below, and the magic number.
type expRegisters struct{ poly, low, magic int }

func (g *gen) pagedConstants() expRegisters {
	c := expRegisters{poly: 8, low: 14, magic: 15}
	for i := range g.degree() + 1 {
		g.L("VMOVUPS %s, %s", g.coefficient(i), g.r(c.poly+i))
	}
	if !g.wide() {
		g.L("VMOVUPS %s, %s", constant(constLow), g.r(c.low))
		g.L("VMOVUPS %s, %s", constant(constMagic), g.r(c.magic))
	}
	return c
}

// pagedExp2 replaces each x by 2^x, x <= 0; the two registers after it are lost.
func (g *gen) pagedExp2(c expRegisters, xs []int) {
	each := func(format string, args ...any) {
		for _, x := range xs {
			g.L(strings.NewReplacer("{x}", g.r(x), "{w}", g.r(x+1), "{p}", g.r(x+2)).Replace(fmt.Sprintf(format, args...)))
		}
	}
	if g.wide() {
		each("VRNDSCALEPS $8, {x}, {w}")
	} else {
		// A number plus magic has its integer, plus the bias of exponents, in the
		// low bits; the scale 2^integer is 0 at -127, where what is smaller ends up.
		each("VMAXPS {x}, %s, {x}", g.r(c.low)) // NaN if x is
		each("VADDPS %s, {x}, {p}", g.r(c.magic))
		each("VSUBPS %s, {p}, {w}", g.r(c.magic))
	}
	each("VSUBPS {w}, {x}, {x}")
	if !g.wide() {
		each("VPSLLD $23, {p}, {w}")
	}
	each("VMOVAPS %s, {p}", g.r(c.poly+g.degree()))
	for i := g.degree() - 1; i >= 0; i-- {
		each("VFMADD213PS %s, {x}, {p}", g.r(c.poly+i))
	}
	if g.wide() {
		each("VSCALEFPS {w}, {p}, {x}")
	} else {
		each("VMULPS {w}, {p}, {x}")
	}
}

// pagedMultiply prints dst = src*factor + 0 for n floats, n a multiple of 8. (The
// zero makes of -0, which depends on how many masked keys were added, a 0.)
func (g *gen) pagedMultiply() {
	g.Func("pagedMultiplyAVX2", "(dst, src unsafe.Pointer, n int, factor float32)", 28)
	g.L("MOVQ dst+0(FP), DI\nMOVQ src+8(FP), SI\nMOVQ n+16(FP), CX")
	g.L("VBROADCASTSS factor+24(FP), Y0")
	g.zero(1)
	loop := g.NewLabel("loop")
	g.Label(loop)
	g.L("VMOVUPS (SI), Y2")
	g.L("VFMADD213PS Y1, Y0, Y2")
	g.L("VMOVUPS Y2, (DI)")
	g.L("ADDQ $32, SI\nADDQ $32, DI\nSUBQ $8, CX\nJNZ %s", loop)
	g.end()
}

// pagedWiden prints the conversion of n int8 to float32, n a multiple of 32.
func (g *gen) pagedWiden() {
	g.Func("pagedWidenI8AVX2", "(dst, src unsafe.Pointer, n int)", 24)
	g.L("MOVQ dst+0(FP), DI\nMOVQ src+8(FP), SI\nMOVQ n+16(FP), CX")
	loop := g.NewLabel("loop")
	g.Label(loop)
	for v := range 4 {
		g.L("VPMOVSXBD %d(SI), Y%d", 8*v, v)
		g.L("VCVTDQ2PS Y%d, Y%[1]d", v)
		g.L("VMOVUPS Y%d, %d(DI)", v, 32*v)
	}
	g.L("ADDQ $32, SI\nADDQ $128, DI\nSUBQ $32, CX\nJNZ %s", loop)
	g.end()
}
