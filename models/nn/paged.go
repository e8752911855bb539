package nn

import (
	"mom/kernels/attn"
	"mom/kernels/rope"
	"mom/models/kv"
	"mom/tensor"
)

// A CausalShape says what one attention layer of a decoder computes.
type CausalShape struct {
	Layer                   int // of the pages
	Heads, KVHeads, HeadDim int // query head h reads kv head h/(Heads/KVHeads)
	Scale                   float32
	Rotary                  *Rotary
	QNorm, KNorm            *Norm // of each head, before the rotation; nil for none
}

// paged is the sequences of a pass and the units of their attention. One plan
// serves every layer.
type paged struct {
	seqs    []pagedSeq
	units   []pagedUnit
	rowSeq  []int32 // [t]
	pos     []int32 // [t]
	longest int     // positions
}

type pagedSeq struct {
	row, n, past int // the rows of the new tokens, and how many came before
	kv           *kv.Sequence
}

// pagedUnit is some new tokens of one sequence at one kv head.
type pagedUnit struct {
	seq, head int
	q0, q1    int
}

// pagedRows is how many tokens a unit has at most.
const pagedRows = 64

// PlanPaged begins a pass over sequences that have room for the new tokens of
// rows starts[i]..starts[i+1].
func (ws *Workspace) PlanPaged(starts []int32, seqs []*kv.Sequence, kvHeads int) {
	p := &ws.paged
	p.seqs, p.units, p.rowSeq, p.pos, p.longest = p.seqs[:0], p.units[:0], p.rowSeq[:0], p.pos[:0], 0
	for i, s := range seqs {
		row, n, past := int(starts[i]), int(starts[i+1]-starts[i]), s.Len()
		p.seqs = append(p.seqs, pagedSeq{row, n, past, s})
		p.longest = max(p.longest, past+n)
		for j := range n {
			p.rowSeq = append(p.rowSeq, int32(i))
			p.pos = append(p.pos, int32(past+j))
		}
		for q := 0; q < n; q += pagedRows {
			for h := range kvHeads {
				p.units = append(p.units, pagedUnit{i, h, q, min(q+pagedRows, n)})
			}
		}
	}
}

// StoreKeys norms and turns the queries and keys of qkv [t (Heads+2·KVHeads)·HeadDim]
// in place, and writes keys and values into the pages.
func (ws *Workspace) StoreKeys(qkv tensor.Mat, s *CausalShape) {
	t := &ws.headTask
	*t = headTask{ws: ws, qkv: qkv, shape: *s, table: s.Rotary.upTo(ws.paged.longest), chunk: rowChunk(qkv.Rows, ws.Team.Active())}
	ws.Team.Run((qkv.Rows+t.chunk-1)/t.chunk, t)
}

type headTask struct {
	ws    *Workspace
	qkv   tensor.Mat
	shape CausalShape
	table *rotaryTable
	chunk int
}

// Do implements Task: a unit is a chunk of rows.
func (t *headTask) Do(unit, _ int) {
	p, s, d := &t.ws.paged, &t.shape, t.shape.HeadDim
	for i := unit * t.chunk; i < min((unit+1)*t.chunk, t.qkv.Rows); i++ {
		row := t.qkv.Row(i)
		q, k, v := row[:s.Heads*d], row[s.Heads*d:][:s.KVHeads*d], row[(s.Heads+s.KVHeads)*d:]
		if s.QNorm != nil {
			s.QNorm.heads(q, d)
			s.KNorm.heads(k, d)
		}
		rope.Apply(row, len(row), 1, s.Heads+s.KVHeads, d, t.table.cos, t.table.sin, p.pos[i:i+1])
		seq := &p.seqs[p.rowSeq[i]]
		for h := range s.KVHeads {
			seq.kv.Store(s.Layer, h, int(p.pos[i]), k[h*d:(h+1)*d], v[h*d:(h+1)*d])
		}
	}
}

// AttendPaged computes causal attention of the queries of qkv, which StoreKeys
// has seen, over all keys of their sequences up to their own. dst is
// [t Heads·HeadDim].
func (ws *Workspace) AttendPaged(dst, qkv tensor.Mat, s *CausalShape) {
	t := &ws.pagedTask
	*t = pagedTask{ws: ws, dst: dst, qkv: qkv, shape: *s}
	growPer(&ws.attn, ws.Team.Size(), attn.PagedScratchLen(s.Heads/s.KVHeads, s.HeadDim))
	ws.Team.Run(len(ws.paged.units), t)
}

type pagedTask struct {
	ws       *Workspace
	dst, qkv tensor.Mat
	shape    CausalShape
}

// Do implements Task.
func (t *pagedTask) Do(unit, worker int) {
	u, s := t.ws.paged.units[unit], &t.shape
	seq := &t.ws.paged.seqs[u.seq]
	group := s.Heads / s.KVHeads
	col := u.head * group * s.HeadDim
	r := seq.row + u.q0
	attn.Paged(t.dst.Data[r*t.dst.Cols+col:], t.dst.Cols, t.qkv.Data[r*t.qkv.Cols+col:], t.qkv.Cols,
		u.q1-u.q0, seq.past+u.q0, seq.kv.KV(s.Layer, u.head), group, s.HeadDim, s.Scale, t.ws.attn[worker])
}
