package main

import (
	"fmt"

	"mom/kernels/internal/neon"
)

// A NEON kernel computes the rows of a tile times a slice of its panel, then of
// the next slice. A vector is four columns. V0 to V23 hold the sums, so that a
// slice has few vectors where there are many rows; the others hold x, weights
// and temporaries.
//
// General registers: R0 the tile, R1 weights, R2 groups of k left, R3 to R8 rows
// of x, later of dst, R9 bytes from a group of weights to the next, R10 bytes of
// dst's columns before the slice, R11 bytes of all of them, R12 bytes from a row
// to the next, R13 what is being prefetched, R14 bytes to prefetch for four
// columns of four groups, R15 scratch, R16 rows.
type neonKernel struct {
	name   string
	rows   int                         // at most
	slice  func(rows, vectors int) int // vectors of a slice, of a panel of so many
	body   func(g *neon.Gen, rows, vectors int)
	sum    func(rows, vectors, r, v int) int // the register of row r, vector v after body
	double bool                              // the panel has two groups of a column together
	int8   bool                              // the sums are integers
}

func arm64() {
	for _, out := range []struct {
		file    string
		kernels []neonKernel
	}{
		{"f32", []neonKernel{f32NEON}},
		{"bf16", []neonKernel{bf16NEON, bf16MMLA}},
		{"i8", []neonKernel{i8NEON, i8Dot, i8MMLA}},
	} {
		neon.WriteFile("gemm", out.file, func(g *neon.Gen) {
			g.Raw("#include \"go_asm.h\"\n")
			if out.file == "bf16" {
				g.Bits("high", 0xFFFF0000)
			}
			for _, k := range out.kernels {
				k.emit(g)
			}
		})
	}
}

// wide takes all of a panel for one and two rows, and else slices of six
// vectors, or of four where six do not divide the panel.
func wide(rows, vectors int) int {
	switch {
	case rows <= 2:
		return vectors
	case vectors == 12:
		return 6
	}
	return 4
}

// four takes slices of four vectors, except for one and two rows.
func four(rows, vectors int) int {
	if rows <= 2 {
		return vectors
	}
	return 4
}

// grid numbers the sums row by row.
func grid(rows, vectors, r, v int) int { return r*vectors + v }

func (k neonKernel) emit(g *neon.Gen) {
	g.Begin(k.name, "(t *tile)", "t")
	g.P(`MOVD tile_w(R0), R13
		MOVD tile_next(R0), R15
		ADD R15, R13
		MOVD tile_fetch(R0), R14
		MOVD tile_vecs(R0), R11
		LSL $6, R11
		MOVD R11, R9
		MOVD $0, R10
		MOVD tile_rows(R0), R16`)
	if k.double {
		g.P("LSL $1, R9")
	}
	label := func(rows, vectors int) string { return fmt.Sprintf("%s_%dx%d", k.name, rows, vectors) }
	for rows := k.rows; rows > 0; rows-- {
		next := g.NewLabel("fewer")
		if rows > 1 {
			g.P("CMP $%d, R16\nBNE %s", rows, next)
		}
		for _, vectors := range []int{12, 8} {
			if s := k.slice(rows, vectors); s != k.slice(rows, 4) {
				g.P("CMP $%d, R11\nBEQ %s", 16*vectors, label(rows, s))
			}
		}
		done := map[int]bool{}
		for _, vectors := range []int{4, 8, 12} {
			if s := k.slice(rows, vectors); !done[s] {
				g.Label(label(rows, s))
				k.block(g, rows, s)
				done[s] = true
			}
		}
		if rows > 1 {
			g.Label(next)
		}
	}
}

// block computes slices of the panel until its end.
func (k neonKernel) block(g *neon.Gen, rows, vectors int) {
	slice := g.NewLabel("slice")
	g.Label(slice)
	g.P("MOVD tile_w(R0), R1\nMOVD tile_k(R0), R2\nADD R10, R1")
	if k.double {
		g.P("ADD R10, R1")
	}
	pointers := rows
	if k.double {
		pointers = 2 * pairs(rows) // the last row twice if it has no other
	}
	rowPointers(g, "x", "ldx", rows, pointers)
	k.body(g, rows, vectors)
	k.finish(g, rows, vectors)
	g.P("ADD $%d, R10\nCMP R11, R10\nBLT %s\nRET", 16*vectors, slice)
}

// rowPointers sets R3, R4, ... to rows of x or dst; those above rows to the last.
func rowPointers(g *neon.Gen, base, stride string, rows, pointers int) {
	g.P("MOVD tile_%s(R0), R3\nMOVD tile_%s(R0), R12", base, stride)
	for r := 1; r < pointers; r++ {
		if r < rows {
			g.P("ADD R12, R%d, R%d", 2+r, 3+r)
		} else {
			g.P("MOVD R%d, R%d", 2+r, 3+r)
		}
	}
}

