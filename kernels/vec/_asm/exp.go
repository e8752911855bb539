package main

import (
	"fmt"
	"math"

	"mom/kernels/internal/lanes"
)

// The polynomial for exp(r), |r| <= ln(2)/2, that is 1 at 0 and has the smallest
// greatest relative error, 2e-9. The comment of Exp repeats it.
var polynomial = []float64{1, 1, 0.4999999403953552, 0.16666430234909058, 0.041668009012937546, 0.008374235592782497, 0.0013843559427186847}

func defineExp(g *lanes.Gen) {
	g.Float("expMin", -87)
	g.Float("log2e", math.Log2E)
	g.Float("ln2High", math.Ln2)
	g.Float("ln2Low", math.Ln2-float64(float32(math.Ln2)))
	for i, c := range polynomial {
		if i > 0 {
			g.Float(fmt.Sprintf("exp%d", i), c)
		}
	}
	if g.Wide() {
		g.Float("expMax", 89)
		return
	}
	g.Float("expMax", 88.72)
	g.Bits("inf", 0x7F800000)
}

// pinExp keeps constants in registers, the last ones first used.
func pinExp(g *lanes.Gen) {
	if g.Wide() {
		g.Pin(16, "expMin", "log2e", "ln2High", "ln2Low", "exp1", "exp2", "exp3", "exp4", "exp5", "exp6", "expMax")
		return
	}
	g.Pin(8, "expMax", "log2e", "ln2High", "ln2Low", "exp1", "exp6")
}

// power replaces v0 by its exponential. v1 to v4 are lost. Without overflow, v0
// must be at most 0.
func power(g *lanes.Gen, overflow bool) {
	r := 0
	if overflow {
		r = 1
		g.P("VMINPS v0, {expMax}, v1") // a NaN in v0 is the result
	}
	g.P("VMULPS {log2e}, v%d, v2", r)
	if g.Wide() {
		// Not less than the least argument: numbers above it and NaN.
		g.P("VRNDSCALEPS $8, v2, v2\nVCMPPS $5, {expMin}, v0, K2")
	} else {
		g.P("VROUNDPS $8, v2, v2\nVCMPPS $5, {expMin}, v0, v4")
		if overflow {
			g.P("VCMPPS $14, {expMax}, v0, v5") // greater
		}
	}
	g.P("VFNMADD231PS {ln2High}, v2, v%[1]d\nVFNMADD231PS {ln2Low}, v2, v%[1]d\nVMOVAPS {exp6}, v3", r)
	for i := len(polynomial) - 2; i >= 1; i-- {
		g.P("VFMADD213PS {exp%d}, v%d, v3", i, r)
	}
	g.P("VFMADD213PS {exp1}, v%d, v3", r) // exp0 is exp1
	if g.Wide() {
		g.P("VSCALEFPS.Z v2, v3, K2, v0")
		return
	}
	g.P("VCVTPS2DQ v2, v2\nVPSLLD $23, v2, v2\nVPADDD v2, v3, v0\nVANDPS v4, v0, v0")
	if overflow {
		g.P("VMOVUPS {inf}, v3\nVBLENDVPS v5, v3, v0, v0")
	}
}

func exp(g *lanes.Gen) {
	g.Begin("exp", "(dst, x *float32, n int)", 24)
	g.P("MOVQ dst+0(FP), DI\nMOVQ x+8(FP), SI\nMOVQ n+16(FP), CX")
	pinExp(g)
	g.Elements("CX", 1, func(vectors int, masked bool) {
		g.Load(g.At("SI", 4, 0), 0, masked)
		power(g, true)
		g.Store(0, g.At("DI", 4, 0), masked)
	})
	g.End()
}

func expSum(g *lanes.Gen) {
	g.Begin("expSum", "(dst, x *float32, n int, shift float32) float32", 36)
	g.P(`MOVQ dst+0(FP), DI
		MOVQ x+8(FP), SI
		MOVQ n+16(FP), CX
		VMOVSS shift+24(FP), X6
		VBROADCASTSS X6, v6
		VXORPS X7, X7, X7`)
	pinExp(g)
	g.Elements("CX", 1, func(vectors int, masked bool) {
		g.Load(g.At("SI", 4, 0), 0, masked)
		g.P("VSUBPS v6, v0, v0")
		power(g, false)
		g.Store(0, g.At("DI", 4, 0), masked)
		switch {
		case !masked:
			g.P("VADDPS v0, v7, v7")
		case g.Wide():
			g.P("VADDPS v0, v7, K1, v7")
		default:
			g.P("VANDPS v15, v0, v0\nVADDPS v0, v7, v7")
		}
	})
	g.Fold("VADDPS", 7, 0)
	g.P("VMOVSS X7, ret+32(FP)")
	g.End()
}
