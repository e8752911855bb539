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

// An upstream that refuses a large body without reading it is heard.
func TestEarlyRefusal(t *testing.T) {
	s := serveRaw(t, func(_ context.Context, _ int64, c *net.TCPConn, br *bufio.Reader) {
		br.ReadString('\n')
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
		time.Sleep(20 * time.Millisecond) // the other side still sends
	})
	u := upstreamOf("a", s.url)
	u.Retries.Max = 0
	u.Timeouts.FirstByte = 2 * time.Second
	p := poolOf(t, u)
	call := ask("m")
	call.Body = func(string, config.Kind, string) ([]byte, error) { return bytes.Repeat([]byte("x"), 16<<20), nil }
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
