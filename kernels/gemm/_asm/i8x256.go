package main

import "fmt"

// i8x256 multiplies bytes by bytes with VPMADDUBSW, which takes one operand
// without a sign and adds two products in 16 bits with saturation. What a byte x
// stands for, x-128, is split into its size a, 0 to 128, and a mask s of its sign,
// and the sign goes to the weight:
//
//	(x-128)*w = a*(w^s) + (a if x < 128)
//
// since w^s is w or -w-1. Two products are from -2*128*128 to 2*127*127: they
// never saturate. The last term is the same for all columns; its sum over a row is
// added in the end.
//
// All columns of a panel and two rows are computed together, so that the panel is
// read in order, as operands in memory: a multiplication of 32 bytes takes VPXOR,
// VPMADDUBSW, VPMADDWD by ones and VPADDD. The sum of row r and half vector v is in
// register 2*vecs*r+v, s in Y12, a in Y13, products in Y14, and Y15 has ones.
//
// The kernel takes a panel in chunks of k that stay in the first-level cache for
// all pairs of rows; between chunks the sums are in the stack frame. There each
// chunk of x is split, unless the tile is given x that was split for many panels.
type i8x256 struct {
	file
	chunk int // groups, a multiple of 8
	few   int // of a chunk if there are at most 4 rows
	ahead int // bytes from the weights in use to what is prefetched
}

const (
	i8Row = 192 // bytes from a row of sums to the next
	i8Sum = 32  // bytes of a row's sums of a where x < 128
)

// Registers that differ from those of other kernels.
const (
	i8X     = "AX"  // masks of the first row of the pair
	i8X1    = "BX"  // and of the second
	i8Chunk = "DX"  // the chunk's weights
	i8Sums  = "R10" // of the first row of the pair
	i8Left  = "R11" // steps of two groups from the chunk on
	i8Steps = "R13" // of the chunk
	i8Rows  = "R14" // rows that are left
	i8From  = "R15" // x of the chunk, row 0
	i8To    = "BX"  // where it goes when it is split
	i8Below = "DI"  // and where its sums are
)

func (k i8x256) xRow() int  { return 2 * 4 * k.chunk }
func (k i8x256) below() int { return k.rows * i8Row }
func (k i8x256) split() int { return k.below() + k.rows*i8Sum }

func (k i8x256) emit() {
	k.FuncFrame(k.name, "(t *tile)", k.split()+k.rows*k.xRow()+64, 8)
	k.L("MOVQ t+0(FP), %s", argument)
	k.L("MOVQ tile_w(%s), %s", argument, i8Chunk)
	k.L("MOVQ tile_x(%s), %s", argument, i8From)
	k.L("MOVQ tile_k(%s), %s", argument, i8Left)
	k.L("SHRQ $1, %s", i8Left)
	k.L("MOVQ tile_next(%s), %s", argument, fetch)
	k.L("ADDQ %s, %s", i8Chunk, fetch)
	k.L("MOVQ tile_fetch(%s), %s", argument, step)
	k.L("VPXOR Y0, Y0, Y0")
	k.frame(i8Sums, 0)
	k.L("MOVQ tile_rows(%s), %s", argument, i8Rows)
	k.zero(i8Sums, i8Row)
	k.frame(i8Sums, k.below())
	k.L("MOVQ tile_rows(%s), %s", argument, i8Rows)
	k.zero(i8Sums, i8Sum)
	k.L("CMPQ tile_vecs(%s), $2", argument)
	k.L("JLT %s_1", k.name)
	k.L("JEQ %s_2", k.name)
	for vecs := 3; vecs > 0; vecs-- {
		alone := fmt.Sprintf("%s_%d_alone", k.name, vecs)
		k.Label(fmt.Sprintf("%s_%d", k.name, vecs))
		k.L("CMPQ tile_rows(%s), $4", argument)
		k.L("JLE %s", alone)
		k.share(vecs)
		k.panel(vecs, false)
		k.L("JMP %s_finish", k.name)
		k.Label(alone)
		k.panel(vecs, true)
		if vecs > 1 {
			k.L("JMP %s_finish", k.name)
		}
	}
	k.finish()
}

// frame puts an address in the frame, whose multiples of 64 are aligned, into a register.
func (k i8x256) frame(register string, at int) {
	k.L("LEAQ 63(SP), %s", register)
	k.L("ANDQ $-64, %s", register)
	if at > 0 {
		k.L("ADDQ $%d, %s", at, register)
	}
}

// share divides the prefetching of the next panel among the pairs of rows. There
// are two instructions in a step.
func (k i8x256) share(vecs int) {
	k.L("MOVQ tile_rows(%s), CX", argument)
	k.L("INCQ CX")
	k.L("SHRQ $1, CX")
	k.L("IMUL3Q $%d, %s, AX", vecs, step)
	k.L("ADDQ CX, AX")
	k.L("DECQ AX")
	k.L("XORL DX, DX")
	k.L("DIVQ CX")
	k.L("MOVQ AX, %s", step)
	k.L("MOVQ tile_w(%s), %s", argument, i8Chunk)
}

