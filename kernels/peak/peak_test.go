package peak

import (
	"testing"

	"mom/kernels/cpu"
	"mom/kernels/kerneltest"
)

// TestRates checks that rates are of the size that a CPU of this century has.
func TestRates(t *testing.T) {
	kerneltest.EachLevel(t, func(t *testing.T) {
		f32, bf16, i8, i4 := F32(), BF16(), I8(), I4()
		t.Logf("%s: f32 %.1f, bf16 %.1f, int8 %.1f, int4 %.1f Gop/s", cpu.Level(), f32, bf16, i8, i4)
		for _, r := range []float64{f32, bf16, i8, i4} {
			if !(r > 0.01 && r < 1e5) {
				t.Errorf("implausible rate %v", r)
			}
		}
	})
}

func TestRead(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 256 MiB")
	}
	r := Read()
	t.Logf("%.1f GB/s", r)
	if !(r > 0.01 && r < 1e4) {
		t.Errorf("implausible rate %v", r)
	}
}
