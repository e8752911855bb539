package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

// loadPolynomial keeps the constants of the exponential in registers where
// there are enough of them.
func (g *gen) loadPolynomial() {
	if !g.wide() {
		return
	}
	for i := range g.degree() + 1 {
		g.L("VMOVUPS %s, %s", g.coefficient(i), g.r(regPoly+i))
	}
	if g.bf16 {
		g.L("VMOVUPS %s, %s", constant(constPair), g.r(regPair))
	}
}

// exp2 replaces x by 2^x, x <= 0; w and p are lost.
func (g *gen) exp2(x, w, p int) {
	coefficient := g.coefficient
	if g.wide() {
		coefficient = func(i int) string { return g.r(regPoly + i) }
		g.L("VRNDSCALEPS $8, %s, %s", g.r(x), g.r(w))
	} else {
		g.L("VMOVUPS %s, %s", constant(constSmall), g.r(p))
		g.L("VMAXPS %s, %[2]s, %[2]s", g.r(x), g.r(p)) // NaN if x is
		g.L("VROUNDPS $8, %s, %s", g.r(p), g.r(w))
		g.L("VCMPPS $5, %s, %[2]s, %[2]s", constant(constSmall), g.r(x)) // not less
		x, p = p, x
	}
	frac, mask := x, p
	g.L("VSUBPS %s, %[2]s, %[2]s", g.r(w), g.r(frac))
	if g.wide() {
		g.L("VMOVAPS %s, %s", coefficient(g.degree()), g.r(p))
		for i := g.degree() - 1; i >= 0; i-- {
			g.L("VFMADD213PS %s, %s, %s", coefficient(i), g.r(frac), g.r(p))
		}
		g.L("VSCALEFPS %s, %s, %s", g.r(w), g.r(p), g.r(x))
		return
	}
	g.L("VCVTPS2DQ %[1]s, %[1]s", g.r(w))
	g.L("VPSLLD $23, %[1]s, %[1]s", g.r(w))
	poly := regA + 1
	g.L("VMOVUPS %s, %s", coefficient(g.degree()), g.r(poly))
	for i := g.degree() - 1; i >= 0; i-- {
		g.L("VFMADD213PS %s, %s, %s", coefficient(i), g.r(frac), g.r(poly))
	}
	g.L("VPADDD %s, %s, %s", g.r(w), g.r(poly), g.r(poly))
	g.L("VANDPS %s, %s, %s", g.r(poly), g.r(mask), g.r(mask)) // mask is the caller's x
}

// softmaxAside does the softmax of keys more keys of the aside between two
// tiles, where there are too few registers to do it within them. The aside is a
// group of two vectors and nothing is done if fewer keys are left. The
// accumulators are free.
func (g *gen) softmaxAside(keys int) {
	skip := g.NewLabel("skip")
	g.L("CMPQ R13, $%d", keys)
	g.L("JLT %s", skip)
	g.L("MOVQ %d(R15), AX", scoresNextSt)
	g.softmaxUnits(keys, 2)
	g.L("SUBQ $%d, R13", keys)
	g.Label(skip)
}

// loadAside loads what an aside keeps in registers, from the state that the
// args at R15 point to, if any.
func (g *gen) loadAside(offset int) {
	none := g.NewLabel("none")
	g.L("MOVQ %d(R15), AX", offset)
	g.L("TESTQ AX, AX")
	g.L("JZ %s", none)
	for v := range 2 {
		g.load(fmt.Sprintf("%d(AX)", stateMax+v*g.bytes), regMax+v)
		g.load(fmt.Sprintf("%d(AX)", stateSum+v*g.bytes), regSum+v)
	}
	g.Label(none)
}

func (g *gen) storeAside(offset int) {
	none := g.NewLabel("none")
	g.L("MOVQ %d(R15), AX", offset)
	g.L("TESTQ AX, AX")
	g.L("JZ %s", none)
	for v := range 2 {
		g.store(regSum+v, fmt.Sprintf("%d(AX)", stateSum+v*g.bytes))
	}
	g.Label(none)
}

// asideUnit is one vector of one unit of an aside, the second of which advances
// its pointers.
func (g *gen) asideUnit(side aside, v int) {
	for i := range g.step() {
		x := regTmp + i // the second may use what the first left
		at := fmt.Sprintf("%d(%s)", (i*2+v)*g.bytes, side.s)
		g.load(at, x)
		g.L("VSUBPS %s, %[2]s, %[2]s", g.r(regMax+v), g.r(x))
		g.exp2(x, regTmp+2, regTmp+3)
		g.L("VADDPS %s, %[2]s, %[2]s", g.r(x), g.r(regSum+v))
		if !g.bf16 {
			g.store(x, at)
		}
	}
	if g.bf16 {
		g.L("%s", asmgen.VCVTNE2PS2BF16(regTmp, regTmp+1, regTmp))
		g.L("VPERMW %s, %s, %s", g.r(regTmp), g.r(regPair), g.r(regTmp))
		g.store(regTmp, fmt.Sprintf("%d(%s)", v*g.bytes, side.p))
	}
	if v == 1 {
		g.L("ADDQ $%d, %s", 2*g.step()*g.bytes, side.s)
		if g.bf16 {
			g.L("ADDQ $%d, %s", 2*g.bytes, side.p)
		}
	}
}

