package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/admin"
	"mom/server/cache"
	"mom/server/config"
	"mom/server/protocol"
	"mom/server/shared"
)

// openCache makes the cache of answers; nil when it is off. Other servers find
// exact answers where they share Redis.
func openCache(c *config.Config, store shared.Store) (*cache.Cache, error) {
	if c.Cache.Mode == config.CacheOff {
		return nil, nil
	}
	o := cache.Options{
		Semantic: c.Cache.Mode == config.CacheSemantic, Threshold: c.Cache.Threshold,
		TTL: c.Cache.TTL, MaxBytes: int64(c.Cache.MaxSize),
	}
	if c.Redis.On() {
		o.Shared = store
	}
	return cache.New(o)
}

// answersDependOn is a hash of everything that an answer depends on beside its
// request: the program, the models that judge requests, and the configuration.
func answersDependOn(version string, judges []string, c *config.Config) string {
	data, err := json.Marshal([]any{version, judges, c.Upstreams, c.Models, c.Policy, c.ResponseGuard})
	if err != nil {
		panic("BUG: server: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

var cacheKinds = map[protocol.Kind]cache.Kind{
	protocol.Chat: cache.Chat, protocol.Completions: cache.Completions, protocol.Responses: cache.Responses, protocol.Messages: cache.Messages,
}

// cacheKey makes p.key, where the request may be answered from the cache or its
// answer kept.
func (s *Server) cacheKey(ctx *fasthttp.RequestCtx, p *passage) {
	kind, ok := cacheKinds[p.request.Kind]
	if s.cache == nil || !ok {
		return
	}
	p.x.cache = "bypass"
	control := bytes.ToLower(ctx.Request.Header.Peek("Cache-Control"))
	if bytes.Contains(control, []byte("no-store")) {
		return
	}
	depends := p.x.p.depends
	for _, name := range []string{"anthropic-version", "anthropic-beta", "openai-beta"} {
		depends += "\n" + string(ctx.Request.Header.Peek(name))
	}
	k, err := s.cache.Read(cache.Request{Kind: kind, Tenant: p.x.tenant(), Policy: depends, Body: []byte(p.request.Source())})
	if err != nil {
		return
	}
	p.key, p.fresh = k, bytes.Contains(control, []byte("no-cache"))
}

// recall answers from the cache, or reports that it cannot.
func (s *Server) recall(ctx *fasthttp.RequestCtx, p *passage) bool {
	x := p.x
	if s.cache == nil || x.cache == "" {
		return false
	}
	if len(x.decision.Mask) > 0 {
		p.key = nil // its answer may hold what was hidden
	}
	if p.key == nil || p.fresh {
		s.metrics.Cached(admin.CacheBypass)
		return false
	}
	embed := s.embedQuestion
	if len(p.signals.PII) > 0 {
		embed = nil // an embedding hardly tells one person from another
	}
	start := time.Now()
	a, hit := s.cache.Get(x.life, p.key, embed)
	s.metrics.Stage(admin.CacheRead, time.Since(start))
	var events [][]byte
	if hit != cache.Miss && p.key.Stream {
		var err error
		if events, err = cache.Replay(p.key, a.Body); err != nil {
			hit = cache.Miss // another server has written it
		}
	}
	switch hit {
	case cache.Exact:
		s.metrics.Cached(admin.CacheExact)
	case cache.Semantic:
		s.metrics.Cached(admin.CacheSemantic)
	default:
		x.cache = "miss"
		s.metrics.Cached(admin.CacheMiss)
		return false
	}
	x.cache, x.cached, x.model, x.upstream = string(hit), true, a.Model, a.Upstream
	x.tokensIn, x.tokensOut = a.TokensIn, a.TokensOut
	_, x.baseline = x.price(protocol.Usage{Input: a.TokensIn, Output: a.TokensOut, Known: true})
	s.metrics.Used(x.model, 0, 0, 0, x.baseline)
	s.spendTokens(x)
	x.headers(ctx)
	ctx.Response.Header.Set("Age", strconv.Itoa(int(max(time.Since(a.Created), 0)/time.Second)))
	if p.key.Stream {
		x.stream(ctx, &replayed{events})
		return true
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(a.Body)
	return true
}

func (s *Server) embedQuestion(ctx context.Context, text string) ([]float32, error) {
	return s.classifier.Embed(ctx, text, nil)
}

// replayed are the events of a stream that the cache has.
type replayed struct{ rest [][]byte }

func (r *replayed) Next() ([]byte, error) {
	if len(r.rest) == 0 {
		return nil, io.EOF
	}
	e := r.rest[0]
	r.rest = r.rest[1:]
	return e, nil
}

func (r *replayed) Close() error { return nil }

// remember keeps a whole answer as the client got it. What a guard found
// something in is not kept: the cache does not know what was said about it.
func (s *Server) remember(p *passage, body []byte, found *findings) {
	x := p.x
	if p.key == nil || x.model != x.decision.Model { // a fallback's answer is for now only
		return
	}
	// The client may have left; its answer is good nevertheless. Why one is not
	// kept is counted by the cache.
	_ = s.cache.Put(context.WithoutCancel(x.life), p.key, cache.Answer{
		Body: body, Model: x.model, Upstream: x.upstream, TokensIn: x.tokensIn, TokensOut: x.tokensOut, Cost: x.cost,
	}, cache.Outcome{Status: p.reply.Status, Changed: found.attack || len(found.pii) > 0})
}
