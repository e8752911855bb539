package server

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/cache"
	"mom/server/config"
	"mom/server/protocol"
	"mom/server/upstream"
	"mom/server/web"
)

func (s *Server) handleChat(ctx *fasthttp.RequestCtx)        { s.forward(ctx, protocol.Chat) }
func (s *Server) handleCompletions(ctx *fasthttp.RequestCtx) { s.forward(ctx, protocol.Completions) }
func (s *Server) handleResponses(ctx *fasthttp.RequestCtx)   { s.forward(ctx, protocol.Responses) }
func (s *Server) handleMessages(ctx *fasthttp.RequestCtx)    { s.forward(ctx, protocol.Messages) }
func (s *Server) handleCountTokens(ctx *fasthttp.RequestCtx) { s.forward(ctx, protocol.CountTokens) }

// forward answers a request by way of an upstream, or says why not.
func (s *Server) forward(ctx *fasthttp.RequestCtx, kind protocol.Kind) {
	x := exchangeOf(ctx)
	if err := s.answer(ctx, x, kind); err != nil {
		if x.decision != nil {
			x.headers(ctx)
		}
		web.WriteError(ctx, x.route.Dialect, x.reason(err))
	}
}

// A passage is a request on its way to an upstream and back.
type passage struct {
	x       *exchange
	request *protocol.Request
	q       *question
	signals *router.Signals
	mask    *protocol.Mask
	guard   answerGuard
	input   moderationResult // of the request, where the client asks for it
	key     *cache.Key       // of the request in the cache; nil when it may not be there
	fresh   bool             // the client wants a new answer
	sent    time.Time
	reply   *upstream.Response
	from    protocol.Kind // of the reply
}

func (s *Server) answer(ctx *fasthttp.RequestCtx, x *exchange, kind protocol.Kind) error {
	request, err := parse(ctx, kind)
	if err != nil {
		return err
	}
	p := &passage{x: x, request: request}
	p.q = s.question(x, request)
	s.pinned(x, request, p.q)
	dry := request.Options.DryRun || asked(ctx.Request.Header.Peek("x-mom-dry-run"))
	x.dryRun = dry
	x.stages.Parse = time.Since(x.start)
	if !dry && (len(x.p.served) == 0 || !x.p.chosen && x.p.recipes[p.q.request.Model]) {
		return &web.Error{Status: 404, Type: "invalid_request_error", Code: "no_upstream",
			Message: "this server has no upstream to ask; POST /v1/route decides without one, and upstreams are added in the configuration (mom config init)"}
	}
	if dry {
		p.q.tasks = web.All
	}
	if request.Moderation != nil {
		p.q.tasks |= web.Guard | web.PII
	}
	if s.cacheKey(ctx, p); p.key != nil && p.key.Comparable() {
		p.q.tasks |= web.PII // decides whether it may be compared by its meaning
	}
	var d *router.Decision
	if d, p.signals, err = s.decide(x, p.q); err != nil {
		return err
	}
	if dry {
		x.headers(ctx)
		a := x.explain(p.q.parts, p.signals)
		a.DryRun = true
		web.WriteJSON(ctx, 200, a)
		return nil
	}
	if err := p.refused(d); err != nil {
		return err
	}
	if s.recall(ctx, p) {
		return nil
	}
	p.mask = protocol.NewMask(request, d.Mask)
	if err := s.send(ctx, p); err != nil {
		return err
	}
	x.headers(ctx)
	return s.reply(ctx, p)
}

// asked reads a header that switches something on.
func asked(v []byte) bool { return string(v) == "1" || string(v) == "true" }

// parse reads a request's body. It is copied: a stream outlives it.
func parse(ctx *fasthttp.RequestCtx, kind protocol.Kind) (*protocol.Request, error) {
	if enc := ctx.Request.Header.ContentEncoding(); len(enc) > 0 && string(enc) != "identity" {
		return nil, &web.Error{Status: 415, Code: "unsupported_content_encoding", Message: "compressed request bodies are not supported; send the JSON as it is"}
	}
	return protocol.Parse(kind, ctx.Request.Body())
}

// question is what the policy is asked about a request.
func (s *Server) question(x *exchange, r *protocol.Request) *question {
	q := &question{request: router.Request{
		Model: r.Model, MaxOutputTokens: r.MaxTokens, Tools: r.Tools, Vision: r.Images, JSONSchema: r.JSONOutput,
		Allowed: r.Options.Allowed, Excluded: r.Options.Excluded, Tradeoff: r.Options.Tradeoff,
		Unavailable: x.unavailable(),
	}}
	if q.request.Model == "" {
		q.request.Model = autoModel
	}
	q.parts = make([]router.Part, len(r.Texts))
	for i, t := range r.Texts {
		q.parts[i] = router.Part{Role: t.Role, Text: t.Text}
	}
	return q
}

// chatQuestion is what the policy is asked about a chat that is not sent, of a
// conversation that the body may name, or session.
func (s *Server) chatQuestion(x *exchange, body []byte, session string) (*question, error) {
	r, err := protocol.Parse(protocol.Chat, body)
	if err != nil {
		return nil, err
	}
	if session != "" {
		r.Options.Session = session
	}
	q := s.question(x, r)
	s.pinned(x, r, q)
	q.named = r.Options.Session != ""
	return q, nil
}

