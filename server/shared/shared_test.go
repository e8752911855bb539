package shared

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A subject is a store under test, and how its time goes on.
type subject struct {
	Store
	sleep func(time.Duration)
	slow  bool // its time is the real one
}

// eachStore runs the same test over every implementation.
func eachStore(t *testing.T, f func(*testing.T, *subject)) {
	t.Run("memory", func(t *testing.T) {
		var now atomic.Int64
		now.Store(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).UnixNano())
		m := newMemory(t, MemoryOptions{now: func() time.Time { return time.Unix(0, now.Load()) }})
		f(t, &subject{Store: m, sleep: func(d time.Duration) { now.Add(int64(d)) }})
	})
	t.Run("miniredis", func(t *testing.T) {
		mini := miniredis.RunT(t)
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		mini.SetTime(now)
		r := newRedis(t, RedisOptions{URL: "redis://" + mini.Addr()})
		f(t, &subject{Store: r, sleep: func(d time.Duration) {
			now = now.Add(d)
			mini.SetTime(now)
			mini.FastForward(d)
		}})
	})
	t.Run("redis", func(t *testing.T) {
		s := startRedis(t)
		r := newRedis(t, RedisOptions{URL: s.url(), Prefix: "mom:"})
		f(t, &subject{Store: r, sleep: time.Sleep, slow: true})
	})
}

func newMemory(t *testing.T, o MemoryOptions) *Memory {
	t.Helper()
	m, err := NewMemory(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newRedis(t *testing.T, o RedisOptions) *Redis {
	t.Helper()
	if o.Fallback == nil {
		o.Fallback = newMemory(t, MemoryOptions{})
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second // a busy machine is not what is tested
	}
	r, err := NewRedis(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// A server is a real Redis on a socket of its own.
type server struct {
	t    *testing.T
	bin  string
	dir  string
	args []string
	cmd  *exec.Cmd
}

func startRedis(t *testing.T, args ...string) *server {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed (Debian: apt-get install redis-server)")
	}
	dir, err := os.MkdirTemp("", "mom-redis") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, bin: bin, dir: dir, args: args}
	t.Cleanup(func() {
		s.stop()
		os.RemoveAll(dir)
	})
	s.start()
	return s
}

func (s *server) socket() string { return filepath.Join(s.dir, "s") }
func (s *server) url() string    { return "unix://" + s.socket() }

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.bin, append([]string{"--port", "0", "--unixsocket", s.socket(), "--save", "", "--appendonly", "no", "--dir", s.dir}, s.args...)...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("unix", s.socket()); err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			s.t.Fatal("redis-server does not listen")
		}
	}
}

func (s *server) stop() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

