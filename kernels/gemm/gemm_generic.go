package gemm

import (
	"math"
	"unsafe"

	"mom/kernels/quant"
)

// The tiles of plain Go are the specification of those in assembly.

// at returns where the value of k index i begins in a panel of n columns, of
// which blocks of so many values lie together.
func at(i, n, block int) int { return i/block*n*block + i%block }

func f32TileGeneric(t *tile) {
	n := t.vecs * vecCols
	w := unsafe.Slice((*float32)(t.w), t.k*n)
	for r := range t.rows {
		x := unsafe.Slice((*float32)(row(t.x, t.ldx, r)), t.k)
		var sum [unitCols]float32
		for i, v := range x {
			for j, wj := range w[i*n:][:n] {
				sum[j] += float32(v * wj)
			}
		}
		t.store(r, &sum)
	}
}

func bf16TileGeneric(t *tile) {
	n := t.vecs * vecCols
	w := unsafe.Slice((*uint16)(t.w), at(2*t.k-2, n, t.block)+(n-1)*t.block+2)
	for r := range t.rows {
		x := unsafe.Slice((*uint16)(row(t.x, t.ldx, r)), t.k*2)
		var sum [unitCols]float32
		for i := range t.k {
			x0, x1 := widen(x[2*i]), widen(x[2*i+1])
			pairs := w[at(2*i, n, t.block):]
			for j := range n {
				pair := pairs[j*t.block:][:2]
				sum[j] += float32(x0 * widen(pair[0]))
				sum[j] += float32(x1 * widen(pair[1]))
			}
		}
		t.store(r, &sum)
	}
}

func widen(x uint16) float32 { return math.Float32frombits(uint32(x) << 16) }

func i8TileGeneric(t *tile) {
	n := t.vecs * vecCols
	w := unsafe.Slice((*int8)(t.w), t.k*n*4)
	scale := unsafe.Slice((*float32)(t.wscale), n)
	colsum := unsafe.Slice((*int32)(t.colsum), n)
	for r := range t.rows {
		x := unsafe.Slice((*uint8)(row(t.x, t.ldx, r)), t.k*4)
		affine := (*quant.Affine)(unsafe.Add(t.affine, r*8))
		var dot [unitCols]int32
		for i := range t.k {
			x0, x1, x2, x3 := int32(x[4*i]), int32(x[4*i+1]), int32(x[4*i+2]), int32(x[4*i+3])
			groups := w[at(4*i, n, t.block):]
			for j := range n {
				g := groups[j*t.block:][:4]
				dot[j] += x0*int32(g[0]) + x1*int32(g[1]) + x2*int32(g[2]) + x3*int32(g[3])
			}
		}
		var sum [unitCols]float32
		for j := range n {
			sum[j] = float32(dot[j]+(affine.Shift-128)*colsum[j]) * float32(affine.Scale*scale[j])
		}
		t.store(r, &sum)
	}
}

func i4TileGeneric(t *tile) {
	n := t.vecs * vecCols
	w := unsafe.Slice((*byte)(t.w), t.k*n*bytesI4)
	colsum := unsafe.Slice((*float32)(t.colsum), n)
	for r := range t.rows {
		x := unsafe.Slice((*uint8)(row(t.x, t.ldx, r)), t.k*groupI4)
		affine := (*quant.Affine)(unsafe.Add(t.affine, r*8))
		var sum [unitCols]float32
		for g := range t.k {
			lines, scales := i4Group(w, g, n)
			scale := words[float32](scales)
			var dot [unitCols]int32
			for l := range 4 {
				x := x[g*groupI4+8*l:][:8]
				for j := range n {
					v := lines[4*(l*n+j):][:4]
					for i, b := range v { // the low half and the high, with its sign
						dot[j] += int32(x[i])*int32(int8(b<<4)>>4) + int32(x[4+i])*int32(int8(b)>>4)
					}
				}
			}
			for j := range n {
				sum[j] = fma32(float32(dot[j]), scale[j], sum[j])
			}
		}
		for j := range n {
			sum[j] = float32(fma32(float32(affine.Shift-128), colsum[j], sum[j]) * affine.Scale)
		}
		t.store(r, &sum)
	}
}

// fma32 returns x*y+z rounded once. The product of two float32s is exact in
// float64; the sum is rounded to odd there, so that what is rounded off cannot
// look like half of a float32's last place.
func fma32(x, y, z float32) float32 {
	p, q := float64(x)*float64(y), float64(z)
	s := p + q
	if s-s != 0 {
		return float32(s)
	}
	t := s - p
	lost := (p - (s - t)) + (q - t) // of p+q, exactly (Knuth)
	if bits := math.Float64bits(s); lost != 0 && bits&1 == 0 {
		if lost > 0 == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}

// store adds the bias to a row of sums and stores it in row r of dst.
func (t *tile) store(r int, sum *[unitCols]float32) {
	n := t.vecs * vecCols
	dst := unsafe.Slice((*float32)(row(t.dst, t.ldd, r)), n)
	bias := unsafe.Slice((*float32)(t.bias), n)
	for j := range dst {
		y := sum[j] + bias[j]
		if t.add != 0 {
			y += dst[j]
		}
		dst[j] = y
	}
}

func row(base unsafe.Pointer, stride uintptr, r int) unsafe.Pointer {
	return unsafe.Add(base, stride*uintptr(r))
}
