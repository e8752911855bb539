//go:build purego || !amd64

package attn

func pagedScratchLen(d int) int { return 0 }

func paged(j pagedJob, scratch []float32) { pagedGeneric(&j, scratch) }
