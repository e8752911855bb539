package main

import "fmt"

// Registers of a tile of up to 6 rows x 2 vectors.
const (
	maxRows = 6
	regB    = 12 // 12, 13: B
	regA    = 14 // 14, 15: a broadcast element of A
	regTop  = 16 // 16, 17: running maximum (wide only)
	regPoly = 22 // from 22: coefficients of the polynomial, highest last (wide only)
	regPair = 30 // constPair (bf16 only)
)

func acc(row, v, vectors int) int { return row*vectors + v }

// loop prints the product of a tile: CX steps, A's element of a row at a(row),
// B's vectors at DI. advance moves both to the next step.
func (g *gen) loop(rows, vectors int, a func(row int) string, advance func()) {
	for i := range rows * vectors {
		g.zero(i)
	}
	top := g.NewLabel("product")
	g.Label(top)
	for v := range vectors {
		g.load(fmt.Sprintf("%d(DI)", v*g.bytes), regB+v)
	}
	for row := range rows {
		g.broadcast(a(row), regA+row%2)
		for v := range vectors {
			g.multiply(regA+row%2, regB+v, acc(row, v, vectors))
		}
	}
	advance()
	g.L("DECQ CX")
	g.L("JNZ %s", top)
}

// scoresArgs, the struct that scores takes.
const (
	scoresK      = 8 * iota // first row of K (bf16: packed rows)
	scoresStride            // bytes between rows of K
	scoresQ                 // packed queries, [step][query]
	scoresSteps             // steps of a product
	scoresS                 // out: scores [key][query]
	scoresSix               // tiles of 6 keys
	scoresTail              // keys of the next tile, 0 for none
	scoresTail2             // keys of the last tile, 0 for none
	scoresState             // state of the group
	scoresFirst             // query of lane 0 - first key + Reach (masked only)
	scoresWidth             // 2*Reach
	scoresNext              // softmax on the side: scores of another group,
	scoresNextN             // how many keys (bf16: pairs) of it are left,
	scoresNextSt            // its state
	scoresNextP             // bf16: where its probabilities go
)

// state of a group: 5 arrays of 32 floats.
const (
	stateTop  = 128 * iota // largest score of the block
	stateMax               // largest score of the row
	stateSum               // sum of the probabilities
	stateFade              // what the last fold shrank sums by
	stateInv               // 1/sum
)

// scores prints S = K Qᵀ for a group of one or two vectors of queries, with
// and without the band's mask. Between tiles it may do a part of the softmax
// of another group, which runs on the ports that products leave idle.
func (g *gen) scores() {
	for _, vectors := range []int{1, 2} {
		for _, mask := range []bool{false, true} {
			g.scoresFunc(vectors, mask)
		}
	}
}

func (g *gen) scoresFunc(vectors int, mask bool) {
	name := fmt.Sprintf("scores%d%s", vectors, g.name)
	if mask {
		name = fmt.Sprintf("scoresBand%d%s", vectors, g.name)
	}
	g.Func(name, "(a *scoresArgs)", 8)
	g.L("MOVQ a+0(FP), R15")
	g.L("MOVQ %d(R15), SI", scoresK)
	g.L("MOVQ %d(R15), R8", scoresStride)
	g.L("MOVQ %d(R15), R9", scoresQ)
	g.L("MOVQ %d(R15), R10", scoresSteps)
	g.L("MOVQ %d(R15), DX", scoresS)
	g.L("MOVQ %d(R15), R11", scoresSix)
	g.L("MOVQ %d(R15), R12", scoresNext)
	g.L("MOVQ %d(R15), R13", scoresNextN)
	g.L("MOVQ %d(R15), R14", scoresState)
	g.loadPolynomial()
	if g.wide() {
		for v := range vectors {
			g.load(fmt.Sprintf("%d(R14)", stateTop+v*g.bytes), regTop+v)
		}
	}
	tail, six := g.NewLabel("tail"), g.NewLabel("six")
	g.L("TESTQ R11, R11")
	g.L("JZ %s", tail)
	g.Label(six)
	g.scoresTile(maxRows, vectors, mask)
	g.softmaxAside(maxRows)
	g.L("DECQ R11")
	g.L("JNZ %s", six)
	g.Label(tail)
	g.L("MOVQ %d(R15), R11", scoresTail)
	again, done := g.NewLabel("again"), g.NewLabel("done")
	g.Label(again)
	var cases [maxRows]string
	for rows := 1; rows < maxRows; rows++ {
		cases[rows] = g.NewLabel("rows")
		g.L("CMPQ R11, $%d", rows)
		g.L("JEQ %s", cases[rows])
	}
	g.L("JMP %s", done)
	for rows := 1; rows < maxRows; rows++ {
		g.Label(cases[rows])
		g.scoresTile(rows, vectors, mask)
		g.L("MOVQ %d(R15), R11", scoresTail2)
		g.L("MOVQ $0, %d(R15)", scoresTail2)
		g.L("JMP %s", again)
	}
	g.Label(done)
	if g.wide() {
		for v := range vectors {
			g.store(regTop+v, fmt.Sprintf("%d(R14)", stateTop+v*g.bytes))
		}
	}
	g.L("MOVQ R12, %d(R15)", scoresNext)
	g.L("MOVQ R13, %d(R15)", scoresNextN)
	g.end()
}

