package server

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"mom/server/config"
)

// listener hands out connections that know their socket, bounds how many there
// are, and gives every write a deadline of its own, so that a stream may last
// long and a client that reads nothing may not.
type listener struct {
	net.Listener
	open   atomic.Int64
	limits func() (connections int, write time.Duration)
	shed   func() // a connection over the limit was closed
	plain  bool   // an answer can be written before TLS
}

// tooMany is the body of the answer to a connection over the limit.
const tooMany = `{"error":{"message":"too many connections; try again later","type":"server_error","param":null,"code":"connections"}}`

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		most, write := l.limits()
		if l.open.Add(1) <= int64(most) {
			return &conn{Conn: c, fd: descriptor(c), write: write, from: l}, nil
		}
		l.open.Add(-1)
		l.shed()
		if l.plain {
			c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			fmt.Fprintf(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: %d\r\n\r\n%s", len(tooMany), tooMany)
		}
		c.Close()
	}
}

// openTLS reads the certificate; nil when there is none.
func openTLS(c config.TLS) (*tls.Config, error) {
	if !c.On() {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

type conn struct {
	net.Conn
	fd     int
	write  time.Duration
	from   *listener
	closed atomic.Bool
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.write)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.from.open.Add(-1)
	}
	return c.Conn.Close()
}

// descriptor is the number of c's socket, or -1.
func descriptor(c net.Conn) int {
	s, ok := c.(syscall.Conn)
	if !ok {
		return -1
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return -1
	}
	fd := -1
	raw.Control(func(n uintptr) { fd = int(n) })
	return fd
}

// socketOf is the socket behind a connection of fasthttp, or -1.
func socketOf(c net.Conn) int {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if c, ok := c.(*conn); ok {
		return c.fd
	}
	return -1
}