// panel has the loop over chunks for a panel of so many vectors.
func (k i8x256) panel(vecs int, alone bool) {
	size := k.chunk
	if alone {
		size = k.few
	}
	chunk, pairs, last, one, done := k.NewLabel("chunk"), k.NewLabel("pairs"), k.NewLabel("last"), k.NewLabel("one"), k.NewLabel("done")
	k.Label(chunk)
	k.L("MOVL $%d, %s", size/2, i8Steps)
	k.L("CMPQ %s, %s", i8Left, i8Steps)
	k.L("CMOVQLT %s, %s", i8Left, i8Steps)
	given := k.NewLabel("given")
	k.L("MOVQ %s, %s", i8From, i8X)
	if !alone {
		k.L("CMPQ tile_below(%s), $0", argument)
		k.L("JNE %s", given)
	}
	k.frame(i8Below, k.below())
	k.frame(i8To, k.split())
	k.expand()
	k.frame(i8X, k.split())
	k.Label(given)
	k.L("VPCMPEQD Y15, Y15, Y15")
	k.L("VPSRLW $15, Y15, Y15")
	k.frame(i8Sums, 0)
	k.L("MOVQ tile_rows(%s), %s", argument, i8Rows)
	next := func(v int) {
		if v < 2 {
			k.L("PREFETCHT1 (%s)", fetch)
			k.L("ADDQ %s, %s", step, fetch)
		}
	}
	lines := func(from, to, ahead int) func(v int) {
		return func(v int) {
			if from <= v && v < to {
				k.L("PREFETCHT0 %d(%s)", ahead+64*v, weights)
			}
		}
	}
	if !alone {
		own := lines(0, 2*vecs, k.ahead)
		k.rowsOf(2, vecs, func(v int) { own(v); next(v) }) // there are more than 4
		k.L("SUBQ $2, %s", i8Rows)
		k.Label(pairs)
		k.rowsOf(2, vecs, next)
		k.L("SUBQ $2, %s", i8Rows)
		k.L("CMPQ %s, $2", i8Rows)
		k.L("JGE %s", pairs)
		k.L("TESTQ %s, %s", i8Rows, i8Rows)
		k.L("JZ %s", done)
		k.rowsOf(1, vecs, next)
	} else {
		k.L("CMPQ %s, $2", i8Rows)
		k.L("JLT %s", one)
		k.L("JEQ %s", last)
		k.rowsOf(2, vecs, lines(0, vecs, 64*vecs*size))
		k.L("CMPQ %s, $3", i8Rows)
		half := k.NewLabel("half")
		k.L("JEQ %s", half)
		k.rowsOf(2, vecs, lines(vecs, 2*vecs, 64*vecs*size))
		k.L("JMP %s", done)
		k.Label(half)
		k.rowsOf(1, vecs, lines(vecs, 2*vecs, 64*vecs*size))
		k.L("JMP %s", done)
		k.Label(last)
		k.rowsOf(2, vecs, lines(0, 2*vecs, k.ahead))
		k.L("JMP %s", done)
		k.Label(one)
		k.rowsOf(1, vecs, lines(0, 2*vecs, k.ahead))
	}
	k.Label(done)
	k.L("MOVQ %s, %s", weights, i8Chunk)
	k.next(chunk, !alone)
}

// rowsOf adds the products of one or two rows of a chunk to their sums. It calls
// prefetch with the number of each line of the weights that a step takes.
func (k i8x256) rowsOf(rows, vecs int, prefetch func(line int)) {
	ymms := 2 * vecs
	at := func(y int) string { return fmt.Sprintf("%d(%s)", y/ymms*i8Row+y%ymms*32, i8Sums) }
	for y := range rows * ymms {
		k.L("VMOVDQU %s, Y%d", at(y), y)
	}
	k.L("LEAQ %d(%s), %s", k.xRow(), i8X, i8X1)
	k.L("MOVQ %s, %s", i8Chunk, weights)
	k.L("MOVQ %s, %s", i8Steps, groups)
	loop := k.NewLabel("loop")
	k.Label(loop)
	for g := range 2 {
		for v := range vecs {
			prefetch(vecs*g + v)
		}
		for r, x := range []string{i8X, i8X1}[:rows] {
			k.L("VPBROADCASTD %d(%s), Y12", 4*g, x)
			k.L("VPBROADCASTD %d(%s), Y13", k.xRow()/2+4*g, x)
			for v := range ymms {
				sum := ymms*r + v
				k.L("VPXOR %d(%s), Y12, Y14", 32*(ymms*g+v), weights)
				k.L("VPMADDUBSW Y14, Y13, Y14")
				k.L("VPMADDWD Y14, Y15, Y14")
				k.L("VPADDD Y14, Y%d, Y%d", sum, sum)
			}
		}
	}
	for _, x := range []string{i8X, i8X1}[:rows] {
		k.L("ADDQ $8, %s", x)
	}
	k.L("ADDQ $%d, %s", 64*ymms, weights)
	k.L("DECQ %s", groups)
	k.L("JNZ %s", loop)
	for y := range rows * ymms {
		k.L("VMOVDQU Y%d, %s", y, at(y))
	}
	k.L("LEAQ 0(%s*8), %s", i8Steps, groups)
	k.L("SUBQ %s, %s", groups, i8X)
	k.L("ADDQ $%d, %s", rows*k.xRow(), i8X)
	k.L("ADDQ $%d, %s", rows*i8Row, i8Sums)
}