// finish shifts and scales integers, adds the bias and stores or adds. It uses the sums'
// registers and V24 to V31.
func (k neonKernel) finish(g *neon.Gen, rows, vectors int) {
	const wscale, bias, scale, old = 28, 29, 30, 31
	rowPointers(g, "dst", "ldd", rows, rows)
	for r := range rows {
		g.P("ADD R10, R%d", 3+r)
	}
	if k.int8 {
		// The bytes were read as signed, or the sums begin for that: what is left
		// to add is the row's shift times the column's sum.
		g.P("MOVD tile_affine(R0), R15\nMOVD tile_colsum(R0), R2\nADD R10, R2")
		for r := range rows {
			g.P("FMOVS %d(R15), F%d", 8*r+4, 24+r)
		}
		for v := range vectors {
			g.P("FMOVQ %d(R2), F30", 16*v)
			for r := range rows {
				g.P("mla v%d.4s, v30.4s, v%d.s[0]", k.sum(rows, vectors, r, v), 24+r)
			}
		}
		for r := range rows {
			g.P("FMOVS %d(R15), F%d", 8*r, 24+r)
		}
		g.P("MOVD tile_wscale(R0), R2\nADD R10, R2")
	}
	g.P("MOVD tile_bias(R0), R1\nADD R10, R1\nMOVD tile_add(R0), R15")
	add, done := g.NewLabel("add"), g.NewLabel("stored")
	g.P("CBNZ R15, %s", add)
	for _, accumulate := range []bool{false, true} {
		if accumulate {
			g.Label(add)
		}
		for v := range vectors {
			g.P("FMOVQ %d(R1), F%d", 16*v, bias)
			if k.int8 {
				g.P("FMOVQ %d(R2), F%d", 16*v, wscale)
			}
			for r := range rows {
				sum := k.sum(rows, vectors, r, v)
				if k.int8 {
					g.P("fmul v%d.4s, v%d.4s, v%d.s[0]", scale, wscale, 24+r)
					g.P("scvtf v%d.4s, v%[1]d.4s", sum)
					g.P("fmul v%d.4s, v%[1]d.4s, v%d.4s", sum, scale)
				}
				g.P("fadd v%d.4s, v%[1]d.4s, v%d.4s", sum, bias)
				if accumulate {
					g.P("FMOVQ %d(R%d), F%d", 16*v, 3+r, old)
					g.P("fadd v%d.4s, v%[1]d.4s, v%d.4s", sum, old)
				}
				g.P("FMOVQ F%d, %d(R%d)", sum, 16*v, 3+r)
			}
		}
		if !accumulate {
			g.P("B %s", done)
		}
	}
	g.Label(done)
}

// prefetch is emitted once for each group and 16 columns, which are 64 bytes of
// weights: it fetches the next 64 bytes, or the share of them that this tile has.
func prefetch(g *neon.Gen) { g.P("PRFM (R13), PLDL1KEEP\nADD R14, R13") }

// Six rows by four vectors: x is in V24 to V29, a row in each.
var f32NEON = neonKernel{name: "f32TileNEON", rows: 6, slice: four, sum: grid, body: func(g *neon.Gen, rows, vectors int) {
	g.Zero(0, rows*vectors)
	group := func(lane int) {
		for v := 0; v < vectors; v += 2 {
			g.P("FLDPQ %d(R1), (F30, F31)", 16*v)
			for i := range 2 {
				for r := range rows {
					g.P("fmla v%d.4s, v%d.4s, v%d.s[%d]", grid(rows, vectors, r, v+i), 30+i, 24+r, lane)
				}
			}
		}
		g.P("ADD R9, R1")
	}
	loop, single, rest, end := g.NewLabel("loop"), g.NewLabel("single"), g.NewLabel("rest"), g.NewLabel("end")
	g.P("SUBS $4, R2\nBLT %s", rest)
	g.Label(loop)
	for r := range rows {
		g.P("FMOVQ.P 16(R%d), F%d", 3+r, 24+r)
	}
	for lane := range 4 {
		for range vectors / 4 {
			prefetch(g)
		}
		group(lane)
	}
	g.P("SUBS $4, R2\nBGE %s", loop)
	g.Label(rest)
	g.P("ADDS $4, R2\nBEQ %s", end)
	g.Label(single)
	for r := range rows {
		g.P("FMOVS.P 4(R%d), F%d", 3+r, 24+r)
	}
	group(0)
	g.P("SUBS $1, R2\nBNE %s", single)
	g.Label(end)
}}

