package server

import (
	"context"
	"errors"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/config"
	"mom/server/state"
	"mom/server/web"
)

// openStore opens what keeps decisions.
func (s *Server) openStore(c config.State) (err error) {
	s.store, err = state.Open(c.Path, state.Options{
		Retention: c.Retention, MaxBytes: int64(c.MaxSize), Log: s.log,
	})
	return err
}

// entry is what is kept of an exchange with a decision.
func (x *exchange) entry() state.Entry {
	e := state.Entry{
		ID: x.decisionID, Time: x.start, RequestID: x.id, Tenant: x.tenant(), Model: x.decision.Model,
		Upstream: x.upstream, Status: x.status, Cached: x.cached, Stream: x.streaming, DryRun: x.dryRun,
		TokensIn: x.tokensIn, TokensOut: x.tokensOut, Cost: x.cost, BaselineCost: x.baseline,
		Latency: x.stages, Decision: *x.decision,
	}
	if x.model != "" {
		e.Model = x.model // that answered, which may be a fallback
	}
	if x.err != nil {
		e.Status = x.err.Status
	}
	if x.route != nil {
		e.Route = x.route.Path
	}
	return e
}

// feedbackRequest is POST /v1/decisions/{id}/feedback: a score, or stars.
type feedbackRequest struct {
	Score   *float64 `json:"score,omitempty"` // -1 bad .. 1 good
	Rating  *int     `json:"rating,omitempty"`
	Label   string   `json:"label,omitempty"`
	Comment string   `json:"comment,omitempty"` // kept as it is
}

func (s *Server) handleDecision(ctx *fasthttp.RequestCtx) {
	x := exchangeOf(ctx)
	id, _ := ctx.UserValue("id").(string)
	e, err := s.store.Get(x.life, id)
	if err == nil && e.Tenant != x.tenant() {
		err = state.ErrNotFound // another client's
	}
	if err != nil {
		web.WriteError(ctx, web.OpenAI, storeError(err))
		return
	}
	web.WriteJSON(ctx, 200, e)
}

func (s *Server) handleFeedback(ctx *fasthttp.RequestCtx) {
	x := exchangeOf(ctx)
	id, _ := ctx.UserValue("id").(string)
	var q feedbackRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		web.WriteError(ctx, web.OpenAI, err)
		return
	}
	f := state.Feedback{DecisionID: id, Tenant: x.tenant(), Label: q.Label, Comment: q.Comment}
	var err error
	switch {
	case (q.Score == nil) == (q.Rating == nil):
		err = web.Invalid("score", "want score, from -1 to 1, or rating, from 1 to 5")
	case q.Rating != nil:
		if f.Score, err = state.Rating(*q.Rating); err != nil {
			err = web.Invalid("rating", err.Error())
		}
	default:
		f.Score = *q.Score
	}
	if err == nil {
		if bad := f.Check(); bad != nil {
			err = web.Invalid("", bad.Error())
		}
	}
	if err == nil {
		err = storeError(s.store.Feedback(x.life, f))
	}
	if err != nil {
		web.WriteError(ctx, web.OpenAI, x.reason(err))
		return
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}

// storeError gives an error of the store its status.
func storeError(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, state.ErrNotFound):
		return &web.Error{Status: 404, Code: "not_found", Message: state.ErrNotFound.Error()}
	case errors.Is(err, state.ErrOff):
		return &web.Error{Status: 501, Code: "state_off", Message: err.Error()}
	case errors.Is(err, state.ErrBusy), errors.Is(err, state.ErrUnavailable), errors.Is(err, state.ErrClosed):
		return &web.Error{Status: 503, Code: "state_unavailable", Message: err.Error(), RetryAfter: time.Second}
	}
	return err
}
