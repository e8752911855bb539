package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
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

// Parts of a key cannot run into each other.
func TestHashParts(t *testing.T) {
	seen := map[digest]string{}
	for _, r := range []Request{{Tenant: "ab", Policy: "c"}, {Tenant: "a", Policy: "bc"}, {Tenant: "", Policy: "abc"}, {Kind: "ab", Policy: "c"}} {
		for _, body := range []string{"", "x"} {
			h := hash("exact", r, []byte(body), nil)
			if other, ok := seen[h]; ok {
				t.Errorf("%+v and %s", r, other)
			}
			seen[h] = fmt.Sprintf("%+v", r)
		}
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

func TestUncacheable(t *testing.T) {
	c := newCache(t, Options{Semantic: true})
	message := `"messages":[{"role":"user","content":"hi"}]`
	for _, r := range []struct {
		kind Kind
		body string
	}{
		{Chat, `{` + message + `,"tools":[{"type":"function"}]}`},
		{Chat, `{` + message + `,"functions":[{"name":"f"}]}`},
		{Chat, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}}]}]}`},
		{Chat, `{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"input_audio"}]}]}`},
		{Chat, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[]},{"role":"tool","content":"3"}]}`},
		{Chat, `{` + message + `,"temperature":1.2}`},
		{Chat, `{` + message + `,"n":2}`},
		{Chat, `{` + message + `,"logprobs":true}`},
		{Chat, `{` + message + `,"moderation":{"model":"m"}}`},
		{Chat, `{` + message + `,"store":true}`},
		{Chat, `{` + message + `,"web_search_options":{}}`},
		{Chat, `{` + message + `,"modalities":["text","audio"]}`},
		{Chat, `{` + message + `,"mom":{"explain":true}}`},
		{Chat, `{"messages":[]}`},
		{Chat, `{"messages":"hi"}`},
		{Chat, `[1]`},
		{Chat, `{`},
		{Completions, `{"prompt":["a","b"]}`},
		{Completions, `{"prompt":[1,2]}`},
		{Completions, `{"prompt":"a","logprobs":3}`},
		{Completions, `{"prompt":"a","best_of":3}`},
		{Responses, `{"input":"a","previous_response_id":"r"}`},
		{Responses, `{"input":"a","background":true}`},
		{Responses, `{"input":[{"type":"function_call_output","output":"x"}]}`},
		{Responses, `{"input":[{"role":"user","content":[{"type":"input_image"}]}]}`},
		{Responses, `{"input":"a","prompt":{"id":"p"}}`},
		{Messages, `{` + message + `,"tools":[{"name":"f"}]}`},
		{Messages, `{` + message + `,"thinking":{"type":"enabled","budget_tokens":2000}}`},
		{Messages, `{"messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}`},
	} {
		if k, err := c.Read(Request{Kind: r.kind, Body: []byte(r.body)}); !errors.Is(err, ErrUncacheable) || k != nil {
			t.Errorf("%s %s: %v", r.kind, r.body, err)
		}
	}
	if st := c.Stats(); st.Uncacheable != 29 {
		t.Errorf("%+v", st)
	}
	for _, r := range []struct {
		kind Kind
		body string
		text string
	}{
		{Chat, `{` + message + `,"temperature":1,"tools":[],"n":1,"modalities":["text"],"logprobs":false,"store":false}`, "hi"},
		{Chat, `{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}]}`, "x\ny"},
		{Completions, `{"prompt":"a"}`, "a"},
		{Responses, `{"input":"a","instructions":"b"}`, "a"},
		{Responses, `{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"z"}]}]}`, "z"},
		{Messages, `{` + message + `,"max_tokens":5,"system":"s","thinking":{"type":"disabled"}}`, "hi"},
	} {
		k, err := c.Read(Request{Kind: r.kind, Body: []byte(r.body)})
		if err != nil {
			t.Errorf("%s: %v", r.body, err)
		} else if k.text != r.text {
			t.Errorf("%s: the question is %q", r.body, k.text)
		}
	}
	zero := newCache(t, Options{MaxTemperature: -1})
	if _, err := zero.Read(Request{Kind: Chat, Body: []byte(`{` + message + `}`)}); err == nil {
		t.Error("a temperature that is not 0")
	}
	if _, err := zero.Read(Request{Kind: Chat, Body: []byte(`{` + message + `,"temperature":0}`)}); err != nil {
		t.Error(err)
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

func TestTTL(t *testing.T) {
	now := time.Unix(1e9, 0)
	c := newCache(t, Options{Semantic: true, TTL: time.Minute, now: func() time.Time { return now }})
	body := chatBody("", "hello", "")
	k := key(t, c, "a", body)
	c.Get(t.Context(), k, direction(0))
	put(t, c, k, chatReply)
	now = now.Add(59 * time.Second)
	if _, how := c.Get(t.Context(), key(t, c, "a", chatBody("", "hello!", "")), direction(1)); how != Semantic {
		t.Error(how)
	}
	now = now.Add(time.Second)
	if _, how := c.Get(t.Context(), key(t, c, "a", chatBody("", "hello!", "")), direction(1)); how != Miss {
		t.Error(how)
	}
	if _, how := c.Get(t.Context(), key(t, c, "a", body), nil); how != Miss {
		t.Error(how)
	}
	if st := c.Stats(); st.Entries != 0 || st.Expired != 1 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
}

// The bound holds whatever is stored, the least used goes first, and groups
// agree with the index.
func TestBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	now := time.Unix(1e9, 0)
	c := newCache(t, Options{Semantic: true, Threshold: 0.999, MaxBytes: 100 << 10, TTL: 5 * time.Minute, now: func() time.Time { return now }})
	for i := range 3000 {
		now = now.Add(time.Duration(r.IntN(20)) * time.Second)
		k := key(t, c, fmt.Sprint(r.IntN(3)), chatBody("", strings.Repeat("a", 1+r.IntN(200)), ""))
		c.Get(t.Context(), k, direction(float64(r.IntN(360))))
		body := strings.Replace(chatReply, "42", strings.Repeat("x", r.IntN(3000)), 1)
		if err := c.Put(t.Context(), k, Answer{Body: []byte(body)}, good); err != nil {
			t.Fatal(err)
		}
		if i%97 == 0 {
			checkShape(t, c)
		}
		if _, how := c.Get(t.Context(), k, nil); how != Exact {
			t.Fatal("what was just stored is gone")
		}
	}
	if st := c.Stats(); st.Evicted == 0 || st.Expired == 0 || st.Entries < 10 {
		t.Errorf("%+v", st)
	}
}

