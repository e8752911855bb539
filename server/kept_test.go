package server

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	_ "modernc.org/sqlite"

	"mom/server/config"
)

// value is that of a metric without labels.
func (r *running) value(metric string) float64 {
	r.t.Helper()
	for line := range r.exposed() {
		if rest, ok := strings.CutPrefix(line, metric+" "); ok {
			v, err := strconv.ParseFloat(rest, 64)
			if err != nil {
				r.t.Fatal(err)
			}
			return v
		}
	}
	r.t.Fatalf("no %s", metric)
	return 0
}

// TestDatabaseLocked has another process hold the database: requests go on, what
// cannot be kept is counted, and once the lock is gone decisions are kept again.
func TestDatabaseLocked(t *testing.T) {
	c := config.Default()
	c.State.Path = filepath.Join(t.TempDir(), "state.db")
	r := start(t, c, nil)
	r.post("/v1/route", `{"input":"a"}`)
	if err := r.store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+c.State.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	// As many as memory holds, and more.
	slowest := time.Duration(0)
	last := ""
	for range 5000 {
		began := time.Now()
		a := r.post("/v1/route", `{"input":"a"}`)
		if slowest = max(slowest, time.Since(began)); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		last = a.header.Get("x-mom-decision-id")
	}
	if a := r.do("GET", "/v1/decisions/"+last, ""); a.status != 200 {
		t.Errorf("the newest decision: %d %s", a.status, a.body)
	}
	lost := r.value("mom_state_write_lost_total")
	t.Logf("%v lost, the slowest request took %v", lost, slowest)
	if lost < 500 {
		t.Errorf("%v are counted as lost", lost)
	}
	// A writer waits for the lock before it gives up, longer than these requests took.
	eventually(t, 20*time.Second, "the log says so", func() bool { return strings.Contains(r.log.String(), "cannot be written; requests go on") })
	if a := r.do("GET", "/ready", ""); a.status != 200 {
		t.Errorf("not ready: %s", a.body)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "it can be written again", func() bool { return r.store.Stats().Trouble == "none" && r.store.Stats().Waiting == 0 })
	if now := r.value("mom_state_write_lost_total"); now != lost {
		t.Errorf("%v are lost, and %v were", now, lost)
	}
}

// TestSharedLimits has two servers with one Redis: a key's limit and a
// conversation's model are the same at both. Then Redis goes.
func TestSharedLimits(t *testing.T) {
	for _, failure := range []config.Failure{config.Open, config.Closed} {
		t.Run(string(failure), func(t *testing.T) {
			redis := miniredis.RunT(t)
			m := newMock(t, whole("hi"))
			server := func() *running {
				c := gatewayConfig(m, config.OpenAI)
				c.Redis.URL, c.Redis.OnFailure, c.Redis.Timeout = config.Secret("redis://"+redis.Addr()), failure, time.Second
				c.Auth.Mode = config.On
				c.Auth.Keys = []config.Key{{Name: "alice", SHA256: config.DigestOf(testKey), RequestsPerMinute: 5}}
				return start(t, c, nil)
			}
			one, two := server(), server()
			ask := func(r *running, path, body string) answer { return r.post(path, body, "x-api-key", testKey) }
			first := ask(one, "/v1/chat/completions", `{"model":"auto","mom":{"cost_quality_tradeoff":10},"messages":[{"role":"user","content":"hello"}]}`)
			again := ask(two, "/v1/route", `{"model":"auto","mom":{"cost_quality_tradeoff":0},"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"},{"role":"user","content":"go on"}]}`)
			if first.status != 200 || again.status != 200 || again.header.Get("x-ratelimit-remaining-requests") != "3" {
				t.Fatalf("%d %d %s %v", first.status, again.status, again.body, again.header)
			}
			if !strings.Contains(again.body, "cheap, which has served the conversation") {
				t.Errorf("the other server does not know the conversation: %s", again.body)
			}
			codes := ""
			for i := range 4 {
				codes += fmt.Sprint(ask([]*running{one, two}[i%2], "/v1/route", `{"input":"a"}`).status, " ")
			}
			if codes != "200 200 200 429 " {
				t.Fatal(codes)
			}
			redis.Close()
			began := time.Now()
			a := ask(one, "/v1/route", `{"input":"a"}`)
			switch {
			case failure == config.Open && a.status != 200: // it counts alone from now on
				t.Errorf("%d %s", a.status, a.body)
			case failure == config.Closed && (a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "limits_unavailable")):
				t.Errorf("%d %s", a.status, a.body)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("without Redis a request takes %v", took)
			}
		})
	}
}

// TestRouteSession knows a session whose models its client asks itself, however
// it is named.
func TestRouteSession(t *testing.T) {
	r := start(t, gatewayConfig(newMock(t, whole("hi")), config.OpenAI), nil)
	forms := []string{
		`{"input":"a","session_id":%q,"cost_quality_tradeoff":%d}`,
		`{"messages":[{"role":"user","content":"b"}],"session_id":%q,"cost_quality_tradeoff":%d}`,
		`{"messages":[{"role":"user","content":"c"}],"mom":{"session_id":%q},"cost_quality_tradeoff":%d}`,
	}
	for i, first := range forms {
		for j, second := range forms {
			session := fmt.Sprint("session ", i, j)
			if a := r.post("/v1/route", fmt.Sprintf(first, session, 10)); a.status != 200 || a.json(t)["model"] != "cheap" {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if a := r.post("/v1/route", fmt.Sprintf(second, session, 0)); !strings.Contains(a.body, "cheap, which has served the conversation, is not good enough") {
				t.Errorf("%s: %s", session, a.body)
			}
		}
	}
	if a := r.post("/v1/route", `{"input":"a","cost_quality_tradeoff":0}`); strings.Contains(a.body, "served the conversation") {
		t.Errorf("a text without a session belongs to one: %s", a.body)
	}
}
