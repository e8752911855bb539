package server

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/admin"
	"mom/server/config"
	"mom/server/shared"
	"mom/server/web"
)

// openShared opens what limits and conversations are kept in.
func openShared(c *config.Config, log *slog.Logger) (shared.Store, error) {
	memory, err := shared.NewMemory(shared.MemoryOptions{})
	if err != nil || !c.Redis.On() {
		return memory, err
	}
	return shared.NewRedis(shared.RedisOptions{
		URL: string(c.Redis.URL), Prefix: c.Redis.Prefix, Timeout: c.Redis.Timeout,
		Closed: c.Redis.OnFailure == config.Closed, Fallback: memory, Log: log,
	})
}

// limitsOf are those of a client's key.
func limitsOf(k *config.Key) (shared.Limits, bool) {
	if k == nil || k.RequestsPerMinute == 0 && k.TokensPerMinute == 0 {
		return shared.Limits{}, false
	}
	return shared.Limits{Requests: k.RequestsPerMinute, Tokens: k.TokensPerMinute}, true
}

// limitRequests counts a request against its key's limits. Its tokens are
// estimated from its size, and settled when they are known.
func (s *Server) limitRequests(ctx *fasthttp.RequestCtx, x *exchange) error {
	l, on := limitsOf(x.key)
	if !on {
		return nil
	}
	g, err := s.shared.Take(x.life, "limit:"+x.key.Name, l, len(ctx.Request.Body())/4)
	if err != nil {
		if errors.Is(err, shared.ErrUnavailable) {
			return &web.Error{Status: 503, Code: "limits_unavailable", Message: err.Error(), RetryAfter: time.Second}
		}
		return err
	}
	limitHeaders(&ctx.Response.Header, l, &g)
	if g.OK {
		x.reserved = g.Reserved
		return nil
	}
	e := &web.Error{Status: 429, Type: "rate_limit_error", Code: "rate_limit_exceeded", RetryAfter: max(g.RetryAfter, time.Second)}
	if g.By == "tokens" {
		s.metrics.Shed(admin.ShedTokens)
		e.Message = "this key has used its tokens a minute (" + strconv.Itoa(l.Tokens) + ")"
	} else {
		s.metrics.Shed(admin.ShedRate)
		e.Message = "this key has used its requests a minute (" + strconv.Itoa(l.Requests) + ")"
	}
	return e
}

// limitHeaders are those that OpenAI's clients know.
func limitHeaders(h *fasthttp.ResponseHeader, l shared.Limits, g *shared.Grant) {
	set := func(kind string, limit, left int, reset time.Duration) {
		if limit > 0 {
			h.Set("x-ratelimit-limit-"+kind, strconv.Itoa(limit))
			h.Set("x-ratelimit-remaining-"+kind, strconv.Itoa(max(left, 0)))
			h.Set("x-ratelimit-reset-"+kind, reset.Round(time.Millisecond).String())
		}
	}
	set("requests", l.Requests, g.RemainingRequests, g.ResetRequests)
	set("tokens", l.Tokens, g.RemainingTokens, g.ResetTokens)
}

// spendTokens replaces the estimate of a request's tokens by what it used.
func (s *Server) spendTokens(x *exchange) {
	l, on := limitsOf(x.key)
	if !on || l.Tokens == 0 {
		return
	}
	// The request may have ended already; this must be counted nevertheless.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	used := x.tokensIn + x.tokensOut
	if x.cached {
		used = 0
	}
	if err := s.shared.Settle(ctx, "limit:"+x.key.Name, l, x.reserved, used); err != nil {
		s.metrics.Lost(admin.Redis, 1)
	}
}
