package server

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mom/server/config"
)

// exposed are the lines that Prometheus would read.
func (r *running) exposed() map[string]bool {
	r.t.Helper()
	var b strings.Builder
	if err := r.metrics.Write(&b); err != nil {
		r.t.Fatal(err)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(b.String()) {
		lines[strings.TrimSpace(line)] = true
	}
	return lines
}

// TestMetricsInUse sees that what operators are told about happens to be counted.
func TestMetricsInUse(t *testing.T) {
	m := newMock(t, func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(500) })
	c := gatewayConfig(m, config.OpenAI)
	c.State.Path = filepath.Join(t.TempDir(), "state.db")
	c.Limits.Connections = 2
	r := start(t, c, nil)
	for range 5 {
		r.post("/v1/chat/completions", hello)
	}
	var held []net.Conn
	for range 4 {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	want := []string{`mom_upstream_breaker_state{upstream="mock"} 2`, `mom_queue_wait_seconds_count 1`, `mom_state_write_lost_total 0`}
	for _, line := range want {
		if !r.exposed()[line] {
			t.Errorf("no %s", line)
		}
	}
	eventually(t, time.Second, "connections over the limit are counted", func() bool { return r.exposed()[`mom_shed_requests_total{reason="connections"} 3`] })
	for _, conn := range held {
		conn.Close()
	}
	eventually(t, 3*time.Second, "the store's size is told", func() bool {
		for line := range r.exposed() {
			if strings.HasPrefix(line, "mom_state_bytes ") && line != "mom_state_bytes 0" {
				return true
			}
		}
		return false
	})
}
