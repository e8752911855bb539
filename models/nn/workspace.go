// Package nn holds the blocks that the models are made of: linear layers,
// norms, embeddings, attention, and the workspace in which a forward pass runs.
//
// A block's method takes the workspace and writes into memory that the
// workspace owns, so that a forward pass allocates nothing once its buffers
// have grown to the largest batch seen.
package nn

import (
	"mom/kernels/act"
	"mom/kernels/gemm"
	"mom/kernels/quant"
	"mom/tensor"
)

// A Workspace is the memory and the team of one forward pass at a time.
type Workspace struct {
	Team *Team

	mats    [slots][]float32 // activations by slot
	q       []uint8          // rows of the current linear layer's input, int8
	affine  []quant.Affine
	bf      []uint16    // the same rows as bf16
	rows    []float32   // the same rows as f32, when they had to be normalised
	tmp     [][]float32 // a row a worker
	attn    [][]float32 // attention scratch a worker
	units   []attnUnit
	longest int // sequence of the plan
	pos     []int32
	zeros   []int32

	observed Observations // of int8 rows; nil but for a while after opening
	watch    func(l *Linear, x tensor.Mat)
	live     live  // rows with adapters
	paged    paged // sequences of a decoder

	linearTask linearTask
	rowTask    rowTask
	attnTask   attnTask
	normTask   normTask
	ropeTask   ropeTask
	headTask   headTask
	pagedTask  pagedTask
	columns    columnTask
}

// A Slot names one of the workspace's activation matrices.
type Slot int

// The activations of a forward pass. X is the residual stream.
const (
	X Slot = iota
	QKV
	Ctx
	Up
	Head1
	Head2
	Pooled
	Logits
	Wide
	Terms
	slots
)

// Mat returns the slot's matrix with rows x cols values, whose contents are
// whatever was there. It stays valid until the slot is asked for again.
func (ws *Workspace) Mat(s Slot, rows, cols int) tensor.Mat {
	return tensor.Mat{Rows: rows, Cols: cols, Data: grow(&ws.mats[s], rows*cols)}
}

// Release gives the memory back when more than keep bytes are held.
func (ws *Workspace) Release(keep int) {
	if ws.Bytes() > keep {
		*ws = Workspace{Team: ws.Team}
	}
}

// Bytes is the memory that the workspace holds.
func (ws *Workspace) Bytes() int {
	n := cap(ws.q) + 8*cap(ws.affine) + 2*cap(ws.bf) + 4*cap(ws.rows)
	for _, m := range ws.mats {
		n += 4 * cap(m)
	}
	for _, s := range ws.attn {
		n += 4 * cap(s)
	}
	for _, s := range ws.live.scratch {
		n += 4 * cap(s)
	}
	return n
}

// grow returns *b with length n, a new and somewhat larger slice when it is too
// small.
func grow[T any](b *[]T, n int) []T {
	if cap(*b) < n {
		*b = nil // the old one may go before the new one comes
		*b = make([]T, n+min(n/2, 1<<18))
	}
	*b = (*b)[:n]
	return *b
}

// growPer is grow for a slice a worker.
func growPer(b *[][]float32, workers, n int) {
	for len(*b) < workers {
		*b = append(*b, nil)
	}
	for i := range workers {
		grow(&(*b)[i], n)
	}
}

// kindOf is the function of package act behind a gemm activation.
func kindOf(f gemm.Act) act.Kind {
	return [...]act.Kind{
		gemm.None: act.KindNone, gemm.GELU: act.KindGELU, gemm.GELUTanh: act.KindGELUTanh,
		gemm.SiLU: act.KindSiLU, gemm.ReLU: act.KindReLU, gemm.Tanh: act.KindTanh,
	}[f]
}

// ParseAct maps a Hugging Face activation name to a kernel.
func ParseAct(name string) (gemm.Act, bool) {
	switch name {
	case "gelu":
		return gemm.GELU, true
	case "gelu_new", "gelu_pytorch_tanh", "gelu_fast":
		return gemm.GELUTanh, true
	case "silu", "swish":
		return gemm.SiLU, true
	case "relu":
		return gemm.ReLU, true
	case "tanh":
		return gemm.Tanh, true
	}
	return gemm.None, false
}

// Positions returns each token's position in its sequence, [t], for sequences
// starts[i]..starts[i+1].
func (ws *Workspace) Positions(starts []int32) []int32 {
	pos := grow(&ws.pos, int(starts[len(starts)-1]))
	for i := range len(starts) - 1 {
		for j := starts[i]; j < starts[i+1]; j++ {
			pos[j] = j - starts[i]
		}
	}
	return pos
}

// Types returns types, or t zeros when it is nil.
func (ws *Workspace) Types(types []int32, t int) []int32 {
	if types != nil {
		return types
	}
	zeros := grow(&ws.zeros, t)
	clear(zeros)
	return zeros
}
