package nn

import (
	"mom/kernels/norm"
	"mom/tensor"
)

// A Norm is LayerNorm, or RMSNorm when RMS is set.
type Norm struct {
	Gamma, Beta []float32 // Beta may be nil
	Eps         float32
	RMS         bool
}

func (n *Norm) row(dst, x []float32) {
	d := len(x)
	if n.RMS {
		norm.RMSNorm(dst, d, x, d, 1, d, n.Gamma, n.Eps)
		return
	}
	norm.LayerNorm(dst, d, x, d, 1, d, n.Gamma, n.Beta, n.Eps)
}

// heads replaces each head of width d in x by its norm.
func (n *Norm) heads(x []float32, d int) {
	norm.RMSNorm(x, d, x, d, len(x)/d, d, n.Gamma, n.Eps)
}

// Normalize replaces each row of x by its norm.
func (ws *Workspace) Normalize(x tensor.Mat, n *Norm) {
	t := &ws.normTask
	*t = normTask{x: x, norm: n, chunk: rowChunk(x.Rows, ws.Team.Active())}
	ws.Team.Run((x.Rows+t.chunk-1)/t.chunk, t)
}

type normTask struct {
	x     tensor.Mat
	norm  *Norm
	chunk int
}

// Do implements Task: a unit is a chunk of rows.
func (t *normTask) Do(unit, _ int) {
	for i := unit * t.chunk; i < min((unit+1)*t.chunk, t.x.Rows); i++ {
		t.norm.row(t.x.Row(i), t.x.Row(i))
	}
}
