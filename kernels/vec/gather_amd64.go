//go:build !purego

package vec

import "mom/kernels/cpu"

func gatherF32(dst []float32, ldd int, table []float32, d int, ids []int32, add bool) {
	if !cpu.HasAVX2 {
		gatherF32Generic(dst, ldd, table, d, ids, add)
		return
	}
	for rows := max(1, chunk/d); len(ids) > 0; {
		n := min(rows, len(ids))
		if cpu.HasAVX512 {
			gatherF32AVX512(&dst[0], ldd, &table[0], d, &ids[0], n, flag(add))
		} else {
			gatherF32AVX2(&dst[0], ldd, &table[0], d, &ids[0], n, flag(add))
		}
		if ids = ids[n:]; len(ids) > 0 {
			dst = dst[n*ldd:]
		}
	}
}

func gatherBF16(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	if !cpu.HasAVX2 {
		gatherBF16Generic(dst, ldd, table, d, ids, add)
		return
	}
	for rows := max(1, chunk/d); len(ids) > 0; {
		n := min(rows, len(ids))
		if cpu.HasAVX512 {
			gatherBF16AVX512(&dst[0], ldd, &table[0], d, &ids[0], n, flag(add))
		} else {
			gatherBF16AVX2(&dst[0], ldd, &table[0], d, &ids[0], n, flag(add))
		}
		if ids = ids[n:]; len(ids) > 0 {
			dst = dst[n*ldd:]
		}
	}
}

func gatherF16(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	if !cpu.HasAVX2 {
		gatherF16Generic(dst, ldd, table, d, ids, add)
		return
	}
	for rows := max(1, chunk/d); len(ids) > 0; {
		n := min(rows, len(ids))
		if cpu.HasAVX512 {
			gatherF16AVX512(&dst[0], ldd, &table[0], d, &ids[0], n, flag(add))
		} else {
			gatherF16AVX2(&dst[0], ldd, &table[0], d, &ids[0], n, flag(add))
		}
		if ids = ids[n:]; len(ids) > 0 {
			dst = dst[n*ldd:]
		}
	}
}

func gatherI8(dst []float32, ldd int, table []int8, scale []float32, d int, ids []int32, add bool) {
	if !cpu.HasAVX2 {
		gatherI8Generic(dst, ldd, table, scale, d, ids, add)
		return
	}
	for rows := max(1, chunk/d); len(ids) > 0; {
		n := min(rows, len(ids))
		if cpu.HasAVX512 {
			gatherI8AVX512(&dst[0], ldd, &table[0], d, &ids[0], n, flag(add), &scale[0])
		} else {
			gatherI8AVX2(&dst[0], ldd, &table[0], d, &ids[0], n, flag(add), &scale[0])
		}
		if ids = ids[n:]; len(ids) > 0 {
			dst = dst[n*ldd:]
		}
	}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

//go:noescape
func gatherF32AVX512(dst *float32, ldd int, table *float32, d int, ids *int32, n, add int)

//go:noescape
func gatherBF16AVX512(dst *float32, ldd int, table *uint16, d int, ids *int32, n, add int)

//go:noescape
func gatherF16AVX512(dst *float32, ldd int, table *uint16, d int, ids *int32, n, add int)

//go:noescape
func gatherI8AVX512(dst *float32, ldd int, table *int8, d int, ids *int32, n, add int, scale *float32)

//go:noescape
func gatherF32AVX2(dst *float32, ldd int, table *float32, d int, ids *int32, n, add int)

//go:noescape
func gatherBF16AVX2(dst *float32, ldd int, table *uint16, d int, ids *int32, n, add int)

//go:noescape
func gatherF16AVX2(dst *float32, ldd int, table *uint16, d int, ids *int32, n, add int)

//go:noescape
func gatherI8AVX2(dst *float32, ldd int, table *int8, d int, ids *int32, n, add int, scale *float32)