func take(t *testing.T, s Store, key string, l Limits, tokens int) Grant {
	t.Helper()
	g, err := s.Take(t.Context(), key, l, tokens)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRequests(t *testing.T) {
	eachStore(t, func(t *testing.T, s *subject) {
		l := Limits{Requests: 600}
		if s.slow {
			l.Requests = 60 // one a second: a slow machine gives none back meanwhile
		}
		for i := range l.Requests {
			g := take(t, s, "a", l, 1000)
			if !g.OK || g.RemainingRequests < l.Requests-1-i || g.RemainingRequests > l.Requests-i || g.RemainingTokens != -1 || g.Reserved != 0 {
				t.Fatalf("request %d: %+v", i, g)
			}
		}
		g := take(t, s, "a", l, 0)
		if g.OK || g.By != "requests" || g.RetryAfter <= 0 || g.RetryAfter > time.Second || g.RemainingRequests != 0 || g.ResetRequests < 55*time.Second {
			t.Fatalf("%+v", g)
		}
		if g := take(t, s, "b", l, 0); !g.OK {
			t.Fatalf("another client: %+v", g)
		}
		s.sleep(g.RetryAfter + 2*time.Millisecond)
		if g := take(t, s, "a", l, 0); !g.OK {
			t.Fatalf("after the wait: %+v", g)
		}
		if g := take(t, s, "a", l, 0); g.OK {
			t.Fatalf("twice after the wait: %+v", g)
		}
		if !s.slow {
			s.sleep(10 * time.Minute)
			if g := take(t, s, "a", l, 0); g.RemainingRequests != l.Requests-1 {
				t.Errorf("more than a minute's worth was saved: %+v", g)
			}
		}
		if st := s.Stats(); st.Refused != 2 || st.Granted < int64(l.Requests) || !st.Up || st.Errors != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestTokens(t *testing.T) {
	eachStore(t, func(t *testing.T, s *subject) {
		l := Limits{Requests: 100, Tokens: 6000}
		g := take(t, s, "a", l, 4000)
		if !g.OK || g.Reserved != 4000 || g.RemainingTokens < 2000 || g.RemainingTokens > 2300 {
			t.Fatalf("%+v", g)
		}
		refused := take(t, s, "a", l, 4000)
		if refused.OK || refused.By != "tokens" || refused.RetryAfter < 15*time.Second || refused.RetryAfter > 20*time.Second {
			t.Fatalf("%+v", refused)
		}
		if refused.RemainingRequests < 98 {
			t.Errorf("a refused request took from the requests: %+v", refused)
		}
		if err := s.Settle(t.Context(), "a", l, 4000, 1000); err != nil {
			t.Fatal(err)
		}
		if g := take(t, s, "a", l, 4000); !g.OK || g.RemainingTokens < 1000 || g.RemainingTokens > 1400 {
			t.Fatalf("after settling: %+v", g)
		}
		if err := s.Settle(t.Context(), "a", l, 4000, 12000); err != nil { // 8000 more than reserved: 7000 are owed
			t.Fatal(err)
		}
		g = take(t, s, "a", l, 1)
		if g.OK || g.RemainingTokens != 0 || g.RetryAfter < 60*time.Second || g.RetryAfter > 71*time.Second {
			t.Fatalf("owing: %+v", g)
		}
		// A request larger than the bucket passes when the bucket is full.
		if g := take(t, s, "big", l, 1e6); !g.OK || g.Reserved != 6000 {
			t.Fatalf("%+v", g)
		}
		if g := take(t, s, "big", l, 0); !g.OK {
			t.Fatalf("nothing more: %+v", g)
		}
		// Settling gives no more than a full bucket.
		if err := s.Settle(t.Context(), "c", l, 6000, 0); err != nil {
			t.Fatal(err)
		}
		if g := take(t, s, "c", l, 0); g.RemainingTokens != 6000 {
			t.Errorf("%+v", g)
		}
		if g := take(t, s, "d", Limits{}, 1e9); !g.OK || g.RemainingRequests != -1 || g.RemainingTokens != -1 {
			t.Errorf("without limits: %+v", g)
		}
		// Less than before, after a reload.
		take(t, s, "e", Limits{Tokens: 6000}, 0)
		if g := take(t, s, "e", Limits{Tokens: 60}, 60); !g.OK || g.RemainingTokens > 1 {
			t.Errorf("%+v", g)
		}
		if err := s.Settle(t.Context(), "a", l, -1, 5); err == nil {
			t.Error("a negative reserve")
		}
	})
}

// Whatever comes at once, no more passes than the bucket holds.
func TestAtomic(t *testing.T) {
	eachStore(t, func(t *testing.T, s *subject) {
		l := Limits{Requests: 40, Tokens: 1000}
		var granted atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					g, err := s.Take(t.Context(), "x", l, 100)
					if err != nil {
						t.Error(err)
					}
					if g.OK {
						granted.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if n := granted.Load(); n < 10 || n > 11 { // one more if the machine took six seconds
			t.Errorf("%d of 10 passed", n)
		}
	})
}

func TestPinsAndValues(t *testing.T) {
	eachStore(t, func(t *testing.T, s *subject) {
		ttl := time.Minute
		if s.slow {
			ttl = 50 * time.Millisecond
		}
		ctx := t.Context()
		if _, ok := s.Pin(ctx, "c1"); ok {
			t.Error("a pin that nobody set")
		}
		s.SetPin(ctx, "c1", "small", time.Hour)
		s.SetPin(ctx, "c1", "large", time.Hour)
		s.SetPin(ctx, "c2", "medium", ttl)
		if m, ok := s.Pin(ctx, "c1"); !ok || m != "large" {
			t.Error(m, ok)
		}
		value := []byte{0, 255, 10, 'x'}
		s.Put(ctx, "v", value, time.Hour)
		value[0] = 7
		if v, ok := s.Get(ctx, "v"); !ok || !bytes.Equal(v, []byte{0, 255, 10, 'x'}) {
			t.Errorf("%v %v", v, ok)
		} else {
			v[1] = 9
		}
		if v, _ := s.Get(ctx, "v"); v[1] != 255 {
			t.Error("a caller changed what is kept")
		}
		if _, ok := s.Get(ctx, "c1"); ok {
			t.Error("a pin is found as a value")
		}
		s.Put(ctx, "empty", nil, time.Hour)
		if v, ok := s.Get(ctx, "empty"); !ok || len(v) != 0 {
			t.Errorf("an empty value: %v %v", v, ok)
		}
		s.Put(ctx, "short", value, ttl)
		s.Put(ctx, "over", value, 0)
		if _, ok := s.Get(ctx, "over"); ok {
			t.Error("a value without time")
		}
		s.sleep(ttl + 20*time.Millisecond)
		if _, ok := s.Pin(ctx, "c2"); ok {
			t.Error("a pin outlives its time")
		}
		if _, ok := s.Get(ctx, "short"); ok {
			t.Error("a value outlives its time")
		}
		if _, ok := s.Pin(ctx, "c1"); !ok {
			t.Error("a pin went too early")
		}
	})
}

// What two servers share, they share.
func TestTwoServers(t *testing.T) {
	mini := miniredis.RunT(t)
	a := newRedis(t, RedisOptions{URL: "redis://" + mini.Addr(), Prefix: "p:"})
	b := newRedis(t, RedisOptions{URL: "redis://" + mini.Addr(), Prefix: "p:"})
	other := newRedis(t, RedisOptions{URL: "redis://" + mini.Addr(), Prefix: "q:"})
	l := Limits{Requests: 2}
	take(t, a, "k", l, 0)
	take(t, b, "k", l, 0)
	if g := take(t, a, "k", l, 0); g.OK {
		t.Error("each server has a limit of its own")
	}
	if g := take(t, other, "k", l, 0); !g.OK {
		t.Error("prefixes do not part")
	}
	a.SetPin(t.Context(), "c", "small", time.Hour)
	if m, ok := b.Pin(t.Context(), "c"); !ok || m != "small" {
		t.Error(m, ok)
	}
	for _, key := range mini.Keys() {
		if mini.TTL(key) <= 0 {
			t.Errorf("%s stays for ever", key)
		}
		if !strings.HasPrefix(key, "p:") && !strings.HasPrefix(key, "q:") {
			t.Errorf("%s has no prefix", key)
		}
	}
}

func TestMemoryBounds(t *testing.T) {
	var now atomic.Int64
	now.Store(1e18)
	m := newMemory(t, MemoryOptions{MaxPins: 10, MaxBytes: 10_000, MaxKeys: 10, now: func() time.Time { return time.Unix(0, now.Load()) }})
	for i := range 100 {
		id := fmt.Sprint(i)
		m.SetPin(t.Context(), id, "small", time.Hour)
		m.Put(t.Context(), id, make([]byte, 1000), time.Hour)
		take(t, m, id, Limits{Requests: 5}, 0)
	}
	st := m.Stats()
	if len(m.clients) > 10 || st.Bytes > 10_000 || st.Evicted < 180 {
		t.Errorf("%d clients, %+v", len(m.clients), st)
	}
	if _, ok := m.Pin(t.Context(), "99"); !ok {
		t.Error("the newest pin went")
	}
	m.Put(t.Context(), "huge", make([]byte, 5000), time.Hour)
	if _, ok := m.Get(t.Context(), "huge"); ok {
		t.Error("half the room for one value")
	}
	m.Get(t.Context(), "92") // used now
	m.Put(t.Context(), "new", make([]byte, 1000), time.Hour)
	if _, ok := m.Get(t.Context(), "92"); !ok {
		t.Error("what was just used went first")
	}
	if _, err := NewMemory(MemoryOptions{MaxBytes: -1}); err == nil {
		t.Error("a negative bound")
	}
}

func TestBucketProperties(t *testing.T) {
	// No clock that goes back, and no limit, makes a bucket hold more than a
	// minute's worth or lose what it held.
	at := time.Unix(1000, 0)
	b := bucket{}
	b.fill(at, 60)
	b.level -= 50
	b.fill(at.Add(-time.Hour), 60)
	if b.level != 10 {
		t.Errorf("level %v after the clock went back", b.level)
	}
	b.fill(at.Add(10*time.Second), 60)
	if math.Abs(b.level-20) > 1e-9 {
		t.Errorf("level %v, want 20", b.level)
	}
	b.fill(at.Add(time.Hour), 60)
	if b.level != 60 {
		t.Errorf("level %v, want 60", b.level)
	}
	if w := wait(30, 60); w != 30*time.Second {
		t.Error(w)
	}
	if w := wait(math.Inf(1), 1); w != 365*24*time.Hour {
		t.Error(w)
	}
}
