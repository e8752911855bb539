package gemm

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"mom/kernels/cpu"
	"mom/kernels/kerneltest"
	"mom/kernels/quant"
)

// i4Rig rounds k up to a whole group. Its results are exactly those of Mul's
// comment, computed from the halves as they are given to PackI4.
func i4Rig(t testing.TB, n, k int, gated bool) *rig {
	k = (k + groupI4 - 1) / groupI4 * groupI4
	r := newRig("int4", n, k, gated)
	ldx := k + n%3
	x := make([]uint8, rigRows*ldx)
	for i, q := range kerneltest.FillInt8(make([]int8, len(x)), 1) {
		x[i] = uint8(int(q) + 128)
	}
	q := randomI4(n*k/2, 2)
	if n > 3 { // the sums of largest size: row 0 times columns 1 and 2
		for i := range k / 2 {
			x[2*i], x[2*i+1], q[k/2+i], q[k+i] = 255, 255, 0x00, 0xFF
		}
	}
	affine := make([]quant.Affine, rigRows)
	for i, s := range kerneltest.Fill(make([]float32, rigRows), 3) {
		affine[i] = quant.Affine{Scale: s, Shift: int32(i*89%256) - 127}
	}
	affine[0].Shift = 128
	scale := kerneltest.Fill(make([]float32, n*k/groupI4), 4)
	p := PackI4(q, scale, n, k, gated)
	rows, scales := lastRows(t, x, ldx, k), lastRows(t, affine, 1, 1)
	r.units = p.Units()
	r.mul = func(dst []float32, ldd, m, u0, u1 int, ep Epilogue) {
		p.Mul(dst, ldd, rows(m), ldx, scales(m), m, u0, u1, ep)
	}
	for m := range rigRows {
		y, e := make([]float64, n), make([]float64, n)
		for j := range n {
			v := mulI4(q[j*k/2:][:k/2], scale[j*k/groupI4:], x[m*ldx:], affine[m])
			y[j] = float64(v)
			e[j] = 0x1p-24 * (math.Abs(y[j]) + math.Abs(float64(r.bias[j])))
		}
		r.y, r.bound = append(r.y, y), append(r.bound, e)
	}
	r.unpack = func() bool {
		gotQ, gotScale := p.Unpack()
		return slices.Equal(gotQ, q) && slices.Equal(gotScale, scale)
	}
	return r
}

func randomI4(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 4))
	q := make([]byte, n)
	for i := range q {
		q[i] = byte(r.Uint32())
	}
	return q
}

// mulI4 is one column of the loop in the comment of I4.Mul, without a bias.
func mulI4(q []byte, scale []float32, x []uint8, a quant.Affine) float32 {
	var y float32
	colsum := 0.0
	for g := range len(q) / (groupI4 / 2) {
		sum, column := int32(0), int32(0)
		for i := 32 * g; i < 32*g+32; i++ {
			w := int32(q[i/2]>>(i%2*4)&15) - 8
			sum += int32(x[i]) * w
			column += w
		}
		y = fma32(float32(sum), scale[g], y)
		colsum += float64(scale[g]) * float64(column)
	}
	return float32(fma32(float32(a.Shift-128), float32(colsum), y) * a.Scale)
}

// TestI4Accuracy holds Mul to the error that its comment allows.
func TestI4Accuracy(t *testing.T) {
	const m, n, k = 5, 50, 1024
	q, scale := randomI4(n*k/2, 1), kerneltest.Fill(make([]float32, n*k/groupI4), 2)
	xs := kerneltest.Fill(make([]float32, m*k), 3)
	x, a := make([]uint8, m*k), make([]quant.Affine, m)
	quant.Rows(x, k, a, xs, k, m, k)
	p := PackI4(q, scale, n, k, false)
	kerneltest.EachLevel(t, func(t *testing.T) {
		dst := make([]float32, m*n)
		p.Mul(dst, n, x, k, a, m, 0, p.Units(), Epilogue{})
		for r := range m {
			for j := range n {
				want, mag := 0.0, 0.0
				for i := range k {
					w := (float64(q[(j*k+i)/2]>>(i%2*4)&15) - 8) * float64(scale[(j*k+i)/groupI4])
					b := float64(x[r*k+i])
					want += (b - 128 + float64(a[r].Shift)) * w
					mag += (b + 128) * math.Abs(w)
				}
				s := float64(a[r].Scale)
				if got, tol := float64(dst[r*n+j]), (k/32+4)*0x1p-24*mag*s; !(math.Abs(got-want*s) <= tol) {
					t.Fatalf("[%d %d] is %v, want %v ± %v", r, j, got, want*s, tol)
				}
			}
		}
	})
}

