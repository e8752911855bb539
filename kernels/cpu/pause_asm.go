//go:build !purego && (amd64 || arm64)

package cpu

// Pause tells the core n times that the caller is spinning: about 40 cycles
// each on amd64. n must be positive.
//
//go:noescape
func Pause(n int)
