package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// waitFor gives a peer the time to notice.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error(what)
}

func TestConnectionsAreReused(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		read         bool // to io.EOF
		conns        int64
	}{
		{"length", okHead + "{}", true, 1},
		{"length, not read", okHead + "{}", false, 1}, // it has arrived
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", true, 1},
		{"chunked, not read", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", false, 1},
		{"trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\n{}\r\n0\r\nX-A: b\r\n\r\n", true, 1},
		{"provisional", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + okHead + "{}", true, 1},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", true, 1},
		{"said to close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", true, 3},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", true, 3},
		{"more than announced", okHead + "{}HTTP/1.1 200 OK\r\n\r\n", true, 3}, // an answer to nothing
		{"an answer nobody asked for", okHead + "{}" + okHead + "[]", true, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveRaw(t, func(_ context.Context, _ int64, conn *net.TCPConn, br *bufio.Reader) {
				for {
					if _, _, ok := request(br); !ok {
						return
					}
					io.WriteString(conn, c.answer)
				}
			})
			p := poolOf(t, upstreamOf("a", s.url))
			for range 3 {
				res, err := p.Do(t.Context(), ask("m"))
				if err != nil {
					t.Fatal(err)
				}
				if c.read {
					if got := text(t, res); res.Status == 200 && got != "{}" {
						t.Fatalf("answer %q", got)
					}
				} else {
					res.Body.Close()
				}
				if n := len(p.replicas[0].slots); n != 0 {
					t.Fatalf("%d slots taken", n)
				}
			}
			if n := s.conns.Load(); n != c.conns {
				t.Errorf("%d connections, want %d", n, c.conns)
			}
			p.Close()
			waitFor(t, "a connection stays open after Close", func() bool { return s.live.Load() == 0 })
		})
	}
}

// Data that comes between two answers must not become the second answer.
func TestUnaskedAnswerLater(t *testing.T) {
	sent := make(chan struct{})
	s := serveRaw(t, func(_ context.Context, n int64, c *net.TCPConn, br *bufio.Reader) {
		for i := 0; ; i++ {
			if _, _, ok := request(br); !ok {
				return
			}
			io.WriteString(c, okHead+"{}")
			if n == 1 && i == 0 {
				time.Sleep(20 * time.Millisecond)
				io.WriteString(c, okHead+"[]")
				close(sent)
			}
		}
	})
	p := poolOf(t, upstreamOf("a", s.url))
	for i := range 2 {
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, res); got != "{}" {
			t.Fatalf("answer %d: %q", i, got)
		}
		<-sent
	}
}

// A server that closes idle connections costs no attempt, whether it is noticed
// before or after the request is sent.
func TestStaleConnection(t *testing.T) {
	for _, late := range []bool{false, true} {
		s := serveRaw(t, func(_ context.Context, n int64, c *net.TCPConn, br *bufio.Reader) {
			if _, _, ok := request(br); !ok {
				return
			}
			io.WriteString(c, okHead+"{}")
			if late {
				if n == 1 {
					request(br) // and no answer
					return
				}
				request(br)
			}
		})
		u := upstreamOf("a", s.url)
		u.Retries.Max = 0
		p := poolOf(t, u)
		for range 2 {
			res, err := p.Do(t.Context(), ask("m"))
			if err != nil {
				t.Fatal(err)
			}
			if text(t, res); res.Attempts != 1 {
				t.Errorf("%d attempts", res.Attempts)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if n := s.conns.Load(); n != 2 {
			t.Errorf("%d connections", n)
		}
	}
}

// An answer that only the end of its connection ends.
func TestAnswerUntilClose(t *testing.T) {
	s := serveRaw(t, func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
		request(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
	})
	p := poolOf(t, upstreamOf("a", s.url))
	for range 2 {
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, res); got != "data: 1\n\n" {
			t.Errorf("%q", got)
		}
	}
}

// No more connections than configured; who waits too long is refused.
func TestConnectionLimit(t *testing.T) {
	var now, most atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for n := now.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		time.Sleep(20 * time.Millisecond)
		now.Add(-1)
	})
	u := upstreamOf("a", url)
	u.Connections, u.Retries.Max = 3, 0
	p := poolOf(t, u)
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			res, err := p.Do(t.Context(), ask("m"))
			if err != nil {
				t.Error(err)
				return
			}
			text(t, res)
		})
	}
	wg.Wait()
	if most.Load() != 3 {
		t.Errorf("%d connections at once", most.Load())
	}
	u.Timeouts.Connect = 10 * time.Millisecond
	u.Connections = 1
	p = poolOf(t, u)
	res, err := p.Do(t.Context(), ask("m"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Do(t.Context(), ask("m"))
	var e *Error
	if !errors.As(err, &e) || whys(e.Tried) != "connections" {
		t.Errorf("%v: %+v", err, e)
	}
	text(t, res)
}

// A pool that is replaced while streams run loses none of them.
func TestCloseDrains(t *testing.T) {
	next := make(chan struct{})
	s := serveRaw(t, func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
		for {
			if _, _, ok := request(br); !ok {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
			<-next
			io.WriteString(c, "1\r\nb\r\n0\r\n\r\n")
		}
	})
	p := poolOf(t, upstreamOf("a", s.url))
	res, err := p.Do(t.Context(), ask("m"))
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.Close()
	close(next)
	if got := text(t, res); got != "ab" {
		t.Errorf("%q", got)
	}
	waitFor(t, "the connection stays open", func() bool { return s.live.Load() == 0 })
	// A request that got hold of the pool before it was replaced.
	res, err = p.Do(t.Context(), ask("m"))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, res); got != "ab" {
		t.Errorf("%q", got)
	}
	waitFor(t, "the connection of a closed pool stays open", func() bool { return s.live.Load() == 0 })
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	s := serveRaw(t, func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
		for {
			if _, _, ok := request(br); !ok {
				return
			}
			io.WriteString(c, okHead+"{}")
		}
	})
	p := poolOf(t, upstreamOf("a", s.url))
	var open []*Response
	for range 4 {
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, res)
	}
	for _, res := range open[:3] {
		text(t, res)
	}
	mark := time.Now()
	text(t, open[3])
	r := p.replicas[0]
	r.reap(mark)
	if len(r.idle) != 1 {
		t.Errorf("%d connections kept", len(r.idle))
	}
	waitFor(t, "old connections stay open", func() bool { return s.live.Load() == 1 })
}
