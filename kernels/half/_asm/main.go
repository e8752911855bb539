// Command _asm writes the assembly of package half.
package main

import "mom/kernels/internal/lanes"

func main() {
	lanes.Both("half", func(g *lanes.Gen) {
		g.Bits("one", 1)
		g.Bits("half", 0x7FFF)
		g.Bits("quiet", 0x40)
		toBF16(g)
		fromBF16(g)
		toF16(g)
		fromF16(g)
	})
	arm64()
}

// begin starts a function of n elements.
func begin(g *lanes.Gen, name, signature string) {
	g.Begin(name, signature, 24)
	g.P("MOVQ dst+0(FP), DI\nMOVQ x+8(FP), SI\nMOVQ n+16(FP), CX")
}

// elements loops: AVX2 takes the elements of the tail one by one, in lane 0.
func elements(g *lanes.Gen, vector func(i int, masked bool), one func()) {
	if g.Wide() {
		g.Elements("CX", 4, func(vectors int, masked bool) {
			for i := range vectors {
				vector(i, masked)
			}
		})
	} else {
		g.P("XORL AX, AX")
		for _, u := range []int{4, 1} {
			g.Vectors("CX", u, func() {
				for i := range u {
					vector(i, false)
				}
			})
		}
		g.OneByOne("CX", one)
	}
	g.End()
}

func toBF16(g *lanes.Gen) {
	begin(g, "toBF16", "(dst *uint16, x *float32, n int)")
	g.Pin(8, "one", "half", "quiet")
	elements(g, func(i int, masked bool) {
		g.Load(g.At("SI", 4, i), 0, masked)
		roundBF16(g)
		switch {
		case !g.Wide():
			g.P("VEXTRACTI128 $1, Y1, X2\nVPACKUSDW X2, X1, X1\nVMOVDQU X1, %s", g.At("DI", 2, i))
		case masked:
			g.P("VPMOVDW Z1, K1, %s", g.At("DI", 2, i))
		default:
			g.P("VPMOVDW Z1, %s", g.At("DI", 2, i))
		}
	}, func() {
		g.P("VMOVSS (SI)(AX*4), X0")
		roundBF16(g)
		g.P("VPEXTRW $0, X1, (DI)(AX*2)")
	})
}

// roundBF16 leaves bfloat16s of v0 in the low halves of v1.
func roundBF16(g *lanes.Gen) {
	if g.Wide() {
		g.P(`VPSRLD $16, v0, v1
			VPANDD {one}, v1, v1
			VPADDD {half}, v0, v2
			VPADDD v2, v1, v1
			VPSRLD $16, v1, v1
			VCMPPS $3, v0, v0, K2
			VPSRLD $16, v0, K2, v1
			VPORD {quiet}, v1, K2, v1`)
		return
	}
	g.P(`VPSRLD $16, v0, v3
		VPAND {one}, v3, v1
		VPADDD {half}, v0, v2
		VPADDD v2, v1, v1
		VPSRLD $16, v1, v1
		VPOR {quiet}, v3, v3
		VCMPPS $3, v0, v0, v2
		VPBLENDVB v2, v3, v1, v1`)
}

func fromBF16(g *lanes.Gen) {
	begin(g, "fromBF16", "(dst *float32, x *uint16, n int)")
	elements(g, func(i int, masked bool) {
		if masked {
			g.P("VPMOVZXWD.Z %s, K1, v0", g.At("SI", 2, i))
		} else {
			g.P("VPMOVZXWD %s, v0", g.At("SI", 2, i))
		}
		g.P("VPSLLD $16, v0, v0")
		g.Store(0, g.At("DI", 4, i), masked)
	}, func() {
		g.P("MOVWLZX (SI)(AX*2), BX\nSHLL $16, BX\nMOVL BX, (DI)(AX*4)")
	})
}

func toF16(g *lanes.Gen) {
	begin(g, "toF16", "(dst *uint16, x *float32, n int)")
	elements(g, func(i int, masked bool) {
		g.Load(g.At("SI", 4, i), 0, masked)
		if masked {
			g.P("VCVTPS2PH $0, v0, K1, %s", g.At("DI", 2, i))
		} else {
			g.P("VCVTPS2PH $0, v0, %s", g.At("DI", 2, i))
		}
	}, func() {
		g.P("VMOVSS (SI)(AX*4), X0\nVCVTPS2PH $0, X0, X0\nVPEXTRW $0, X0, (DI)(AX*2)")
	})
}

func fromF16(g *lanes.Gen) {
	begin(g, "fromF16", "(dst *float32, x *uint16, n int)")
	elements(g, func(i int, masked bool) {
		if masked {
			g.P("VCVTPH2PS.Z %s, K1, v0", g.At("SI", 2, i))
		} else {
			g.P("VCVTPH2PS %s, v0", g.At("SI", 2, i))
		}
		g.Store(0, g.At("DI", 4, i), masked)
	}, func() {
		g.P("MOVWLZX (SI)(AX*2), BX\nVMOVD BX, X0\nVCVTPH2PS X0, X0\nVMOVSS X0, (DI)(AX*4)")
	})
}
