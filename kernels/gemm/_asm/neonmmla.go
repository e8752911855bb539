package main

import "mom/kernels/internal/neon"

// A matrix instruction multiplies two rows by two columns. Sum 2*v of a pair of
// rows has the first two columns of vector v, sum 2*v+1 the others; after untwist
// they have the first and the second row. x is in V24 to V27, a row in each; a
// register for each pair and half of what was loaded then has both rows.
func pairs(rows int) int { return (rows + 1) / 2 }

func pairSum(rows, vectors, r, v int) int { return r/2*2*vectors + 2*v + r%2 }

// interleave makes pairs of rows: V28 and V29 have the first half of pair 0 and
// 1, V25 and V27 the second.
func interleave(g *neon.Gen, rows int) {
	for p := range pairs(rows) {
		a, b := 24+2*p, 25+2*p
		g.P("zip1 v%d.2d, v%d.2d, v%d.2d\nzip2 v%[3]d.2d, v%[2]d.2d, v%[3]d.2d", 28+p, a, b)
	}
}

// multiply emits a step of the product: op for each pair and two columns.
func multiply(g *neon.Gen, rows, vectors int, second bool, op func(sum, x, w int)) {
	for v := range vectors {
		g.P("FLDPQ %d(R1), (F30, F31)", 32*v)
		for i := range 2 {
			for p := range pairs(rows) {
				x := 28 + p
				if second {
					x = 25 + 2*p
				}
				op(p*2*vectors+2*v+i, x, 30+i)
			}
		}
	}
	g.P("ADD R9, R1")
}

func untwist(g *neon.Gen, rows, vectors int) {
	for i := 0; i < 2*pairs(rows)*vectors; i += 2 {
		g.P("zip1 v30.2d, v%d.2d, v%d.2d\nzip2 v%[2]d.2d, v%[1]d.2d, v%[2]d.2d\nmov v%[1]d.16b, v30.16b", i, i+1)
	}
}

// Four rows by six vectors. x stays unsigned, so the sums begin at -128
// times the sum of the column.
var i8MMLA = neonKernel{name: "i8TileMMLA", rows: 4, slice: wide, sum: pairSum, double: true, int8: true, body: func(g *neon.Gen, rows, vectors int) {
	g.P("MOVD tile_colsum(R0), R15\nADD R10, R15")
	for v := range vectors {
		g.P("FMOVQ.P 16(R15), F30\nshl v30.4s, v30.4s, #7\nneg v30.4s, v30.4s")
		for p := range pairs(rows) {
			a := pairSum(rows, vectors, 2*p, v)
			g.P("dup v%d.2d, v30.d[0]\ndup v%d.2d, v30.d[1]", a, a+1)
		}
	}
	loop := g.NewLabel("loop")
	g.Label(loop)
	for r := range 2 * pairs(rows) {
		g.P("FMOVQ.P 16(R%d), F%d", 3+r, 24+r)
	}
	interleave(g, rows)
	for half := range 2 {
		for range vectors / 2 {
			prefetch(g)
		}
		multiply(g, rows, vectors, half == 1, func(sum, x, w int) {
			g.P("usmmla v%d.4s, v%d.16b, v%d.16b", sum, x, w)
		})
	}
	g.P("SUBS $4, R2\nBNE %s", loop)
	untwist(g, rows, vectors)
}}

// Four rows by six vectors, four k in a step.
var bf16MMLA = neonKernel{name: "bf16TileMMLA", rows: 4, slice: wide, sum: pairSum, double: true, body: func(g *neon.Gen, rows, vectors int) {
	g.Zero(0, 2*pairs(rows)*vectors)
	step := func(second bool) {
		multiply(g, rows, vectors, second, func(sum, x, w int) {
			g.P("bfmmla v%d.4s, v%d.8h, v%d.8h", sum, x, w)
		})
	}
	load := func(op string) {
		for r := range 2 * pairs(rows) {
			g.P("%s(R%d), F%d", op, 3+r, 24+r)
		}
		interleave(g, rows)
	}
	loop, rest, two, end := g.NewLabel("loop"), g.NewLabel("rest"), g.NewLabel("two"), g.NewLabel("end")
	g.P("SUBS $4, R2\nBLT %s", rest)
	g.Label(loop)
	load("FMOVQ.P 16")
	for half := range 2 {
		for range vectors / 2 {
			prefetch(g)
		}
		step(half == 1)
	}
	g.P("SUBS $4, R2\nBGE %s", loop)
	g.Label(rest)
	g.P("TBZ $1, R2, %s", two)
	load("FMOVD.P 8")
	step(false)
	g.Label(two)
	g.P("TBZ $0, R2, %s", end)
	load("FMOVS.P 4")
	step(false)
	g.Label(end)
	untwist(g, rows, vectors)
}}
