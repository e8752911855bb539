package main

import (
	"fmt"
	"math"

	"mom/kernels/internal/neon"
)

// Factors of the exponents of 2.
var (
	siluScale     = -math.Log2E
	geluTanhScale = -2 * math.Log2E * math.Sqrt(2/math.Pi)
)

// A neonFunction prints its value of t0 in t0; t1 to t6 are free. The
// approximations are those of AVX2.
type neonFunction struct {
	name   string
	define func(g *neon.Gen)
	pinned []string // constants, at most 11
	value  func(g *neon.Gen)
}

func arm64() {
	neon.Write("act", func(g *neon.Gen) {
		for _, f := range []neonFunction{neonNone, neonGELU, neonGELUTanh, neonSiLU, neonReLU, neonTanh} {
			if f.define != nil {
				f.define(g)
			}
			neonPlain(g, f)
			neonGated(g, f)
		}
	})
}

// neonPlain prints the function that applies f to a tile.
func neonPlain(g *neon.Gen, f neonFunction) {
	g.Begin(f.name+"TileNEON", "(dst *float32, ldd int, a *float32, lda, rows, cols int)",
		"dst", "ldd", "a", "lda", "rows", "cols")
	if f.pinned != nil {
		g.Constants(21, f.pinned...)
	}
	neonTile(g, "R4", "R5", []string{"R1", "R3"}, []string{"R0", "R2"}, func(vectors int) {
		g.Together(vectors, 7, func(int) {
			g.Load("R2", 0)
			f.value(g)
			g.Store(0, "R0")
		})
	})
	g.End()
}

// neonGated prints the function that multiplies f of a tile by another tile.
func neonGated(g *neon.Gen, f neonFunction) {
	g.Begin(f.name+"GatedNEON", "(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)",
		"dst", "ldd", "a", "lda", "b", "ldb", "rows", "cols", "add")
	if f.pinned != nil {
		g.Constants(21, f.pinned...)
	}
	add := g.NewLabel("add")
	g.P("CBNZ R8, %s", add)
	for _, accumulate := range []bool{false, true} {
		if accumulate {
			g.Label(add)
		}
		neonTile(g, "R6", "R7", []string{"R1", "R3", "R5"}, []string{"R0", "R2", "R4"}, func(vectors int) {
			g.Together(vectors, 7, func(int) {
				g.Load("R2", 0)
				f.value(g)
				g.Load("R4", 1)
				g.P("fmul t0.4s, t0.4s, t1.4s")
				if accumulate {
					g.Load("R9", 2)
					g.P("fadd t0.4s, t0.4s, t2.4s")
				}
				g.Store(0, "R0")
			})
		})
		g.End()
	}
}

// neonTile loops over rows of cols elements; body advances the pointers, whose
// strides, in elements, are lost. R9 follows R0, for reading what was there.
func neonTile(g *neon.Gen, rows, cols string, strides, pointers []string, body func(vectors int)) {
	for _, s := range strides {
		g.P("SUB %[1]s, %[2]s, %[2]s\nLSL $2, %[2]s", cols, s)
	}
	row := g.NewLabel("row")
	g.Label(row)
	g.P("MOVD %s, R10\nMOVD R0, R9", cols)
	g.Elements("R10", 3, body)
	for i, p := range pointers {
		g.P("ADD %s, %s", strides[i], p)
	}
	g.P("SUBS $1, %s\nBNE %s", rows, row)
}

var neonNone = neonFunction{name: "none", value: func(*neon.Gen) {}}

var neonReLU = neonFunction{
	name:   "relu",
	define: func(g *neon.Gen) { g.Float("zero", 0) },
	pinned: []string{"zero"},
	value:  func(g *neon.Gen) { g.P("fmax t0.4s, t0.4s, {zero}.4s") }, // NaN if t0 is
}

