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
