// Package neon prints the parts that the arm64 kernels on rows of numbers share:
// constants, loops with a tail, sums across a vector. It is used by generators
// only.
//
// A line of code is in Go's syntax if it begins with a capital, else an
// instruction for asmgen.A64. It may say
//
//	t3      vector register 3 of the set at hand (see Together)
//	{name}  the vector register in which a constant was pinned
//
// R25 points to the constants of a file.
package neon

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"

	"mom/kernels/internal/asmgen"
)

// A Gen prints the functions of one file.
type Gen struct {
	*asmgen.File

	constants []constant
	pinned    map[string]int
	set       int            // first register of the set at hand
	collect   *[]string      // where P puts its lines in Together; nil: in the file
	single    bool           // Load and Store take one element
	pointers  []string       // those that the loop at hand moves,
	offsets   map[string]int // and how far
}

type constant struct {
	name  string
	lanes [4]uint32
}

// Write calls print and writes the file <name>_arm64.s of package name.
func Write(name string, print func(g *Gen)) { WriteFile(name, name, print) }

// WriteFile calls print and writes the file <file>_arm64.s of a package.
func WriteFile(name, file string, print func(g *Gen)) {
	g := &Gen{File: asmgen.New("kernels/"+name+"/_asm", "!purego")}
	print(g)
	if len(g.constants) > 0 {
		g.Raw("\n")
	}
	for i, c := range g.constants {
		for half := range 2 {
			g.Raw("DATA ·constants<>+%d(SB)/8, $0x%08x%08x // %s\n", 16*i+8*half, c.lanes[2*half+1], c.lanes[2*half], c.name)
		}
	}
	if len(g.constants) > 0 {
		g.Raw("GLOBL ·constants<>(SB), RODATA|NOPTR, $%d\n", 16*len(g.constants))
	}
	g.File.Write(file + "_arm64.s")
}

// Float defines a constant with the same float32 in all lanes.
func (g *Gen) Float(name string, x float64) { g.Bits(name, math.Float32bits(float32(x))) }

// Floats defines constants name0, name1, ...
func (g *Gen) Floats(name string, values []float64) {
	for i, x := range values {
		g.Float(fmt.Sprintf("%s%d", name, i), x)
	}
}

// Bits defines a constant with the same 32 bits in all lanes.
func (g *Gen) Bits(name string, b uint32) { g.Lanes(name, [4]uint32{b, b, b, b}) }

// Lanes defines a constant by its lanes.
func (g *Gen) Lanes(name string, lanes [4]uint32) {
	if g.index(name) >= 0 {
		fail("constant %s is defined twice", name)
	}
	g.constants = append(g.constants, constant{name, lanes})
}

func (g *Gen) index(name string) int {
	return slices.IndexFunc(g.constants, func(c constant) bool { return c.name == name })
}

// Begin starts a function, with its arguments in R0, R1, ... in the order of
// their names. Each is of 8 bytes, except a float32 that is named with its
// register, as in "F17 eps". "result" stands for a result of 4 bytes, which begins
// at a multiple of 8.
func (g *Gen) Begin(name, signature string, args ...string) {
	var code []string
	at := 0
	for i, a := range args {
		if a == "result" {
			at = (at+7)&^7 + 4
			continue
		}
		if r, float, ok := strings.Cut(a, " "); ok {
			code = append(code, fmt.Sprintf("FMOVS %s+%d(FP), %s", float, at, r))
			at += 4
			continue
		}
		code = append(code, fmt.Sprintf("MOVD %s+%d(FP), R%d", a, at, i))
		at += 8
	}
	g.Func(name, signature, at)
	g.P("%s", strings.Join(code, "\n"))
	g.pinned = map[string]int{}
}

// Constants prepares the use of constants, of which some are kept in vector
// registers from first on.
func (g *Gen) Constants(first int, pinned ...string) {
	g.P("MOVD $·constants<>(SB), R25")
	for i, name := range pinned {
		g.P("FMOVQ %s, F%d", g.address(name), first+i)
		g.pinned[name] = first + i
	}
}

// Const loads a constant into register t of the set at hand. Loads run beside
// the vector units, so that a constant that is overwritten is best loaded.
func (g *Gen) Const(name string, t int) { g.P("FMOVQ %s, F%d", g.address(name), g.set+t) }

func (g *Gen) address(name string) string {
	i := g.index(name)
	if i < 0 {
		fail("constant %s is not defined", name)
	}
	return fmt.Sprintf("%d(R25)", 16*i)
}

var (
	setRegister  = regexp.MustCompile(`\bt(\d+)\b`)
	constantName = regexp.MustCompile(`\{(\w+)\}`)
)