// softmaxUnits replaces scores at R12 by probabilities, for units keys (bf16:
// pairs of keys), and adds them to the sums of the state at AX. It advances
// R12. A pair becomes one row of interleaved bf16 at BX, which it advances; BX
// may follow R12 in the same buffer, since row t is written after rows 2t and
// 2t+1 were read.
func (g *gen) softmaxUnits(units, vectors int) {
	const top, sum = 12, 13
	for v := range vectors {
		g.load(fmt.Sprintf("%d(AX)", stateMax+v*g.bytes), top)
		g.load(fmt.Sprintf("%d(AX)", stateSum+v*g.bytes), sum)
		for u := range units {
			for i := range g.step() {
				x := 3 * i
				at := fmt.Sprintf("%d(R12)", ((u*g.step()+i)*vectors+v)*g.bytes)
				g.load(at, x)
				g.L("VSUBPS %s, %[2]s, %[2]s", g.r(top), g.r(x))
				g.exp2(x, x+1, x+2)
				g.L("VADDPS %s, %[2]s, %[2]s", g.r(x), g.r(sum))
				if !g.bf16 {
					g.store(x, at)
				}
			}
			if g.bf16 {
				g.L("%s", asmgen.VCVTNE2PS2BF16(0, 3, 0))
				g.L("VPERMW %s, %s, %s", g.r(0), g.r(regPair), g.r(0))
				g.store(0, fmt.Sprintf("%d(BX)", (u*vectors+v)*g.bytes))
			}
		}
		g.store(sum, fmt.Sprintf("%d(AX)", stateSum+v*g.bytes))
	}
	g.L("ADDQ $%d, R12", units*g.step()*vectors*g.bytes)
	if g.bf16 {
		g.L("ADDQ $%d, BX", units*vectors*g.bytes)
	}
}

// softmax prints P = 2^(S - max) of a group in one call: unrolled by four
// units, then one by one.
func (g *gen) softmax() {
	for _, vectors := range []int{1, 2} {
		g.Func(fmt.Sprintf("softmax%d%s", vectors, g.name), "(p, s unsafe.Pointer, units int, state *state)", 32)
		g.L("MOVQ p+0(FP), BX")
		g.L("MOVQ s+8(FP), R12")
		g.L("MOVQ units+16(FP), R13")
		g.L("MOVQ state+24(FP), AX")
		g.loadPolynomial()
		four, one, done := g.NewLabel("four"), g.NewLabel("one"), g.NewLabel("done")
		g.Label(four)
		g.L("SUBQ $4, R13")
		g.L("JLT %s", one)
		g.softmaxUnits(4, vectors)
		g.L("JMP %s", four)
		g.Label(one)
		g.L("ADDQ $4, R13")
		rest := g.NewLabel("rest")
		g.Label(rest)
		g.L("TESTQ R13, R13")
		g.L("JZ %s", done)
		g.softmaxUnits(1, vectors)
		g.L("DECQ R13")
		g.L("JMP %s", rest)
		g.Label(done)
		g.end()
	}
}

// fold prints the online step: it takes the block's largest scores into the
// rows' and shrinks the sums.
func (g *gen) fold() {
	g.Func("fold"+g.name, "(s *state)", 8)
	g.L("MOVQ s+0(FP), AX")
	g.loadPolynomial()
	for v := range 2 {
		at := func(array int) string { return fmt.Sprintf("%d(AX)", array+v*g.bytes) }
		const x, w, p, top = 0, 1, 2, 12
		g.load(at(stateMax), x)
		g.load(at(stateTop), top)
		g.L("VMAXPS %s, %[2]s, %[2]s", g.r(x), g.r(top))
		g.store(top, at(stateMax))
		g.L("VSUBPS %s, %[2]s, %[2]s", g.r(top), g.r(x))
		g.exp2(x, w, p)
		g.store(x, at(stateFade))
		g.L("VMULPS %s, %[2]s, %[2]s", at(stateSum), g.r(x))
		g.store(x, at(stateSum))
		g.L("VMOVUPS %s, %s", constant(constMasked), g.r(x))
		g.store(x, at(stateTop))
	}
	g.end()
}
