package gemm

import "unsafe"

// alignedSlice returns n zeros, the first at a multiple of 64 bytes.
func alignedSlice[T any](n int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	buf := make([]T, n+64/size)
	adviseHugePages(unsafe.Pointer(&buf[0]), len(buf)*size)
	skip := -int(uintptr(unsafe.Pointer(&buf[0]))) & 63 / size
	return buf[skip : skip+n : skip+n]
}

// settle is called once a packed weight was written.
func settle[T any](data []T) {
	var zero T
	makeHugePages(unsafe.Pointer(&data[0]), len(data)*int(unsafe.Sizeof(zero)))
}
