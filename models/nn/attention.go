package nn

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"mom/kernels/attn"
	"mom/kernels/rope"
	"mom/tensor"
)

// A Rotary computes one kind of rotary position embedding. Its tables grow to
// the longest sequence seen, so that a config cannot ask for memory that no
// text needs.
type Rotary struct {
	Dim     int       // of a head
	InvFreq []float64 // [Dim/2]
	Scale   float64   // of cosines and sines

	mu    sync.Mutex
	table atomic.Pointer[rotaryTable]
}

type rotaryTable struct {
	positions int
	cos, sin  []float32 // [positions Dim/2]
}

// upTo returns tables for positions below n at least.
func (r *Rotary) upTo(n int) *rotaryTable {
	if t := r.table.Load(); t != nil && t.positions >= n {
		return t
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.table.Load()
	if t == nil || t.positions < n {
		t = &rotaryTable{positions: max(512, 1<<bits.Len(uint(n-1)))}
		t.cos, t.sin = rope.Table(r.Dim, t.positions, r.InvFreq, r.Scale)
		r.table.Store(t)
	}
	return t
}

// Rotate turns the first heads heads of each row of x in place. pos [t] is the
// position of each row in its sequence, of a batch that PlanAttention has seen.
func (ws *Workspace) Rotate(x tensor.Mat, heads int, r *Rotary, pos []int32) {
	t := &ws.ropeTask
	*t = ropeTask{x: x, heads: heads, dim: r.Dim, table: r.upTo(ws.longest), pos: pos, chunk: rowChunk(x.Rows, ws.Team.Active())}
	ws.Team.Run((x.Rows+t.chunk-1)/t.chunk, t)
}

type ropeTask struct {
	x          tensor.Mat
	heads, dim int
	table      *rotaryTable
	pos        []int32
	chunk      int
}

// Do implements Task: a unit is a chunk of rows.
func (t *ropeTask) Do(unit, _ int) {
	i := unit * t.chunk
	m := min(t.chunk, t.x.Rows-i)
	rope.Apply(t.x.Data[i*t.x.Cols:], t.x.Cols, m, t.heads, t.dim, t.table.cos, t.table.sin, t.pos[i:])
}

// attnUnit is some heads of some queries of one sequence.
type attnUnit struct {
	start, n int // the sequence's rows
	h0, h1   int
	q0, q1   int // relative to start
}

// PlanAttention splits the attention of sequences starts[i]..starts[i+1] into
// units. One plan serves every layer of a forward pass.
func (ws *Workspace) PlanAttention(starts []int32, heads int) {
	ws.units, ws.longest = ws.units[:0], 0
	workers := ws.Team.Active()
	const queries = 1024 // of one unit, at most
	for i := range len(starts) - 1 {
		s, n := int(starts[i]), int(starts[i+1]-starts[i])
		ws.longest = max(ws.longest, n)
		// About four units a worker, unless they become very small.
		group := heads
		if workers > 1 {
			group = max(1, heads/(4*workers), min(heads/workers, 2048/max(n, 1)/max(n/8, 1)))
		}
		for q := 0; q < n; q += queries {
			for h := 0; h < heads; h += group {
				ws.units = append(ws.units, attnUnit{s, n, h, min(h+group, heads), q, min(q+queries, n)})
			}
		}
	}
}

// Attend computes softmax attention within each sequence of the plan. qkv [t 3d]
// holds queries, keys and values side by side; dst is [t d].
func (ws *Workspace) Attend(dst, qkv tensor.Mat, s attn.Shape) {
	t := &ws.attnTask
	*t = attnTask{ws: ws, dst: dst, qkv: qkv, shape: s}
	growPer(&ws.attn, ws.Team.Size(), attn.ScratchLen(s, ws.longest))
	ws.Team.Run(len(ws.units), t)
}

type attnTask struct {
	ws       *Workspace
	dst, qkv tensor.Mat
	shape    attn.Shape
}

// Do implements Task.
func (t *attnTask) Do(unit, worker int) {
	u, s := t.ws.units[unit], t.shape
	d, kv := s.Heads*s.HeadDim, s.KVHeads*s.HeadDim
	ld := t.qkv.Cols
	q := t.qkv.Data[u.start*ld : (u.start+u.n)*ld]
	k, v := q[d:], q[d+kv:]
	dst := t.dst.Data[u.start*t.dst.Cols:]
	for h := u.h0; h < u.h1; h++ {
		attn.Attend(dst, t.dst.Cols, q, k, v, ld, u.n, h, u.q0, u.q1, s, t.ws.attn[worker])
	}
}
