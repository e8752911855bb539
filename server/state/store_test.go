package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mom/router"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func entry(id string) Entry {
	return Entry{ID: id, Time: time.Now(), RequestID: "req-" + id, Route: "/v1/chat/completions", Tenant: "team-a", Model: "small", Upstream: "local",
		Status: 200, TokensIn: 120, TokensOut: 80, Cost: 0.0002, BaselineCost: 0.003,
		Latency: Latency{Parse: 20 * time.Microsecond, Classify: 3 * time.Millisecond, Decide: 9 * time.Microsecond, FirstByte: 200 * time.Millisecond,
			Upstream: 900 * time.Millisecond, Total: 905 * time.Millisecond},
		Decision: router.Decision{Action: router.Route, Model: "small", Fallbacks: []string{"medium"}, Recipe: "auto", Category: "math", Confidence: 0.91,
			Reasons: []router.Reason{{Stage: "security", Verdict: "pass", Detail: "no attack", Scores: router.Scores{{Name: "jailbreak", Value: 0.02}}},
				{Stage: "cost", Verdict: "small", Detail: "the cheapest within 0.05 of the best"}},
			Candidates: []router.Candidate{{Model: "small", Quality: 0.81, Cost: 0.0002}, {Model: "large", Quality: 0.84, Cost: 0.003}}, Cost: 0.0002, BestCost: 0.003}}
}

// open opens a store that is closed when the test ends.
func open(t *testing.T, path string, o Options) *Store {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

func closed(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

func flush(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// same compares what was recorded with what was read, to the microsecond.
func same(t *testing.T, got, want Entry) {
	t.Helper()
	got.Time, want.Time = got.Time.Truncate(time.Microsecond).UTC(), want.Time.Truncate(time.Microsecond).UTC()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "a ?%#.db"), ":memory:"} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s := open(t, path, Options{Ring: 4})
			all := map[string]Entry{}
			for i := range 40 {
				e := entry(fmt.Sprint("id-", i))
				e.Cached, e.Stream, e.DryRun = i%2 == 0, i%3 == 0, i%5 == 0
				if i%7 == 0 {
					e.Decision.Action, e.Status, e.Model = router.Block, 403, ""
				}
				s.Record(e)
				got, err := s.Get(t.Context(), e.ID) // at once, before it can be written
				if err != nil {
					t.Fatal(err)
				}
				same(t, got, e)
				all[e.ID] = e
				flush(t, s)
			}
			for id, e := range all { // most are only in the database now
				got, err := s.Get(t.Context(), id)
				if err != nil {
					t.Fatal(id, err)
				}
				same(t, got, e)
			}
			if _, err := s.Get(t.Context(), "unknown"); !errors.Is(err, ErrNotFound) {
				t.Errorf("unknown: %v", err)
			}
			recent, err := s.Recent(t.Context(), 10, nil)
			if err != nil || len(recent) != 10 {
				t.Fatal(len(recent), err)
			}
			for i, e := range recent {
				if want := fmt.Sprint("id-", 39-i); e.ID != want {
					t.Errorf("recent %d is %s, want %s", i, e.ID, want)
				}
			}
			nobody := "nobody"
			if list, err := s.Recent(t.Context(), 10, &nobody); err != nil || len(list) != 0 {
				t.Errorf("another tenant sees %d, %v", len(list), err)
			}
			if st := s.Stats(); st.Written != 40 || st.Lost != 0 || st.Rows != 40 || st.Trouble != "none" {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := entry("kept")
	s.Record(e)
	closed(t, s) // writes it
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: others can read it", info.Mode(), err)
	}
	s = open(t, path, Options{})
	got, err := s.Get(t.Context(), "kept")
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, e)
	sum, err := s.Summary(t.Context(), Query{Since: time.Now().Add(-time.Hour)})
	if err != nil || sum.Totals.Requests != 1 {
		t.Errorf("%+v, %v", sum.Totals, err)
	}
	s.Record(e) // an id twice
	flush(t, s)
	if st := s.Stats(); st.Rows != 1 {
		t.Errorf("%d rows of one id", st.Rows)
	}
}

func TestOff(t *testing.T) {
	s := open(t, Off, Options{Ring: 2})
	for _, id := range []string{"a", "b", "c"} {
		s.Record(entry(id))
	}
	if _, err := s.Get(t.Context(), "c"); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the oldest: %v", err)
	}
	if list, err := s.Recent(t.Context(), 5, nil); err != nil || len(list) != 2 {
		t.Errorf("%d, %v", len(list), err)
	}
	if _, err := s.Summary(t.Context(), Query{}); !errors.Is(err, ErrOff) {
		t.Error(err)
	}
	if err := s.Feedback(t.Context(), Feedback{DecisionID: "c"}); !errors.Is(err, ErrOff) {
		t.Error(err)
	}
	if st := s.Stats(); st.Lost != 0 || st.Held != 2 {
		t.Errorf("%+v", st)
	}
}

