//go:build !purego

package attn

import (
	"unsafe"

	"mom/kernels/cpu"
)

//go:generate go run ./_asm

// attend runs the best kernel of the level in use.
func attend(j job, scratch []float32) {
	switch {
	case cpu.HasAMX && j.bf16 && fitsTiles(j.d):
		attendTiles(j, scratch)
	case cpu.HasAVX512BF16 && j.bf16:
		attendVector(j, kernelBF16, scratch)
	case cpu.HasAVX512:
		attendVector(j, kernelAVX512, scratch)
	case cpu.HasAVX2:
		attendVector(j, kernelAVX2, scratch)
	default:
		attendGeneric(j, scratch)
	}
}

func scratchLen(s Shape, n int) int {
	length := 0
	for k := kernelAVX2; k <= kernelBF16; k++ {
		p := newPlan(k, s.HeadDim, s.Reach, n)
		length = max(length, p.length)
	}
	if fitsTiles(s.HeadDim) {
		length = max(length, cutTiles(nil, s.HeadDim, n, &tileRun{}))
	}
	return length
}

// A kernel is one set of the functions below.
type kernel uint8

const (
	kernelAVX2 kernel = iota
	kernelAVX512
	kernelBF16
)

// lanes returns how many float32s a vector has.
func (k kernel) lanes() int {
	if k == kernelAVX2 {
		return 8
	}
	return 16
}

// step returns how many elements one step of a product sums.
func (k kernel) step() int {
	if k == kernelBF16 {
		return 2
	}
	return 1
}

func (k kernel) packQ(dst, src unsafe.Pointer, dstStride, srcStride, d int, scale float32) {
	switch k {
	case kernelBF16:
		packQBF16(dst, src, dstStride, srcStride, d, scale)
	case kernelAVX512:
		packQAVX512(dst, src, dstStride, srcStride, d, scale)
	default:
		packQAVX2(dst, src, dstStride, srcStride, d, scale)
	}
}

func (k kernel) scores(a *scoresArgs, vectors int) {
	switch {
	case k == kernelBF16 && vectors == 2:
		scores2BF16(a)
	case k == kernelBF16:
		scores1BF16(a)
	case k == kernelAVX512 && vectors == 2:
		scores2AVX512(a)
	case k == kernelAVX512:
		scores1AVX512(a)
	case vectors == 2:
		scores2AVX2(a)
	default:
		scores1AVX2(a)
	}
}

func (k kernel) scoresBand(a *scoresArgs, vectors int) {
	switch {
	case k == kernelBF16 && vectors == 2:
		scoresBand2BF16(a)
	case k == kernelBF16:
		scoresBand1BF16(a)
	case k == kernelAVX512 && vectors == 2:
		scoresBand2AVX512(a)
	case k == kernelAVX512:
		scoresBand1AVX512(a)
	case vectors == 2:
		scoresBand2AVX2(a)
	default:
		scoresBand1AVX2(a)
	}
}

func (k kernel) fold(s *state) {
	switch k {
	case kernelBF16:
		foldBF16(s)
	case kernelAVX512:
		foldAVX512(s)
	default:
		foldAVX2(s)
	}
}

func (k kernel) softmax(p, s unsafe.Pointer, units int, st *state, vectors int) {
	switch {
	case k == kernelBF16 && vectors == 2:
		softmax2BF16(p, s, units, st)
	case k == kernelBF16:
		softmax1BF16(p, s, units, st)
	case k == kernelAVX512 && vectors == 2:
		softmax2AVX512(p, s, units, st)
	case k == kernelAVX512:
		softmax1AVX512(p, s, units, st)
	case vectors == 2:
		softmax2AVX2(p, s, units, st)
	default:
		softmax1AVX2(p, s, units, st)
	}
}

func (k kernel) values(a *valuesArgs) {
	switch k {
	case kernelBF16:
		valuesBF16(a)
	case kernelAVX512:
		valuesAVX512(a)
	default:
		valuesAVX2(a)
	}
}

// A state is what a group of queries carries from block to block of keys. The
// generator has the same offsets.
type state struct {
	top  [32]float32 // largest score of this block
	max  [32]float32 // largest score so far
	sum  [32]float32 // sum of 2^(score - max) so far
	fade [32]float32 // what the last fold shrank the sum by
	inv  [32]float32 // 1/sum
}

// masked is the score of a pair outside the band, of base 2.
const masked = -0x1p126

// newState has seen no score.
var newState = func() (s state) {
	for i := range s.top {
		s.top[i], s.max[i] = masked, masked
	}
	return s
}()

