//go:build !purego

package vec

import "mom/kernels/cpu"

func gatherF32(dst []float32, ldd int, table []float32, d int, ids []int32, adding bool) {
	if !cpu.HasNEON {
		gatherF32Generic(dst, ldd, table, d, ids, adding)
		return
	}
	for i, id := range ids {
		to, from := dst[i*ldd:][:d], table[int(id)*d:][:d]
		if adding {
			add(to, to, from)
		} else {
			copy(to, from)
		}
	}
}

func gatherBF16(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	if !cpu.HasNEON {
		gatherBF16Generic(dst, ldd, table, d, ids, add)
		return
	}
	for i, id := range ids {
		widenBF16NEON(&dst[i*ldd], &table[int(id)*d], d, flag(add))
	}
}

func gatherF16(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	if !cpu.HasNEON {
		gatherF16Generic(dst, ldd, table, d, ids, add)
		return
	}
	for i, id := range ids {
		widenF16NEON(&dst[i*ldd], &table[int(id)*d], d, flag(add))
	}
}

func gatherI8(dst []float32, ldd int, table []int8, scale []float32, d int, ids []int32, add bool) {
	if !cpu.HasNEON {
		gatherI8Generic(dst, ldd, table, scale, d, ids, add)
		return
	}
	for i, id := range ids {
		widenI8NEON(&dst[i*ldd], &table[int(id)*d], d, flag(add), scale[id])
	}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

//go:noescape
func widenBF16NEON(dst *float32, row *uint16, n, add int)

//go:noescape
func widenF16NEON(dst *float32, row *uint16, n, add int)

//go:noescape
func widenI8NEON(dst *float32, row *int8, n, add int, scale float32)
