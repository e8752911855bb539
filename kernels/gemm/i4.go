package gemm

import (
	"encoding/binary"
	"unsafe"

	"mom/kernels/quant"
)

// I4 is a packed weight of 4 bits a value, with a scale for each 32 values of a
// row. It is for decoders: to multiply few rows is to read the weight once, and it
// is five eighths of I8's.
//
// A panel of c columns holds, for each group of 32 values of k,
//
//	values [4][c][4]byte    byte i of line l is value 8*l+i in the low half and 8*l+4+i in the high
//	scales [c]float32
//
// with the values as two's complement, so that each half of a line is a group of
// four values of each column, as in I8, and a panel is read from end to end.
type I4 struct {
	shape
	data   []byte
	colsum []float32 // one a padded column: the sums of its groups times their scales
}

// groupI4 is the number of values of a row that share a scale.
const groupI4 = quant.GroupI4

// bytesI4 is the memory of a group of a column: its values and its scale.
const bytesI4 = groupI4/2 + 4

// PackI4 packs w, n rows of k values, k a multiple of 32. The bytes of q hold two
// values each, that of even k in the low half: half byte h of group g of row j
// stands for (h-8)*scale[j*k/32+g]. A gated weight has n = 2f: the rows of a, then
// the rows of b.
//
// Shapes: q [n k/2], scale [n k/32].
func PackI4(q []byte, scale []float32, n, k int, gated bool) *I4 {
	s := newShape(n, k, gated, groupI4)
	if k%groupI4 != 0 {
		panic("gemm: PackI4: k is not a multiple of 32")
	}
	if len(q) != n*k/2 || len(scale) != n*k/groupI4 {
		panic("gemm: PackI4: len(q) is not n*k/2 or len(scale) is not n*k/32")
	}
	p := &I4{
		shape:  s,
		data:   alignedSlice[byte](s.paddedCols() * k / groupI4 * bytesI4),
		colsum: alignedSlice[float32](s.paddedCols()),
	}
	groups := k / groupI4
	s.panels(func(at, width, r0, rows int) {
		panel := p.data[at*groups*bytesI4:]
		sums := [unitCols]float64{}
		for g := range groups {
			lines, scales := i4Group(panel, g, width)
			for j := range rows {
				from := q[((r0+j)*groups+g)*groupI4/2:][:groupI4/2]
				v := scale[(r0+j)*groups+g]
				binary.NativeEndian.PutUint32(scales[4*j:], *(*uint32)(unsafe.Pointer(&v)))
				for l := range 4 {
					halves := binary.LittleEndian.Uint32(from[4*l:]) ^ 0x88888888
					binary.LittleEndian.PutUint32(lines[4*(l*width+j):], spread(halves)|spread(halves>>16)<<4)
				}
				sums[j] += float64(v) * float64(sumI4(from)) // an exact product
			}
		}
		for j := range rows {
			p.colsum[at+j] = float32(sums[j])
		}
	})
	settle(p.data)
	return p
}

// i4Group returns the values and the scales of a group of a panel.
func i4Group(panel []byte, g, width int) (lines, scales []byte) {
	group := panel[g*width*bytesI4:][:width*bytesI4]
	return group[:width*groupI4/2], group[width*groupI4/2:]
}

// spread puts the four half bytes of the lower 16 bits into the low halves of
// four bytes, and gather takes them out.
func spread(x uint32) uint32 {
	x &= 0xFFFF
	x = (x | x<<8) & 0x00FF00FF
	return (x | x<<4) & 0x0F0F0F0F
}

func gather(x uint32) uint32 {
	x &= 0x0F0F0F0F
	x = (x | x>>4) & 0x00FF00FF
	return (x | x>>8) & 0xFFFF
}

// sumI4 adds up the values of a group, 8 less than their half bytes.
func sumI4(group []byte) int {
	const low = 0x0F0F0F0F0F0F0F0F
	a, b := binary.NativeEndian.Uint64(group), binary.NativeEndian.Uint64(group[8:])
	bytes := a&low + a>>4&low + b&low + b>>4&low // at most 60 each
	const even = 0x00FF00FF00FF00FF
	return int((bytes&even+bytes>>8&even)*0x0001000100010001>>48) - 8*groupI4
}

