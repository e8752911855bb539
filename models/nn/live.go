package nn

import (
	"mom/kernels/gemm"
	"mom/kernels/vec"
	"mom/tensor"
)

// A Delta is what a LoRA adds to some output columns of one linear layer:
//
//	y[Col:Col+n] += (x·Aᵀ)·Bᵀ
//
// where B has the adapter's scale in it.
type Delta struct {
	Col  int
	a, b *gemm.F32 // [r k], [n r]
}

// NewDelta packs a [r k] and b [n r].
func NewDelta(col, n, r, k int, a, b []float32) Delta {
	return Delta{Col: col, a: gemm.PackF32(a, r, k, false), b: gemm.PackF32(b, n, r, false)}
}

// Bytes is the memory of the delta.
func (d *Delta) Bytes() int { return d.a.Bytes() + d.b.Bytes() }

// Deltas are those of one adapter by the layer's number, see SetID; a number
// that is not there has none. They are float32 at every precision: they are
// small, and the layer's output is float32.
type Deltas [][]Delta

// SetID numbers a layer among those that an adapter may change, from 1. What an
// adapter adds comes before an activation, so that the layer has none.
func (l *Linear) SetID(id int) {
	if l.Act != gemm.None || l.gated() {
		panic("BUG: nn: SetID: the layer has an activation")
	}
	l.id = id
}

// ID is the layer's number.
func (l *Linear) ID() int { return l.id }

// live is which rows of a pass have which adapter, and the work that this makes
// after the product of a layer. Rows are grouped by adapter wherever they lie in
// the batch, so that an adapter's matrices are read once.
type live struct {
	groups  []liveGroup
	units   []liveUnit
	scratch [][]float32 // a worker

	in  rows
	dst tensor.Mat
	l   *Linear
}

type liveGroup struct {
	deltas Deltas
	rows   []int32 // ascending
}

// liveUnit is one delta of some rows of a group.
type liveUnit struct {
	delta *Delta
	rows  []int32
}

// liveRows is how many rows of a unit at most.
const liveRows = 16

// ClearAdapters takes the adapters of the last pass away.
func (ws *Workspace) ClearAdapters() { ws.live.groups = ws.live.groups[:0] }

// AddAdapter lets rows [r0, r1) of the pass have an adapter's deltas. The rows
// have none yet.
func (ws *Workspace) AddAdapter(d Deltas, r0, r1 int) {
	if len(d) == 0 {
		return
	}
	v := &ws.live
	i := 0
	for i < len(v.groups) && &v.groups[i].deltas[0] != &d[0] {
		i++
	}
	if i == len(v.groups) {
		if i < cap(v.groups) { // the rows of an older group have memory
			v.groups = v.groups[:i+1]
		} else {
			v.groups = append(v.groups, liveGroup{})
		}
		v.groups[i] = liveGroup{deltas: d, rows: v.groups[i].rows[:0]}
	}
	g := &v.groups[i]
	for r := r0; r < r1; r++ {
		g.rows = append(g.rows, int32(r))
	}
}

// add is the work of all groups on the output of l.
func (v *live) add(ws *Workspace, dst tensor.Mat, l *Linear) {
	v.units = v.units[:0]
	scratch := 0
	for i := range v.groups {
		g := &v.groups[i]
		if l.id >= len(g.deltas) {
			continue
		}
		for j := range g.deltas[l.id] {
			d := &g.deltas[l.id][j]
			scratch = max(scratch, d.a.K()+d.a.N()+d.b.N())
			for r := 0; r < len(g.rows); r += liveRows {
				v.units = append(v.units, liveUnit{d, g.rows[r:min(r+liveRows, len(g.rows))]})
			}
		}
	}
	if len(v.units) == 0 {
		return
	}
	v.in, v.dst, v.l = ws.rowTask.rows, dst, l
	growPer(&v.scratch, ws.Team.Size(), liveRows*scratch)
	ws.Team.Run(len(v.units), v)
}

// Do implements Task.
func (v *live) Do(unit, worker int) {
	u := v.units[unit]
	d, m := u.delta, len(u.rows)
	k, r, n := d.a.K(), d.a.N(), d.b.N()
	buf := v.scratch[worker]
	x, low, y := buf[:m*k], buf[m*k:m*(k+r)], buf[m*(k+r):m*(k+r+n)]
	for i, row := range u.rows {
		v.in.input(x[i*k:(i+1)*k], int(row))
	}
	d.a.Mul(low, r, x, k, m, 0, d.a.Units(), gemm.Epilogue{})
	d.b.Mul(y, n, low, r, m, 0, d.b.Units(), gemm.Epilogue{})
	for i, row := range u.rows {
		to := v.dst.Row(int(row))[d.Col : d.Col+n]
		vec.Add(to, to, y[i*n:(i+1)*n])
	}
}
