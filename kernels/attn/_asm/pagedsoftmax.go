package main

import (
	"fmt"
	"strings"
)

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
		g.L("VMOVSS X1, (R11)") // the exponent; the factor takes its place below
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
			g.L("%s", strings.NewReplacer("{x}", g.r(x), "{w}", g.r(x+1), "{p}", g.r(x+2)).Replace(fmt.Sprintf(format, args...)))
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
