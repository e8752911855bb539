package vec

import (
	"math"

	"mom/kernels/half"
)

func gatherF32Generic(dst []float32, ldd int, table []float32, d int, ids []int32, add bool) {
	for i, id := range ids {
		to, from := dst[i*ldd:][:d], table[int(id)*d:][:d]
		if !add {
			copy(to, from)
			continue
		}
		addGeneric(to, to, from)
	}
}

func gatherBF16Generic(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	for i, id := range ids {
		to := dst[i*ldd:][:d]
		for j, v := range table[int(id)*d:][:d] {
			put(&to[j], math.Float32frombits(uint32(v)<<16), add)
		}
	}
}

func gatherF16Generic(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	for i, id := range ids {
		to := dst[i*ldd:][:d]
		for j, v := range table[int(id)*d:][:d] {
			put(&to[j], half.F16ToF32(v), add)
		}
	}
}

func gatherI8Generic(dst []float32, ldd int, table []int8, scale []float32, d int, ids []int32, add bool) {
	for i, id := range ids {
		to, s := dst[i*ldd:][:d], scale[id]
		for j, v := range table[int(id)*d:][:d] {
			put(&to[j], float32(float32(v)*s), add)
		}
	}
}

func put(dst *float32, y float32, add bool) {
	if add {
		y += *dst
	}
	*dst = y
}
