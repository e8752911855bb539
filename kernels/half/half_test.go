package half

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"mom/kernels/kerneltest"
)

// TestFromAll widens all numbers of 16 bits and compares with their meaning.
func TestFromAll(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		x := make([]uint16, 1<<16)
		for i := range x {
			x[i] = uint16(i)
		}
		f16, bf16 := make([]float32, len(x)), make([]float32, len(x))
		FromF16(f16, x)
		FromBF16(bf16, x)
		for i, v := range x {
			check(t, "FromF16", i, f16[i], meaning(v, 5, 10), v&0x8000 != 0)
			check(t, "FromBF16", i, bf16[i], meaning(v, 8, 7), v&0x8000 != 0)
			if one := F16ToF32(v); math.Float32bits(one) != math.Float32bits(f16[i]) {
				t.Fatalf("F16ToF32(%#x) = %v, FromF16 gives %v", v, one, f16[i])
			}
			if math.Float32bits(bf16[i]) != uint32(v)<<16 {
				t.Fatalf("FromBF16(%#x) = %#x", v, math.Float32bits(bf16[i]))
			}
		}
	})
}

// meaning is the number that v stands for, by the definition of a binary
// floating-point format with that many bits of exponent and fraction.
func meaning(v uint16, exponentBits, fractionBits int) float64 {
	bias := 1<<(exponentBits-1) - 1
	exponent := int(v>>fractionBits) & (1<<exponentBits - 1)
	fraction := float64(v&(1<<fractionBits-1)) / float64(int(1)<<fractionBits)
	var x float64
	switch {
	case exponent == 1<<exponentBits-1 && fraction != 0:
		return math.NaN()
	case exponent == 1<<exponentBits-1:
		x = math.Inf(1)
	case exponent == 0:
		x = math.Ldexp(fraction, 1-bias)
	default:
		x = math.Ldexp(1+fraction, exponent-bias)
	}
	if v&0x8000 != 0 {
		x = -x
	}
	return x
}

func check(t *testing.T, what string, v int, got float32, want float64, negative bool) {
	t.Helper()
	if want != want && got != got {
		return
	}
	if float64(got) != want || math.Signbit(float64(got)) != negative {
		t.Fatalf("%s(%#x) = %v, want %v", what, v, got, want)
	}
}

// inputs are numbers on, and next to, every number of 16 bits and every middle
// between two, and others of all sizes.
func inputs(exponentBits, fractionBits int) []float32 {
	var x []float32
	for v := range 1 << 15 {
		a, b := meaning(uint16(v), exponentBits, fractionBits), meaning(uint16(v+1), exponentBits, fractionBits)
		for _, c := range []float64{a, (a + b) / 2} {
			f := float32(c)
			for _, g := range []float32{f, math.Nextafter32(f, 0), math.Nextafter32(f, float32(math.Inf(1)))} {
				x = append(x, g, -g)
			}
		}
	}
	for b := uint64(0); b < 1<<32; b += 50021 {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	return x
}

// nearest rounds by comparing distances: exact in float64, except that it
// cannot hold the middle between the largest number and what would follow it.
func nearest(x float64, exponentBits, fractionBits int) uint16 {
	var sign uint16
	if math.Signbit(x) {
		sign, x = 0x8000, -x
	}
	top := uint16(1<<exponentBits-1) << fractionBits // infinity
	if x != x {
		panic("NaN")
	}
	lo, hi := uint16(0), top
	for hi-lo > 1 { // the number at or below x
		if mid := lo + (hi-lo)/2; meaning(mid, exponentBits, fractionBits) <= x {
			lo = mid
		} else {
			hi = mid
		}
	}
	below, above := meaning(lo, exponentBits, fractionBits), meaning(hi, exponentBits, fractionBits)
	if hi == top { // as if the exponent had no end
		above = 2*below - meaning(lo-1, exponentBits, fractionBits)
	}
	down := new(big.Float).Sub(big.NewFloat(x), big.NewFloat(below))
	up := new(big.Float).Sub(big.NewFloat(above), big.NewFloat(x))
	switch c := down.Cmp(up); {
	case c < 0, c == 0 && lo%2 == 0:
		return sign | lo
	}
	return sign | hi
}

func TestRounding(t *testing.T) {
	for _, f := range []struct {
		name               string
		exponent, fraction int
		to                 func(dst []uint16, x []float32)
	}{{"BF16", 8, 7, ToBF16}, {"F16", 5, 10, ToF16}} {
		x := inputs(f.exponent, f.fraction)
		want := make([]uint16, len(x))
		for i, v := range x {
			switch {
			case v != v:
				b := math.Float32bits(v)
				want[i] = uint16(b>>16&0x8000 | b>>(23-f.fraction)&(1<<f.fraction-1))
				want[i] |= uint16(1<<f.exponent-1)<<f.fraction | 1<<(f.fraction-1)
			case math.IsInf(float64(v), 0):
				want[i] = uint16(1<<f.exponent-1)<<f.fraction | uint16(math.Float32bits(v)>>16&0x8000)
			default:
				want[i] = nearest(float64(v), f.exponent, f.fraction)
			}
		}
		t.Run(f.name, func(t *testing.T) {
			kerneltest.EachLevel(t, func(t *testing.T) {
				got := make([]uint16, len(x))
				f.to(got, x)
				for i, w := range want {
					if got[i] != w {
						t.Fatalf("%v (%#x): got %#x, want %#x", x[i], math.Float32bits(x[i]), got[i], w)
					}
					if f.fraction == 10 && F32ToF16(x[i]) != w {
						t.Fatalf("F32ToF16(%v) = %#x, want %#x", x[i], F32ToF16(x[i]), w)
					}
				}
			})
		})
	}
}

func TestSizes(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, n := range append(kerneltest.Sizes, 0, chunkOver) {
			x := kerneltest.Fill(kerneltest.Guarded[float32](t, n), uint64(n))
			dst, want := kerneltest.GuardedAt[uint16](t, n, n*2%64), make([]uint16, n)
			back, wantBack := kerneltest.Guarded[float32](t, n), make([]float32, n)
			compare := func(what string) {
				t.Helper()
				if !slices.Equal(dst, want) || !slices.Equal(back, wantBack) {
					t.Fatalf("%s, n=%d: differs from plain Go", what, n)
				}
			}
			ToBF16(dst, x)
			toBF16Generic(want, x)
			FromBF16(back, dst)
			fromBF16Generic(wantBack, want)
			compare("BF16")
			ToF16(dst, x)
			toF16Generic(want, x)
			FromF16(back, dst)
			fromF16Generic(wantBack, want)
			compare("F16")
		}
	})
}

