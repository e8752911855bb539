package main

import (
	"strings"

	"mom/kernels/internal/neon"
)

// arm64 prints functions with dst in R0, x in R1 and the count in R2: eight
// elements at a time, then one by one by way of R3.
func arm64() {
	neon.Write("half", func(g *neon.Gen) {
		g.Bits("one", 1)
		g.Bits("round", 0x7FFF)
		g.Bits("quiet", 0x400000)
		to := func(name string, prepare func(), eight, one string) {
			g.Begin(name, "(dst *uint16, x *float32, n int)", "dst", "x", "n")
			prepare()
			neonElements(g, func() {
				g.P("FLDPQ.P 32(R1), (F0, F1)\n%s\nFMOVQ.P F0, 16(R0)", eight)
			}, func() {
				g.P("FMOVS.P 4(R1), F0\n%s\nFMOVS F0, R3\nMOVH.P R3, 2(R0)", one)
			})
		}
		from := func(name, eight, one string) {
			g.Begin(name, "(dst *float32, x *uint16, n int)", "dst", "x", "n")
			neonElements(g, func() {
				g.P("FMOVQ.P 16(R1), F0\n%s\nFSTPQ.P (F1, F2), 32(R0)", eight)
			}, func() {
				g.P("MOVHU.P 2(R1), R3\nFMOVS R3, F0\n%s\nFMOVS.P F1, 4(R0)", one)
			})
		}
		constants := func() { g.Constants(16, "one", "round", "quiet") }
		to("toBF16NEON", constants, neonRoundBF16(0)+neonRoundBF16(1)+"uzp2 v0.8h, v0.8h, v1.8h",
			neonRoundBF16(0)+"ushr v0.4s, v0.4s, #16")
		none := func() {}
		to("toBF16I8MM", none, "bfcvtn v0.4h, v0.4s\nbfcvtn2 v0.8h, v1.4s", "bfcvtn v0.4h, v0.4s")
		to("toF16NEON", none, "fcvtn v0.4h, v0.4s\nfcvtn2 v0.8h, v1.4s", "fcvtn v0.4h, v0.4s")
		from("fromBF16NEON", "shll v1.4s, v0.4h, #16\nshll2 v2.4s, v0.8h, #16", "shll v1.4s, v0.4h, #16")
		from("fromF16NEON", "fcvtl v1.4s, v0.4h\nfcvtl2 v2.4s, v0.8h", "fcvtl v1.4s, v0.4h")
	})
}

func neonElements(g *neon.Gen, eight, one func()) {
	loop, rest, single, done := g.NewLabel("loop"), g.NewLabel("rest"), g.NewLabel("single"), g.NewLabel("done")
	g.P("SUBS $8, R2\nBLT %s", rest)
	g.Label(loop)
	eight()
	g.P("SUBS $8, R2\nBGE %s", loop)
	g.Label(rest)
	g.P("ADDS $8, R2\nBEQ %s", done)
	g.Label(single)
	one()
	g.P("SUBS $1, R2\nBNE %s", single)
	g.Label(done)
	g.End()
}

// neonRoundBF16 rounds register r so that its upper halves are bfloat16: it adds half
// a unit, less if the unit is even, or makes a NaN quiet.
func neonRoundBF16(r int) string {
	return strings.NewReplacer("R", string(rune('0'+r)), "T", string(rune('2'+r)), "M", string(rune('4'+r))).Replace(
		`ushr vT.4s, vR.4s, #16
		fcmeq vM.4s, vR.4s, vR.4s
		and vT.16b, vT.16b, {one}.16b
		add vT.4s, vT.4s, {round}.4s
		add vT.4s, vT.4s, vR.4s
		orr vR.16b, vR.16b, {quiet}.16b
		bit vR.16b, vT.16b, vM.16b
		`)
}
