package gemm

import (
	"fmt"
	"math"
	"testing"

	"mom/kernels/cpu"
	"mom/kernels/kerneltest"
	"mom/kernels/quant"
)

// extremesX and extremesW are rows of bytes and of weights, by their index, whose
// products are the largest of either sign, alone and two by two, or change sign
// from one to the next.
var (
	extremesX = []func(i int) uint8{
		func(i int) uint8 { return 0 },
		func(i int) uint8 { return 255 },
		func(i int) uint8 { return uint8(127 + i%2) },
		func(i int) uint8 { return uint8(i % 2 * 255) },
		func(i int) uint8 { return uint8(i / 2 % 2 * 255) },
		func(i int) uint8 { return uint8(i * 37) },
		func(i int) uint8 { return 128 },
	}
	extremesW = []func(i int) int8{
		func(i int) int8 { return 127 },
		func(i int) int8 { return -127 },
		func(i int) int8 { return int8(i%2*254 - 127) },
		func(i int) int8 { return int8(127 - i%2*254) },
		func(i int) int8 { return int8(i/2%2*254 - 127) },
		func(i int) int8 { return int8(i*53%255 - 127) },
		func(i int) int8 { return int8(i/4%3 - 1) },
		func(i int) int8 { return 0 },
	}
)

// TestI8Extremes has every row of extremesX meet every one of extremesW.
func TestI8Extremes(t *testing.T) {
	for _, k := range []int{1, 2, 4, 15, 16, 17, 48, 127, 128, 129, 255, 256, 272, 530, 1040} {
		n, m, ldx := 3*len(extremesW)+140, 2*len(extremesX), (k+63)&^63
		w, x := make([]int8, n*k), make([]uint8, m*ldx)
		for i := range w {
			w[i] = extremesW[i/k%len(extremesW)](i % k)
		}
		for i := range x { // the padding as well
			x[i] = extremesX[i/ldx%len(extremesX)](i % ldx)
		}
		scale, a := make([]float32, n), make([]quant.Affine, m)
		for i := range scale {
			scale[i] = 1
		}
		for i := range a {
			a[i] = quant.Affine{Scale: 1, Shift: int32(i*89%255) - 126}
		}
		want := make([]float32, m*n)
		for i := range want {
			sum := int32(0)
			for l := range k {
				sum += (int32(x[i/n*ldx+l]) - 128 + a[i/n].Shift) * int32(w[i%n*k+l])
			}
			want[i] = float32(sum)
		}
		for _, pack := range cpu.Levels() {
			restore := cpu.Use(pack)
			p := PackI8(w, scale, n, k, false)
			restore()
			kerneltest.EachLevel(t, func(t *testing.T) {
				got := make([]float32, m*n)
				p.Mul(got, n, x, ldx, a, m, 0, p.Units(), Epilogue{})
				for i, v := range got {
					if v != want[i] {
						t.Fatalf("k=%d packed at %s: [%d %d] is %v, want %v", k, pack, i/n, i%n, v, want[i])
					}
				}
			})
		}
	}
}

// TestI8Rows compares the rows of batches of all sizes with those of the generic
// level, gated or not, where k is longer than what a kernel takes at a time.
func TestI8Rows(t *testing.T) {
	const most = 2*manyRows + 3
	for _, s := range []struct{ n, k int }{{48, 16}, {98, 100}, {116, 290}, {200, 1100}, {160, 3000}} {
		ldx := (s.k + 63) &^ 63
		x, a := make([]uint8, most*ldx), make([]quant.Affine, most)
		quant.Rows(x, ldx, a, kerneltest.Fill(make([]float32, most*s.k), 1), s.k, most, s.k)
		w := kerneltest.FillInt8(make([]int8, s.n*s.k), 2)
		scale := kerneltest.Fill(make([]float32, s.n), 3)
		for _, gated := range []bool{false, true} {
			p := PackI8(w, scale, s.n, s.k, gated)
			ldd := p.Cols() + s.n%5
			want := make([]float32, most*ldd)
			restore := cpu.Use("generic")
			p.Mul(want, ldd, x, ldx, a, most, 0, p.Units(), Epilogue{})
			restore()
			kerneltest.EachLevel(t, func(t *testing.T) {
				name := fmt.Sprintf("n=%d k=%d gated=%v", s.n, s.k, gated)
				for m := 1; m <= most; m++ {
					if s.k > 300 && m > 10 && m%11 > 1 {
						continue
					}
					got := kerneltest.Guarded[float32](t, (m-1)*ldd+p.Cols())
					in := kerneltest.Guarded[uint8](t, m*ldx)
					copy(in, x)
					p.Mul(got, ldd, in, ldx, a, m, 0, p.Units(), Epilogue{})
					for i, v := range got {
						if i%ldd < p.Cols() && math.Float32bits(v) != math.Float32bits(want[i]) || i%ldd >= p.Cols() && v != 0 {
							t.Fatalf("%s m=%d: [%d %d] is %v, want %v", name, m, i/ldd, i%ldd, v, want[i])
						}
					}
				}
			})
		}
	}
}
