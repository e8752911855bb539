//go:build !purego

package attn

import (
	"unsafe"

	"mom/kernels/cpu"
)

// The speed of these kernels has not been measured on arm64.

func attend(j job, scratch []float32) {
	switch {
	case cpu.HasI8MM && j.bf16:
		attendVector(j, true, scratch)
	case cpu.HasNEON:
		attendVector(j, false, scratch)
	default:
		attendGeneric(j, scratch)
	}
}

func scratchLen(s Shape, n int) int {
	f32, bf16 := newPlan(false, s.HeadDim, s.Reach, n), newPlan(true, s.HeadDim, s.Reach, n)
	return max(f32.length, bf16.length)
}

// A state is what a group of queries carries from block to block of keys.
type state struct {
	top  [groupRows]float32 // largest score of this block
	max  [groupRows]float32 // largest score so far
	sum  [groupRows]float32 // sum of 2^(score - max) so far
	fade [groupRows]float32 // what the last softmax shrank the sum by
}

// masked is the score of a pair outside the band, of base 2. Its difference to
// any score is finite, and 2^ that is 0.
const masked = -0x1p126

// newState has seen no score.
var newState = func() (s state) {
	for i := range s.top {
		s.top[i], s.max[i] = masked, masked
	}
	return s
}()

// scoresArgs are the arguments of scores: S = K Qᵀ of a group. Strides are in
// bytes. For bf16, rows of K and lanes of Q come in pairs, of which four
// dimensions lie together.
type scoresArgs struct {
	k      unsafe.Pointer // [keys][d], bf16: [keys/2][d/4][2][4]
	stride int            // of k: to the next key, or pair of keys
	q      unsafe.Pointer // [d][lanes of the group], bf16: [d/4][lanes/2][2][4]
	steps  int            // of four dimensions, bf16: eight
	s      unsafe.Pointer // out [keys][lanes]
	keys   int
	state  *state // top is updated
	band   int    // 1: mask, by
	first  int    // query of lane 0 - first key + Reach
	width  int    // 2*Reach
}

// valuesArgs are the arguments of values: O = P V of a group. A step is a key, for
// bf16 four keys.
type valuesArgs struct {
	p       unsafe.Pointer // [steps][lanes of the group], bf16: [steps][lanes][4]
	pStride int
	v       unsafe.Pointer // [steps][d], bf16: [steps][d][4]
	vStride int
	dst     unsafe.Pointer
	stride  int // of dst
	vectors int // of four columns
	state   *state
	add     int // 1: add to dst, shrunk by state.fade
	last    int // 1: divide by state.sum
	count   int
	tiles   [groupRows / 4]tile
}

// A tile is up to four rows of a group with the steps that they need.
type tile struct {
	rows  int
	steps int
	p     int // bytes from valuesArgs.p
	v     int // bytes from valuesArgs.v
}

//go:noescape
func packQNEON(dst, src unsafe.Pointer, dstStride, srcStride, d int, scale float32)

//go:noescape
func packPairsI8MM(dst, src unsafe.Pointer, stepStride, pairStride, srcStride, pairs, d int, scale float32)

//go:noescape
func packVI8MM(dst, src unsafe.Pointer, srcStride, steps, d int)

//go:noescape
func scores2NEON(a *scoresArgs)

//go:noescape
func scores4NEON(a *scoresArgs)

//go:noescape
func scores2I8MM(a *scoresArgs)

//go:noescape
func scores4I8MM(a *scoresArgs)

//go:noescape
func softmaxNEON(s unsafe.Pointer, keys int, st *state, vectors int)

//go:noescape
func valuesNEON(a *valuesArgs)

//go:noescape
func softmaxI8MM(s unsafe.Pointer, steps int, st *state, vectors int, p unsafe.Pointer)

//go:noescape
func valuesI8MM(a *valuesArgs)
