package main

import "mom/kernels/internal/neon"

func arm64() {
	neon.Write("peak", func(g *neon.Gen) {
		neonLoop(g, "fmaNEON", func(i int) { g.P("fmla v%d.4s, v30.4s, v31.s[0]", i) })
		neonLoop(g, "bfmmlaI8MM", func(i int) { g.P("bfmmla v%d.4s, v30.8h, v31.8h", i) })
		neonLoop(g, "usmmlaI8MM", func(i int) { g.P("usmmla v%d.4s, v30.16b, v31.16b", i) })
		neonLoop(g, "sdotDotProd", func(i int) { g.P("sdot v%d.4s, v30.16b, v31.4b[0]", i) })
		// Products of bytes in 16 bits, two at a time, then their sums.
		neonLoop(g, "smlalNEON", func(i int) {
			product := 8 + i/3
			switch i % 3 {
			case 0:
				g.P("smull v%d.8h, v30.8b, v31.8b", product)
			case 1:
				g.P("smlal2 v%d.8h, v30.16b, v31.16b", product)
			case 2:
				g.P("sadalp v%d.4s, v%d.8h", i/3, product)
			}
		})
		neonRead(g)
	})
}

// neonLoop prints a function that runs 24 instructions n times.
func neonLoop(g *neon.Gen, name string, instruction func(i int)) {
	g.Begin(name, "(n int)", "n")
	g.Zero(0, 32)
	again := g.NewLabel(name)
	g.Raw("PCALIGN $32\n")
	g.Label(again)
	for i := range 24 {
		instruction(i)
	}
	g.P("SUBS $1, R0\nBNE %s", again)
	g.End()
}

// neonRead prints a function that loads n bytes, a multiple of 128.
func neonRead(g *neon.Gen) {
	g.Begin("readNEON", "(p unsafe.Pointer, n int)", "p", "n")
	again := g.NewLabel("read")
	g.Label(again)
	for i := range 4 {
		g.P("FLDPQ %d(R0), (F%d, F%d)", 32*i, 2*i, 2*i+1)
	}
	g.P("ADD $128, R0\nSUBS $128, R1\nBGT %s", again)
	g.End()
}
