package kerneltest

import (
	"runtime/debug"
	"slices"
	"testing"
	"unsafe"

	"mom/kernels/cpu"
)

func TestEachLevel(t *testing.T) {
	var ran []string
	before := cpu.Level()
	EachLevel(t, func(t *testing.T) { ran = append(ran, cpu.Level()) })
	if !slices.Equal(ran, levels()) {
		t.Errorf("ran %v, want %v", ran, levels())
	}
	if cpu.Level() != before {
		t.Errorf("the level is now %s, was %s", cpu.Level(), before)
	}
}

func TestGuarded(t *testing.T) {
	for _, n := range []int{1, 3, 1023, 1024, 5000} {
		x := Guarded[float32](t, n)
		if !faults(func() { sink = *(*byte)(unsafe.Add(unsafe.Pointer(&x[0]), 4*n)) }) {
			t.Errorf("n=%d: reading the byte past the end did not fault", n)
		}
		x[n-1] = 1
	}
	for misalign := range 64 {
		x := GuardedAt[byte](t, 100, misalign)
		if got := int(uintptr(unsafe.Pointer(&x[0])) & 63); got != misalign {
			t.Errorf("misalign=%d: got %d", misalign, got)
		}
		if !faults(func() { sink = *(*byte)(unsafe.Add(unsafe.Pointer(&x[0]), 163)) }) {
			t.Errorf("misalign=%d: reading 64 bytes past the end did not fault", misalign)
		}
	}
	if x := Guarded[float32](t, 0); len(x) != 0 {
		t.Errorf("n=0: got %d", len(x))
	}
}

var sink byte

func faults(f func()) (yes bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { yes = recover() != nil }()
	f()
	return false
}

func TestFill(t *testing.T) {
	x := Fill(make([]float32, 10000), 1)
	if y := Fill(make([]float32, 10000), 2); slices.Equal(x, y) {
		t.Error("two seeds give the same numbers")
	}
	if lo, hi := slices.Min(x), slices.Max(x); !(lo >= -1 && lo < -0.99 && hi < 1 && hi > 0.99) {
		t.Errorf("range [%v, %v]", lo, hi)
	}
	q := FillInt8(make([]int8, 10000), 1)
	if lo, hi := slices.Min(q), slices.Max(q); lo != -127 || hi != 127 {
		t.Errorf("int8 range [%v, %v]", lo, hi)
	}
}
