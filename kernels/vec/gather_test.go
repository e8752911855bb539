package vec

import (
	"fmt"
	"testing"

	"mom/kernels/half"
	"mom/kernels/kerneltest"
)

func TestGather(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		for _, d := range kerneltest.Sizes {
			testGather(t, d, 6, []int32{5, 0, 5, 3}) // the last row ends at the guard
		}
		ids := make([]int32, 700) // more than one call of a kernel
		for i := range ids {
			ids[i] = int32(i * 7 % 50)
		}
		testGather(t, 100, 50, ids)
		GatherF32(nil, 3, make([]float32, 3), 3, nil, false)
	})
}

func testGather(t *testing.T, d, rows int, ids []int32) {
	t.Helper()
	n := rows * d
	f32 := kerneltest.Fill(kerneltest.Guarded[float32](t, n), 1)
	bf16, f16 := kerneltest.Guarded[uint16](t, n), kerneltest.Guarded[uint16](t, n)
	half.ToBF16(bf16, f32)
	half.ToF16(f16, f32)
	i8 := kerneltest.FillInt8(kerneltest.Guarded[int8](t, n), 2)
	scale := kerneltest.Fill(kerneltest.Guarded[float32](t, rows), 3)
	wide, wide16 := make([]float32, n), make([]float32, n)
	half.FromBF16(wide, bf16)
	half.FromF16(wide16, f16)

	ldd := d + d%4
	dst := kerneltest.Guarded[float32](t, (len(ids)-1)*ldd+d)
	for _, format := range []struct {
		name   string
		gather func(add bool)
		value  func(at int) float32
	}{
		{"F32", func(add bool) { GatherF32(dst, ldd, f32, d, ids, add) }, func(at int) float32 { return f32[at] }},
		{"BF16", func(add bool) { GatherBF16(dst, ldd, bf16, d, ids, add) }, func(at int) float32 { return wide[at] }},
		{"F16", func(add bool) { GatherF16(dst, ldd, f16, d, ids, add) }, func(at int) float32 { return wide16[at] }},
		{"I8", func(add bool) { GatherI8(dst, ldd, i8, scale, d, ids, add) }, func(at int) float32 { return float32(i8[at]) * scale[at/d] }},
	} {
		for _, add := range []bool{false, true} {
			kerneltest.Fill(dst, 4)
			want := append([]float32(nil), dst...)
			for i, id := range ids {
				for j := range d {
					y := format.value(int(id)*d + j)
					if add {
						y = want[i*ldd+j] + float32(y)
					}
					want[i*ldd+j] = y
				}
			}
			format.gather(add)
			equal(t, fmt.Sprintf("%s, d=%d, add %v", format.name, d, add), dst, want)
		}
	}
}
