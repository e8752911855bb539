package compat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

// vsrRoutes is the classification API of vLLM Semantic Router, v0.3.
func (a *api) vsrRoutes() []web.Route {
	r := func(method, path, summary string, h func(*fasthttp.RequestCtx) (any, error), request, response any) web.Route {
		return web.Route{
			Method: method, Path: path, Summary: summary, Dialect: web.VLLMSR, Request: request, Response: response,
			Handle: func(ctx *fasthttp.RequestCtx) {
				v, err := h(ctx)
				if err != nil {
					failVSR(ctx, err)
					return
				}
				web.WriteJSON(ctx, 200, v)
			},
		}
	}
	routes := []web.Route{
		r(post, "/api/v1/classify/intent", "Category of a text and the model for it", a.vsrIntent, intentRequest{}, intentAnswer{}),
		r(post, "/api/v1/classify/pii", "Personal data in a text", a.vsrPII, piiRequest{}, piiAnswer{}),
		r(post, "/api/v1/classify/security", "Whether a text is a jailbreak", a.vsrSecurity, securityRequest{}, securityAnswer{}),
		r(post, "/api/v1/classify/combined", "Category, personal data and jailbreak of a text", a.vsrCombined, combinedRequest{}, combinedAnswer{}),
		r(post, "/api/v1/classify/batch", "One of these questions for several texts", a.vsrBatch, batchRequest{}, batchAnswer{}),
		r(post, "/api/v1/embeddings", "Embeddings of texts", a.vsrEmbeddings, vsrEmbeddingRequest{}, vsrEmbeddingAnswer{}),
		r(get, "/api/v1/embeddings/models", "Embedding models", a.vsrEmbeddingModels, nil, embeddingModelsAnswer{}),
		r(post, "/api/v1/similarity", "Cosine similarity of two texts", a.vsrSimilarity, similarityRequest{}, similarityAnswer{}),
		r(post, "/api/v1/similarity/batch", "The candidates most similar to a query", a.vsrSimilarityBatch, similarityBatchRequest{}, similarityBatchAnswer{}),
		r(get, "/info/models", "Models that are loaded", a.vsrModels, nil, modelsAnswer{}),
		r(get, "/info/classifier", "What the classifiers are set to", a.vsrClassifier, nil, classifierAnswer{}),
		r(get, "/startup-status", "Whether the start is complete", a.vsrStartup, nil, startupAnswer{}),
	}
	overview := overviewOf(routes, a.Version)
	return append(routes,
		r(get, "/api/v1", "What this API offers", func(*fasthttp.RequestCtx) (any, error) { return overview, nil }, nil, overviewAnswer{}))
}

type vsrErrorBody struct {
	Error vsrErrorDetail `json:"error"`
}

type vsrErrorDetail struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Timestamp string `json:"timestamp"`
}

// failVSR answers with err; a Code in capitals is one of this protocol's own.
func failVSR(ctx *fasthttp.RequestCtx, err error) {
	web.WriteError(ctx, web.VLLMSR, err)
	if e := web.AsError(err); e.Code != "" && e.Code == strings.ToUpper(e.Code) {
		web.WriteJSON(ctx, ctx.Response.StatusCode(), vsrErrorBody{vsrErrorDetail{e.Code, e.Message, time.Now().UTC().Format(time.RFC3339)}})
	}
}

// vsrInvalid is a refusal with a code of the protocol.
func vsrInvalid(param, code, message string) *web.Error {
	return &web.Error{Status: 400, Param: param, Code: code, Message: message}
}

var errEmptyText = web.Invalid("text", "text cannot be empty")

type intentRequest struct {
	Text     string         `json:"text,omitempty"`
	Messages []chatMessage  `json:"messages,omitempty"` // instead of a text: the last of the user counts
	Options  *intentOptions `json:"options,omitempty"`
}

type intentOptions struct {
	Probabilities bool    `json:"return_probabilities,omitempty"`
	Threshold     float64 `json:"confidence_threshold,omitempty"` // of routing_decision, 0.7 by default
	Explanation   bool    `json:"include_explanation,omitempty"`
	AllSignals    bool    `json:"evaluate_all_signals,omitempty"` // guard and personal data too, in matched_signals
}

