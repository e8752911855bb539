package upstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mom/server/config"
	"mom/server/web"
)

// answers gives a status a request, the last one for ever.
func answers(t *testing.T, statuses ...int) (url string, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := int(asked.Add(1)) - 1
		s := statuses[min(n, len(statuses)-1)]
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(s)
		fmt.Fprintf(w, `{"status":%d}`, s)
	}), asked
}

func TestRetriesByStatus(t *testing.T) {
	for _, c := range []struct {
		statuses []int
		want     int // status of the answer
		asked    int64
	}{
		{[]int{200}, 200, 1},
		{[]int{500, 200}, 200, 2},
		{[]int{429, 503, 200}, 200, 3},
		{[]int{408, 502, 504, 200}, 504, 3}, // two retries at most
		{[]int{400, 200}, 400, 1},
		{[]int{403, 200}, 403, 1},
		{[]int{404, 200}, 404, 1},
		{[]int{409, 200}, 409, 1}, // not among the statuses
		{[]int{413, 200}, 413, 1},
		{[]int{422, 200}, 422, 1},
		{[]int{501, 200}, 501, 1}, // a failure, but not one that passes
		{[]int{503}, 503, 3},
	} {
		url, asked := answers(t, c.statuses...)
		p := poolOf(t, upstreamOf("a", url))
		made := 0
		call := ask("m")
		body := call.Body
		call.Body = func(m string, k config.Kind, n string) ([]byte, error) { made++; return body(m, k, n) }
		res, err := p.Do(t.Context(), call)
		if err != nil {
			t.Fatal(c.statuses, err)
		}
		if s := text(t, res); res.Status != c.want || s != fmt.Sprintf(`{"status":%d}`, c.want) {
			t.Errorf("%v: answer %d %s", c.statuses, res.Status, s)
		}
		if asked.Load() != c.asked || int64(res.Attempts) != c.asked || int64(len(res.Tried)) != c.asked {
			t.Errorf("%v: asked %d times, says %d, tells %v; want %d", c.statuses, asked.Load(), res.Attempts, res.Tried, c.asked)
		}
		if made != 1 {
			t.Errorf("%v: the body was made %d times", c.statuses, made)
		}
		if n := len(p.replicas[0].idle); n != 1 {
			t.Errorf("%v: %d connections kept", c.statuses, n)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name, value string
		asked       int64
		wait        time.Duration
	}{
		{"Retry-After-Ms", "120", 2, 120 * time.Millisecond},
		{"Retry-After", "0.12", 2, 120 * time.Millisecond},
		{"Retry-After", "60", 1, 0}, // longer than max_backoff
		{"Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 1, 0},
		{"Retry-After", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 2, 0},
		{"Retry-After", "soon", 2, 0},
		{"Retry-After", "-5", 2, 0},
		{"Retry-After", "NaN", 2, 0},
	} {
		var asked atomic.Int64
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				w.Header().Set(c.name, c.value)
				w.WriteHeader(429)
			}
		})
		u := upstreamOf("a", url)
		u.Retries.MaxBackoff = 500 * time.Millisecond
		p := poolOf(t, u)
		start := time.Now()
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			t.Fatal(err)
		}
		d := time.Since(start)
		if asked.Load() != c.asked || d < c.wait || d > c.wait+300*time.Millisecond {
			t.Errorf("%s: %s: asked %d times in %v", c.name, c.value, asked.Load(), d)
		}
		if c.asked == 1 && (res.Status != 429 || res.Header.Get("Retry-After") != c.value) {
			t.Errorf("%s: handed on %d %v", c.value, res.Status, res.Header)
		}
		text(t, res)
	}
}

// Waits grow and differ, and stay within bounds.
func TestBackoff(t *testing.T) {
	var mu sync.Mutex
	var at []time.Time
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		at = append(at, time.Now())
		mu.Unlock()
		w.WriteHeader(500)
	})
	u := upstreamOf("a", url)
	u.Retries.Max, u.Retries.Backoff, u.Retries.MaxBackoff = 4, 20*time.Millisecond, 60*time.Millisecond
	p := poolOf(t, u)
	res, err := p.Do(t.Context(), ask("m"))
	if err != nil || res.Status != 500 {
		t.Fatal(res, err)
	}
	for i, want := range []time.Duration{20, 40, 60, 60} {
		want *= time.Millisecond
		if d := at[i+1].Sub(at[i]); d < want/2 || d > want+100*time.Millisecond {
			t.Errorf("wait %d is %v, want about %v", i, d, want)
		}
	}
	// A call without time for the next wait does not begin it.
	u.Retries.Backoff, u.Retries.MaxBackoff = time.Minute, time.Minute
	p = poolOf(t, u)
	call := ask("m")
	call.Timeout = 5 * time.Second
	start := time.Now()
	if res, err := p.Do(t.Context(), call); err != nil || res.Attempts != 1 || time.Since(start) > time.Second {
		t.Errorf("%+v, %v after %v", res, err, time.Since(start))
	}
}

