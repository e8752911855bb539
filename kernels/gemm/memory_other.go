//go:build !linux

package gemm

import "unsafe"

func adviseHugePages(unsafe.Pointer, int) {}
func makeHugePages(unsafe.Pointer, int)   {}
