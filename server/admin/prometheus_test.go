package admin

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPrometheus lets a real Prometheus scrape the listener and answer every
// query of the dashboard.
func TestPrometheus(t *testing.T) {
	bin, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("no prometheus on this machine: its server is not tried against the dashboard")
	}
	if testing.Short() {
		t.Skip("short")
	}
	m := NewMetrics("v1", testLabels())
	use(m, m.Route("POST", "/v1/route"), "small", "careful", "math", "local", "IBAN_CODE")
	m.Sample(Sources{
		QueueDepth: func() int { return 3 }, Connections: func() int { return 4 }, StateLost: func() uint64 { return 5 },
		StateBytes: func() int64 { return 6 }, CacheBytes: func() int64 { return 7 }, Ready: func() bool { return true },
	})
	target := strings.TrimPrefix(start(t, Options{Metrics: m}), "http://")
	dir := t.TempDir()
	config := fmt.Sprintf("scrape_configs:\n- job_name: mom\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n  static_configs:\n  - targets: [%q]\n", target)
	if err := os.WriteFile(filepath.Join(dir, "p.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	cmd := exec.Command(bin, "--config.file="+filepath.Join(dir, "p.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=error")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })

	// rate needs two scrapes.
	const two = `count_over_time(mom_build_info[1m]) >= 3`
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if n, err := query(addr, two); err == nil && n > 0 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("prometheus has not scraped: %v", err)
		}
	}
	data, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1m", "$job", ".*", "$instance", ".*")
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			// A scrape that came too late makes all values stale until the next.
			n, err := query(addr, variables.Replace(q.Expr))
			for end := time.Now().Add(5 * time.Second); err == nil && n == 0 && time.Now().Before(end); {
				time.Sleep(100 * time.Millisecond)
				n, err = query(addr, variables.Replace(q.Expr))
			}
			if err != nil || n == 0 {
				t.Errorf("%s: %s: %d series: %v", p.Title, q.Expr, n, err)
			}
		}
	}
}

// query is the number of series of the answer.
func query(addr, expr string) (int, error) {
	resp, err := http.Get("http://" + addr + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Status string
		Error  string
		Data   struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("%s", answer.Error)
	}
	return len(answer.Data.Result), nil
}
