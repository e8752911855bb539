package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mom/router"
	"mom/server/web"
)

const gradingYAML = `agents: {path: /d/agents, time_limit: 60ms}
upstreams: [{name: far, base_url: "%s/v1"}]
models:
  - {name: cheap, quality: 0.6, price: {input: 1, output: 1}, upstreams: [{name: far}]}
  - {name: best, quality: 0.7, price: {input: 9, output: 9}, upstreams: [{name: far}]}
recipes:
  - {name: auto, agents: true, cost_quality_tradeoff: 3}
  - {name: plain, cost_quality_tradeoff: 3}
`

// TestAgents: a recipe with agents waits for the agent of the request's field, no
// longer than it may, and is decided by what it says.
func TestAgents(t *testing.T) {
	m := newMock(t, whole("from far"))
	r, d := withDecoders(t, parsed(t, fmt.Sprintf(gradingYAML, m.URL)))
	ask := func(recipe string) (model, domain string) {
		t.Helper()
		said := r.post("/v1/route", fmt.Sprintf(`{"input":"Is a lease valid without a signature?","model":%q}`, recipe))
		var a struct {
			Model   string
			Reasons []router.Reason
		}
		if err := json.Unmarshal([]byte(said.body), &a); err != nil || said.status != http.StatusOK {
			t.Fatalf("%d %s: %v", said.status, said.body, err)
		}
		for _, x := range a.Reasons {
			if x.Stage == "domain" {
				domain = x.Detail
			}
		}
		return a.Model, domain
	}
	grade := func(p ...float64) func(context.Context, time.Duration) (*router.Difficulty, error) {
		return func(_ context.Context, limit time.Duration) (*router.Difficulty, error) {
			if limit != 60*time.Millisecond {
				return nil, fmt.Errorf("limit %v", limit)
			}
			return &router.Difficulty{Agent: "lawyer", Names: []string{"easy", "medium", "hard"}, P: p, Shift: []float64{3, 0, -3}, Tools: "search"}, nil
		}
	}
	for _, c := range []struct {
		name, recipe string
		grade        func(context.Context, time.Duration) (*router.Difficulty, error)
		model, says  string
	}{
		{"easy", "auto", grade(1, 0, 0), "cheap", "The agent lawyer finds the request easy with 1.00, and expects it to need a tool: search."},
		{"hard", "auto", grade(0, 0, 1), "best", "finds the request hard"},
		{"another recipe", "plain", grade(1, 0, 0), "best", ""},
		{"late", "auto", func(context.Context, time.Duration) (*router.Difficulty, error) { return nil, nil }, "best", ""},
		{"ill", "auto", func(context.Context, time.Duration) (*router.Difficulty, error) {
			return nil, &web.Error{Status: 400, Message: "the decoder cannot read the text"}
		}, "best", ""},
		{"broken", "auto", func(context.Context, time.Duration) (*router.Difficulty, error) { return nil, errors.New("no memory") }, "best", ""},
		{"panic", "auto", func(context.Context, time.Duration) (*router.Difficulty, error) { panic("BUG: an agent") }, "best", ""},
	} {
		d.tells.Lock()
		d.grade, d.graded = c.grade, nil
		d.tells.Unlock()
		model, domain := ask(c.recipe)
		if model != c.model || c.says == "" && strings.Contains(domain, "agent") || !strings.Contains(domain, c.says) {
			t.Errorf("%s: %s by %q", c.name, model, domain)
		}
		d.tells.Lock()
		asked := len(d.graded)
		if asked == 1 && !strings.HasSuffix(d.graded[0], ": Is a lease valid without a signature?") {
			t.Errorf("asked about %q", d.graded[0])
		}
		d.tells.Unlock()
		if want := map[string]int{"auto": 1}[c.recipe]; asked != want {
			t.Errorf("%s: asked %d times, want %d", c.name, asked, want)
		}
	}
	for metric, want := range map[string]float64{
		`mom_agent_verdicts_total{outcome="in_time"}`: 2, `mom_agent_verdicts_total{outcome="late"}`: 1,
		`mom_agent_verdicts_total{outcome="failed"}`: 3, `mom_agent_verdict_seconds_count`: 6,
	} {
		if got := r.value(metric); got != want {
			t.Errorf("%s %v, want %v", metric, got, want)
		}
	}
}
