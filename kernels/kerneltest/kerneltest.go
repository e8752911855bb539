// Package kerneltest has what the tests and benchmarks of kernels share: they
// run at every level of the CPU, on memory that ends at a page which cannot be
// touched, on sizes around the widths of vectors and tiles.
package kerneltest

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"mom/kernels/cpu"
)

// Sizes are lengths on both sides of every vector width and unrolling.
var Sizes = []int{
	1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 19, 23, 24, 25, 31, 32, 33,
	40, 47, 48, 49, 63, 64, 65, 79, 80, 81, 95, 96, 97, 127, 128, 129, 191, 192,
	193, 255, 256, 257, 511, 512, 513, 768, 1000, 1023, 1024, 1025,
}

// levels returns the levels to test: all that the machine can run, or the one
// that MOM_CPU names. (It reads the variable although cpu has done so, because
// only what a test reads itself becomes part of its key in go test's cache.)
func levels() []string {
	if os.Getenv("MOM_CPU") != "" {
		return []string{cpu.Level()}
	}
	return cpu.Levels()
}

// EachLevel runs a subtest for every level. The subtests must not be parallel.
func EachLevel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, level := range levels() {
		t.Run(level, func(t *testing.T) {
			defer cpu.Use(level)()
			f(t)
		})
	}
}

// BenchLevel runs a sub-benchmark isa=<level> for every level.
func BenchLevel(b *testing.B, f func(b *testing.B)) {
	b.Helper()
	for _, level := range levels() {
		b.Run("isa="+level, func(b *testing.B) {
			defer cpu.Use(level)()
			f(b)
		})
	}
}

// Fill sets x to numbers drawn uniformly from [-1, 1) and returns it.
func Fill(x []float32, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15))
	for i := range x {
		x[i] = float32(int32(r.Uint32())>>8) * (1.0 / (1 << 23))
	}
	return x
}

// FillInt8 sets x to integers drawn uniformly from [-127, 127] and returns it.
func FillInt8(x []int8, seed uint64) []int8 {
	r := rand.New(rand.NewPCG(seed, 0xBF58476D1CE4E5B9))
	for i := range x {
		x[i] = int8(r.IntN(255) - 127)
	}
	return x
}

// FillBF16 sets x to bfloat16 numbers drawn from [-1, 1) and returns it.
func FillBF16(x []uint16, seed uint64) []uint16 {
	var f [1]float32
	r := rand.New(rand.NewPCG(seed, 0x94D049BB133111EB))
	for i := range x {
		f[0] = float32(int32(r.Uint32())>>8) * (1.0 / (1 << 23))
		x[i] = uint16(math.Float32bits(f[0]) >> 16)
	}
	return x
}
