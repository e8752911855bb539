// Command _asm writes the assembly of package norm.
//
// Rows are taken in pairs, whose sums overlap: half of the time of a single
// row is spent waiting for a sum across the lanes, a root and a division. The
// arithmetic of a row is the same either way.
package main

import (
	"fmt"

	"mom/kernels/internal/lanes"
)

// Where row r of a pair is, and its vector registers: four partial sums, the
// element at hand, the mean and the scale. 14 holds 1/d and 15 the AVX2 mask.
var (
	from = []string{"SI", "R12"}
	to   = []string{"DI", "R13"}
)

func sums(r int) int    { return 4 * r }
func element(r int) int { return 8 + r }
func mean(r int) int    { return 10 + r }
func scale(r int) int   { return 12 + r }

func main() {
	lanes.Both("norm", func(g *lanes.Gen) {
		g.Float("one", 1)
		g.Float("minusOne", -1)
		g.Begin("layerNorm", "(dst *float32, ldd int, x *float32, ldx, m, d int, gamma, beta *float32, eps float32)", 68)
		kernel(g, kind{centre: true, parameters: []string{"BX", "DX"}, eps: "eps+64(FP)"})
		g.Begin("rmsNorm", "(dst *float32, ldd int, x *float32, ldx, m, d int, gamma *float32, eps float32)", 60)
		kernel(g, kind{parameters: []string{"BX"}, eps: "eps+56(FP)"})
	})
	arm64()
}

type kind struct {
	centre     bool     // subtract the mean
	parameters []string // registers of gamma and beta
	eps        string
}

func kernel(g *lanes.Gen, k kind) {
	g.P(`MOVQ dst+0(FP), DI
		MOVQ ldd+8(FP), R8
		MOVQ x+16(FP), SI
		MOVQ ldx+24(FP), R9
		MOVQ m+32(FP), R11
		MOVQ d+40(FP), CX
		MOVQ gamma+48(FP), BX
		SHLQ $2, R8
		SHLQ $2, R9
		VXORPS X0, X0, X0
		VCVTSI2SSQ CX, X0, X0
		VMOVSS {one}, X14
		VDIVSS X0, X14, X14`)
	if k.centre {
		g.P("MOVQ beta+56(FP), DX")
	}
	single, pair, done := g.NewLabel("single"), g.NewLabel("pair"), g.NewLabel("return")
	g.P("SUBQ $2, R11\nJLT %s", single)
	g.Label(pair)
	g.P("LEAQ (SI)(R9*1), R12\nLEAQ (DI)(R8*1), R13")
	rows(g, k, 2)
	g.P("LEAQ (R12)(R9*1), SI\nLEAQ (R13)(R8*1), DI\nSUBQ $2, R11\nJGE %s", pair)
	g.Label(single)
	g.P("ADDQ $2, R11\nJZ %s", done)
	rows(g, k, 1)
	g.Label(done)
	g.End()
}

// rows normalises n rows. With the mean, it works with mean-x and a negative
// scale, because that subtraction can read x from memory: fewer instructions let
// more of them wait for the sums at the same time.
func rows(g *lanes.Gen, k kind, n int) {
	if k.centre {
		sum(g, n, func(r, acc int, at string, masked bool) {
			if masked {
				g.Load(at, element(r), true)
				at = fmt.Sprintf("v%d", element(r))
			}
			g.P("VADDPS %s, v%[2]d, v%[2]d", at, acc)
		})
		for r := range n {
			g.P("VMULSS X14, X%d, X%d\nVBROADCASTSS X%[3]d, v%[3]d", sums(r), mean(r), mean(r))
		}
	}
	sum(g, n, func(r, acc int, at string, masked bool) {
		e := element(r)
		k.load(g, at, r, masked)
		if k.centre && masked && !g.Wide() {
			g.P("VANDPS v15, v%[1]d, v%[1]d", e) // lanes that are masked out hold the mean
		}
		g.P("VFMADD231PS v%[1]d, v%[1]d, v%[2]d", e, acc)
	})
	g.P("VMOVSS %s, X%d", k.eps, element(0))
	for r := range n {
		g.P("VFMADD213SS X%d, X14, X%d\nVSQRTSS X%[2]d, X%[2]d, X%[2]d", element(0), sums(r))
	}
	one := "one"
	if k.centre {
		one = "minusOne"
	}
	g.P("VMOVSS {%s}, X%d", one, element(0))
	for r := range n {
		g.P("VDIVSS X%d, X%d, X%[3]d\nVBROADCASTSS X%[3]d, v%[3]d", sums(r), element(0), scale(r))
	}
	affine(g, k, n)
}

