// Command _asm writes the assembly of package vec.
package main

import "mom/kernels/internal/lanes"

func main() {
	lanes.Both("vec", func(g *lanes.Gen) {
		g.Bits("lowest", 0xFF800000) // -Inf
		dot(g)
		sum(g)
		maximum(g)
		add(g)
		addScaled(g)
		scale(g)
		sumRows(g)
		defineExp(g)
		exp(g)
		expSum(g)
		gathers(g)
	})
	arm64()
}

// dot keeps four vectors of partial sums, as sum does.
func dot(g *lanes.Gen) {
	g.Begin("dot", "(a, b *float32, n int) float32", 28)
	g.P("MOVQ a+0(FP), SI\nMOVQ b+8(FP), DX\nMOVQ n+16(FP), CX")
	partials(g, func(i int, masked bool) {
		g.Load(g.At("SI", 4, i), 4, masked)
		if masked {
			g.Load(g.At("DX", 4, i), 5, true)
			g.P("VFMADD231PS v4, v5, v%d", i)
			return
		}
		g.P("VFMADD231PS %s, v4, v%d", g.At("DX", 4, i), i)
	})
	g.P("VMOVSS X0, ret+24(FP)")
	g.End()
}

func sum(g *lanes.Gen) {
	g.Begin("sum", "(x *float32, n int) float32", 20)
	g.P("MOVQ x+0(FP), SI\nMOVQ n+8(FP), CX")
	partials(g, func(i int, masked bool) {
		g.Load(g.At("SI", 4, i), 4, masked)
		g.P("VADDPS v4, v%[1]d, v%[1]d", i)
	})
	g.P("VMOVSS X0, ret+16(FP)")
	g.End()
}

// partials adds up in lane 0 of X0 what add puts in v0 to v3.
func partials(g *lanes.Gen, add func(i int, masked bool)) {
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

// maximum notes NaNs aside, since VMAXPS forgets them: in v5, or K2 at AVX-512.
func maximum(g *lanes.Gen) {
	g.Begin("maximum", "(x *float32, n int) float32", 20)
	g.P("MOVQ x+0(FP), SI\nMOVQ n+8(FP), CX")
	for i := range 4 {
		g.P("VMOVUPS {lowest}, v%d", i)
	}
	if g.Wide() {
		g.P("KXORW K2, K2, K2")
	} else {
		g.P("VXORPS Y5, Y5, Y5")
	}
	g.Elements("CX", 4, func(vectors int, masked bool) {
		for i := range vectors {
			g.Load(g.At("SI", 4, i), 4, masked)
			if g.Wide() {
				g.P("VCMPPS $3, v4, v4, K3\nKORW K3, K2, K2")
			} else {
				g.P("VCMPPS $3, v4, v4, v6\nVORPS v6, v5, v5")
			}
			switch {
			case masked && g.Wide():
				g.P("VMAXPS v4, v0, K1, v0")
				continue
			case masked:
				g.P("VMOVUPS {lowest}, v6\nVBLENDVPS v15, v4, v6, v4")
			}
			g.P("VMAXPS v4, v%[1]d, v%[1]d", i)
		}
	})
	g.P("VMAXPS v1, v0, v0\nVMAXPS v3, v2, v2\nVMAXPS v2, v0, v0")
	g.Fold("VMAXPS", 0, 1)
	number := g.NewLabel("number")
	if g.Wide() {
		g.P("KTESTW K2, K2\nJZ %s", number)
	} else {
		g.P("VPTEST v5, v5\nJZ %s", number)
	}
	g.P("MOVL $0x7FC00000, AX\nVMOVD AX, X0")
	g.Label(number)
	g.P("VMOVSS X0, ret+16(FP)")
	g.End()
}

func add(g *lanes.Gen) {
	g.Begin("add", "(dst, a, b *float32, n int)", 32)
	g.P("MOVQ dst+0(FP), DI\nMOVQ a+8(FP), SI\nMOVQ b+16(FP), DX\nMOVQ n+24(FP), CX")
	g.Elements("CX", 4, func(vectors int, masked bool) {
		for i := range vectors {
			g.Load(g.At("SI", 4, i), 0, masked)
			g.Load(g.At("DX", 4, i), 1, masked)
			g.P("VADDPS v1, v0, v0")
			g.Store(0, g.At("DI", 4, i), masked)
		}
	})
	g.End()
}

func addScaled(g *lanes.Gen) {
	g.Begin("addScaled", "(dst, a *float32, n int, s float32)", 28)
	g.P("MOVQ dst+0(FP), DI\nMOVQ a+8(FP), SI\nMOVQ n+16(FP), CX\nVMOVSS s+24(FP), X2\nVBROADCASTSS X2, v2")
	g.Elements("CX", 4, func(vectors int, masked bool) {
		for i := range vectors {
			g.Load(g.At("SI", 4, i), 0, masked)
			g.Load(g.At("DI", 4, i), 1, masked)
			g.P("VMULPS v2, v0, v0\nVADDPS v1, v0, v0")
			g.Store(0, g.At("DI", 4, i), masked)
		}
	})
	g.End()
}

func scale(g *lanes.Gen) {
	g.Begin("scale", "(dst *float32, n int, s float32)", 20)
	g.P("MOVQ dst+0(FP), DI\nMOVQ n+8(FP), CX\nVMOVSS s+16(FP), X2\nVBROADCASTSS X2, v2")
	g.Elements("CX", 4, func(vectors int, masked bool) {
		for i := range vectors {
			g.Load(g.At("DI", 4, i), 0, masked)
			g.P("VMULPS v2, v0, v0")
			g.Store(0, g.At("DI", 4, i), masked)
		}
	})
	g.End()
}

// sumRows adds the rows to dst, or to 0, and divides by a number. A column's
// additions are in the order of the rows.
func sumRows(g *lanes.Gen) {
	g.Begin("sumRows", "(dst, x *float32, ldx, m, d, add int, divisor float32)", 52)
	g.P(`MOVQ dst+0(FP), DI
		MOVQ x+8(FP), SI
		MOVQ ldx+16(FP), R9
		MOVQ m+24(FP), R11
		MOVQ d+32(FP), CX
		MOVQ add+40(FP), BX
		VMOVSS divisor+48(FP), X5
		VBROADCASTSS X5, v5
		SHLQ $2, R9`)
	g.Elements("CX", 4, func(vectors int, masked bool) {
		zero, rows, row := g.NewLabel("zero"), g.NewLabel("rows"), g.NewLabel("row")
		g.P("TESTQ BX, BX\nJZ %s", zero)
		for i := range vectors {
			g.Load(g.At("DI", 4, i), i, masked)
		}
		g.P("JMP %s", rows)
		g.Label(zero)
		for i := range vectors {
			g.P("VXORPS X%[1]d, X%[1]d, X%[1]d", i)
		}
		g.Label(rows)
		g.P("MOVQ SI, DX\nMOVQ R11, R12")
		g.Label(row)
		for i := range vectors {
			g.Load(g.At("DX", 4, i), 4, masked)
			g.P("VADDPS v4, v%[1]d, v%[1]d", i)
		}
		g.P("ADDQ R9, DX\nDECQ R12\nJNZ %s", row)
		for i := range vectors {
			g.P("VDIVPS v5, v%[1]d, v%[1]d", i)
			g.Store(i, g.At("DI", 4, i), masked)
		}
	})
	g.End()
}
