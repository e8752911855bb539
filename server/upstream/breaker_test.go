package upstream

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"mom/server/config"
	"mom/server/web"
)

// A replica that fails and recovers: the breaker opens, spares it, lets probes
// through, and closes.
func TestFlappingReplica(t *testing.T) {
	var asked, failing atomic.Int64
	failing.Store(1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if failing.Load() != 0 {
			w.WriteHeader(500)
		}
	})
	u := upstreamOf("a", url)
	u.Retries.Max = 0
	u.CircuitBreaker = config.CircuitBreaker{Failures: 3, Open: 150 * time.Millisecond, Probes: 1}
	p := poolOf(t, u)
	do := func() (int, error) {
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			return 0, err
		}
		text(t, res)
		return res.Status, nil
	}
	for i := range 3 {
		if p.Unavailable() != nil {
			t.Errorf("unavailable after %d failures", i)
		}
		if s, err := do(); s != 500 {
			t.Fatal(s, err)
		}
	}
	for range 20 {
		_, err := do()
		var e *Error
		if !errors.As(err, &e) || whys(e.Tried) != "circuit_open" {
			t.Fatalf("%v: %+v", err, e)
		}
		if w := web.AsError(err); w.Status != 503 || w.RetryAfter <= 0 {
			t.Fatalf("refusal %+v", w)
		}
	}
	if asked.Load() != 3 || !slices.Equal(p.Unavailable(), []string{"m"}) {
		t.Fatalf("asked %d times while open, unavailable %v", asked.Load(), p.Unavailable())
	}
	time.Sleep(160 * time.Millisecond)
	if p.Unavailable() != nil {
		t.Error("unavailable while half open")
	}
	if s, _ := do(); s != 500 || asked.Load() != 4 {
		t.Errorf("probe: %d, asked %d times", s, asked.Load())
	}
	if _, err := do(); err == nil || asked.Load() != 4 {
		t.Errorf("after a bad probe: %v, asked %d times", err, asked.Load())
	}
	failing.Store(0)
	time.Sleep(160 * time.Millisecond)
	for range 5 {
		if s, err := do(); s != 200 {
			t.Fatalf("after recovery: %d, %v", s, err)
		}
	}
}

// The breaker takes as many probes at once as it may.
func TestBreakerProbes(t *testing.T) {
	b := breaker{CircuitBreaker: config.CircuitBreaker{Failures: 1, Open: time.Minute, Probes: 2}}
	now := time.Now()
	old, _ := b.allow(now)
	older, _ := b.allow(now)
	first, _ := b.allow(now)
	first.done(bad)
	if _, ok := b.allow(now); ok {
		t.Fatal("not open")
	}
	until := b.until.Load()
	old.done(good) // asked before it opened
	older.done(bad)
	if b.until.Load() != until {
		t.Fatal("old news prolong it")
	}
	later := now.Add(2 * time.Minute)
	if _, ok := b.allow(now); ok {
		t.Fatal("closed by old news")
	}
	p1, ok1 := b.allow(later)
	p2, ok2 := b.allow(later)
	_, ok3 := b.allow(later)
	if !ok1 || !ok2 || ok3 {
		t.Fatalf("probes %v %v %v", ok1, ok2, ok3)
	}
	p1.done(neither)
	p3, ok := b.allow(later)
	if !ok {
		t.Fatal("a probe that told nothing keeps its place")
	}
	p2.head()
	if ready, _ := b.ready(now); ready {
		t.Fatal("one good probe of two closed it")
	}
	p3.done(good)
	if _, ok := b.allow(now); !ok {
		t.Fatal("not closed by two good probes")
	}
	p2.done(bad) // its stream was cut
	if ready, _ := b.ready(now); ready {
		t.Fatal("a cut stream is no failure")
	}
}

// Streams that are cut again and again open the breaker, although they begin
// well.
func TestBreakerCountsCuts(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	u := upstreamOf("a", url)
	u.CircuitBreaker = config.CircuitBreaker{Failures: 3, Open: time.Minute, Probes: 1}
	p := poolOf(t, u)
	for range 3 {
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Fatal("the cut looks like an end")
		}
	}
	if p.Unavailable() == nil {
		t.Error("the breaker is closed")
	}
}

func TestHealth(t *testing.T) {
	var sick, models atomic.Int64
	sick.Store(503)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" || r.Method != "GET" {
			models.Add(1)
			return
		}
		w.WriteHeader(int(sick.Load()))
		io.WriteString(w, "status")
	})
	u := upstreamOf("a", url)
	u.Health = config.Health{Path: "/health", Interval: 20 * time.Millisecond, Timeout: time.Second, Failures: 2}
	p := poolOf(t, u)
	until := func(want bool) {
		t.Helper()
		for range 200 {
			if (p.Unavailable() != nil) == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("unavailable is not %v", want)
	}
	until(true)
	_, err := p.Do(t.Context(), ask("m"))
	var e *Error
	if !errors.As(err, &e) || whys(e.Tried) != "unhealthy" || models.Load() != 0 {
		t.Errorf("%v: %+v", err, e)
	}
	sick.Store(200)
	until(false)
	res, err := p.Do(t.Context(), ask("m"))
	if err != nil {
		t.Fatal(err)
	}
	text(t, res)
	sick.Store(500)
	until(true)
}

func TestUnavailableIsCheap(t *testing.T) {
	url, _ := answers(t, 200)
	p := poolOf(t, upstreamOf("a", url), upstreamOf("b", url), upstreamOf("c", url))
	if n := testing.AllocsPerRun(100, func() { p.Unavailable() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
