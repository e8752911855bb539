//go:build unix

package upstream

import "syscall"

// silent reports whether a connection is open and has nothing to read.
func silent(raw syscall.RawConn) bool {
	if raw == nil {
		return true
	}
	ok := false
	err := raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, err := syscall.Read(int(fd), b[:])
		ok = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	})
	return ok && err == nil
}
