package gemm

import (
	"testing"

	"mom/kernels/cpu"
)

// TestPackedAtAnotherLevel multiplies at every level by weights that were packed
// at every other.
func TestPackedAtAnotherLevel(t *testing.T) {
	for _, pack := range cpu.Levels() {
		for _, newRig := range rigs {
			restore := cpu.Use(pack)
			r := newRig(t, 82, 43, true)
			restore()
			for _, level := range cpu.Levels() {
				t.Run(r.name[:4]+"/"+pack+"/"+level, func(t *testing.T) {
					defer cpu.Use(level)()
					testMul(t, r)
				})
			}
		}
	}
}
