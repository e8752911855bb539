// Package playground serves one page, for trying prompts and for watching
// decisions, and the figures that it shows.
//
// The page is a single document with its style and script inside. The browser
// runs these two and nothing else: the content security policy names their
// hashes, allows requests to this server only, and forbids turning text into
// markup.
package playground

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/state"
	"mom/server/web"
)

// A Source is where decisions are kept: a *state.Store. Its methods are safe for
// concurrent use.
type Source interface {
	Summary(ctx context.Context, q state.Query) (state.Summary, error)
	Recent(ctx context.Context, n int, tenant *string) ([]state.Entry, error)
}

// Options are what the page needs.
type Options struct {
	Version string
	Source  Source // nil when decisions are not kept
}

// summaryAnswer is the body of /playground/summary.
type summaryAnswer struct {
	Enabled bool    `json:"enabled"` // false when decisions are not kept
	Version string  `json:"version"`
	Now     float64 `json:"now"` // Unix
	Seconds int     `json:"seconds"`
	state.Summary
}

// recentAnswer is the body of /playground/recent.
type recentAnswer struct {
	Decisions []decision `json:"decisions"` // the latest first
}

// A decision is a line of the table of the latest.
type decision struct {
	ID           string   `json:"id"`
	Time         float64  `json:"time"` // Unix
	Action       string   `json:"action"`
	Model        string   `json:"model"`
	Category     string   `json:"category"`
	Recipe       string   `json:"recipe"`
	Flags        []string `json:"flags"`
	Status       int      `json:"status"`
	Estimated    bool     `json:"estimated"` // nothing was asked: the costs are what was expected
	Cost         float64  `json:"cost"`      // US dollars
	BaselineCost float64  `json:"baseline_cost"`
	Latency      float64  `json:"ms"`
}

const (
	points     = 60 // of a summary's series
	maxSeconds = 7 * 86400
	maxRecent  = 200
	// patience is how long the store may take: the figures are never worth a
	// slow server.
	patience = 5 * time.Second
)

// Routes are the page and its figures. The page itself is public, since it asks
// for the key; it holds nothing but its program.
func Routes(o Options) []web.Route {
	p := newPage()
	return []web.Route{
		{Method: fasthttp.MethodGet, Path: "/", Access: web.Public, Summary: "The playground: a page to try prompts and watch decisions", Handle: p.handle},
		{Method: fasthttp.MethodGet, Path: "/playground/summary", Summary: "Decisions of the last ?seconds= added up", Handle: o.summary, Response: summaryAnswer{}},
		{Method: fasthttp.MethodGet, Path: "/playground/recent", Summary: "The latest ?limit= decisions", Handle: o.recent, Response: recentAnswer{}},
	}
}

func (o *Options) summary(ctx *fasthttp.RequestCtx) {
	seconds, err := number(ctx, "seconds", 900, 60, maxSeconds)
	if err != nil {
		web.WriteError(ctx, web.OpenAI, err)
		return
	}
	now := time.Now()
	answer := summaryAnswer{Version: o.Version, Now: unix(now), Seconds: seconds}
	err = state.ErrOff
	if o.Source != nil {
		c, cancel := context.WithTimeout(web.Context(ctx), patience)
		defer cancel()
		length := time.Duration(seconds) * time.Second
		answer.Summary, err = o.Source.Summary(c, state.Query{Since: now.Add(-length), Step: length / points, Tenant: tenant(ctx)})
	}
	switch {
	case err == nil:
		answer.Enabled = true
	case errors.Is(err, state.ErrOff):
		answer.Summary = state.Summary{Models: []state.Usage{}, Tenants: []state.Usage{}, Categories: []state.Usage{}, Series: []state.Point{}}
	default:
		web.WriteError(ctx, web.OpenAI, unread(err))
		return
	}
	figures(ctx, answer)
}

func (o *Options) recent(ctx *fasthttp.RequestCtx) {
	limit, err := number(ctx, "limit", 20, 1, maxRecent)
	if err != nil {
		web.WriteError(ctx, web.OpenAI, err)
		return
	}
	answer := recentAnswer{Decisions: []decision{}}
	if o.Source != nil {
		c, cancel := context.WithTimeout(web.Context(ctx), patience)
		defer cancel()
		list, err := o.Source.Recent(c, limit, tenant(ctx))
		if err != nil && !errors.Is(err, state.ErrOff) {
			web.WriteError(ctx, web.OpenAI, unread(err))
			return
		}
		for i := range list {
			answer.Decisions = append(answer.Decisions, row(&list[i]))
		}
	}
	figures(ctx, answer)
}

func row(e *state.Entry) decision {
	d := &e.Decision
	r := decision{
		ID: e.ID, Time: unix(e.Time), Action: string(d.Action), Model: e.Model, Category: d.Category, Recipe: d.Recipe, Flags: append([]string{}, d.Flags...),
		Status: e.Status, Cost: e.Cost, BaselineCost: e.BaselineCost, Latency: float64(e.Latency.Total.Microseconds()) / 1000,
	}
	if e.DryRun {
		r.Estimated, r.Cost, r.BaselineCost = true, d.Cost, d.BestCost
	}
	if r.Model == "" {
		r.Model = d.Model // nothing answered
	}
	return r
}

// tenant is whose decisions are shown: with keys, a client sees its own.
func tenant(ctx *fasthttp.RequestCtx) *string {
	if name := web.Tenant(ctx); name != "" {
		return &name
	}
	return nil
}

// unix is a time with milliseconds.
func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func figures(ctx *fasthttp.RequestCtx, v any) {
	ctx.Response.Header.Set("Cache-Control", "no-store")
	web.WriteJSON(ctx, 200, v)
}

func unread(err error) error {
	return &web.Error{Status: 503, Code: "state_unavailable", Message: "the store of decisions cannot be read now", RetryAfter: patience, Cause: err}
}

// number reads a parameter of the query.
func number(ctx *fasthttp.RequestCtx, name string, otherwise, least, most int) (int, error) {
	raw := ctx.QueryArgs().Peek(name)
	if raw == nil {
		return otherwise, nil
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < least || n > most {
		return 0, web.Invalid(name, fmt.Sprintf("%s: want an integer from %d to %d", name, least, most))
	}
	return n, nil
}
