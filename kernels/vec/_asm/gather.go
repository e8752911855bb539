package main

import (
	"fmt"

	"mom/kernels/internal/lanes"
)

// A format is how a table stores its elements.
type format struct {
	name  string
	size  int                                    // of an element in bytes
	widen func(g *lanes.Gen, i int, masked bool) // reads vector i into v0
	one   func(g *lanes.Gen)                     // AVX2: reads one element into lane 0 of v0
	scale bool
}

func gathers(g *lanes.Gen) {
	for _, f := range []format{
		{name: "gatherF32", size: 4, widen: func(g *lanes.Gen, i int, masked bool) { g.Load(g.At("SI", 4, i), 0, masked) }},
		{name: "gatherBF16", size: 2, widen: widenBF16, one: func(g *lanes.Gen) {
			g.P("MOVWLZX (SI)(AX*2), BX\nSHLL $16, BX\nVMOVD BX, X0")
		}},
		{name: "gatherF16", size: 2, widen: extend("VCVTPH2PS", 2), one: func(g *lanes.Gen) {
			g.P("MOVWLZX (SI)(AX*2), BX\nVMOVD BX, X0\nVCVTPH2PS X0, X0")
		}},
		{name: "gatherI8", size: 1, widen: widenI8, scale: true, one: func(g *lanes.Gen) {
			g.P("MOVBLSX (SI)(AX*1), BX\nVMOVD BX, X0\nVCVTDQ2PS X0, X0\nVMULSS X5, X0, X0")
		}},
	} {
		gather(g, f)
	}
}

func extend(op string, size int) func(g *lanes.Gen, i int, masked bool) {
	return func(g *lanes.Gen, i int, masked bool) {
		if masked {
			g.P("%s.Z %s, K1, v0", op, g.At("SI", size, i))
		} else {
			g.P("%s %s, v0", op, g.At("SI", size, i))
		}
	}
}

func widenBF16(g *lanes.Gen, i int, masked bool) {
	extend("VPMOVZXWD", 2)(g, i, masked)
	g.P("VPSLLD $16, v0, v0")
}

func widenI8(g *lanes.Gen, i int, masked bool) {
	extend("VPMOVSXBD", 1)(g, i, masked)
	g.P("VCVTDQ2PS v0, v0\nVMULPS v5, v0, v0")
}

// gather prints the function of one format. R12 is the row at hand, R13 the
// next one, which is prefetched meanwhile.
func gather(g *lanes.Gen, f format) {
	scale := ""
	arguments := 56
	if f.scale {
		scale, arguments = ", scale *float32", 64
	}
	g.Begin(f.name, fmt.Sprintf("(dst *float32, ldd int, table *%s, d int, ids *int32, n, add int%s)", element[f.size], scale), arguments)
	g.P(`MOVQ dst+0(FP), DI
		MOVQ ldd+8(FP), R8
		MOVQ table+16(FP), R9
		MOVQ d+24(FP), CX
		MOVQ ids+32(FP), DX
		MOVQ n+40(FP), R11
		MOVQ add+48(FP), R10
		SHLQ $2, R8
		MOVLQSX (DX), R12`)
	row, last, adding, next := g.NewLabel("row"), g.NewLabel("last"), g.NewLabel("adding"), g.NewLabel("next")
	g.Label(row)
	if f.scale {
		g.P("MOVQ scale+56(FP), BX\nVMOVSS (BX)(R12*4), X5\nVBROADCASTSS X5, v5")
	}
	g.P("IMULQ CX, R12\nLEAQ (R9)(R12*%d), SI\nMOVQ SI, R13\nMOVQ $0, R12\nCMPQ R11, $1\nJEQ %s", f.size, last)
	g.P("MOVLQSX 4(DX), R12\nMOVQ R12, R13\nIMULQ CX, R13\nLEAQ (R9)(R13*%d), R13", f.size)
	g.Label(last)
	g.P("TESTQ R10, R10\nJNZ %s", adding)
	elements(g, f, false)
	g.P("JMP %s", next)
	g.Label(adding)
	elements(g, f, true)
	g.Label(next)
	g.P("ADDQ $4, DX\nADDQ R8, DI\nDECQ R11\nJNZ %s", row)
	g.End()
}

var element = map[int]string{1: "int8", 2: "uint16", 4: "float32"}

func elements(g *lanes.Gen, f format, add bool) {
	body := func(vectors int, masked bool) {
		for i := range vectors {
			if i*g.W*f.size%64 == 0 && !masked {
				g.P("PREFETCHT0 %d(R13)(AX*%d)", i*g.W*f.size, f.size)
			}
			f.widen(g, i, masked)
			if add {
				g.Load(g.At("DI", 4, i), 1, masked)
				g.P("VADDPS v1, v0, v0")
			}
			g.Store(0, g.At("DI", 4, i), masked)
		}
	}
	if g.Wide() || f.one == nil {
		g.Elements("CX", 4, body)
		return
	}
	g.P("XORL AX, AX")
	for _, u := range []int{4, 1} {
		g.Vectors("CX", u, func() { body(u, false) })
	}
	g.OneByOne("CX", func() {
		f.one(g)
		if add {
			g.P("VADDSS (DI)(AX*4), X0, X0")
		}
		g.P("VMOVSS X0, (DI)(AX*4)")
	})
}