// next goes to the next chunk of x, which was split already if mayBeGiven and
// tile.below is set: it is behind this one's rows.
func (k i8x256) next(chunk string, mayBeGiven bool) {
	if mayBeGiven {
		k.L("MOVQ tile_rows(%s), CX", argument)
		k.L("IMUL3Q $%d, CX, CX", k.xRow())
		k.L("ADDQ %s, CX", i8From)
	}
	k.L("LEAQ (%s)(%s*8), %s", i8From, i8Steps, i8From)
	if mayBeGiven {
		k.L("CMPQ tile_below(%s), $0", argument)
		k.L("CMOVQNE CX, %s", i8From)
	}
	k.L("SUBQ %s, %s", i8Steps, i8Left)
	k.L("JGT %s", chunk)
}

// emitSplit writes the function that splits all of x for tiles that are given it:
// to tile.dst, chunk by chunk, with the sums in tile.below.
func (k i8x256) emitSplit(name string) {
	k.Func(name, "(t *tile)", 8)
	k.L("MOVQ t+0(FP), %s", argument)
	k.L("MOVQ tile_x(%s), %s", argument, i8From)
	k.L("MOVQ tile_k(%s), %s", argument, i8Left)
	k.L("SHRQ $1, %s", i8Left)
	k.L("MOVQ tile_dst(%s), %s", argument, i8To)
	k.L("VPXOR Y0, Y0, Y0")
	k.L("MOVQ tile_below(%s), %s", argument, i8Below)
	k.L("MOVQ tile_rows(%s), %s", argument, i8Rows)
	k.zero(i8Below, i8Sum)
	chunk := k.NewLabel("chunk")
	k.Label(chunk)
	k.L("MOVL $%d, %s", k.chunk/2, i8Steps)
	k.L("CMPQ %s, %s", i8Left, i8Steps)
	k.L("CMOVQLT %s, %s", i8Left, i8Steps)
	k.L("MOVQ tile_below(%s), %s", argument, i8Below)
	k.expand()
	k.next(chunk, false)
	k.L("VZEROUPPER")
	k.L("RET")
}

// zero sets so many bytes a row to the zeros of Y0.
func (k i8x256) zero(at string, bytes int) {
	again := k.NewLabel("zero")
	k.Label(again)
	for i := 0; i < bytes; i += 32 {
		k.L("VMOVDQU Y0, %d(%s)", i, at)
	}
	k.L("ADDQ $%d, %s", bytes, at)
	k.L("DECQ %s", i8Rows)
	k.L("JNZ %s", again)
}

