//go:build unix

package kerneltest

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// canary fills the bytes around a guarded slice.
const canary = 0xA5

// Guarded returns a slice of n zeros that ends where a page begins which can
// be neither read nor written. The bytes in front of it are checked when the
// test ends. T must not contain pointers.
func Guarded[T any](t testing.TB, n int) []T {
	t.Helper()
	return guarded[T](t, n, -1)
}

// GuardedAt is Guarded for a slice that starts misalign bytes behind a
// multiple of 64, and so ends up to 63 bytes before the forbidden page. The
// bytes between, too, are checked when the test ends.
func GuardedAt[T any](t testing.TB, n, misalign int) []T {
	t.Helper()
	if misalign < 0 || misalign > 63 {
		t.Fatal("kerneltest: misalign is not in [0, 63]")
	}
	return guarded[T](t, n, misalign)
}

func guarded[T any](t testing.TB, n, misalign int) []T {
	t.Helper()
	var zero T
	size := n * int(unsafe.Sizeof(zero))
	page := unix.Getpagesize()
	usable := (size + 128 + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, usable+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal("kerneltest: mmap: ", err)
	}
	if err := unix.Mprotect(mem[usable:], unix.PROT_NONE); err != nil {
		t.Fatal("kerneltest: mprotect: ", err)
	}
	at := usable - size
	if misalign >= 0 {
		at -= (at - misalign) & 63
	}
	end := at + size
	for i := range usable {
		if i < at || i >= end {
			mem[i] = canary
		}
	}
	t.Cleanup(func() {
		for i := range usable {
			if (i < at || i >= end) && mem[i] != canary {
				t.Errorf("kerneltest: byte %d of a guarded slice of %d bytes was written", i-at, size)
				break
			}
		}
		if err := unix.Munmap(mem); err != nil {
			t.Error("kerneltest: munmap: ", err)
		}
	})
	if n == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[at])), n)
}
