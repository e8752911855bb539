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
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

// A Source is where decisions are kept. Its methods are safe for concurrent
// use.
type Source interface {
	// Summary adds up the decisions since a time, in stretches of step.
	Summary(ctx context.Context, since time.Time, step time.Duration) (Summary, error)
	// Recent returns up to n decisions, the latest first.
	Recent(ctx context.Context, n int) ([]Decision, error)
}

// Options are what the page needs.
type Options struct {
	Version string
	Source  Source // nil when decisions are not kept
}

// A Summary is what happened in a stretch of time. Costs are US dollars.
type Summary struct {
	Totals     Totals  `json:"totals"`
	Models     []Share `json:"models"`     // most requests first; blocked requests have no model
	Categories []Share `json:"categories"` // most requests first
	Series     []Point `json:"series"`     // oldest first, without gaps
}

// Totals are sums, and latencies over all decisions.
type Totals struct {
	Requests     int      `json:"requests"`
	Blocked      int      `json:"blocked"`
	Failed       int      `json:"failed"` // answered with a status of 500 and above
	Cost         float64  `json:"cost"`
	BaselineCost float64  `json:"baseline_cost"` // from the best candidates
	P50          *float64 `json:"p50_ms"`        // null without decisions
	P99          *float64 `json:"p99_ms"`
}

// A Share is the part of the decisions with one model or category.
type Share struct {
	Name     string   `json:"name"`
	Requests int      `json:"requests"`
	Cost     *float64 `json:"cost,omitempty"`
}

// A Point is one stretch of a Summary.
type Point struct {
	Time         int64    `json:"t"` // its begin, in Unix time
	Routed       int      `json:"routed"`
	Blocked      int      `json:"blocked"`
	Cost         float64  `json:"cost"`
	BaselineCost float64  `json:"baseline_cost"`
	P50          *float64 `json:"p50_ms"` // null without decisions
	P99          *float64 `json:"p99_ms"`
}

// A Decision is a line of the table of the latest.
type Decision struct {
	ID           string   `json:"id"`
	Time         float64  `json:"time"` // Unix
	Action       string   `json:"action"`
	Model        string   `json:"model"`
	Category     string   `json:"category"`
	Recipe       string   `json:"recipe"`
	Flags        []string `json:"flags"`
	Status       int      `json:"status"`
	Cost         float64  `json:"cost"`
	BaselineCost float64  `json:"baseline_cost"`
	Latency      float64  `json:"ms"`
}

// summaryAnswer is the body of /playground/summary.
type summaryAnswer struct {
	Enabled bool    `json:"enabled"` // false when decisions are not kept
	Version string  `json:"version"`
	Now     float64 `json:"now"` // Unix
	Seconds int     `json:"seconds"`
	Step    int     `json:"step"` // seconds
	Summary
}

// recentAnswer is the body of /playground/recent.
type recentAnswer struct {
	Enabled   bool       `json:"enabled"`
	Decisions []Decision `json:"decisions"`
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
	step := (seconds + points - 1) / points
	answer := summaryAnswer{
		Version: o.Version, Now: math.Round(float64(now.UnixMilli())) / 1000, Seconds: seconds, Step: step,
		Summary: Summary{Models: []Share{}, Categories: []Share{}, Series: []Point{}},
	}
	if o.Source != nil {
		c, cancel := context.WithTimeout(web.Context(ctx), patience)
		defer cancel()
		if answer.Summary, err = o.Source.Summary(c, now.Add(-time.Duration(seconds)*time.Second), time.Duration(step)*time.Second); err != nil {
			web.WriteError(ctx, web.OpenAI, unread(err))
			return
		}
		answer.Enabled = true
	}
	figures(ctx, answer)
}

func (o *Options) recent(ctx *fasthttp.RequestCtx) {
	limit, err := number(ctx, "limit", 20, 1, maxRecent)
	if err != nil {
		web.WriteError(ctx, web.OpenAI, err)
		return
	}
	answer := recentAnswer{Decisions: []Decision{}}
	if o.Source != nil {
		c, cancel := context.WithTimeout(web.Context(ctx), patience)
		defer cancel()
		list, err := o.Source.Recent(c, limit)
		if err != nil {
			web.WriteError(ctx, web.OpenAI, unread(err))
			return
		}
		answer.Enabled, answer.Decisions = true, append(answer.Decisions, list...)
	}
	figures(ctx, answer)
}

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
