package main

import "fmt"

// valuesArgs, the struct that values takes.
const (
	valuesP       = 8 * iota // probabilities [step][query]
	valuesPStride            // bytes between steps of it
	valuesV                  // V rows (bf16: packed pairs of rows)
	valuesVStride            // bytes between steps of it
	valuesDst                // first row of the group
	valuesStride             // bytes between rows of dst
	valuesWide               // bytes of columns taken by two vectors at a time
	valuesOne                // 1 if one more vector of columns is left, else 0
	valuesState
	valuesAdd   // 1 to add to what dst holds, shrunk by the fade; 0 to set
	valuesLast  // 1 to divide by the sum
	valuesCount // how many tiles, counted down
	valuesNext  // softmax on the side, as in scores
	valuesNextN
	valuesNextSt
	valuesNextP
	valuesAhead  // row of another matrix to fetch with each row of dst
	valuesAheadK // further ones, if not nil
	valuesAheadV
	valuesAheadLd
	valuesAheadAt // bytes to the next such row
	valuesTiles   // array of tiles
)

// A tile of values: some rows of the group and the keys that they attend to.
const (
	tileRows  = 8 * iota
	tileSteps // steps of the product
	tileP     // bytes from valuesP to the first of them
	tileV     // bytes from valuesV to it
	tileBytes
)

// values prints O = P V for a group, all columns, by tiles of rows.
func (g *gen) values() {
	g.Func("values"+g.name, "(a *valuesArgs)", 8)
	g.L("MOVQ a+0(FP), R15")
	g.L("MOVQ %d(R15), R8", valuesPStride)
	g.L("MOVQ %d(R15), R9", valuesVStride)
	g.L("MOVQ %d(R15), DX", valuesDst)
	g.L("LEAQ %d(R15), R14", valuesTiles)
	g.L("XORQ R12, R12")
	g.L("MOVQ %d(R15), AX", valuesState)
	g.invert()
	if g.wide() {
		g.loadPolynomial()
		g.loadAside(valuesNextSt)
	}
	tile := g.NewLabel("tile")
	g.Label(tile)
	g.L("MOVQ %d(R14), CX", tileRows)
	g.L("MOVQ %d(R14), SI", tileP)
	g.L("ADDQ %d(R15), SI", valuesP)
	g.L("ADDQ R12, SI")
	g.L("MOVQ %d(R14), R11", tileV)
	g.L("ADDQ %d(R15), R11", valuesV)
	var cases [maxRows + 1]string
	for rows := maxRows; rows > 0; rows-- {
		cases[rows] = g.NewLabel("rows")
		g.L("CMPQ CX, $%d", rows)
		g.L("JEQ %s", cases[rows])
	}
	next, done := g.NewLabel("next"), g.NewLabel("done")
	g.L("JMP %s", done)
	for rows := maxRows; rows > 0; rows-- {
		g.Label(cases[rows])
		g.valuesRows(rows)
		g.L("ADDQ $%d, R12", 4*rows)
		g.L("MOVQ BX, DX")
		g.advanceAhead(rows)
		if rows > 1 {
			g.L("JMP %s", next)
		}
	}
	g.Label(next)
	g.L("ADDQ $%d, R14", tileBytes)
	g.L("DECQ %d(R15)", valuesCount)
	g.L("JNZ %s", tile)
	g.Label(done)
	if g.wide() {
		g.storeAside(valuesNextSt)
	}
	g.end()
}

// invert sets the state's inverses: 1/sum in the last block, else 1.
func (g *gen) invert() {
	set := g.NewLabel("set")
	for v := range 2 {
		g.L("VMOVUPS %s, %s", constant(constOne), g.r(v))
	}
	g.L("CMPQ %d(R15), $0", valuesLast)
	g.L("JEQ %s", set)
	for v := range 2 {
		g.L("VDIVPS %d(AX), %[2]s, %[2]s", stateSum+v*g.bytes, g.r(v))
	}
	g.Label(set)
	for v := range 2 {
		g.store(v, fmt.Sprintf("%d(AX)", stateInv+v*g.bytes))
	}
}

// valuesRows is one tile: columns by two vectors, then perhaps one more. It
// leaves the address of the row after the tile in BX.
func (g *gen) valuesRows(rows int) {
	columns, single, done := g.NewLabel("columns"), g.NewLabel("single"), g.NewLabel("done")
	g.L("XORQ R10, R10")
	g.Label(columns)
	g.L("CMPQ R10, %d(R15)", valuesWide)
	g.L("JGE %s", single)
	g.valuesTile(rows, 2)
	g.L("ADDQ $%d, R10", 2*g.bytes)
	g.L("JMP %s", columns)
	g.Label(single)
	g.L("CMPQ %d(R15), $0", valuesOne)
	g.L("JEQ %s", done)
	g.valuesTile(rows, 1)
	g.Label(done)
}

