package main

import "fmt"

// i4x256 multiplies weights of 4 bits in 16 bits: of each group of 32 values of k,
// eight VPMADDUBSW of bytes of x (0 to 255) with weights (-8 to 7) add up to at
// most 32640, which is exact. Then each group's sum becomes float32, times the
// group's scale, and is added to the tile's sums, which are in the stack frame.
//
// A panel is read from end to end, 16 columns of a group at a time, and prefetched
// some groups ahead into the panel that follows in memory. Up to 4 rows take the
// weights from registers; more rows share a group's weights that were unpacked into
// the frame, 1.5 KB at a time, and take them 4 rows at a time.
//
// The integer sums of row r and half v of 16 columns are in register 2*r+v, weights
// in Y8 to Y11, x in Y12, a product in Y13; Y14 has 15 in all bytes, and Y15 the
// table that makes bytes of half bytes.
type i4x256 struct {
	file
	unpacked bool
}

const (
	i4Row    = 192          // bytes from a row of sums to the next
	i4Vector = 8 * 64       // bytes of 16 columns of a group, unpacked
	i4Ahead  = 2048         // bytes from the group in use to what is prefetched
	i4Unpack = 3 * i4Vector // bytes of a group, unpacked
)

// Registers that differ from those of other kernels.
const (
	i4X     = "AX"  // row 0 of x
	i4X3    = "BX"  // three times ldx
	i4Sums  = "R10" // the sums of the first row in use
	i4Line  = "R13" // the first line of the 16 columns in use
	i4Step3 = "R15" // three times step
	i4Block = "DX"  // unpacked: row 0 of x in a block of 4 rows
	i4Left  = "R11" // unpacked: how many rows are left
)

func (k i4x256) emit() {
	frame := k.rows*i4Row + 64
	if k.unpacked {
		frame += i4Unpack
	}
	k.FuncFrame(k.name, "(t *tile)", frame, 8)
	k.L("MOVQ t+0(FP), %s", argument)
	k.L("MOVQ tile_w(%s), %s", argument, weights)
	k.L("MOVQ tile_ldx(%s), %s", argument, ldx)
	k.L("MOVQ tile_x(%s), %s", argument, i4X)
	k.L("MOVQ tile_k(%s), %s", argument, groups)
	k.L("LEAQ (%s)(%s*2), %s", ldx, ldx, i4X3)
	k.L("MOVQ tile_vecs(%s), %s", argument, step)
	k.L("SHLQ $6, %s", step)
	k.L("LEAQ %d(%s), %s", i4Ahead, weights, fetch)
	k.L("VMOVDQU i4Low<>(SB), Y14")
	k.L("VMOVDQU i4Table<>(SB), Y15")
	k.frame(i4Sums, 0)
	k.L("VPXOR Y0, Y0, Y0")
	k.L("MOVQ tile_rows(%s), %s", argument, scratch)
	zero := k.NewLabel("zero")
	k.Label(zero)
	for i := 0; i < i4Row; i += 32 {
		k.L("VMOVDQU Y0, %d(%s)", i, i4Sums)
	}
	k.L("ADDQ $%d, %s", i4Row, i4Sums)
	k.L("DECQ %s", scratch)
	k.L("JNZ %s", zero)
	if k.unpacked {
		k.many()
	} else {
		k.few()
	}
	k.finish()
}

// frame puts an address in the frame, whose multiples of 64 are aligned, into a register.
func (k i4x256) frame(register string, at int) {
	k.L("LEAQ 63(SP), %s", register)
	k.L("ANDQ $-64, %s", register)
	if at > 0 {
		k.L("ADDQ $%d, %s", at, register)
	}
}

// few has a loop for each number of rows up to 4.
func (k i4x256) few() {
	k.frame(i4Sums, 0)
	k.L("LEAQ (%s)(%s*2), %s", step, step, i4Step3)
	k.L("MOVQ tile_rows(%s), %s", argument, scratch)
	k.forRows(k.name, func(rows int) {
		group := k.NewLabel("group")
		k.Label(group)
		k.forVectors(func() {
			for l := range 4 {
				k.halves(l)
				k.multiply(rows, 2*l, i4X, "Y8", "Y10")
				k.multiply(rows, 2*l+1, i4X, "Y9", "Y11")
			}
			k.scale(rows)
		})
		k.next(group)
		k.L("JMP %s_finish", k.name)
	})
}

