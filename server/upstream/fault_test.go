package upstream

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mom/server/config"
	"mom/server/web"
)

// Each failure before an answer has its reason, is tried again where that may
// help, and ends as the right error.
func TestFaultsBeforeAnswer(t *testing.T) {
	say := func(s string) func(context.Context, int64, *net.TCPConn, *bufio.Reader) {
		return func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
			if _, _, ok := request(br); ok {
				io.WriteString(c, s)
			}
		}
	}
	for _, c := range []struct {
		name   string
		server func(context.Context, int64, *net.TCPConn, *bufio.Reader)
		whys   string
		status int // of the refusal
	}{
		{"reset", func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
			request(br)
			c.SetLinger(0)
		}, "reset,reset", 502},
		{"closed", say(""), "reset,reset", 502},
		{"cut in the head", say("HTTP/1.1 200 OK\r\nContent-Ty"), "reset,reset", 502},
		{"silence", func(ctx context.Context, _ int64, _ *net.TCPConn, br *bufio.Reader) {
			request(br)
			<-ctx.Done()
		}, "first_byte", 504},
		{"slow head", func(ctx context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
			request(br)
			for i := range "HTTP/1.1 200 OK\r\nX-A: a line that takes its time\r\n\r\n" {
				if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nX-A: a line that takes its time\r\n\r\n"[i:i+1]); err != nil || ctx.Err() != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}, "first_byte", 504},
		{"large head", say("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 100) + "\r\n"), "head_size,head_size", 502},
		{"one large header", say("HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("b", 1<<20)), "head_size,head_size", 502},
		{"not HTTP", say("220 mail.example ESMTP secret-banner\r\n\r\n"), "malformed,malformed", 502},
		{"HTTP/2", say("\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00d\r\n\r\n"), "malformed,malformed", 502},
		{"bad status", say("HTTP/1.1 2000 OK\r\n\r\n"), "malformed,malformed", 502},
		{"two lengths", say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"), "malformed,malformed", 502},
		{"negative length", say("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"), "malformed,malformed", 502},
		{"unknown transfer coding", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), "malformed,malformed", 502},
		{"folded header", say("HTTP/1.1 200 OK\r\n X-A: b\r\n\r\n"), "malformed,malformed", 502},
		{"provisional answers without end", say(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 5000)), "head_size,head_size", 502},
		{"switch of protocols", say("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n"), "malformed,malformed", 502},
		{"redirect", say("HTTP/1.1 307 Temporary\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), "redirect", 502},
		{"key", say("HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"k\":\"sk-o\"}"), "key", 502},
		{"coding", say("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nxx"), "encoding", 502},
		{"large error", say("HTTP/1.1 400 Bad\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1000000)), "error_size,error_size", 502},
		{"error cut", say("HTTP/1.1 400 Bad\r\nContent-Length: 100\r\n\r\nxx"), "cut,cut", 502},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serveRaw(t, c.server)
			u := upstreamOf("a", s.url)
			u.Retries.Max = 1
			u.Timeouts.FirstByte = 200 * time.Millisecond
			p := poolOf(t, u)
			start := time.Now()
			res, err := p.Do(t.Context(), ask("m"))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("no *Error: %v, %+v", err, res)
			}
			if got := whys(e.Tried); got != c.whys {
				t.Errorf("attempts %s, want %s", got, c.whys)
			}
			if n := s.conns.Load(); n != int64(len(e.Tried)) {
				t.Errorf("%d connections for %d attempts", n, len(e.Tried))
			}
			w := web.AsError(err)
			if w.Status != c.status || !strings.Contains(w.Message, "upstream a: ") {
				t.Errorf("%d %q, want %d", w.Status, w.Message, c.status)
			}
			for err := err; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sk-") {
					t.Errorf("the error quotes the answer: %v", err)
				}
			}
			if d := time.Since(start); d > time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestRefusedAndUnknown(t *testing.T) {
	u := upstreamOf("a", refused(t))
	u.Retries.Max = 2
	p := poolOf(t, u)
	_, err := p.Do(t.Context(), ask("m"))
	var e *Error
	if !errors.As(err, &e) || whys(e.Tried) != "refused,refused,refused" || web.AsError(err).Status != 502 {
		t.Errorf("%v: %+v", err, e)
	}
	if _, err := p.Do(t.Context(), ask("nobody")); web.AsError(err).Status != 404 || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("unknown model: %v", err)
	}
	none := ask("m")
	none.Path = func(config.Kind) string { return "" }
	if _, err := p.Do(t.Context(), none); web.AsError(err).Status != 400 || web.AsError(err).Code != "unsupported_endpoint" {
		t.Errorf("unsupported: %v", err)
	}
	wrong := ask("m")
	wrong.Body = func(string, config.Kind, string) ([]byte, error) { return nil, io.ErrNoProgress }
	if _, err := p.Do(t.Context(), wrong); err != io.ErrNoProgress {
		t.Errorf("error of Body: %v", err)
	}
	bad := ask("m")
	bad.Header = http.Header{"X-A": {"b\r\nX-Smuggled: 1"}}
	if _, err := p.Do(t.Context(), bad); web.AsError(err).Status != 400 {
		t.Errorf("header with a line break: %v", err)
	}
}

func TestConnectTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// TLS to a peer that never answers has to end by the same timeout.
	u := upstreamOf("a", "https://"+l.Addr().String()+"/v1")
	u.Timeouts.Connect, u.Retries.Max = 100*time.Millisecond, 0
	p := poolOf(t, u)
	start := time.Now()
	_, err = p.Do(t.Context(), ask("m"))
	var e *Error
	if !errors.As(err, &e) || whys(e.Tried) != "connect_time" || web.AsError(err).Status != 504 {
		t.Errorf("%v: %+v", err, e)
	}
	if d := time.Since(start); d < 90*time.Millisecond || d > time.Second {
		t.Errorf("took %v", d)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	u := upstreamOf("a", s.URL+"/v1")
	u.Retries.Max = 0
	p := poolOf(t, u)
	_, err := p.Do(t.Context(), ask("m"))
	var e *Error
	if !errors.As(err, &e) || whys(e.Tried) != "tls" {
		t.Fatalf("a certificate of nobody: %v, %+v", err, e)
	}
	p.replicas[0].tls = &tls.Config{ServerName: "example.com", RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	for range 3 {
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			t.Fatal(err)
		}
		text(t, res)
	}
	if n := len(p.replicas[0].idle); n != 1 {
		t.Errorf("%d connections for requests in a row", n)
	}
}

// Faults within the answer are errors of Read, never an end that looks whole.
func TestFaultsWithinAnswer(t *testing.T) {
	chunked := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	event := "b\r\ndata: {}\n\n\n\r\n"
	for _, c := range []struct {
		name string
		tail func(ctx context.Context, c *net.TCPConn)
		want Why
		code string
	}{
		{"closed between events", func(context.Context, *net.TCPConn) {}, WhyCut, "upstream_cut"},
		{"reset between events", func(_ context.Context, c *net.TCPConn) {
			time.Sleep(20 * time.Millisecond)
			c.SetLinger(0)
		}, WhyCut, "upstream_cut"},
		{"closed within an event", func(_ context.Context, c *net.TCPConn) { io.WriteString(c, "ff\r\ndata: {") }, WhyCut, "upstream_cut"},
		{"stalls", func(ctx context.Context, c *net.TCPConn) { <-ctx.Done() }, WhyIdle, "upstream_timeout"},
		{"never ends", func(ctx context.Context, c *net.TCPConn) {
			for ctx.Err() == nil {
				if _, err := io.WriteString(c, event); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, WhyTotal, "upstream_timeout"},
		{"no chunk", func(_ context.Context, c *net.TCPConn) {
			io.WriteString(c, "zz\r\n")
			time.Sleep(50 * time.Millisecond)
		}, WhyMalformed, "upstream_error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serveRaw(t, func(ctx context.Context, _ int64, conn *net.TCPConn, br *bufio.Reader) {
				request(br)
				io.WriteString(conn, chunked+event)
				c.tail(ctx, conn)
			})
			u := upstreamOf("a", s.url)
			u.Timeouts.Idle, u.Timeouts.Total = 150*time.Millisecond, 400*time.Millisecond
			p := poolOf(t, u)
			call := ask("m")
			call.Stream = true
			res, err := p.Do(t.Context(), call)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			if !bytes.HasPrefix(got, []byte("data: {}\n\n")) {
				t.Errorf("what came before is lost: %q", got)
			}
			var e *StreamError
			if !errors.As(err, &e) || e.Why != c.want || web.AsError(err).Code != c.code {
				t.Fatalf("%v (%+v), want %s %s", err, web.AsError(err), c.want, c.code)
			}
			if _, again := res.Body.Read(make([]byte, 1)); again != err {
				t.Errorf("the next read says %v", again)
			}
			res.Body.Close()
			if n := len(p.replicas[0].idle); n != 0 || len(p.replicas[0].slots) != 0 {
				t.Errorf("%d connections kept, %d slots taken", n, len(p.replicas[0].slots))
			}
			if s.conns.Load() != 1 {
				t.Error("it was tried again after the first byte")
			}
		})
	}
}

// Each event arrives before the next is sent.
func TestEventsAreNotBuffered(t *testing.T) {
	for _, coding := range []string{"", "gzip"} {
		t.Run("coding "+coding, func(t *testing.T) {
			next := make(chan struct{})
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				var out io.Writer = w
				flush := func() { w.(http.Flusher).Flush() }
				if coding != "" {
					w.Header().Set("Content-Encoding", coding)
					z := gzip.NewWriter(w)
					defer z.Close()
					out, flush = z, func() { z.Flush(); w.(http.Flusher).Flush() }
				}
				for i := range 50 {
					if i > 0 {
						<-next
					}
					fmt.Fprintf(out, "data: %d\n\n", i)
					flush()
				}
			})
			p := poolOf(t, upstreamOf("a", url))
			call := ask("m")
			call.Stream = true
			res, err := p.Do(t.Context(), call)
			if err != nil {
				t.Fatal(err)
			}
			if res.Header["Content-Encoding"] != nil {
				t.Error("the coding is still announced")
			}
			buf := make([]byte, 4096)
			for i := range 50 {
				want := fmt.Sprintf("data: %d\n\n", i)
				for got := ""; got != want; {
					n, err := res.Body.Read(buf)
					if got += string(buf[:n]); !strings.HasPrefix(want, got) || err != nil && err != io.EOF {
						t.Fatalf("event %d: %q, %v", i, got, err)
					}
				}
				if i < 49 {
					next <- struct{}{}
				}
			}
			if s := text(t, res); s != "" {
				t.Errorf("rest %q", s)
			}
			if n := len(p.replicas[0].idle); n != 1 {
				t.Errorf("%d connections kept", n)
			}
		})
	}
}

// When the client leaves, the upstream's socket closes at once, whatever the
// exchange waits for.
func TestCancelClosesSocket(t *testing.T) {
	for _, within := range []string{"head", "stream", "unread stream"} {
		t.Run(within, func(t *testing.T) {
			arrived, closed := make(chan struct{}), make(chan time.Time, 1)
			s := serveRaw(t, func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
				request(br)
				if within != "head" {
					io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
				}
				close(arrived)
				br.ReadByte() // until the other side closes
				closed <- time.Now()
			})
			p := poolOf(t, upstreamOf("a", s.url))
			ctx, cancel := context.WithCancelCause(t.Context())
			gone := errors.New("the client is gone")
			at := make(chan time.Time, 1)
			go func() {
				<-arrived
				time.Sleep(30 * time.Millisecond)
				at <- time.Now()
				cancel(gone)
			}()
			res, err := p.Do(ctx, ask("m"))
			switch within {
			case "head":
				if err != gone {
					t.Errorf("Do says %v", err)
				}
			case "stream":
				if _, err := io.ReadAll(res.Body); !errors.Is(err, gone) {
					t.Errorf("Read says %v", err)
				}
			}
			if d := (<-closed).Sub(<-at); d > time.Second {
				t.Errorf("closed after %v", d)
			} else {
				t.Logf("closed after %v", d)
			}
			if res != nil {
				res.Body.Close()
			}
			if n := len(p.replicas[0].slots); n != 0 {
				t.Errorf("%d slots taken", n)
			}
		})
	}
}
