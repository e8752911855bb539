package gemm

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"mom/kernels/kerneltest"
	"mom/kernels/quant"
)

// A rig is a weight, rows of x for it, and the exact results.
type rig struct {
	name   string
	n, k   int
	cols   int
	units  int
	bias   []float32
	mul    func(dst []float32, ldd, m, u0, u1 int, ep Epilogue)
	y      [][]float64 // [rows][n] x·wᵀ
	bound  [][]float64 // [rows][n] of the error that Mul's comment allows, with bias
	unpack func() bool // whether Unpack returns what was packed
}

// rigRows are more than any tile has.
var rigRows = func() int {
	if runtime.GOARCH == "amd64" {
		return manyRows + 1
	}
	return 2*maxRows + 1
}()

// lastRows returns a function that copies the first m of rigRows rows with the
// given stride to memory whose last element is the last that may be read.
func lastRows[T any](t testing.TB, rows []T, ldx, kx int) func(m int) []T {
	buf := kerneltest.Guarded[T](t, (rigRows-1)*ldx+kx)
	return func(m int) []T {
		size := (m-1)*ldx + kx
		x := buf[len(buf)-size:]
		copy(x, rows)
		return x
	}
}

func newRig(name string, n, k int, gated bool) *rig {
	r := &rig{name: fmt.Sprintf("%s n=%d k=%d gated=%v", name, n, k, gated), n: n, k: k, cols: n}
	if gated {
		r.cols /= 2
	}
	r.bias = kerneltest.Fill(make([]float32, n), 7)
	return r
}

// exact fills in the results for operands as float64.
func (r *rig) exact(x, w func(row, i int) float64, bound func(mag, bias float64) float64) {
	for m := range rigRows {
		y, e := make([]float64, r.n), make([]float64, r.n)
		for j := range r.n {
			sum, mag := 0.0, 0.0
			for i := range r.k {
				p := x(m, i) * w(j, i)
				sum += p
				mag += math.Abs(p)
			}
			y[j], e[j] = sum, bound(mag, math.Abs(float64(r.bias[j])))
		}
		r.y, r.bound = append(r.y, y), append(r.bound, e)
	}
}

func f32Rig(t testing.TB, n, k int, gated bool) *rig {
	r := newRig("f32", n, k, gated)
	ldx := k + n%3
	x := kerneltest.Fill(make([]float32, rigRows*ldx), 1)
	w := kerneltest.Fill(make([]float32, n*k), 2)
	p := PackF32(w, n, k, gated)
	rows := lastRows(t, x, ldx, k)
	r.units = p.Units()
	r.mul = func(dst []float32, ldd, m, u0, u1 int, ep Epilogue) {
		p.Mul(dst, ldd, rows(m), ldx, m, u0, u1, ep)
	}
	r.exact(
		func(m, i int) float64 { return float64(x[m*ldx+i]) },
		func(j, i int) float64 { return float64(w[j*k+i]) },
		func(mag, bias float64) float64 { return float64(k+2) * 0x1p-24 * (mag + bias) })
	r.unpack = func() bool { return slices.Equal(p.Unpack(), w) }
	return r
}

func bf16Rig(t testing.TB, n, k int, gated bool) *rig {
	r := newRig("bf16", n, k, gated)
	kx := (k + 1) &^ 1
	ldx := kx + n%3
	x := kerneltest.FillBF16(make([]uint16, rigRows*ldx), 1)
	if k < kx {
		for m := range rigRows {
			x[m*ldx+k] = 0
		}
	}
	w := kerneltest.FillBF16(make([]uint16, n*k), 2)
	p := PackBF16(w, n, k, gated)
	rows := lastRows(t, x, ldx, kx)
	r.units = p.Units()
	r.mul = func(dst []float32, ldd, m, u0, u1 int, ep Epilogue) {
		p.Mul(dst, ldd, rows(m), ldx, m, u0, u1, ep)
	}
	r.exact(
		func(m, i int) float64 { return float64(widen(x[m*ldx+i])) },
		func(j, i int) float64 { return float64(widen(w[j*k+i])) },
		func(mag, bias float64) float64 { return float64(k+2) * (0x1p-24*(mag+bias) + 0x1p-126) })
	r.unpack = func() bool { return slices.Equal(p.Unpack(), w) }
	return r
}

