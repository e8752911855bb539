//go:build !purego

package rope

import "mom/kernels/cpu"

// The speed of this function has not been measured on arm64.

func apply(x []float32, ldx, m, heads, dim int, cos, sin []float32, pos []int32) {
	if !cpu.HasNEON {
		applyGeneric(x, ldx, m, heads, dim, cos, sin, pos)
		return
	}
	half := dim / 2
	for r := range m {
		at := int(pos[r]) * half
		applyNEON(&x[r*ldx], heads, half, &cos[at], &sin[at])
	}
}

//go:noescape
func applyNEON(x *float32, heads, half int, cos, sin *float32)
