package gemm

import (
	"testing"

	"mom/kernels/kerneltest"
)

func TestSum(t *testing.T) {
	for _, n := range kerneltest.Sizes {
		x := kerneltest.FillInt8(kerneltest.Guarded[int8](t, 3*n), uint64(n))
		for _, fixed := range []int8{0, 127, -128} { // 0: as they are
			want := int32(0)
			for i := range x {
				if fixed != 0 {
					x[i] = fixed
				}
				want += int32(x[i])
			}
			if got := sum(x); got != want {
				t.Errorf("n=%d fixed=%d: got %d, want %d", len(x), fixed, got, want)
			}
		}
	}
}
