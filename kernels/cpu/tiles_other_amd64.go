//go:build !purego && !linux

package cpu

// permitTiles: how other systems keep tiles is not known here.
func permitTiles() bool { return false }
