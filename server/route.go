package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/protocol"
	"mom/server/web"
)

// routeRequest is POST /v1/route: a text, several, or a whole request of chat
// completions (then messages counts), with what narrows the choice.
type routeRequest struct {
	Model     string   `json:"model,omitempty"` // auto, a recipe, or a model; auto when absent
	Input     texts    `json:"input,omitempty"`
	Messages  []any    `json:"messages,omitempty"`
	MaxTokens int      `json:"max_tokens,omitempty"`
	Tradeoff  *float64 `json:"cost_quality_tradeoff,omitempty"` // 0 the best model .. 10 the cheapest
	Allowed   []string `json:"allowed_models,omitempty"`        // with * as wildcard
	Excluded  []string `json:"excluded_models,omitempty"`
	Session   string   `json:"session_id,omitempty"` // keeps its model, as a conversation does
	Stream    bool     `json:"stream,omitempty"`     // with ?explain=true: the answer as events
}

// routeAnswer is a decision with what it was made of. Positions count Unicode
// code points.
type routeAnswer struct {
	ID        string `json:"id"`
	Object    string `json:"object"` // routing.decision
	RequestID string `json:"request_id"`
	DryRun    bool   `json:"dry_run,omitempty"`
	*router.Decision
	Signals     signalsAnswer    `json:"signals"`
	Explanation *web.Explanation `json:"explanation,omitempty"` // with ?explain=true
	Latency     latencyAnswer    `json:"latency_ms"`
}

type signalsAnswer struct {
	Intent  []router.Category `json:"intent,omitempty"`         // of the encoder
	Decoder []router.Category `json:"decoder_intent,omitempty"` // of the decoder, where the policy asks one and it was in time
	Guard   *guardAnswer      `json:"guard,omitempty"`
	PII     []piiAnswer       `json:"pii"`
	Tokens  int               `json:"tokens"`
	Windows int               `json:"windows"`
}

type guardAnswer struct {
	*router.Verdict
	Part int `json:"part"` // index of the text that it is about
}

type piiAnswer struct {
	Part  int     `json:"part"`
	Start int     `json:"start"`
	End   int     `json:"end"`
	Type  string  `json:"label"`
	Score float64 `json:"score"`
	By    string  `json:"by"`
}

// latencyAnswer is in milliseconds.
type latencyAnswer struct {
	Parse    float64 `json:"parse"`
	Classify float64 `json:"classify"`
	Decide   float64 `json:"decide"`
	Total    float64 `json:"total"`
}

func (s *Server) handleRoute(ctx *fasthttp.RequestCtx) {
	x := exchangeOf(ctx)
	q, err := s.routeQuestion(ctx, x)
	x.stages.Parse = time.Since(x.start)
	why := false
	if err == nil {
		why, err = s.wantsExplanation(ctx)
	}
	if err == nil {
		q.request.Unavailable = x.unavailable()
		x.dryRun = true
		q.tasks = web.All // an explanation shows all signals
		var signals *router.Signals
		var d *router.Decision
		if d, signals, err = s.decide(x, q); err == nil {
			if q.named { // who names a session asks the model itself
				s.pin(q, x, d.Model)
			}
			if why && q.stream {
				s.streamExplanation(ctx, x, q.parts, signals)
				return
			}
			var said *web.Explanation
			if why {
				said, err = s.explanation(x, q.parts, d)
			}
			if err == nil {
				a := x.explain(q.parts, signals)
				a.Explanation = said
				x.headers(ctx)
				web.WriteJSON(ctx, 200, a)
				return
			}
		}
	}
	web.WriteError(ctx, web.OpenAI, x.reason(err))
}

