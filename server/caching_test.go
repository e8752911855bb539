package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"mom/server/config"
)

// cachingConfig is a gateway with a cache, whose upstream numbers its answers.
func cachingConfig(t *testing.T, mode config.CacheMode) (*config.Config, *mock) {
	m := newMock(t, nil)
	m.answer = func(w http.ResponseWriter, r *http.Request, body string) {
		n := m.asked()
		if strings.Contains(body, `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, chunk(fmt.Sprint("answer "))+chunk(fmt.Sprint(n))+lastChunk+doneEvent)
			return
		}
		whole(fmt.Sprint("answer ", n))(w, r, body)
	}
	c := gatewayConfig(m, config.OpenAI)
	c.Cache.Mode = mode
	return c, m
}

func (m *mock) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.bodies)
}

func asking(text, more string) string {
	return fmt.Sprintf(`{"model":"best","messages":[{"role":"system","content":"be short"},{"role":"user","content":%q}]%s}`, text, more)
}

// expect asks and wants an answer with this number, and this of the cache.
func (r *running) expect(want int, cache, body string, headers ...string) answer {
	r.t.Helper()
	a := r.post("/v1/chat/completions", body, headers...)
	said := a.body
	if strings.Contains(body, `"stream":true`) {
		said = contents(a.body)
		if !strings.HasSuffix(a.body, doneEvent) {
			r.t.Errorf("a stream without its end: %s", a.body)
		}
	}
	hit := ""
	if cache == "exact" || cache == "semantic" {
		hit = "true"
	}
	if a.status != 200 || !strings.Contains(said, fmt.Sprint("answer ", want)) || a.header.Get("x-mom-cache") != cache || a.header.Get("x-vsr-cache-hit") != hit {
		r.t.Errorf("want answer %d, %s; got %d %s %v", want, cache, a.status, a.body, a.header)
	}
	return a
}

func TestCache(t *testing.T) {
	c, _ := cachingConfig(t, config.CacheExact)
	r := start(t, c, nil)
	first := r.expect(1, "miss", asking("hello", ""))
	again := r.expect(1, "exact", asking("hello", `,"user":"x"`))
	if again.body != first.body || again.header.Get("Age") == "" || again.header.Get("x-mom-cost") != "0.00000000" || again.header.Get("x-mom-model") != "best" {
		t.Errorf("%s %v", again.body, again.header)
	}
	streamed := r.expect(1, "exact", asking("hello", `,"stream":true,"stream_options":{"include_usage":true}`))
	if !strings.Contains(streamed.body, `"prompt_tokens":100`) {
		t.Errorf("no usage: %s", streamed.body)
	}
	e := r.do("GET", "/v1/decisions/"+again.header.Get("x-mom-decision-id"), "").json(t)
	if e["cached"] != true || e["cost"] != 0.0 || e["tokens_out"] != 10.0 {
		t.Errorf("%v", e)
	}
	// A stream is kept too, and given again as a whole.
	r.expect(2, "miss", asking("other", `,"stream":true`))
	r.expect(2, "exact", asking("other", ""))
	r.expect(2, "exact", asking("other", `,"stream":true`))
	// What another answer may be expected of.
	r.expect(3, "miss", strings.Replace(asking("hello", ""), "be short", "be long", 1))
	r.expect(4, "miss", asking("hello", `,"temperature":0.5`))
	r.expect(5, "bypass", asking("hello", `,"n":2`))
	r.expect(6, "bypass", asking("hello", `,"tools":[{"type":"function","function":{"name":"f"}}]`))
	r.expect(7, "bypass", asking("hello", ""), "Cache-Control", "no-store")
	r.expect(1, "exact", asking("hello", ""))
	r.expect(8, "bypass", asking("hello", ""), "Cache-Control", "no-cache") // and is kept
	r.expect(8, "exact", asking("hello", ""))
	metrics := r.exposed()
	for _, want := range []string{
		`mom_cache_requests_total{result="exact"} 6`, `mom_cache_requests_total{result="miss"} 4`, `mom_cache_requests_total{result="bypass"} 4`,
		`llm_cache_plugin_hits_total{decision_name="unknown",plugin_type="semantic-cache"} 6`, `mom_cache_entries 4`,
		`llm_model_completion_tokens_total{model="best"} 70`, // of 7 whole answers that the upstream was asked for
	} {
		if !metrics[want] {
			t.Errorf("no %s", want)
		}
	}
}

// TestCacheSemantic has embeddings that differ by the length of a text.
func TestCacheSemantic(t *testing.T) {
	c, _ := cachingConfig(t, config.CacheSemantic)
	r := start(t, c, nil)
	r.expect(1, "miss", asking("how do I reset it?", ""))
	r.expect(1, "semantic", asking("How can I reset it", ""))
	r.expect(1, "semantic", asking("How can I reset it", `,"stream":true`))
	r.expect(2, "miss", asking("how do I reset 17?", ""))
	r.expect(3, "miss", strings.Replace(asking("how do I reset it?", ""), "be short", "be long", 1))
	// Persons are not told apart by embeddings.
	r.expect(4, "miss", asking("who is eve@example.org?", ""))
	r.expect(5, "miss", asking("who is bob@example.org?", ""))
	r.expect(4, "exact", asking("who is eve@example.org?", ""))
}

// TestCacheClients never gives the answer of one to another.
func TestCacheClients(t *testing.T) {
	c, _ := cachingConfig(t, config.CacheSemantic)
	c.Auth.Mode = config.On
	for _, name := range []string{"alice", "bob"} {
		c.Auth.Keys = append(c.Auth.Keys, config.Key{Name: name, SHA256: config.DigestOf("key of " + name), TokensPerMinute: 200})
	}
	r := start(t, c, nil)
	r.expect(1, "miss", asking("hello", ""), "x-api-key", "key of alice")
	r.expect(2, "miss", asking("hello", ""), "x-api-key", "key of bob")
	for range 5 { // an answer of 110 tokens, twice, would be over the limit
		r.expect(1, "exact", asking("hello", ""), "x-api-key", "key of alice")
	}
}

// TestCacheGuards keeps nothing that a guard had to do with, and guards what the
// cache would answer.
func TestCacheGuards(t *testing.T) {
	c, m := cachingConfig(t, config.CacheExact)
	mask(c)
	c.ResponseGuard.PII = config.PIIFlag
	r := start(t, c, nil)
	r.expect(1, "bypass", asking("I am eve@example.org", ""))
	r.expect(2, "bypass", asking("I am eve@example.org", ""))
	numbered := m.answer
	m.answer = func(w http.ResponseWriter, q *http.Request, body string) {
		if strings.Contains(body, `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, chunk("answer 3 bob@example.org")+lastChunk+doneEvent)
			return
		}
		whole("answer 3 bob@example.org")(w, q, body)
	}
	for _, stream := range []string{"", `,"stream":true`} {
		a := r.expect(3, "miss", asking("hello", stream))
		eventually(t, time.Second, "the decision notes it", func() bool {
			e := r.do("GET", "/v1/decisions/"+a.header.Get("x-mom-decision-id"), "")
			return strings.Contains(e.body, "response:pii:EMAIL_ADDRESS")
		})
	}
	m.answer = numbered
	r.expect(5, "miss", asking("hello", ""))
	if a := r.post("/v1/chat/completions", asking("an attack", "")); a.status != 403 || a.header.Get("x-mom-cache") == "exact" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

