// Command _asm writes the assembly of package rope.
package main

import (
	"fmt"

	"mom/kernels/internal/lanes"
)

func main() {
	lanes.Both("rope", apply)
	arm64()
}

// apply keeps up to four vectors of cosines in v0 to v3 and of sines in v4 to v7
// while it goes through the heads of a row.
func apply(g *lanes.Gen) {
	g.Begin("apply", "(x *float32, ldx, m, heads, dim int, cos, sin *float32, pos *int32)", 64)
	g.P(`MOVQ x+0(FP), SI
		MOVQ ldx+8(FP), R8
		MOVQ m+16(FP), R11
		MOVQ dim+32(FP), R9
		MOVQ pos+56(FP), BX
		MOVQ R9, CX
		SHRQ $1, CX
		SHLQ $2, R8
		SHLQ $2, R9
		LEAQ (CX*4), R10`)
	row := g.NewLabel("row")
	g.Label(row)
	g.P(`MOVLQSX (BX), AX
		IMULQ R10, AX
		MOVQ cos+40(FP), DI
		MOVQ sin+48(FP), DX
		ADDQ AX, DI
		ADDQ AX, DX
		XORL AX, AX`)
	for _, u := range []int{4, 2, 1} {
		g.Vectors("CX", u, func() { heads(g, u, false) })
	}
	g.Rest("CX", func() { heads(g, 1, true) })
	g.P("ADDQ R8, SI\nADDQ $4, BX\nDECQ R11\nJNZ %s", row)
	g.End()
}

// heads rotates the elements from AX on of all heads.
func heads(g *lanes.Gen, vectors int, masked bool) {
	for i := range vectors {
		g.Load(g.At("DI", 4, i), i, masked)
		g.Load(g.At("DX", 4, i), 4+i, masked)
	}
	head := g.NewLabel("head")
	g.P("LEAQ (SI)(AX*4), R12\nMOVQ heads+24(FP), R13")
	g.Label(head)
	for i := range vectors {
		first, second := fmt.Sprintf("%d(R12)", 4*g.W*i), fmt.Sprintf("%d(R12)(R10*1)", 4*g.W*i)
		g.Load(first, 8, masked)
		g.Load(second, 9, masked)
		g.P("VMULPS v%d, v8, v10\nVMULPS v%d, v9, v11\nVSUBPS v11, v10, v10", i, 4+i)
		g.P("VMULPS v%d, v9, v12\nVMULPS v%d, v8, v13\nVADDPS v13, v12, v12", i, 4+i)
		g.Store(10, first, masked)
		g.Store(12, second, masked)
	}
	g.P("ADDQ R9, R12\nDECQ R13\nJNZ %s", head)
}
