// Package lanes prints the parts that the amd64 kernels on rows of numbers
// share: one text for both widths of vector, constants, loops with a tail,
// sums across a vector. It is used by generators only.
//
// A line of code may say
//
//	v7      vector register 7: Y7 at AVX2, Z7 at AVX-512
//	{name}  a constant: the register in which it was pinned, or its memory
//
// Registers that the package itself uses: AX counts elements in loops, R14 and
// R15 are scratch, and a masked body finds its mask in K1 (AVX-512) or Y15 (AVX2).
package lanes

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"

	"mom/kernels/internal/asmgen"
)

// A Gen prints the functions of one level into one file.
type Gen struct {
	*asmgen.File
	Level string // "AVX2" or "AVX512": the suffix of functions
	W     int    // float32s in a vector

	constants []constant
	pinned    map[string]int
	args      int // bytes of arguments so far
}

type constant struct {
	name  string
	lanes [16]uint32
}

// Both calls print for AVX2 and AVX-512 and writes the two files
// <name>_avx2_amd64.s and <name>_avx512_amd64.s.
func Both(name string, print func(g *Gen)) {
	for _, level := range []string{"AVX2", "AVX512"} {
		g := &Gen{File: asmgen.New("kernels/"+name+"/_asm", "!purego"), Level: level, W: 8}
		if level == "AVX512" {
			g.W = 16
		}
		print(g)
		g.data()
		g.Write(name + "_" + strings.ToLower(level) + "_amd64.s")
	}
}

// Wide reports whether the level is AVX-512.
func (g *Gen) Wide() bool { return g.W == 16 }

// Float defines a constant with the same float32 in all lanes.
func (g *Gen) Float(name string, x float64) { g.Bits(name, math.Float32bits(float32(x))) }

// Bits defines a constant with the same 32 bits in all lanes.
func (g *Gen) Bits(name string, b uint32) { g.Lanes(name, func(int) uint32 { return b }) }

// Lanes defines a constant by its lanes.
func (g *Gen) Lanes(name string, lane func(i int) uint32) {
	c := constant{name: name}
	for i := range c.lanes {
		c.lanes[i] = lane(i)
	}
	if slices.ContainsFunc(g.constants, func(o constant) bool { return o.name == name }) {
		fail("constant %s is defined twice", name)
	}
	g.constants = append(g.constants, c)
}

// data prints the table of constants. AVX2 reads the first half of each.
func (g *Gen) data() {
	for _, c := range append(g.constants, tailMask) {
		for i := 0; i < 16; i += 2 {
			g.Raw("DATA ·%s<>+%d(SB)/8, $0x%016x\n", c.name, 4*i, uint64(c.lanes[i+1])<<32|uint64(c.lanes[i]))
		}
		g.Raw("GLOBL ·%s<>(SB), RODATA|NOPTR, $64\n", c.name)
	}
}

// Reading 4n bytes before its middle gives a mask of n lanes.
var tailMask = constant{"tail", [16]uint32{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)}}

// Begin starts a function whose name is name plus the level.
func (g *Gen) Begin(name, signature string, argBytes int) {
	g.pinned = map[string]int{}
	g.Func(name+g.Level, signature, argBytes)
}

// End returns from the function.
func (g *Gen) End() { g.P("VZEROUPPER\nRET") }

// Pin keeps constants in vector registers from first on.
func (g *Gen) Pin(first int, names ...string) {
	for i, name := range names {
		g.P("VMOVUPS {%s}, v%d", name, first+i)
		g.pinned[name] = first + i
	}
}

var (
	vectorName   = regexp.MustCompile(`\bv(\d+)\b`)
	constantName = regexp.MustCompile(`\{(\w+)\}`)
)

// P prints lines of code.
func (g *Gen) P(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	text = constantName.ReplaceAllStringFunc(text, func(s string) string { return g.operand(s[1 : len(s)-1]) })
	text = vectorName.ReplaceAllStringFunc(text, func(s string) string { return g.vector(s[1:]) })
	g.L("%s", text)
}

func (g *Gen) vector(number string) string {
	if g.Wide() {
		return "Z" + number
	}
	return "Y" + number
}

