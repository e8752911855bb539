// Package tensor has the two forms in which mom holds numbers: a View is a
// named tensor where it lies in a file, in the file's type; a Mat is a matrix of
// float32 to compute with.
package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// A View is a tensor in the bytes of a file. It is read-only: Data may be a
// mapped file or part of the binary, where a write ends the process.
type View struct {
	Name  string
	DType DType
	Shape []int  // outermost first; empty for a single value
	Data  []byte // row-major, little endian, not aligned to anything
}

// Len is the number of values, the product of the shape.
func (v View) Len() int {
	n := 1
	for _, d := range v.Shape {
		n *= d
	}
	return n
}

// check reports a destination or bytes that do not fit the shape.
func (v View) check(dst int) error {
	n := v.Len()
	if dst != n {
		return fmt.Errorf("destination has %d values, shape %v has %d", dst, v.Shape, n)
	}
	if n*v.DType.Size() != len(v.Data) {
		return fmt.Errorf("%d bytes, want %d for %s %v", len(v.Data), n*v.DType.Size(), v.DType, v.Shape)
	}
	return nil
}

// Float32s converts the values to dst, whose length must be v.Len. F32, F16 and
// BF16 are exact; F64 is rounded to nearest, so that what is out of range
// becomes an infinity. A NaN stays one. Every other type is an error: integers
// have no meaning as weights without a scale.
func (v View) Float32s(dst []float32) error {
	if err := v.check(len(dst)); err != nil {
		return err
	}
	switch v.DType {
	case F32:
		fromF32(dst, v.Data)
	case F16:
		fromF16(dst, v.Data)
	case BF16:
		fromBF16(dst, v.Data)
	case F64:
		fromF64(dst, v.Data)
	default:
		return fmt.Errorf("type %s cannot be read as float32; want F32, F16, BF16 or F64", v.DType)
	}
	return nil
}

// Shared is the data of an F32 tensor as float32, not a copy of it: read only. It
// is nil for every other type, and where the data does not lie as this machine
// keeps float32.
func (v View) Shared() []float32 {
	p := unsafe.Pointer(unsafe.SliceData(v.Data))
	if v.DType != F32 || uintptr(p)%4 != 0 || v.check(v.Len()) != nil || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil
	}
	return unsafe.Slice((*float32)(p), v.Len())
}

// Int8s is the data of an I8 tensor, not a copy of it: read only. It is nil for
// every other type.
func (v View) Int8s() []int8 {
	if v.DType != I8 {
		return nil
	}
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(v.Data))), len(v.Data))
}

// BF16s copies the bits of a BF16 tensor to dst, whose length must be v.Len.
// Every other type is an error.
func (v View) BF16s(dst []uint16) error {
	if v.DType != BF16 {
		return fmt.Errorf("type %s cannot be read as bfloat16; want BF16", v.DType)
	}
	if err := v.check(len(dst)); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = binary.LittleEndian.Uint16(v.Data[2*i:])
	}
	return nil
}

// Int64s copies the values of an integer or BOOL tensor to dst, whose length
// must be v.Len. Floats are an error, as are U64 values beyond an int64.
func (v View) Int64s(dst []int64) error {
	if err := v.check(len(dst)); err != nil {
		return err
	}
	le := binary.LittleEndian
	for i := range dst {
		switch v.DType {
		case I64:
			dst[i] = int64(le.Uint64(v.Data[8*i:]))
		case I32:
			dst[i] = int64(int32(le.Uint32(v.Data[4*i:])))
		case I16:
			dst[i] = int64(int16(le.Uint16(v.Data[2*i:])))
		case I8:
			dst[i] = int64(int8(v.Data[i]))
		case U64:
			u := le.Uint64(v.Data[8*i:])
			if u > math.MaxInt64 {
				return fmt.Errorf("value %d is %d, beyond an int64", i, u)
			}
			dst[i] = int64(u)
		case U32:
			dst[i] = int64(le.Uint32(v.Data[4*i:]))
		case U16:
			dst[i] = int64(le.Uint16(v.Data[2*i:]))
		case U8, BOOL:
			dst[i] = int64(v.Data[i])
		default:
			return fmt.Errorf("type %s cannot be read as integers", v.DType)
		}
	}
	return nil
}