// many unpacks each group for all rows.
func (k i4x256) many() {
	const unpacked = i4Step3 // after unpacking
	group := k.NewLabel("group")
	k.Label(group)
	k.L("LEAQ (%s)(%s*2), %s", step, step, i4Step3)
	k.frame(i4Sums, k.rows*i4Row) // unpacked weights go here
	k.forVectors(func() {
		for l := range 4 {
			k.halves(l)
			for i, y := range []int{8, 10, 9, 11} {
				k.L("VMOVDQA Y%d, %d(%s)", y, 128*l+32*i, i4Sums)
			}
		}
		k.L("ADDQ $%d, %s", i4Vector, i4Sums)
	})
	k.frame(unpacked, k.rows*i4Row)
	k.forVectorsAgain(func() {
		block, last, done := k.NewLabel("block"), k.NewLabel("last"), k.NewLabel("done")
		k.frame(i4Sums, 0)
		k.L("ADDQ %s, %s", vector, i4Sums)
		k.L("MOVQ %s, %s", i4X, i4Block)
		k.L("MOVQ tile_rows(%s), %s", argument, i4Left)
		k.L("CMPQ %s, $4", i4Left)
		k.L("JLT %s", last)
		tile := func(rows int) {
			for b := range 8 {
				k.L("VMOVDQA %d(%s), Y8", 64*b, unpacked)
				k.L("VMOVDQA %d(%s), Y10", 64*b+32, unpacked)
				k.multiply(rows, b, i4Block, "Y8", "Y10")
			}
			k.scale(rows)
		}
		k.Label(block)
		tile(4)
		k.L("ADDQ $%d, %s", 4*i4Row, i4Sums)
		k.L("LEAQ (%s)(%s*4), %s", i4Block, ldx, i4Block)
		k.L("SUBQ $4, %s", i4Left)
		k.L("CMPQ %s, $4", i4Left)
		k.L("JGE %s", block)
		k.Label(last)
		for rows := 3; rows > 0; rows-- {
			skip := k.NewLabel("skip")
			k.L("CMPQ %s, $%d", i4Left, rows)
			k.L("JNE %s", skip)
			tile(rows)
			k.L("JMP %s", done)
			k.Label(skip)
		}
		k.Label(done)
		k.L("ADDQ $%d, %s", i4Vector, unpacked)
	})
	k.next(group)
}

// forVectors calls body for each 16 columns of a group, with their first line in
// i4Line, and prefetches as much of what follows.
func (k i4x256) forVectors(body func()) {
	k.forVectorsAgain(func() {
		for i := range 5 {
			k.L("PREFETCHT0 %d(%s)", 64*i, fetch)
		}
		k.L("ADDQ $320, %s", fetch)
		body()
	})
}

func (k i4x256) forVectorsAgain(body func()) {
	again := k.NewLabel("vector")
	k.L("XORL %s, %s", vector, vector)
	k.Label(again)
	k.L("LEAQ (%s)(%s*1), %s", weights, vector, i4Line)
	body()
	k.L("ADDQ $64, %s", vector)
	k.L("CMPQ %s, %s", vector, step)
	k.L("JLT %s", again)
}

// next goes to the next group.
func (k i4x256) next(group string) {
	k.L("ADDQ $32, %s", i4X)
	k.L("LEAQ (%s)(%s*4), %s", weights, step, weights)
	k.L("ADDQ %s, %s", step, weights)
	k.L("DECQ %s", groups)
	k.L("JNZ %s", group)
}

// halves makes bytes of line l: the low halves in Y8 and Y10, the high in Y9
// and Y11.
func (k i4x256) halves(l int) {
	index := []string{"", fmt.Sprintf("(%s*1)", step), fmt.Sprintf("(%s*2)", step), fmt.Sprintf("(%s*1)", i4Step3)}[l]
	for v := range 2 {
		low, high := 8+2*v, 9+2*v
		k.L("VMOVDQU %d(%s)%s, Y%d", 32*v, i4Line, index, high)
		k.L("VPAND Y%d, Y14, Y%d", high, low)
		k.L("VPSRLW $4, Y%d, Y%d", high, high)
		k.L("VPAND Y%d, Y14, Y%d", high, high)
		k.L("VPSHUFB Y%d, Y15, Y%d", low, low)
		k.L("VPSHUFB Y%d, Y15, Y%d", high, high)
	}
}

// multiply adds the products of four values of k, number b of the group, to the
// integer sums, or sets them if it is the first.
func (k i4x256) multiply(rows, b int, x string, weights ...string) {
	for r := range rows {
		at := fmt.Sprintf("%d(%s)(%s*%d)", 4*b, x, ldx, r)
		switch r {
		case 0:
			at = fmt.Sprintf("%d(%s)", 4*b, x)
		case 3:
			at = fmt.Sprintf("%d(%s)(%s*1)", 4*b, x, i4X3)
		}
		k.L("VPBROADCASTD %s, Y12", at)
		for v, w := range weights {
			sum := 2*r + v
			if b == 0 {
				k.L("VPMADDUBSW %s, Y12, Y%d", w, sum)
				continue
			}
			k.L("VPMADDUBSW %s, Y12, Y13", w)
			k.L("VPADDW Y13, Y%d, Y%d", sum, sum)
		}
	}
}

