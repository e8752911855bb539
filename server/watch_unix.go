//go:build unix

package server

import "golang.org/x/sys/unix"

// peersGone marks the sockets whose peer has closed the connection.
func peersGone(fds []int, gone []bool) {
	polls := make([]unix.PollFd, len(fds))
	for i, fd := range fds {
		polls[i] = unix.PollFd{Fd: int32(fd), Events: peerLeft}
	}
	if n, err := unix.Poll(polls, 0); n <= 0 || err != nil {
		return // looked at again in the next tick
	}
	for i, p := range polls {
		gone[i] = p.Revents&(peerLeft|unix.POLLHUP|unix.POLLERR) != 0
	}
}
