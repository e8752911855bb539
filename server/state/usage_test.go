package state

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"mom/router"
)

func TestHistogram(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 10, 1000} {
		var h, half histogram
		var all []float64
		for i := range n {
			d := time.Duration(math.Exp(r.Float64()*22)) * time.Microsecond
			all = append(all, float64(d.Microseconds())/1000)
			if i%2 == 0 {
				h.add(d)
			} else {
				half.add(d)
			}
		}
		h.merge(half)
		back, err := decodeHistogram(h.encode())
		if err != nil || !slices.Equal(back, h) {
			t.Fatalf("%v: %v", err, back)
		}
		slices.Sort(all)
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			want := all[max(int(math.Ceil(q*float64(n))), 1)-1]
			if got := back.quantile(q); math.Abs(got-want) > 0.032*want+0.0005 {
				t.Errorf("quantile %v of %d: %v, want %v", q, n, got, want)
			}
		}
	}
	if got := (histogram)(nil).quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	var h histogram
	h.add(-time.Second)
	h.add(math.MaxInt64)
	if len(h) != maxBucket+1 {
		t.Errorf("%d buckets", len(h))
	}
	for _, bad := range [][]byte{{0x80}, {1}, {0xff, 0xff, 0xff, 0x7f, 1}} {
		if _, err := decodeHistogram(bad); err == nil {
			t.Errorf("%x was read", bad)
		}
	}
}

// clock is a time that tests move.
type clock struct{ now atomic.Pointer[time.Time] }

func newClock() *clock {
	c := &clock{}
	c.set(time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC))
	return c
}

func (c *clock) time() time.Time     { return *c.now.Load() }
func (c *clock) set(t time.Time)     { c.now.Store(&t) }
func (c *clock) add(d time.Duration) { c.set(c.time().Add(d)) }

