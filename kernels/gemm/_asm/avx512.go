package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

// A kernel512 computes up to 8 rows of a whole panel. The sum of row r and
// vector v is in register r*vecs+v.
type kernel512 struct {
	file
	arithmetic512
	bound bool // memory may limit it
}

// arithmetic512 is what differs between formats. Registers from
// free on do not hold sums.
type arithmetic512 interface {
	init(k kernel512, rows, vecs int)                   // set the sums to their first values
	group(k kernel512, rows, vecs int, prefetch func()) // add the products of a group; prefetch at leisure
	toFloat(k kernel512, rows, vecs int)                // make the sums float32
}

func (k kernel512) emit() {
	k.prologue()
	k.start()
	k.L("MOVQ tile_fetch(%s), %s", argument, step)
	k.L("CMPQ tile_vecs(%s), $2", argument)
	k.L("JLT %s_1", k.name)
	k.L("JEQ %s_2", k.name)
	for vecs := 3; vecs > 0; vecs-- {
		label := fmt.Sprintf("%s_%d", k.name, vecs)
		if vecs < 3 {
			k.Label(label)
		}
		k.forRows(label, func(rows int) { k.tile(rows, vecs) })
	}
}

// tile prefetches the next panel. For kernels that memory may limit it has two
// loops: when many tiles share that work, each group fetches a line into the
// first-level cache; when one or two do, as many lines as it has vectors into
// the second level, because now they would displace the panel in use.
func (k kernel512) tile(rows, vecs int) {
	k.init(k, rows, vecs)
	loop := func(prefetch func()) {
		k.loop(rows, 1, func(int) {
			k.group(k, rows, vecs, prefetch)
			k.L("ADDQ $%d, %s", 64*vecs, weights)
		})
	}
	switch {
	case vecs == 3 && k.bound:
		dense, end := k.NewLabel("dense"), k.NewLabel("end")
		k.L("LEAQ (%s)(%s*2), %s", step, step, step)
		k.L("CMPQ %s, $80", step) // 64*3 or 32*3
		k.L("JGT %s", dense)
		loop(func() {
			k.L("PREFETCHT0 (%s)", fetch)
			k.L("ADDQ %s, %s", step, fetch)
		})
		k.L("JMP %s", end)
		k.Label(dense)
		loop(func() {
			for i := range vecs {
				k.L("PREFETCHT1 %d(%s)", 64*i, fetch)
			}
			k.L("ADDQ %s, %s", step, fetch)
		})
		k.Label(end)
	case vecs == 3:
		loop(func() {
			for range vecs {
				k.L("PREFETCHT1 (%s)", fetch)
				k.L("ADDQ %s, %s", step, fetch)
			}
		})
	default: // a narrow panel is in the last unit: nothing comes next
		loop(func() {})
	}
	k.toFloat(k, rows, vecs)
	k.store(rows, vecs)
}

// store adds the bias and stores the sums, or adds them to dst.
func (k kernel512) store(rows, vecs int) {
	const bias = 27
	k.L("MOVQ tile_bias(%s), %s", argument, scratch)
	for v := range vecs {
		k.L("VMOVUPS %d(%s), Z%d", 64*v, scratch, bias+v)
	}
	k.addOrStore(func(add bool) {
		for r := range rows {
			for v := range vecs {
				z := r*vecs + v
				k.L("VADDPS Z%d, Z%d, Z%d", bias+v, z, z)
				if add {
					k.L("VADDPS %d(%s), Z%d, Z%d", 64*v, dst, z, z)
				}
				k.L("VMOVUPS Z%d, %d(%s)", z, 64*v, dst)
			}
			if r < rows-1 {
				k.L("ADDQ %s, %s", ldd, dst)
			}
		}
	}, func() {
		k.L("VZEROUPPER")
		k.L("RET")
	})
}

// zero sets all sums to 0.
func (k kernel512) zero(rows, vecs int) {
	for z := range rows * vecs {
		k.L("VPXORD Z%d, Z%d, Z%d", z, z, z)
	}
}

// f32x512 is float32: weights in Z24 to Z26, x in Z27 to Z31.
type f32x512 struct{}

func (f32x512) init(k kernel512, rows, vecs int) { k.zero(rows, vecs) }

func (f32x512) group(k kernel512, rows, vecs int, prefetch func()) {
	for v := range vecs {
		k.L("VMOVUPS %d(%s), Z%d", 64*v, weights, 24+v)
	}
	prefetch()
	for r := range rows {
		x := 27 + r%5
		k.L("VBROADCASTSS %s, Z%d", rowAt(r, 0), x)
		for v := range vecs {
			k.L("VFMADD231PS Z%d, Z%d, Z%d", 24+v, x, r*vecs+v)
		}
	}
}

func (f32x512) toFloat(k kernel512, rows, vecs int) {}

// bf16x512 is VDPBF16PS on pairs of bfloat16: registers as f32x512.
type bf16x512 struct{}

func (bf16x512) init(k kernel512, rows, vecs int) { k.zero(rows, vecs) }

func (bf16x512) group(k kernel512, rows, vecs int, prefetch func()) {
	for v := range vecs {
		k.L("VMOVDQU32 %d(%s), Z%d", 64*v, weights, 24+v)
	}
	prefetch()
	for r := range rows {
		x := 27 + r%5
		k.L("VPBROADCASTD %s, Z%d", rowAt(r, 0), x)
		for v := range vecs {
			k.L("%s", asmgen.VDPBF16PS(r*vecs+v, x, 24+v))
		}
	}
}

func (bf16x512) toFloat(k kernel512, rows, vecs int) {}

