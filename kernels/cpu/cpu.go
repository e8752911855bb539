// Package cpu says which vector instructions the kernels may use.
//
// The instruction sets of an architecture are ordered into levels, each of
// which contains the ones below it:
//
//	amd64  generic < avx2 < avxvnni < avx512 < avx512vnni < avx512bf16 < amx
//	arm64  generic < neon < dotprod < i8mm
//
// (avxvnni exists only on the CPUs that have it, and the levels above do not
// need it.) The program starts at the highest level of the machine; the
// environment variable MOM_CPU names a lower one. Under the build tag purego,
// and on other architectures, the only level is generic: plain Go.
//
// A kernel dispatches with a switch on the booleans, highest level first, and
// has the same code for all levels between two that matter to it.
package cpu

import (
	"fmt"
	"os"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// Whether the level in use includes these instructions.
var (
	HasAVX2       bool // AVX2, FMA and F16C
	HasAVXVNNI    bool // VPDPBUSD in its VEX form
	HasAVX512     bool // AVX-512 F, BW, VL and DQ
	HasAVX512VNNI bool // VPDPBUSD and VPDPWSSD
	HasAVX512BF16 bool // VDPBF16PS and VCVTNEPS2BF16
	HasAMX        bool // TDPBUSD and TDPBF16PS on tiles

	HasNEON    bool // Advanced SIMD
	HasDotProd bool // SDOT and UDOT
	HasI8MM    bool // SMMLA and BFMMLA
)

// A level is one step of the order above, with the boolean that it sets.
type level struct {
	name string
	has  *bool
}

var (
	levels  = append([]level{{"generic", new(bool)}}, detect()...)
	current = start(os.Getenv("MOM_CPU"))
)

// Level returns the name of the level in use.
func Level() string { return levels[current].name }

// Levels returns the names of the levels that this machine can run, lowest
// first.
func Levels() []string {
	names := make([]string, len(levels))
	for i, l := range levels {
		names[i] = l.name
	}
	return names
}

// Use changes the level, for tests and benchmarks: nothing else may be running
// kernels. The function it returns restores the level that was in use. Use
// panics if the machine cannot run the level.
func Use(name string) (restore func()) {
	before := current
	current = set(find("cpu.Use", name))
	return func() { current = set(before) }
}

func start(name string) int {
	i := len(levels) - 1
	if name != "" {
		i = find("MOM_CPU", name)
	}
	return set(i)
}

func find(source, name string) int {
	for i, l := range levels {
		if l.name == name {
			return i
		}
	}
	panic(fmt.Sprintf("%s: level %q is not one that this machine can run: %s",
		source, name, strings.Join(Levels(), ", ")))
}

func set(n int) int {
	for i, l := range levels {
		*l.has = i <= n
	}
	return n
}

// Brand returns the name that the CPU gives itself, or "" if it gives none.
func Brand() string { return strings.TrimSpace(cpuid.CPU.BrandName) }

// Caches returns the bytes of data cache that a core sees at each level, 0
// where the CPU does not say. The last level is usually shared with others.
func Caches() (l1d, l2, l3 int) {
	c := cpuid.CPU.Cache
	return max(c.L1D, 0), max(c.L2, 0), max(c.L3, 0)
}
