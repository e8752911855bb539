package tensor

// A DType is the type of a tensor's values.
type DType uint8

// The types that files may hold. Which of them can be computed with is for the
// reader to say: see View.Float32s.
const (
	Invalid DType = iota
	F64
	F32
	F16  // IEEE 754 binary16
	BF16 // the upper half of an F32
	I64
	I32
	I16
	I8
	U64
	U32
	U16
	U8
	BOOL
)

var dtypes = [...]struct {
	name string
	size int
}{
	Invalid: {"invalid", 0},
	F64:     {"F64", 8},
	F32:     {"F32", 4},
	F16:     {"F16", 2},
	BF16:    {"BF16", 2},
	I64:     {"I64", 8},
	I32:     {"I32", 4},
	I16:     {"I16", 2},
	I8:      {"I8", 1},
	U64:     {"U64", 8},
	U32:     {"U32", 4},
	U16:     {"U16", 2},
	U8:      {"U8", 1},
	BOOL:    {"BOOL", 1},
}

// String is the name that safetensors files use, such as "BF16".
func (d DType) String() string {
	if int(d) >= len(dtypes) {
		d = Invalid
	}
	return dtypes[d].name
}

// Size is the number of bytes of one value; 0 if d is not a type.
func (d DType) Size() int {
	if int(d) >= len(dtypes) {
		return 0
	}
	return dtypes[d].size
}

// ParseDType finds the type with the name s.
func ParseDType(s string) (DType, bool) {
	for d := F64; int(d) < len(dtypes); d++ {
		if dtypes[d].name == s {
			return d, true
		}
	}
	return Invalid, false
}
