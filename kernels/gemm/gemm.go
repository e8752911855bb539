// Package gemm multiplies rows of activations by weight matrices that were
// packed when the model was loaded: y = x·wᵀ with x [m k], w [n k], y [m n].
//
// There are four number formats. F32 multiplies float32 by float32; BF16
// multiplies bfloat16 by bfloat16 and adds in float32; I8 multiplies
// quantised activations by quantised weights, adds in int32, and scales the
// sums back to float32; I4 does the same in groups of 32 values of k with weights
// of 4 bits. The result is always float32.
//
// An Epilogue does the work that follows a product while the result is still
// in registers or in the first-level cache: bias, activation, gating, adding
// to what dst holds.
//
// A row of the result does not depend on the other rows: its bits are the same
// for every m and every split into units. I8 and I4 give the same bits at
// every level of the CPU unless an activation is applied; F32 and BF16 differ
// between levels, within the bounds in the comments of Mul.
//
// # Layout
//
// The columns of a weight (the rows of w) are cut into units of 48, the last
// one rounded up to a multiple of 16 with zeros. A unit is one panel, or with
// gating a pair: the columns of a, then the columns of b. A panel of c columns
// holds, for each group of g consecutive k, g values of each column:
//
//	panel[k/g][c][g]    g = 1 for F32, 2 for BF16, 4 for I8
//
// so that a vector of 16 columns is one aligned load of 64 bytes. K is rounded
// up to a multiple of g (for I8 of 16) with zeros. (The panels of I4 are described
// there.)
//
// The matrix instructions of arm64's level i8mm want twice as many values of a
// column together: g = 4 for BF16, 8 for I8. A weight that was packed at this level
// is multiplied by plain Go at others. Else the layout is the same at all levels.
package gemm

import "unsafe"

// Act is an activation function applied to the product plus bias.
type Act uint8

const (
	None     Act = iota
	GELU         // x·Φ(x), by the error function
	GELUTanh     // the approximation of GELU by tanh
	SiLU         // x/(1+exp(-x))
	ReLU
	Tanh
)

// An Epilogue is what Mul does with a product before it is stored.
type Epilogue struct {
	Bias       []float32 // one for each row of w, or nil
	Act        Act
	Accumulate bool // dst += y instead of dst = y
}

const (
	unitCols = 48 // columns of a panel
	vecCols  = 16 // columns of a vector
	maxRows  = 8  // no kernel has tiles of more rows,
	manyRows = 32 // but those of I4 and I8 for AVX2, which share work among pairs or fours of rows, and of matrix instructions
)

// shape is what the formats have in common.
type shape struct {
	n, k   int // of the weight as given to Pack
	cols   int // of dst: n, or n/2 if gated
	halves int // panels a unit: 1, or 2 if gated
	kpad   int // k rounded up to whole groups
}

func newShape(n, k int, gated bool, group int) shape {
	if n < 1 || k < 1 {
		panic("gemm: Pack: n or k is not positive")
	}
	s := shape{n: n, k: k, cols: n, halves: 1, kpad: (k + group - 1) / group * group}
	if gated {
		if n%2 != 0 {
			panic("gemm: Pack: n of a gated weight is odd")
		}
		s.cols, s.halves = n/2, 2
	}
	return s
}

// N returns the rows of the weight: its output columns, twice as many as dst
// has if the weight is gated.
func (s *shape) N() int { return s.n }

// K returns the columns of the weight: the length of a row of x.
func (s *shape) K() int { return s.k }

// Cols returns the columns of dst.
func (s *shape) Cols() int { return s.cols }

// Units returns the number of parts into which Mul can split the columns of
// dst. Parts may be computed at the same time.
func (s *shape) Units() int { return (s.cols + unitCols - 1) / unitCols }

// UnitCols returns the columns of dst in a unit. (The last has what is left.)
func (s *shape) UnitCols() int { return unitCols }

// unit returns the columns [c0, c0+cols) of dst that unit u holds, and the
// width of its panels in vectors.
func (s *shape) unit(u int) (c0, cols, vecs int) {
	c0 = u * unitCols
	cols = min(unitCols, s.cols-c0)
	return c0, cols, (cols + vecCols - 1) / vecCols
}