// expand splits x of the chunk into masks and sizes, from i8To on, which it
// advances, and adds to the sums from i8Below on.
func (k i8x256) expand() {
	const from, to, left, below = "AX", i8To, "CX", i8Below
	k.L("MOVL $0x80808080, %s", left)
	k.L("VMOVD %s, X15", left)
	k.L("VPBROADCASTD X15, Y15")
	k.L("VPCMPEQD Y14, Y14, Y14")
	k.L("VPXOR Y13, Y13, Y13")
	k.L("MOVQ tile_rows(%s), %s", argument, i8Rows)
	k.L("MOVQ %s, %s", i8From, i8Sums)
	row, wide, narrow, end := k.NewLabel("row"), k.NewLabel("wide"), k.NewLabel("narrow"), k.NewLabel("end")
	k.Label(row)
	k.L("VMOVDQU (%s), Y12", below)
	k.L("XORL %s, %s", from, from)
	k.L("MOVQ %s, %s", i8Steps, left)
	k.L("SUBQ $4, %s", left)
	k.L("JLT %s", narrow)
	split := func(width string) {
		k.L("VMOVDQU (%s)(%s*1), %s0", i8Sums, from, width)
		k.L("VPSUBUSB %s0, %s15, %s1", width, width, width) // 128-x, or 0
		k.L("VPSUBUSB %s15, %s0, %s2", width, width, width) // x-128, or 0
		k.L("VPCMPGTB %s14, %s0, %s3", width, width, width) // x < 128
		k.L("VPSADBW %s13, %s1, %s4", width, width, width)  // eight by eight
		k.L("VPOR %s1, %s2, %s2", width, width, width)      // the size
		k.L("VPADDD Y4, Y12, Y12")                          // the upper half is zero if narrow
		k.L("VMOVDQU %s3, (%s)(%s*1)", width, to, from)     // masks
		k.L("VMOVDQU %s2, %d(%s)(%s*1)", width, k.xRow()/2, to, from)
	}
	k.Label(wide)
	split("Y")
	k.L("ADDQ $32, %s", from)
	k.L("SUBQ $4, %s", left)
	k.L("JGE %s", wide)
	k.Label(narrow)
	k.L("ADDQ $4, %s", left)
	k.L("JZ %s", end)
	split("X") // two steps are left
	k.Label(end)
	k.L("VMOVDQU Y12, (%s)", below)
	k.L("ADDQ $%d, %s", i8Sum, below)
	k.L("ADDQ $%d, %s", k.xRow(), to)
	k.L("ADDQ tile_ldx(%s), %s", argument, i8Sums)
	k.L("DECQ %s", i8Rows)
	k.L("JNZ %s", row)
}

// finish makes results of the sums and stores them.
func (k i8x256) finish() {
	const (
		affine = "AX"
		left   = "CX"
		bias   = "BX"
		colsum = "DI"
		scale  = "SI"
		below  = "R15"
		size   = "R12"
	)
	k.Label(k.name + "_finish")
	k.L("MOVQ tile_dst(%s), %s", argument, dst)
	k.L("MOVQ tile_ldd(%s), %s", argument, ldd)
	k.L("MOVQ tile_affine(%s), %s", argument, affine)
	k.L("MOVQ tile_bias(%s), %s", argument, bias)
	k.L("MOVQ tile_colsum(%s), %s", argument, colsum)
	k.L("MOVQ tile_wscale(%s), %s", argument, scale)
	k.L("MOVQ tile_rows(%s), %s", argument, left)
	k.L("MOVQ tile_vecs(%s), %s", argument, size)
	k.L("SHLQ $6, %s", size)
	k.frame(i8Sums, 0)
	k.frame(below, k.below())
	k.L("MOVQ tile_below(%s), %s", argument, vector)
	k.L("TESTQ %s, %s", vector, vector)
	k.L("CMOVQNE %s, %s", vector, below)
	k.addOrStore(func(add bool) {
		row, again := k.NewLabel("row"), k.NewLabel("columns")
		k.Label(row)
		k.L("VMOVDQU (%s), Y12", below)
		k.L("VEXTRACTI128 $1, Y12, X13")
		k.L("VPADDD X13, X12, X12")
		k.L("VPSHUFD $0xEE, X12, X13")
		k.L("VPADDD X13, X12, X12")
		k.L("VPBROADCASTD X12, Y12")
		k.L("VPBROADCASTD 4(%s), Y13", affine)
		k.L("VBROADCASTSS (%s), Y14", affine)
		k.L("XORL %s, %s", vector, vector)
		k.Label(again)
		for v := range 2 {
			at := func(base string) string { return fmt.Sprintf("%d(%s)(%s*1)", 32*v, base, vector) }
			k.L("VPMULLD %s, Y13, Y%d", at(colsum), v)
			k.L("VPADDD %s, Y12, Y%d", at(i8Sums), 2+v)
			k.L("VPADDD Y%d, Y%d, Y%d", v, 2+v, v)
			k.L("VMULPS %s, Y14, Y%d", at(scale), 2+v)
			k.L("VCVTDQ2PS Y%d, Y%d", v, v)
			k.L("VMULPS Y%d, Y%d, Y%d", 2+v, v, v)
			k.L("VADDPS %s, Y%d, Y%d", at(bias), v, v)
			if add {
				k.L("VADDPS %s, Y%d, Y%d", at(dst), v, v)
			}
			k.L("VMOVUPS Y%d, %s", v, at(dst))
		}
		k.L("ADDQ $64, %s", vector)
		k.L("CMPQ %s, %s", vector, size)
		k.L("JLT %s", again)
		k.L("ADDQ $%d, %s", i8Row, i8Sums)
		k.L("ADDQ $%d, %s", i8Sum, below)
		k.L("ADDQ $8, %s", affine)
		k.L("ADDQ %s, %s", ldd, dst)
		k.L("DECQ %s", left)
		k.L("JNZ %s", row)
	}, func() {
		k.L("VZEROUPPER")
		k.L("RET")
	})
}
