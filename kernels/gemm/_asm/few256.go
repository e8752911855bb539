package main

import "fmt"

// A few256 is a kernel256 for up to 4 rows that are alone: each line of the panel
// is used once, so that memory decides the speed, and lines are best read in
// order. The kernel takes a panel in chunks of a few groups of k, all columns of a
// chunk before the next, and prefetches a little ahead, into whatever follows in
// memory. (Chunks of 6 KB, or prefetching so far ahead, made float32 a quarter
// slower.) Between chunks the sums are in the stack frame. A sum adds up the same
// products in the same order as in kernel256.
//
// Formats whose x needs work before it is multiplied have that done once a chunk:
// of each group of each row an even and an odd half, 4 bytes each, are in the
// frame too.
type few256 struct {
	kernel256
	few
	chunk int // groups
	ahead int // bytes from the group in use to what is prefetched
}

// few is what differs between formats besides arithmetic256. A group takes x from
// memory operands; expand has the instructions that make halves of groups of x,
// eight in Y12 and Y13 or one in two general registers, or is nil.
type few interface {
	expansion() *expansion
	multiply(k kernel256, rows int, x func(r, odd int) string)
}

type expansion struct {
	constant int64
	vector   []string // from Y12, even half to Y12, odd to Y13; the constant is in Y14
	scalar   []string // from R13, even half to R13, odd to CX
}

const fewRow = 192 // bytes from a row of sums to the next

// xRow is the bytes from a row of expanded x to the next.
func (k few256) xRow() int { return 2 * 4 * k.chunk }

// What other general registers hold than in kernel256.
const (
	fewSums  = "R10"
	fewFrom  = "R15" // x of the chunk, row 0
	fewChunk = "DX"  // the chunk's weights
	fewLeft  = "R11" // groups from the chunk on
)

func (k few256) emit() {
	size := k.rows * fewRow
	if k.expansion() != nil {
		size += k.rows * k.xRow()
	}
	k.FuncFrame(k.name, "(t *tile)", size+64, 8)
	k.L("MOVQ t+0(FP), %s", argument)
	k.L("MOVQ tile_w(%s), %s", argument, fewChunk)
	k.L("MOVQ tile_ldx(%s), %s", argument, ldx)
	k.L("MOVQ tile_x(%s), %s", argument, fewFrom)
	k.L("MOVQ tile_k(%s), %s", argument, fewLeft)
	k.L("LEAQ %d(%s), %s", k.ahead, fewChunk, fetch)
	k.L("MOVQ tile_vecs(%s), %s", argument, step)
	k.L("SHLQ $6, %s", step)
	k.L("LEAQ 63(SP), %s", fewSums)
	k.L("ANDQ $-64, %s", fewSums)
	k.L("MOVQ tile_rows(%s), %s", argument, scratch)
	k.forRows(k.name, k.panel)
}

func (k few256) panel(rows int) {
	k.vectors(func() {
		k.init(k.kernel256, rows)
		k.sums(rows, true)
	})
	chunk, again := k.NewLabel("chunk"), k.NewLabel("loop")
	k.Label(chunk)
	if e := k.expansion(); e != nil {
		k.expand(rows, e)
	}
	k.vectors(func() {
		k.sums(rows, false)
		k.count()
		k.L("LEAQ (%s)(%s*1), %s", fewChunk, vector, weights)
		x := rowAt0
		if k.expansion() == nil {
			k.L("MOVQ %s, %s", fewFrom, rowBase[0])
			k.L("LEAQ (%s)(%s*2), %s", ldx, ldx, rowBase[1])
			k.L("ADDQ %s, %s", fewFrom, rowBase[1])
		} else {
			k.L("LEAQ %d(%s), %s", k.rows*fewRow, fewSums, rowBase[0])
			x = func(r, odd int) string { return fmt.Sprintf("%d(%s)", r*k.xRow()+odd*k.xRow()/2, rowBase[0]) }
		}
		k.Label(again)
		k.L("PREFETCHT0 (%s)", fetch)
		k.L("ADDQ $64, %s", fetch)
		k.multiply(k.kernel256, rows, x)
		k.L("ADDQ %s, %s", step, weights)
		k.L("ADDQ $4, %s", rowBase[0])
		if k.expansion() == nil && rows > 3 {
			k.L("ADDQ $4, %s", rowBase[1])
		}
		k.L("DECQ %s", groups)
		k.L("JNZ %s", again)
		k.sums(rows, true)
	})
	k.L("MOVQ %s, %s", weights, fewChunk) // of the last vector of the next chunk
	k.L("SUBQ %s, %s", step, fewChunk)
	k.L("ADDQ $64, %s", fewChunk)
	k.L("ADDQ $%d, %s", 4*k.chunk, fewFrom)
	k.L("SUBQ $%d, %s", k.chunk, fewLeft)
	k.L("JGT %s", chunk)
	k.finish(rows)
}

func rowAt0(r, odd int) string { return rowAt(r, 0) }

// vectors calls body for each 16 columns.
func (k few256) vectors(body func()) {
	again := k.NewLabel("vector")
	k.L("XORL %s, %s", vector, vector)
	k.Label(again)
	body()
	k.L("ADDQ $64, %s", vector)
	k.L("CMPQ %s, %s", vector, step)
	k.L("JLT %s", again)
}