func (g *gen) valuesTile(rows, vectors int) {
	g.prefetchRows(rows, "DX", valuesStride, "PREFETCHT0")
	g.prefetchAhead(rows, valuesAhead)
	none := g.NewLabel("none")
	g.L("CMPQ %d(R15), $0", valuesAheadK)
	g.L("JEQ %s", none)
	g.prefetchAhead(rows, valuesAheadK)
	g.prefetchAhead(rows, valuesAheadV)
	g.Label(none)
	g.L("MOVQ SI, AX")
	g.L("LEAQ (R11)(R10*1), DI")
	g.L("MOVQ %d(R14), CX", tileSteps)
	p := product{rows, vectors, func(row int) string { return fmt.Sprintf("%d(AX)", 4*row) }, func() {
		g.L("ADDQ R8, AX")
		g.L("ADDQ R9, DI")
	}}
	g.clear(p)
	if g.wide() && rows == maxRows && vectors == 2 {
		plain, made := g.NewLabel("plain"), g.NewLabel("made")
		g.L("SHRQ $2, CX")
		g.L("JZ %s", plain)
		g.L("CMPQ CX, %d(R15)", valuesNextN)
		g.L("JGT %s", plain)
		g.L("SUBQ CX, %d(R15)", valuesNextN)
		g.L("MOVQ %d(R15), BX", valuesNext)
		g.L("MOVQ %d(R15), R13", valuesNextP)
		g.loopAside(p, aside{s: "BX", p: "R13"})
		g.L("MOVQ BX, %d(R15)", valuesNext)
		g.L("MOVQ R13, %d(R15)", valuesNextP)
		g.L("MOVQ %d(R14), CX", tileSteps)
		g.L("ANDQ $3, CX")
		g.L("JZ %s", made)
		rest := g.NewLabel("rest")
		g.L("JMP %s", rest)
		g.Label(plain)
		g.L("MOVQ %d(R14), CX", tileSteps)
		g.Label(rest)
		g.loop(p, 1)
		g.Label(made)
	} else {
		g.loop(p, 1)
	}
	g.L("LEAQ (DX)(R10*1), BX")
	g.L("MOVQ %d(R15), AX", valuesState)
	g.L("ADDQ R12, AX")
	set := g.NewLabel("set")
	g.L("CMPQ %d(R15), $0", valuesAdd)
	g.L("JEQ %s", set)
	for row := range rows {
		g.broadcast(fmt.Sprintf("%d(AX)", stateFade+4*row), regA)
		for v := range vectors {
			g.L("VFMADD231PS %d(BX), %s, %s", v*g.bytes, g.r(regA), g.r(acc(row, v, vectors)))
		}
		g.L("ADDQ %d(R15), BX", valuesStride)
	}
	g.L("LEAQ (DX)(R10*1), BX")
	g.Label(set)
	for row := range rows {
		g.broadcast(fmt.Sprintf("%d(AX)", stateInv+4*row), regA)
		for v := range vectors {
			a := acc(row, v, vectors)
			g.L("VMULPS %s, %[2]s, %[2]s", g.r(regA), g.r(a))
			g.store(a, fmt.Sprintf("%d(BX)", v*g.bytes))
		}
		g.L("ADDQ %d(R15), BX", valuesStride)
	}
	g.L("SUBQ R10, BX")
}

// prefetchRows fetches the columns of a tile, of rows from first on.
func (g *gen) prefetchRows(rows int, first string, stride int, hint string) {
	g.L("LEAQ (%s)(R10*1), BX", first)
	for row := range rows {
		if row > 0 {
			g.L("ADDQ %d(R15), BX", stride)
		}
		g.L("%s (BX)", hint)
		g.L("%s 64(BX)", hint)
	}
}

func (g *gen) prefetchAhead(rows, first int) {
	g.L("MOVQ %d(R15), AX", first)
	g.L("ADDQ %d(R15), AX", valuesAheadAt)
	g.prefetchRows(rows, "AX", valuesAheadLd, "PREFETCHT1")
}

func (g *gen) advanceAhead(rows int) {
	g.L("MOVQ %d(R15), AX", valuesAheadLd)
	g.L("IMULQ $%d, AX", rows)
	g.L("ADDQ AX, %d(R15)", valuesAheadAt)
}
