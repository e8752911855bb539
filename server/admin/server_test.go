package admin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// start serves o on loopback until the test ends.
func start(t *testing.T, o Options) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(o)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

func get(t *testing.T, url string, change func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestServer(t *testing.T) {
	m := NewMetrics("v1", testLabels())
	m.Used("small", 5, 0, 0, 0)
	var draining atomic.Bool
	url := start(t, Options{Metrics: m, Ready: func() error {
		if draining.Load() {
			return errors.New("the server is stopping")
		}
		return nil
	}})
	for _, c := range []struct {
		path string
		code int
		want string
	}{
		{"/metrics", 200, `mom_tokens_total{direction="input",model="small"} 5`},
		{"/metrics", 200, "process_resident_memory_bytes"},
		{"/metrics", 200, "go_goroutines"},
		{"/metrics", 200, `llm_model_tokens_total{model="small"} 5`},
		{"/metrics", 200, `le="1e-05"`},
		{"/health", 200, `{"status":"ok"}`},
		{"/ready", 200, `{"status":"ready"}`},
		{"/debug/pprof/", 404, ""},
		{"/debug/pprof/heap", 404, ""},
		{"/", 404, ""},
	} {
		if code, body := get(t, url+c.path, nil); code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d, want %d with %q", c.path, code, c.code, c.want)
		}
	}
	// A server that drains lives on, but takes nothing new.
	draining.Store(true)
	if code, body := get(t, url+"/ready", nil); code != 503 || !strings.Contains(body, "the server is stopping") {
		t.Errorf("ready while draining: %d %s", code, body)
	}
	if code, _ := get(t, url+"/health", nil); code != 200 {
		t.Errorf("health while draining: %d", code)
	}
	resp, err := http.Post(url+"/metrics", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 405 {
		t.Errorf("POST: %d", resp.StatusCode)
	}
}

func TestHealthFails(t *testing.T) {
	url := start(t, Options{Healthy: func() error { return errors.New("the listener is gone") }})
	if code, body := get(t, url+"/health", nil); code != 503 || !strings.Contains(body, "the listener is gone") {
		t.Errorf("%d %s", code, body)
	}
}

// A page of another name that resolves to this machine cannot read metrics.
func TestOtherHost(t *testing.T) {
	url := start(t, Options{Metrics: NewMetrics("v1", testLabels())})
	for host, want := range map[string]int{
		"evil.example": 421, "evil.example:9090": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421,
		"localhost": 200, "localhost:9090": 200, "127.0.0.1:1": 200, "[::1]:9090": 200, "[::1]": 200,
	} {
		if code, _ := get(t, url+"/metrics", func(r *http.Request) { r.Host = host }); code != want {
			t.Errorf("host %s: %d, want %d", host, code, want)
		}
	}
}

func TestProfiles(t *testing.T) {
	url := start(t, Options{Pprof: true})
	if code, body := get(t, url+"/debug/pprof/goroutine?debug=1", nil); code != 200 || !strings.Contains(body, "goroutine profile") {
		t.Errorf("%d", code)
	}
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Skip("cannot listen beyond loopback: ", err)
	}
	defer ln.Close()
	if err := New(Options{Pprof: true}).Serve(ln); err == nil || !strings.Contains(err.Error(), "admin.pprof") {
		t.Errorf("profiles beyond loopback: %v", err)
	}
}

func TestLoopback(t *testing.T) {
	for addr, want := range map[string]bool{"127.0.0.1:1": true, "127.8.8.8:1": true, "[::1]:1": true, "0.0.0.0:1": false, "[::]:1": false, "192.0.2.1:1": false} {
		a, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if Loopback(a) != want {
			t.Errorf("%s: want %v", addr, want)
		}
	}
	if !Loopback(&net.UnixAddr{Name: "/run/x", Net: "unix"}) {
		t.Error("unix socket")
	}
}
