package vec

// GatherF32 copies rows of a table. It is
//
//	for i, id := range ids {
//		for j := range d {
//			y := table[int(id)*d+j]
//			if add {
//				y += dst[i*ldd+j]
//			}
//			dst[i*ldd+j] = y
//		}
//	}
//
// GatherF32 panics if d is not positive, the stride is shorter than a row, dst
// is too short, or an id names no row of the table. dst must not overlap the
// table.
//
// Shapes: dst [len(ids) d] with row stride ldd, table [rows d].
func GatherF32(dst []float32, ldd int, table []float32, d int, ids []int32, add bool) {
	checkGather(len(dst), ldd, len(table), d, ids)
	gatherF32(dst, ldd, table, d, ids, add)
}

// GatherBF16 is GatherF32 for a table of bfloat16.
func GatherBF16(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	checkGather(len(dst), ldd, len(table), d, ids)
	gatherBF16(dst, ldd, table, d, ids, add)
}

// GatherF16 is GatherF32 for a table of IEEE 754 binary16.
func GatherF16(dst []float32, ldd int, table []uint16, d int, ids []int32, add bool) {
	checkGather(len(dst), ldd, len(table), d, ids)
	gatherF16(dst, ldd, table, d, ids, add)
}

// GatherI8 is GatherF32 for a table of integers with a scale for each row: the
// elements are float32(table[id*d+j]) * scale[id]. It also panics if scale has
// not one element for each row of the table.
//
// Shapes: dst [len(ids) d] with row stride ldd, table [rows d], scale [rows].
func GatherI8(dst []float32, ldd int, table []int8, scale []float32, d int, ids []int32, add bool) {
	checkGather(len(dst), ldd, len(table), d, ids)
	if len(scale) != len(table)/d {
		panic("vec: GatherI8: len(scale) is not the number of rows")
	}
	gatherI8(dst, ldd, table, scale, d, ids, add)
}

func checkGather(ndst, ldd, ntable, d int, ids []int32) {
	if d < 1 || ldd < d {
		panic("vec: Gather: d is not positive, or the row stride is shorter than a row")
	}
	if len(ids) > 0 && ndst < (len(ids)-1)*ldd+d {
		panic("vec: Gather: dst is too short")
	}
	rows := uint(ntable / d)
	for _, id := range ids {
		if uint(id) >= rows {
			panic("vec: Gather: an id names no row of the table")
		}
	}
}