// unavailable are models that nobody can be asked for now.
func (x *exchange) unavailable() []string {
	list := x.p.upstreams.Unavailable()
	if !x.p.chosen {
		return list // a server without upstreams decides among all models
	}
	for _, m := range x.p.config.Models {
		if !x.p.served[m.Name] {
			list = append(list, m.Name)
		}
	}
	return list
}

// send asks the upstreams.
func (s *Server) send(ctx *fasthttp.RequestCtx, p *passage) error {
	x, d := p.x, p.x.decision
	p.sent = time.Now()
	models := append([]string{d.Model}, d.Fallbacks...)
	s.metrics.Answering(d.Model, 1)
	reply, err := x.p.upstreams.Do(x.life, upstream.Call{
		Models: models,
		Path: func(kind config.Kind) string {
			to := p.request.UpstreamKind(kind == config.Anthropic)
			if kind == config.Local && to != protocol.Chat && to != protocol.Completions {
				return ""
			}
			return to.Path()
		},
		Body: func(_ string, kind config.Kind, name string) ([]byte, error) {
			return p.request.Body(p.request.UpstreamKind(kind == config.Anthropic), protocol.Rewrite{
				Model: name, Mask: p.mask, Usage: true, DropModeration: true,
			})
		},
		Header: passedOn(ctx, x.id), Stream: p.request.Stream,
	})
	x.stages.FirstByte = time.Since(p.sent)
	if err != nil {
		x.stages.Upstream = x.stages.FirstByte
		s.metrics.Answering(d.Model, -1)
		s.countFailure(x, err)
		return err
	}
	p.reply = reply
	p.from = p.request.UpstreamKind(reply.Kind == config.Anthropic)
	x.model, x.upstream = reply.Model, reply.Upstream
	s.countAttempts(x, reply.Tried)
	if reply.Status < 300 {
		s.pin(p.q, x, x.model)
	}
	return nil
}

// passedOn are the client's headers that an upstream may see.
func passedOn(ctx *fasthttp.RequestCtx, id string) http.Header {
	h := http.Header{}
	for _, name := range []string{"traceparent", "tracestate", "anthropic-version", "anthropic-beta", "openai-beta", "idempotency-key"} {
		if v := ctx.Request.Header.Peek(name); len(v) > 0 {
			h.Set(name, string(v))
		}
	}
	h.Set("x-request-id", id)
	return h
}

// maxAnswer bounds an answer that is not a stream, in bytes.
const maxAnswer = 64 << 20

// reply passes the upstream's answer on.
func (s *Server) reply(ctx *fasthttp.RequestCtx, p *passage) error {
	for name, values := range p.reply.Header {
		for i, v := range values {
			if i == 0 {
				ctx.Response.Header.Set(name, v)
			} else {
				ctx.Response.Header.Add(name, v)
			}
		}
	}
	if p.request.Stream && p.reply.Status < 300 {
		return s.replyStream(ctx, p)
	}
	defer s.finished(p)
	data, err := io.ReadAll(io.LimitReader(p.reply.Body, maxAnswer+1))
	p.reply.Body.Close()
	switch {
	case err != nil:
		return err
	case len(data) > maxAnswer:
		return &web.Error{Status: 502, Code: "upstream_error", Message: fmt.Sprintf("the upstream's answer is larger than %d bytes", maxAnswer)}
	case p.reply.Status >= 300:
		return s.replyError(ctx, p, data)
	case p.request.Kind == protocol.CountTokens || p.request.Kind == protocol.Embeddings:
		ctx.SetStatusCode(p.reply.Status)
		ctx.SetContentType("application/json")
		ctx.SetBody(data)
		return nil
	}
	return s.replyAnswer(ctx, p, data)
}

// replyAnswer passes on a whole answer.
func (s *Server) replyAnswer(ctx *fasthttp.RequestCtx, p *passage, data []byte) error {
	a, err := protocol.ReadAnswer(p.from, data)
	if err != nil {
		return err
	}
	p.used(a.Usage)
	rewrite := protocol.AnswerRewrite{Mask: p.mask}
	found, err := s.guardAnswer(p, a.Texts)
	if err != nil {
		return err
	}
	if rewrite.Redact, err = found.act(); err != nil {
		return err
	}
	found.headers(ctx)
	found.note(p.x)
	rewrite.Moderation = s.moderation(p, found)
	body, err := a.Body(p.request, rewrite)
	if err != nil {
		return err
	}
	s.remember(p, body, found)
	if p.request.Options.Explain {
		body = withMember(body, "mom", p.x.explain(p.q.parts, p.signals))
	}
	ctx.SetStatusCode(p.reply.Status)
	ctx.SetContentType("application/json")
	ctx.SetBody(body)
	return nil
}

// used notes what an answer cost.
func (p *passage) used(u protocol.Usage) {
	x := p.x
	if u.Known {
		x.tokensIn, x.tokensOut = u.Input, u.Output
	}
	x.cost, x.baseline = x.price(u)
}

// finished counts an answer that has come to its end, or was cut.
func (s *Server) finished(p *passage) {
	x := p.x
	x.stages.Upstream = time.Since(p.sent)
	s.metrics.Answering(x.decision.Model, -1)
	s.metrics.Used(x.model, x.tokensIn, x.tokensOut, x.cost, x.baseline)
	if x.err == nil && p.reply.Status < 300 {
		s.metrics.Completed(x.model, x.stages.FirstByte, x.stages.Upstream, x.tokensOut)
	}
	s.spendTokens(x)
}
