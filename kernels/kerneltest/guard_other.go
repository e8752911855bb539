//go:build !unix

package kerneltest

import "testing"

// Guarded returns a slice of n zeros; this system has no guard pages.
func Guarded[T any](t testing.TB, n int) []T { return make([]T, n) }

// GuardedAt returns a slice of n zeros; this system has no guard pages.
func GuardedAt[T any](t testing.TB, n, misalign int) []T { return make([]T, n) }
