//go:build purego || !amd64

package gemm

// tileRows is the most rows that a tile of the format has.
func tileRows(format) int { return maxRows }

func f32Tile(t *tile)  { f32TileGeneric(t) }
func bf16Tile(t *tile) { bf16TileGeneric(t) }
func i8Tile(t *tile)   { i8TileGeneric(t) }
