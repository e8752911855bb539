// Command _asm writes the assembly of package attn.
//
// Vocabulary, shared with attn_amd64.go: a group is the queries that are
// scored together, one in each lane of one or two vectors. Scores are held
// transposed, [key][query of the group], so that the softmax needs no sum
// across lanes and K is read row by row as it is.
package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

func main() {
	wide := asmgen.New("kernels/attn/_asm", "!purego")
	constants(wide)
	for _, g := range []*gen{
		{File: wide, name: "BF16", bf16: true, reg: "Z", bytes: 64},
		{File: wide, name: "AVX512", reg: "Z", bytes: 64},
	} {
		g.pack()
		g.scores()
		g.fold()
		g.softmax()
		g.values()
	}
	wide.Write("attn_avx512_amd64.s")
	narrow := asmgen.New("kernels/attn/_asm", "!purego")
	g := &gen{File: narrow, name: "AVX2", reg: "Y", bytes: 32}
	constants(narrow)
	g.packNarrow()
	g.scores()
	g.fold()
	g.softmax()
	g.values()
	narrow.Write("attn_avx2_amd64.s")
	arm64()
	paged()
	tiles()
}

// A gen prints the functions of one level.
type gen struct {
	*asmgen.File
	name  string    // suffix of the functions
	bf16  bool      // products of bf16 pairs, else of float32
	reg   string    // register name: Y or Z
	bytes int       // of a register
	lines *[]string // where L puts instructions instead, if not nil
}

// L prints one instruction.
func (g *gen) L(format string, args ...any) {
	if g.lines != nil {
		*g.lines = append(*g.lines, fmt.Sprintf(format, args...))
		return
	}
	g.File.L(format, args...)
}

// interleave prints the instructions of a with those of b spread among them.
func (g *gen) interleave(a, b func()) {
	var as, bs []string
	g.lines = &as
	a()
	g.lines = &bs
	b()
	g.lines = nil
	done := 0
	for i, line := range as {
		g.L("%s", line)
		for ; done*len(as) < (i+1)*len(bs); done++ {
			g.L("%s", bs[done])
		}
	}
}

func (g *gen) wide() bool { return g.bytes == 64 }

// r names vector register i.
func (g *gen) r(i int) string { return fmt.Sprintf("%s%d", g.reg, i) }

// step is how many rows of B, keys or dimensions, one step of a product takes.
func (g *gen) step() int {
	if g.bf16 {
		return 2
	}
	return 1
}

func (g *gen) load(from string, to int) { g.L("VMOVUPS %s, %s", from, g.r(to)) }

func (g *gen) store(from int, to string) { g.L("VMOVUPS %s, %s", g.r(from), to) }

// broadcast fills register to with the 32 bits at from. The integer form runs
// twice as often on Zen 4.
func (g *gen) broadcast(from string, to int) {
	if g.wide() {
		g.L("VPBROADCASTD %s, %s", from, g.r(to))
	} else {
		g.L("VBROADCASTSS %s, %s", from, g.r(to))
	}
}

func (g *gen) zero(i int) {
	if g.wide() {
		g.L("VPXORD %[1]s, %[1]s, %[1]s", g.r(i))
	} else {
		g.L("VXORPS %[1]s, %[1]s, %[1]s", g.r(i))
	}
}

// multiply is acc += a*b.
func (g *gen) multiply(a, b, acc int) {
	if g.bf16 {
		g.L("%s", asmgen.VDPBF16PS(acc, a, b))
	} else {
		g.L("VFMADD231PS %s, %s, %s", g.r(b), g.r(a), g.r(acc))
	}
}

func (g *gen) end() {
	g.L("VZEROUPPER")
	g.L("RET")
}
