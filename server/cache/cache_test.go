package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

func newCache(t *testing.T, o Options) *Cache {
	t.Helper()
	if o.TTL == 0 {
		o.TTL = time.Hour
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 20
	}
	if o.Semantic && o.Threshold == 0 {
		o.Threshold = 0.9
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func chatBody(system, user, more string) []byte {
	s, _ := json.Marshal(system)
	u, _ := json.Marshal(user)
	return fmt.Appendf(nil, `{"model":"auto","messages":[{"role":"system","content":%s},{"role":"user","content":%s}]%s}`, s, u, more)
}

func key(t *testing.T, c *Cache, tenant string, body []byte) *Key {
	t.Helper()
	k, err := c.Read(Request{Kind: Chat, Tenant: tenant, Policy: "p1", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const chatReply = `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"small","choices":[{"index":0,"message":{"role":"assistant","content":"42","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10},"x_extra":{"kept":true}}`

var good = Outcome{Status: 200}

func put(t *testing.T, c *Cache, k *Key, body string) {
	t.Helper()
	if err := c.Put(t.Context(), k, Answer{Body: []byte(body), Model: "small", Upstream: "u", TokensIn: 9, TokensOut: 1, Cost: 0.001}, good); err != nil {
		t.Fatal(err)
	}
}

// direction makes an embedder of unit vectors with a known angle to each other.
func direction(degrees float64) Embedder {
	return func(context.Context, string) ([]float32, error) {
		v := make([]float32, 384)
		a := degrees * math.Pi / 180
		v[3], v[200] = float32(5*math.Cos(a)), float32(5*math.Sin(a)) // of any length
		return v, nil
	}
}

func TestExact(t *testing.T) {
	c := newCache(t, Options{})
	body := chatBody("be short", "what is 6 times 7?", `,"temperature":0.2`)
	put(t, c, key(t, c, "a", body), chatReply)
	hit := func(tenant string, body []byte) bool {
		a, how := c.Get(t.Context(), key(t, c, tenant, body), nil)
		if how != Miss && (string(a.Body) != chatReply || a.Model != "small" || a.TokensOut != 1 || a.Cost != 0.001 || a.Created.IsZero()) {
			t.Errorf("%+v", a)
		}
		return how == Exact
	}
	same := []string{
		`{"messages":[{"content":"be short","role":"system"},{"role":"user","content":"what is 6 times 7?"}], "temperature":0.2, "model":"auto"}`,
		`{"model":"auto","messages":[{"role":"system","content":"be short"},{"role":"user","content":"what is 6 times 7?"}],"temperature":0.2,"stream":true,"stream_options":{"include_usage":true},"user":"u","metadata":{"x":"y"},"mom":{"session_id":"s"}}`,
		string(body),
	}
	for _, b := range same {
		if !hit("a", []byte(b)) {
			t.Errorf("no hit: %s", b)
		}
	}
	for name, b := range map[string][]byte{
		"system":      chatBody("be long", "what is 6 times 7?", `,"temperature":0.2`),
		"no system":   []byte(`{"model":"auto","messages":[{"role":"user","content":"what is 6 times 7?"}],"temperature":0.2}`),
		"user":        chatBody("be short", "what is 6 times 8?", `,"temperature":0.2`),
		"temperature": chatBody("be short", "what is 6 times 7?", `,"temperature":0.3`),
		"max tokens":  chatBody("be short", "what is 6 times 7?", `,"temperature":0.2,"max_tokens":5`),
		"seed":        chatBody("be short", "what is 6 times 7?", `,"temperature":0.2,"seed":5`),
		"model":       []byte(strings.Replace(string(body), `"auto"`, `"large"`, 1)),
		"unknown":     chatBody("be short", "what is 6 times 7?", `,"temperature":0.2,"vendor_switch":true`),
		"mom":         chatBody("be short", "what is 6 times 7?", `,"temperature":0.2,"mom":{"allowed_models":["x"]}`),
	} {
		if hit("a", b) {
			t.Errorf("%s does not part", name)
		}
	}
	if hit("b", body) {
		t.Error("an answer crossed from one client to another")
	}
	k, err := c.Read(Request{Kind: Chat, Tenant: "a", Policy: "p2", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	if _, how := c.Get(t.Context(), k, nil); how != Miss {
		t.Error("an answer outlived its policy")
	}
	c.Purge()
	if hit("a", body) {
		t.Error("purge")
	}
	if st := c.Stats(); st.Exact != 3 || st.Stored != 1 || st.Entries != 0 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
}

func TestSemantic(t *testing.T) {
	c := newCache(t, Options{Semantic: true, Threshold: math.Cos(20 * math.Pi / 180)})
	ask := func(tenant, system, user, more string, degrees float64) Hit {
		_, how := c.Get(t.Context(), key(t, c, tenant, chatBody(system, user, more)), direction(degrees))
		return how
	}
	k := key(t, c, "a", chatBody("be short", "how tall is Mont Blanc?", ""))
	if _, how := c.Get(t.Context(), k, direction(0)); how != Miss {
		t.Fatal(how)
	}
	put(t, c, k, chatReply)
	if how := ask("a", "be short", "what is the height of Mont Blanc?", "", 19); how != Semantic {
		t.Errorf("19 degrees: %q", how)
	}
	if how := ask("a", "be short", "what is the height of Mont Blanc?", "", 21); how != Miss {
		t.Errorf("21 degrees: %q", how)
	}
	if how := ask("a", "be short", "how tall is Mont Blanc?", "", 90); how != Exact {
		t.Errorf("equal: %q", how)
	}
	for name, how := range map[string]Hit{
		"client":      ask("b", "be short", "what is the height of Mont Blanc?", "", 0),
		"system":      ask("a", "be long", "what is the height of Mont Blanc?", "", 0),
		"parameter":   ask("a", "be short", "what is the height of Mont Blanc?", `,"max_tokens":7`, 0),
		"number":      ask("a", "be short", "how tall is Mont Blanc in 2026?", "", 0),
		"quotation":   ask("a", "be short", `how tall is "Mont Blanc"?`, "", 0),
		"negation":    ask("a", "be short", "how tall is not Mont Blanc?", "", 0),
		"form":        ask("a", "be short", "what is the height of Mont Blanc?", `,"response_format":{"type":"json_object"}`, 0),
		"a long text": ask("a", "be short", strings.Repeat("what is the height of Mont Blanc? ", 100), "", 0),
	} {
		if how != Miss {
			t.Errorf("%s does not part: %q", name, how)
		}
	}
	// What was said before parts too, and so does who said it last.
	before := []byte(`{"model":"auto","messages":[{"role":"system","content":"be short"},{"role":"user","content":"hello"},{"role":"assistant","content":"hi"},{"role":"user","content":"what is the height of Mont Blanc?"}]}`)
	if _, how := c.Get(t.Context(), key(t, c, "a", before), direction(0)); how != Miss {
		t.Error("the conversation before does not part")
	}
	assistant := []byte(`{"model":"auto","messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"The height is"}]}`)
	if k := key(t, c, "a", assistant); k.text != "" {
		t.Error("an answer to be continued is compared by its meaning")
	}
	if st := c.Stats(); st.Semantic != 1 || st.Exact != 1 {
		t.Errorf("%+v", st)
	}
	// The nearest is taken, not the first.
	for i, degrees := range []float64{60, 75, 68} {
		k := key(t, c, "near", chatBody("", strings.Repeat("x", i+1), ""))
		c.Get(t.Context(), k, direction(degrees))
		put(t, c, k, strings.Replace(chatReply, "42", fmt.Sprint(degrees), 1))
	}
	a, how := c.Get(t.Context(), key(t, c, "near", chatBody("", "y", "")), direction(70))
	if how != Semantic || !strings.Contains(string(a.Body), `"68"`) {
		t.Errorf("%q %s", how, a.Body)
	}
}

// Without an embedding, or with one that is no direction, equality still works.
func TestEmbedderFails(t *testing.T) {
	c := newCache(t, Options{Semantic: true})
	body := chatBody("", "hello", "")
	for _, embed := range []Embedder{
		func(context.Context, string) ([]float32, error) { return nil, errors.New("busy") },
		func(context.Context, string) ([]float32, error) { return make([]float32, 384), nil },
		func(context.Context, string) ([]float32, error) { return []float32{float32(math.NaN())}, nil },
		func(context.Context, string) ([]float32, error) { return []float32{float32(math.Inf(1))}, nil },
	} {
		c.Purge()
		k := key(t, c, "a", body)
		if _, how := c.Get(t.Context(), k, embed); how != Miss {
			t.Fatal(how)
		}
		put(t, c, k, chatReply)
		if _, how := c.Get(t.Context(), key(t, c, "a", body), embed); how != Exact {
			t.Errorf("%q", how)
		}
	}
	if st := c.Stats(); st.EmbedFailed != 4 {
		t.Errorf("%+v", st)
	}
	// A new embedding model does not meet the vectors of the old.
	k := key(t, c, "d", body)
	c.Get(t.Context(), k, direction(0))
	put(t, c, k, chatReply)
	other := func(context.Context, string) ([]float32, error) { return []float32{1, 0}, nil }
	if _, how := c.Get(t.Context(), key(t, c, "d", chatBody("", "hi", "")), other); how != Miss {
		t.Errorf("%q", how)
	}
}

func TestNeverStored(t *testing.T) {
	c := newCache(t, Options{MaxBytes: 64 << 10})
	k := key(t, c, "a", chatBody("", "hi", ""))
	with := func(old, new string) string { return strings.Replace(chatReply, old, new, 1) }
	for name, x := range map[string]struct {
		body string
		o    Outcome
		want error
	}{
		"error":         {chatReply, Outcome{Status: 502}, ErrStatus},
		"no status":     {chatReply, Outcome{}, ErrStatus},
		"blocked":       {chatReply, Outcome{Status: 200, Blocked: true}, ErrBlocked},
		"changed":       {chatReply, Outcome{Status: 200, Changed: true}, ErrChanged},
		"restored":      {chatReply, Outcome{Status: 200, Restored: true}, ErrRestored},
		"cut":           {with(`"stop"`, `"length"`), good, ErrIncomplete},
		"filtered":      {with(`"stop"`, `"content_filter"`), good, ErrIncomplete},
		"no finish":     {with(`"finish_reason":"stop"`, `"finish_reason":null`), good, ErrIncomplete},
		"tool calls":    {with(`"refusal":null`, `"refusal":null,"tool_calls":[{"id":"x"}]`), good, ErrForm},
		"refusal":       {with(`"refusal":null`, `"refusal":"no"`), good, ErrForm},
		"logprobs":      {with(`"logprobs":null`, `"logprobs":{"content":[]}`), good, ErrForm},
		"no text":       {with(`"42"`, `null`), good, ErrForm},
		"error in body": {with(`"x_extra"`, `"error"`), good, ErrStatus},
		"no choices":    {`{"choices":[]}`, good, ErrForm},
		"half a body":   {chatReply[:100], good, ErrForm},
		"too large":     {with(`"42"`, `"`+strings.Repeat("x", 20<<10)+`"`), good, ErrTooLarge},
	} {
		if err := c.Put(t.Context(), k, Answer{Body: []byte(x.body)}, x.o); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
		if _, how := c.Get(t.Context(), k, nil); how != Miss {
			t.Fatalf("%s was kept", name)
		}
	}
	if st := c.Stats(); st.Refused != 16 || st.Stored != 0 {
		t.Errorf("%+v", st)
	}
}

// backend is what several servers share.
type backend struct {
	mu     sync.Mutex
	values map[string][]byte
}

func (b *backend) Get(_ context.Context, key string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.values[key]
	return v, ok
}

func (b *backend) Put(_ context.Context, key string, v []byte, _ time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[key] = v
}

func TestShared(t *testing.T) {
	b := &backend{values: map[string][]byte{}}
	now := time.Unix(1e9, 0)
	o := Options{Shared: b, TTL: time.Hour, now: func() time.Time { return now }}
	one, two := newCache(t, o), newCache(t, o)
	body := chatBody("", "hello", "")
	put(t, one, key(t, one, "a", body), chatReply)
	a, how := two.Get(t.Context(), key(t, two, "a", body), nil)
	if how != Exact || string(a.Body) != chatReply || a.Cost != 0.001 {
		t.Fatalf("%q %+v", how, a)
	}
	for k, v := range b.values {
		if strings.Contains(k, "hello") || strings.Contains(k, "a:") {
			t.Errorf("the key %s tells something", k)
		}
		b.values[k] = v[:len(v)/2]
	}
	if _, how := two.Get(t.Context(), key(t, two, "a", body), nil); how != Exact {
		t.Error("it is not kept here")
	}
	two.Purge()
	if _, how := two.Get(t.Context(), key(t, two, "a", body), nil); how != Miss {
		t.Error("half a value was taken")
	}
	if st := two.Stats(); st.SharedBad != 1 || st.Shared != 1 {
		t.Errorf("%+v", st)
	}
	// A value that the backend kept too long is too old.
	put(t, one, key(t, one, "a", body), chatReply)
	now = now.Add(time.Hour)
	if _, how := two.Get(t.Context(), key(t, two, "a", body), nil); how != Miss {
		t.Error("an old value was taken")
	}
}

func TestNewErrors(t *testing.T) {
	for want, o := range map[string]Options{
		"cache.threshold": {Semantic: true, Threshold: 1.1, TTL: 1, MaxBytes: 1 << 20},
		"cache.ttl":       {MaxBytes: 1 << 20},
		"cache.max_size":  {TTL: 1, MaxBytes: 100},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := New(Options{Semantic: true, Threshold: math.NaN(), TTL: 1, MaxBytes: 1 << 20}); err == nil {
		t.Error("a threshold that is no number")
	}
}
