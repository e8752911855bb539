package state

import (
	"context"
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
			Reasons:    []router.Reason{{Stage: "security", Verdict: "pass", Detail: "no attack", Scores: router.Scores{{Name: "jailbreak", Value: 0.02}}}, {Stage: "cost", Verdict: "small", Detail: "the cheapest within 0.05 of the best"}},
			Candidates: []router.Candidate{{Model: "small", Quality: 0.81, Cost: 0.0002}, {Model: "large", Quality: 0.84, Cost: 0.003}}, Cost: 0.0002, BestCost: 0.003}}
}

func TestSmoke(t *testing.T) {
	for _, path := range []string{t.TempDir() + "/a ?%.db", ":memory:"} {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Record(entry("x"))
		if err := s.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		sum, err := s.Summary(context.Background(), Query{Since: time.Now().Add(-time.Minute)})
		t.Logf("%+v %v %+v", sum.Totals, err, s.Stats())
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}