// paddedCols is the number of columns of all panels.
func (s *shape) paddedCols() int {
	return s.halves * (s.cols + vecCols - 1) / vecCols * vecCols
}

// panel returns, for panel h of unit u, the first of its columns among the
// padded columns of the whole weight. (The panel's values begin at kpad times
// that.)
func (s *shape) panel(u, h int) int {
	_, _, vecs := s.unit(u)
	return u*unitCols*s.halves + h*vecs*vecCols
}

// rows calls f with each panel's first padded column, its width in columns,
// and the rows of w [r0, r0+rows) that it holds.
func (s *shape) panels(f func(at, width, r0, rows int)) {
	for u := range s.Units() {
		c0, cols, vecs := s.unit(u)
		for h := range s.halves {
			f(s.panel(u, h), vecs*vecCols, h*s.cols+c0, cols)
		}
	}
}

// check panics unless the arguments of a Mul fit. kx is how many values of a
// row of x the kernels read.
func (s *shape) check(ndst, ldd, nx, ldx, kx, m, u0, u1 int, ep *Epilogue) {
	if m < 0 || u0 < 0 || u0 > u1 || u1 > s.Units() {
		panic("gemm: Mul: m or the range of units is out of range")
	}
	if ep.Bias != nil && len(ep.Bias) != s.n {
		panic("gemm: Mul: len(Bias) is not N")
	}
	if ep.Act > Tanh {
		panic("gemm: Mul: unknown activation")
	}
	if m == 0 || u0 == u1 {
		return
	}
	end := min(u1*unitCols, s.cols)
	if ldd < s.cols || ldx < kx {
		panic("gemm: Mul: a row stride is shorter than a row")
	}
	if ndst < (m-1)*ldd+end || nx < (m-1)*ldx+kx {
		panic("gemm: Mul: dst or x is too short")
	}
}

// A tile is the call of a tile kernel: rows of x times one panel. Strides are
// in bytes. All levels of a format read the same tile.
type tile struct {
	dst    unsafe.Pointer // float32 [rows][16*vecs]
	ldd    uintptr
	x      unsafe.Pointer // [rows][k]
	ldx    uintptr
	w      unsafe.Pointer // the panel
	k      int            // groups of 1, 2, 4 or 32 values of k
	rows   int            // 1 to the rows of the kernel
	vecs   int            // 1 to 3
	bias   unsafe.Pointer // float32 [16*vecs]
	add    int            // 1: dst += y
	affine unsafe.Pointer // I8, I4: quant.Affine [rows]
	wscale unsafe.Pointer // I8: float32 [16*vecs]
	colsum unsafe.Pointer // [16*vecs], the sum of a column. I8: int32, I4: float32
	below  unsafe.Pointer // I8: x was split by i8Split, which left sums of its rows here; or nil
	block  int            // BF16, I8: values of a column that lie together in w
	alone  bool           // there are no other rows, and at most 4: memory decides the speed
	next   uintptr        // what to prefetch begins so far behind w,
	fetch  uintptr        // and for each 64 bytes of w this many are prefetched
}

// A product is a Mul after its arguments were checked.
type product struct {
	*shape
	format   format
	x        unsafe.Pointer
	ldx      uintptr
	w        unsafe.Pointer
	groups   int // of k
	block    int
	colBytes uintptr // bytes of a padded column of w
	affine   unsafe.Pointer
	below    unsafe.Pointer // as in tile
	wscale   unsafe.Pointer
	colsum   unsafe.Pointer
}

type format uint8

const (
	formatF32 format = iota
	formatBF16
	formatI8
	formatI4
)

// run multiplies m rows of x by the units [u0, u1).
//
// A unit's panels meet all tiles of rows before the next unit's, so that the
// weights pass through the cache once and the rows of x stay in it. The tiles
// have equal numbers of rows, give or take one: 33 rows are 7+7+7+6+6.
func (p *product) run(dst []float32, ldd, m, u0, u1 int, ep *Epilogue) {
	most, step := tileRows(p.format, p.groups)
	if min(m, most) <= maxRows {
		var scratch [2][maxRows * unitCols]float32
		p.tiles(dst, ldd, m, most, step, u0, u1, ep, scratch[0][:], scratch[1][:])
	} else {
		var scratch [2][manyRows * unitCols]float32
		p.tiles(dst, ldd, m, most, step, u0, u1, ep, scratch[0][:], scratch[1][:])
	}
}

