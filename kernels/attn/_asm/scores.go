package main

import "fmt"

// Registers of a tile of up to 6 rows x 2 vectors.
const (
	maxRows = 6
	regB    = 12 // 12, 13: B
	regA    = 14 // 14, 15: a broadcast element of A
	regTop  = 16 // 16, 17: running maximum (wide only)
	regMax  = 18 // 18, 19: row maxima of the group on the side (wide only)
	regSum  = 20 // 20, 21: its sums (wide only)
	regPoly = 22 // from 22: coefficients of the polynomial, highest last (wide only)
	regPair = 26 // constPair (bf16 only)
	regTmp  = 28 // 28 to 31: temporaries of the softmax on the side (wide only)
)

func acc(row, v, vectors int) int { return row*vectors + v }

// A product is a tile's, with A's element of a row at a(row) and B's vectors at
// DI. advance moves both to the next step.
type product struct {
	rows, vectors int
	a             func(row int) string
	advance       func()
}

func (g *gen) clear(p product) {
	for i := range p.rows * p.vectors {
		g.zero(i)
	}
}

func (g *gen) productStep(p product) {
	for v := range p.vectors {
		g.load(fmt.Sprintf("%d(DI)", v*g.bytes), regB+v)
	}
	for row := range p.rows {
		g.broadcast(p.a(row), regA+row%2)
		for v := range p.vectors {
			g.multiply(regA+row%2, regB+v, acc(row, v, p.vectors))
		}
	}
	p.advance()
}

// loop prints CX times some steps of a product, at least one.
func (g *gen) loop(p product, steps int) {
	top := g.NewLabel("product")
	g.Label(top)
	for range steps {
		g.productStep(p)
	}
	g.L("DECQ CX")
	g.L("JNZ %s", top)
}

// An aside is a softmax that runs within the loop of a product, on the ports
// that products leave idle: registers of its scores and of its probabilities.
type aside struct{ s, p string }

// roundSteps is how many steps of a product go with one unit of an aside.
const roundSteps = 4

// loopAside prints CX rounds of a product and an aside, at least one.
func (g *gen) loopAside(p product, side aside) {
	top := g.NewLabel("round")
	g.Label(top)
	for v := range 2 {
		g.interleave(func() {
			for range roundSteps / 2 {
				g.productStep(p)
			}
		}, func() { g.asideUnit(side, v) })
	}
	g.L("DECQ CX")
	g.L("JNZ %s", top)
}

// scoresArgs, the struct that scores takes.
const (
	scoresK       = 8 * iota // first row of K (bf16: packed rows)
	scoresStride             // bytes between rows of K
	scoresQ                  // packed queries, [step][query]
	scoresSteps              // steps of a product
	scoresS                  // out: scores [key][query]
	scoresSix                // tiles of 6 keys
	scoresTail               // keys of the next tile, 0 for none
	scoresTail2              // keys of the last tile, 0 for none
	scoresState              // state of the group
	scoresFirst              // query of lane 0 - first key + Reach (masked only)
	scoresWidth              // 2*Reach
	scoresNext               // softmax on the side: scores of another group,
	scoresNextN              // how many keys (bf16: pairs) of it are left,
	scoresNextSt             // its state
	scoresNextP              // bf16: where its probabilities go
	scoresPack               // bf16, packing on the side: tiles of six keys to do it in
	scoresPackK              // first row of K to pack
	scoresPackV              // first row of V
	scoresPackLd             // bytes between rows of either
	scoresPackAt             // bytes from both to where they begin
	scoresPackKTo            // where to
	scoresPackVTo
	scoresPackCols // groups of 32 columns left of the pair of rows at hand
	scoresPackAll  // groups of 32 columns of a row
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
	g.L("MOVQ %d(R15), DX", scoresS)
	g.L("MOVQ %d(R15), R12", scoresNext)
	g.L("MOVQ %d(R15), R13", scoresNextN)
	g.L("MOVQ %d(R15), R10", scoresNextP)
	g.L("MOVQ %d(R15), R14", scoresState)
	g.loadPolynomial()
	if g.wide() {
		g.loadAside(scoresNextSt)
		for v := range vectors {
			g.load(fmt.Sprintf("%d(R14)", stateTop+v*g.bytes), regTop+v)
		}
	}
	tail, six := g.NewLabel("tail"), g.NewLabel("six")
	g.L("CMPQ %d(R15), $0", scoresSix)
	g.L("JEQ %s", tail)
	g.Label(six)
	if g.wide() {
		plain, made := g.NewLabel("plain"), g.NewLabel("made")
		if g.bf16 {
			full := g.NewLabel("full")
			g.L("CMPQ %d(R15), $0", scoresPack)
			g.L("JEQ %s", full)
			g.L("DECQ %d(R15)", scoresPack)
			g.scoresProduct(maxRows, vectors, g.loopPack)
			g.L("JMP %s", made)
			g.Label(full)
		}
		g.L("MOVQ %d(R15), CX", scoresSteps)
		g.L("SHRQ $2, CX")
		g.L("CMPQ R13, CX")
		g.L("JLT %s", plain)
		g.L("SUBQ CX, R13")
		g.scoresProduct(maxRows, vectors, func(p product) { g.loopAside(p, aside{s: "R12", p: "R10"}) })
		g.L("JMP %s", made)
		g.Label(plain)
		g.scoresProduct(maxRows, vectors, nil)
		g.Label(made)
		g.scoresEpilogue(maxRows, vectors, mask)
	} else {
		g.scoresProduct(maxRows, vectors, nil)
		g.scoresEpilogue(maxRows, vectors, mask)
		g.softmaxAside(maxRows)
	}
	g.L("DECQ %d(R15)", scoresSix)
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
		g.scoresProduct(rows, vectors, nil)
		g.scoresEpilogue(rows, vectors, mask)
		g.L("MOVQ %d(R15), R11", scoresTail2)
		g.L("MOVQ $0, %d(R15)", scoresTail2)
		g.L("JMP %s", again)
	}
	g.Label(done)
	if g.wide() {
		for v := range vectors {
			g.store(regTop+v, fmt.Sprintf("%d(R14)", stateTop+v*g.bytes))
		}
		g.storeAside(scoresNextSt)
	}
	g.L("MOVQ R10, %d(R15)", scoresNextP)
	g.L("MOVQ R12, %d(R15)", scoresNext)
	g.L("MOVQ R13, %d(R15)", scoresNextN)
	g.end()
}

// scoresProduct is the product of a tile, by a loop of its own if with is nil.
func (g *gen) scoresProduct(rows, vectors int, with func(product)) {
	bases := []string{"AX", "BX"}
	g.L("MOVQ SI, AX")
	if rows > 3 {
		g.L("LEAQ (R8)(R8*2), BX")
		g.L("ADDQ SI, BX")
	}
	g.L("MOVQ R9, DI")
	p := product{rows, vectors, func(row int) string {
		return "(" + bases[row/3] + []string{")", ")(R8*1)", ")(R8*2)"}[row%3]
	}, func() {
		g.L("ADDQ $4, AX")
		if rows > 3 {
			g.L("ADDQ $4, BX")
		}
		g.L("ADDQ $%d, DI", vectors*g.bytes)
	}}
	g.clear(p)
	if with != nil {
		with(p)
		return
	}
	g.L("MOVQ %d(R15), CX", scoresSteps)
	g.L("SHRQ $2, CX") // d is a multiple of 8
	g.loop(p, 4)
}

// scoresEpilogue masks and stores a tile and takes its maxima. It advances SI,
// DX.
func (g *gen) scoresEpilogue(rows, vectors int, mask bool) {
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
