package asmgen

import (
	"os/exec"
	"strings"
	"testing"
)

// encoded are instructions that Go's assembler does not know, in Intel's syntax.
var encoded = map[string]string{
	"vdpbf16ps zmm17, zmm9, zmm30":        VDPBF16PS(17, 9, 30),
	"{vex} vpdpbusd ymm9, ymm14, ymm11":   VPDPBUSDVEX(9, 14, 11),
	"vcvtne2ps2bf16 zmm3, zmm20, zmm8":    VCVTNE2PS2BF16(3, 20, 8),
	"vcvtneps2bf16 ymm31, zmm2":           VCVTNEPS2BF16(31, 2),
	"ldtilecfg [rsi + riz]":               LDTILECFG("SI"),
	"tilerelease":                         TILERELEASE(),
	"tilezero tmm5":                       TILEZERO(5),
	"tileloadd tmm6, [r13 + r8 + 192]":    TILELOADD(6, "R13", "R8", 192),
	"tileloadd tmm0, [rax + r12]":         TILELOADD(0, "AX", "R12", 0),
	"tilestored [r14 + r12 + 1024], tmm3": TILESTORED(3, "R14", "R12", 1024),
	"tdpbusd tmm1, tmm6, tmm7":            TDPBUSD(1, 6, 7),
	"tdpbf16ps tmm5, tmm2, tmm4":          TDPBF16PS(5, 2, 4),
}

// TestAMD64 has llvm-mc read the bytes.
func TestAMD64(t *testing.T) {
	llvm, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("there is no llvm-mc to compare with")
	}
	for want, bytes := range encoded {
		c := exec.Command(llvm, "--disassemble", "-triple=x86_64", "-output-asm-variant=1",
			"-mattr=+avx512f,+avx512bf16,+avx512vl,+avxvnni,+amx-tile,+amx-int8,+amx-bf16")
		c.Stdin = strings.NewReader(strings.NewReplacer("BYTE $", "", ";", "").Replace(bytes))
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("llvm-mc: %v\n%s", err, out)
		}
		text := strings.Join(strings.Fields(strings.NewReplacer("xmmword ptr ", "", "zmmword ptr ", "", "1*", "").Replace(string(out))), " ")
		if !strings.HasSuffix(text, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%s is read as %s", want, text)
		}
	}
}
