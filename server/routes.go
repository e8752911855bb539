package server

import (
	"context"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/admin"
	"mom/server/compat"
	"mom/server/playground"
	"mom/server/web"
)

// routes is what the server itself answers.
func (s *Server) routes() []web.Route {
	post, get := fasthttp.MethodPost, fasthttp.MethodGet
	list := []web.Route{
		{Method: post, Path: "/v1/chat/completions", Summary: "Answer a chat: guarded, routed and passed on to an upstream", Handle: s.handleChat},
		{Method: post, Path: "/v1/completions", Summary: "Complete a prompt: guarded, routed and passed on", Handle: s.handleCompletions},
		{Method: post, Path: "/v1/responses", Summary: "Create a response: guarded, routed and passed on", Handle: s.handleResponses},
		{Method: post, Path: "/v1/messages", Dialect: web.Anthropic, Summary: "Anthropic's messages: guarded, routed and passed on", Handle: s.handleMessages},
		{Method: post, Path: "/v1/messages/count_tokens", Dialect: web.Anthropic, Summary: "Count the tokens of Anthropic's messages at the upstream", Handle: s.handleCountTokens},
		{Method: get, Path: "/v1/models", Summary: "Recipes and models that a request may name", Handle: s.handleModels, Response: modelList{}},
		{Method: get, Path: "/v1/models/{model}", Summary: "One of them", Handle: s.handleModel, Response: modelCard{}},
		{Method: post, Path: "/v1/embeddings", Summary: "Embeddings of texts, of the model inside or of an upstream", Handle: s.handleEmbeddings, Request: embeddingRequest{}, Response: embeddingAnswer{}},
		{Method: post, Path: "/v1/moderations", Summary: "Jailbreak and personal data verdicts on texts", Handle: s.handleModerations, Request: moderationRequest{}, Response: moderationAnswer{}},
		{Method: post, Path: "/v1/route", Summary: "Decide which model should answer, without asking it", Handle: s.handleRoute, Request: routeRequest{}, Response: routeAnswer{},
			Query: []web.Parameter{{Name: "explain", Type: "boolean", What: "Have a decoder say in words why: explanation in the answer. With stream, or an Accept of text/event-stream, the answer is events."}},
			Events: []web.Event{
				{Name: "decision", What: "The decision, at once.", Data: routeAnswer{}},
				{Name: "reason", What: "The next piece of the reason, as it is written.", Data: reasonEvent{}},
				{Name: "explanation", What: "The whole explanation, at the end. What came before it is of no worth when it says late.", Data: web.Explanation{}},
				{Name: "error", What: "Instead of the end: a refusal, as a body would have it.", Data: errorEvent{}},
			}},
		{Method: get, Path: "/v1/decisions/{id}", Summary: "A decision made earlier, with its reasons", Handle: s.handleDecision},
		{Method: post, Path: "/v1/decisions/{id}/feedback", Summary: "Say whether the answer was good", Handle: s.handleFeedback, Request: feedbackRequest{}},
		{Method: get, Path: "/openapi.json", Summary: "This document", Handle: s.handleOpenAPI},
		{Method: get, Path: "/health", Access: web.Public, Summary: "Whether the process works", Handle: s.handleHealth, Response: healthAnswer{}},
		{Method: get, Path: "/ready", Access: web.Public, Summary: "Whether it takes requests", Handle: s.handleReady, Response: healthAnswer{}},
	}
	if s.plane.Load().config.Playground {
		list = append(list, playground.Routes(playground.Options{Version: s.version, Source: s.store})...)
	}
	list = append(list, s.compatible()...)
	return list
}

// compatible are the interfaces of other classification servers.
func (s *Server) compatible() []web.Route {
	o := compat.Options{
		Classifier: s.classifier, Decide: s.decideText, Metrics: s.handleMetrics, Ready: s.Ready, Version: s.version,
		Recipes: func() []string { return s.plane.Load().router.Recipes() },
	}
	if d, ok := s.gate.Classifier.(decoder); ok {
		o.Decode = d.Decode
	}
	return compat.Routes(o)
}

// A decoder turns ids of tokens into text, where the classifier can.
type decoder interface {
	Decode(ids []int32, skipSpecial bool) (string, error)
}

// decideText applies the policy to one text of a user. It leaves no trace: such
// a question is no request for an answer.
func (s *Server) decideText(ctx context.Context, text string) (router.Decision, router.Signals, error) {
	p := s.acquire()
	defer p.release()
	parts := []router.Part{{Role: "user", Text: text}}
	asked := s.ask(ctx, p, "", autoModel, parts)
	r, err := s.classifier.Classify(ctx, text, web.All)
	if err != nil {
		asked.stop()
		return router.Decision{}, router.Signals{}, err
	}
	parts[0].Reading = r
	signals := router.Merge(parts)
	q := router.Request{Model: autoModel, InputTokens: r.Tokens}
	d, _, _, err := asked.judge(ctx, p, q, &signals)
	if err == nil {
		d, _, err = s.grade(ctx, p, "", q, parts, &signals, d)
	}
	return d, signals, err
}

// handleMetrics is for clients of servers that have their metrics beside the
// rest; the admin listener has the same.
func (s *Server) handleMetrics(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType(admin.TextFormat)
	if err := s.metrics.Write(ctx.Response.BodyWriter()); err != nil {
		web.WriteError(ctx, web.TEI, err)
	}
}

// handleOpenAPI answers with the document of the route table, made once.
func (s *Server) handleOpenAPI(ctx *fasthttp.RequestCtx) {
	doc, err := s.document()
	if err != nil {
		web.WriteError(ctx, web.OpenAI, err)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(doc)
}

type healthAnswer struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

func (s *Server) handleHealth(ctx *fasthttp.RequestCtx) {
	web.WriteJSON(ctx, 200, healthAnswer{Status: "ok"})
}

func (s *Server) handleReady(ctx *fasthttp.RequestCtx) {
	if err := s.Ready(); err != nil {
		ctx.Response.Header.Set("Retry-After", "1")
		web.WriteJSON(ctx, 503, healthAnswer{"not ready", err.Error()})
		return
	}
	web.WriteJSON(ctx, 200, healthAnswer{Status: "ready"})
}