// sums loads or stores the sums of 16 columns.
func (k few256) sums(rows int, store bool) {
	for y := range 2 * rows {
		at := fmt.Sprintf("%d(%s)(%s*1)", y/2*fewRow+y%2*32, fewSums, vector)
		if store {
			k.L("VMOVUPS Y%d, %s", y, at)
		} else {
			k.L("VMOVUPS %s, Y%d", at, y)
		}
	}
}

// count sets groups to those of the chunk.
func (k few256) count() {
	k.L("MOVL $%d, %s", k.chunk, groups)
	k.L("CMPQ %s, %s", fewLeft, groups)
	k.L("CMOVQLT %s, %s", fewLeft, groups)
}

// expand expands x of the chunk.
func (k few256) expand(rows int, e *expansion) {
	const from, to, left = "AX", "BX", "DI"
	k.L("MOVL $0x%x, %s", uint32(e.constant), scratch)
	k.L("VMOVD %s, X14", scratch)
	k.L("VPBROADCASTD X14, Y14")
	k.L("MOVQ %s, %s", fewFrom, from)
	for r := range rows {
		wide, narrow, end := k.NewLabel("wide"), k.NewLabel("narrow"), k.NewLabel("end")
		k.count()
		k.L("MOVQ %s, %s", groups, left)
		k.L("LEAQ %d(%s), %s", k.rows*fewRow+r*k.xRow(), fewSums, to)
		k.L("SUBQ $8, %s", left)
		k.L("JLT %s", narrow)
		k.Label(wide)
		k.L("VMOVDQU (%s), Y12", from)
		for _, line := range e.vector {
			k.L("%s", line)
		}
		k.L("VMOVDQU Y12, (%s)", to)
		k.L("VMOVDQU Y13, %d(%s)", k.xRow()/2, to)
		k.L("ADDQ $32, %s", from)
		k.L("ADDQ $32, %s", to)
		k.L("SUBQ $8, %s", left)
		k.L("JGE %s", wide)
		k.Label(narrow)
		k.L("ADDQ $8, %s", left)
		k.L("JZ %s", end)
		again := k.NewLabel("one")
		k.Label(again)
		k.L("MOVL (%s), %s", from, scratch)
		for _, line := range e.scalar {
			k.L("%s", line)
		}
		k.L("MOVL %s, (%s)", scratch, to)
		k.L("MOVL %s, %d(%s)", groups, k.xRow()/2, to)
		k.L("ADDQ $4, %s", from)
		k.L("ADDQ $4, %s", to)
		k.L("DECQ %s", left)
		k.L("JNZ %s", again)
		k.Label(end)
		if r < rows-1 {
			k.count()
			k.L("SHLQ $2, %s", groups)
			k.L("SUBQ %s, %s", groups, from)
			k.L("ADDQ %s, %s", ldx, from)
		}
	}
}

func (k few256) finish(rows int) {
	k.L("MOVQ tile_ldd(%s), %s", argument, ldd)
	k.addOrStore(func(add bool) {
		k.vectors(func() {
			k.sums(rows, false)
			k.toFloat(k.kernel256, rows)
			k.L("MOVQ tile_bias(%s), %s", argument, scratch)
			k.L("MOVQ tile_dst(%s), %s", argument, dst)
			k.L("ADDQ %s, %s", vector, dst)
			k.storeRows(rows, add)
		})
	}, func() {
		k.L("VZEROUPPER")
		k.L("RET")
	})
}

// fewF32 is f32x256.
type fewF32 struct{}

func (fewF32) expansion() *expansion { return nil }

func (fewF32) multiply(k kernel256, rows int, x func(r, odd int) string) {
	for v := range 2 {
		k.L("VMOVUPS %d(%s), Y%d", 32*v, weights, 12+v)
	}
	for r := range rows {
		k.L("VBROADCASTSS %s, Y%d", x(r, 0), 14+r%2)
		for v := range 2 {
			k.L("VFMADD231PS Y%d, Y%d, Y%d", 12+v, 14+r%2, 2*r+v)
		}
	}
}

// fewBF16 is bf16Widenx256.
type fewBF16 struct{}

func (fewBF16) expansion() *expansion {
	return &expansion{
		constant: 0xFFFF0000,
		vector:   []string{"VPAND Y14, Y12, Y13", "VPSLLD $16, Y12, Y12"},
		scalar:   []string{"MOVL R13, CX", "ANDL $0xFFFF0000, CX", "SHLL $16, R13"},
	}
}

func (fewBF16) multiply(k kernel256, rows int, x func(r, odd int) string) {
	for odd := range 2 {
		for v := range 2 {
			if odd == 0 {
				k.L("VMOVDQU %d(%s), Y%d", 32*v, weights, 12+v)
				k.L("VPSLLD $16, Y%d, Y%d", 12+v, 12+v)
			} else {
				k.L("VPAND %d(%s), Y15, Y%d", 32*v, weights, 12+v)
			}
		}
		for r := range rows {
			k.L("VBROADCASTSS %s, Y14", x(r, odd))
			for v := range 2 {
				k.L("VFMADD231PS Y%d, Y14, Y%d", 12+v, 2*r+v)
			}
		}
	}
}