// tiles is run with the most rows of a tile, how many of them are computed
// together, and memory for the results of a tile of both halves.
func (p *product) tiles(dst []float32, ldd, m, most, step, u0, u1 int, ep *Epilogue, a, b []float32) {
	var (
		bias    [2][unitCols]float32
		scratch = [2][]float32{a, b}
		tiles   [2]tile // of the panels of a unit
	)
	count, steps := (m+most-1)/most, (m+step-1)/step
	rows, longer := steps/count*step, steps%count // the first tiles have a step more
	for u := u0; u < u1; u++ {
		c0, cols, vecs := p.unit(u)
		width := vecs * vecCols
		fetched := uintptr((p.halves+1)*width) * p.colBytes // the end of the next panel
		// Results go to dst at once if they are whole vectors and final but for
		// a function in place, else to scratch.
		direct := p.halves == 1 && cols == width && (ep.Act == None || !ep.Accumulate)
		for h := range p.halves {
			if ep.Bias != nil {
				copy(bias[h][:cols], ep.Bias[h*p.cols+c0:])
			}
			tiles[h] = p.panelTile(u, h, count, u+1 < u1)
			tiles[h].alone = m <= 4
			tiles[h].bias = unsafe.Pointer(&bias[h])
			tiles[h].dst, tiles[h].ldd = unsafe.Pointer(&scratch[h][0]), uintptr(4*width)
		}
		if direct {
			tiles[0].ldd = uintptr(4 * ldd)
			if ep.Accumulate {
				tiles[0].add = 1
			}
		}
		for i, r := 0, 0; i < count; i++ {
			n := rows
			if i < longer {
				n += step
			}
			n = min(n, m-r)
			out := dst[r*ldd+c0:]
			for h := range p.halves {
				tiles[h].rows = n
				tiles[h].x = unsafe.Add(p.x, uintptr(r)*p.ldx)
				if p.affine != nil {
					tiles[h].affine = unsafe.Add(p.affine, 8*r)
				}
				if direct {
					tiles[h].dst = unsafe.Pointer(&out[0])
				}
				mulTile(p.format, &tiles[h])
				tiles[h].next += uintptr(p.groups*vecs) * tiles[h].fetch
				if tiles[h].next >= fetched {
					tiles[h].fetch = 0
				}
			}
			switch {
			case p.halves == 2:
				gate(ep.Act, out, ldd, a, b, width, n, cols, ep.Accumulate)
			case !direct:
				activate(ep.Act, a, width, n, cols)
				storeTile(out, ldd, a, width, n, cols, ep.Accumulate)
			case ep.Act != None:
				activate(ep.Act, out, ldd, n, cols)
			}
			r += n
		}
	}
}

// panelTile returns a tile with what is the same for all rows of panel h of unit
// u. count is the number of tiles of rows, which share the work of prefetching
// if there is more than this unit.
func (p *product) panelTile(u, h, count int, more bool) tile {
	_, _, vecs := p.unit(u)
	at := p.panel(u, h)
	t := tile{ldx: p.ldx, w: unsafe.Add(p.w, uintptr(at)*p.colBytes), k: p.groups, vecs: vecs, block: p.block, below: p.below}
	if p.colsum != nil {
		t.colsum = unsafe.Add(p.colsum, 4*at)
	}
	if p.wscale != nil {
		t.wscale = unsafe.Add(p.wscale, 4*at)
	}
	if more {
		// The same panel of the next unit, if that is as wide.
		t.next, t.fetch = uintptr(p.halves*vecs*vecCols)*p.colBytes, uintptr((63+count)/count)
	}
	return t
}

func mulTile(f format, t *tile) {
	switch f {
	case formatF32:
		f32Tile(t)
	case formatBF16:
		bf16Tile(t)
	case formatI8:
		i8Tile(t)
	case formatI4:
		i4Tile(t)
	}
}