func TestAnnounce(t *testing.T) {
	s := open(t, ":memory:", Options{})
	e := entry("stream")
	e.Status = 0
	s.Announce(e)
	if got, err := s.Get(t.Context(), "stream"); err != nil || got.Status != 0 {
		t.Fatal(got.Status, err)
	}
	flush(t, s)
	if st := s.Stats(); st.Written != 0 {
		t.Errorf("an announced entry was written: %+v", st)
	}
	e.Status = 200
	s.Record(e)
	if got, err := s.Get(t.Context(), "stream"); err != nil || got.Status != 200 {
		t.Fatal(got.Status, err)
	}
	if list, _ := s.Recent(t.Context(), 5, nil); len(list) != 1 {
		t.Errorf("%d entries of one id", len(list))
	}
}

func TestFeedback(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"), Options{})
	s.Record(entry("x"))
	for _, bad := range []Feedback{
		{Score: 1}, {DecisionID: "x", Score: 1.1}, {DecisionID: "x", Label: strings.Repeat("l", MaxLabel+1)},
		{DecisionID: "x", Comment: strings.Repeat("c", MaxComment+1)}, {DecisionID: "x", Label: "\xff"},
	} {
		bad.Tenant = "team-a"
		if err := s.Feedback(t.Context(), bad); err == nil {
			t.Errorf("accepted: %+v", bad)
		}
	}
	if err := s.Feedback(t.Context(), Feedback{DecisionID: "x", Tenant: "team-b"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("another tenant's decision: %v", err)
	}
	if err := s.Feedback(t.Context(), Feedback{DecisionID: "y", Tenant: "team-a"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown decision: %v", err)
	}
	before := time.Now()
	if err := s.Feedback(t.Context(), Feedback{DecisionID: "x", Tenant: "team-a", Score: -0.5, Label: "too small", Comment: "wrong sum"}); err != nil {
		t.Fatal(err)
	}
	flush(t, s)
	e, err := s.Get(t.Context(), "x")
	if err != nil || len(e.Feedback) != 1 {
		t.Fatal(e.Feedback, err)
	}
	if f := e.Feedback[0]; f.Score != -0.5 || f.Label != "too small" || f.Comment != "wrong sum" || f.Model != "small" || f.Category != "math" || f.Time.Before(before.Add(-time.Millisecond)) {
		t.Errorf("%+v", f)
	}
	list, err := s.Feedbacks(t.Context(), before.Add(-time.Second), 10)
	if err != nil || len(list) != 1 {
		t.Error(list, err)
	}
	for stars, want := range map[int]float64{1: -1, 3: 0, 4: 0.5, 5: 1} {
		if got, err := Rating(stars); err != nil || got != want {
			t.Errorf("%d stars: %v, %v", stars, got, err)
		}
	}
	if _, err := Rating(6); err == nil {
		t.Error("6 stars")
	}
}

func TestLatencyJSON(t *testing.T) {
	l := entry("").Latency
	data, err := json.Marshal(l)
	if err != nil || !strings.Contains(string(data), `"total_ms":905`) || !strings.Contains(string(data), `"decide_ms":0.009`) {
		t.Fatalf("%s %v", data, err)
	}
	var back Latency
	if err := json.Unmarshal(data, &back); err != nil || back != l {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		path string
		o    Options
	}{
		"state.path":     {filepath.Join(dir, "missing", "x.db"), Options{}},
		"empty":          {"", Options{}},
		"state.max_size": {":memory:", Options{MaxBytes: 1000}},
		"negative":       {":memory:", Options{Retention: -1}},
	} {
		s, err := Open(c.path, c.o)
		if err == nil {
			closed(t, s)
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Everything at once, for the race detector.
func TestConcurrent(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"), Options{Ring: 64, MaxRows: 300})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				e := entry(fmt.Sprint(g, "-", i))
				s.Record(e)
				if _, err := s.Get(t.Context(), e.ID); err != nil && !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
				if i%50 == 0 {
					if _, err := s.Summary(t.Context(), Query{Since: time.Now().Add(-time.Minute)}); err != nil {
						t.Error(err)
					}
					if _, err := s.Recent(t.Context(), 100, nil); err != nil {
						t.Error(err)
					}
					s.Feedback(t.Context(), Feedback{DecisionID: e.ID, Tenant: "team-a", Score: 1})
					s.Stats()
				}
			}
		})
	}
	wg.Wait()
	flush(t, s)
	st := s.Stats()
	if st.Recorded != 1600 || st.Written+st.Lost != 1600 || st.Rows > 300 {
		t.Errorf("%+v", st)
	}
}
