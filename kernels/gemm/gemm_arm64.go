//go:build !purego

package gemm

import "mom/kernels/cpu"

// The speed of these kernels has not been measured on arm64.

// tileRows returns the most rows that a tile of the format has, and how many are
// computed together.
func tileRows(f format, groups int) (most, step int) {
	switch {
	case f != formatF32 && cpu.HasI8MM:
		return 4, 2
	case f == formatI8 && cpu.HasDotProd:
		return 4, 1
	case f == formatI8 && cpu.HasNEON:
		return 2, 1
	case cpu.HasNEON:
		return 6, 1
	}
	return maxRows, 1
}

// A matrix instruction multiplies blocks of 4 bfloat16s, or 8 bytes.
func blockBF16() int {
	if cpu.HasI8MM {
		return 4
	}
	return 2
}

func blockI8() int {
	if cpu.HasI8MM {
		return 8
	}
	return 4
}

func f32Tile(t *tile) {
	if cpu.HasNEON {
		f32TileNEON(t)
		return
	}
	f32TileGeneric(t)
}

func bf16Tile(t *tile) {
	switch {
	case cpu.HasI8MM && t.block == 4:
		bf16TileMMLA(t)
	case cpu.HasNEON && t.block == 2:
		bf16TileNEON(t)
	default:
		bf16TileGeneric(t)
	}
}

func i8Tile(t *tile) {
	switch {
	case cpu.HasI8MM && t.block == 8:
		i8TileMMLA(t)
	case cpu.HasDotProd && t.block == 4:
		i8TileDot(t)
	case cpu.HasNEON && t.block == 4:
		i8TileNEON(t)
	default:
		i8TileGeneric(t)
	}
}

func i4Tile(t *tile) { i4TileGeneric(t) }

func splitsI8() bool { return false }
func i8Split(*tile)  {}

//go:noescape
func f32TileNEON(t *tile)

//go:noescape
func bf16TileNEON(t *tile)

//go:noescape
func bf16TileMMLA(t *tile)

//go:noescape
func i8TileNEON(t *tile)

//go:noescape
func i8TileDot(t *tile)

//go:noescape
func i8TileMMLA(t *tile)
