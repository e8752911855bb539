package shared

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func TestRedisURL(t *testing.T) {
	const secret = "hunter2"
	for _, url := range []string{"", "http://x:" + secret + "@host", "redis://u:" + secret + "@host:%zz", "redis://u:" + secret + "@host/notanumber", "redis://u:" + secret + "@ho st", "redis://:" + secret + "@h?x=1"} {
		_, err := NewRedis(RedisOptions{URL: url, Fallback: newMemory(t, MemoryOptions{})})
		if err == nil {
			t.Errorf("%q was taken", url)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the password is in the error: %v", err)
		}
	}
	if _, err := NewRedis(RedisOptions{URL: "redis://x"}); err == nil {
		t.Error("no fallback")
	}
}

// gone is a store whose Redis does not answer, in one of several ways.
func gone(t *testing.T, how string, o RedisOptions) (*Redis, func()) {
	t.Helper()
	back := func() {}
	switch how {
	case "refused":
		mini := miniredis.RunT(t)
		o.URL = "redis://" + mini.Addr()
		addr := mini.Addr()
		mini.Close()
		back = func() {
			if err := mini.StartAddr(addr); err != nil {
				t.Fatal(err)
			}
		}
	case "silent": // it takes connections and says nothing
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		o.URL = "redis://" + ln.Addr().String()
	case "password":
		mini := miniredis.RunT(t)
		mini.RequireAuth("right")
		o.URL = "redis://:wrong@" + mini.Addr()
		back = func() {
			mini.Close()
			mini.RequireAuth("wrong")
			if err := mini.Restart(); err != nil {
				t.Fatal(err)
			}
		}
	}
	o.Timeout, o.probe = 50*time.Millisecond, 20*time.Millisecond
	return newRedis(t, o), back
}

func TestRedisGone(t *testing.T) {
	for _, how := range []string{"refused", "silent", "password"} {
		for _, closed := range []bool{false, true} {
			t.Run(fmt.Sprint(how, " closed=", closed), func(t *testing.T) {
				var log bytes.Buffer
				r, back := gone(t, how, RedisOptions{Closed: closed, Log: slog.New(slog.NewTextHandler(&log, nil))})
				l := Limits{Requests: 3}
				for i := range 5 {
					start := time.Now()
					g, err := r.Take(t.Context(), "k", l, 0)
					// The first call waits for its bound; those after it do not.
					if took := time.Since(start); took > 300*time.Millisecond || i > 0 && how == "silent" && took > 40*time.Millisecond {
						t.Errorf("call %d took %v", i, took)
					}
					switch {
					case closed && !errors.Is(err, ErrUnavailable):
						t.Errorf("call %d: %+v, %v", i, g, err)
					case !closed && (err != nil || g.OK != (i < 3)):
						t.Errorf("call %d: %+v, %v", i, g, err)
					}
				}
				r.SetPin(t.Context(), "c", "small", time.Hour)
				if m, ok := r.Pin(t.Context(), "c"); !ok || m != "small" {
					t.Error("pins do not fall back", m, ok)
				}
				r.Put(t.Context(), "v", []byte("x"), time.Hour)
				if v, ok := r.Get(t.Context(), "v"); !ok || string(v) != "x" {
					t.Error("values do not fall back")
				}
				st := r.Stats()
				if st.Up || st.Errors == 0 || st.Fallback < 9 || closed != (st.Closed == 5) {
					t.Errorf("%+v", st)
				}
				if how != "silent" {
					back()
					eventually(t, func() bool { return r.Stats().Up })
					if g := take(t, r, "k", l, 0); !g.OK || g.RemainingRequests != 2 {
						t.Errorf("redis is back: %+v", g)
					}
				}
				r.Close() // for the log
				if s := log.String(); !strings.Contains(s, "does not answer") || strings.Contains(s, "wrong") && !strings.Contains(s, "WRONGPASS") || how != "silent" && !strings.Contains(s, "answers again") {
					t.Errorf("the log says %q", s)
				}
			})
		}
	}
}

func eventually(t *testing.T, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time")
		}
	}
}

// A real Redis is killed in the middle of traffic, and comes back.
func TestRedisKilled(t *testing.T) {
	s := startRedis(t)
	r := newRedis(t, RedisOptions{URL: s.url(), Timeout: 100 * time.Millisecond, probe: 20 * time.Millisecond})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var slowest, calls atomic.Int64
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				start := time.Now()
				if _, err := r.Take(context.Background(), fmt.Sprint(g), Limits{Requests: 1e9, Tokens: 1e9}, 10); err != nil {
					t.Error(err)
				}
				slowest.Store(max(slowest.Load(), int64(time.Since(start))))
				calls.Add(1)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	s.stop()
	eventually(t, func() bool { return !r.Stats().Up })
	n := calls.Load()
	eventually(t, func() bool { return calls.Load() > n+100 }) // they go on
	s.start()
	eventually(t, func() bool { return r.Stats().Up })
	n = calls.Load()
	eventually(t, func() bool { return calls.Load() > n+100 })
	close(stop)
	wg.Wait()
	if took := time.Duration(slowest.Load()); took > time.Second {
		t.Errorf("a call took %v", took)
	}
	if st := r.Stats(); st.Fallback == 0 || st.Granted != calls.Load() {
		t.Errorf("%d calls, %+v", calls.Load(), st)
	}
}

// A client that leaves says nothing of Redis.
func TestClientGone(t *testing.T) {
	mini := miniredis.RunT(t)
	r := newRedis(t, RedisOptions{URL: "redis://" + mini.Addr(), Closed: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Take(ctx, "k", Limits{Requests: 1}, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if st := r.Stats(); !st.Up || st.Errors != 0 {
		t.Errorf("%+v", st)
	}
}