// load reads a vector of row r into element(r): x, or mean-x.
func (k kind) load(g *lanes.Gen, at string, r int, masked bool) {
	e := element(r)
	switch {
	case !k.centre:
		g.Load(at, e, masked)
	case !masked:
		g.P("VSUBPS %s, v%d, v%d", at, mean(r), e)
	case g.Wide():
		g.P("VSUBPS.Z %s, v%d, K1, v%d", at, mean(r), e)
	default:
		g.Load(at, e, true)
		g.P("VSUBPS v%[2]d, v%[1]d, v%[2]d", mean(r), e)
	}
}

// sum adds up, in lane 0 of sums(r), what add puts in the four partial sums.
func sum(g *lanes.Gen, n int, add func(r, acc int, at string, masked bool)) {
	for i := range 4 * n {
		g.P("VXORPS X%[1]d, X%[1]d, X%[1]d", i)
	}
	g.Elements("CX", 4, func(vectors int, masked bool) {
		for i := range vectors {
			for r := range n {
				add(r, sums(r)+i, g.At(from[r], 4, i), masked)
			}
		}
	})
	for r := range n {
		s := sums(r)
		g.P("VADDPS v%[2]d, v%[1]d, v%[1]d\nVADDPS v%[4]d, v%[3]d, v%[3]d\nVADDPS v%[3]d, v%[1]d, v%[1]d", s, s+1, s+2, s+3)
	}
	for r := range n {
		g.Fold("VADDPS", sums(r), element(r))
	}
}

// affine writes the rows. There is a loop for each set of parameters that are
// not nil.
func affine(g *lanes.Gen, k kind, n int) {
	const gamma, beta = 0, 1 // registers
	done := g.NewLabel("written")
	for has := 1<<len(k.parameters) - 1; has >= 0; has-- {
		next := g.NewLabel("without")
		for i, p := range k.parameters {
			if has>>i&1 == 1 {
				g.P("TESTQ %[1]s, %[1]s\nJZ %s", p, next)
			}
		}
		g.Elements("CX", 4/n, func(vectors int, masked bool) {
			for i := range vectors {
				fused := has == 3 && n == 1 && !masked // beta is read by the sum
				for p, base := range k.parameters {
					if has>>p&1 == 1 && !(p == beta && fused) {
						g.Load(g.At(base, 4, i), p, masked)
					}
				}
				for r := range n {
					e := element(r)
					k.load(g, g.At(from[r], 4, i), r, masked)
					g.P("VMULPS v%[2]d, v%[1]d, v%[1]d", e, scale(r))
					switch {
					case fused:
						g.P("VFMADD213PS %s, v%d, v%d", g.At(k.parameters[beta], 4, i), gamma, e)
					case has == 1:
						g.P("VMULPS v%[2]d, v%[1]d, v%[1]d", e, gamma)
					case has == 2:
						g.P("VADDPS v%[2]d, v%[1]d, v%[1]d", e, beta)
					case has == 3:
						g.P("VFMADD213PS v%d, v%d, v%d", beta, gamma, e)
					}
					g.Store(e, g.At(to[r], 4, i), masked)
				}
			}
		})
		g.P("JMP %s", done)
		g.Label(next)
	}
	g.Label(done)
}