func checkShape(t *testing.T, c *Cache) {
	t.Helper()
	var size int64
	rows := 0
	for el := c.order.Front(); el != nil; el = el.Next() {
		e := el.Value.(*entry)
		size += e.size
		if c.exact[e.key.exact] != el {
			t.Fatal("the index does not know an entry")
		}
		if e.group != nil {
			if c.groups[e.group.id] != e.group || e.group.entries[e.row] != e {
				t.Fatal("a group does not know its entry")
			}
			rows++
		}
	}
	for _, g := range c.groups {
		rows -= len(g.entries)
		if len(g.vectors) != len(g.entries)*g.width || len(g.entries) == 0 {
			t.Fatalf("%d numbers of %d rows", len(g.vectors), len(g.entries))
		}
	}
	if rows != 0 || size != c.size || size > c.o.MaxBytes || len(c.exact) != c.order.Len() {
		t.Fatalf("rows differ by %d, size %d of %d", rows, c.size, size)
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

// Everything at once, for the race detector.
func TestConcurrent(t *testing.T) {
	c := newCache(t, Options{Semantic: true, MaxBytes: 100 << 10, TTL: time.Millisecond})
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			for i := range 200 {
				k, err := c.Read(Request{Kind: Chat, Body: chatBody("", strings.Repeat("a", 1+(i+g*7)%50), "")})
				if err != nil {
					t.Error(err)
					return
				}
				if a, how := c.Get(t.Context(), k, direction(float64(i))); how != Miss && !json.Valid(a.Body) {
					t.Errorf("%s", a.Body)
				}
				if err := c.Put(t.Context(), k, Answer{Body: []byte(chatReply)}, good); err != nil {
					t.Error(err)
				}
				if i%100 == 99 {
					c.Purge()
				}
				c.Stats()
			}
		})
	}
	wg.Wait()
	checkShape(t, c)
}