// TestCacheFailures keeps no answer that is none: an error, a cut stream, a
// fallback's.
func TestCacheFailures(t *testing.T) {
	c, m := cachingConfig(t, config.CacheExact)
	r := start(t, c, nil)
	numbered := m.answer
	m.answer = func(w http.ResponseWriter, _ *http.Request, body string) {
		if strings.Contains(body, `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, chunk("answer 1"))
			return
		}
		w.WriteHeader(400)
		io.WriteString(w, `{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}`)
	}
	r.post("/v1/chat/completions", asking("hello", `,"stream":true`))
	r.post("/v1/chat/completions", asking("hello", ""))
	m.answer = numbered
	r.expect(3, "miss", asking("hello", ""))
	auto := strings.Replace(asking("hello", ""), `"best"`, `"auto"`, 1)
	m.answer = func(w http.ResponseWriter, q *http.Request, body string) {
		if m.asked() == 4 { // the first model of two
			w.WriteHeader(500)
			return
		}
		numbered(w, q, body)
	}
	r.expect(5, "miss", auto)
	r.expect(6, "miss", auto)
	r.expect(6, "exact", auto)
}

// TestCacheReload forgets answers that another configuration gave.
func TestCacheReload(t *testing.T) {
	c, m := cachingConfig(t, config.CacheExact)
	r := start(t, c, nil)
	r.expect(1, "miss", asking("hello", ""))
	next := gatewayConfig(m, config.OpenAI)
	next.Cache = c.Cache
	next.ResponseGuard.Jailbreak = config.JailbreakFlag
	if err := r.Reload(next); err != nil {
		t.Fatal(err)
	}
	r.expect(2, "miss", asking("hello", ""))
	if err := r.Reload(c); err != nil {
		t.Fatal(err)
	}
	r.expect(1, "exact", asking("hello", ""))
}

// TestCacheShared has two servers with one Redis, which then goes.
func TestCacheShared(t *testing.T) {
	redis := miniredis.RunT(t)
	c, m := cachingConfig(t, config.CacheExact)
	c.Redis.URL = config.Secret("redis://" + redis.Addr())
	d := gatewayConfig(m, config.OpenAI)
	d.Cache, d.Redis = c.Cache, c.Redis
	one, two := start(t, c, nil), start(t, d, nil)
	one.expect(1, "miss", asking("hello", ""))
	two.expect(1, "exact", asking("hello", ""))
	for _, key := range redis.Keys() {
		v, _ := redis.Get(key)
		if strings.Contains(key+v, "be short") {
			t.Errorf("Redis has a prompt: %s", key)
		}
	}
	e := gatewayConfig(m, config.OpenAI)
	e.Cache, e.Redis = c.Cache, c.Redis
	start(t, e, &reader{precision: "f32"}).expect(2, "miss", asking("hello", "")) // judged by another model
	redis.Close()
	two.expect(3, "miss", asking("other", ""))
	two.expect(3, "exact", asking("other", ""))
}
