package main

import "mom/kernels/internal/neon"

// arm64 rotates the heads of one row. Registers: R0 the first half of a head, R1
// heads left, R2 half of dim, R3 and R4 cosines and sines, R5 the second half of
// the head, R6 to R10 for the loop.
func arm64() {
	neon.Write("rope", func(g *neon.Gen) {
		g.Begin("applyNEON", "(x *float32, heads, half int, cos, sin *float32)", "x", "heads", "half", "cos", "sin")
		head := g.NewLabel("head")
		g.Label(head)
		g.P("ADD R2<<2, R0, R5\nMOVD R2, R6\nMOVD R3, R7\nMOVD R4, R8\nMOVD R0, R9\nMOVD R5, R10")
		g.Elements("R6", 4, func(vectors int) {
			g.Together(vectors, 8, func(int) {
				g.Load("R9", 0)
				g.Load("R10", 1)
				g.Load("R7", 2)
				g.Load("R8", 3)
				g.P(`fmul t4.4s, t0.4s, t2.4s
					fmul t5.4s, t1.4s, t3.4s
					fmul t6.4s, t1.4s, t2.4s
					fmul t7.4s, t0.4s, t3.4s
					fsub t4.4s, t4.4s, t5.4s
					fadd t6.4s, t6.4s, t7.4s`)
				g.Store(4, "R0")
				g.Store(6, "R5")
			})
		})
		g.P("MOVD R5, R0\nSUBS $1, R1\nBNE %s", head)
		g.End()
	})
}