// routeQuestion reads a request for a decision.
func (s *Server) routeQuestion(ctx *fasthttp.RequestCtx, x *exchange) (*question, error) {
	var r routeRequest
	if err := web.ReadJSON(ctx, &r); err != nil {
		return nil, err
	}
	switch {
	case r.Messages != nil && r.Input != nil:
		return nil, web.Invalid("input", "both input and messages: give one of them")
	case r.Messages == nil && r.Input == nil:
		return nil, web.Invalid("input", `neither input nor messages; the least request is {"input":"…"}`)
	case r.Tradeoff != nil && (*r.Tradeoff < 0 || *r.Tradeoff > 10):
		return nil, web.Invalid("cost_quality_tradeoff", "cost_quality_tradeoff: want 0 to 10")
	case r.MaxTokens < 0:
		return nil, web.Invalid("max_tokens", "max_tokens: want 0 or more")
	}
	if r.Messages != nil {
		q, err := s.chatQuestion(x, withModel(ctx.Request.Body()), r.Session)
		if err != nil {
			return nil, err
		}
		// What this request says itself counts, as does the object "mom" of any chat.
		if r.Tradeoff != nil {
			q.request.Tradeoff = r.Tradeoff
		}
		if r.Allowed != nil {
			q.request.Allowed = r.Allowed
		}
		if r.Excluded != nil {
			q.request.Excluded = r.Excluded
		}
		q.stream = r.Stream || wantsEvents(ctx)
		return q, nil
	}
	q := &question{stream: r.Stream || wantsEvents(ctx), request: router.Request{
		Model: r.Model, MaxOutputTokens: r.MaxTokens, Tradeoff: r.Tradeoff, Allowed: r.Allowed, Excluded: r.Excluded,
	}}
	if q.request.Model == "" {
		q.request.Model = autoModel
	}
	said := &protocol.Request{Model: q.request.Model, Options: protocol.Options{Session: r.Session}}
	for _, t := range r.Input {
		q.parts = append(q.parts, router.Part{Role: "user", Text: t})
		said.Texts = append(said.Texts, protocol.Text{Role: "user", Text: t})
	}
	s.pinned(x, said, q)
	q.named = r.Session != ""
	return q, nil
}

// autoModel leaves the choice to the default recipe.
const autoModel = "auto"

// explain is the decision as /v1/route tells it.
func (x *exchange) explain(parts []router.Part, s *router.Signals) routeAnswer {
	a := routeAnswer{
		ID: x.decisionID, Object: "routing.decision", RequestID: x.id, Decision: x.decision,
		Signals: signalsAnswer{Intent: s.Intent, PII: []piiAnswer{}, Tokens: s.Tokens, Windows: s.Windows},
		Latency: latencyAnswer{
			Parse: milliseconds(x.stages.Parse), Classify: milliseconds(x.stages.Classify),
			Decide: milliseconds(x.stages.Decide), Total: milliseconds(time.Since(x.start)),
		},
	}
	if s.Told != nil {
		a.Signals.Decoder = s.Told.Intent
	}
	if s.Guard != nil {
		a.Signals.Guard = &guardAnswer{s.Guard, s.GuardPart}
	}
	for _, p := range s.PII {
		text := parts[p.Part].Text
		start := utf8.RuneCountInString(text[:p.Start])
		a.Signals.PII = append(a.Signals.PII, piiAnswer{
			Part: p.Part, Start: start, End: start + utf8.RuneCountInString(text[p.Start:p.End]),
			Type: p.Type, Score: p.Score, By: p.By,
		})
	}
	return a
}

// headers tells the decision in headers, ours and those of vLLM Semantic Router.
func (x *exchange) headers(ctx *fasthttp.RequestCtx) {
	h, d := &ctx.Response.Header, x.decision
	set := func(name, value string) {
		if value != "" {
			h.Set(name, headerText(value))
		}
	}
	set("x-mom-decision-id", x.decisionID)
	model := d.Model
	if x.model != "" {
		model = x.model // a fallback may have answered
	}
	set("x-mom-model", model)
	set("x-mom-upstream", x.upstream)
	set("x-mom-recipe", d.Recipe)
	set("x-mom-category", d.Category)
	set("x-mom-confidence", fmt.Sprintf("%.4f", d.Confidence))
	if d.Intent != nil {
		set("x-mom-intent-by", d.Intent.By)
	}
	set("x-mom-flags", joined(d.Flags))
	cost := d.Cost
	if x.cached {
		cost = 0
	}
	set("x-mom-cost", fmt.Sprintf("%.8f", cost))
	set("x-mom-cache", x.cache)
	set("x-vsr-selected-model", model)
	set("x-vsr-selected-decision", d.Recipe)
	set("x-vsr-selected-category", d.Category)
	set("x-vsr-selected-reasoning", "off")
	set("x-vsr-selected-confidence", fmt.Sprintf("%.4f", d.Confidence))
	if x.cached {
		set("x-vsr-cache-hit", "true")
	}
}

func joined(list []string) string {
	var b []byte
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, s...)
	}
	return string(b)
}

// headerText keeps what may stand in a header. Names come from the
// configuration, so little is lost.
func headerText(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			b := []byte(s)
			for i, c := range b {
				if c < ' ' || c > '~' {
					b[i] = '?'
				}
			}
			return string(b)
		}
	}
	return s
}

// withModel is body, a JSON object with messages, asking for autoModel where it
// names no model: who only wants a decision need not name one.
func withModel(body []byte) []byte {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(body, &top); err != nil || top["model"] != nil {
		return body // the parser says what is wrong
	}
	first := bytes.IndexByte(body, '{') + 1
	return slices.Concat(body[:first], []byte(`"model":"`+autoModel+`",`), body[first:])
}
