package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

// A kernel256 computes up to 6 rows of 16 columns at a time: two registers. The
// sum of row r and half v is in register 2*r+v.
type kernel256 struct {
	file
	arithmetic256
}

// arithmetic256 is arithmetic512 for half the width.
type arithmetic256 interface {
	init(k kernel256, rows int)
	group(k kernel256, rows, u int) // u is which group of a round
	toFloat(k kernel256, rows int)
}

func (k kernel256) emit() {
	k.prologue()
	k.L("MOVQ tile_vecs(%s), %s", argument, step)
	k.L("SHLQ $6, %s", step)
	k.L("XORL %s, %s", vector, vector)
	again := k.NewLabel("vector")
	k.Label(again)
	k.start()
	k.L("MOVQ tile_w(%s), %s", argument, weights)
	k.L("ADDQ %s, %s", vector, weights)
	k.L("ADDQ %s, %s", vector, dst)
	k.forRows(k.name, func(rows int) { k.tile(rows, again) })
}

// tile prefetches the next panel into the second-level cache, a line for each
// line of this one.
func (k kernel256) tile(rows int, again string) {
	k.init(k, rows)
	k.loop(rows, 2, func(u int) {
		k.L("PREFETCHT1 (%s)", fetch)
		k.L("PREFETCHT0 (%s)(%s*8)", weights, step)
		k.L("ADDQ tile_fetch(%s), %s", argument, fetch)
		k.group(k, rows, u)
		k.L("ADDQ %s, %s", step, weights)
	})
	k.toFloat(k, rows)
	k.L("MOVQ tile_bias(%s), %s", argument, scratch)
	k.addOrStore(func(add bool) {
		k.storeRows(rows, add)
	}, func() {
		k.L("ADDQ $64, %s", vector)
		k.L("CMPQ %s, %s", vector, step)
		k.L("JLT %s", again)
		k.L("VZEROUPPER")
		k.L("RET")
	})
}

// storeRows adds the bias, and what dst holds, to 16 columns and stores them.
func (k kernel256) storeRows(rows int, add bool) {
	for r := range rows {
		for v := range 2 {
			y := 2*r + v
			k.L("VADDPS %d(%s)(%s*1), Y%d, Y%d", 32*v, scratch, vector, y, y)
			if add {
				k.L("VADDPS %d(%s), Y%d, Y%d", 32*v, dst, y, y)
			}
			k.L("VMOVUPS Y%d, %d(%s)", y, 32*v, dst)
		}
		if r < rows-1 {
			k.L("ADDQ %s, %s", ldd, dst)
		}
	}
}

func (k kernel256) zero(rows int) {
	for y := range 2 * rows {
		k.L("VPXOR Y%d, Y%d, Y%d", y, y, y)
	}
}

// f32x256 is float32: weights in Y12 and Y13, x in Y14 and Y15.
type f32x256 struct{}

func (f32x256) init(k kernel256, rows int) { k.zero(rows) }

func (f32x256) group(k kernel256, rows, u int) {
	for v := range 2 {
		k.L("VMOVUPS %d(%s), Y%d", 32*v, weights, 12+v)
	}
	for r := range rows {
		x := 14 + r%2
		k.L("VBROADCASTSS %s, Y%d", rowAt(r, 4*u), x)
		for v := range 2 {
			k.L("VFMADD231PS Y%d, Y%d, Y%d", 12+v, x, 2*r+v)
		}
	}
}

func (f32x256) toFloat(k kernel256, rows int) {}

// bf16Widenx256 makes float32 of pairs of bfloat16, the even values and then the
// odd ones. Registers as f32x256, but x in Y14 only; Y15 masks upper halves.
type bf16Widenx256 struct{}

func (bf16Widenx256) init(k kernel256, rows int) {
	k.L("VPCMPEQD Y15, Y15, Y15")
	k.L("VPSLLD $16, Y15, Y15")
	k.zero(rows)
}

func (bf16Widenx256) group(k kernel256, rows, u int) {
	for odd := range 2 {
		upper := func(at string, y int) {
			k.L("VPAND %s, Y15, Y%d", at, y)
		}
		for v := range 2 {
			at := fmt.Sprintf("%d(%s)", 32*v, weights)
			if odd == 0 {
				k.L("VMOVDQU %s, Y%d", at, 12+v)
				k.L("VPSLLD $16, Y%d, Y%d", 12+v, 12+v)
			} else {
				upper(at, 12+v)
			}
		}
		for r := range rows {
			k.L("VPBROADCASTD %s, Y14", rowAt(r, 4*u))
			if odd == 0 {
				k.L("VPSLLD $16, Y14, Y14")
			} else {
				upper("Y14", 14)
			}
			for v := range 2 {
				k.L("VFMADD231PS Y%d, Y14, Y%d", 12+v, 2*r+v)
			}
		}
	}
}

func (bf16Widenx256) toFloat(k kernel256, rows int) {}

// i8VNNIx256 is the VEX form of VPDPBUSD: registers as f32x256.
type i8VNNIx256 struct{}

func (i8VNNIx256) init(k kernel256, rows int) { k.shift(rows) }

func (i8VNNIx256) group(k kernel256, rows, u int) {
	for v := range 2 {
		k.L("VMOVDQU %d(%s), Y%d", 32*v, weights, 12+v)
	}
	for r := range rows {
		x := 14 + r%2
		k.L("VPBROADCASTD %s, Y%d", rowAt(r, 4*u), x)
		for v := range 2 {
			k.L("%s", asmgen.VPDPBUSDVEX(2*r+v, x, 12+v))
		}
	}
}

func (i8VNNIx256) toFloat(k kernel256, rows int) { k.dequantise(rows) }

func (k kernel256) shift(rows int) {
	k.L("MOVQ tile_colsum(%s), %s", argument, scratch)
	for v := range 2 {
		k.L("VMOVDQU %d(%s)(%s*1), Y%d", 32*v, scratch, vector, 12+v)
	}
	k.L("MOVL $128, %s", scratch)
	k.L("VMOVD %s, X15", scratch)
	k.L("VPBROADCASTD X15, Y15")
	k.L("MOVQ tile_affine(%s), %s", argument, scratch)
	for r := range rows {
		k.L("VPBROADCASTD %d(%s), Y14", 8*r+4, scratch)
		k.L("VPSUBD Y15, Y14, Y14")
		for v := range 2 {
			k.L("VPMULLD Y%d, Y14, Y%d", 12+v, 2*r+v)
		}
	}
}

func (k kernel256) dequantise(rows int) {
	k.L("MOVQ tile_wscale(%s), %s", argument, scratch)
	for v := range 2 {
		k.L("VMOVUPS %d(%s)(%s*1), Y%d", 32*v, scratch, vector, 12+v)
	}
	k.L("MOVQ tile_affine(%s), %s", argument, scratch)
	for r := range rows {
		k.L("VBROADCASTSS %d(%s), Y14", 8*r, scratch)
		for v := range 2 {
			y := 2*r + v
			k.L("VMULPS Y%d, Y14, Y15", 12+v)
			k.L("VCVTDQ2PS Y%d, Y%d", y, y)
			k.L("VMULPS Y15, Y%d, Y%d", y, y)
		}
	}
}
