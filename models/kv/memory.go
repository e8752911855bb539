package kv

import "unsafe"

// aligned returns n zeros, the first at a multiple of 64 bytes.
func aligned(n int) []byte {
	b := make([]byte, n+63)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & 63
	return b[skip : skip+n : skip+n]
}
