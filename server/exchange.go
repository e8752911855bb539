package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/config"
	"mom/server/state"
	"mom/server/web"
)

// exchange is one request and its answer. It outlives the handler when the
// answer is a stream, so it holds nothing of the RequestCtx.
type exchange struct {
	s     *Server
	p     *plane
	route *web.Route // nil when there is none
	id    string
	key   *config.Key // nil without authentication
	start time.Time
	life  *life

	method    string
	status    int
	bytes     int
	streaming bool
	counted   bool // among those in flight
	finished  atomic.Bool
	err       *web.Error // that was answered, in the head or in a stream

	// What the handlers tell the log and the metrics.
	decisionID string
	decision   *router.Decision
	asked      string // model or recipe
	upstream   string
	cached     bool
	cache      string // what the cache had to do with it: exact, semantic, miss, bypass; "" when it is off
	tokensIn   int
	tokensOut  int
	model      string  // that answered
	cost       float64 // of the tokens used, in US dollars
	baseline   float64 // of the same tokens at the best candidate
	dryRun     bool
	reserved   int // tokens that the key's limit holds for it
	stages     state.Latency
}

type exchangeKey struct{}

func exchangeOf(ctx *fasthttp.RequestCtx) *exchange {
	x, _ := ctx.UserValue(exchangeKey{}).(*exchange)
	if x == nil {
		panic("BUG: server: a handler runs outside the server")
	}
	return x
}

func (x *exchange) tenant() string {
	if x.key == nil {
		return ""
	}
	return x.key.Name
}

// failed notes an error that came after the answer had begun.
func (x *exchange) failed(err error) {
	if x.err == nil {
		x.err = web.AsError(x.reason(err))
	}
}

// reason replaces the end of a context by its cause.
func (x *exchange) reason(err error) error {
	if errors.Is(err, context.Canceled) && x.life != nil {
		if cause := context.Cause(x.life); cause != nil {
			return cause
		}
	}
	return err
}

// panicked logs where it happened. The value of a panic may hold a client's
// text, so only its type is written.
func (x *exchange) panicked(r any) {
	what := fmt.Sprintf("%T", r)
	switch r := r.(type) {
	case string: // ours are constants that begin so
		if len(r) > 4 && r[:4] == "BUG:" {
			what = r
		}
	case interface{ RuntimeError() }:
		what = fmt.Sprint(r) // an index, a nil pointer
	}
	x.s.metrics.Panicked()
	x.err = &web.Error{Status: 500, Message: "internal error"}
	x.s.log.Error("panic", "request_id", x.id, "what", what, "stack", string(debug.Stack()))
}

// finish ends the exchange: after the handler, or after the last event.
func (x *exchange) finish() {
	if !x.finished.CompareAndSwap(false, true) {
		return
	}
	if x.life != nil {
		x.s.watch.end(x.life)
	}
	if x.counted {
		x.s.inFlight.Add(-1)
	}
	took := time.Since(x.start)
	x.s.observe(x, took)
	x.write(took)
	if x.p != nil {
		x.p.release()
	}
}

// write is the line of the log.
func (x *exchange) write(took time.Duration) {
	level := slog.LevelInfo
	switch {
	case x.err != nil && x.err.Status >= 500:
		level = slog.LevelError
	case x.route != nil && x.route.Access == web.Public:
		level = slog.LevelDebug
	}
	if !x.s.log.Enabled(context.Background(), level) {
		return
	}
	path := "(no such route)" // what a client writes there may be anything
	if x.route != nil {
		path = x.route.Path
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("request_id", x.id),
		slog.String("method", x.method),
		slog.String("path", path),
		slog.Int("status", x.status),
		slog.Float64("ms", milliseconds(took)))
	text := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	text("client", x.tenant())
	text("decision", x.decisionID)
	if d := x.decision; d != nil {
		text("action", string(d.Action))
		text("model", d.Model)
		text("category", d.Category)
	}
	text("upstream", x.upstream)
	if x.cached {
		attrs = append(attrs, slog.Bool("cached", true))
	}
	if x.err != nil {
		text("code", x.err.Code)
		// A refusal names what is wrong in the client's own words, such as a key
		// of its JSON, so only the message of a failure of ours is written.
		if x.err.Status >= 500 {
			text("error", x.err.Message)
			if x.err.Cause != nil {
				text("cause", x.err.Cause.Error())
			}
		}
	}
	x.s.log.LogAttrs(context.Background(), level, "request", attrs...)
}

// milliseconds has three decimals, all that a clock is good for.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
