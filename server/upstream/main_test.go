package upstream

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mom/server/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is an upstream for tests with short timeouts.
func upstreamOf(name string, urls ...string) config.Upstream {
	u := config.DefaultUpstream()
	u.Name, u.APIKey = name, "sk-of-the-server"
	for _, url := range urls {
		u.Replicas = append(u.Replicas, config.Replica{BaseURL: url, Weight: 1})
	}
	u.Retries.Backoff, u.Retries.MaxBackoff = time.Millisecond, 20*time.Millisecond
	u.CircuitBreaker.Failures = 0
	return u
}

// poolOf serves the model m by the upstreams, in equal shares.
func poolOf(t testing.TB, list ...config.Upstream) *Pool {
	t.Helper()
	c := config.Default()
	c.Upstreams = list
	m := config.Model{}
	m.Name = "m"
	for _, u := range list {
		m.Upstreams = append(m.Upstreams, config.Ref{Name: u.Name, Model: "real-" + u.Name, Weight: 1})
	}
	c.Models = []config.Model{m}
	return newPool(t, c)
}

func newPool(t testing.TB, c *config.Config) *Pool {
	t.Helper()
	p, err := New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// ask is a call for the models.
func ask(models ...string) Call {
	return Call{
		Models: models,
		Path: func(k config.Kind) string {
			if k == config.Anthropic {
				return "/messages"
			}
			return "/chat/completions"
		},
		Body: func(model string, kind config.Kind, name string) ([]byte, error) {
			return fmt.Appendf(nil, `{"model":%q,"asked":%q,"kind":%q}`, name, model, kind), nil
		},
	}
}

// text reads all of an answer.
func text(t testing.TB, res *Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return string(b)
}

// serve runs a handler of net/http.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// A raw server does as it likes with each connection. n counts from 1.
type rawServer struct {
	url   string
	conns atomic.Int64
	live  atomic.Int64
}

func serveRaw(t testing.TB, f func(ctx context.Context, n int64, c *net.TCPConn, br *bufio.Reader)) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &rawServer{url: "http://" + l.Addr().String() + "/v1"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := s.conns.Add(1)
			s.live.Add(1)
			go func() {
				defer s.live.Add(-1)
				defer c.Close()
				f(ctx, n, c.(*net.TCPConn), bufio.NewReader(c))
			}()
		}
	}()
	t.Cleanup(func() {
		cancel()
		l.Close()
		<-done
	})
	return s
}

// request reads one request, and its body, or reports false at the end.
func request(br *bufio.Reader) (*http.Request, string, bool) {
	r, err := http.ReadRequest(br)
	if err != nil {
		return nil, "", false
	}
	b, err := io.ReadAll(r.Body)
	return r, string(b), err == nil
}

const okHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"

// refused is the URL of a port where nobody listens.
func refused(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String() + "/v1"
}

// whys joins the reasons of attempts.
func whys(tried []Attempt) string {
	var out []string
	for _, a := range tried {
		out = append(out, string(a.Why))
	}
	return strings.Join(out, ",")
}