func TestLiterals(t *testing.T) {
	same := [][2]string{
		{"how tall is it?", "what is its height?"},
		{"add 17 and 4.5 please", "please sum up 17, 4.5."},
		{"rename `foo` to `bar`", "change the name of `foo` to `bar`!"},
		{"don't you know it?", "do you not know it?"},
	}
	for _, p := range same {
		if a, b := literals(p[0]), literals(p[1]); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%q: %v, %q: %v", p[0], a, p[1], b)
		}
	}
	differ := [][2]string{
		{"what is 17 times 3?", "what is 18 times 3?"},
		{"from 3 to 5", "from 5 to 3"},
		{"is it safe?", "is it not safe?"},
		{"ist es sicher?", "ist es nicht sicher?"},
		{"rename `foo`", "rename `bar`"},
		{"who wrote “Faust”?", "who wrote “Emma”?"},
		{"on 2026-11-23", "on 2026-11-24"},
		{"٣ plus ٤", "٣ plus ٥"},
	}
	for _, p := range differ {
		if a, b := literals(p[0]), literals(p[1]); fmt.Sprint(a) == fmt.Sprint(b) {
			t.Errorf("%q and %q: both %v", p[0], p[1], a)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("chat", string(chatBody("s", "u", "")))
	f.Add("responses", `{"input":[{"role":"user","content":[{"type":"input_text","text":"z"}]}]}`)
	f.Add("messages", `{"messages":[{"role":"user","content":null}],"system":[{}]}`)
	f.Add("completions", `{"prompt":"„x “ 1.,- \"a"}`)
	c, err := New(Options{Semantic: true, Threshold: 0.9, TTL: time.Hour, MaxBytes: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		k, err := c.Read(Request{Kind: Kind(kind), Body: []byte(body)})
		if err != nil {
			return
		}
		again, err := c.Read(Request{Kind: Kind(kind), Body: []byte(body)})
		if err != nil || again.exact != k.exact || again.scope != k.scope || len(k.text) > maxQuestion {
			t.Errorf("%v %+v %+v", err, k, again)
		}
	})
}

// filled has n entries that can be compared, with vectors in all directions.
func filled(tb testing.TB, n int) (*Cache, Embedder) {
	c, err := New(Options{Semantic: true, Threshold: 0.99, TTL: time.Hour, MaxBytes: 1 << 30})
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	random := func(context.Context, string) ([]float32, error) {
		v := make([]float32, 384)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return v, nil
	}
	word := func(i int) string {
		return strings.Map(func(d rune) rune { return d - '0' + 'a' }, fmt.Sprint(i))
	}
	for i := range n {
		k, err := c.Read(Request{Kind: Chat, Body: chatBody("", word(i), "")})
		if err != nil {
			tb.Fatal(err)
		}
		c.Get(context.Background(), k, random)
		if err := c.Put(context.Background(), k, Answer{Body: []byte(chatReply)}, good); err != nil {
			tb.Fatal(err)
		}
	}
	if len(c.groups) != 1 {
		tb.Fatalf("%d groups", len(c.groups))
	}
	return c, random
}

// BenchmarkScan compares one question with 10,000 of 384 dimensions.
func BenchmarkScan(b *testing.B) {
	c, random := filled(b, 10_000)
	k, err := c.Read(Request{Kind: Chat, Body: chatBody("", "question", "")})
	if err != nil {
		b.Fatal(err)
	}
	v, _ := random(context.Background(), "")
	if k.vector, err = normal(v); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.nearest(k); ok {
			b.Fatal("a hit")
		}
	}
	b.ReportMetric(float64(10_000*384*4)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
}

func BenchmarkRead(b *testing.B) {
	c, _ := filled(b, 0+1)
	body := chatBody(strings.Repeat("be short and kind. ", 20), strings.Repeat("what is the height of Mont Blanc? ", 10), `,"temperature":0.2`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := c.Read(Request{Kind: Chat, Tenant: "a", Body: body}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExactHit(b *testing.B) {
	c, _ := filled(b, 1000)
	k, _ := c.Read(Request{Kind: Chat, Body: chatBody("", "a", "")})
	b.ReportAllocs()
	for b.Loop() {
		if _, how := c.Get(context.Background(), k, nil); how != Exact {
			b.Fatal(how)
		}
	}
}