// bf16Widenx512 makes float32 of bfloat16 by moving it to the upper half of a
// lane: the even values of all pairs, then the odd ones. Registers as f32x512;
// K1 selects the upper halves.
type bf16Widenx512 struct{}

func (bf16Widenx512) init(k kernel512, rows, vecs int) {
	k.L("MOVL $0xAAAAAAAA, %s", scratch)
	k.L("KMOVD %s, K1", scratch)
	k.zero(rows, vecs)
}

func (bf16Widenx512) group(k kernel512, rows, vecs int, prefetch func()) {
	for odd := range 2 {
		for v := range vecs {
			at := fmt.Sprintf("%d(%s)", 64*v, weights)
			if odd == 0 {
				k.L("VPSLLD $16, %s, Z%d", at, 24+v)
			} else {
				k.L("VMOVDQU16.Z %s, K1, Z%d", at, 24+v)
			}
		}
		if odd == 0 {
			prefetch()
		}
		for r := range rows {
			x := 27 + r%5
			k.L("VPBROADCASTW.Z %s, K1, Z%d", rowAt(r, 2*odd), x)
			for v := range vecs {
				k.L("VFMADD231PS Z%d, Z%d, Z%d", 24+v, x, r*vecs+v)
			}
		}
	}
}

func (bf16Widenx512) toFloat(k kernel512, rows, vecs int) {}

// i8VNNIx512 is VPDPBUSD on groups of four: registers as f32x512.
type i8VNNIx512 struct{}

func (i8VNNIx512) init(k kernel512, rows, vecs int) { k.shift(rows, vecs) }

func (i8VNNIx512) group(k kernel512, rows, vecs int, prefetch func()) {
	for v := range vecs {
		k.L("VMOVDQU32 %d(%s), Z%d", 64*v, weights, 24+v)
	}
	prefetch()
	for r := range rows {
		x := 27 + r%5
		k.L("VPBROADCASTD %s, Z%d", rowAt(r, 0), x)
		for v := range vecs {
			k.L("VPDPBUSD Z%d, Z%d, Z%d", 24+v, x, r*vecs+v)
		}
	}
}

func (i8VNNIx512) toFloat(k kernel512, rows, vecs int) { k.dequantise(rows, vecs) }

// i8Maddx512 multiplies words: of each group of four, values 0 and 2 with
// VPMADDWD, then values 1 and 3. Even weights are in Z21 to Z23, odd ones in Z24
// to Z26, x in Z27 and Z28, products in Z29 and Z30, and Z31 masks even bytes.
type i8Maddx512 struct{}

func (i8Maddx512) init(k kernel512, rows, vecs int) {
	k.shift(rows, vecs)
	k.L("MOVL $0x00FF00FF, %s", scratch)
	k.L("VPBROADCASTD %s, Z31", scratch)
}

func (i8Maddx512) group(k kernel512, rows, vecs int, prefetch func()) {
	for v := range vecs {
		k.L("VMOVDQU32 %d(%s), Z%d", 64*v, weights, 24+v)
		k.L("VPSLLW $8, Z%d, Z%d", 24+v, 21+v)
		k.L("VPSRAW $8, Z%d, Z%d", 21+v, 21+v)
		k.L("VPSRAW $8, Z%d, Z%d", 24+v, 24+v)
	}
	prefetch()
	for r := range rows {
		k.L("VPBROADCASTD %s, Z27", rowAt(r, 0))
		k.L("VPSRLW $8, Z27, Z28")
		k.L("VPANDD Z31, Z27, Z27")
		for v := range vecs {
			sum := r*vecs + v
			k.L("VPMADDWD Z%d, Z27, Z29", 21+v)
			k.L("VPMADDWD Z%d, Z28, Z30", 24+v)
			k.L("VPADDD Z29, Z%d, Z%d", sum, sum)
			k.L("VPADDD Z30, Z%d, Z%d", sum, sum)
		}
	}
}

func (i8Maddx512) toFloat(k kernel512, rows, vecs int) { k.dequantise(rows, vecs) }

// shift starts the sums at shift-128 times the sum of the column, because bytes
// are so much larger than what they stand for.
func (k kernel512) shift(rows, vecs int) {
	k.L("MOVQ tile_colsum(%s), %s", argument, scratch)
	for v := range vecs {
		k.L("VMOVDQU32 %d(%s), Z%d", 64*v, scratch, 24+v)
	}
	k.L("MOVL $128, %s", scratch)
	k.L("VPBROADCASTD %s, Z30", scratch)
	k.L("MOVQ tile_affine(%s), %s", argument, scratch)
	for r := range rows {
		k.L("VPBROADCASTD %d(%s), Z31", 8*r+4, scratch)
		k.L("VPSUBD Z30, Z31, Z31")
		for v := range vecs {
			k.L("VPMULLD Z%d, Z31, Z%d", 24+v, r*vecs+v)
		}
	}
}

// dequantise multiplies the sums by the scales of row and column.
func (k kernel512) dequantise(rows, vecs int) {
	k.L("MOVQ tile_wscale(%s), %s", argument, scratch)
	for v := range vecs {
		k.L("VMOVUPS %d(%s), Z%d", 64*v, scratch, 24+v)
	}
	k.L("MOVQ tile_affine(%s), %s", argument, scratch)
	for r := range rows {
		k.L("VBROADCASTSS %d(%s), Z30", 8*r, scratch)
		for v := range vecs {
			z := r*vecs + v
			k.L("VMULPS Z%d, Z30, Z31", 24+v)
			k.L("VCVTDQ2PS Z%d, Z%d", z, z)
			k.L("VMULPS Z31, Z%d, Z%d", z, z)
		}
	}
}
