//go:build unix && !linux

package server

// peerLeft has no event of its own here: POLLHUP comes by itself.
const peerLeft = 0