func i8Rig(t testing.TB, n, k int, gated bool) *rig {
	r := newRig("int8", n, k, gated)
	kx := (k + 63) &^ 63
	ldx := kx + n%3
	x := make([]uint8, rigRows*ldx)
	for i, q := range kerneltest.FillInt8(make([]int8, len(x)), 1) {
		x[i] = uint8(int(q) + 128)
	}
	w := kerneltest.FillInt8(make([]int8, n*k), 2)
	if n > 3 && k > 2 { // the sums of largest size: row 0 times columns 1 and 2
		for i := range k {
			x[i], w[k+i], w[2*k+i] = 255, 127, -127
		}
	}
	affine := make([]quant.Affine, rigRows)
	for i, s := range kerneltest.Fill(make([]float32, rigRows), 3) {
		affine[i] = quant.Affine{Scale: s, Shift: int32(i*89%256) - 127}
	}
	affine[0].Shift = 128
	scale := kerneltest.Fill(make([]float32, n), 4)
	p := PackI8(w, scale, n, k, gated)
	rows, scales := lastRows(t, x, ldx, kx), lastRows(t, affine, 1, 1)
	r.units = p.Units()
	r.mul = func(dst []float32, ldd, m, u0, u1 int, ep Epilogue) {
		p.Mul(dst, ldd, rows(m), ldx, scales(m), m, u0, u1, ep)
	}
	for m := range rigRows {
		y, e := make([]float64, n), make([]float64, n)
		for j := range n {
			sum := int32(0)
			for i := range k {
				sum += (int32(x[m*ldx+i]) - 128 + affine[m].Shift) * int32(w[j*k+i])
			}
			// The float32 that Mul promises before the bias, exactly.
			y[j] = float64(float32(float32(sum) * float32(affine[m].Scale*scale[j])))
			e[j] = 0x1p-24 * (math.Abs(y[j]) + math.Abs(float64(r.bias[j])))
		}
		r.y, r.bound = append(r.y, y), append(r.bound, e)
	}
	r.unpack = func() bool {
		gotW, gotScale := p.Unpack()
		return slices.Equal(gotW, w) && slices.Equal(gotScale, scale)
	}
	return r
}

var rigs = []func(t testing.TB, n, k int, gated bool) *rig{f32Rig, bf16Rig, i8Rig, i4Rig}

// shapes has every tail of n and of k at least once, gated and not.
var shapes = []struct {
	n, k  int
	gated bool
}{
	{1, 1, false}, {2, 2, true}, {3, 3, false}, {15, 4, false}, {16, 5, false}, {17, 7, false},
	{30, 8, true}, {31, 12, false}, {32, 15, false}, {32, 16, true}, {33, 17, false},
	{34, 31, true}, {47, 32, false}, {48, 33, false}, {49, 48, false}, {63, 63, false},
	{64, 64, false}, {66, 65, true}, {80, 66, false}, {96, 67, true}, {96, 96, false},
	{97, 100, false}, {98, 127, true}, {112, 128, false}, {128, 129, true}, {145, 192, false},
	{160, 200, true}, {192, 64, true}, {193, 257, false},
}

// TestMul compares every format with the exact results for every number of
// rows, and the rows of different batches and splits with each other.
func TestMul(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, s := range shapes {
			for _, newRig := range rigs {
				t.Run("", func(t *testing.T) { testMul(t, newRig(t, s.n, s.k, s.gated)) })
			}
		}
	})
}

func testMul(t *testing.T, r *rig) {
	if !r.unpack() {
		t.Errorf("%s: Unpack does not return what was packed", r.name)
	}
	exact := r.name[0] == 'i'
	ldd := r.cols + 5
	dst := kerneltest.Guarded[float32](t, (rigRows-1)*ldd+r.cols)
	var whole []float32 // the rows of the largest batch
	for m := rigRows; m > 0; m-- {
		if r.n*r.k > 8000 && m%8 > 1 {
			continue // the smaller shapes see every number of rows
		}
		if m > 2*maxRows+2 && m < manyRows-1 && m%5 != 0 {
			continue // few kernels have tiles of so many
		}
		d := dst[len(dst)-(m-1)*ldd-r.cols:]
		fill(d, -77)
		ep := Epilogue{Bias: r.bias}
		if m%3 == 0 { // in two calls
			r.mul(d, ldd, m, 0, r.units/2, ep)
			r.mul(d, ldd, m, r.units/2, r.units, ep)
		} else {
			r.mul(d, ldd, m, 0, r.units, ep)
		}
		if whole == nil {
			whole = slices.Clone(d)
		}
		for i := range d {
			row, j := i/ldd, i%ldd
			if j >= r.cols {
				if d[i] != -77 {
					t.Fatalf("%s m=%d: row %d was written past its end", r.name, m, row)
				}
				continue
			}
			if math.Float32bits(d[i]) != math.Float32bits(whole[i]) {
				t.Fatalf("%s m=%d: [%d %d] is %v, with m=%d %v", r.name, m, row, j, d[i], rigRows, whole[i])
			}
		}
	}
	for row := range rigRows {
		for j := range r.cols {
			got := whole[row*ldd+j]
			want, tol := r.result(row, j, None)
			if exact && r.cols == r.n {
				if want := float32(r.y[row][j]) + r.bias[j]; got != want {
					t.Fatalf("%s: [%d %d] is %v, want exactly %v", r.name, row, j, got, want)
				}
			}
			if exact && r.cols != r.n {
				a, b := float32(r.y[row][j])+r.bias[j], float32(r.y[row][r.cols+j])+r.bias[r.cols+j]
				if want := a * b; got != want {
					t.Fatalf("%s: [%d %d] is %v, want exactly %v", r.name, row, j, got, want)
				}
			}
			if !(math.Abs(float64(got)-want) <= tol) {
				t.Fatalf("%s: [%d %d] is %v, want %v ± %v", r.name, row, j, got, want, tol)
			}
		}
	}
}

