package server

import (
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

// modelList is GET /v1/models in OpenAI's form.
type modelList struct {
	Object string      `json:"object"`
	Data   []modelCard `json:"data"`
}

type modelCard struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix time: when the server started
	OwnedBy string `json:"owned_by"`
}

// anthropicModels is the same in Anthropic's form.
type anthropicModels struct {
	Data    []anthropicModel `json:"data"`
	FirstID *string          `json:"first_id"`
	LastID  *string          `json:"last_id"`
	HasMore bool             `json:"has_more"`
}

type anthropicModel struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	CreatedAt   string `json:"created_at"`
}

// models lists what a request may name: recipes, models with an upstream, and
// the embedding model inside.
func (s *Server) models(x *exchange) []modelCard {
	var list []modelCard
	add := func(id, owner string) {
		if !slices.ContainsFunc(list, func(m modelCard) bool { return m.ID == id }) && x.mayAsk(id) {
			list = append(list, modelCard{id, "model", s.started.Unix(), owner})
		}
	}
	for _, r := range x.p.router.Recipes() {
		add(r, "mom")
	}
	for _, m := range x.p.config.Models {
		if x.p.served[m.Name] {
			add(m.Name, m.Upstreams[0].Name)
		}
	}
	if m, ok := s.embedder(); ok {
		add(m.Name, "mom")
	}
	return list
}

func (s *Server) handleModels(ctx *fasthttp.RequestCtx) {
	list := s.models(exchangeOf(ctx))
	if len(ctx.Request.Header.Peek("anthropic-version")) == 0 {
		web.WriteJSON(ctx, 200, modelList{"list", list})
		return
	}
	out := anthropicModels{Data: []anthropicModel{}}
	for _, m := range list {
		out.Data = append(out.Data, s.anthropic(m))
	}
	if n := len(out.Data); n > 0 {
		out.FirstID, out.LastID = &out.Data[0].ID, &out.Data[n-1].ID
	}
	web.WriteJSON(ctx, 200, out)
}

func (s *Server) anthropic(m modelCard) anthropicModel {
	return anthropicModel{"model", m.ID, m.ID, s.started.UTC().Format("2006-01-02T15:04:05Z")}
}

func (s *Server) handleModel(ctx *fasthttp.RequestCtx) {
	id, _ := ctx.UserValue("model").(string)
	if name, err := url.PathUnescape(id); err == nil {
		id = name
	}
	for _, m := range s.models(exchangeOf(ctx)) {
		if m.ID != id {
			continue
		}
		if len(ctx.Request.Header.Peek("anthropic-version")) > 0 {
			web.WriteJSON(ctx, 200, s.anthropic(m))
		} else {
			web.WriteJSON(ctx, 200, m)
		}
		return
	}
	web.WriteError(ctx, modelDialect(ctx), noModel())
}

func modelDialect(ctx *fasthttp.RequestCtx) web.Dialect {
	if len(ctx.Request.Header.Peek("anthropic-version")) > 0 {
		return web.Anthropic
	}
	return web.OpenAI
}

func noModel() error {
	return &web.Error{Status: 404, Type: "invalid_request_error", Param: "model", Code: "model_not_found",
		Message: "there is no such model here, or this key may not use it; GET /v1/models lists what there is"}
}

// mayAsk reports whether the client's key allows a model or recipe.
func (x *exchange) mayAsk(name string) bool {
	if x.key == nil || len(x.key.Models) == 0 {
		return true
	}
	return slices.ContainsFunc(x.key.Models, func(p string) bool { return wildcard(p, name) })
}

// wildcard matches name against a pattern in which * stands for anything.
func wildcard(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for i := 0; i <= len(name); i++ {
		if wildcard(rest, name[i:]) {
			return true
		}
	}
	return false
}

// embedder is the model inside that embeds.
func (s *Server) embedder() (web.Model, bool) {
	for _, m := range s.classifier.Models() {
		if m.Task == "embedding" {
			return m, true
		}
	}
	return web.Model{}, false
}
