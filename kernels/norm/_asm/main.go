// Command _asm writes the assembly of package norm.
package main

import (
	"fmt"

	"mom/kernels/internal/lanes"
)

// Vector registers of amd64: 0 to 3 partial sums, 4 to 7 elements, 8 the mean, 9 the
// scale. X10 holds d, X11 eps, X12 one.
func main() {
	lanes.Both("norm", func(g *lanes.Gen) {
		g.Float("one", 1)
		layerNorm(g)
		rmsNorm(g)
	})
	arm64()
}

func layerNorm(g *lanes.Gen) {
	g.Begin("layerNorm", "(dst *float32, ldd int, x *float32, ldx, m, d int, gamma, beta *float32, eps float32)", 68)
	begin(g)
	g.P("MOVQ beta+56(FP), DX\nVMOVSS eps+64(FP), X11")
	row := g.NewLabel("row")
	g.Label(row)
	sum(g, func(i int, masked bool) {
		if masked {
			g.Load(g.At("SI", 4, 0), 4, true)
			g.P("VADDPS v4, v0, v0")
			return
		}
		g.P("VADDPS %s, v%d, v%d", g.At("SI", 4, i), i, i)
	})
	g.P("VDIVSS X10, X0, X8\nVBROADCASTSS X8, v8")
	sum(g, func(i int, masked bool) {
		g.Load(g.At("SI", 4, i), 4+i, masked)
		centre(g, 4+i, masked)
		g.P("VFMADD231PS v%d, v%d, v%d", 4+i, 4+i, i)
	})
	scale(g)
	affine(g, []string{"BX", "DX"}, func(i int) { g.P("VSUBPS v8, v%[1]d, v%[1]d\nVMULPS v9, v%[1]d, v%[1]d", 4+i) })
	end(g, row)
}

func rmsNorm(g *lanes.Gen) {
	g.Begin("rmsNorm", "(dst *float32, ldd int, x *float32, ldx, m, d int, gamma *float32, eps float32)", 60)
	begin(g)
	g.P("VMOVSS eps+56(FP), X11")
	row := g.NewLabel("row")
	g.Label(row)
	sum(g, func(i int, masked bool) {
		g.Load(g.At("SI", 4, i), 4+i, masked)
		g.P("VFMADD231PS v%d, v%d, v%d", 4+i, 4+i, i)
	})
	scale(g)
	affine(g, []string{"BX"}, func(i int) { g.P("VMULPS v9, v%[1]d, v%[1]d", 4+i) })
	end(g, row)
}

func begin(g *lanes.Gen) {
	g.P(`MOVQ dst+0(FP), DI
		MOVQ ldd+8(FP), R8
		MOVQ x+16(FP), SI
		MOVQ ldx+24(FP), R9
		MOVQ m+32(FP), R11
		MOVQ d+40(FP), CX
		MOVQ gamma+48(FP), BX
		SHLQ $2, R8
		SHLQ $2, R9
		VXORPS X10, X10, X10
		VCVTSI2SSQ CX, X10, X10
		VMOVSS {one}, X12`)
}

func end(g *lanes.Gen, row string) {
	g.P("ADDQ R9, SI\nADDQ R8, DI\nDECQ R11\nJNZ %s", row)
	g.End()
}

// centre subtracts the mean, except from lanes that are masked out.
func centre(g *lanes.Gen, r int, masked bool) {
	switch {
	case !masked:
		g.P("VSUBPS v8, v%[1]d, v%[1]d", r)
	case g.Wide():
		g.P("VSUBPS.Z v8, v%[1]d, K1, v%[1]d", r)
	default:
		g.P("VSUBPS v8, v%[1]d, v%[1]d\nVANDPS v15, v%[1]d, v%[1]d", r)
	}
}

// sum adds up in lane 0 of X0 what add puts in v0 to v3.
func sum(g *lanes.Gen, add func(i int, masked bool)) {
	for i := range 4 {
		g.P("VXORPS X%[1]d, X%[1]d, X%[1]d", i)
	}
	g.Elements("CX", 4, func(vectors int, masked bool) {
		for i := range vectors {
			add(i, masked)
		}
	})
	g.P("VADDPS v1, v0, v0\nVADDPS v3, v2, v2\nVADDPS v2, v0, v0")
	g.Fold("VADDPS", 0, 1)
}

// scale broadcasts 1/sqrt(X0/d+eps) to v9.
func scale(g *lanes.Gen) {
	g.P(`VDIVSS X10, X0, X0
		VADDSS X11, X0, X0
		VSQRTSS X0, X0, X0
		VDIVSS X0, X12, X9
		VBROADCASTSS X9, v9`)
}

// affine writes the row: normalize turns v4+i, element i, into its normalised
// value, which is multiplied by the vector at parameters[0] and added to that
// at parameters[1], unless these are nil. There is a loop for each case.
func affine(g *lanes.Gen, parameters []string, normalize func(i int)) {
	done := g.NewLabel("affine")
	for has := 1<<len(parameters) - 1; has >= 0; has-- {
		next := g.NewLabel("without")
		for i, p := range parameters {
			if has>>i&1 == 1 {
				g.P("TESTQ %[1]s, %[1]s\nJZ %s", p, next)
			}
		}
		g.Elements("CX", 4, func(vectors int, masked bool) {
			for i := range vectors {
				g.Load(g.At("SI", 4, i), 4+i, masked)
				normalize(i)
				apply(g, parameters, has, i, masked)
				g.Store(4+i, g.At("DI", 4, i), masked)
			}
		})
		g.P("JMP %s", done)
		g.Label(next)
	}
	g.Label(done)
}

func apply(g *lanes.Gen, parameters []string, has, i int, masked bool) {
	operand := make([]string, 2)
	for p := range 2 {
		if has>>p&1 == 0 {
			continue
		}
		operand[p] = g.At(parameters[p], 4, i)
		if masked {
			g.Load(operand[p], p, true)
			operand[p] = fmt.Sprintf("v%d", p)
		}
	}
	switch has {
	case 1:
		g.P("VMULPS %[1]s, v%[2]d, v%[2]d", operand[0], 4+i)
	case 2:
		g.P("VADDPS %[1]s, v%[2]d, v%[2]d", operand[1], 4+i)
	case 3:
		if !masked {
			g.Load(operand[0], 0, false)
		}
		g.P("VFMADD213PS %s, v0, v%d", operand[1], 4+i)
	}
}
