package nn

import (
	"mom/kernels/gemm"
	"mom/tensor"
)

// Pick writes norm(x) of some rows to the matrix of a slot, [len(rows) d].
func (ws *Workspace) Pick(s Slot, x tensor.Mat, rows []int32, n *Norm) tensor.Mat {
	dst := ws.Mat(s, len(rows), x.Cols)
	for i, r := range rows {
		n.row(dst.Row(i), x.Row(int(r)))
	}
	return dst
}

// columnRows is how many rows ApplyColumns multiplies at once: its results lie in
// rows as wide as the layer, of which the parts in use alone take memory.
const columnRows = 8

// ApplyColumns computes columns ids of l(x): dst [t len(ids)]. A value has the
// same bits as in Apply. Only the units of columns that hold one of ids are
// computed, once each.
func (ws *Workspace) ApplyColumns(dst, x tensor.Mat, l *Linear, ids []int32) {
	if dst.Rows != x.Rows || dst.Cols != len(ids) {
		panic("BUG: nn: ApplyColumns: dst has the wrong shape")
	}
	if l.fine || l.offset != nil {
		panic("BUG: nn: ApplyColumns: of a fine layer, or one with offsets")
	}
	ws.Prepare(x, l, nil, false)
	c := &ws.columns
	c.mark(l, ids)
	for r0 := 0; r0 < x.Rows; r0 += columnRows {
		m := min(columnRows, x.Rows-r0)
		c.wide = ws.Mat(Wide, m, l.Out)
		t := &ws.linearTask
		t.ws, t.l, t.epilogue = ws, l, gemm.Epilogue{Bias: l.bias, Act: l.Act}
		c.t, c.r0 = t, r0
		c.chunk = max(1, len(c.units)/(4*ws.Team.Active()))
		ws.Team.Run((len(c.units)+c.chunk-1)/c.chunk, c)
		for i := range m {
			to, from := dst.Row(r0+i), c.wide.Row(i)
			for j, id := range ids {
				to[j] = from[id]
			}
		}
	}
}

// columnTask multiplies some units of a layer's columns.
type columnTask struct {
	units  []int32
	marked []bool
	t      *linearTask
	wide   tensor.Mat
	r0     int
	chunk  int
}

// mark lists the units that hold columns ids, ascending.
func (c *columnTask) mark(l *Linear, ids []int32) {
	c.units = c.units[:0]
	marked := grow(&c.marked, l.weight.Units())
	clear(marked)
	for _, id := range ids {
		marked[int(id)/l.weight.UnitCols()] = true
	}
	for u, is := range marked {
		if is {
			c.units = append(c.units, int32(u))
		}
	}
}

// Do implements Task.
func (c *columnTask) Do(unit, _ int) {
	for _, u := range c.units[unit*c.chunk : min((unit+1)*c.chunk, len(c.units))] {
		c.t.mul(c.wide.Data, c.wide.Cols, c.r0, c.wide.Rows, int(u), int(u)+1, c.t.epilogue)
	}
}