// result returns dst[row][j] with bias and the error allowed.
func (r *rig) result(row, j int, act Act) (want, tol float64) {
	f := func(j int) (y, e float64) {
		return r.y[row][j] + float64(r.bias[j]), r.bound[row][j]
	}
	y, e := f(j)
	a := activationExact(act, y)
	if act != None {
		e = 1.13*e + 1e-6*max(1, math.Abs(y)) // no activation is steeper than 1.13
	}
	if r.cols == r.n {
		return a, e
	}
	b, eb := f(r.cols + j)
	want = a * b
	return want, e*math.Abs(b) + eb*math.Abs(a) + e*eb + 0x1p-24*math.Abs(want)
}

func activationExact(act Act, x float64) float64 {
	switch act {
	case GELU:
		return x * 0.5 * (1 + math.Erf(x/math.Sqrt2))
	case GELUTanh:
		return x * 0.5 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	case SiLU:
		return x / (1 + math.Exp(-x))
	case ReLU:
		return max(x, 0)
	case Tanh:
		return math.Tanh(x)
	}
	return x
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// TestEpilogue crosses formats, gating, activations, bias and accumulation.
func TestEpilogue(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, newRig := range rigs {
			for _, gated := range []bool{false, true} {
				r := newRig(t, 164, 64, gated)
				bias := r.bias
				for i := range 2 * 2 * int(Tanh+1) {
					ep := Epilogue{Act: Act(i / 4), Accumulate: i&1 != 0, Bias: bias}
					if i&2 != 0 {
						ep.Bias = nil
						r.bias = make([]float32, r.n)
					} else {
						r.bias = bias
					}
					testEpilogue(t, r, ep)
				}
			}
		}
	})
}

func testEpilogue(t *testing.T, r *rig, ep Epilogue) {
	const m = 11
	ldd := r.cols
	before := kerneltest.Fill(make([]float32, m*ldd), 9)
	dst := kerneltest.Guarded[float32](t, m*ldd)
	copy(dst, before)
	r.mul(dst, ldd, m, 0, r.units, ep)
	for i, got := range dst {
		want, tol := r.result(i/ldd, i%ldd, ep.Act)
		if ep.Accumulate {
			want += float64(before[i])
			tol += 0x1p-24 * math.Abs(want)
		}
		if !(math.Abs(float64(got)-want) <= tol) {
			t.Fatalf("%s act=%d bias=%v accumulate=%v: [%d %d] is %v, want %v ± %v",
				r.name, ep.Act, ep.Bias != nil, ep.Accumulate, i/ldd, i%ldd, got, want, tol)
		}
	}
}

// TestSplits computes units one by one, in an order of their own, and compares
// bits, with activations that see tiles of all widths.
func TestSplits(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, newRig := range rigs {
			for _, gated := range []bool{false, true} {
				r := newRig(t, 260, 96, gated)
				for _, m := range []int{1, 9, rigRows} {
					ep := Epilogue{Bias: r.bias, Act: GELU}
					want := make([]float32, m*r.cols)
					r.mul(want, r.cols, m, 0, r.units, ep)
					alone := make([]float32, r.cols)
					r.mul(alone, r.cols, 1, 0, r.units, ep)
					got := make([]float32, m*r.cols)
					for u := r.units - 1; u >= 0; u-- {
						r.mul(got, r.cols, m, u, u+1, ep)
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s m=%d: unit by unit differs from all at once", r.name, m)
					}
					if !slices.Equal(alone, want[:r.cols]) {
						t.Errorf("%s m=%d: a row alone differs from the row in a batch", r.name, m)
					}
				}
			}
		}
	})
}

