//go:build !unix

package server

// peersGone cannot tell here; requests end by their timeout.
func peersGone([]int, []bool) {}
