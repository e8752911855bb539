package asmgen

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A64 encodes one instruction on the vectors of arm64, written as in Arm's manual,
// as a WORD with the text as its comment. It is for what Go's assembler lacks:
//
//	A64("fmla v0.4s, v1.4s, v2.s[3]")  // WORD $0x4fa21820 // fmla ...
//
// It panics if it does not know the instruction, or a number is out of range.
func A64(text string) string {
	op, operands, _ := strings.Cut(strings.TrimSpace(text), " ")
	var numbers []int
	shape := number.ReplaceAllStringFunc(operands, func(s string) string {
		n, err := strconv.Atoi(s[1:])
		if err != nil {
			panic("asmgen: " + text)
		}
		numbers = append(numbers, n)
		return s[:1]
	})
	f, ok := forms[op+" "+strings.Join(strings.Fields(shape), " ")]
	if !ok {
		panic("asmgen: unknown instruction: " + text)
	}
	word := f.base
	if len(numbers) != len(f.fields) {
		panic("asmgen: wrong operands: " + text)
	}
	for i, field := range f.fields {
		bits, ok := field(uint32(numbers[i]))
		if !ok {
			panic("asmgen: number out of range: " + text)
		}
		word |= bits
	}
	return fmt.Sprintf("WORD $0x%08x // %s", word, strings.TrimSpace(text))
}

// number matches a register's number, an index or an immediate, with the
// character before it: v12 or [3 or #16, but not the 4 of .4s.
var number = regexp.MustCompile(`[vsdwx\[#]\d+`)

// A form is an instruction with its kinds of operands: the word for all numbers
// zero, and for each number in order of the text the bits that it sets.
type form struct {
	base   uint32
	fields []field
}

type field func(n uint32) (bits uint32, ok bool)

func register(at int) field {
	return func(n uint32) (uint32, bool) { return n << at, n < 32 }
}

var (
	rd, rn, rm = register(0), register(5), register(16)

	// Rm of an element of 16 bits, and indices of elements that multiply.
	rmHalf  field = func(n uint32) (uint32, bool) { return n << 16, n < 16 }
	indexS  field = func(n uint32) (uint32, bool) { return n&1<<21 | n>>1<<11, n < 4 }
	indexH  field = func(n uint32) (uint32, bool) { return n&1<<20 | n>>1&1<<21 | n>>2<<11, n < 8 }
	indexD  field = func(n uint32) (uint32, bool) { return n << 11, n < 2 }
	copyS   field = func(n uint32) (uint32, bool) { return (n<<3 | 4) << 16, n < 4 }
	copyD   field = func(n uint32) (uint32, bool) { return (n<<4 | 8) << 16, n < 2 }
	fromS   field = func(n uint32) (uint32, bool) { return n << 2 << 11, n < 4 }
	fromD   field = func(n uint32) (uint32, bool) { return n << 3 << 11, n < 2 }
	left32  field = func(n uint32) (uint32, bool) { return (32 + n) << 16, n < 32 }
	left16  field = func(n uint32) (uint32, bool) { return (16 + n) << 16, n < 16 }
	right32 field = func(n uint32) (uint32, bool) { return (64 - n) << 16, n >= 1 && n <= 32 }
	sixteen field = func(n uint32) (uint32, bool) { return 0, n == 16 }
)

