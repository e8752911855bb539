package asmgen

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestA64 checks some words that are known.
func TestA64(t *testing.T) {
	for text, want := range map[string]string{
		"fmla v0.4s, v1.4s, v2.s[0]":      "4f821020",
		"fmla v31.4s, v17.4s, v18.s[3]":   "4fb21a3f",
		"sdot v0.4s, v1.16b, v2.16b":      "4e829420",
		"smmla v0.4s, v1.16b, v2.16b":     "4e82a420",
		"bfmmla v0.4s, v1.8h, v2.8h":      "6e42ec20",
		"  shl  v3.4s,  v4.4s,  #31 ":     "4f3f5483",
		"smlal2 v1.4s, v2.8h, v15.h[7]":   "4f7f2841",
		"mov v1.s[3], v2.s[1]":            "6e1c2441",
		"fcvtns v30.4s, v29.4s":           "4e21abbe",
		"dup v7.2d, v31.d[1]":             "4e1807e7",
		"umaxv s9, v10.4s":                "6eb0a949",
		"sdot v31.4s, v30.16b, v29.4b[2]": "4f9debdf",
		"usmmla v12.4s, v13.16b, v14.16b": "4e8eadac",
		"bfcvtn2 v5.8h, v6.4s":            "4ea168c5",
		"sqxtn2 v5.16b, v6.8h":            "4e2148c5",
		"ushll2 v5.4s, v6.8h, #15":        "6f1fa4c5",
		"sshr v5.4s, v6.4s, #32":          "4f2004c5",
		"fadd v5.2d, v6.2d, v7.2d":        "4e67d4c5",
		"shrn2 v5.8h, v6.4s, #16":         "4f1084c5",
		"bfdot v5.4s, v6.8h, v31.2h[3]":   "4f7ff8c5",
		"fcvtl2 v5.2d, v6.4s":             "4e6178c5",
		"zip2 v5.2d, v6.2d, v7.2d":        "4ec778c5",
	} {
		got := A64(text)
		if !strings.HasPrefix(got, "WORD $0x"+want+" // ") {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestA64Panics(t *testing.T) {
	for _, text := range []string{
		"", "fmla", "fmla v0.4s", "fmla v0.4s, v1.4s, v32.4s", "fmla v0.4s, v1.4s, v2.s[4]",
		"smlal v1.4s, v2.4h, v16.h[0]", "shl v0.4s, v1.4s, #32", "sshr v0.4s, v1.4s, #0",
		"frob v0.4s, v1.4s", "shll v0.4s, v1.4h, #8", "fadd v0.4s, v1.4s, v2.2d",
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q did not panic", text)
				}
			}()
			A64(text)
		}()
	}
}

// TestForms compares every form, with numbers at the ends of their ranges,
// to what LLVM's disassembler makes of the word.
func TestForms(t *testing.T) {
	var lines []string
	for key, f := range forms {
		for _, pick := range []func(fits []uint32, i int) uint32{
			func(fits []uint32, i int) uint32 { return fits[0] },
			func(fits []uint32, i int) uint32 { return fits[len(fits)-1] },
			func(fits []uint32, i int) uint32 { return fits[(len(fits)/3+i)%len(fits)] },
			func(fits []uint32, i int) uint32 { return fits[(len(fits)*2/3+3*i)%len(fits)] },
		} {
			op, shape, _ := strings.Cut(key, " ")
			i := 0
			text := op + " " + place.ReplaceAllStringFunc(shape, func(s string) string {
				var fits []uint32
				for n := range uint32(64) {
					if _, ok := f.fields[i](n); ok {
						fits = append(fits, n)
					}
				}
				i++
				return s + fmt.Sprint(pick(fits, i))
			})
			lines = append(lines, A64(text))
		}
	}
	disassemble(t, lines)
}

// place matches where a form has a number.
var place = regexp.MustCompile(`(?:^|, )[vsd]|\[|#`)

// TestGenerated compares every word in the generated files with its comment.
func TestGenerated(t *testing.T) {
	files, err := filepath.Glob("../../*/*_arm64.s")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "WORD") {
				lines = append(lines, line)
			}
		}
		slices.Sort(lines)
		if lines = slices.Compact(lines); len(lines) > 0 {
			t.Run(filepath.Base(file), func(t *testing.T) { disassemble(t, lines) })
		}
	}
}

var wordLine = regexp.MustCompile(`^WORD \$0x([0-9a-f]{8}) // (.*)$`)

// disassemble checks lines that A64 returned.
func disassemble(t *testing.T, lines []string) {
	t.Helper()
	llvm, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("there is no llvm-mc to compare with")
	}
	var in bytes.Buffer
	var want []string
	for _, line := range lines {
		m := wordLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("%s: no word with a comment", line)
		}
		w := m[1]
		fmt.Fprintf(&in, "0x%s 0x%s 0x%s 0x%s\n", w[6:8], w[4:6], w[2:4], w[0:2])
		want = append(want, plain(m[2]))
	}
	c := exec.Command(llvm, "--disassemble", "-triple=aarch64", "-mattr=+v8.6a,+fullfp16")
	c.Stdin = &in
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("llvm-mc: %v\n%s", err, out)
	}
	var got []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, ".") {
			got = append(got, plain(line))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d words, %d instructions\n%s", len(want), len(got), out)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s is %s", lines[i], got[i])
		}
	}
}

// plain writes instructions with two names in one way.
func plain(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if m := extend.FindStringSubmatch(text); m != nil {
		return m[1] + "shll" + m[2] + ", #0"
	}
	if m := copies.FindStringSubmatch(text); m != nil && m[2] == m[3] {
		return "mov " + m[1] + ", " + m[2]
	}
	return text
}

var (
	extend = regexp.MustCompile(`^([su])xtl(.*)$`)
	copies = regexp.MustCompile(`^orr (\S+), (\S+), (\S+)$`)
)
