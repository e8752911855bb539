package rope

func applyGeneric(x []float32, ldx, m, heads, dim int, cos, sin []float32, pos []int32) {
	half := dim / 2
	for r := range m {
		at := int(pos[r]) * half
		c, s := cos[at:][:half], sin[at:][:half]
		for h := range heads {
			head := x[r*ldx+h*dim:][:dim]
			a, b := head[:half], head[half:]
			for i, ci := range c {
				// The conversions forbid fused multiplication and addition.
				ai, bi, si := a[i], b[i], s[i]
				a[i] = float32(ai*ci) - float32(bi*si)
				b[i] = float32(bi*ci) + float32(ai*si)
			}
		}
	}
}