// scoresTile is one tile and its epilogue. It advances SI, DX.
func (g *gen) scoresTile(rows, vectors int, mask bool) {
	bases := []string{"AX", "BX"}
	g.L("MOVQ SI, AX")
	if rows > 3 {
		g.L("LEAQ (R8)(R8*2), BX")
		g.L("ADDQ SI, BX")
	}
	g.L("MOVQ R9, DI")
	g.L("MOVQ R10, CX")
	g.loop(rows, vectors, func(row int) string {
		return "(" + bases[row/3] + []string{")", ")(R8*1)", ")(R8*2)"}[row%3]
	}, func() {
		g.L("ADDQ $4, AX")
		if rows > 3 {
			g.L("ADDQ $4, BX")
		}
		g.L("ADDQ $%d, DI", vectors*g.bytes)
	})
	if mask {
		g.bandMask(rows, vectors)
	}
	top := regTop
	if !g.wide() {
		top = regB
		for v := range vectors {
			g.load(fmt.Sprintf("%d(R14)", stateTop+v*g.bytes), top+v)
		}
	}
	for row := range rows {
		for v := range vectors {
			g.store(acc(row, v, vectors), fmt.Sprintf("%d(DX)", (row*vectors+v)*g.bytes))
			g.L("VMAXPS %s, %[2]s, %[2]s", g.r(acc(row, v, vectors)), g.r(top+v))
		}
	}
	if !g.wide() {
		for v := range vectors {
			g.store(top+v, fmt.Sprintf("%d(R14)", stateTop+v*g.bytes))
		}
	}
	g.L("ADDQ $%d, DX", rows*vectors*g.bytes)
	switch {
	case rows == 6:
		g.L("LEAQ (R8)(R8*2), BX")
		g.L("LEAQ (SI)(BX*2), SI")
	case rows >= 3:
		g.L("LEAQ (R8)(R8*2), BX")
		g.L("ADDQ BX, SI")
		if rows > 3 {
			g.L("LEAQ (SI)(R8*%d), SI", rows-3)
		}
	default:
		g.L("LEAQ (SI)(R8*%d), SI", rows)
	}
}

// bandMask replaces scores of pairs farther apart than Reach. With i the
// query, j the key, a pair is within when the unsigned i-j+Reach <= 2*Reach.
func (g *gen) bandMask(rows, vectors int) {
	const at, width, tmp, none = regB, regB + 1, regB + 2, regB + 3
	g.L("VPBROADCASTD %d(R15), %s", scoresWidth, g.r(width))
	g.L("VMOVUPS %s, %s", constant(constMasked), g.r(none))
	for v := range vectors {
		g.L("VPBROADCASTD %d(R15), %s", scoresFirst, g.r(at))
		g.L("VPADDD %s, %[2]s, %[2]s", constant(constIota+v*g.bytes), g.r(at))
		for row := range rows {
			a := g.r(acc(row, v, vectors))
			if g.wide() {
				g.L("VPCMPUD $6, %s, %s, K1", g.r(width), g.r(at))
				g.L("VMOVAPS %s, K1, %s", g.r(none), a)
			} else {
				g.L("VPMINUD %s, %s, %s", g.r(width), g.r(at), g.r(tmp))
				g.L("VPCMPEQD %s, %[2]s, %[2]s", g.r(at), g.r(tmp))
				g.L("VBLENDVPS %s, %s, %s, %[2]s", g.r(tmp), a, g.r(none))
			}
			if row < rows-1 {
				g.L("VPSUBD %s, %[2]s, %[2]s", constant(constIntOne), g.r(at))
			}
		}
	}
	g.L("SUBL $%d, %d(R15)", rows, scoresFirst)
}
