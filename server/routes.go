package server

import (
	"github.com/valyala/fasthttp"

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
		{Method: post, Path: "/v1/route", Summary: "Decide which model should answer, without asking it", Handle: s.handleRoute, Request: routeRequest{}, Response: routeAnswer{}},
		{Method: get, Path: "/v1/decisions/{id}", Summary: "A decision made earlier, with its reasons", Handle: s.handleDecision},
		{Method: post, Path: "/v1/decisions/{id}/feedback", Summary: "Say whether the answer was good", Handle: s.handleFeedback, Request: feedbackRequest{}},
		{Method: get, Path: "/health", Access: web.Public, Summary: "Whether the process works", Handle: s.handleHealth, Response: healthAnswer{}},
		{Method: get, Path: "/ready", Access: web.Public, Summary: "Whether it takes requests", Handle: s.handleReady, Response: healthAnswer{}},
	}
	if s.plane.Load().config.Playground {
		list = append(list, playground.Routes(playground.Options{Version: s.version, Source: s.store})...)
	}
	return list
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