// Unpack returns the weight and the scales as they were given to PackI4.
func (w *I4) Unpack() (q []byte, scale []float32) {
	groups := w.k / groupI4
	q, scale = make([]byte, w.n*w.k/2), make([]float32, w.n*groups)
	w.panels(func(at, width, r0, rows int) {
		panel := w.data[at*groups*bytesI4:]
		for j := range rows {
			for g := range groups {
				i := (r0+j)*groups + g
				scale[i] = w.group(q[i*groupI4/2:], panel, g, j, width)
			}
		}
	})
	return q, scale
}

// group writes the half bytes of group g of a panel's column j as PackI4 takes
// them, and returns their scale.
func (w *I4) group(q, panel []byte, g, j, width int) (scale float32) {
	lines, scales := i4Group(panel, g, width)
	for l := range 4 {
		v := binary.LittleEndian.Uint32(lines[4*(l*width+j):])
		binary.LittleEndian.PutUint32(q[4*l:], (gather(v)|gather(v>>4)<<16)^0x88888888)
	}
	return *(*float32)(unsafe.Pointer(&scales[4*j]))
}

// Row is F32.Row, with the values times the scales of their groups.
func (w *I4) Row(dst []float32, j int) {
	s := &w.shape
	_, step, column := s.row(j, len(dst), 1)
	first := column - (j%s.cols)%unitCols // the panel's first padded column
	panel := w.data[first*(w.k/groupI4)*bytesI4:]
	var q [groupI4 / 2]byte
	for i := range dst {
		g := i / groupI4
		if i%groupI4 == 0 {
			w.group(q[:], panel, g, column-first, step)
		}
		_, scales := i4Group(panel, g, step)
		half := q[i%groupI4/2] >> (i % 2 * 4) & 15
		dst[i] = float32(int(half)-8) * *(*float32)(unsafe.Pointer(&scales[4*(column-first)]))
	}
}

// Bytes returns the memory that the packed weight holds.
func (w *I4) Bytes() int { return len(w.data) + 4*len(w.colsum) }

// Mul computes the columns of units [u0, u1) of m rows of dst = epilogue(x·wᵀ),
// with rows of x as in I8.Mul:
//
//	for j := range columns {
//		var y float32
//		for g := range k/32 {
//			var sum int32
//			for i := 32 * g; i < 32*g+32; i++ {
//				sum += int32(x[i]) * int32(w[j][i])
//			}
//			y = fma(float32(sum), scale[j][g], y)
//		}
//		y = fma(float32(a[r].Shift-128), colsum[j], y)
//		y = y*a[r].Scale + bias[j]
//		dst[j] = act(y)
//	}
//
// where fma rounds once, colsum[j] is the sum of w[j][i]*scale[j][i/32] rounded to
// float32, and other operations on floats are rounded by themselves. The result
// is the same at every level, bit for bit, if Act is None; otherwise the activation
// decides. If the weight is gated, dst[j] = act(ya) * yb as in F32.Mul.
//
// Before the activation, the result is within
// (k/32+4)*2^-24*(Σ|x[i]*w[j][i]*scale| + 128*Σ|w[j][i]*scale|)*a[r].Scale, with
// bytes x[i], plus 2^-24*|bias[j]| of the exact one.
//
// A row of x has k values; nothing behind them is read.
//
// Shapes: x [m k], a [m], dst [m Cols].
func (w *I4) Mul(dst []float32, ldd int, x []uint8, ldx int, a []quant.Affine, m, u0, u1 int, ep Epilogue) {
	w.check(len(dst), ldd, len(x), ldx, w.k, m, u0, u1, &ep)
	if len(a) < m {
		panic("gemm: Mul: a is too short")
	}
	if m == 0 || u0 == u1 {
		return
	}
	p := product{
		shape:    &w.shape,
		format:   formatI4,
		x:        unsafe.Pointer(&x[0]),
		ldx:      uintptr(ldx),
		w:        unsafe.Pointer(&w.data[0]),
		groups:   w.k / groupI4,
		colBytes: uintptr(w.k / groupI4 * bytesI4),
		affine:   unsafe.Pointer(&a[0]),
		colsum:   unsafe.Pointer(&w.colsum[0]),
	}
	p.run(dst, ldd, m, u0, u1, &ep)
}
