//go:build !purego

package attn

import (
	"unsafe"

	"mom/kernels/cpu"
)

// The speed of these kernels has not been measured on arm64. There is none for
// bf16: Shape.BF16 makes no difference.

func attend(j job, scratch []float32) {
	if cpu.HasNEON {
		p := newPlan(j.d, j.reach, j.n)
		if len(scratch) < p.length {
			panic("attn: Attend: scratch too short")
		}
		attendNEON(j, scratch)
		return
	}
	attendGeneric(j, scratch)
}

func scratchLen(s Shape, n int) int {
	p := newPlan(s.HeadDim, s.Reach, n)
	return p.length
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
// bytes.
type scoresArgs struct {
	k      unsafe.Pointer // [keys][d]
	stride int            // of k
	q      unsafe.Pointer // [d][lanes of the group]
	steps  int            // of four dimensions
	s      unsafe.Pointer // out [keys][lanes]
	keys   int
	state  *state // top is updated
	band   int    // 1: mask, by
	first  int    // query of lane 0 - first key + Reach
	width  int    // 2*Reach
}

// valuesArgs are the arguments of values: O = P V of a group.
type valuesArgs struct {
	p       unsafe.Pointer // [keys][lanes of the group]
	pStride int
	v       unsafe.Pointer // [keys][d]
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

// A tile is up to four rows of a group with the keys that they need.
type tile struct {
	rows int
	keys int
	p    int // bytes from valuesArgs.p
	v    int // bytes from valuesArgs.v
}

//go:noescape
func packQNEON(dst, src unsafe.Pointer, dstStride, srcStride, d int, scale float32)

//go:noescape
func scores2NEON(a *scoresArgs)

//go:noescape
func scores4NEON(a *scoresArgs)

//go:noescape
func softmaxNEON(s unsafe.Pointer, keys int, st *state, vectors int)

//go:noescape
func valuesNEON(a *valuesArgs)
