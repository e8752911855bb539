// Command _asm writes the measuring loops of package peak.
package main

import (
	"fmt"

	"mom/kernels/internal/asmgen"
)

func main() {
	f := asmgen.New("kernels/peak/_asm", "!purego")
	loop(f, "fma512", 'Z', 24, func(i int) string {
		return fmt.Sprintf("VFMADD231PS Z30, Z31, Z%d", i)
	})
	loop(f, "fma256", 'Y', 14, func(i int) string {
		return fmt.Sprintf("VFMADD231PS Y14, Y15, Y%d", i)
	})
	loop(f, "bf16512", 'Z', 24, func(i int) string {
		return asmgen.VDPBF16PS(i, 31, 30)
	})
	loop(f, "vnni512", 'Z', 24, func(i int) string {
		return fmt.Sprintf("VPDPBUSD Z30, Z31, Z%d", i)
	})
	loop(f, "vnni256", 'Y', 14, func(i int) string {
		return asmgen.VPDPBUSDVEX(i, 15, 14)
	})
	loop(f, "madd512", 'Z', 24, func(i int) string {
		tmp := 24 + i%6
		return fmt.Sprintf("VPMADDWD Z30, Z31, Z%d\nVPADDD Z%d, Z%d, Z%d", tmp, tmp, i, i)
	})
	loop(f, "madd256", 'Y', 10, func(i int) string {
		tmp := 10 + i%4
		return fmt.Sprintf("VPMADDWD Y14, Y15, Y%d\nVPADDD Y%d, Y%d, Y%d", tmp, tmp, i, i)
	})
	loop(f, "maddubs256", 'Y', 10, func(i int) string {
		tmp := 10 + i%4
		return fmt.Sprintf("VPMADDUBSW Y14, Y15, Y%d\nVPADDW Y%d, Y%d, Y%d", tmp, tmp, i, i)
	})
	tiles(f, "i8Tiles", asmgen.TDPBUSD)
	tiles(f, "bf16Tiles", asmgen.TDPBF16PS)
	read(f, "read512", 'Z', 64)
	read(f, "read256", 'Y', 32)
	f.Write("peak_amd64.s")
	arm64()
}

// loop writes a function that runs independent instructions n times.
func loop(f *asmgen.File, name string, reg byte, count int, line func(i int) string) {
	f.Func(name, "(n int)", 8)
	f.L("MOVQ n+0(FP), CX")
	for i := range map[byte]int{'Y': 16, 'Z': 32}[reg] {
		if reg == 'Z' {
			f.L("VPXORD Z%d, Z%d, Z%d", i, i, i)
		} else {
			f.L("VPXOR Y%d, Y%d, Y%d", i, i, i)
		}
	}
	again := f.NewLabel(name)
	f.Raw("PCALIGN $32\n")
	f.Label(again)
	for i := range count {
		f.L("%s", line(i))
	}
	f.L("DECQ CX")
	f.L("JNZ %s", again)
	f.L("VZEROUPPER")
	f.L("RET")
}

// tiles is loop for the matrix instructions: six sums, and two tiles of zeros.
func tiles(f *asmgen.File, name string, multiply func(dst, a, b int) string) {
	f.FuncFrame(name, "(n int)", 64, 8)
	f.L("MOVQ n+0(FP), CX")
	for i := range 8 {
		shape := [8]uint64{0: 1, 2: 0x0040004000400040, 3: 0x0040004000400040, 6: 0x1010101010101010}[i]
		f.L("MOVQ $0x%x, AX\nMOVQ AX, %d(SP)", shape, 8*i)
	}
	f.L("MOVQ SP, AX\n%s", asmgen.LDTILECFG("AX"))
	again := f.NewLabel(name)
	f.Raw("PCALIGN $32\n")
	f.Label(again)
	for i := range 6 {
		f.L("%s", multiply(i, 6, 7))
	}
	f.L("DECQ CX\nJNZ %s\n%s\nRET", again, asmgen.TILERELEASE())
}

// read writes a function that loads n bytes, a multiple of 8 vectors.
func read(f *asmgen.File, name string, reg byte, width int) {
	f.Func(name, "(p unsafe.Pointer, n int)", 16)
	f.L("MOVQ p+0(FP), SI")
	f.L("MOVQ n+8(FP), CX")
	again := f.NewLabel(name)
	f.Label(again)
	for i := range 8 {
		f.L("VMOVUPS %d(SI), %c%d", i*width, reg, i)
	}
	f.L("ADDQ $%d, SI", 8*width)
	f.L("SUBQ $%d, CX", 8*width)
	f.L("JGT %s", again)
	f.L("VZEROUPPER")
	f.L("RET")
}
