package main

import (
	"fmt"

	"mom/kernels/internal/lanes"
)

// At AVX-512, with t = |x| and E(t) = erf(t/√2)/2, GELU is x/2 + t*E(t), and E is
// a polynomial of degree 4 in each of 16 pieces, found by permutations of
// registers. Piece i is around i*geluStep; u = t/geluStep - i is its variable. The
// polynomials have the smallest greatest error, 8.2e-8; the first is odd but for
// rounding and has the smallest relative error; the last piece is 1/2.
const geluStep = 0.36

var geluPieces = [5][16]float64{
	{0, 0.14057642221450806, 0.26423749327659607, 0.3599289059638977, 0.4250662922859192, 0.4640696942806244, 0.48461365699768066, 0.49413225054740906, 0.49801161885261536, 0.49940234422683716, 0.4998408854007721, 0.49996253848075867, 0.4999921917915344, 0.4999985694885254, 0.4999997615814209, 0.5},
	{0.14361919462680817, 0.1346070021390915, 0.11082641035318375, 0.08015583455562592, 0.05092629790306091, 0.028422517701983452, 0.01393459178507328, 0.0060011520981788635, 0.0022702855058014393, 0.0007544459658674896, 0.00022022843768354505, 5.646917998092249e-05, 1.2718534890154842e-05, 2.516194626878132e-06, 4.372463422441797e-07, 0},
	{1.895935611173627e-06, -0.008722305297851562, -0.014362797141075134, -0.01558201014995575, -0.01319995615631342, -0.009208896197378635, -0.005417847540229559, -0.0027222135104238987, -0.001176984398625791, -0.0004400323086883873, -0.00014272646512836218, -4.025841917609796e-05, -9.892298294289503e-06, -2.1203049982432276e-06, -3.9682828401055303e-07, 0},
	{-0.003120969282463193, -0.0025175791233778, -0.0011521336855366826, 0.0002789055579341948, 0.0011695418506860733, 0.001367794582620263, 0.0011013110633939505, 0.0006949079688638449, 0.00035990457399748266, 0.0001564504491398111, 5.7807152188615873e-05, 1.8299524526810274e-05, 4.989576154912356e-06, 1.1762260783143574e-06, 2.403967016562092e-07, 0},
	{6.006230978528038e-05, 0.0002679731114767492, 0.00038210515049286187, 0.00030708141275681555, 0.00013244726869743317, -2.257871710753534e-05, -9.636646427679807e-05, -9.80446275207214e-05, -6.73180547892116e-05, -3.581347846193239e-05, -1.5510009689023718e-05, -5.600914391834522e-06, -1.7098781199820223e-06, -4.451700874597009e-07, -9.943486389829559e-08, 0},
}

// At AVX2, with c = x clamped to ±geluClamp, GELU is x*(1/2 + c*P(c²)/Q(c²)). The
// error of erf/2 is at most 7.7e-8; at the clamp the quotient rounds to 1/2.
const geluClamp = 5.28424

var (
	geluP = []float64{0.3989417850971222, 0.05242092162370682, 0.005724808666855097, 0.0003456404956523329, 6.333865258056903e-06}
	geluQ = []float64{1, 0.29805871844291687, 0.039040420204401016, 0.0028862711042165756, 0.00012403189612086862, 5.348439913177572e-07}
)

var gelu = function{
	name: "gelu",
	define: func(g *lanes.Gen) {
		g.Float("half", 0.5)
		if !g.Wide() {
			g.Float("geluMax", geluClamp)
			g.Float("geluMin", -geluClamp)
			floats(g, "geluP", geluP)
			floats(g, "geluQ", geluQ)
			return
		}
		g.Bits("abs", 0x7FFFFFFF)
		g.Float("geluMax", 15.4*geluStep)
		g.Float("geluScale", 1/geluStep)
		g.Float("magic", 0x1.8p23) // a float32 plus it has its integer in the low bits
		for i, c := range geluPieces {
			g.Lanes(fmt.Sprintf("gelu%d", i), func(lane int) uint32 { return bits(c[lane]) })
		}
	},
	constants: func(g *lanes.Gen) []string {
		if g.Wide() {
			return []string{"gelu0", "gelu1", "gelu2", "gelu3", "gelu4", "abs", "geluMax", "geluScale", "magic", "half"}
		}
		return []string{"geluMax", "geluMin", "half", "geluP0", "geluQ0", "geluQ1"}
	},
	value: func(g *lanes.Gen) {
		if !g.Wide() {
			rational(g, "gelu", len(geluP), len(geluQ))
			g.P("VADDPS {half}, v1, v1\nVMULPS v1, v0, v0")
			return
		}
		g.P(`VPANDD {abs}, v0, v1
			VMINPS {geluMax}, v1, v2
			VMOVAPS v2, v3
			VFMADD213PS {magic}, {geluScale}, v3
			VSUBPS {magic}, v3, v4
			VFMSUB132PS {geluScale}, v4, v2
			VPERMPS {gelu4}, v3, v5`)
		for i := 3; i >= 0; i-- {
			g.P("VPERMPS {gelu%d}, v3, v6\nVFMADD213PS v6, v2, v5", i)
		}
		g.P("VMULPS {half}, v0, v0\nVFMADD231PS v5, v1, v0")
	},
}

// tanh is c*P(c²)/Q(c²) with c = x clamped to ±tanhClamp, clamped to ±1. Its
// error is at most 4.8e-8 before rounding.
const tanhClamp = 8.977433

var (
	tanhP = []float64{0.9999999403953552, 0.12931638956069946, 0.0029341266490519047, 9.389927981828805e-06, -1.314984654499085e-08, 1.920624076445776e-11}
	tanhQ = []float64{1, 0.46264931559562683, 0.023817818611860275, 0.00022995109611656517}
)

var tanh = function{
	name: "tanh",
	define: func(g *lanes.Gen) {
		g.Float("tanhMax", tanhClamp)
		g.Float("tanhMin", -tanhClamp)
		g.Float("minusOne", -1)
		floats(g, "tanhP", tanhP)
		floats(g, "tanhQ", tanhQ)
	},
	constants: func(*lanes.Gen) []string {
		return []string{"tanhMax", "tanhMin", "tanhQ0", "minusOne", "tanhP0", "tanhP1", "tanhP2", "tanhP3", "tanhP4", "tanhP5", "tanhQ1", "tanhQ2", "tanhQ3"}
	},
	value: func(g *lanes.Gen) {
		rational(g, "tanh", len(tanhP), len(tanhQ))
		// In this order a NaN is the result.
		g.P("VMINPS v1, {tanhQ0}, v0\nVMAXPS v0, {minusOne}, v0")
	},
}

// rational computes c*P(c²)/Q(c²) in v1, where c is v0 clamped.
func rational(g *lanes.Gen, name string, p, q int) {
	g.P("VMINPS v0, {%[1]sMax}, v1\nVMAXPS v1, {%[1]sMin}, v1\nVMULPS v1, v1, v2", name)
	horner(g, 3, 2, numbered(name+"P", p)...)
	horner(g, 4, 2, numbered(name+"Q", q)...)
	g.P("VMULPS v3, v1, v1\nVDIVPS v4, v1, v1")
}
