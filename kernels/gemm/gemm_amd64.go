//go:build !purego

package gemm

import "mom/kernels/cpu"

//go:generate go run ./_asm

// tileRows returns the most rows that a tile of the format has, and how many are
// computed together.
func tileRows(f format, groups int) (most, step int) {
	switch {
	case (f == formatI8 || f == formatBF16) && tiled(groups):
		return 32, 1
	case f == formatI4 && cpu.HasAVX2 && !cpu.HasAVX512VNNI:
		return 32, 4
	case f == formatI8 && cpu.HasAVX512VNNI:
		return 8, 1
	case f == formatI8 && cpu.HasAVX512:
		return 7, 1
	case f == formatI8 && cpu.HasAVXVNNI:
		return 6, 1
	case f == formatI8 && cpu.HasAVX2:
		return 16, 2
	case cpu.HasAVX512:
		return 8, 1
	case cpu.HasAVX2:
		return 6, 1
	}
	return maxRows, 1
}

// tiled tells whether the matrix instructions multiply so many groups of k: they
// take 16 at a time.
func tiled(groups int) bool { return cpu.HasAMX && groups%16 == 0 }

func blockBF16() int { return 2 }
func blockI8() int   { return 4 }

func f32Tile(t *tile) {
	switch {
	case cpu.HasAVX512:
		f32Tile512(t)
	case cpu.HasAVX2 && t.alone:
		f32Few256(t)
	case cpu.HasAVX2:
		f32Tile256(t)
	default:
		f32TileGeneric(t)
	}
}

func bf16Tile(t *tile) {
	switch {
	case tiled(t.k):
		bf16TileAMX(t)
	case cpu.HasAVX512BF16:
		bf16Tile512(t)
	case cpu.HasAVX512:
		bf16TileWiden512(t)
	case cpu.HasAVX2 && t.alone:
		bf16FewWiden256(t)
	case cpu.HasAVX2:
		bf16TileWiden256(t)
	default:
		bf16TileGeneric(t)
	}
}

func i8Tile(t *tile) {
	switch {
	case tiled(t.k) && !t.alone:
		i8TileAMX(t)
	case cpu.HasAVX512VNNI:
		i8TileVNNI512(t)
	case cpu.HasAVX512:
		i8TileMadd512(t)
	case cpu.HasAVXVNNI:
		i8TileVNNI256(t)
	case cpu.HasAVX2:
		i8TileMadd256(t)
	default:
		i8TileGeneric(t)
	}
}

// splitsI8 tells whether i8Tile takes x that i8Split has split.
func splitsI8() bool { return cpu.HasAVX2 && !cpu.HasAVX512 && !cpu.HasAVXVNNI }

func i8Split(t *tile) { i8Split256(t) }

func i4Tile(t *tile) {
	switch {
	case cpu.HasAVX512VNNI:
		i4TileVNNI512(t)
	case cpu.HasAVX2 && t.rows <= 4:
		i4TileMadd256(t)
	case cpu.HasAVX2:
		i4TileMany256(t)
	default:
		i4TileGeneric(t)
	}
}

//go:noescape
func f32Tile512(t *tile)

//go:noescape
func f32Tile256(t *tile)

//go:noescape
func f32Few256(t *tile)

//go:noescape
func bf16TileAMX(t *tile)

//go:noescape
func bf16Tile512(t *tile)

//go:noescape
func bf16TileWiden512(t *tile)

//go:noescape
func bf16TileWiden256(t *tile)

//go:noescape
func bf16FewWiden256(t *tile)

//go:noescape
func i8TileAMX(t *tile)

//go:noescape
func i8TileVNNI512(t *tile)

//go:noescape
func i8TileMadd512(t *tile)

//go:noescape
func i8TileVNNI256(t *tile)

//go:noescape
func i8TileMadd256(t *tile)

//go:noescape
func i8Split256(t *tile)

//go:noescape
func i4TileVNNI512(t *tile)

//go:noescape
func i4TileMadd256(t *tile)

//go:noescape
func i4TileMany256(t *tile)
