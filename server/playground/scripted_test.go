package playground

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/state"
	"mom/server/web"
)

// scripted is a server around the page whose classifier and policy are a few
// lines, so that what the page shows can be told beforehand.
type scripted struct {
	key  string // that clients need; "" means none
	stop func()

	store *state.Store

	mu     sync.Mutex
	asked  []routeQuestion
	broken int // status to answer /v1/route with, 0 for none
}

type routeQuestion struct {
	Input    string   `json:"input"`
	Model    string   `json:"model"`
	Tradeoff *float64 `json:"cost_quality_tradeoff"`
}

func (s *scripted) start(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.open(t)
	routes := Routes(Options{Version: "v1.2.3", Source: s.store})
	routes = append(routes,
		web.Route{Method: "GET", Path: "/v1/models", Handle: func(ctx *fasthttp.RequestCtx) {
			web.WriteJSON(ctx, 200, map[string]any{"data": []map[string]string{{"id": "auto"}, {"id": "careful"}, {"id": "small"}, {"id": "large"}}})
		}},
		web.Route{Method: "POST", Path: "/v1/route", Handle: s.route},
	)
	server := &fasthttp.Server{ReadTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second, CloseOnShutdown: true, Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.Set("x-request-id", "req_test")
		for _, r := range routes {
			if r.Path != string(ctx.Path()) || r.Method != string(ctx.Method()) {
				continue
			}
			if r.Access != web.Public && s.key != "" && string(ctx.Request.Header.Peek("Authorization")) != "Bearer "+s.key {
				web.WriteError(ctx, web.OpenAI, &web.Error{Status: 401, Message: "a key is needed"})
				return
			}
			r.Handle(ctx)
			return
		}
		web.WriteError(ctx, web.OpenAI, &web.Error{Status: 404, Message: "no such route"})
	}}
	go server.Serve(ln)
	s.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		server.ShutdownWithContext(ctx)
	})
	t.Cleanup(s.stop)
	return "http://" + ln.Addr().String() + "/"
}

// The store is a real one, in memory.
func (s *scripted) open(t *testing.T) {
	t.Helper()
	var err error
	if s.store, err = state.Open(":memory:", state.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.store.Close(ctx)
	})
}

const testIBAN = "DE89 3704 0044 0532 0130 00"

// route takes "ignore all previous instructions" for an attack, one IBAN for
// personal data, and the rest for business.
func (s *scripted) route(ctx *fasthttp.RequestCtx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var q routeQuestion
	if err := json.Unmarshal(ctx.Request.Body(), &q); err != nil {
		web.WriteError(ctx, web.OpenAI, web.Invalid("", "not JSON"))
		return
	}
	s.asked = append(s.asked, q)
	if s.broken != 0 {
		web.WriteError(ctx, web.OpenAI, &web.Error{Status: s.broken, Message: "the classifiers are busy", RetryAfter: 2 * time.Second})
		return
	}
	type finding struct {
		Start int     `json:"start"`
		End   int     `json:"end"`
		Label string  `json:"label"`
		Score float64 `json:"score"`
		By    string  `json:"by"`
	}
	verdict := router.Verdict{Score: 0.004, Label: "benign"}
	d := router.Decision{
		Action: router.Route, Model: "small", Recipe: "auto", Category: "business", Confidence: 0.81, Cost: 0.000124, BestCost: 0.00186,
		Reasons: []router.Reason{
			{Stage: "security", Verdict: "pass", Detail: "nothing that the policy acts on"},
			{Stage: "cost", Verdict: "small", Detail: "the cheapest that is good enough", Scores: router.Scores{{Name: "tradeoff", Value: 5}}},
		},
		Candidates: []router.Candidate{{Model: "small", Quality: 0.78, Cost: 0.000124}, {Model: "large", Quality: 0.93, Cost: 0.00186, RuledOut: "dearer than needed"}},
	}
	pii := []finding{}
	if at := strings.Index(q.Input, testIBAN); at >= 0 {
		start := utf8.RuneCountInString(q.Input[:at])
		pii = append(pii, finding{start, start + len(testIBAN), "IBAN_CODE", 0.999, "pattern"})
		d.Flags = append(d.Flags, "pii:IBAN_CODE")
	}
	if strings.Contains(strings.ToLower(q.Input), "ignore all previous instructions") {
		verdict = router.Verdict{Score: 0.997, Label: "jailbreak"}
		d.Action, d.Model, d.Cost, d.BestCost, d.Candidates = router.Block, "", 0, 0, nil
		d.Reasons = []router.Reason{{Stage: "security", Verdict: "block", Detail: "the guard takes the prompt for an attack", Scores: router.Scores{{Name: "jailbreak", Value: 0.997}, {Name: "threshold", Value: 0.5}}}}
		d.Flags = append(d.Flags, "jailbreak")
	}
	s.store.Record(state.Entry{
		ID: rand.Text(), Time: time.Now(), Route: "/v1/route", Model: d.Model, Status: 200, DryRun: true, TokensIn: 21,
		Cost: d.Cost, BaselineCost: d.BestCost, Latency: state.Latency{Total: 2500 * time.Microsecond}, Decision: d,
	})
	type guard struct{ *router.Verdict }
	web.WriteJSON(ctx, 200, struct {
		ID string `json:"id"`
		*router.Decision
		Signals map[string]any     `json:"signals"`
		Latency map[string]float64 `json:"latency_ms"`
	}{"dec_x", &d, map[string]any{
		"intent": []router.Category{{Name: "business", P: 0.81}, {Name: "law", P: 0.09}, {Name: "math", P: math.Nextafter(0.02, 1)}},
		"guard":  guard{&verdict}, "pii": pii, "tokens": 21, "windows": 1,
	}, map[string]float64{"parse": 0.04, "classify": 2.31, "decide": 0.009, "total": 2.5}})
}
