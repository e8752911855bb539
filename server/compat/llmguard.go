package compat

import (
	"context"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

// llmGuardRoutes is the API of LLM Guard. Scanners are PromptInjection and
// Anonymize for prompts, Sensitive for outputs.
func (a *api) llmGuardRoutes() []web.Route {
	r := func(path, summary string, h func(*fasthttp.RequestCtx) (any, error), request, response any) web.Route {
		return web.Route{
			Method: post, Path: path, Summary: summary, Dialect: web.Plain, Request: request, Response: response,
			Handle: func(ctx *fasthttp.RequestCtx) {
				v, err := h(ctx)
				if err != nil {
					failLLMGuard(ctx, err)
					return
				}
				web.WriteJSON(ctx, 200, v)
			},
		}
	}
	var routes []web.Route
	for _, base := range []string{"", "/llm-guard"} {
		routes = append(routes,
			r(base+"/analyze/prompt", "Scan a prompt and mask what is personal", a.guardPrompt(true), promptRequest{}, promptAnswer{}),
			r(base+"/scan/prompt", "Scan a prompt", a.guardPrompt(false), promptRequest{}, scanAnswer{}),
			r(base+"/analyze/output", "Scan an answer and mask what is personal", a.guardOutput(true), outputRequest{}, outputAnswer{}),
			r(base+"/scan/output", "Scan an answer", a.guardOutput(false), outputRequest{}, scanAnswer{}),
			web.Route{Method: get, Path: base + "/healthz", Access: web.Public, Dialect: web.Plain, Summary: "Whether the process works", Handle: func(ctx *fasthttp.RequestCtx) {
				web.WriteJSON(ctx, 200, statusAnswer{"alive"})
			}, Response: statusAnswer{}},
			web.Route{Method: get, Path: base + "/readyz", Access: web.Public, Dialect: web.Plain, Summary: "Whether it takes requests", Handle: a.guardReady, Response: statusAnswer{}},
		)
	}
	return routes
}

type statusAnswer struct {
	Status string `json:"status"`
}

func (a *api) guardReady(ctx *fasthttp.RequestCtx) {
	if err := a.Ready(); err != nil {
		web.WriteJSON(ctx, 503, statusAnswer{"not ready"})
		return
	}
	web.WriteJSON(ctx, 200, statusAnswer{"ready"})
}

type promptRequest struct {
	Prompt   *string  `json:"prompt"`
	Suppress []string `json:"scanners_suppress,omitempty"`
}

type outputRequest struct {
	Prompt   *string  `json:"prompt"`
	Output   *string  `json:"output"`
	Suppress []string `json:"scanners_suppress,omitempty"`
}

// scanAnswer has the risk of each scanner as a probability.
type scanAnswer struct {
	Valid    bool               `json:"is_valid"`
	Scanners map[string]float32 `json:"scanners"`
}

type promptAnswer struct {
	Valid     bool               `json:"is_valid"`
	Scanners  map[string]float32 `json:"scanners"`
	Sanitized string             `json:"sanitized_prompt"`
}

type outputAnswer struct {
	Valid     bool               `json:"is_valid"`
	Scanners  map[string]float32 `json:"scanners"`
	Sanitized string             `json:"sanitized_output"`
}

const (
	injectionScanner = "PromptInjection"
	anonymizeScanner = "Anonymize"
	sensitiveScanner = "Sensitive"
)

// scan runs the scanners that are not suppressed: guard may be "". It returns
// the text with personal data masked.
func (a *api) scan(ctx context.Context, text, guard, pii string, suppress []string) (scanAnswer, string, error) {
	out := scanAnswer{Valid: true, Scanners: map[string]float32{}}
	var tasks web.Task
	if guard != "" && !slices.Contains(suppress, guard) {
		tasks |= web.Guard
	}
	if !slices.Contains(suppress, pii) {
		tasks |= web.PII
	}
	var r router.Reading
	if tasks != 0 && strings.TrimSpace(text) != "" {
		var err error
		if r, err = a.classify(ctx, text, tasks); err != nil {
			return out, "", err
		}
	}
	if tasks&web.Guard != 0 {
		out.Scanners[guard] = 0
		if r.Guard != nil {
			out.Scanners[guard] = float32(r.Guard.Score)
		}
		out.Valid = !a.isJailbreak(r.Guard)
	}
	if tasks&web.PII == 0 {
		return out, text, nil
	}
	spans := a.spans(r, 0)
	risk := 0.0
	for _, s := range spans {
		risk = max(risk, s.Score)
	}
	out.Scanners[pii] = float32(risk)
	out.Valid = out.Valid && len(spans) == 0
	return out, masked(text, spans, newPlaceholders("[REDACTED_%s_%d]", 1)), nil
}

func (a *api) guardPrompt(sanitize bool) func(*fasthttp.RequestCtx) (any, error) {
	return func(ctx *fasthttp.RequestCtx) (any, error) {
		var q promptRequest
		if err := web.ReadJSON(ctx, &q); err != nil {
			return nil, err
		}
		if q.Prompt == nil {
			return nil, missing("prompt")
		}
		s, text, err := a.scan(web.Context(ctx), *q.Prompt, injectionScanner, anonymizeScanner, q.Suppress)
		if err != nil || !sanitize {
			return s, err
		}
		return promptAnswer{s.Valid, s.Scanners, text}, nil
	}
}

func (a *api) guardOutput(sanitize bool) func(*fasthttp.RequestCtx) (any, error) {
	return func(ctx *fasthttp.RequestCtx) (any, error) {
		var q outputRequest
		if err := web.ReadJSON(ctx, &q); err != nil {
			return nil, err
		}
		switch {
		case q.Prompt == nil:
			return nil, missing("prompt")
		case q.Output == nil:
			return nil, missing("output")
		}
		s, text, err := a.scan(web.Context(ctx), *q.Output, "", sensitiveScanner, q.Suppress)
		if err != nil || !sanitize {
			return s, err
		}
		return outputAnswer{s.Valid, s.Scanners, text}, nil
	}
}

func missing(field string) *web.Error {
	return &web.Error{Status: 422, Param: field, Code: "missing", Message: "Field required"}
}

type guardFault struct {
	Loc  []string `json:"loc"`
	Msg  string   `json:"msg"`
	Type string   `json:"type"`
}

// failLLMGuard writes a refusal in the two forms of that API: its document's
// (detail) and its handlers' (message, details).
func failLLMGuard(ctx *fasthttp.RequestCtx, err error) {
	e := *web.AsError(err)
	invalid := e.Status == 400 || e.Status == 422
	if invalid {
		e.Status = 422
	}
	web.WriteError(ctx, web.Plain, &e)
	status := ctx.Response.StatusCode()
	if !invalid {
		web.WriteJSON(ctx, status, map[string]any{"detail": e.Message, "message": e.Message, "details": nil})
		return
	}
	f := guardFault{Loc: []string{"body"}, Msg: e.Message, Type: "value_error"}
	if e.Param != "" {
		f.Loc = append(f.Loc, e.Param)
	}
	if e.Code == "missing" {
		f.Type = "missing"
	}
	list := []guardFault{f}
	web.WriteJSON(ctx, status, map[string]any{"detail": list, "message": "Validation failed", "details": list})
}
