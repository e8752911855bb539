package main

import "mom/kernels/internal/neon"

// Registers: R0 dst, R1 its stride, R2 x, R3 its stride, R4 rows left, R5 d, R6
// gamma, R7 beta, R8 to R12 counts and pointers within a row. V0 to V7 are
// partial sums, V8 to V15 elements, V16 the mean, V17 eps, V18 d, V19 the scale.
func arm64() {
	neon.Write("norm", func(g *neon.Gen) {
		g.Begin("layerNormNEON", "(dst *float32, ldd int, x *float32, ldx, m, d int, gamma, beta *float32, eps float32)",
			"dst", "ldd", "x", "ldx", "m", "d", "gamma", "beta", "F17 eps")
		neonRows(g, func() {
			neonSum(g, func(int) { g.P("fadd t0.4s, t0.4s, t8.4s") })
			g.P("FDIVS F18, F0, F16\ndup v16.4s, v16.s[0]")
			neonSum(g, func(int) {
				if g.Tail() { // zeros in the other lanes
					g.P("FSUBS F16, F8, F8\nfmla v0.4s, v8.4s, v8.4s")
					return
				}
				g.P("fsub t8.4s, t8.4s, v16.4s\nfmla t0.4s, t8.4s, t8.4s")
			})
			neonScale(g)
			neonAffine(g, []string{"R6", "R7"}, "fsub t0.4s, t0.4s, v16.4s\nfmul t0.4s, t0.4s, v19.4s")
		})
		g.Begin("rmsNormNEON", "(dst *float32, ldd int, x *float32, ldx, m, d int, gamma *float32, eps float32)",
			"dst", "ldd", "x", "ldx", "m", "d", "gamma", "F17 eps")
		neonRows(g, func() {
			neonSum(g, func(int) { g.P("fmla t0.4s, t8.4s, t8.4s") })
			neonScale(g)
			neonAffine(g, []string{"R6"}, "fmul t0.4s, t0.4s, v19.4s")
		})
	})
}

func neonRows(g *neon.Gen, row func()) {
	g.P("LSL $2, R1\nLSL $2, R3\nSCVTFS R5, F18")
	next := g.NewLabel("row")
	g.Label(next)
	row()
	g.P("ADD R1, R0\nADD R3, R2\nSUBS $1, R4\nBNE %s", next)
	g.End()
}

// neonSum adds up in all lanes of V0 what add adds to t0 for the elements t8.
func neonSum(g *neon.Gen, add func(i int)) {
	g.Zero(0, 8)
	g.P("MOVD R2, R9\nMOVD R5, R8")
	g.Elements("R8", 8, func(vectors int) {
		g.Together(vectors, 1, func(i int) {
			g.Load("R9", 8)
			add(i)
		})
	})
	g.Reduce("fadd", "faddp", 0, 8)
}

// neonScale broadcasts 1/sqrt(V0/d+eps) to V19.
func neonScale(g *neon.Gen) {
	g.P(`FDIVS F18, F0, F0
		FADDS F17, F0, F0
		FSQRTS F0, F0
		FMOVS $1.0, F19
		FDIVS F0, F19, F19
		dup v19.4s, v19.s[0]`)
}

// neonAffine writes the row: normalize turns an element t0 into its normalised
// value, which is multiplied by the vector at parameters[0] and added to that
// at parameters[1], unless these are nil. There is a loop for each case.
func neonAffine(g *neon.Gen, parameters []string, normalize string) {
	done := g.NewLabel("affine")
	for has := 1<<len(parameters) - 1; has >= 0; has-- {
		next := g.NewLabel("without")
		for i, p := range parameters {
			if has>>i&1 == 1 {
				g.P("CBZ %s, %s", p, next)
			}
		}
		g.P("MOVD R0, R10\nMOVD R2, R9\nMOVD R5, R8\nMOVD R6, R11\nMOVD R7, R12")
		g.Elements("R8", 4, func(vectors int) {
			g.Together(vectors, 4, func(int) {
				g.Load("R9", 0)
				g.P("%s", normalize)
				result := 0
				switch has {
				case 1:
					g.Load("R11", 1)
					g.P("fmul t0.4s, t0.4s, t1.4s")
				case 2:
					g.Load("R12", 2)
					g.P("fadd t0.4s, t0.4s, t2.4s")
				case 3:
					g.Load("R11", 1)
					g.Load("R12", 2)
					g.P("fmla t2.4s, t0.4s, t1.4s")
					result = 2
				}
				g.Store(result, "R10")
			})
		})
		g.P("B %s", done)
		g.Label(next)
	}
	g.Label(done)
}
