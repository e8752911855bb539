package nn

import (
	"fmt"

	"mom/kernels/act"
	"mom/kernels/cpu"
	"mom/kernels/gemm"
	"mom/kernels/half"
	"mom/kernels/quant"
	"mom/tensor"
)

// Precision is the number format that a model's linear layers multiply in.
type Precision uint8

// F32 keeps the weights as they are; BF16 rounds weights and activations to
// bfloat16 and adds in float32; I8 quantises weights per output channel and
// activations per row, and adds in int32; I4, for decoders, quantises weights in
// groups of 32 along the input.
const (
	F32 Precision = iota
	BF16
	I8
	I4
)

func (p Precision) String() string { return [...]string{"f32", "bf16", "int8", "int4"}[p] }

// ParsePrecision is the inverse of String.
func ParsePrecision(s string) (Precision, error) {
	for p := F32; p <= I4; p++ {
		if s == p.String() {
			return p, nil
		}
	}
	return 0, fmt.Errorf("precision %q: want f32, bf16, int8, int4 or auto", s)
}

// A Linear is y = act(x·Wᵀ + bias), or the gated form act(x·Aᵀ) * (x·Bᵀ) with
// W = [A; B].
type Linear struct {
	In, Out   int // columns of x and of y
	Act       gemm.Act
	bias      []float32
	precision Precision
	weight    packed // one of those below
	f32       *gemm.F32
	bf16      *gemm.BF16
	i8        *gemm.I8
	i4        *gemm.I4
	split     *split     // of i8; nil if no channel dominates its input
	offset    *gemm.BF16 // of i4: what each group adds for the sum of its inputs; nil for none
	fine      bool       // int8 rows of two terms, see Refine
	id        int        // of adapters' deltas, from 1; 0 if no adapter can have one
}

// packed is what the formats of packed weights have in common.
type packed interface {
	N() int
	K() int
	Units() int
	UnitCols() int
	Bytes() int
	Row(dst []float32, j int)
}

// NewLinear packs w for the CPU at hand. A weight whose rows are not whole groups
// of 32 is int8 in the precision I4.
func NewLinear(w Matrix, bias []float32, act gemm.Act, gated bool, p Precision) Linear {
	if p == I4 && w.K%quant.GroupI4 != 0 {
		p = I8
	}
	l := Linear{In: w.K, Out: w.N, Act: act, bias: bias, precision: p}
	if gated {
		l.Out /= 2
	}
	switch p {
	case I4:
		q, scale := w.QuantizedI4()
		l.i4 = gemm.PackI4(q, scale, w.N, w.K, gated)
		l.weight = l.i4
		if w.Offset != nil {
			l.setOffset(w.Offset, w.N, w.K)
		}
	case I8:
		q, scale := w.Quantized()
		l.setI8(gemm.PackI8(q, scale, w.N, w.K, gated))
	case BF16:
		b := make([]uint16, w.N*w.K)
		half.ToBF16(b, w.Floats())
		l.bf16 = gemm.PackBF16(b, w.N, w.K, gated)
		l.weight = l.bf16
	default:
		l.f32 = gemm.PackF32(w.Floats(), w.N, w.K, gated)
		l.weight = l.f32
	}
	return l
}

func (l *Linear) setI8(w *gemm.I8) { l.i8, l.weight = w, w }

// Bytes is the memory of the packed weights and the bias.
func (l *Linear) Bytes() int {
	n := 4*len(l.bias) + l.weight.Bytes()
	if l.offset != nil {
		n += l.offset.Bytes()
	}
	return n
}

// Ops is the number of multiplications and additions for one row.
func (l *Linear) Ops() int {
	n := l.Out
	if l.gated() {
		n *= 2
	}
	return 2 * n * l.In
}

func (l *Linear) gated() bool { return l.weight.N() != l.Out }

// Apply computes dst = l(norm(x)), or dst += with accumulate. norm may be nil.
// Shapes: x [t In], dst [t Out].
func (ws *Workspace) Apply(dst, x tensor.Mat, l *Linear, norm *Norm, accumulate bool) {
	ws.Prepare(x, l, norm, false)
	ws.Multiply(dst, l, accumulate)
}

// ApplyGated computes dst = l(f(a) * b), or dst += with accumulate, where a and
// b are the halves of the rows of ab. Shapes: ab [t 2·In], dst [t Out].
func (ws *Workspace) ApplyGated(dst, ab tensor.Mat, f gemm.Act, l *Linear, accumulate bool) {
	if ab.Cols != 2*l.In {
		panic("BUG: nn: ApplyGated: ab has not twice the layer's input width")
	}
	ws.prepare(rowTask{l: l, rows: rows{x: ab, gated: true, act: kindOf(f)}})
	ws.Multiply(dst, l, accumulate)
}

