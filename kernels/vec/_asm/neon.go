package main

import (
	"math"

	"mom/kernels/internal/neon"
)

func arm64() {
	neon.Write("vec", func(g *neon.Gen) {
		g.Float("expMin", -87)
		g.Float("expMax", 88.72)
		g.Float("log2e", math.Log2E)
		g.Float("ln2High", math.Ln2)
		g.Float("ln2Low", math.Ln2-float64(float32(math.Ln2)))
		g.Bits("inf", 0x7F800000)
		g.Floats("exp", polynomial)
		neonReductions(g)
		neonElementwise(g)
		neonSumRows(g)
		neonExp(g)
		neonExpSum(g)
		neonWiden(g)
	})
}

// neonReductions prints functions of vectors with one result. V0 to V7 are its
// parts.
func neonReductions(g *neon.Gen) {
	g.Begin("dotNEON", "(a, b *float32, n int) float32", "a", "b", "n", "result")
	g.Zero(0, 8)
	g.Elements("R2", 8, func(vectors int) {
		g.Together(vectors, 1, func(int) {
			g.Load("R0", 8)
			g.Load("R1", 16)
			g.P("fmla t0.4s, t8.4s, t16.4s")
		})
	})
	g.Reduce("fadd", "faddp", 0, 8)
	g.P("FMOVS F0, ret+24(FP)")
	g.End()

	g.Begin("sumNEON", "(x *float32, n int) float32", "x", "n", "result")
	g.Zero(0, 8)
	g.Elements("R1", 8, func(vectors int) {
		g.Together(vectors, 1, func(int) {
			g.Load("R0", 8)
			g.P("fadd t0.4s, t0.4s, t8.4s")
		})
	})
	g.Reduce("fadd", "faddp", 0, 8)
	g.P("FMOVS F0, ret+16(FP)")
	g.End()

	g.Begin("maximumNEON", "(x *float32, n int) float32", "x", "n", "result")
	for i := range 8 {
		g.P("VLD1R (R0), [V%d.S4]", i)
	}
	g.Elements("R1", 8, func(vectors int) {
		if g.Tail() {
			g.P("VLD1R.P 4(R0), [V8.S4]\nfmax v0.4s, v0.4s, v8.4s")
			return
		}
		g.Together(vectors, 1, func(int) {
			g.Load("R0", 8)
			g.P("fmax t0.4s, t0.4s, t8.4s")
		})
	})
	g.Reduce("fmax", "fmaxp", 0, 8)
	g.P("FMOVS F0, ret+16(FP)")
	g.End()
}

func neonElementwise(g *neon.Gen) {
	g.Begin("addNEON", "(dst, a, b *float32, n int)", "dst", "a", "b", "n")
	g.Elements("R3", 4, func(vectors int) {
		g.Together(vectors, 2, func(int) {
			g.Load("R1", 0)
			g.Load("R2", 1)
			g.P("fadd t0.4s, t0.4s, t1.4s")
			g.Store(0, "R0")
		})
	})
	g.End()

	g.Begin("addScaledNEON", "(dst, a *float32, n int, s float32)", "dst", "a", "n", "F16 s")
	g.P("MOVD R0, R3")
	g.Elements("R2", 4, func(vectors int) {
		g.Together(vectors, 2, func(int) {
			g.Load("R1", 0)
			g.Load("R3", 1)
			g.P("fmul t0.4s, t0.4s, v16.s[0]\nfadd t0.4s, t1.4s, t0.4s")
			g.Store(0, "R0")
		})
	})
	g.End()

	g.Begin("scaleNEON", "(dst *float32, n int, s float32)", "dst", "n", "F16 s")
	g.P("MOVD R0, R3")
	g.Elements("R1", 4, func(vectors int) {
		g.Together(vectors, 1, func(int) {
			g.Load("R3", 0)
			g.P("fmul t0.4s, t0.4s, v16.s[0]")
			g.Store(0, "R0")
		})
	})
	g.End()
}

// neonSumRows prints the function that sets dst to (sum of rows)/divisor, where
// the sum begins with dst if add is 1: columns of up to four vectors, from the
// first row to the last.
func neonSumRows(g *neon.Gen) {
	g.Begin("sumRowsNEON", "(dst, x *float32, ldx, m, d, add int, divisor float32)", "dst", "x", "ldx", "m", "d", "add", "F16 divisor")
	g.P("dup v16.4s, v16.s[0]\nLSL $2, R2")
	g.Elements("R4", 4, func(vectors int) {
		load, width := "FMOVQ", 16
		if g.Tail() {
			load, width = "FMOVS", 4
		}
		rows, row := g.NewLabel("rows"), g.NewLabel("row")
		g.Zero(0, vectors)
		g.P("CBZ R5, %s", rows)
		for v := range vectors {
			g.P("%s %d(R0), F%d", load, v*width, v)
		}
		g.Label(rows)
		g.P("MOVD R1, R7\nMOVD R3, R8")
		g.Label(row)
		for v := range vectors {
			g.P("%s %d(R7), F%d\nfadd v%d.4s, v%[4]d.4s, v%[3]d.4s", load, v*width, 4+v, v)
		}
		g.P("ADD R2, R7\nSUBS $1, R8\nBNE %s\nADD $%d, R1", row, vectors*width)
		for v := range vectors {
			g.P("fdiv v%d.4s, v%[1]d.4s, v16.4s", v)
			g.Store(v, "R0")
		}
	})
	g.End()
}

