package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// A storage is how the values of a tensor are written.
type storage uint8

// The types of GGUF that are read; the others are named in errors only.
const (
	stF32  storage = 0
	stF16  storage = 1
	stQ40  storage = 2
	stQ41  storage = 3
	stQ80  storage = 8
	stBF16 storage = 30
)

// group is how many values a block of a quantised type has.
const group = 32

// storages describes the types: a name, and of those that are read the values
// and bytes of a block.
var storages = [...]struct {
	name          string
	values, bytes int
}{
	stF32: {"F32", 1, 4}, stF16: {"F16", 1, 2}, stQ40: {"Q4_0", group, 18}, stQ41: {"Q4_1", group, 20}, 4: {"Q4_2", 0, 0}, 5: {"Q4_3", 0, 0},
	6: {"Q5_0", 0, 0}, 7: {"Q5_1", 0, 0}, stQ80: {"Q8_0", group, 34}, 9: {"Q8_1", 0, 0}, 10: {"Q2_K", 0, 0}, 11: {"Q3_K", 0, 0},
	12: {"Q4_K", 0, 0}, 13: {"Q5_K", 0, 0}, 14: {"Q6_K", 0, 0}, 15: {"Q8_K", 0, 0}, 16: {"IQ2_XXS", 0, 0}, 17: {"IQ2_XS", 0, 0},
	18: {"IQ3_XXS", 0, 0}, 19: {"IQ1_S", 0, 0}, 20: {"IQ4_NL", 0, 0}, 21: {"IQ3_S", 0, 0}, 22: {"IQ2_S", 0, 0}, 23: {"IQ4_XS", 0, 0},
	24: {"I8", 0, 0}, 25: {"I16", 0, 0}, 26: {"I32", 0, 0}, 27: {"I64", 0, 0}, 28: {"F64", 0, 0}, 29: {"IQ1_M", 0, 0},
	stBF16: {"BF16", 1, 2}, 34: {"TQ1_0", 0, 0}, 35: {"TQ2_0", 0, 0}, 39: {"MXFP4", 0, 0},
}

func (t storage) String() string { return storages[t].name }

// rowBytes is the size of a row of k values.
func (t storage) rowBytes(k int) int64 {
	return int64(k/storages[t].values) * int64(storages[t].bytes)
}

// parseStorage finds a type by its number.
func parseStorage(n uint32) (storage, error) {
	if n < uint32(len(storages)) && storages[n].values > 0 {
		return storage(n), nil
	}
	name := fmt.Sprintf("number %d", n)
	if n < uint32(len(storages)) && storages[n].name != "" {
		name = storages[n].name
	}
	var have []string
	for _, s := range storages {
		if s.values > 0 {
			have = append(have, s.name)
		}
	}
	return 0, fmt.Errorf("type %s is not supported; supported are %s", name, strings.Join(have, ", "))
}

// widen writes the values of b, which has len(dst) of them, as float32:
//
//	Q8_0  d·q           q of int8
//	Q4_0  d·(q-8)       q of 4 bits; the low halves of a block's bytes are its
//	Q4_1  d·q + m       first 16 values, the high halves its last
//
// with d and m in float16, every operation rounded to float32. It returns the
// first value that a scale that is not finite belongs to, or -1.
func (t storage) widen(dst []float32, b []byte) int {
	le := binary.LittleEndian
	switch t {
	case stF32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(b[4*i:]))
		}
	case stF16:
		for i := range dst {
			dst[i] = half(le.Uint16(b[2*i:]))
		}
	case stBF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(b[2*i:])) << 16)
		}
	case stQ80:
		for i := 0; i < len(dst); i += group {
			d, q := half(le.Uint16(b)), b[2:34]
			if notFinite(d) {
				return i
			}
			x := dst[i:][:group]
			for j := range x {
				x[j] = d * float32(int8(q[j]))
			}
			b = b[34:]
		}
	case stQ40:
		for i := 0; i < len(dst); i += group {
			d, q := half(le.Uint16(b)), b[2:18]
			if notFinite(d) {
				return i
			}
			x := dst[i:][:group]
			for j := range q {
				x[j] = d * float32(int(q[j]&15)-8)
				x[j+group/2] = d * float32(int(q[j]>>4)-8)
			}
			b = b[18:]
		}
	case stQ41:
		for i := 0; i < len(dst); i += group {
			d, m, q := half(le.Uint16(b)), half(le.Uint16(b[2:])), b[4:20]
			if notFinite(d) || notFinite(m) {
				return i
			}
			x := dst[i:][:group]
			for j := range q {
				x[j] = float32(d*float32(q[j]&15)) + m
				x[j+group/2] = float32(d*float32(q[j]>>4)) + m
			}
			b = b[20:]
		}
	}
	return -1
}

func notFinite(x float32) bool { return math.Float32bits(x)&0x7F800000 == 0x7F800000 }

// half widens a binary16 number.
func half(h uint16) float32 {
	sign, e, frac := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&0x3FF)
	switch e {
	case 0: // zeros and subnormals: frac/2^24
		return math.Float32frombits(math.Float32bits(float32(frac)*(1.0/(1<<24))) | sign)
	case 31:
		return math.Float32frombits(sign | 0xFF<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (e+127-15)<<23 | frac<<13)
}