// As for float32, after widening: four k of x in V24 to V29; V30 has the weights
// of two k, low halves for the first.
var bf16NEON = neonKernel{name: "bf16TileNEON", rows: 6, slice: four, sum: grid, body: func(g *neon.Gen, rows, vectors int) {
	g.Zero(0, rows*vectors)
	g.Constants(0)
	group := func(lane int) {
		for v := range vectors {
			g.P("FMOVQ %d(R1), F30\nshl v31.4s, v30.4s, #16", 16*v)
			for r := range rows {
				g.P("fmla v%d.4s, v31.4s, v%d.s[%d]", grid(rows, vectors, r, v), 24+r, lane)
			}
			g.Const("high", 31)
			g.P("and v30.16b, v30.16b, v31.16b")
			for r := range rows {
				g.P("fmla v%d.4s, v30.4s, v%d.s[%d]", grid(rows, vectors, r, v), 24+r, lane+1)
			}
		}
		g.P("ADD R9, R1")
	}
	widen := func(load string) {
		for r := range rows {
			g.P("%s(R%d), F%d\nshll v%[3]d.4s, v%[3]d.4h, #16", load, 3+r, 24+r)
		}
	}
	loop, rest, end := g.NewLabel("loop"), g.NewLabel("rest"), g.NewLabel("end")
	g.P("SUBS $2, R2\nBLT %s", rest)
	g.Label(loop)
	widen("FMOVD.P 8")
	for half := range 2 {
		for range vectors / 4 {
			prefetch(g)
		}
		group(2 * half)
	}
	g.P("SUBS $2, R2\nBGE %s", loop)
	g.Label(rest)
	g.P("ADDS $2, R2\nBEQ %s", end)
	widen("FMOVS.P 4")
	group(0)
	g.Label(end)
}}

// Four rows by six vectors: 16 k of x are in V24 to V27, a row in each, as
// signed bytes.
var i8Dot = neonKernel{name: "i8TileDot", rows: 4, slice: wide, sum: grid, int8: true, body: func(g *neon.Gen, rows, vectors int) {
	g.Zero(0, rows*vectors)
	g.P("VMOVI $128, V28.B16")
	loop := g.NewLabel("loop")
	g.Label(loop)
	for r := range rows {
		g.P("FMOVQ.P 16(R%d), F%d", 3+r, 24+r)
	}
	for r := range rows {
		g.P("eor v%d.16b, v%[1]d.16b, v28.16b", 24+r)
	}
	for lane := range 4 {
		for v := 0; v < vectors; v += 2 {
			if (lane*vectors+v)%4 == 0 {
				prefetch(g)
			}
			g.P("FLDPQ %d(R1), (F30, F31)", 16*v)
			for i := range 2 {
				for r := range rows {
					g.P("sdot v%d.4s, v%d.16b, v%d.4b[%d]", grid(rows, vectors, r, v+i), 30+i, 24+r, lane)
				}
			}
		}
		g.P("ADD R9, R1")
	}
	g.P("SUBS $4, R2\nBNE %s", loop)
}}

// Two rows by four vectors. Products of bytes are added in pairs of groups,
// which 16 bits hold, then to the sums: a vector of four columns has two
// registers of sums, each with two lanes for a column. V16 and V17 are x, V18 to
// V21 one group of it in all lanes, V22 and V23 the sign, V24 to V27 products.
var i8NEON = neonKernel{name: "i8TileNEON", rows: 2,
	slice: func(rows, vectors int) int { return 4 },
	sum:   func(rows, vectors, r, v int) int { return 2 * grid(rows, vectors, r, v) },
	int8:  true,
	body: func(g *neon.Gen, rows, vectors int) {
		g.Zero(0, 2*rows*vectors)
		g.P("VMOVI $128, V22.B16")
		loop := g.NewLabel("loop")
		g.Label(loop)
		for r := range rows {
			g.P("FMOVQ.P 16(R%d), F%d\neor v%[2]d.16b, v%[2]d.16b, v22.16b", 3+r, 16+r)
		}
		for lane := 0; lane < 4; lane += 2 {
			for r := range rows {
				for i := range 2 {
					g.P("dup v%d.4s, v%d.s[%d]", 18+2*r+i, 16+r, lane+i)
				}
			}
			prefetch(g)
			prefetch(g)
			g.P("ADD R9, R1, R15")
			for v := range vectors {
				g.P("FMOVQ %[1]d(R1), F30\nFMOVQ %[1]d(R15), F31", 16*v)
				for r := range rows {
					a, b, low, high := 18+2*r, 19+2*r, 24+2*r, 25+2*r
					sum := 2 * grid(rows, vectors, r, v)
					g.P("smull v%d.8h, v30.8b, v%d.8b\nsmull2 v%d.8h, v30.16b, v%d.16b", low, a, high, a)
					g.P("smlal v%d.8h, v31.8b, v%d.8b\nsmlal2 v%d.8h, v31.16b, v%d.16b", low, b, high, b)
					g.P("sadalp v%d.4s, v%d.8h\nsadalp v%d.4s, v%d.8h", sum, low, sum+1, high)
				}
			}
			g.P("ADD R9, R15, R1")
		}
		g.P("SUBS $4, R2\nBNE %s", loop)
		for i := 0; i < 2*rows*vectors; i += 2 {
			g.P("addp v%d.4s, v%[1]d.4s, v%d.4s", i, i+1)
		}
	}}
