package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

// pagedArgs, the struct that the functions on pages take.
const (
	pagedQ      = 8 * iota // queries [rows][d], times scale
	pagedS                 // scores, then probabilities [rows][pagedBlock], from the page's first key on
	pagedOut               // sums of values [rows][d]
	pagedPage              // K or V of the page
	pagedScale             // scores: scales of the page's keys, nil for none
	pagedFade              // values: what out is shrunk by first [rows], nil to set it
	pagedKeys              // int32 a tile: how many keys of the block its rows attend to
	pagedBefore            // keys of the block in pages before this one
	pagedD
	pagedSix   // tiles of six rows
	pagedTail  // rows of the next tile, 0 for none
	pagedTail2 // rows of the last tile, 0 for none
	pagedAhead // memory to fetch for later
)

const (
	pageTokens = 32
	pagedBlock = 4 * pageTokens // keys that have scores at a time
	pagedRow   = 4 * pagedBlock // bytes of a row of scores
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

// tiles prints a loop over the tiles of rows. body prints a tile, whose number of
// keys in this page, 1 to 32, is in R12; done moves on to the next tile.
//
// R15 the arguments, R11 the page, R14 keys of the tiles, SI and DX the tile's
// rows of A and of what is computed, R13 tiles of six rows left.
func (g pagedGen) tiles(body, done func(rows int)) {
	g.L("MOVQ %d(R15), R11", pagedPage)
	g.L("MOVQ %d(R15), R14", pagedKeys)
	g.L("MOVQ %d(R15), R13", pagedSix)
	tile := func(rows int) {
		skip, some := g.NewLabel("skip"), g.NewLabel("some")
		g.L("MOVLQSX (R14), R12")
		g.L("ADDQ $4, R14")
		g.L("SUBQ %d(R15), R12", pagedBefore)
		g.L("JLE %s", skip)
		g.L("CMPQ R12, $%d", pageTokens)
		g.L("JLE %s", some)
		g.L("MOVQ $%d, R12", pageTokens)
		g.Label(some)
		body(rows)
		g.Label(skip)
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

// scores prints S = Q K for one page: a step is one c, columns are keys.
//
// R8 bytes of a row of Q.
func (g pagedGen) scores() {
	g.Func("pagedScores"+g.format.name+g.gen.name, "(a *pagedArgs)", 8)
	g.L("MOVQ a+0(FP), R15")
	g.L("MOVQ %d(R15), SI", pagedQ)
	g.L("MOVQ %d(R15), DX", pagedS)
	g.L("MOVQ %d(R15), R8", pagedD)
	g.L("SHLQ $2, R8")
	g.tiles(g.scoresTile, func(rows int) {
		g.L("ADDQ $%d, DX", rows*pagedRow)
		switch rows {
		case 6:
			g.L("LEAQ (R8)(R8*2), BX")
			g.L("LEAQ (SI)(BX*2), SI")
		case 3, 5:
			g.L("LEAQ (R8)(R8*%d), BX", rows-1)
			g.L("ADDQ BX, SI")
		default:
			g.L("LEAQ (SI)(R8*%d), SI", rows)
		}
	})
}

func (g pagedGen) scoresTile(rows int) {
	vectors := min(g.vectors(rows), pageTokens/g.lanes())
	columns, plain := g.NewLabel("columns"), g.NewLabel("plain")
	width := vectors * g.lanes()
	once := width == pageTokens
	g.L("XORQ R10, R10")
	g.Label(columns)
	g.L("MOVQ SI, AX")
	if rows > 3 {
		g.L("LEAQ (R8)(R8*2), BX")
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
			return fmt.Sprintf("%d(%s%s", 4*u, []string{"AX", "BX"}[row/3], []string{")", ")(R8*1)", ")(R8*2)"}[row%3])
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
	if g.format.name != "BF16" {
		g.L("MOVQ %d(R15), BX", pagedScale)
		if g.format.name == "F32" {
			g.L("TESTQ BX, BX")
			g.L("JZ %s", plain)
		}
		for v := range vectors {
			scale := vectors * rows
			g.load(fmt.Sprintf("%d(BX)(R10*4)", v*g.bytes()), scale)
			for row := range rows {
				g.L("VMULPS %s, %[2]s, %[2]s", g.r(scale), g.r(acc(row, v, vectors)))
			}
		}
		g.Label(plain)
	}
	g.L("LEAQ (DX)(R10*4), DI")
	for row := range rows {
		for v := range vectors {
			g.store(acc(row, v, vectors), fmt.Sprintf("%d(DI)", row*pagedRow+v*g.bytes()))
		}
	}
	if !once {
		g.L("ADDQ $%d, R10", width)
		g.L("CMPQ R10, R12")
		g.L("JLT %s", columns)
	}
}

// values prints O = O*fade + P V for one page: a step is one key, columns are
// those of V.
//
// R8 bytes of a row of O, R9 of V, R10 the column.
func (g pagedGen) values() {
	g.Func("pagedValues"+g.format.name+g.gen.name, "(a *pagedArgs)", 8)
	g.L("MOVQ a+0(FP), R15")
	g.L("MOVQ %d(R15), SI", pagedS)
	g.L("MOVQ %d(R15), DX", pagedOut)
	g.L("MOVQ %d(R15), R8", pagedD)
	g.L("MOVQ R8, R9")
	g.L("SHLQ $2, R8")
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
		for range rows {
			g.L("ADDQ R8, DX")
		}
		none := g.NewLabel("none")
		g.L("CMPQ %d(R15), $0", pagedFade)
		g.L("JEQ %s", none)
		g.L("ADDQ $%d, %d(R15)", 4*rows, pagedFade)
		g.Label(none)
	})
}

func (g pagedGen) valuesTile(rows, vectors int) {
	set, ready := g.NewLabel("set"), g.NewLabel("ready")
	g.L("MOVQ %d(R15), BX", pagedFade)
	g.L("LEAQ (DX)(R10*4), DI")
	g.L("TESTQ BX, BX")
	g.L("JZ %s", set)
	for row := range rows {
		const tmp = 15
		a := tmp
		if g.wide() {
			a = 28
		}
		g.broadcast(fmt.Sprintf("%d(BX)", 4*row), a)
		for v := range vectors {
			g.L("VMULPS %d(DI), %s, %s", v*g.bytes(), g.r(a), g.r(acc(row, v, vectors)))
		}
		if row < rows-1 {
			g.L("ADDQ R8, DI")
		}
	}
	g.L("JMP %s", ready)
	g.Label(set)
	for i := range rows * vectors {
		g.zero(i)
	}
	g.Label(ready)
	g.L("MOVQ SI, AX")
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
	g.L("LEAQ (DX)(R10*4), DI")
	for row := range rows {
		for v := range vectors {
			g.store(acc(row, v, vectors), fmt.Sprintf("%d(DI)", v*g.bytes()))
		}
		if row < rows-1 {
			g.L("ADDQ R8, DI")
		}
	}
}

// pagedSoftmaxArgs, the struct that pagedSoftmax takes.
const (
	softS      = 8 * iota // scores [rows][pagedBlock], replaced by probabilities
	softRows              // at least one
	softExtent            // int32 a row: how many scores it has, a multiple of 16
	softTop               // [rows] largest score so far
	softSum               // [rows] sum of the probabilities so far
	softFade              // [rows] what sums shrink by
	softScale             // [pagedBlock] what a probability is multiplied by once it was added, nil for 1
)

// pagedSoftmax prints the online step for rows of scores: the block's largest
// is taken into the row's, P = 2^(S - largest), and the sums grow.
//
// SI the row, R8 its extent, R9 to R12 the arrays, R13 rows left, R14 scales.
func (g *gen) pagedSoftmax() {
	g.Func("pagedSoftmax"+g.name, "(a *pagedSoftmaxArgs)", 8)
	g.L("MOVQ a+0(FP), R15")
	for i, to := range []string{"SI", "R13", "R8", "R9", "R10", "R11", "R14"} {
		g.L("MOVQ %d(R15), %s", 8*i, to)
	}
	const largest, sum = 14, 13
	var c expRegisters
	if g.wide() {
		c = expRegisters{poly: 16, first: 0}
		for i := range g.degree() + 1 {
			g.L("VMOVUPS %s, %s", g.coefficient(i), g.r(c.poly+i))
		}
	}
	row, skip, max1, exp1, scaled, exped := g.NewLabel("row"), g.NewLabel("skip"), g.NewLabel("max"), g.NewLabel("exp"), g.NewLabel("scaled"), g.NewLabel("exped")
	g.Label(row)
	g.L("MOVLQSX (R8), CX")
	g.L("SHLQ $2, CX") // bytes
	g.L("JZ %s", skip)

	g.broadcast("(R9)", largest)
	g.L("XORQ AX, AX")
	if !g.wide() {
		g.L("VMOVAPS %s, %s", g.r(largest), g.r(largest-1))
	}
	g.Label(max1)
	g.L("VMAXPS (SI)(AX*1), %s, %[1]s", g.r(largest))
	if !g.wide() {
		g.L("VMAXPS 32(SI)(AX*1), %s, %[1]s", g.r(largest-1))
	}
	g.L("ADDQ $64, AX")
	g.L("CMPQ AX, CX")
	g.L("JLT %s", max1)
	if !g.wide() {
		g.L("VMAXPS %s, %s, %[2]s", g.r(largest-1), g.r(largest))
	}
	g.across("VMAXPS", largest, 0)

	// The fade, in all lanes.
	const fade = 12
	g.broadcast("(R9)", 0)
	g.L("VMOVSS X%d, (R9)", largest)
	g.L("VSUBPS %s, %s, %[2]s", g.r(largest), g.r(0))
	g.pagedExp2(c, []int{0})
	g.L("VMOVAPS %s, %s", g.r(0), g.r(fade))
	g.L("VMOVSS X%d, (R11)", fade)

	g.zero(sum)
	g.L("XORQ AX, AX")
	vectors := 64 / g.bytes
	chunk := func(scale bool) {
		var x []int
		for v := range vectors {
			x = append(x, 3*v)
			g.load(fmt.Sprintf("%d(SI)(AX*1)", v*g.bytes), 3*v)
			g.L("VSUBPS %s, %s, %[2]s", g.r(largest), g.r(3*v))
		}
		g.pagedExp2(c, x)
		for v, x := range x {
			g.L("VADDPS %s, %s, %[2]s", g.r(x), g.r(sum))
			if scale {
				g.L("VMULPS %d(R14)(AX*1), %s, %[2]s", v*g.bytes, g.r(x))
			}
			g.store(x, fmt.Sprintf("%d(SI)(AX*1)", v*g.bytes))
		}
		g.L("ADDQ $64, AX")
		g.L("CMPQ AX, CX")
	}
	g.L("TESTQ R14, R14")
	g.L("JNZ %s", scaled)
	g.Label(exp1)
	chunk(false)
	g.L("JLT %s", exp1)
	g.L("JMP %s", exped)
	g.Label(scaled)
	chunk(true)
	g.L("JLT %s", scaled)
	g.Label(exped)

	g.across("VADDPS", sum, 0)
	g.L("VMOVSS (R10), X0")
	g.L("VFMADD213SS X%d, X%d, X0", sum, fade)
	g.L("VMOVSS X0, (R10)")

	g.Label(skip)
	g.L("ADDQ $%d, SI", pagedRow)
	for _, r := range []string{"R8", "R9", "R10", "R11"} {
		g.L("ADDQ $4, %s", r)
	}
	g.L("DECQ R13")
	g.L("JNZ %s", row)
	g.end()
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

// expRegisters says where pagedExp2 finds its constants (wide only).
type expRegisters struct{ poly, first int }

// pagedExp2 replaces each x by 2^x, x <= 0; the two registers after it are lost.
func (g *gen) pagedExp2(c expRegisters, xs []int) {
	each := func(f func(x, w, p string)) {
		for _, x := range xs {
			f(g.r(x), g.r(x+1), g.r(x+2))
		}
	}
	if g.wide() {
		each(func(x, w, p string) {
			g.L("VRNDSCALEPS $8, %s, %s", x, w)
			g.L("VSUBPS %s, %s, %[2]s", w, x)
			g.L("VMOVAPS %s, %s", g.r(c.poly+g.degree()), p)
		})
		for i := g.degree() - 1; i >= 0; i-- {
			each(func(x, w, p string) { g.L("VFMADD213PS %s, %s, %s", g.r(c.poly+i), x, p) })
		}
		each(func(x, w, p string) { g.L("VSCALEFPS %s, %s, %s", w, p, x) })
		return
	}
	// A number plus magic has its integer, plus the bias of exponents, in the low
	// bits; the scale 2^integer is 0 at -127, where what is smaller ends up.
	each(func(x, w, p string) {
		g.L("VMOVUPS %s, %s", constant(constLow), w)
		g.L("VMAXPS %s, %s, %s", x, w, x) // NaN if x is
		g.L("VADDPS %s, %s, %s", constant(constMagic), x, w)
		g.L("VSUBPS %s, %s, %s", constant(constMagic), w, p)
		g.L("VSUBPS %s, %s, %[2]s", p, x)
		g.L("VPSLLD $23, %s, %[1]s", w)
		g.L("VMOVUPS %s, %s", g.coefficient(g.degree()), p)
	})
	for i := g.degree() - 1; i >= 0; i-- {
		each(func(x, w, p string) { g.L("VFMADD213PS %s, %s, %s", g.coefficient(i), x, p) })
	}
	each(func(x, w, p string) { g.L("VMULPS %s, %s, %s", w, p, x) })
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
