package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxHead      = 64 << 10  // bytes of the head of an answer, 1xx ones included
	maxErrorBody = 256 << 10 // bytes of the body of an answer that is an error
	readBuffer   = 8 << 10   // a connection
	// fresh is how long a connection is taken for open without looking: looking
	// is a system call, some 3 us.
	fresh = 5 * time.Millisecond
	// keep is how long a connection without a request is kept. Many servers close
	// theirs after 60 s.
	keep = 50 * time.Second
)

var errHeadSize = errors.New("head of the answer too large")

// A conn is a connection to a replica, with at most one request at a time.
type conn struct {
	net.Conn          // TCP, or TLS over it
	tcp      net.Conn // to be closed at once
	raw      syscall.RawConn
	br       *bufio.Reader
	out      []byte    // of the request's head, kept for the next
	used     bool      // it has carried a request before
	since    time.Time // without a request

	// Of the request under way.
	left  int           // bytes that its head may still have; -1 within its body
	got   bool          // something has arrived
	err   error         // of the last read, which the parser may hide
	idle  time.Duration // for one read of its body
	end   time.Time     // for all of it
	ended atomic.Bool   // by abort
}

// dial connects, TLS included. The error is a *failure.
func (r *replica) dial(ctx context.Context, end time.Time) (*conn, error) {
	now := time.Now()
	deadline := earlier(now.Add(r.up.Timeouts.Connect), end)
	var tcp net.Conn
	var err error
	if r.local != nil {
		tcp, err = r.local(ctx)
	} else {
		d := net.Dialer{Deadline: deadline}
		tcp, err = d.DialContext(ctx, "tcp", r.address)
	}
	if err != nil {
		return nil, connectFailure(err, end)
	}
	c := &conn{Conn: tcp, tcp: tcp}
	if s, ok := tcp.(syscall.Conn); ok {
		c.raw, _ = s.SyscallConn()
	}
	if r.tls != nil {
		t := tls.Client(tcp, r.tls)
		t.SetDeadline(deadline)
		if err := t.HandshakeContext(ctx); err != nil {
			tcp.Close()
			f := connectFailure(err, end)
			if f.why == WhyRefused {
				f.why = WhyTLS
			}
			return nil, f
		}
		c.Conn = t
	}
	c.br = bufio.NewReaderSize(c, readBuffer)
	return c, nil
}

func connectFailure(err error, end time.Time) *failure {
	switch {
	case timeout(err) && !time.Now().Before(end):
		return &failure{WhyTotal, err}
	case timeout(err):
		return &failure{WhyConnect, err}
	}
	return &failure{WhyRefused, err}
}

// Read bounds the head of an answer in bytes, and each read of its body in
// time. The deadline of the head was set with the request.
func (c *conn) Read(p []byte) (int, error) {
	switch {
	case c.left < 0:
		if err := c.SetReadDeadline(earlier(time.Now().Add(c.idle), c.end)); err != nil {
			return 0, err
		}
	case c.left == 0:
		c.err = errHeadSize
		return 0, errHeadSize
	default:
		p = p[:min(len(p), c.left)]
	}
	n, err := c.Conn.Read(p)
	c.err = err
	if n > 0 {
		c.got = true
		if c.left > 0 {
			c.left -= n
		}
	}
	return n, err
}

// abort ends what goes on with c, whoever does it.
func (c *conn) abort() {
	c.ended.Store(true)
	c.tcp.Close()
}

// earlier is the first of two times.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// take gives the connection that was used last, with a deadline set, or nil.
// Those that the peer has closed, or on which it has said something unasked, are
// closed. One that it closes later costs the sending of a request, no attempt.
func (r *replica) take(deadline time.Time) *conn {
	for {
		r.mu.Lock()
		n := len(r.idle)
		if n == 0 {
			r.mu.Unlock()
			return nil
		}
		c := r.idle[n-1]
		r.idle[n-1] = nil
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		// A socket whose old deadline is over could not be looked at.
		if c.SetDeadline(deadline) == nil && (time.Since(c.since) < fresh || silent(c.raw)) {
			return c
		}
		c.tcp.Close()
	}
}

// put keeps c for the next request.
func (r *replica) put(c *conn) {
	c.used, c.since = true, time.Now()
	r.mu.Lock()
	closed := r.closed
	if !closed {
		r.idle = append(r.idle, c)
	}
	r.mu.Unlock()
	if closed {
		c.Conn.Close()
	}
}

// reap closes connections that nobody has used since then.
func (r *replica) reap(since time.Time) {
	r.mu.Lock()
	n := 0
	for n < len(r.idle) && r.idle[n].since.Before(since) {
		n++
	}
	old := append([]*conn(nil), r.idle[:n]...)
	r.idle = append(r.idle[:0], r.idle[n:]...)
	clear(r.idle[len(r.idle):cap(r.idle)])
	r.mu.Unlock()
	for _, c := range old {
		c.Conn.Close()
	}
}

// close closes what is idle now, and what would be later.
func (r *replica) close() {
	r.mu.Lock()
	r.closed = true
	old := r.idle
	r.idle = nil
	r.mu.Unlock()
	for _, c := range old {
		c.Conn.Close()
	}
}