// A summary says what counting the entries one by one says, whether they were
// flushed or not, and after the file was opened again.
func TestSummary(t *testing.T) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "state.db")
	o := Options{now: c.time, Ring: 8192}
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	var all []Entry
	for i := range 3000 {
		e := entry(fmt.Sprint(i))
		e.Time = c.time().Add(-time.Duration(r.IntN(8*3600)) * time.Second)
		e.Tenant = []string{"a", "b"}[r.IntN(2)]
		e.Model = []string{"small", "medium", "large"}[r.IntN(3)]
		e.Decision.Category = []string{"math", "law", ""}[r.IntN(3)]
		e.Latency.Total = time.Duration(1+r.IntN(1000)) * time.Millisecond
		e.Cached = r.IntN(4) == 0
		switch r.IntN(10) {
		case 0:
			e.Decision.Action, e.Status, e.Model = router.Block, 403, ""
		case 1:
			e.Status = 502
		}
		all = append(all, e)
		s.Record(e)
		if i == 1000 {
			flush(t, s)
		}
		if i == 2000 {
			closed(t, s)
			if s, err = Open(path, o); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(func() { closed(t, s) })
	eventually(t, "it is counted", func() bool { return s.Stats().Waiting == 0 })
	only := "a"
	for name, q := range map[string]Query{
		"minutes": {Since: c.time().Add(-10 * time.Minute)},
		"hours":   {Since: c.time().Add(-6 * time.Hour)},
		"tenant":  {Since: c.time().Add(-6 * time.Hour), Tenant: &only},
		"steps":   {Since: c.time().Add(-30 * time.Minute), Step: 7 * time.Minute},
		"all":     {},
	} {
		sum, err := s.Summary(t.Context(), q)
		if err != nil {
			t.Fatal(name, err)
		}
		checkSummary(t, name, sum, q, all)
	}
}

func checkSummary(t *testing.T, name string, sum Summary, q Query, all []Entry) {
	t.Helper()
	var want Usage
	models := map[string]int64{}
	for _, e := range all {
		if e.Time.Before(sum.Since) || q.Tenant != nil && e.Tenant != *q.Tenant {
			continue
		}
		want.Requests++
		models[e.Model]++
		switch {
		case e.Decision.Action == router.Block:
			want.Blocked++
		case e.Status >= 400:
			want.Failed++
		}
		if e.Cached {
			want.Cached++
		}
		want.TokensIn += int64(e.TokensIn)
		want.Cost += e.Cost
	}
	got := sum.Totals
	if got.Requests != want.Requests || got.Blocked != want.Blocked || got.Failed != want.Failed || got.Cached != want.Cached || got.TokensIn != want.TokensIn || math.Abs(got.Cost-want.Cost) > 1e-9 {
		t.Errorf("%s: %+v, want %+v", name, got, want)
	}
	if q.Tenant == nil && len(all) > 2000 && (got.P50 < 420 || got.P50 > 580 || got.P99 < 900) && got.Requests > 500 {
		t.Errorf("%s: p50 %v, p99 %v of 1..1000", name, got.P50, got.P99)
	}
	if q.Since.Unix() > 0 && (sum.Since.After(q.Since) || q.Since.Sub(sum.Since) >= time.Hour) {
		t.Errorf("%s: since %v for %v", name, sum.Since, q.Since)
	}
	requests := map[string]int64{}
	for list, usages := range map[string][]Usage{"models": sum.Models, "tenants": sum.Tenants, "categories": sum.Categories} {
		for i, u := range usages {
			requests[list] += u.Requests
			if list == "models" && u.Requests != models[u.Name] {
				t.Errorf("%s: model %q has %d, want %d", name, u.Name, u.Requests, models[u.Name])
			}
			if i > 0 && u.Requests > usages[i-1].Requests {
				t.Errorf("%s: %s is not in order", name, list)
			}
		}
	}
	for i, p := range sum.Series {
		requests["series"] += p.Requests
		if i > 0 && p.Time != sum.Series[i-1].Time+sum.Step {
			t.Errorf("%s: step from %d to %d", name, sum.Series[i-1].Time, p.Time)
		}
		if p.Routed != p.Requests-p.Blocked {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for list, n := range requests {
		if n != want.Requests {
			t.Errorf("%s: %s add up to %d, want %d", name, list, n, want.Requests)
		}
	}
	if len(sum.Series) == 0 || len(sum.Series) > maxPoints+2 {
		t.Errorf("%s: %d points", name, len(sum.Series))
	}
}

func TestRetention(t *testing.T) {
	c := newClock()
	s := open(t, filepath.Join(t.TempDir(), "state.db"), Options{now: c.time, Retention: 24 * time.Hour, Ring: 8, MaxRows: 3000, wait: 5 * time.Millisecond})
	for i := range 2500 {
		e := entry(fmt.Sprint("old-", i))
		e.Time = c.time()
		s.Record(e)
		if i%8 == 7 {
			flush(t, s)
		}
	}
	if err := s.Feedback(t.Context(), Feedback{DecisionID: "old-7", Tenant: "team-a", Score: 1}); err != nil {
		t.Fatal(err)
	}
	flush(t, s)
	size := func() int64 {
		var pages int64
		if err := s.db.reader.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
			t.Fatal(err)
		}
		return pages
	}
	before := size()
	c.add(26 * time.Hour)
	e := entry("new")
	e.Time = c.time()
	s.Record(e)
	flush(t, s)
	eventually(t, "the old go", func() bool { return s.Stats().Removed == 2500 })
	flush(t, s)
	if list, err := selectRecent(t.Context(), s.db.reader, 10, nil); err != nil || len(list) != 1 || list[0].ID != "new" {
		t.Errorf("%d entries, %v", len(list), err)
	}
	if list, err := s.Feedbacks(t.Context(), time.Time{}, 10); err != nil || len(list) != 0 {
		t.Errorf("%d of feedback, %v", len(list), err)
	}
	sum, err := s.Summary(t.Context(), Query{})
	if err != nil || sum.Totals.Requests != 1 {
		t.Errorf("%+v, %v", sum.Totals, err)
	}
	if after := size(); after > before/4 {
		t.Errorf("%d pages before, %d after: nothing was given back", before, after)
	}
	for i := range 4000 { // rows
		e := entry(fmt.Sprint("more-", i))
		e.Time = c.time()
		s.Record(e)
		if i%8 == 7 {
			flush(t, s)
		}
	}
	if st := s.Stats(); st.Rows > 3000 || st.Rows < 2900 {
		t.Errorf("%d rows of at most 3000", st.Rows)
	}
}

func BenchmarkRecord(b *testing.B) {
	s, err := Open(Off, Options{})
	if err != nil {
		b.Fatal(err)
	}
	e := entry("")
	b.ReportAllocs()
	for i := range b.N {
		e.ID = ids[i%len(ids)]
		s.Record(e)
	}
	s.Close(context.Background())
}

var ids = func() (list [1 << 16]string) {
	for i := range list {
		list[i] = fmt.Sprintf("dec_%016x", uint64(i)*0x9e3779b97f4a7c15)
	}
	return
}()

// BenchmarkWrite is what an entry costs until it is in the database.
func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name, path string
		order      uint64
	}{
		{"random ids", filepath.Join(b.TempDir(), "a.db"), 0x9e3779b97f4a7c15},
		{"rising ids", filepath.Join(b.TempDir(), "b.db"), 1},
		{"random ids in memory", ":memory:", 0x9e3779b97f4a7c15},
	} {
		b.Run(c.name, func(b *testing.B) {
			path, order := c.path, c.order
			s, err := Open(path, Options{Ring: 4096, MaxBytes: 64 << 20})
			if err != nil {
				b.Fatal(err)
			}
			e := entry("")
			for i := range b.N {
				e.ID = fmt.Sprintf("dec_%016x%x", uint64(i)*order, b.N)
				s.Record(e)
				if i%2048 == 2047 {
					if err := s.Flush(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
			}
			s.Flush(context.Background())
			b.StopTimer()
			if st := s.Stats(); st.Lost > 0 {
				b.Errorf("%+v", st)
			}
			s.Close(context.Background())
		})
	}
}

// TestSummaryAtOnce asks while the writer takes, writes and settles: what was
// recorded before is counted once, wherever it is on its way.
func TestSummaryAtOnce(t *testing.T) {
	s, err := Open(memory, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	for n := int64(1); n <= 3000; n++ {
		s.Record(Entry{ID: fmt.Sprint("dec_", n), Time: time.Now(), Model: "m", Status: 200})
		if n%50 != 1 {
			continue
		}
		sum, err := s.Summary(t.Context(), Query{Since: time.Now().Add(-time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if sum.Totals.Requests != n {
			t.Fatalf("%d of %d are counted", sum.Totals.Requests, n)
		}
		if n%500 == 1 {
			go s.Flush(t.Context())
			time.Sleep(linger)
		}
	}
}