// Prepare brings norm(x) into the number format of l, for one or more calls of
// Multiply with layers of that format. With inPlace the normalised rows also
// replace x, as in a post-norm model.
func (ws *Workspace) Prepare(x tensor.Mat, l *Linear, norm *Norm, inPlace bool) {
	if x.Cols != l.In {
		panic("BUG: nn: Prepare: x has not the layer's input width")
	}
	ws.prepare(rowTask{l: l, rows: rows{x: x, norm: norm}, inPlace: inPlace})
}

func (ws *Workspace) prepare(r rowTask) {
	t, l, m, in := &ws.rowTask, r.l, r.x.Rows, r.l.In
	*t = r
	t.ws = ws
	if ws.watch != nil {
		ws.watched(&r)
	}
	switch l.precision {
	case I8, I4:
		t.ld = rowStride(l.weight.K())
		grow(&ws.q, l.terms()*m*t.ld)
		grow(&ws.affine, l.terms()*m)
		if l.offset != nil {
			grow(&ws.bf, m*l.offsetStride())
		}
	case BF16:
		t.ld = (in + 31) &^ 31
		grow(&ws.bf, m*t.ld)
	case F32:
		t.ld = in
		if t.plain() || t.inPlace {
			ws.linearTask.x = t.x.Data
		} else {
			ws.linearTask.x = grow(&ws.rows, m*in)
		}
		if t.plain() {
			ws.linearTask.m, ws.linearTask.ldx = m, t.ld
			return
		}
	}
	ws.linearTask.m, ws.linearTask.ldx = m, t.ld
	growPer(&ws.tmp, ws.Team.Size(), in+splitColumns)
	t.chunk = rowChunk(m, ws.Team.Active())
	ws.Team.Run((m+t.chunk-1)/t.chunk, t)
}

// rowStride keeps quantised rows off strides that put every row of a tile in
// the same few sets of the L1 cache.
func rowStride(k int) int {
	ld := quant.KPad(k)
	if ld%512 == 0 {
		ld += 64
	}
	return ld
}

// rowChunk splits rows of light work so that a chunk outweighs its hand-over.
func rowChunk(rows, workers int) int {
	if workers == 1 {
		return max(rows, 1)
	}
	return max(4, (rows+4*workers-1)/(4*workers))
}

// Exact reports whether the layer multiplies in float32.
func (l *Linear) Exact() bool { return l.f32 != nil }

// rows are the inputs of a linear layer: x, or norm(x), or act(a)*b of the halves
// of x.
type rows struct {
	x     tensor.Mat
	norm  *Norm
	gated bool
	act   act.Kind
}

// plain reports whether the rows are those of x.
func (r *rows) plain() bool { return r.norm == nil && !r.gated }

// input writes input i to dst [In].
func (r *rows) input(dst []float32, i int) {
	row, d := r.x.Row(i), len(dst)
	switch {
	case r.gated:
		act.GatedTile(r.act, dst, d, row, d, row[d:], d, 1, d, false)
	case r.norm != nil:
		r.norm.row(dst, row)
	default:
		copy(dst, row)
	}
}

// rowTask makes the inputs of a layer and converts them.
type rowTask struct {
	rows
	ws        *Workspace
	l         *Linear
	inPlace   bool
	ld, chunk int
}

// Do implements Task: a unit is a chunk of rows.
func (t *rowTask) Do(unit, worker int) {
	ws, d := t.ws, t.l.In
	for i := unit * t.chunk; i < min((unit+1)*t.chunk, t.x.Rows); i++ {
		row := t.x.Row(i)
		if !t.plain() {
			to := ws.tmp[worker][:d]
			switch {
			case t.inPlace:
				to = row
			case t.l.precision == F32:
				to = ws.rows[i*d : (i+1)*d]
			}
			t.input(to, i)
			row = to
		}
		switch t.l.precision {
		case I8, I4:
			if ws.observed != nil && t.l.i8 != nil && !t.l.fine {
				ws.observed.see(t.l, row)
			}
			if t.l.offset != nil {
				t.sums(i, row)
			}
			if s := t.l.split; s != nil {
				wide := ws.tmp[worker][:d]
				if t.plain() || t.inPlace {
					copy(wide, row)
				}
				row = s.widen(wide)
			}
			if t.l.fine {
				t.refined(i, row, ws.tmp[worker][:d])
				continue
			}
			quant.Rows(ws.q[i*t.ld:(i+1)*t.ld], t.ld, ws.affine[i:i+1], row, len(row), 1, len(row))
		case BF16:
			half.BF16Rows(ws.bf[i*t.ld:(i+1)*t.ld], t.ld, row, d, 1, d)
		}
	}
}