func TestNoAllocation(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		const m, n, k = 9, 136, 64
		dst := make([]float32, m*n)
		f, b, q := PackF32(make([]float32, n*k), n, k, true), PackBF16(make([]uint16, n*k), n, k, true),
			PackI8(make([]int8, n*k), make([]float32, n), n, k, true)
		i4 := PackI4(make([]byte, n*k/2), make([]float32, n*k/32), n, k, true)
		x32, x16, x8, scale := make([]float32, m*k), make([]uint16, m*k), make([]uint8, m*k), make([]quant.Affine, m)
		for act := range Tanh + 1 {
			ep := Epilogue{Bias: dst[:n], Act: act, Accumulate: act%2 == 0}
			allocs := testing.AllocsPerRun(2, func() {
				f.Mul(dst, n, x32, k, m, 0, f.Units(), ep)
				b.Mul(dst, n, x16, k, m, 0, b.Units(), ep)
				q.Mul(dst, n, x8, k, scale, m, 0, q.Units(), ep)
				i4.Mul(dst, n, x8, k, scale, m, 0, i4.Units(), ep)
				i4.Mul(dst, n, x8, k, scale, 2, 0, i4.Units(), ep)
			})
			if allocs != 0 {
				t.Errorf("act=%d: %v allocations", act, allocs)
			}
		}
	})
}

func TestGeometry(t *testing.T) {
	for _, test := range []struct {
		n, k        int
		gated       bool
		cols, units int
	}{
		{768, 768, false, 768, 16},
		{2304, 768, false, 2304, 48},
		{2304, 768, true, 1152, 24},
		{1, 5, false, 1, 1},
		{98, 5, true, 49, 2},
	} {
		w := PackF32(make([]float32, test.n*test.k), test.n, test.k, test.gated)
		if w.N() != test.n || w.K() != test.k || w.Cols() != test.cols || w.Units() != test.units || w.UnitCols() != 48 {
			t.Errorf("%+v: N %d K %d Cols %d Units %d UnitCols %d", test, w.N(), w.K(), w.Cols(), w.Units(), w.UnitCols())
		}
		if got, least := w.Bytes(), 4*test.n*test.k; got < least {
			t.Errorf("%+v: Bytes %d, less than %d", test, got, least)
		}
	}
}

func TestPanics(t *testing.T) {
	w := PackF32(make([]float32, 100*10), 100, 10, false)
	x, dst := make([]float32, 30), make([]float32, 300)
	panics := func(want string, f func()) {
		t.Helper()
		defer func() {
			t.Helper()
			if got := recover(); got != want {
				t.Errorf("panic %v, want %q", got, want)
			}
		}()
		f()
	}
	w.Mul(dst, 100, x, 10, 3, 0, 3, Epilogue{}) // as long as it must be
	w.Mul(dst[:296], 100, x, 10, 3, 0, 2, Epilogue{})
	w.Mul(nil, 100, nil, 10, 0, 0, 3, Epilogue{})
	panics("gemm: Mul: dst or x is too short", func() { w.Mul(dst[:299], 100, x, 10, 3, 0, 3, Epilogue{}) })
	panics("gemm: Mul: dst or x is too short", func() { w.Mul(dst, 100, x[:29], 10, 3, 0, 3, Epilogue{}) })
	panics("gemm: Mul: a row stride is shorter than a row", func() { w.Mul(dst, 99, x, 10, 3, 0, 3, Epilogue{}) })
	panics("gemm: Mul: a row stride is shorter than a row", func() { w.Mul(dst, 100, x, 9, 3, 0, 3, Epilogue{}) })
	panics("gemm: Mul: m or the range of units is out of range", func() { w.Mul(dst, 100, x, 10, 3, 0, 4, Epilogue{}) })
	panics("gemm: Mul: m or the range of units is out of range", func() { w.Mul(dst, 100, x, 10, 3, 2, 1, Epilogue{}) })
	panics("gemm: Mul: m or the range of units is out of range", func() { w.Mul(dst, 100, x, 10, -1, 0, 3, Epilogue{}) })
	panics("gemm: Mul: len(Bias) is not N", func() { w.Mul(dst, 100, x, 10, 3, 0, 3, Epilogue{Bias: x}) })
	panics("gemm: Mul: unknown activation", func() { w.Mul(dst, 100, x, 10, 3, 0, 3, Epilogue{Act: 6}) })
	panics("gemm: Pack: n of a gated weight is odd", func() { PackBF16(make([]uint16, 3), 3, 1, true) })
	panics("gemm: PackI8: len(w) is not n*k or len(scale) is not n", func() { PackI8(make([]int8, 6), make([]float32, 2), 3, 2, false) })
	panics("gemm: PackI4: k is not a multiple of 32", func() { PackI4(make([]byte, 48), make([]float32, 3), 2, 48, false) })
	panics("gemm: PackI4: len(q) is not n*k/2 or len(scale) is not n*k/32", func() { PackI4(make([]byte, 33), make([]float32, 2), 2, 32, false) })
	q := PackI8(make([]int8, 64), make([]float32, 1), 1, 64, false)
	panics("gemm: Mul: a is too short", func() { q.Mul(dst, 1, make([]uint8, 128), 64, make([]quant.Affine, 1), 2, 0, 1, Epilogue{}) })
}