// forms are the instructions that A64 knows, without their numbers.
var forms = func() map[string]form {
	m := map[string]form{}
	add := func(op, shape string, base uint32, fields ...field) {
		m[op+" "+shape] = form{base, fields}
	}
	for op, base := range map[string]uint32{
		"fadd": 0x4E20D400, "fsub": 0x4EA0D400, "fmul": 0x6E20DC00, "fdiv": 0x6E20FC00,
		"fmla": 0x4E20CC00, "fmls": 0x4EA0CC00, "fmax": 0x4E20F400, "fmin": 0x4EA0F400,
		"faddp": 0x6E20D400, "fmaxp": 0x6E20F400,
		"fcmge": 0x6E20E400, "fcmgt": 0x6EA0E400, "fcmeq": 0x4E20E400,
	} {
		add(op, "v.4s, v.4s, v.4s", base, rd, rn, rm)
		add(op, "v.2d, v.2d, v.2d", base|1<<22, rd, rn, rm)
	}
	for op, base := range map[string]uint32{
		"add": 0x4EA08400, "sub": 0x6EA08400, "addp": 0x4EA0BC00, "smax": 0x4EA06400, "smin": 0x4EA06C00,
		"umax": 0x6EA06400, "umin": 0x6EA06C00, "cmgt": 0x4EA03400, "cmge": 0x4EA03C00,
		"cmhi": 0x6EA03400, "cmhs": 0x6EA03C00, "cmeq": 0x6EA08C00, "sshl": 0x4EA04400, "ushl": 0x6EA04400,
		"zip1": 0x4E803800, "zip2": 0x4E807800, "trn1": 0x4E802800, "trn2": 0x4E806800,
		"uzp1": 0x4E801800, "uzp2": 0x4E805800,
	} {
		add(op, "v.4s, v.4s, v.4s", base, rd, rn, rm)
	}
	for op, base := range map[string]uint32{
		"zip1": 0x4EC03800, "zip2": 0x4EC07800, "trn1": 0x4EC02800, "trn2": 0x4EC06800,
	} {
		add(op, "v.2d, v.2d, v.2d", base, rd, rn, rm)
	}
	for op, base := range map[string]uint32{
		"zip1": 0x4E403800, "zip2": 0x4E407800, "uzp1": 0x4E401800, "uzp2": 0x4E405800,
	} {
		add(op, "v.8h, v.8h, v.8h", base, rd, rn, rm)
	}
	for op, base := range map[string]uint32{
		"and": 0x4E201C00, "bic": 0x4E601C00, "orr": 0x4EA01C00, "eor": 0x6E201C00,
		"bsl": 0x6E601C00, "bit": 0x6EA01C00, "bif": 0x6EE01C00, "uzp1": 0x4E001800, "uzp2": 0x4E005800,
		"add": 0x4E208400,
	} {
		add(op, "v.16b, v.16b, v.16b", base, rd, rn, rm)
	}
	for op, base := range map[string]uint32{
		"fabs": 0x4EA0F800, "fneg": 0x6EA0F800, "fsqrt": 0x6EA1F800, "frintn": 0x4E218800,
		"fcvtns": 0x4E21A800, "fcvtzs": 0x4EA1B800, "scvtf": 0x4E21D800, "clz": 0x6EA04800,
		"fcvtzu": 0x6EA1B800, "ucvtf": 0x6E21D800, "neg": 0x6EA0B800,
	} {
		add(op, "v.4s, v.4s", base, rd, rn)
	}
	// From one arrangement to another.
	for _, o := range []struct {
		op, shape string
		base      uint32
	}{
		{"fcvtl", "v.2d, v.2s", 0x0E617800}, {"fcvtl2", "v.2d, v.4s", 0x4E617800},
		{"fcvtn", "v.2s, v.2d", 0x0E616800}, {"fcvtn2", "v.4s, v.2d", 0x4E616800},
		{"fcvtl", "v.4s, v.4h", 0x0E217800}, {"fcvtl2", "v.4s, v.8h", 0x4E217800},
		{"fcvtn", "v.4h, v.4s", 0x0E216800}, {"fcvtn2", "v.8h, v.4s", 0x4E216800},
		{"bfcvtn", "v.4h, v.4s", 0x0EA16800}, {"bfcvtn2", "v.8h, v.4s", 0x4EA16800},
		{"sxtl", "v.8h, v.8b", 0x0F08A400}, {"sxtl2", "v.8h, v.16b", 0x4F08A400},
		{"sxtl", "v.4s, v.4h", 0x0F10A400}, {"sxtl2", "v.4s, v.8h", 0x4F10A400},
		{"uxtl", "v.4s, v.4h", 0x2F10A400}, {"uxtl2", "v.4s, v.8h", 0x6F10A400},
		{"sqxtn", "v.4h, v.4s", 0x0E614800}, {"sqxtn2", "v.8h, v.4s", 0x4E614800},
		{"sqxtn", "v.8b, v.8h", 0x0E214800}, {"sqxtn2", "v.16b, v.8h", 0x4E214800},
		{"xtn", "v.4h, v.4s", 0x0E612800}, {"xtn2", "v.8h, v.4s", 0x4E612800},
		{"sadalp", "v.4s, v.8h", 0x4E606800},
		{"umaxv", "s, v.4s", 0x6EB0A800}, {"fmaxv", "s, v.4s", 0x6E30F800}, {"fminv", "s, v.4s", 0x6EB0F800},
	} {
		add(o.op, o.shape, o.base, rd, rn)
	}
	for _, o := range []struct {
		op, shape string
		base      uint32
	}{
		{"smull", "v.8h, v.8b, v.8b", 0x0E20C000}, {"smull2", "v.8h, v.16b, v.16b", 0x4E20C000},
		{"smlal", "v.8h, v.8b, v.8b", 0x0E208000}, {"smlal2", "v.8h, v.16b, v.16b", 0x4E208000},
		{"sdot", "v.4s, v.16b, v.16b", 0x4E809400}, {"smmla", "v.4s, v.16b, v.16b", 0x4E80A400},
		{"usmmla", "v.4s, v.16b, v.16b", 0x4E80AC00},
		{"bfdot", "v.4s, v.8h, v.8h", 0x6E40FC00}, {"bfmmla", "v.4s, v.8h, v.8h", 0x6E40EC00},
	} {
		add(o.op, o.shape, o.base, rd, rn, rm)
	}
	// By one element of the last operand.
	add("fmla", "v.4s, v.4s, v.s[]", 0x4F801000, rd, rn, rm, indexS)
	add("fmls", "v.4s, v.4s, v.s[]", 0x4F805000, rd, rn, rm, indexS)
	add("fmul", "v.4s, v.4s, v.s[]", 0x4F809000, rd, rn, rm, indexS)
	add("fmul", "v.2d, v.2d, v.d[]", 0x4FC09000, rd, rn, rm, indexD)
	add("mla", "v.4s, v.4s, v.s[]", 0x6F800000, rd, rn, rm, indexS)
	add("sdot", "v.4s, v.16b, v.4b[]", 0x4F80E000, rd, rn, rm, indexS)
	add("usdot", "v.4s, v.16b, v.4b[]", 0x4F80F000, rd, rn, rm, indexS)
	add("bfdot", "v.4s, v.8h, v.2h[]", 0x4F40F000, rd, rn, rm, indexS)
	add("smlal", "v.4s, v.4h, v.h[]", 0x0F402000, rd, rn, rmHalf, indexH)
	add("smlal2", "v.4s, v.8h, v.h[]", 0x4F402000, rd, rn, rmHalf, indexH)
	// Copies of elements.
	add("dup", "v.4s, v.s[]", 0x4E000400, rd, rn, copyS)
	add("dup", "v.2d, v.d[]", 0x4E000400, rd, rn, copyD)
	add("mov", "v.s[], v.s[]", 0x6E000400, rd, copyS, rn, fromS)
	add("mov", "v.d[], v.d[]", 0x6E000400, rd, copyD, rn, fromD)
	add("mov", "s, v.s[]", 0x5E000400, rd, rn, copyS)
	add("mov", "d, v.d[]", 0x5E000400, rd, rn, copyD)
	add("mov", "v.16b, v.16b", 0x4EA01C00, rd, func(n uint32) (uint32, bool) { return n<<5 | n<<16, n < 32 })
	// Shifts by an immediate.
	add("shl", "v.4s, v.4s, #", 0x4F005400, rd, rn, left32)
	add("sshr", "v.4s, v.4s, #", 0x4F000400, rd, rn, right32)
	add("ushr", "v.4s, v.4s, #", 0x6F000400, rd, rn, right32)
	add("sri", "v.4s, v.4s, #", 0x6F004400, rd, rn, right32)
	add("sli", "v.4s, v.4s, #", 0x6F005400, rd, rn, left32)
	add("shrn", "v.4h, v.4s, #", 0x0F008400, rd, rn, func(n uint32) (uint32, bool) { return (32 - n) << 16, n >= 1 && n <= 16 })
	add("shrn2", "v.8h, v.4s, #", 0x4F008400, rd, rn, func(n uint32) (uint32, bool) { return (32 - n) << 16, n >= 1 && n <= 16 })
	add("ushll", "v.4s, v.4h, #", 0x2F00A400, rd, rn, left16)
	add("ushll2", "v.4s, v.8h, #", 0x6F00A400, rd, rn, left16)
	add("shll", "v.4s, v.4h, #", 0x2E613800, rd, rn, sixteen)
	add("shll2", "v.4s, v.8h, #", 0x6E613800, rd, rn, sixteen)
	return m
}()
