package main

import "mom/kernels/internal/asmgen"

// A kernelAMX computes up to 32 rows of a whole panel with the matrix
// instructions: for each 16 groups of k it multiplies one or two tiles of x by
// 1 to 3 tiles of 16 columns. The number of groups is a multiple of 16.
//
// More than 16 rows are the first half and the last half, as long as each other: of
// an odd number the middle row is in both.
//
// Sums of x's first tile are in tiles 0 to 2, of the second in 3 to 5; x is in
// tile 6, weights in tile 7. At the end the sums go by way of the stack to dst.
type kernelAMX struct {
	file
	multiply func(dst, a, b int) string
	integer  bool
}

const (
	tileBytes = 1024
	second    = "BX"  // the second tile's first row of x
	ahead     = "R10" // bytes to prefetch for 16 groups
	stride    = "R12" // bytes from a group of weights to the next
	sums      = "R14" // where the sums lie in memory
)

// configAMX prints the shapes for 1 to 16 rows.
func configAMX(f file) {
	for rows := 1; rows <= 16; rows++ {
		var c [64]byte
		c[0] = 1
		for t := range 8 {
			c[16+2*t], c[48+t] = 64, byte(rows)
		}
		c[48+7] = 16
		for i := 0; i < 64; i += 8 {
			word := uint64(0)
			for j := range 8 {
				word |= uint64(c[i+j]) << (8 * j)
			}
			f.Raw("DATA shapes<>+%d(SB)/8, $0x%016x\n", (rows-1)*64+i, word)
		}
	}
	f.Raw("GLOBL shapes<>(SB), RODATA|NOPTR, $1024\n")
}

func (k kernelAMX) emit() {
	configAMX(k.file)
	k.FuncFrame(k.name, "(t *tile)", 2*tileBytes+64, 8)
	k.L("MOVQ t+0(FP), %s", argument)
	k.L("MOVQ tile_w(%s), %s", argument, weights)
	k.L("MOVQ tile_ldx(%s), %s", argument, ldx)
	k.L("MOVQ tile_x(%s), %s", argument, rowBase[0])
	k.L("MOVQ tile_vecs(%s), %s", argument, stride)
	k.L("SHLQ $6, %s", stride)
	k.L("MOVQ tile_k(%s), %s", argument, groups)
	k.L("SHRQ $4, %s", groups)
	k.L("LEAQ 63(SP), %s", sums)
	k.L("ANDQ $-64, %s", sums)

	two := k.NewLabel("two")
	k.L("MOVQ tile_rows(%s), %s", argument, dst)
	k.L("LEAQ shapes<>(SB), R11")
	k.L("CMPQ %s, $16", dst)
	k.L("JGT %s", two)
	k.L("MOVQ %s, %s", dst, scratch)
	k.shape()
	k.forVecs(1)
	k.Label(two)
	k.L("LEAQ 1(%s), %s", dst, scratch)
	k.L("SHRQ $1, %s", scratch)
	k.shape()
	k.L("SUBQ %s, %s", scratch, dst) // the first row of the second half
	k.L("MOVQ %s, %s", ldx, second)
	k.L("IMULQ %s, %s", dst, second)
	k.L("ADDQ %s, %s", rowBase[0], second)
	k.forVecs(2)
}

// shape gives the tiles as many rows as scratch says.
func (k kernelAMX) shape() {
	k.L("MOVQ %s, SI", scratch)
	k.L("SHLQ $6, SI")
	k.L("LEAQ -64(R11)(SI*1), SI")
	k.L("%s", asmgen.LDTILECFG("SI"))
}

func (k kernelAMX) forVecs(halves int) {
	one, twoV := k.NewLabel("vecs"), k.NewLabel("vecs")
	k.L("CMPQ tile_vecs(%s), $2", argument)
	k.L("JLT %s", one)
	k.L("JEQ %s", twoV)
	k.tile(halves, 3)
	k.Label(twoV)
	k.tile(halves, 2)
	k.Label(one)
	k.tile(halves, 1)
}

func (k kernelAMX) tile(halves, vecs int) {
	x, w := 6, 7
	load := func(v int) { k.L("%s", asmgen.TILELOADD(w, weights, stride, 64*v)) }
	k.L("MOVQ tile_next(%s), %s", argument, fetch)
	k.L("ADDQ %s, %s", weights, fetch)
	k.L("MOVQ tile_fetch(%s), %s", argument, ahead)
	k.L("IMULQ $%d, %s", 16*vecs, ahead)
	again := k.NewLabel("again")
	k.Label(again)
	k.L("%s", asmgen.TILELOADD(x, rowBase[0], ldx, 0))
	for v := range vecs {
		load(v)
		k.L("%s", k.multiply(v, x, w))
	}
	if vecs == 3 { // a narrow panel is in the last unit: nothing comes next
		k.prefetch()
	}
	if halves == 2 {
		k.L("%s", asmgen.TILELOADD(x, second, ldx, 0))
		for v := vecs - 1; v >= 0; v-- {
			if v < vecs-1 {
				load(v)
			}
			k.L("%s", k.multiply(3+v, x, w))
		}
		k.L("ADDQ $64, %s", second)
	}
	k.L("ADDQ $64, %s", rowBase[0])
	k.L("ADDQ $%d, %s", tileBytes*vecs, weights)
	k.L("DECQ %s", groups)
	k.L("JNZ %s", again)

	k.store(halves, vecs)
}