// P prints lines of code.
func (g *Gen) P(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		line = constantName.ReplaceAllStringFunc(strings.TrimSpace(line), func(s string) string {
			r, ok := g.pinned[s[1:len(s)-1]]
			if !ok {
				fail("constant %s is not pinned", s)
			}
			return fmt.Sprintf("v%d", r)
		})
		line = setRegister.ReplaceAllStringFunc(line, func(s string) string {
			var n int
			fmt.Sscan(s[1:], &n)
			return fmt.Sprintf("v%d", g.set+n)
		})
		if line[0] >= 'a' && line[0] <= 'z' {
			line = asmgen.A64(line)
		}
		if g.collect != nil {
			*g.collect = append(*g.collect, line)
			continue
		}
		g.L("%s", line)
	}
}

// Together prints the code of n bodies, line by line in turns, so that their
// latencies overlap on cores that run in order. Body i has the registers from
// i*size on. A body has no labels and no branches.
func (g *Gen) Together(n, size int, body func(i int)) {
	var bodies [][]string
	for i := range n {
		var lines []string
		g.set, g.collect = i*size, &lines
		body(i)
		bodies = append(bodies, lines)
	}
	g.set, g.collect = 0, nil
	for at := range bodies[0] {
		for _, lines := range bodies {
			g.L("%s", lines[at])
		}
	}
}

// Load reads four floats, or in a tail one and zeros, into register t of the
// set at hand and advances the pointer.
func (g *Gen) Load(pointer string, t int) {
	op, at := g.next(pointer)
	g.P("%s %s, F%d", op, at, g.set+t)
}

// Store writes what Load reads.
func (g *Gen) Store(t int, pointer string) {
	op, at := g.next(pointer)
	g.P("%s F%d, %s", op, g.set+t, at)
}

// next returns the instruction and the operand that move the next floats. In a
// loop of Elements the pointers are advanced at its end, so that the addresses
// do not wait for each other.
func (g *Gen) next(pointer string) (op, at string) {
	if g.single {
		return "FMOVS.P", "4(" + pointer + ")"
	}
	if g.offsets == nil {
		return "FMOVQ.P", "16(" + pointer + ")"
	}
	offset, used := g.offsets[pointer]
	if !used {
		g.pointers = append(g.pointers, pointer)
	}
	g.offsets[pointer] = offset + 16
	return "FMOVQ", fmt.Sprintf("%d(%s)", offset, pointer)
}

// Tail reports whether Load takes one element.
func (g *Gen) Tail() bool { return g.single }

// Elements repeats body for the floats that count, a register, counts: for
// unroll vectors at a time, for one, and for single elements. count is lost.
func (g *Gen) Elements(count string, unroll int, body func(vectors int)) {
	steps := []int{unroll, 1}
	if unroll == 1 {
		steps = steps[1:]
	}
	for _, u := range steps {
		loop, next := g.NewLabel("loop"), g.NewLabel("next")
		g.P("CMP $%d, %s\nBLT %s", 4*u, count, next)
		g.Label(loop)
		g.pointers, g.offsets = nil, map[string]int{}
		body(u)
		for _, p := range g.pointers {
			g.P("ADD $%d, %s", g.offsets[p], p)
		}
		g.offsets = nil
		g.P("SUB $%d, %s\nCMP $%d, %s\nBGE %s", 4*u, count, 4*u, count, loop)
		g.Label(next)
	}
	g.Rest(count, func() { body(1) })
}

// Rest repeats body for single elements.
func (g *Gen) Rest(count string, body func()) {
	single, done := g.NewLabel("single"), g.NewLabel("done")
	g.P("CBZ %s, %s", count, done)
	g.Label(single)
	g.single = true
	body()
	g.single = false
	g.P("SUBS $1, %s\nBNE %s", count, single)
	g.Label(done)
}

// Horner evaluates names[0] + x*(names[1] + x*(...)) in register to; to, tmp
// and x are of the set at hand, and tmp is lost.
func (g *Gen) Horner(to, tmp, x int, names ...string) {
	into := func(i int) int {
		if i%2 == 0 {
			return to
		}
		return tmp
	}
	last := len(names) - 1
	g.Const(names[last], into(last))
	for i := last - 1; i >= 0; i-- {
		g.Const(names[i], into(i))
		g.P("fmla t%d.4s, t%d.4s, t%d.4s", into(i), x, into(i+1))
	}
}

// Numbered returns name0, name1, ... for n constants.
func Numbered(name string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", name, i)
	}
	return names
}

// Zero clears registers from first on.
func (g *Gen) Zero(first, n int) {
	for r := first; r < first+n; r++ {
		g.P("VEOR V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", r)
	}
}

// Reduce combines registers first, first+1, ... to one by op, such as fadd, and
// its lanes by pairwise, such as faddp: all lanes of register first are the
// result. n is a power of two.
func (g *Gen) Reduce(op, pairwise string, first, n int) {
	for n /= 2; n > 0; n /= 2 {
		for r := first; r < first+n; r++ {
			g.P("%s v%d.4s, v%[2]d.4s, v%d.4s", op, r, r+n)
		}
	}
	for range 2 {
		g.P("%s v%d.4s, v%[2]d.4s, v%[2]d.4s", pairwise, first)
	}
}

// End returns from the function.
func (g *Gen) End() { g.P("RET") }

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "neon: "+format+"\n", args...)
	os.Exit(1)
}
