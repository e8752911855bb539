package gguf

import (
	"encoding/binary"
	"math"
)

// A kind is the type of a value of the metadata.
type kind uint32

const (
	kindU8 kind = iota
	kindI8
	kindU16
	kindI16
	kindU32
	kindI32
	kindF32
	kindBool
	kindString
	kindArray
	kindU64
	kindI64
	kindF64
)

var kinds = [...]struct {
	name string
	size int // 0 for what has no fixed size
}{
	kindU8: {"uint8", 1}, kindI8: {"int8", 1}, kindU16: {"uint16", 2}, kindI16: {"int16", 2}, kindU32: {"uint32", 4}, kindI32: {"int32", 4},
	kindF32: {"float32", 4}, kindBool: {"bool", 1}, kindString: {"string", 0}, kindArray: {"array", 0}, kindU64: {"uint64", 8},
	kindI64: {"int64", 8}, kindF64: {"float64", 8},
}

func (k kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k].name
	}
	return "unknown"
}

// A value is one of the metadata. A number is kept; what a string or an array
// holds is read again from its place when it is asked for.
type value struct {
	kind  kind
	elem  kind   // of an array
	bits  uint64 // a number's; a string's length; an array's count
	at    int64  // where a string's bytes or an array's elements begin
	bytes int64  // of an array's elements
}

const (
	maxPairs = 1024    // of the metadata; real files have less than a hundred
	maxKey   = 256     // bytes of a key or of a tensor's name
	maxToken = 4096    // bytes of a token; of a merge there are two
	maxText  = 1 << 20 // bytes of a string that is used, such as a chat template
)

// pairs reads the n pairs of the metadata.
func (f *File) pairs(s *scanner, n uint64) error {
	if n > maxPairs {
		return f.fail("metadata of %d pairs, more than %d", n, maxPairs)
	}
	f.meta = make(map[string]value, min(n, uint64(s.left()/13)))
	for i := range n {
		name := s.text(maxKey, "a key of the metadata")
		if s.err != nil {
			return f.fail("pair %d of the metadata: %v", i, s.err)
		}
		if len(name) == 0 {
			return f.fail("pair %d of the metadata has no key", i)
		}
		key := string(name)
		if _, ok := f.meta[key]; ok {
			return f.failKey(key, "occurs twice")
		}
		v := s.value()
		if s.err != nil {
			return f.failKey(key, "%v", s.err)
		}
		f.meta[key] = v
	}
	return nil
}

// value reads one value with its type.
func (s *scanner) value() value {
	v := value{kind: kind(s.u32("the type"))}
	switch {
	case s.err != nil:
	case v.kind == kindString:
		v.bits = s.u64("the length of the string")
		v.at = s.at
		s.skip(v.bits, "the string")
	case v.kind == kindArray:
		s.array(&v)
	case int(v.kind) < len(kinds):
		var b [8]byte
		copy(b[:], s.bytes(kinds[v.kind].size, "the value"))
		v.bits = binary.LittleEndian.Uint64(b[:])
		if v.kind == kindBool && v.bits > 1 {
			s.fail("a bool of %d", v.bits)
		}
	default:
		s.fail("values of type %d are not known", uint32(v.kind))
	}
	return v
}

// array passes over an array. Its strings are only counted.
func (s *scanner) array(v *value) {
	v.elem = kind(s.u32("the type of the array's elements"))
	v.bits = s.u64("the length of the array")
	v.at = s.at
	if s.err != nil {
		return
	}
	switch {
	case v.elem == kindArray:
		s.fail("arrays of arrays are not supported")
	case int(v.elem) >= len(kinds):
		s.fail("an array of values of type %d, which is not known", uint32(v.elem))
	case v.elem == kindString:
		if v.bits > uint64(s.left())/8 {
			s.fail("an array of %d strings, but only %d bytes follow in the file", v.bits, s.left())
			return
		}
		for i := uint64(0); i < v.bits && s.err == nil; i++ {
			n := s.u64("the strings of an array")
			s.skip(n, "a string of an array")
		}
	default:
		size := uint64(kinds[v.elem].size)
		if v.bits > uint64(s.left())/size {
			s.fail("an array of %d %ss, but only %d bytes follow in the file", v.bits, v.elem, s.left())
			return
		}
		s.skip(v.bits*size, "the array")
	}
	v.bytes = s.at - v.at
}

// has reports whether the metadata has the key.
func (f *File) has(key string) bool {
	_, ok := f.meta[key]
	return ok
}

// whole is the whole number of a key, within lo and hi.
func (f *File) whole(key string, lo, hi int64) (int, error) {
	v, ok := f.meta[key]
	if !ok {
		return 0, f.failKey(key, "is missing")
	}
	n := int64(v.bits)
	switch v.kind {
	case kindU8, kindU16, kindU32:
	case kindU64:
		if v.bits > math.MaxInt64 {
			return 0, f.failKey(key, "%d is outside %d to %d", v.bits, lo, hi)
		}
	case kindI8:
		n = int64(int8(v.bits))
	case kindI16:
		n = int64(int16(v.bits))
	case kindI32:
		n = int64(int32(v.bits))
	case kindI64:
	default:
		return 0, f.failKey(key, "has the type %s, want a whole number", v)
	}
	if n < lo || n > hi {
		return 0, f.failKey(key, "%d is outside %d to %d", n, lo, hi)
	}
	return int(n), nil
}

// float is the number of a key, within lo and hi. It keeps float32, so that it
// is written with as few digits as it was meant to have.
func (f *File) float(key string, lo, hi float32) (float32, error) {
	v, ok := f.meta[key]
	if !ok {
		return 0, f.failKey(key, "is missing")
	}
	var x float32
	switch v.kind {
	case kindF32:
		x = math.Float32frombits(uint32(v.bits))
	case kindF64:
		x = float32(math.Float64frombits(v.bits))
	default:
		return 0, f.failKey(key, "has the type %s, want a float32", v)
	}
	if !(x >= lo && x <= hi) {
		return 0, f.failKey(key, "%v is outside %v to %v", x, lo, hi)
	}
	return x, nil
}

// flag is the bool of a key; or otherwise, when there is none.
func (f *File) flag(key string, otherwise bool) (bool, error) {
	v, ok := f.meta[key]
	if !ok {
		return otherwise, nil
	}
	if v.kind != kindBool {
		return false, f.failKey(key, "has the type %s, want a bool", v)
	}
	return v.bits == 1, nil
}

// text is the string of a key; "" when there is none.
func (f *File) text(key string) (string, error) {
	v, ok := f.meta[key]
	if !ok {
		return "", nil
	}
	if v.kind != kindString {
		return "", f.failKey(key, "has the type %s, want a string", v)
	}
	s := newScanner(f.r, f.size, v.at-8)
	text := string(s.text(maxText, "the string"))
	if s.err != nil {
		return "", f.failKey(key, "%v", s.err)
	}
	return text, nil
}

// array is the array of a key, whose elements have the type elem.
func (f *File) array(key string, elem kind) (value, error) {
	v, ok := f.meta[key]
	switch {
	case !ok:
		return v, f.failKey(key, "is missing")
	case v.kind != kindArray || v.elem != elem:
		return v, f.failKey(key, "has the type %s, want an array of %ss", v, elem)
	}
	return v, nil
}

// String names a value's type for errors.
func (v value) String() string {
	if v.kind == kindArray {
		return "array of " + v.elem.String() + "s"
	}
	return v.kind.String()
}
