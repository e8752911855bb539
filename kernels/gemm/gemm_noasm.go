//go:build purego || !(amd64 || arm64)

package gemm

// tileRows returns the most rows that a tile of the format has, and how many are
// computed together.
func tileRows(f format, groups int) (most, step int) { return maxRows, 1 }

func blockBF16() int { return 2 }
func blockI8() int   { return 4 }

func f32Tile(t *tile)  { f32TileGeneric(t) }
func bf16Tile(t *tile) { bf16TileGeneric(t) }
func i8Tile(t *tile)   { i8TileGeneric(t) }
func i4Tile(t *tile)   { i4TileGeneric(t) }

func splitsI8() bool { return false }
func i8Split(*tile)  {}