// neonPower replaces t0 by its exponential; t1 to t5 are lost. Without overflow,
// t0 must be at most 0.
func neonPower(g *neon.Gen, overflow bool) {
	g.P("fcmgt t4.4s, {expMin}.4s, t0.4s")
	if overflow {
		g.P("fcmgt t5.4s, t0.4s, {expMax}.4s\nfmin t0.4s, t0.4s, {expMax}.4s")
	}
	g.P(`fmul t2.4s, t0.4s, {log2e}.4s
		frintn t2.4s, t2.4s
		fmls t0.4s, t2.4s, {ln2High}.4s
		fmls t0.4s, t2.4s, {ln2Low}.4s
		fcvtns t2.4s, t2.4s
		shl t2.4s, t2.4s, #23`)
	g.Horner(3, 1, 0, neon.Numbered("exp", len(polynomial))...)
	g.P("add t3.4s, t3.4s, t2.4s\nbic t0.16b, t3.16b, t4.16b")
	if overflow {
		g.P("bit t0.16b, {inf}.16b, t5.16b")
	}
}

func neonExp(g *neon.Gen) {
	g.Begin("expNEON", "(dst, x *float32, n int)", "dst", "x", "n")
	g.Constants(24, "expMin", "expMax", "log2e", "ln2High", "ln2Low", "inf")
	g.Elements("R2", 4, func(vectors int) {
		g.Together(vectors, 6, func(int) {
			g.Load("R1", 0)
			neonPower(g, true)
			g.Store(0, "R0")
		})
	})
	g.End()
}

// V20 has the shift, V28 to V31 sums, F21 the sum of the last elements.
func neonExpSum(g *neon.Gen) {
	g.Begin("expSumNEON", "(dst, x *float32, n int, shift float32) float32", "dst", "x", "n", "F20 shift", "result")
	g.Constants(24, "expMin", "log2e", "ln2High", "ln2Low")
	g.P("dup v20.4s, v20.s[0]")
	g.Zero(21, 1)
	g.Zero(28, 4)
	g.Elements("R2", 4, func(vectors int) {
		g.Together(vectors, 5, func(i int) {
			g.Load("R1", 0)
			g.P("fsub t0.4s, t0.4s, v20.4s")
			neonPower(g, false)
			if g.Tail() {
				g.P("FADDS F0, F21, F21")
			} else {
				g.P("fadd v%d.4s, v%[1]d.4s, t0.4s", 28+i)
			}
			g.Store(0, "R0")
		})
	})
	g.Reduce("fadd", "faddp", 28, 4)
	g.P("FADDS F28, F21, F21\nFMOVS F21, ret+32(FP)")
	g.End()
}

// neonWiden prints functions that turn a row of another format into float32s, or
// add it to dst: eight elements at a time, then one by one.
func neonWiden(g *neon.Gen) {
	signature := "(dst *float32, row *uint16, n, add int)"
	arguments := []string{"dst", "row", "n", "add"}
	widenRow(g, "widenBF16NEON", signature, arguments,
		"FMOVQ.P 16(R1), F0\nshll v1.4s, v0.4h, #16\nshll2 v2.4s, v0.8h, #16",
		"MOVHU.P 2(R1), R4\nFMOVS R4, F0\nshl v1.4s, v0.4s, #16")
	widenRow(g, "widenF16NEON", signature, arguments,
		"FMOVQ.P 16(R1), F0\nfcvtl v1.4s, v0.4h\nfcvtl2 v2.4s, v0.8h",
		"MOVHU.P 2(R1), R4\nFMOVS R4, F0\nfcvtl v1.4s, v0.4h")
	widenRow(g, "widenI8NEON", "(dst *float32, row *int8, n, add int, scale float32)", append(arguments, "F16 scale"),
		`FMOVD.P 8(R1), F0
			sxtl v0.8h, v0.8b
			sxtl v1.4s, v0.4h
			sxtl2 v2.4s, v0.8h
			scvtf v1.4s, v1.4s
			scvtf v2.4s, v2.4s
			fmul v1.4s, v1.4s, v16.s[0]
			fmul v2.4s, v2.4s, v16.s[0]`,
		"MOVB.P 1(R1), R4\nFMOVS R4, F0\nscvtf v1.4s, v0.4s\nfmul v1.4s, v1.4s, v16.s[0]")
}

func widenRow(g *neon.Gen, name, signature string, arguments []string, eight, one string) {
	g.Begin(name, signature, arguments...)
	add := g.NewLabel("add")
	g.P("CBNZ R3, %s", add)
	for _, adding := range []bool{false, true} {
		if adding {
			g.Label(add)
		}
		loop, rest, single, done := g.NewLabel("loop"), g.NewLabel("rest"), g.NewLabel("single"), g.NewLabel("done")
		g.P("SUBS $8, R2\nBLT %s", rest)
		g.Label(loop)
		g.P("%s", eight)
		if adding {
			g.P("FLDPQ (R0), (F3, F4)\nfadd v1.4s, v1.4s, v3.4s\nfadd v2.4s, v2.4s, v4.4s")
		}
		g.P("FSTPQ.P (F1, F2), 32(R0)\nSUBS $8, R2\nBGE %s", loop)
		g.Label(rest)
		g.P("ADDS $8, R2\nBEQ %s", done)
		g.Label(single)
		g.P("%s", one)
		if adding {
			g.P("FMOVS (R0), F3\nFADDS F3, F1, F1")
		}
		g.P("FMOVS.P F1, 4(R0)\nSUBS $1, R2\nBNE %s", single)
		g.Label(done)
		g.End()
	}
}
