package nn

import (
	"fmt"

	"mom/kernels/gemm"
	"mom/kernels/half"
	"mom/kernels/quant"
	"mom/tensor"
)

// Precision is the number format that a model's linear layers multiply in.
type Precision uint8

// F32 keeps the weights as they are; BF16 rounds weights and activations to
// bfloat16 and adds in float32; I8 quantises weights per output channel and
// activations per row, and adds in int32.
const (
	F32 Precision = iota
	BF16
	I8
)

func (p Precision) String() string { return [...]string{"f32", "bf16", "int8"}[p] }

// ParsePrecision is the inverse of String.
func ParsePrecision(s string) (Precision, error) {
	for p := F32; p <= I8; p++ {
		if s == p.String() {
			return p, nil
		}
	}
	return 0, fmt.Errorf("precision %q: want f32, bf16, int8 or auto", s)
}

// A Linear is y = act(x·Wᵀ + bias), or the gated form act(x·Aᵀ) * (x·Bᵀ) with
// W = [A; B].
type Linear struct {
	In, Out int // columns of x and of y
	Act     gemm.Act
	bias    []float32
	f32     *gemm.F32
	bf16    *gemm.BF16
	i8      *gemm.I8
	split   *split // of i8; nil if no channel dominates its input
}

// A Matrix is the weight of a linear layer before packing, n rows of k values:
// float32, or int8 with a scale a row.
type Matrix struct {
	N, K  int
	F32   []float32
	I8    []int8
	Scale []float32
}

// Floats returns the matrix as float32.
func (m Matrix) Floats() []float32 {
	if m.F32 != nil {
		return m.F32
	}
	w := make([]float32, m.N*m.K)
	for i, q := range m.I8 {
		w[i] = float32(q) * m.Scale[i/m.K]
	}
	return w
}

// Quantized returns the matrix as int8 with a scale a row.
func (m Matrix) Quantized() (w []int8, scale []float32) {
	if m.I8 != nil {
		return m.I8, m.Scale
	}
	w, scale = make([]int8, m.N*m.K), make([]float32, m.N)
	quant.Weights(w, scale, m.F32, m.N, m.K)
	return w, scale
}

// NewLinear packs w for the CPU at hand.
func NewLinear(w Matrix, bias []float32, act gemm.Act, gated bool, p Precision) Linear {
	l := Linear{In: w.K, Out: w.N, Act: act, bias: bias}
	if gated {
		l.Out /= 2
	}
	switch p {
	case I8:
		q, scale := w.Quantized()
		l.i8 = gemm.PackI8(q, scale, w.N, w.K, gated)
	case BF16:
		b := make([]uint16, w.N*w.K)
		half.ToBF16(b, w.Floats())
		l.bf16 = gemm.PackBF16(b, w.N, w.K, gated)
	default:
		l.f32 = gemm.PackF32(w.Floats(), w.N, w.K, gated)
	}
	return l
}

