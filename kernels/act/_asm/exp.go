package main

import (
	"fmt"
	"math"

	"mom/kernels/internal/lanes"
)

// Polynomials for 2^f with the smallest greatest relative error among those
// that are 1 at 0. At AVX-512 f is in [0, 1): 8.3e-8. At AVX2 it is in
// [-1/2, 1/2]: 9.3e-8.
var (
	exp2Wide   = []float64{1, 0.6931512951850891, 0.24016444385051727, 0.05579991266131401, 0.009017030708491802, 0.0018671300495043397}
	exp2Narrow = []float64{1, 0.6931470036506653, 0.24022240936756134, 0.0555073507130146, 0.009671619161963463, 0.0013264587614685297}
)

// defineExp2 is called by the first of the functions that divide by 1+2^a.
func defineExp2(g *lanes.Gen) {
	if g.Wide() {
		floats(g, "exp", exp2Wide)
		return
	}
	floats(g, "exp", exp2Narrow)
	g.Float("expMax", 128)
	g.Float("expMin", -126)
}

func exp2Constants(g *lanes.Gen, first ...string) []string {
	if !g.Wide() {
		first = append(first, "expMin", "expMax", "exp0")
	}
	return append(first, numbered("exp", len(exp2Wide))...)
}

// divide computes v0 / (1 + 2^v1) in v0.
func divide(g *lanes.Gen) {
	if g.Wide() {
		// Reduction takes infinities to 0; scaling rounds its exponent down.
		g.P("VREDUCEPS $1, v1, v2")
		horner(g, 3, 2, numbered("exp", len(exp2Wide))...)
		g.P("VSCALEFPS v1, v3, v3")
	} else {
		// 2^128 becomes an infinity when 128 is added to the exponent of 1.
		g.P(`VMINPS {expMax}, v1, v1
			VMAXPS {expMin}, v1, v1
			VROUNDPS $8, v1, v2
			VSUBPS v2, v1, v1
			VCVTPS2DQ v2, v2
			VPSLLD $23, v2, v2`)
		horner(g, 3, 1, numbered("exp", len(exp2Narrow))...)
		g.P("VPADDD v2, v3, v3")
	}
	g.P("VADDPS {exp0}, v3, v3\nVDIVPS v3, v0, v0")
}

var silu = function{
	name:      "silu",
	define:    func(g *lanes.Gen) { g.Float("siluScale", -math.Log2E) },
	constants: func(g *lanes.Gen) []string { return exp2Constants(g, "siluScale") },
	value: func(g *lanes.Gen) {
		g.P("VMULPS {siluScale}, v0, v1")
		divide(g)
	},
}

// (1+tanh(y))/2 is 1/(1+exp(-2y)).
var geluTanh = function{
	name: "geluTanh",
	define: func(g *lanes.Gen) {
		defineExp2(g)
		scale := -2 * math.Log2E * math.Sqrt(2/math.Pi)
		g.Float("geluTanh1", scale)
		g.Float("geluTanh3", scale*0.044715)
	},
	constants: func(g *lanes.Gen) []string { return exp2Constants(g, "geluTanh3", "geluTanh1") },
	value: func(g *lanes.Gen) {
		g.P(`VMULPS v0, v0, v1
			VFMADD213PS {geluTanh1}, {geluTanh3}, v1
			VMULPS v0, v1, v1`)
		divide(g)
	},
}

func bits(x float64) uint32 { return math.Float32bits(float32(x)) }

// floats defines constants name0, name1, ...
func floats(g *lanes.Gen, name string, values []float64) {
	for i, c := range values {
		g.Float(fmt.Sprintf("%s%d", name, i), c)
	}
}

func numbered(name string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", name, i)
	}
	return names
}
