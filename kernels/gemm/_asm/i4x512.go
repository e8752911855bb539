package main

import (
	"fmt"
)

// i4x512 multiplies weights of 4 bits by VPDPBUSD: in the upper halves of bytes
// they are numbers with a sign, 16 times too large, which a shift of each group's
// sum takes back. It computes up to 8 rows of a whole panel, a group of 32 values of
// k at a time, whose sums become float32, times the group's scale, and are added
// to the tile's sums in the stack frame.
//
// The integer sum of row r and vector v is in register r*vecs+v, weights in Z24 to
// Z29, x in Z30, and Z31 selects upper halves. General registers are i4x256's.
type i4x512 struct{ file }

func (k i4x512) emit() {
	k.FuncFrame(k.name, "(t *tile)", k.rows*i4Row+64, 8)
	k.L("MOVQ t+0(FP), %s", argument)
	k.L("MOVQ tile_w(%s), %s", argument, weights)
	k.L("MOVQ tile_ldx(%s), %s", argument, ldx)
	k.L("LEAQ %d(%s), %s", i4Ahead, weights, fetch)
	k.L("LEAQ 63(SP), %s", dst) // the sums
	k.L("ANDQ $-64, %s", dst)
	k.L("VPXORD Z0, Z0, Z0")
	for i := range k.rows * i4Row / 64 {
		k.L("VMOVDQU32 Z0, %d(%s)", 64*i, dst)
	}
	k.L("MOVQ tile_x(%s), %s", argument, rowBase[0])
	k.L("LEAQ (%s)(%s*2), %s", ldx, ldx, scratch)
	for i := 1; i < (k.rows+2)/3; i++ {
		k.L("LEAQ (%s)(%s*1), %s", rowBase[i-1], scratch, rowBase[i])
	}
	k.L("MOVL $0xF0F0F0F0, %s", scratch)
	k.L("VPBROADCASTD %s, Z31", scratch)
	k.L("MOVQ tile_k(%s), %s", argument, groups)
	k.L("MOVQ tile_rows(%s), %s", argument, scratch)
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

func (k i4x512) tile(rows, vecs int) {
	group := k.NewLabel("group")
	k.Label(group)
	for z := range rows * vecs {
		k.L("VPXORD Z%d, Z%d, Z%d", z, z, z)
	}
	for l := range 4 {
		for v := range vecs {
			at := fmt.Sprintf("%d(%s)", 64*(l*vecs+v), weights)
			k.L("VPSLLD $4, %s, Z%d", at, 24+v)
			k.L("VPANDD %s, Z31, Z%d", at, 27+v)
			k.L("VPANDD Z31, Z%d, Z%d", 24+v, 24+v)
			k.L("PREFETCHT0 %d(%s)", 64*(l*vecs+v), fetch)
		}
		for half := range 2 {
			for r := range rows {
				k.L("VPBROADCASTD %s, Z30", rowAt(r, 8*l+4*half))
				for v := range vecs {
					k.L("VPDPBUSD Z%d, Z30, Z%d", 24+3*half+v, r*vecs+v)
				}
			}
		}
	}
	for v := range vecs {
		k.L("VMOVUPS %d(%s), Z%d", 64*(4*vecs+v), weights, 24+v)
		k.L("PREFETCHT0 %d(%s)", 64*(4*vecs+v), fetch)
	}
	for r := range rows {
		for v := range vecs {
			z, at := r*vecs+v, fmt.Sprintf("%d(%s)", r*i4Row+64*v, dst)
			k.L("VPSRAD $4, Z%d, Z%d", z, z)
			k.L("VCVTDQ2PS Z%d, Z%d", z, z)
			k.L("VFMADD213PS %s, Z%d, Z%d", at, 24+v, z)
			k.L("VMOVUPS Z%d, %s", z, at)
		}
	}
	for i := range (rows + 2) / 3 {
		k.L("ADDQ $32, %s", rowBase[i])
	}
	k.L("ADDQ $%d, %s", 320*vecs, weights)
	k.L("ADDQ $%d, %s", 320*vecs, fetch)
	k.L("DECQ %s", groups)
	k.L("JNZ %s", group)
	k.finish(rows, vecs)
}

// finish makes results of the sums, which the last group left in their registers.
func (k i4x512) finish(rows, vecs int) {
	const bias = 27
	k.L("MOVQ tile_dst(%s), %s", argument, dst)
	k.L("MOVQ tile_ldd(%s), %s", argument, ldd)
	k.L("MOVQ tile_colsum(%s), %s", argument, scratch)
	for v := range vecs {
		k.L("VMOVUPS %d(%s), Z%d", 64*v, scratch, 24+v)
	}
	k.L("MOVQ tile_bias(%s), %s", argument, scratch)
	for v := range vecs {
		k.L("VMOVUPS %d(%s), Z%d", 64*v, scratch, bias+v)
	}
	k.L("MOVQ tile_affine(%s), %s", argument, rowBase[0])
	k.L("MOVL $128, %s", scratch)
	k.L("VPBROADCASTD %s, Z31", scratch)
	for r := range rows {
		k.L("VPBROADCASTD %d(%s), Z30", 8*r+4, rowBase[0])
		k.L("VPSUBD Z31, Z30, Z30")
		k.L("VCVTDQ2PS Z30, Z30")
		for v := range vecs {
			k.L("VFMADD231PS Z%d, Z30, Z%d", 24+v, r*vecs+v)
		}
		k.L("VBROADCASTSS %d(%s), Z30", 8*r, rowBase[0])
		for v := range vecs {
			z := r*vecs + v
			k.L("VMULPS Z30, Z%d, Z%d", z, z)
		}
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