// Bytes is the memory of the packed weights.
func (l *Linear) Bytes() int {
	n := 4 * len(l.bias)
	switch {
	case l.i8 != nil:
		n += l.i8.Bytes()
	case l.bf16 != nil:
		n += l.bf16.Bytes()
	case l.f32 != nil:
		n += l.f32.Bytes()
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

func (l *Linear) gated() bool {
	switch {
	case l.i8 != nil:
		return l.i8.N() != l.Out
	case l.bf16 != nil:
		return l.bf16.N() != l.Out
	}
	return l.f32.N() != l.Out
}

func (l *Linear) units() int {
	switch {
	case l.i8 != nil:
		return l.i8.Units()
	case l.bf16 != nil:
		return l.bf16.Units()
	}
	return l.f32.Units()
}

// Apply computes dst = l(norm(x)), or dst += with accumulate. norm may be nil.
// Shapes: x [t In], dst [t Out].
func (ws *Workspace) Apply(dst, x tensor.Mat, l *Linear, norm *Norm, accumulate bool) {
	ws.Prepare(x, l, norm, false)
	ws.Multiply(dst, l, accumulate)
}

// Prepare brings norm(x) into the number format of l, for one or more calls of
// Multiply with layers of that format. With inPlace the normalised rows also
// replace x, as in a post-norm model.
func (ws *Workspace) Prepare(x tensor.Mat, l *Linear, norm *Norm, inPlace bool) {
	if x.Cols != l.In {
		panic("BUG: nn: Prepare: x has not the layer's input width")
	}
	t := &ws.rowTask
	*t = rowTask{ws: ws, l: l, x: x, norm: norm, inPlace: inPlace, precision: l.precision()}
	switch t.precision {
	case I8:
		t.ld = rowStride(l.i8.K())
		grow(&ws.q, x.Rows*t.ld)
		grow(&ws.affine, x.Rows)
	case BF16:
		t.ld = (x.Cols + 31) &^ 31
		grow(&ws.bf, x.Rows*t.ld)
	case F32:
		t.ld = x.Cols
		if norm == nil || inPlace {
			ws.linearTask.x = x.Data
		} else {
			ws.linearTask.x = grow(&ws.rows, x.Rows*x.Cols)
		}
		if norm == nil {
			ws.linearTask.m, ws.linearTask.ldx = x.Rows, t.ld
			return
		}
	}
	ws.linearTask.m, ws.linearTask.ldx = x.Rows, t.ld
	growPer(&ws.tmp, ws.Team.Size(), x.Cols+splitColumns)
	t.chunk = rowChunk(x.Rows, ws.Team.Active())
	ws.Team.Run((x.Rows+t.chunk-1)/t.chunk, t)
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

func (l *Linear) precision() Precision {
	switch {
	case l.i8 != nil:
		return I8
	case l.bf16 != nil:
		return BF16
	}
	return F32
}

// rowTask normalises and converts rows.
type rowTask struct {
	ws        *Workspace
	l         *Linear
	x         tensor.Mat
	norm      *Norm
	inPlace   bool
	precision Precision
	ld, chunk int
}

// Do implements Task: a unit is a chunk of rows.
func (t *rowTask) Do(unit, worker int) {
	ws, d := t.ws, t.x.Cols
	for i := unit * t.chunk; i < min((unit+1)*t.chunk, t.x.Rows); i++ {
		row := t.x.Row(i)
		if t.norm != nil {
			to := ws.tmp[worker][:d]
			switch {
			case t.inPlace:
				to = row
			case t.precision == F32:
				to = ws.rows[i*d : (i+1)*d]
			}
			t.norm.row(to, row)
			row = to
		}
		switch t.precision {
		case I8:
			if ws.observed != nil {
				ws.observed.see(t.l, row)
			}
			if s := t.l.split; s != nil {
				wide := ws.tmp[worker][:d]
				if t.norm == nil || t.inPlace {
					copy(wide, row)
				}
				row = s.widen(wide)
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
	t.split(ws.Team.Active())
	ws.Team.Run(t.rowBlocks*t.panels, t)
}

// linearTask multiplies a block of rows by a range of the weight's panels.
type linearTask struct {
	ws       *Workspace
	l        *Linear
	dst      tensor.Mat
	x        []float32 // f32 rows
	m, ldx   int
	epilogue gemm.Epilogue

	block     int // rows a block
	rowBlocks int
	panels    int // ranges of panels
}

// The rows of a block stay in a core's L2 while the weight streams past.
const (
	blockBytes = 384 << 10
	unitOps    = 4 << 20 // the least that is worth handing over, about 10 us
)

func (t *linearTask) split(workers int) {
	size := 1
	switch t.l.precision() {
	case BF16:
		size = 2
	case F32:
		size = 4
	}
	t.block = max(48, blockBytes/(size*t.l.In)/48*48)
	t.panels = 1
	if workers > 1 {
		// Rows first: a unit of few rows and one panel still reuses the panel
		// for every tile of rows.
		t.block = min(t.block, max(48, (t.m+47)/48*48))
		ops := t.l.Ops() * min(t.block, t.m)
		t.panels = max(1, min(t.l.units(), ops/unitOps))
	}
	t.rowBlocks = (t.m + t.block - 1) / t.block
}

// Do implements Task: units of one block of rows come one after another, so
// that workers share its weights in the last-level cache.
func (t *linearTask) Do(unit, worker int) {
	r0 := unit / t.panels * t.block
	m := min(t.block, t.m-r0)
	c, n := unit%t.panels, t.l.units()
	u0, u1 := c*n/t.panels, (c+1)*n/t.panels
	ldd := t.dst.Cols
	dst := t.dst.Data[r0*ldd:]
	switch l := t.l; {
	case l.i8 != nil:
		l.i8.Mul(dst, ldd, t.ws.q[r0*t.ldx:], t.ldx, t.ws.affine[r0:], m, u0, u1, t.epilogue)
	case l.bf16 != nil:
		l.bf16.Mul(dst, ldd, t.ws.bf[r0*t.ldx:], t.ldx, m, u0, u1, t.epilogue)
	default:
		l.f32.Mul(dst, ldd, t.x[r0*t.ldx:], t.ldx, m, u0, u1, t.epilogue)
	}
}