type intentAnswer struct {
	Classification classification     `json:"classification"`
	Probabilities  map[string]float32 `json:"probabilities,omitempty"`
	Model          string             `json:"recommended_model,omitempty"`
	Decision       string             `json:"routing_decision,omitempty"` // high_confidence_specialized, low_confidence_general, blocked
	Signals        *matchedSignals    `json:"matched_signals,omitempty"`
	Result         *decisionResult    `json:"decision_result,omitempty"`
	Explanation    []string           `json:"explanation,omitempty"`
}

type classification struct {
	Category   string  `json:"category"`
	Confidence float32 `json:"confidence"`
	Time       int64   `json:"processing_time_ms"`
}

type matchedSignals struct {
	Domains   []string `json:"domains,omitempty"`
	Jailbreak []string `json:"jailbreak,omitempty"`
	PII       []string `json:"pii,omitempty"`
}

type decisionResult struct {
	Name       string   `json:"decision_name"`
	Confidence float32  `json:"confidence"`
	Rules      []string `json:"matched_rules"`
}

func (a *api) vsrIntent(ctx *fasthttp.RequestCtx) (any, error) {
	var q intentRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	text := q.Text
	if text == "" {
		text = lastOfUser(q.Messages)
	}
	return a.intentOf(web.Context(ctx), text, q.Options)
}

const (
	specialThreshold = 0.7
	highDecision     = "high_confidence_specialized"
	lowDecision      = "low_confidence_general"
)

func (a *api) intentOf(ctx context.Context, text string, o *intentOptions) (*intentAnswer, error) {
	if o == nil {
		o = &intentOptions{}
	}
	if strings.TrimSpace(text) == "" {
		return nil, errEmptyText
	}
	if o.Threshold < 0 || o.Threshold > 1 {
		return nil, web.Invalid("options.confidence_threshold", "options.confidence_threshold: want 0 to 1")
	}
	start := time.Now()
	tasks := web.Intent
	if o.AllSignals {
		tasks = web.All
	}
	r, err := a.classify(ctx, text, tasks)
	if err != nil {
		return nil, err
	}
	d, _, err := a.Decide(ctx, text)
	if err != nil {
		return nil, err
	}
	top := r.Intent[0]
	out := &intentAnswer{
		Model: d.Model, Decision: lowDecision,
		Signals: &matchedSignals{Domains: []string{top.Name}},
		Result:  &decisionResult{d.Recipe, float32(d.Confidence), []string{"domain:" + top.Name}},
	}
	threshold := o.Threshold
	if threshold == 0 {
		threshold = specialThreshold
	}
	switch {
	case d.Action == router.Block:
		out.Decision = "blocked"
	case top.P >= threshold:
		out.Decision = highDecision
	}
	if o.AllSignals {
		if a.isJailbreak(r.Guard) {
			out.Signals.Jailbreak = []string{r.Guard.Label}
		}
		out.Signals.PII = typesOf(a.spans(r, 0))
	}
	if o.Probabilities {
		out.Probabilities = make(map[string]float32, len(r.Intent))
		for _, c := range r.Intent {
			out.Probabilities[c.Name] = float32(c.P)
		}
	}
	if o.Explanation {
		for _, reason := range d.Reasons {
			out.Explanation = append(out.Explanation, reason.Detail)
		}
	}
	out.Classification = classification{top.Name, float32(top.P), time.Since(start).Milliseconds()}
	return out, nil
}

// typesOf lists the types of spans, each once, in their order.
func typesOf(spans []router.Span) []string {
	var types []string
	for _, s := range spans {
		if !slices.Contains(types, s.Type) {
			types = append(types, s.Type)
		}
	}
	return types
}

type securityRequest struct {
	Text    string           `json:"text"`
	Options *securityOptions `json:"options,omitempty"`
}

type securityOptions struct {
	Types       []string `json:"detection_types,omitempty"` // jailbreak, prompt_injection: one verdict covers them
	Sensitivity string   `json:"sensitivity,omitempty"`     // low, medium (the configured threshold), high
	Reasoning   bool     `json:"include_reasoning,omitempty"`
}