// A client that leaves while the call waits ends the wait: between attempts,
// and for a connection.
func TestCancelEndsWaits(t *testing.T) {
	url, asked := answers(t, 503)
	held := make(chan struct{})
	full := serve(t, func(w http.ResponseWriter, r *http.Request) { <-held })
	slow := upstreamOf("slow", url)
	slow.Retries.Backoff, slow.Retries.MaxBackoff = time.Minute, time.Minute
	busy := upstreamOf("busy", full)
	busy.Connections = 1
	p := models(t, slow, busy)
	released := make(chan struct{})
	go func() {
		defer close(released)
		if res, err := p.Do(context.Background(), ask("busy")); err == nil {
			res.Body.Close()
		}
	}()
	for len(p.replicas[1].slots) == 0 {
		time.Sleep(time.Millisecond)
	}
	for _, m := range []string{"slow", "busy"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		time.AfterFunc(50*time.Millisecond, func() { cancel(gone) })
		start := time.Now()
		if _, err := p.Do(ctx, ask(m, "slow")); err != gone || time.Since(start) > 500*time.Millisecond {
			t.Errorf("%s: %v after %v", m, err, time.Since(start))
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	close(held)
	<-released
}

func TestCallTimeout(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { time.Sleep(300 * time.Millisecond) })
	p := poolOf(t, upstreamOf("a", url))
	call := ask("m")
	call.Timeout = 50 * time.Millisecond
	start := time.Now()
	_, err := p.Do(t.Context(), call)
	if w := web.AsError(err); w.Status != 504 || w.Code != "upstream_timeout" || time.Since(start) > 250*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// models serves each name by the upstream of the same name.
func models(t *testing.T, list ...config.Upstream) *Pool {
	c := config.Default()
	c.Upstreams, c.Models = list, nil
	for _, u := range list {
		m := config.Model{Upstreams: []config.Ref{{Name: u.Name, Weight: 1}}}
		m.Name = u.Name
		c.Models = append(c.Models, m)
	}
	return newPool(t, c)
}

func TestFallback(t *testing.T) {
	busy, busyAsked := answers(t, 503)
	wrong, _ := answers(t, 400)
	fine, _ := answers(t, 200)
	locked, lockedAsked := answers(t, 401)
	p := models(t, upstreamOf("busy", busy), upstreamOf("down", refused(t)), upstreamOf("wrong", wrong), upstreamOf("fine", fine), upstreamOf("locked", locked))
	for _, c := range []struct {
		models []string
		model  string
		status int
		whys   string
	}{
		{[]string{"fine", "busy"}, "fine", 200, ""},
		{[]string{"busy", "fine"}, "fine", 200, "status,status,status,"},
		{[]string{"down", "busy", "fine"}, "fine", 200, "refused,refused,refused,status,status,status,"},
		{[]string{"nobody", "fine"}, "fine", 200, ""},
		{[]string{"wrong", "fine"}, "wrong", 400, ""}, // the request's own fault
		{[]string{"busy", "down"}, "busy", 503, "status,status,status,refused,refused,refused"},
		{[]string{"locked", "fine"}, "fine", 200, "key,"},
	} {
		res, err := p.Do(t.Context(), ask(c.models...))
		if err != nil {
			t.Fatal(c.models, err)
		}
		if res.Model != c.model || res.Upstream != c.model || res.Status != c.status || whys(res.Tried) != c.whys {
			t.Errorf("%v: %s %d after %s; want %s %d after %s", c.models, res.Model, res.Status, whys(res.Tried), c.model, c.status, c.whys)
		}
		text(t, res)
	}
	if busyAsked.Load() != 9 || lockedAsked.Load() != 1 {
		t.Errorf("asked %d and %d times", busyAsked.Load(), lockedAsked.Load())
	}
}

func TestWeights(t *testing.T) {
	var count [3]atomic.Int64
	var urls []string
	for i := range count {
		urls = append(urls, serve(t, func(http.ResponseWriter, *http.Request) { count[i].Add(1) }))
	}
	// a gets 3 of 4 and has two replicas, 2 to 1; b gets 1 of 4.
	a, b := upstreamOf("a", urls[0], urls[1]), upstreamOf("b", urls[2])
	a.Replicas[0].Weight = 2
	c := config.Default()
	c.Upstreams = []config.Upstream{a, b}
	m := config.Model{Upstreams: []config.Ref{{Name: "a", Weight: 3}, {Name: "b", Weight: 1}}}
	m.Name = "m"
	c.Models = []config.Model{m}
	p := newPool(t, c)
	var order []int
	for range 400 {
		before := [3]int64{count[0].Load(), count[1].Load(), count[2].Load()}
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			t.Fatal(err)
		}
		text(t, res)
		for i := range count {
			if count[i].Load() > before[i] {
				order = append(order, i)
			}
		}
	}
	for i, want := range []int64{200, 100, 100} {
		if got := count[i].Load(); math.Abs(float64(got-want)) > 2 {
			t.Errorf("replica %d got %d of 400, want %d", i, got, want)
		}
	}
	for i := 2; i < len(order); i++ {
		if order[i] == order[i-1] && order[i] == order[i-2] {
			t.Fatalf("not smooth: three in a row at %d", i)
		}
	}
}

// Another replica is asked at once, without the wait for the same.
func TestOtherReplica(t *testing.T) {
	fine, _ := answers(t, 200)
	u := upstreamOf("a", refused(t), fine)
	u.Retries.Backoff, u.Retries.MaxBackoff = time.Second, time.Second
	p := poolOf(t, u)
	start := time.Now()
	for range 4 {
		res, err := p.Do(t.Context(), ask("m"))
		if err != nil {
			t.Fatal(err)
		}
		text(t, res)
	}
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("took %v", d)
	}
}
