// Command _asm writes the tile kernels of package gemm.
//
// A kernel takes a *tile as its only argument and computes its rows times the
// columns of its panel with all sums in registers: for each group of k it loads
// the group's weights, and for each row broadcasts the group of x and
// multiplies. There is code for every number of rows.
//
// Kernels for AVX-512 take a whole panel of 1, 2 or 3 vectors of 16 columns;
// those for AVX2 take one vector, 16 columns, after the other.
package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

// What the general registers of amd64 hold.
const (
	argument = "R9"
	weights  = "DI"  // the group being multiplied
	groups   = "CX"  // how many are left
	ldx      = "R8"  // bytes from a row of x to the next
	dst      = "DX"  // the row being stored
	ldd      = "R11" // bytes from a row of dst to the next
	fetch    = "SI"  // what is being prefetched
	step     = "R12" // bytes to prefetch for a group, or AVX2: from a group to the next
	vector   = "R14" // AVX2: bytes from the panel's first vector to this one
	scratch  = "R13"
)

// rowBase are registers that point to rows 0, 3 and 6 of x. The two rows after
// each are ldx and 2*ldx further.
var rowBase = []string{"AX", "BX", "R10"}

// rowAt is the memory operand of row r, disp bytes further.
func rowAt(r, disp int) string {
	base := rowBase[r/3]
	if r%3 == 0 {
		return fmt.Sprintf("%d(%s)", disp, base)
	}
	return fmt.Sprintf("%d(%s)(%s*%d)", disp, base, ldx, r%3)
}

func main() {
	for _, out := range []struct {
		path  string
		write func(f *asmgen.File)
	}{
		{"f32_amd64.s", func(f *asmgen.File) {
			kernel512{file{f, "f32Tile512", 8, 4}, f32x512{}, true}.emit()
			kernel256{file{f, "f32Tile256", 6, 4}, f32x256{}}.emit()
			few256{kernel256{file{f, "f32Few256", 4, 4}, f32x256{}}, fewF32{}, 8, 1536}.emit()
		}},
		{"bf16_amd64.s", func(f *asmgen.File) {
			kernelAMX{file{f, "bf16TileAMX", 32, 4}, asmgen.TDPBF16PS, false}.emit()
			kernel512{file{f, "bf16Tile512", 8, 4}, bf16x512{}, true}.emit()
			kernel512{file{f, "bf16TileWiden512", 8, 4}, bf16Widenx512{}, false}.emit()
			kernel256{file{f, "bf16TileWiden256", 6, 4}, bf16Widenx256{}}.emit()
			few256{kernel256{file{f, "bf16FewWiden256", 4, 4}, bf16Widenx256{}}, fewBF16{}, 8, 1792}.emit()
		}},
		{"i8_amd64.s", func(f *asmgen.File) {
			kernelAMX{file{f, "i8TileAMX", 32, 4}, asmgen.TDPBUSD, true}.emit()
			kernel512{file{f, "i8TileVNNI512", 8, 4}, i8VNNIx512{}, true}.emit()
			kernel512{file{f, "i8TileMadd512", 7, 4}, i8Maddx512{}, false}.emit()
			kernel256{file{f, "i8TileVNNI256", 6, 4}, i8VNNIx256{}}.emit()
			madd := i8x256{file{f, "i8TileMadd256", 16, 4}, 64, 32, 2560}
			madd.emit()
			madd.emitSplit("i8Split256")
		}},
		{"i4_amd64.s", func(f *asmgen.File) {
			i4Constants(file{File: f})
			i4x512{file{f, "i4TileVNNI512", 8, 32}}.emit()
			i4x256{file{f, "i4TileMadd256", 4, 32}, false}.emit()
			i4x256{file{f, "i4TileMany256", 32, 32}, true}.emit()
		}},
	} {
		f := asmgen.New("kernels/gemm/_asm", "!purego")
		f.Raw("#include \"go_asm.h\"\n")
		out.write(f)
		f.Write(out.path)
	}
	arm64()
}

// A file is where a kernel goes, with what all kernels have.
type file struct {
	*asmgen.File
	name  string
	rows  int // at most
	bytes int // of a row of x in a group
}

// prologue loads the registers that stay the same.
func (f file) prologue() {
	f.Func(f.name, "(t *tile)", 8)
	f.L("MOVQ t+0(FP), %s", argument)
	f.L("MOVQ tile_w(%s), %s", argument, weights)
	f.L("MOVQ tile_ldx(%s), %s", argument, ldx)
	f.L("MOVQ tile_ldd(%s), %s", argument, ldd)
	f.L("MOVQ tile_next(%s), %s", argument, fetch)
	f.L("ADDQ %s, %s", weights, fetch)
}

// start loads the registers that the loop and the stores change. It leaves the
// number of rows in scratch.
func (f file) start() {
	f.L("MOVQ tile_x(%s), %s", argument, rowBase[0])
	f.L("LEAQ (%s)(%s*2), %s", ldx, ldx, scratch)
	for i := 1; i < (f.rows+2)/3; i++ {
		f.L("LEAQ (%s)(%s*1), %s", rowBase[i-1], scratch, rowBase[i])
	}
	f.L("MOVQ tile_k(%s), %s", argument, groups)
	f.L("MOVQ tile_dst(%s), %s", argument, dst)
	f.L("MOVQ tile_rows(%s), %s", argument, scratch)
}

// forRows calls body for every number of rows, in code that is reached by the
// number in scratch.
func (f file) forRows(label string, body func(rows int)) {
	for r := f.rows - 1; r > 0; r-- {
		f.L("CMPQ %s, $%d", scratch, r)
		f.L("JEQ %s_%d", label, r)
	}
	for r := f.rows; r > 0; r-- {
		f.Label(fmt.Sprintf("%s_%d", label, r))
		body(r)
	}
}

// loop is a loop over the groups, unroll of them in a round.
func (f file) loop(rows, unroll int, group func(u int)) {
	label := f.NewLabel("loop")
	if unroll == 2 {
		f.L("SHRQ $1, %s", groups)
		f.L("JZ %s_odd", label)
	}
	f.Label(label)
	for u := range unroll {
		group(u)
	}
	for i := range (rows + 2) / 3 {
		f.L("ADDQ $%d, %s", unroll*f.bytes, rowBase[i])
	}
	f.L("DECQ %s", groups)
	f.L("JNZ %s", label)
	if unroll == 2 {
		f.Label(label + "_odd")
		f.L("TESTB $1, tile_k(%s)", argument)
		f.L("JZ %s_end", label)
		group(0)
		f.Label(label + "_end")
	}
}

// addOrStore emits store twice, for tile.add 0 and 1.
func (f file) addOrStore(store func(add bool), end func()) {
	label := f.NewLabel("add")
	f.L("CMPQ tile_add(%s), $0", argument)
	f.L("JNE %s", label)
	store(false)
	end()
	f.Label(label)
	store(true)
	end()
}