// scoresArgs are the arguments of scores: S = K Qᵀ of a group, with a part of
// the softmax of another group on the side. Strides are in bytes.
type scoresArgs struct {
	k       unsafe.Pointer // [keys][d]
	stride  int            // of k
	q       unsafe.Pointer // [steps][lanes of the group]
	steps   int
	s       unsafe.Pointer // out [keys][lanes]
	six     int            // tiles of six keys, counted down,
	tail    int            // keys of the tile after them, and of the
	tail2   int            // one after that; 0 for none
	state   *state         // top is updated
	first   int            // for the band: query of lane 0 - first key + Reach
	width   int            // for the band: 2*Reach
	aside   aside
	packing packing
}

// packing is the part of a block's packing that is done within the scores of
// its first group. There is none if tiles is 0.
type packing struct {
	tiles    int // of six keys, each of which packs eight rows of K and of V
	k, v     unsafe.Pointer
	ld       int            // bytes between their rows
	at       int            // bytes from k and v to the rows to pack, advanced
	kTo, vTo unsafe.Pointer // advanced
	columns  int            // 32 columns each, left of the rows at hand
	all      int            // in a row
}

// An aside is the part of another group's softmax that is done within a
// product. The group has two vectors; there is none if units is 0.
type aside struct {
	s     unsafe.Pointer // its scores, advanced
	units int            // its keys (bf16: pairs) not yet done, decreased
	state *state         // its sums are increased
	p     unsafe.Pointer // bf16: its probabilities, advanced
}

// valuesArgs are the arguments of values: O = P V of a group.
type valuesArgs struct {
	p       unsafe.Pointer // [steps][lanes of the group]
	pStride int
	v       unsafe.Pointer // [steps][d]
	vStride int
	dst     unsafe.Pointer
	stride  int // of dst
	wide    int // bytes of columns done by two vectors
	one     int // vectors of columns after them, 0 or 1
	state   *state
	add     int // 1: add to dst, shrunk by state.fade
	last    int // 1: divide by state.sum
	count   int // tiles, counted down
	aside   aside
	ahead   unsafe.Pointer // rows to fetch for later, one with each row of dst
	aheadK  unsafe.Pointer // more of them, or nil
	aheadV  unsafe.Pointer // and more, if aheadK is not nil
	aheadLd int            // bytes between them
	aheadAt int            // bytes to the next
	tiles   [8]tile
}

// A tile is some rows of a group with the steps of P and V that they need.
type tile struct {
	rows   int
	steps  int
	pStart int // bytes from valuesArgs.p
	vStart int // bytes from valuesArgs.v
}

//go:noescape
func packQAVX2(dst, src unsafe.Pointer, dstStride, srcStride, d int, scale float32)

//go:noescape
func packQAVX512(dst, src unsafe.Pointer, dstStride, srcStride, d int, scale float32)

//go:noescape
func packQBF16(dst, src unsafe.Pointer, dstStride, srcStride, d int, scale float32)

//go:noescape
func packKBF16(dst, src unsafe.Pointer, srcStride, rows, d int)

//go:noescape
func packVBF16(dst, src unsafe.Pointer, srcStride, pairs, d int)

//go:noescape
func scores1AVX2(a *scoresArgs)

//go:noescape
func scores2AVX2(a *scoresArgs)

//go:noescape
func scoresBand1AVX2(a *scoresArgs)

//go:noescape
func scoresBand2AVX2(a *scoresArgs)

//go:noescape
func scores1AVX512(a *scoresArgs)

//go:noescape
func scores2AVX512(a *scoresArgs)

//go:noescape
func scoresBand1AVX512(a *scoresArgs)

//go:noescape
func scoresBand2AVX512(a *scoresArgs)

//go:noescape
func scores1BF16(a *scoresArgs)

//go:noescape
func scores2BF16(a *scoresArgs)

//go:noescape
func scoresBand1BF16(a *scoresArgs)

//go:noescape
func scoresBand2BF16(a *scoresArgs)

//go:noescape
func foldAVX2(s *state)

//go:noescape
func foldAVX512(s *state)

//go:noescape
func foldBF16(s *state)

//go:noescape
func softmax1AVX2(p, s unsafe.Pointer, units int, state *state)

//go:noescape
func softmax2AVX2(p, s unsafe.Pointer, units int, state *state)

//go:noescape
func softmax1AVX512(p, s unsafe.Pointer, units int, state *state)

//go:noescape
func softmax2AVX512(p, s unsafe.Pointer, units int, state *state)

//go:noescape
func softmax1BF16(p, s unsafe.Pointer, units int, state *state)

//go:noescape
func softmax2BF16(p, s unsafe.Pointer, units int, state *state)

//go:noescape
func valuesAVX2(a *valuesArgs)

//go:noescape
func valuesAVX512(a *valuesArgs)

//go:noescape
func valuesBF16(a *valuesArgs)
