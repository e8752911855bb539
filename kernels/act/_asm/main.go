// Command _asm writes the assembly of package act.
package main

import (
	"mom/kernels/internal/lanes"
)

// A function prints its value of v0 in v0. v1 to v7 are free, the constants
// come from v16 on at AVX-512 and from v9 on, as many as fit, at AVX2.
type function struct {
	name      string
	define    func(g *lanes.Gen)
	constants func(g *lanes.Gen) []string
	value     func(g *lanes.Gen)
}

func main() {
	lanes.Both("act", func(g *lanes.Gen) {
		for _, f := range []function{none, gelu, geluTanh, silu, relu, tanh} {
			if f.define != nil {
				f.define(g)
			}
			plain(g, f)
			gated(g, f)
		}
	})
	arm64()
}

func pin(g *lanes.Gen, f function) {
	if f.constants == nil {
		return
	}
	names, first := f.constants(g), 16
	if !g.Wide() {
		first = 9
		names = names[:min(len(names), 15-first)]
	}
	g.Pin(first, names...)
}

// plain prints the function that applies f to a tile.
func plain(g *lanes.Gen, f function) {
	g.Begin(f.name+"Tile", "(dst *float32, ldd int, a *float32, lda, rows, cols int)", 48)
	g.P(`MOVQ dst+0(FP), DI
		MOVQ ldd+8(FP), R8
		MOVQ a+16(FP), SI
		MOVQ lda+24(FP), R9
		MOVQ rows+32(FP), R11
		MOVQ cols+40(FP), CX
		SHLQ $2, R8
		SHLQ $2, R9`)
	pin(g, f)
	tile(g, func(i int, masked bool) {
		g.Load(g.At("SI", 4, i), 0, masked)
		f.value(g)
		g.Store(0, g.At("DI", 4, i), masked)
	}, "ADDQ R9, SI")
}

// gated prints the function that multiplies f of a tile by another tile.
func gated(g *lanes.Gen, f function) {
	g.Begin(f.name+"Gated", "(dst *float32, ldd int, a *float32, lda int, b *float32, ldb, rows, cols, add int)", 72)
	g.P(`MOVQ dst+0(FP), DI
		MOVQ ldd+8(FP), R8
		MOVQ a+16(FP), SI
		MOVQ lda+24(FP), R9
		MOVQ b+32(FP), DX
		MOVQ ldb+40(FP), R10
		MOVQ rows+48(FP), R11
		MOVQ cols+56(FP), CX
		MOVQ add+64(FP), BX
		SHLQ $2, R8
		SHLQ $2, R9
		SHLQ $2, R10`)
	pin(g, f)
	tile(g, func(i int, masked bool) {
		g.Load(g.At("SI", 4, i), 0, masked)
		f.value(g)
		g.Load(g.At("DX", 4, i), 1, masked)
		store := g.NewLabel("store")
		g.P("VMULPS v1, v0, v0\nTESTQ BX, BX\nJZ %s", store)
		g.Load(g.At("DI", 4, i), 2, masked)
		g.P("VADDPS v2, v0, v0")
		g.Label(store)
		g.Store(0, g.At("DI", 4, i), masked)
	}, "ADDQ R9, SI\nADDQ R10, DX")
}

// tile loops over R11 rows of CX elements.
func tile(g *lanes.Gen, body func(i int, masked bool), advance string) {
	row := g.NewLabel("row")
	g.Label(row)
	g.Elements("CX", 1, func(vectors int, masked bool) {
		for i := range vectors {
			body(i, masked)
		}
	})
	g.P("%s\nADDQ R8, DI\nDECQ R11\nJNZ %s", advance, row)
	g.End()
}

// horner evaluates names[0] + v[x]*(names[1] + v[x]*(...)) in v[to].
func horner(g *lanes.Gen, to, x int, names ...string) {
	last := len(names) - 1
	g.P("VMOVAPS {%s}, v%d", names[last], to)
	for i := last - 1; i >= 0; i-- {
		g.P("VFMADD213PS {%s}, v%d, v%d", names[i], x, to)
	}
}

var none = function{name: "none", value: func(*lanes.Gen) {}}

var relu = function{
	name:      "relu",
	define:    func(g *lanes.Gen) { g.Float("zero", 0) },
	constants: func(*lanes.Gen) []string { return []string{"zero"} },
	// The operand that comes last for the CPU, and first here, is the result
	// when the other is not larger or one is NaN.
	value: func(g *lanes.Gen) { g.P("VMAXPS v0, {zero}, v0") },
}
