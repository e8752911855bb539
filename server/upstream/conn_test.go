package upstream

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mom/server/config"
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

// An upstream that refuses a large body without reading it is heard.
func TestEarlyRefusal(t *testing.T) {
	s := serveRaw(t, func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
		br.ReadString('\n')
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
		c.CloseWrite()
		time.Sleep(50 * time.Millisecond)
	})
	u := upstreamOf("a", s.url)
	u.Retries.Max = 0
	u.Timeouts.FirstByte = 2 * time.Second
	p := poolOf(t, u)
	call := ask("m")
	call.Body = func(string, config.Kind, string) ([]byte, error) { return bytes.Repeat([]byte("x"), 64<<10), nil }
	res, err := p.Do(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if text(t, res) != "{}" || res.Status != 413 {
		t.Errorf("%+v", res)
	}
}

func TestLargeBodies(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Write(b)
	})
	p := poolOf(t, upstreamOf("a", url))
	for _, n := range []int{0, 1, small - 1, small, small + 1, 4 << 20} {
		want := strings.Repeat("0123456789abcdef", n/16+1)[:n]
		call := ask("m")
		call.Body = func(string, config.Kind, string) ([]byte, error) { return []byte(want), nil }
		res, err := p.Do(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, res); got != want {
			t.Errorf("%d bytes came back as %d", n, len(got))
		}
	}
}

func TestGzip(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Error("a coding was asked for")
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, strings.Repeat("a", 100000))
		z.Close()
		w.Header().Set("Content-Encoding", "gzip")
		switch body, _ := io.ReadAll(r.Body); string(body) {
		case "half":
			b.Truncate(b.Len() / 2)
		case "broken":
			b.Bytes()[20] ^= 0xff
		case "error":
			w.WriteHeader(400)
		}
		w.Write(b.Bytes())
	})
	p := poolOf(t, upstreamOf("a", url))
	for _, c := range []struct {
		body string
		why  Why
	}{{"whole", ""}, {"half", WhyCut}, {"broken", WhyMalformed}, {"error", ""}} {
		call := ask("m")
		call.Body = func(string, config.Kind, string) ([]byte, error) { return []byte(c.body), nil }
		res, err := p.Do(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		var e *StreamError
		if errors.As(err, &e); c.why != "" && (e == nil || e.Why != c.why) || c.why == "" && (err != nil || len(got) != 100000) {
			t.Errorf("%s: %d bytes, %v", c.body, len(got), err)
		}
		res.Body.Close()
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

// Many callers, some of which leave at any moment, mix no answers and leak no
// connection.
func TestManyCallers(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Write(b)
		if len(b)%3 == 0 {
			w.(http.Flusher).Flush()
			time.Sleep(time.Millisecond)
			w.Write(b)
		}
	})
	u := upstreamOf("a", url)
	u.Connections = 16
	p := poolOf(t, u)
	var wg sync.WaitGroup
	var whole atomic.Int64
	for i := range 32 {
		wg.Go(func() {
			for j := range 60 {
				want := strings.Repeat(fmt.Sprintf("<%d-%d>", i, j), 1+j)
				call := ask("m")
				call.Body = func(string, config.Kind, string) ([]byte, error) { return []byte(want), nil }
				ctx, cancel := context.WithCancel(t.Context())
				if j%4 == 3 {
					time.AfterFunc(time.Duration(j*37%2000)*time.Microsecond, cancel)
				}
				res, err := p.Do(ctx, call)
				if err == nil {
					var b []byte
					b, err = io.ReadAll(res.Body)
					res.Body.Close()
					if n := len(want); err == nil && string(b) != want && (n%3 != 0 || string(b) != want+want) {
						t.Errorf("%d-%d: somebody else's answer %q", i, j, b)
					}
				}
				switch {
				case err == nil:
					whole.Add(1)
				case !errors.Is(err, context.Canceled):
					t.Errorf("%d-%d: %v", i, j, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if whole.Load() < 32*45 {
		t.Errorf("%d whole answers", whole.Load())
	}
	if n := len(p.replicas[0].slots); n != 0 {
		t.Errorf("%d slots taken", n)
	}
}