// Multiply computes dst = l(rows of the last Prepare), or dst +=.
func (ws *Workspace) Multiply(dst tensor.Mat, l *Linear, accumulate bool) {
	t := &ws.linearTask
	if dst.Rows != t.m || dst.Cols != l.Out {
		panic("BUG: nn: Multiply: dst has the wrong shape")
	}
	t.ws, t.l, t.dst = ws, l, dst
	t.epilogue = gemm.Epilogue{Bias: l.bias, Act: l.Act, Accumulate: accumulate}
	if l.fine {
		t.terms = ws.Mat(Terms, 2*dst.Rows, l.Out)
	}
	t.split(ws.Team.Active())
	ws.Team.Run(t.rowParts*t.colParts*t.perPart, t)
	if l.id > 0 && len(ws.live.groups) > 0 {
		ws.live.add(ws, dst, l)
	}
}

// linearTask multiplies blocks of rows by ranges of the weight's units.
type linearTask struct {
	ws       *Workspace
	l        *Linear
	dst      tensor.Mat
	x        []float32 // f32 rows
	m, ldx   int
	epilogue gemm.Epilogue
	terms    tensor.Mat // of a fine layer: the products of both terms of each row

	// A worker has one of rowParts*colParts parts: blocks of rows, each of them
	// one unit of the team but for the last, which is cut.
	rowParts, colParts int
	blocks, block      int // of a part; rows of one
	cuts               int
	perPart            int // units of the team
}

const (
	rowsAlone = 48        // with so many rows a worker has rows of its own and reads the whole weight;
	rowsTiles = 160       // so many for bf16 by matrix instructions, which wait for the weight longer
	unitOps   = 4 << 20   // the least that is worth handing over, about 10 us,
	unitBytes = 192 << 10 // or as long a read of weights
)

// blockBytes are the rows of a block, which stay in a core's second-level cache while
// the weight streams past: three eighths of it.
var blockBytes = func() int {
	_, l2, _ := cpu.Caches()
	return min(max(l2*3/8, 384<<10), 768<<10)
}()

func (t *linearTask) split(workers int) {
	size, alone := 1, rowsAlone
	switch t.l.precision {
	case BF16:
		size = 2
		if cpu.HasAMX {
			alone = rowsTiles
		}
	case F32:
		size = 4
	}
	// Rows first: they stay in one core's cache from layer to layer.
	t.rowParts = workers
	for workers%t.rowParts != 0 || t.rowParts > max(1, t.m/alone) {
		t.rowParts--
	}
	t.colParts = workers / t.rowParts
	rows, most := (t.m+t.rowParts-1)/t.rowParts, max(48, blockBytes/(size*t.l.In))
	t.blocks = max(1, (rows+most-1)/most)
	t.block = max(8, ((rows+t.blocks-1)/t.blocks+7)&^7)
	t.cuts = 1
	if workers > 1 {
		// A panel is fetched while the one before it is multiplied, but for the first of a
		// unit: so units begin long, and end short, for all workers to end at the same time.
		n := t.l.weight.Units()
		ops := t.l.Ops() * min(t.block, t.m)
		least := max(1, n/max(1, ops/unitOps, t.l.weight.Bytes()/unitBytes))
		for n/t.colParts>>t.cuts >= least {
			t.cuts++
		}
	}
	t.perPart = t.blocks - 1 + t.cuts
}

// Do implements Task.
func (t *linearTask) Do(unit, worker int) {
	part, i := unit/t.perPart, unit%t.perPart
	col, n := part%t.colParts, t.l.weight.Units()
	u0, u1 := col*n/t.colParts, (col+1)*n/t.colParts
	if cut := i - (t.blocks - 1); cut >= 0 {
		end := u1
		if cut+1 < t.cuts {
			u1 -= (end - u0) >> (cut + 1)
		}
		u0 = end - (end-u0)>>cut
	}
	r0 := (part/t.colParts*t.blocks + min(i, t.blocks-1)) * t.block
	m := min(t.block, t.m-r0)
	if m <= 0 || u0 == u1 { // fewer rows or units than workers
		return
	}
	if t.l.fine {
		t.addTerms(r0, m, u0, u1)
		return
	}
	t.mul(t.dst.Data[r0*t.dst.Cols:], t.dst.Cols, r0, m, u0, u1, t.epilogue)
	t.addOffset(r0, m, u0, u1)
}

// mul multiplies m of the prepared rows, from r0 on, by the units [u0, u1).
func (t *linearTask) mul(dst []float32, ldd, r0, m, u0, u1 int, e gemm.Epilogue) {
	switch l := t.l; {
	case l.i4 != nil:
		l.i4.Mul(dst, ldd, t.ws.q[r0*t.ldx:], t.ldx, t.ws.affine[r0:], m, u0, u1, e)
	case l.i8 != nil:
		l.i8.Mul(dst, ldd, t.ws.q[r0*t.ldx:], t.ldx, t.ws.affine[r0:], m, u0, u1, e)
	case l.bf16 != nil:
		l.bf16.Mul(dst, ldd, t.ws.bf[r0*t.ldx:], t.ldx, m, u0, u1, e)
	default:
		l.f32.Mul(dst, ldd, t.x[r0*t.ldx:], t.ldx, m, u0, u1, e)
	}
}