// scale adds the group's sums times its scales to the sums in the frame.
func (k i4x256) scale(rows int) {
	k.L("VMOVDQU i4Ones<>(SB), Y13")
	for v := range 2 {
		k.L("VMOVUPS %d(%s)(%s*4), Y%d", 32*v, i4Line, step, 8+v)
	}
	for r := range rows {
		for v := range 2 {
			sum := 2*r + v
			at := fmt.Sprintf("%d(%s)", r*i4Row+32*v, i4Sums)
			if !k.unpacked {
				at += fmt.Sprintf("(%s*1)", vector)
			}
			k.L("VPMADDWD Y13, Y%d, Y%d", sum, sum)
			k.L("VCVTDQ2PS Y%d, Y%d", sum, sum)
			k.L("VFMADD213PS %s, Y%d, Y%d", at, 8+v, sum)
			k.L("VMOVUPS Y%d, %s", sum, at)
		}
	}
}

// finish makes results of the sums and stores them.
func (k i4x256) finish() {
	const (
		affine = "AX"
		left   = "CX"
		bias   = "BX"
		colsum = "DI"
	)
	k.Label(k.name + "_finish")
	k.L("MOVQ tile_dst(%s), %s", argument, dst)
	k.L("MOVQ tile_ldd(%s), %s", argument, ldd)
	k.L("MOVQ tile_affine(%s), %s", argument, affine)
	k.L("MOVQ tile_bias(%s), %s", argument, bias)
	k.L("MOVQ tile_colsum(%s), %s", argument, colsum)
	k.L("MOVQ tile_rows(%s), %s", argument, left)
	k.L("MOVL $128, %s", scratch)
	k.L("VMOVD %s, X15", scratch)
	k.L("VPBROADCASTD X15, Y15")
	k.frame(i4Sums, 0)
	k.addOrStore(func(add bool) {
		row, again := k.NewLabel("row"), k.NewLabel("columns")
		k.Label(row)
		k.L("VPBROADCASTD 4(%s), Y14", affine)
		k.L("VPSUBD Y15, Y14, Y14")
		k.L("VCVTDQ2PS Y14, Y14")
		k.L("VBROADCASTSS (%s), Y13", affine)
		k.L("XORL %s, %s", vector, vector)
		k.Label(again)
		for v := range 2 {
			at := func(base string) string { return fmt.Sprintf("%d(%s)(%s*1)", 32*v, base, vector) }
			k.L("VMOVUPS %s, Y%d", at(colsum), v)
			k.L("VFMADD213PS %s, Y14, Y%d", at(i4Sums), v)
			k.L("VMULPS Y13, Y%d, Y%d", v, v)
			k.L("VADDPS %s, Y%d, Y%d", at(bias), v, v)
			if add {
				k.L("VADDPS %s, Y%d, Y%d", at(dst), v, v)
			}
			k.L("VMOVUPS Y%d, %s", v, at(dst))
		}
		k.L("ADDQ $64, %s", vector)
		k.L("CMPQ %s, %s", vector, step)
		k.L("JLT %s", again)
		k.L("ADDQ $%d, %s", i4Row, i4Sums)
		k.L("ADDQ $8, %s", affine)
		k.L("ADDQ %s, %s", ldd, dst)
		k.L("DECQ %s", left)
		k.L("JNZ %s", row)
	}, func() {
		k.L("VZEROUPPER")
		k.L("RET")
	})
}

// i4Constants are what kernels of both widths of vectors load.
func i4Constants(f file) {
	constant := func(name string, words ...uint64) {
		for i, w := range words {
			f.Raw("DATA %s<>+%d(SB)/8, $0x%016x\n", name, 8*i, w)
		}
		f.Raw("GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", name, 8*len(words))
	}
	f.Raw("\n")
	low, ones := uint64(0x0F0F0F0F0F0F0F0F), uint64(0x0001000100010001)
	constant("i4Low", low, low, low, low)
	constant("i4Ones", ones, ones, ones, ones)
	constant("i4Table", 0x0706050403020100, 0xFFFEFDFCFBFAF9F8, 0x0706050403020100, 0xFFFEFDFCFBFAF9F8)
}