// neonDivide computes t0 / (1 + 2^t1) in t0.
func neonDivide(g *neon.Gen) {
	// A number plus magic has its integer, plus the bias of exponents, in the
	// low bits. The scale 2^integer becomes an infinity at 128, 0 at -127.
	g.P(`fmin t1.4s, t1.4s, {expMax}.4s
		fmax t1.4s, t1.4s, {expMin}.4s
		fadd t2.4s, t1.4s, {magic}.4s
		fsub t3.4s, t2.4s, {magic}.4s
		fsub t1.4s, t1.4s, t3.4s
		shl t2.4s, t2.4s, #23
		fmul t3.4s, t1.4s, t1.4s`)
	neonLinear(g, 4, 1, "exp", 0)
	neonLinear(g, 5, 1, "exp", 2)
	neonLinear(g, 6, 1, "exp", 4)
	g.P("fmla t5.4s, t6.4s, t3.4s\nfmla t4.4s, t5.4s, t3.4s")
	g.Const("exp0", 6)
	g.P("fmla t6.4s, t4.4s, t2.4s\nfdiv t0.4s, t0.4s, t6.4s")
}

// neonLinear computes name[i] + x*name[i+1] in register to; the latter constant is
// pinned.
func neonLinear(g *neon.Gen, to, x int, name string, i int) {
	g.Const(fmt.Sprintf("%s%d", name, i), to)
	g.P("fmla t%d.4s, t%d.4s, {%s%d}.4s", to, x, name, i+1)
}

var neonSiLU = neonFunction{
	name:   "silu",
	define: func(g *neon.Gen) { g.Float("siluScale", siluScale) },
	pinned: []string{"siluScale", "expMin", "expMax", "magic", "exp1", "exp3", "exp5"},
	value: func(g *neon.Gen) {
		g.P("fmul t1.4s, t0.4s, {siluScale}.4s")
		neonDivide(g)
	},
}

var neonGELUTanh = neonFunction{
	name: "geluTanh",
	define: func(g *neon.Gen) {
		g.Floats("exp", exp2Narrow)
		g.Float("expMax", 128)
		g.Float("expMin", -127)
		g.Float("magic", 0x1.8p23+127)
		g.Float("geluTanh1", geluTanhScale)
		g.Float("geluTanh3", geluTanhScale*0.044715)
	},
	pinned: []string{"geluTanh3", "expMin", "expMax", "magic", "exp1", "exp3", "exp5"},
	value: func(g *neon.Gen) {
		g.P("fmul t2.4s, t0.4s, t0.4s")
		g.Const("geluTanh1", 1)
		g.P("fmla t1.4s, t2.4s, {geluTanh3}.4s\nfmul t1.4s, t1.4s, t0.4s")
		neonDivide(g)
	},
}

var neonGELU = neonFunction{
	name: "gelu",
	define: func(g *neon.Gen) {
		g.Float("half", 0.5)
		g.Float("geluMax", geluClamp)
		g.Float("geluMin", -geluClamp)
		g.Floats("geluP", geluP)
		g.Floats("geluQ", geluQ)
	},
	pinned: []string{"half", "geluMax", "geluMin"},
	value: func(g *neon.Gen) {
		neonRational(g, "gelu", len(geluP), len(geluQ))
		g.P("fadd t1.4s, t1.4s, {half}.4s\nfmul t0.4s, t0.4s, t1.4s")
	},
}

var neonTanh = neonFunction{
	name: "tanh",
	define: func(g *neon.Gen) {
		g.Float("tanhMax", tanhClamp)
		g.Float("tanhMin", -tanhClamp)
		g.Float("minusOne", -1)
		g.Floats("tanhP", tanhP)
		g.Floats("tanhQ", tanhQ)
	},
	pinned: []string{"tanhMax", "tanhMin", "tanhQ0", "minusOne"},
	value: func(g *neon.Gen) {
		neonRational(g, "tanh", len(tanhP), len(tanhQ))
		g.P("fmin t0.4s, t1.4s, {tanhQ0}.4s\nfmax t0.4s, t0.4s, {minusOne}.4s")
	},
}

// neonRational computes c*P(c²)/Q(c²) in t1, where c is t0 clamped.
func neonRational(g *neon.Gen, name string, p, q int) {
	g.P(`fmin t1.4s, t0.4s, {%[1]sMax}.4s
		fmax t1.4s, t1.4s, {%[1]sMin}.4s
		fmul t2.4s, t1.4s, t1.4s`, name)
	g.Horner(3, 5, 2, neon.Numbered(name+"P", p)...)
	g.Horner(4, 5, 2, neon.Numbered(name+"Q", q)...)
	g.P("fmul t1.4s, t1.4s, t3.4s\nfdiv t1.4s, t1.4s, t4.4s")
}
