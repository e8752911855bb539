//go:build purego || !(amd64 || arm64)

package attn

func scratchLen(s Shape, n int) int { return 0 }

func attend(j job, scratch []float32) { attendGeneric(j, scratch) }
