package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"mom/router"
	"mom/server/config"
	"mom/server/web"
)

// inside stands in for the decoders: what they are asked over a connection a mock
// answers.
type inside struct {
	*mock
	said  web.Explanation
	err   error
	asked []string

	tells  sync.Mutex
	tell   func(ctx context.Context, limit time.Duration) (*router.Told, error)
	heard  []string // decoder: text
	broken string   // a decoder that cannot be asked

	grade     func(ctx context.Context, limit time.Duration) (*router.Difficulty, error)
	graded    []string // category: text
	agentless error    // why there are no agents

	cannot error         // explain
	steps  chan string   // when not nil, the pieces of the reason, until it is closed
	left   chan struct{} // an explanation that was ended early
}

func (d *inside) Prepare(decoder string) ([]string, error) {
	if decoder == d.broken {
		return nil, errors.New("it is broken")
	}
	return []string{"law", "astrology"}, nil
}

func (d *inside) Intent(ctx context.Context, decoder, text string, limit time.Duration) (*router.Told, error) {
	d.tells.Lock()
	d.heard = append(d.heard, decoder+": "+text)
	tell := d.tell
	d.tells.Unlock()
	t, err := tell(ctx, limit)
	if t != nil {
		t.Decoder, t.Limit = decoder, limit
	}
	return t, err
}

func (d *inside) Dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", d.Listener.Addr().String())
}

func (d *inside) Explains() error { return d.cannot }

func (d *inside) Agents() error { return d.agentless }

func (d *inside) Difficulty(ctx context.Context, category, text string, limit time.Duration) (*router.Difficulty, error) {
	d.tells.Lock()
	d.graded = append(d.graded, category+": "+text)
	grade := d.grade
	d.tells.Unlock()
	return grade(ctx, limit)
}

func (d *inside) Explain(ctx context.Context, text string, emit func(string) error) (*web.Explanation, time.Duration, error) {
	d.tells.Lock()
	d.asked = append(d.asked, text)
	d.tells.Unlock()
	for d.steps != nil {
		select {
		case piece, more := <-d.steps:
			switch {
			case !more:
				e := d.said
				return &e, 80 * time.Millisecond, d.err
			case piece == "panic":
				panic("BUG: a decoder")
			}
			if err := emit(piece); err != nil {
				return nil, 0, err
			}
		case <-ctx.Done():
			d.left <- struct{}{}
			return nil, 0, ctx.Err()
		}
	}
	e := d.said
	return &e, 80 * time.Millisecond, d.err
}