const chunkOver = 40000 // more than one call of a kernel

func TestBF16Rows(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, k := range kerneltest.Sizes {
			m, padded := 3, k+k%2
			ldd, ldx := padded+k%5, k+k%3
			x := kerneltest.Fill(kerneltest.Guarded[float32](t, (m-1)*ldx+k), 1)
			dst := kerneltest.Guarded[uint16](t, (m-1)*ldd+padded)
			for i := range dst {
				dst[i] = 9
			}
			BF16Rows(dst, ldd, x, ldx, m, k)
			want := make([]uint16, k)
			for i := range m {
				toBF16Generic(want, x[i*ldx:][:k])
				for j := range ldd {
					if i*ldd+j >= len(dst) {
						break
					}
					w := uint16(9)
					if j < k {
						w = want[j]
					} else if j < padded {
						w = 0
					}
					if dst[i*ldd+j] != w {
						t.Fatalf("k=%d: row %d, element %d: got %#x, want %#x", k, i, j, dst[i*ldd+j], w)
					}
				}
			}
		}
	})
}

func TestPanics(t *testing.T) {
	x, q := make([]float32, 10), make([]uint16, 10)
	for name, f := range map[string]func(){
		"ToBF16":   func() { ToBF16(q, x[1:]) },
		"FromBF16": func() { FromBF16(x, q[1:]) },
		"ToF16":    func() { ToF16(q, x[1:]) },
		"FromF16":  func() { FromF16(x, q[1:]) },
		"m":        func() { BF16Rows(q, 5, x, 5, -1, 5) },
		"stride":   func() { BF16Rows(q, 5, x, 5, 1, 5) },
		"short":    func() { BF16Rows(q, 6, x, 5, 2, 5) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	BF16Rows(nil, 0, nil, 0, 0, 5)
}

func TestAllocations(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		x, q := make([]float32, 100), make([]uint16, 100)
		if n := testing.AllocsPerRun(10, func() {
			ToBF16(q, x)
			FromBF16(x, q)
			ToF16(q, x)
			FromF16(x, q)
			BF16Rows(q, 50, x, 50, 2, 50)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func BenchmarkHalf(b *testing.B) {
	kerneltest.BenchLevel(b, func(b *testing.B) {
		for _, n := range []int{768, 32768} { // a row; what fits in the second-level cache
			x, q := kerneltest.Fill(make([]float32, n), 1), make([]uint16, n)
			for _, c := range []struct {
				name string
				f    func()
			}{
				{"ToBF16", func() { ToBF16(q, x) }},
				{"FromBF16", func() { FromBF16(x, q) }},
				{"ToF16", func() { ToF16(q, x) }},
				{"FromF16", func() { FromF16(x, q) }},
			} {
				b.Run(fmt.Sprintf("f=%s/n=%d", c.name, n), func(b *testing.B) {
					b.SetBytes(int64(6 * n))
					for b.Loop() {
						c.f()
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/element")
				})
			}
		}
	})
}
