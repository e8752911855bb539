package compat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

func (a *api) liteLLMRoutes() []web.Route {
	return []web.Route{{
		Method: post, Path: "/beta/litellm_basic_guardrail_api", Dialect: web.Plain,
		Summary: "LiteLLM's generic guardrail: the policy's word on texts of a request or an answer",
		Request: guardrailRequest{}, Response: guardrailAnswer{},
		Handle: func(ctx *fasthttp.RequestCtx) {
			v, err := a.liteLLM(ctx)
			if err != nil {
				web.WriteError(ctx, web.Plain, err)
				return
			}
			web.WriteJSON(ctx, 200, v)
		},
	}}
}

// guardrailRequest is what LiteLLM sends. Texts are read; the rest describes
// the same request in other forms, or is metadata.
type guardrailRequest struct {
	Texts    []string        `json:"texts,omitempty"`
	Type     string          `json:"input_type"` // request or response
	Images   json.RawMessage `json:"images,omitempty"`
	Tools    json.RawMessage `json:"tools,omitempty"`
	Messages json.RawMessage `json:"structured_messages,omitempty"`
	Data     json.RawMessage `json:"request_data,omitempty"`
	Call     *string         `json:"litellm_call_id,omitempty"`
	Trace    *string         `json:"litellm_trace_id,omitempty"`
	Params   json.RawMessage `json:"additional_provider_specific_params,omitempty"`
}

type guardrailAnswer struct {
	Action string   `json:"action"` // NONE, BLOCKED, or GUARDRAIL_INTERVENED with other texts
	Reason string   `json:"blocked_reason,omitempty"`
	Texts  []string `json:"texts,omitempty"` // as many as were sent
}

func (a *api) liteLLM(ctx *fasthttp.RequestCtx) (any, error) {
	var q guardrailRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	switch {
	case q.Type != "request" && q.Type != "response":
		return nil, &web.Error{Status: 422, Param: "input_type", Message: "input_type: want request or response"}
	case len(q.Texts) > a.MaxBatch:
		return nil, &web.Error{Status: 413, Param: "texts", Message: fmt.Sprintf("texts: %d of them; the limit is %d", len(q.Texts), a.MaxBatch)}
	}
	decisions := make([]router.Decision, len(q.Texts))
	err := a.each(web.Context(ctx), len(q.Texts), func(ctx context.Context, i int) (err error) {
		if strings.TrimSpace(q.Texts[i]) != "" {
			decisions[i], _, err = a.Decide(ctx, q.Texts[i])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	names := newPlaceholders("<%s_%d>", 1)
	changed := false
	for i, d := range decisions {
		if d.Action == router.Block {
			return guardrailAnswer{Action: "BLOCKED", Reason: blockReason(d)}, nil
		}
		if len(d.Mask) > 0 {
			spans := make([]router.Span, len(d.Mask))
			for k, s := range d.Mask {
				spans[k] = s.Span
			}
			q.Texts[i] = masked(q.Texts[i], spans, names)
			changed = true
		}
	}
	if changed {
		return guardrailAnswer{Action: "GUARDRAIL_INTERVENED", Texts: q.Texts}, nil
	}
	return guardrailAnswer{Action: "NONE"}, nil
}

// blockReason is what the security stage said.
func blockReason(d router.Decision) string {
	for _, r := range d.Reasons {
		if r.Stage == "security" && r.Detail != "" {
			return r.Detail
		}
	}
	return "the policy blocks this text"
}