func (g *Gen) operand(name string) string {
	if r, ok := g.pinned[name]; ok {
		return fmt.Sprintf("v%d", r)
	}
	if !slices.ContainsFunc(g.constants, func(c constant) bool { return c.name == name }) {
		fail("constant %s is not defined", name)
	}
	return fmt.Sprintf("·%s<>(SB)", name)
}

// At is the memory operand of vector i from element AX on, of elements of size
// bytes.
func (g *Gen) At(base string, size, i int) string {
	return fmt.Sprintf("%d(%s)(AX*%d)", i*g.W*size, base, size)
}

// Load reads 16 or 8 float32s, or the masked ones and zeros.
func (g *Gen) Load(from string, to int, masked bool) {
	switch {
	case !masked:
		g.P("VMOVUPS %s, v%d", from, to)
	case g.Wide():
		g.P("VMOVUPS.Z %s, K1, v%d", from, to)
	default:
		g.P("VMASKMOVPS %s, Y15, v%d", from, to)
	}
}

// Store writes what Load reads.
func (g *Gen) Store(from int, to string, masked bool) {
	switch {
	case !masked:
		g.P("VMOVUPS v%d, %s", from, to)
	case g.Wide():
		g.P("VMOVUPS v%d, K1, %s", from, to)
	default:
		g.P("VMASKMOVPS v%d, Y15, %s", from, to)
	}
}

// Mask makes the mask of the first count lanes; count, a register, is lost.
func (g *Gen) Mask(count string) {
	if g.Wide() {
		g.P("MOVL $-1, R14\nBZHIL %s, R14, R14\nKMOVW R14, K1", count)
		return
	}
	g.P("LEAQ ·tail<>+32(SB), R14\nNEGQ %s\nVMOVDQU (R14)(%s*4), Y15", count, count)
}

// Elements loops over the count elements, AX from 0 on: first body for unroll
// vectors at a time, then for one, then for a masked one.
func (g *Gen) Elements(count string, unroll int, body func(vectors int, masked bool)) {
	g.P("XORL AX, AX")
	steps := []int{unroll, 1}
	if unroll == 1 {
		steps = steps[1:]
	}
	for _, u := range steps {
		g.Vectors(count, u, func() { body(u, false) })
	}
	g.Rest(count, func() { body(1, true) })
}

// Vectors repeats body, which takes u vectors, while as many are left.
func (g *Gen) Vectors(count string, u int, body func()) {
	loop, next := g.NewLabel("loop"), g.NewLabel("next")
	g.P("LEAQ -%d(%s), R15\nCMPQ AX, R15\nJGT %s", u*g.W, count, next)
	g.Label(loop)
	body()
	g.P("ADDQ $%d, AX\nCMPQ AX, R15\nJLE %s", u*g.W, loop)
	g.Label(next)
}

// Rest prints a masked body for what is left, if anything.
func (g *Gen) Rest(count string, body func()) {
	done := g.NewLabel("done")
	g.P("MOVQ %s, R15\nSUBQ AX, R15\nJLE %s", count, done)
	g.Mask("R15")
	body()
	g.Label(done)
}

// OneByOne repeats body for each element that is left, AX counting, for element
// types that AVX2 cannot mask.
func (g *Gen) OneByOne(count string, body func()) {
	loop, done := g.NewLabel("one"), g.NewLabel("done")
	g.P("CMPQ AX, %s\nJGE %s", count, done)
	g.Label(loop)
	body()
	g.P("INCQ AX\nCMPQ AX, %s\nJLT %s", count, loop)
	g.Label(done)
}

// Fold combines the lanes of v[r] by op, such as VADDPS, into lane 0 of X[r];
// t is lost. The tree is the same at both levels from 8 lanes on.
func (g *Gen) Fold(op string, r, t int) {
	if g.Wide() {
		g.P("VEXTRACTF64X4 $1, Z%d, Y%d\n%s Y%d, Y%d, Y%d", r, t, op, t, r, r)
	}
	g.P("VEXTRACTF128 $1, Y%d, X%d\n%s X%d, X%d, X%d", r, t, op, t, r, r)
	g.P("VPSHUFD $0x4E, X%d, X%d\n%s X%d, X%d, X%d", r, t, op, t, r, r)
	g.P("VPSHUFD $0xB1, X%d, X%d\n%s X%d, X%d, X%d", r, t, op, t, r, r)
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "lanes: "+format+"\n", args...)
	os.Exit(1)
}
