package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/admin"
	"mom/server/web"
)

// table finds routes.
type table struct {
	list  []web.Route
	plain map[string]map[string]*web.Route // path, method
	parts []pattern
}

// pattern is a path with {name} segments.
type pattern struct {
	segments []string
	methods  map[string]*web.Route
}

// newTable indexes routes. Of two for the same method and path the first
// counts: the server's own come before those of compatible APIs.
func newTable(routes []web.Route) *table {
	t := &table{plain: map[string]map[string]*web.Route{}}
	seen := map[string]bool{}
	for _, r := range routes {
		if key := r.Method + " " + r.Path; !seen[key] {
			seen[key] = true
			t.list = append(t.list, r)
		}
	}
	for i := range t.list {
		r := &t.list[i]
		if !strings.Contains(r.Path, "{") {
			if t.plain[r.Path] == nil {
				t.plain[r.Path] = map[string]*web.Route{}
			}
			t.plain[r.Path][r.Method] = r
			continue
		}
		segments := strings.Split(r.Path, "/")
		at := slices.IndexFunc(t.parts, func(p pattern) bool { return slices.Equal(p.segments, segments) })
		if at < 0 {
			at = len(t.parts)
			t.parts = append(t.parts, pattern{segments, map[string]*web.Route{}})
		}
		t.parts[at].methods[r.Method] = r
	}
	return t
}

// find returns the route, or those of the path for other methods.
func (t *table) find(ctx *fasthttp.RequestCtx) (*web.Route, map[string]*web.Route) {
	path, method := string(ctx.Path()), string(ctx.Method())
	methods := t.plain[path]
	if methods == nil {
		segments := strings.Split(path, "/")
		if p := t.match(segments); p != nil {
			methods = p.methods
			for k, s := range p.segments {
				if strings.HasPrefix(s, "{") {
					ctx.SetUserValue(strings.Trim(s, "{}"), p.value(k, segments))
				}
			}
		}
	}
	r := methods[method]
	if r == nil && method == fasthttp.MethodHead {
		r = methods[fasthttp.MethodGet]
	}
	return r, methods
}

// match returns the longest pattern that fits.
func (t *table) match(segments []string) *pattern {
	var best *pattern
	for i := range t.parts {
		if p := &t.parts[i]; p.matches(segments) && (best == nil || len(p.segments) > len(best.segments)) {
			best = p
		}
	}
	return best
}

// matches lets a last {name} stand for several segments: names of models may
// have slashes.
func (p *pattern) matches(segments []string) bool {
	last := len(p.segments) - 1
	if len(segments) <= last || len(segments) > last+1 && !strings.HasPrefix(p.segments[last], "{") {
		return false
	}
	for i, s := range p.segments {
		if strings.HasPrefix(s, "{") {
			if segments[i] == "" {
				return false
			}
		} else if s != segments[i] {
			return false
		}
	}
	return true
}

func (p *pattern) value(k int, segments []string) string {
	if k == len(p.segments)-1 {
		return strings.Join(segments[k:], "/")
	}
	return segments[k]
}

// handle is the way of every request.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	x := &exchange{s: s, start: time.Now(), method: knownMethod(ctx.Method())}
	x.id = requestID(ctx.Request.Header.Peek("x-request-id"))
	x.p = s.acquire()
	ctx.SetUserValue(exchangeKey{}, x)
	dialect := web.OpenAI
	defer func() {
		if r := recover(); r != nil {
			x.panicked(r)
			ctx.Response.Reset()
			ctx.SetConnectionClose()
			x.streaming = false
			web.WriteError(ctx, dialect, x.err)
		}
		ctx.Response.Header.Set("x-request-id", x.id)
		if s.draining.Load() {
			ctx.SetConnectionClose()
		}
		x.status = ctx.Response.StatusCode()
		if x.err == nil {
			x.err = web.Refusal(ctx)
		}
		if !x.streaming {
			x.finish()
		}
	}()
	x.life = s.watch.begin(s.alive, socketOf(ctx.Conn()), x.p.config.Timeouts.Request)
	web.Bind(ctx, x.life, x.id, "")
	if err := framing(ctx); err != nil {
		ctx.SetConnectionClose()
		web.WriteError(ctx, dialect, err)
		return
	}
	route, methods := s.table.find(ctx)
	if route == nil {
		if dialect = dialectOf(string(ctx.Path())); methods != nil {
			ctx.Response.Header.Set("Allow", allowed(methods))
			web.WriteError(ctx, dialect, &web.Error{Status: 405, Code: "method_not_allowed", Message: "this route takes " + allowed(methods)})
			return
		}
		web.WriteError(ctx, dialect, &web.Error{Status: 404, Code: "unknown_url", Message: "no such route; GET /openapi.json lists them"})
		return
	}
	x.route, dialect = route, route.Dialect
	if err := s.admit(ctx, x); err != nil {
		web.WriteError(ctx, dialect, err)
		return
	}
	web.Bind(ctx, x.life, x.id, x.tenant())
	route.Handle(ctx)
}