type securityAnswer struct {
	Jailbreak      bool     `json:"is_jailbreak"`
	Risk           float32  `json:"risk_score"` // probability of a jailbreak
	Types          []string `json:"detection_types"`
	Confidence     float32  `json:"confidence"` // probability of the verdict
	Recommendation string   `json:"recommendation"`
	Reasoning      string   `json:"reasoning,omitempty"`
	Patterns       []string `json:"patterns_detected"`
	Time           int64    `json:"processing_time_ms"`
}

func (a *api) vsrSecurity(ctx *fasthttp.RequestCtx) (any, error) {
	var q securityRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	if strings.TrimSpace(q.Text) == "" {
		return nil, errEmptyText
	}
	if err := q.Options.check(); err != nil {
		return nil, err
	}
	start := time.Now()
	r, err := a.classify(web.Context(ctx), q.Text, web.Guard)
	if err != nil {
		return nil, err
	}
	return a.securityOf(r.Guard, q.Options, start), nil
}

func (o *securityOptions) check() error {
	if o == nil {
		return nil
	}
	switch o.Sensitivity {
	case "", "low", "medium", "high":
		return nil
	}
	return web.Invalid("options.sensitivity", "options.sensitivity: want low, medium or high")
}

// Thresholds of the sensitivities beside the configured one.
const (
	highSensitivity = 0.5
	lowSensitivity  = 0.99
)

func (a *api) securityOf(v *router.Verdict, o *securityOptions, start time.Time) *securityAnswer {
	if o == nil {
		o = &securityOptions{}
	}
	out := &securityAnswer{
		Jailbreak: a.isJailbreak(v), Risk: float32(v.Score), Confidence: float32(1 - v.Score), Recommendation: "allow",
		Types: []string{}, Patterns: []string{},
	}
	switch o.Sensitivity {
	case "high":
		out.Jailbreak = out.Jailbreak || v.Score >= highSensitivity
	case "low":
		out.Jailbreak = v.Score >= lowSensitivity
	}
	if out.Jailbreak {
		out.Confidence, out.Recommendation = float32(v.Score), "block"
		out.Types, out.Patterns = []string{"jailbreak"}, []string{"jailbreak"}
	}
	if o.Reasoning {
		out.Reasoning = fmt.Sprintf("The guard gives %.3f as the probability of a jailbreak", v.Score)
		if v.View != "" && v.View != "plain" {
			out.Reasoning += ", for the text read as " + v.View
		}
		if v.Window > 0 {
			out.Reasoning += fmt.Sprintf(", in window %d of the text", v.Window+1)
		}
	}
	out.Time = time.Since(start).Milliseconds()
	return out
}

type combinedRequest struct {
	Text     string           `json:"text"`
	Intent   *intentOptions   `json:"intent_options,omitempty"`
	PII      *piiOptions      `json:"pii_options,omitempty"`
	Security *securityOptions `json:"security_options,omitempty"`
}

type combinedAnswer struct {
	Intent   *intentAnswer   `json:"intent"`
	PII      *piiAnswer      `json:"pii"`
	Security *securityAnswer `json:"security"`
	Time     int64           `json:"processing_time_ms"`
}

func (a *api) vsrCombined(ctx *fasthttp.RequestCtx) (any, error) {
	var q combinedRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	if strings.TrimSpace(q.Text) == "" {
		return nil, errEmptyText
	}
	if err := q.Security.check(); err != nil {
		return nil, err
	}
	if err := q.PII.check(); err != nil {
		return nil, err
	}
	start := time.Now()
	life := web.Context(ctx)
	r, err := a.classify(life, q.Text, web.All)
	if err != nil {
		return nil, err
	}
	intent, err := a.intentOf(life, q.Text, q.Intent)
	if err != nil {
		return nil, err
	}
	return &combinedAnswer{
		Intent: intent, PII: a.piiOf(q.Text, r, q.PII, start), Security: a.securityOf(r.Guard, q.Security, start),
		Time: time.Since(start).Milliseconds(),
	}, nil
}