// withDecoders serves c, which has decoders "tiny" and "why".
func withDecoders(t *testing.T, c *config.Config) (*running, *inside) {
	t.Helper()
	m := newMock(t, func(w http.ResponseWriter, r *http.Request, body string) {
		if strings.Contains(body, `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, chunk("from inside")+lastChunk+doneEvent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/completions" {
			io.WriteString(w, `{"id":"cmpl-1","object":"text_completion","created":1,"model":"tiny","choices":[{"index":0,"text":"from inside","logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`)
			return
		}
		io.WriteString(w, chatAnswer("from inside"))
	})
	d := &inside{mock: m, said: web.Explanation{Category: "law", Difficulty: "hard", Confidence: 0.75, Reason: "It names a contract.", MS: 40, FirstTokenMS: 20}}
	return startWith(t, c, nil, d), d
}

const decodersYAML = "decoders: [{name: tiny, path: /d/tiny}, {name: why, path: /d/why, explain: true}]\n"

func parsed(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("mom.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDecoderAnswers(t *testing.T) {
	r, d := withDecoders(t, parsed(t, decodersYAML))
	a := r.post("/v1/chat/completions", strings.Replace(hello, "best", "tiny", 1))
	if a.status != 200 || !strings.Contains(a.body, "from inside") || a.header.Get("x-mom-upstream") != "decoders" || a.header.Get("x-mom-model") != "tiny" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	if body, _ := d.last(); !strings.HasPrefix(body, `/v1/chat/completions {"model":"tiny"`) {
		t.Errorf("the decoder got %s", body)
	}
	if a := r.post("/v1/chat/completions", `{"model":"tiny","stream":true,"messages":[{"role":"user","content":"hello"}]}`); !strings.Contains(a.body, "from inside") || !strings.HasSuffix(a.body, doneEvent) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/completions", `{"model":"tiny","prompt":"hello"}`); !strings.Contains(a.body, `"text":"from inside"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/messages", `{"model":"tiny","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}`); a.status != 200 || !strings.Contains(a.body, `"type":"message"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/responses", `{"model":"tiny","input":"hello"}`); a.status != 400 || !strings.Contains(a.body, "unsupported_endpoint") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/chat/completions", `{"model":"tiny","messages":[{"role":"user","content":"attack"}]}`); a.status == 200 {
		t.Errorf("an attack was answered: %s", a.body)
	}
	list := r.do("GET", "/v1/models", "").body
	for _, want := range []string{`"id":"tiny"`, `"id":"why"`, `"owned_by":"decoders"`} {
		if !strings.Contains(list, want) {
			t.Errorf("%s is missing in %s", want, list)
		}
	}
	// Recipes decide as without decoders, and nobody answers for them.
	if a := r.post("/v1/route", `{"input":"hello"}`); a.status != 200 || a.json(t)["model"] == "tiny" || strings.Contains(a.body, `"explanation"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/chat/completions", strings.Replace(hello, "best", "auto", 1)); a.status != 404 || !strings.Contains(a.body, "no_upstream") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// The last model of a recipe answers when no other does.
func TestDecoderOfLastResort(t *testing.T) {
	m := newMock(t, func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(500) })
	r, _ := withDecoders(t, parsed(t, fmt.Sprintf(`decoders: [{name: tiny, path: /d/tiny}]
upstreams: [{name: far, base_url: "%s/v1", retries: {max: 0}}]
models: [{name: big, quality: 0.8, upstreams: [{name: far}]}]
recipes: [{name: auto, models: [big, tiny]}]
`, m.URL)))
	a := r.post("/v1/chat/completions", strings.Replace(hello, "best", "auto", 1))
	if a.status != 200 || !strings.Contains(a.body, "from inside") || a.header.Get("x-mom-model") != "tiny" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
}

func TestRouteExplained(t *testing.T) {
	r, d := withDecoders(t, parsed(t, decodersYAML))
	a := r.post("/v1/route?explain=true", `{"messages":[{"role":"system","content":"a"},{"role":"user","content":"first"},{"role":"user","content":"is it valid?"},{"role":"assistant","content":"b"}]}`)
	v := a.json(t)
	e, _ := v["explanation"].(map[string]any)
	if a.status != 200 || e["category"] != "law" || e["difficulty"] != "hard" || e["confidence"] != 0.75 || e["reason"] != "It names a contract." ||
		e["ms"] != 40.0 || e["first_token_ms"] != 20.0 || e["by"] != "decoder" || e["model"] != v["model"] || e["note"] != nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if len(d.asked) != 1 || d.asked[0] != "is it valid?" {
		t.Errorf("the decoder was asked %q", d.asked)
	}
	if v["category"] != "math" {
		t.Errorf("the decision's own category is %v", v["category"])
	}
	// What the limit cut off is the encoder's, or missing, and said to be.
	d.said = web.Explanation{Late: true, MS: 80}
	e = r.post("/v1/route?explain=1", `{"input":"hello"}`).json(t)["explanation"].(map[string]any)
	if e["category"] != "math" || e["by"] != "encoder" || e["late"] != true || !strings.Contains(e["note"].(string), "within 80ms") {
		t.Errorf("%v", e)
	}
	d.said = web.Explanation{Category: "law", Late: true}
	e = r.post("/v1/route?explain=1", `{"input":"an attack"}`).json(t)["explanation"].(map[string]any)
	if e["by"] != "decoder" || !strings.Contains(e["note"].(string), "did not finish") || !strings.Contains(e["note"].(string), "blocked") {
		t.Errorf("%v", e)
	}
	if a := r.post("/v1/route?explain=maybe", `{"input":"hello"}`); a.status != 400 || !strings.Contains(a.body, `"param":"explain"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	d.err = &web.Error{Status: 429, Code: "overloaded", Message: "later"}
	if a := r.post("/v1/route?explain=true", `{"input":"hello"}`); a.status != 429 {
		t.Errorf("%d %s", a.status, a.body)
	}
	without := start(t, nil, nil)
	if a := without.post("/v1/route?explain=true", `{"input":"hello"}`); a.status != 501 || !strings.Contains(a.body, "no_decoder") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestLocalWithoutDecoders(t *testing.T) {
	_, err := New(Options{Config: parsed(t, decodersYAML), Classifier: &reader{}})
	if err == nil || !strings.Contains(err.Error(), "there are no decoders") {
		t.Fatalf("%v", err)
	}
}