// prefetch fetches this tile's share of the next panel, as much as goes with 16 groups.
func (k kernelAMX) prefetch() {
	more, ready := k.NewLabel("fetch"), k.NewLabel("ready")
	k.L("LEAQ (%s)(%s*1), %s", fetch, ahead, scratch)
	k.L("CMPQ %s, %s", fetch, scratch)
	k.L("JGE %s", ready)
	k.Label(more)
	k.L("PREFETCHT1 (%s)", fetch)
	k.L("ADDQ $64, %s", fetch)
	k.L("CMPQ %s, %s", fetch, scratch)
	k.L("JLT %s", more)
	k.L("MOVQ %s, %s", scratch, fetch)
	k.Label(ready)
}

// store turns the sums into results, tile by tile, through two pieces of memory in
// turn that stay in the cache: tiles stored where it has to be fetched first take as
// long as all products of a short panel.
func (k kernelAMX) store(halves, vecs int) {
	const rowBytes = "R12"
	if halves == 2 {
		k.L("MOVQ tile_rows(%s), BX", argument)
		k.L("INCQ BX")
		k.L("SHRQ $1, BX") // rows of a half
	} else {
		k.L("MOVQ tile_rows(%s), BX", argument)
	}
	k.L("MOVQ tile_ldd(%s), %s", argument, ldd)
	k.L("MOVQ $64, %s", rowBytes)
	if k.integer {
		k.L("MOVL $128, %s", scratch)
		k.L("VPBROADCASTD %s, Z22", scratch)
	}
	spill := func(i int) {
		if i < halves*vecs {
			k.L("%s", asmgen.TILESTORED(i/vecs*3+i%vecs, sums, rowBytes, i%2*tileBytes))
		}
	}
	k.addOrStore(func(add bool) {
		spill(0)
		for i := range halves * vecs {
			spill(i + 1)
			k.results(i/vecs, i%vecs, i%2*tileBytes, add)
		}
	}, func() {
		k.L("%s", asmgen.TILERELEASE())
		k.L("VZEROUPPER")
		k.L("RET")
	})
}

// results makes the results of vector v of a half, whose sums lie at from.
func (k kernelAMX) results(half, v, from int, add bool) {
	k.L("LEAQ %d(%s), AX", from, sums)
	k.L("MOVQ tile_dst(%s), %s", argument, dst)
	k.L("MOVQ tile_affine(%s), SI", argument)
	k.L("MOVQ BX, %s", groups)
	if half == 1 {
		k.L("MOVQ tile_rows(%s), DI", argument)
		k.L("SUBQ BX, DI") // the first row
		k.L("LEAQ (SI)(DI*8), SI")
		if add { // not twice to the middle row
			k.L("MOVQ BX, DI")
			k.L("LEAQ (BX)(BX*1), R10")
			k.L("SUBQ tile_rows(%s), R10", argument) // 1 if it is done
			k.L("SUBQ R10, %s", groups)
			k.L("LEAQ (SI)(R10*8), SI")
			k.L("SHLQ $6, R10")
			k.L("ADDQ R10, AX")
		}
		k.L("IMULQ %s, DI", ldd)
		k.L("ADDQ DI, %s", dst)
	}
	column := func(field string, z int) {
		k.L("MOVQ tile_%s(%s), %s", field, argument, scratch)
		k.L("VMOVUPS %d(%s), Z%d", 64*v, scratch, z)
	}
	column("bias", 24)
	if k.integer {
		column("colsum", 16)
		column("wscale", 19)
	}
	row := k.NewLabel("row")
	k.Label(row)
	if k.integer {
		k.L("VPBROADCASTD 4(SI), Z0")
		k.L("VPSUBD Z22, Z0, Z0")
		k.L("VMULPS.BCST (SI), Z19, Z1")
		k.L("VPMULLD Z16, Z0, Z0")
		k.L("VPADDD (AX), Z0, Z0")
		k.L("VCVTDQ2PS Z0, Z0")
		k.L("VMULPS Z1, Z0, Z0")
		k.L("VADDPS Z24, Z0, Z0")
		k.L("ADDQ $8, SI")
	} else {
		k.L("VADDPS (AX), Z24, Z0")
	}
	if add {
		k.L("VADDPS %d(%s), Z0, Z0", 64*v, dst)
	}
	k.L("VMOVUPS Z0, %d(%s)", 64*v, dst)
	k.L("ADDQ $64, AX")
	k.L("ADDQ %s, %s", ldd, dst)
	k.L("DECQ %s", groups)
	k.L("JNZ %s", row)
}
