package server

import "golang.org/x/sys/unix"

// peerLeft is set when the peer closes, or closes its half, even while bytes
// of it wait to be read.
const peerLeft = unix.POLLRDHUP