// admit decides whether a request may be answered at all.
func (s *Server) admit(ctx *fasthttp.RequestCtx, x *exchange) error {
	if x.route.Access == web.Public {
		return nil
	}
	if err := x.p.keys.browser(&ctx.Request.Header); err != nil {
		return err
	}
	key, err := x.p.keys.check(&ctx.Request.Header)
	if err != nil {
		s.metrics.Denied()
		return err
	}
	x.key = key
	x.counted = true
	s.metrics.Began()
	if most := x.p.config.Limits.InFlight; s.inFlight.Add(1) > int64(most) {
		s.metrics.Shed(admin.ShedInFlight)
		return &web.Error{Status: 429, Type: "rate_limit_error", Code: "overloaded", RetryAfter: time.Second,
			Message: "the server answers as many requests at once as it may (limits.in_flight); try again later"}
	}
	return s.limitRequests(ctx, x)
}

// framing refuses a message whose length two readers would see differently.
func framing(ctx *fasthttp.RequestCtx) error {
	h := &ctx.Request.Header
	if h.ContentLength() == -1 && bytes.Contains(bytes.ToLower(h.RawHeaders()), []byte("content-length")) {
		return &web.Error{Status: 400, Code: "ambiguous_length", Message: "both Content-Length and Transfer-Encoding"}
	}
	return nil
}

// allowed lists methods for the Allow header.
func allowed(methods map[string]*web.Route) string {
	var list []string
	for m := range methods {
		list = append(list, m)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// dialectOf is the error form of a path without a route.
func dialectOf(path string) web.Dialect {
	switch {
	case strings.HasPrefix(path, "/v1/messages"):
		return web.Anthropic
	case strings.HasPrefix(path, "/api/"):
		return web.VLLMSR
	}
	return web.OpenAI
}

// knownMethod keeps a client's inventions out of the log.
func knownMethod(m []byte) string {
	switch s := string(m); s {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS":
		return s
	}
	return "other"
}

// requestID takes the client's id where it is harmless, else makes one.
func requestID(given []byte) string {
	if n := len(given); n == 0 || n > 128 {
		return "req_" + rand.Text()
	}
	for _, c := range given {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.' {
			return "req_" + rand.Text()
		}
	}
	return string(given)
}

// broken answers what fasthttp could not read as a request. Its errors repeat
// the client's bytes, so they are not told.
func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	e := &web.Error{Status: 400, Code: "bad_request", Message: "not an HTTP/1.1 request"}
	var small *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.As(err, &small):
		e = &web.Error{Status: 431, Code: "headers_too_large", Message: "the request's line and headers are longer than the limit (limits.header)"}
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		e = &web.Error{Status: 413, Code: "body_too_large", Message: "the request's body is longer than the limit (limits.body)"}
	case errors.As(err, &network) && network.Timeout() || errors.Is(err, os.ErrDeadlineExceeded):
		e = &web.Error{Status: 408, Code: "timeout", Message: "the request did not arrive in time (timeouts.read)"}
	case errors.Is(err, fasthttp.ErrDuplicateContentLength), errors.Is(err, fasthttp.ErrUnsupportedTransferEncoding):
		e.Message = "the request's length is ambiguous"
	}
	id := requestID(nil)
	web.Bind(ctx, context.Background(), id, "")
	web.WriteError(ctx, web.OpenAI, e)
	ctx.Response.Header.Set("x-request-id", id)
	s.log.Debug("no request", "request_id", id, "status", e.Status, "code", e.Code)
}
