//go:build purego || !(amd64 || arm64)

package peak

import "unsafe"

func f32Loop(n int) float64            { return f32Generic(n) }
func bf16Loop(n int) float64           { return f32Generic(n) }
func i8Loop(n int) float64             { return i8Generic(n) }
func i4Loop(n int) float64             { return i8Generic(n) }
func readLoop(p unsafe.Pointer, n int) { readGeneric(p, n) }