// TestI4Row has Row give what the half bytes stand for.
func TestI4Row(t *testing.T) {
	for _, gated := range []bool{false, true} {
		for _, n := range []int{2, 16, 48, 50, 96, 130} {
			const k = 96
			q, scale := randomI4(n*k/2, 1), kerneltest.Fill(make([]float32, n*k/groupI4), 2)
			w := PackI4(q, scale, n, k, gated)
			for j := range n {
				got := make([]float32, k-j%3)
				w.Row(got, j)
				for i, v := range got {
					if want := float32(int(q[(j*k+i)/2]>>(i%2*4)&15)-8) * scale[(j*k+i)/groupI4]; v != want {
						t.Fatalf("gated=%v n=%d: [%d %d] is %v, want %v", gated, n, j, i, v, want)
					}
				}
			}
		}
	}
}

// TestFMA32 compares fma32 with exact arithmetic, on operands whose sums lie at
// or beside halves of the last place.
func TestFMA32(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func(bits int) float32 {
		v := float32(r.Uint32()>>(32-bits)) * float32(math.Exp2(float64(r.IntN(60)-50)))
		return v * float32(1-2*int(r.Uint32()&1))
	}
	for range 200000 {
		x, y, z := number(1+r.IntN(24)), number(1+r.IntN(24)), number(1+r.IntN(24))
		exact := new(big.Float).SetPrec(300).SetFloat64(float64(x) * float64(y))
		want, _ := exact.Add(exact, big.NewFloat(float64(z))).Float32()
		if got := fma32(x, y, z); got != want {
			t.Fatalf("fma32(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
	}
	if got := fma32(1<<23, 2, float32(math.Inf(1))); !math.IsInf(float64(got), 1) {
		t.Errorf("with an infinity: %v", got)
	}
	if got := fma32(float32(math.NaN()), 2, 1); got == got {
		t.Errorf("with a NaN: %v", got)
	}
}

// TestI4Rows compares the rows of batches of all sizes that are cut into tiles in
// another way with those of the generic level, gated or not.
func TestI4Rows(t *testing.T) {
	const most, k = 2*manyRows + 3, 96
	for _, n := range []int{48, 98, 116} {
		q, scale := randomI4(n*k/2, 1), kerneltest.Fill(make([]float32, n*k/groupI4), 2)
		x, a := make([]uint8, most*k), make([]quant.Affine, most)
		quant.Rows(x, 2*64, a[:most*k/128], kerneltest.Fill(make([]float32, most*k), 3), 128, most*k/128, 128)
		for i := range a {
			a[i] = quant.Affine{Scale: 1 / float32(i+1), Shift: int32(i*89%256) - 127}
		}
		for _, gated := range []bool{false, true} {
			p := PackI4(q, scale, n, k, gated)
			ldd := p.Cols() + n%5
			want := make([]float32, most*ldd)
			restore := cpu.Use("generic")
			p.Mul(want, ldd, x, k, a, most, 0, p.Units(), Epilogue{})
			restore()
			kerneltest.EachLevel(t, func(t *testing.T) {
				for m := 1; m <= most; m++ {
					size := (m-1)*ldd + p.Cols()
					got := kerneltest.Guarded[float32](t, size)
					in := kerneltest.Guarded[uint8](t, m*k)
					copy(in, x)
					p.Mul(got, ldd, in, k, a, m, 0, p.Units(), Epilogue{})
					for i, v := range got {
						if i%ldd < p.Cols() && math.Float32bits(v) != math.Float32bits(want[i]) || i%ldd >= p.Cols() && v != 0 {
							t.Fatalf("n=%d gated=%v m=%d: [%d %d] is %v, want %v", n, gated, m, i/ldd, i%ldd, v, want[i])
						}
					}
				}
			})
		}
	}
}
