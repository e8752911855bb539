package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"mom/server/config"
	"mom/server/protocol"
)

// mock is an upstream that remembers what it was asked.
type mock struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	answer func(w http.ResponseWriter, r *http.Request, body string)
	gone   chan struct{} // an answer's client left
}

func newMock(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, body string)) *mock {
	m := &mock{answer: answer, gone: make(chan struct{}, 16)}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		m.mu.Lock()
		m.bodies, m.heads = append(m.bodies, r.URL.Path+" "+string(data)), append(m.heads, r.Header)
		m.mu.Unlock()
		m.answer(w, r, string(data))
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mock) last() (string, http.Header) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.bodies) == 0 {
		return "", nil
	}
	return m.bodies[len(m.bodies)-1], m.heads[len(m.heads)-1]
}

// chatAnswer is a whole answer with this content.
func chatAnswer(content string) string {
	return fmt.Sprintf(`{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"real","choices":[{"index":0,"message":{"role":"assistant","content":%q,"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110}}`, content)
}

// chunk is an event of a stream.
func chunk(content string) string {
	return fmt.Sprintf("data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"real\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"logprobs\":null,\"finish_reason\":null}]}\n\n", content)
}

const (
	lastChunk = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"real\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n"
	doneEvent = "data: [DONE]\n\n"
)

func whole(content string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, chatAnswer(content))
	}
}

// gatewayConfig has two models at one upstream.
func gatewayConfig(m *mock, kind config.Kind) *config.Config {
	c := config.Default()
	u := config.DefaultUpstream()
	u.Name, u.Kind, u.APIKey = "mock", kind, "sk-upstream-secret-000"
	u.Replicas = []config.Replica{{BaseURL: m.URL + "/v1", Weight: 1}}
	u.Retries.Max = 0
	c.Upstreams = []config.Upstream{u}
	setModels(c, "mock", "best", "cheap")
	c.Models[0].Upstreams[0].Model = "real-best"
	return c
}

const hello = `{"model":"best","messages":[{"role":"user","content":"hello"}],"temperature":0.25}`

func TestChat(t *testing.T) {
	m := newMock(t, whole("hi"))
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	a := r.post("/v1/chat/completions", hello, "Authorization", "Bearer sk-of-the-client", "traceparent", "00-1-2-01", "Cookie", "c=1")
	if a.status != 200 || a.body != chatAnswer("hi") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	body, head := m.last()
	if body != `/v1/chat/completions {"model":"real-best","messages":[{"role":"user","content":"hello"}],"temperature":0.25}` {
		t.Errorf("upstream got %s", body)
	}
	if head.Get("traceparent") != "00-1-2-01" || head.Get("Cookie") != "" || strings.Contains(fmt.Sprint(head), "sk-of-the-client") {
		t.Errorf("upstream got %v", head)
	}
	for h, want := range map[string]string{
		"x-mom-model": "best", "x-mom-upstream": "mock", "x-mom-recipe": "*", "x-vsr-selected-model": "best", "x-mom-decision-id": "*", "x-request-id": "*",
	} {
		if got := a.header.Get(h); got == "" || want != "*" && got != want {
			t.Errorf("%s: %q", h, got)
		}
	}
	e := r.do("GET", "/v1/decisions/"+a.header.Get("x-mom-decision-id"), "")
	v := e.json(t)
	if e.status != 200 || v["tokens_in"] != 100.0 || v["tokens_out"] != 10.0 || v["upstream"] != "mock" || v["status"] != 200.0 {
		t.Errorf("%d %s", e.status, e.body)
	}
	if e := r.do("GET", "/v1/decisions/dec_none", ""); e.status != 404 {
		t.Errorf("%d", e.status)
	}
	if f := r.post("/v1/decisions/"+a.header.Get("x-mom-decision-id")+"/feedback", `{"rating":5}`); f.status != 204 {
		t.Errorf("%d %s", f.status, f.body)
	}
}

func TestChatAuto(t *testing.T) {
	m := newMock(t, whole("hi"))
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	a := r.post("/v1/chat/completions", strings.Replace(hello, "best", "auto", 1))
	if a.status != 200 || a.header.Get("x-mom-category") != "math" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	a = r.post("/v1/chat/completions", `{"model":"auto","mom":{"explain":true},"messages":[{"role":"user","content":"hello"}]}`)
	ex, _ := a.json(t)["mom"].(map[string]any)
	if ex["object"] != "routing.decision" || ex["reasons"] == nil {
		t.Fatalf("%s", a.body)
	}
	if body, _ := m.last(); strings.Contains(body, `"mom"`) {
		t.Errorf("upstream got %s", body)
	}
}

func TestNoUpstream(t *testing.T) {
	r := start(t, nil, nil)
	a := r.post("/v1/chat/completions", strings.Replace(hello, "best", "auto", 1))
	if a.status != 404 || !strings.Contains(a.body, "no_upstream") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a = r.post("/v1/messages", `{"model":"auto","max_tokens":5,"messages":[{"role":"user","content":"a"}]}`)
	if a.status != 404 || !strings.HasPrefix(a.body, `{"type":"error"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestDryRun(t *testing.T) {
	m := newMock(t, whole("hi"))
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	for _, a := range []answer{
		r.post("/v1/chat/completions", hello, "x-mom-dry-run", "1"),
		r.post("/v1/chat/completions", `{"model":"auto","mom":{"dry_run":true},"messages":[{"role":"user","content":"hello"}]}`),
	} {
		if a.status != 200 || a.json(t)["dry_run"] != true || a.json(t)["object"] != "routing.decision" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if body, _ := m.last(); body != "" {
		t.Errorf("the upstream was asked: %s", body)
	}
	if a := r.post("/v1/route", hello); a.status != 200 || a.json(t)["model"] != "best" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestBlocked(t *testing.T) {
	m := newMock(t, whole("hi"))
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	a := r.post("/v1/chat/completions", `{"model":"auto","messages":[{"role":"user","content":"this is an attack"}]}`)
	if a.status != 403 || !strings.Contains(a.body, "content_blocked") || strings.Contains(a.body, "this is") || a.header.Get("x-mom-flags") != "jailbreak" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	if body, _ := m.last(); body != "" {
		t.Errorf("the upstream was asked: %s", body)
	}
}

func TestMask(t *testing.T) {
	var seen string
	m := newMock(t, nil)
	m.answer = func(w http.ResponseWriter, _ *http.Request, body string) {
		var q struct{ Messages []struct{ Content string } }
		json.Unmarshal([]byte(body), &q)
		seen = q.Messages[0].Content
		placeholder := seen[strings.Index(seen, "<") : strings.Index(seen, ">")+1]
		if !strings.Contains(body, `"stream":true`) {
			whole("I wrote to "+placeholder)(w, nil, "")
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, c := range "to " + placeholder + "!" { // a character an event
			io.WriteString(w, chunk(string(c)))
		}
		io.WriteString(w, lastChunk+doneEvent)
	}
	c := gatewayConfig(m, config.OpenAI)
	mask(c)
	r := start(t, c, nil)
	a := r.post("/v1/chat/completions", `{"model":"best","messages":[{"role":"user","content":"write to eve@example.org now"}]}`)
	if a.status != 200 || !strings.Contains(a.body, `"I wrote to eve@example.org"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if strings.Contains(seen, "eve") || !strings.HasPrefix(seen, "write to <EMAIL_ADDRESS") {
		t.Fatalf("upstream saw %q", seen)
	}
	a = r.post("/v1/chat/completions", `{"model":"best","stream":true,"messages":[{"role":"user","content":"write to eve@example.org now"}]}`)
	if got := contents(a.body); got != "to eve@example.org!" {
		t.Fatalf("%q in %s", got, a.body)
	}
	if strings.Contains(r.log.String(), "eve@") {
		t.Error("the log has personal data")
	}
}

// contents joins the texts of a stream.
func contents(stream string) string {
	var b strings.Builder
	for line := range strings.Lines(stream) {
		var e struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &e) == nil && len(e.Choices) > 0 {
			b.WriteString(e.Choices[0].Delta.Content)
		}
	}
	return b.String()
}

// stepped is an upstream that sends an event when it is told to.
func stepped(t *testing.T) (*mock, chan string) {
	steps := make(chan string)
	m := newMock(t, nil)
	m.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for {
			select {
			case s, ok := <-steps:
				if !ok {
					return
				}
				if s == "cut" {
					c, _, _ := w.(http.Hijacker).Hijack()
					c.Close()
					return
				}
				io.WriteString(w, s)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				m.gone <- struct{}{}
				return
			}
		}
	}
	return m, steps
}

// openStream starts a stream and returns its lines.
func openStream(t *testing.T, r *running) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	body := strings.Replace(hello, `{`, `{"stream":true,`, 1)
	fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		data, _ := io.ReadAll(resp.Body)
		t.Fatalf("%d %s", resp.StatusCode, data)
	}
	return c, bufio.NewReader(resp.Body)
}

// readEvent reads up to an empty line.
func readEvent(t *testing.T, b *bufio.Reader) string {
	t.Helper()
	var event strings.Builder
	for {
		line, err := b.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, event.String())
		}
		if line == "\n" {
			return event.String()
		}
		event.WriteString(line)
	}
}

func TestStreamEventByEvent(t *testing.T) {
	m, steps := stepped(t)
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	_, b := openStream(t, r) // the head is here before any event
	var worst time.Duration
	for i := range 20 {
		sent := time.Now()
		steps <- chunk(fmt.Sprint("word ", i))
		if e := readEvent(t, b); !strings.Contains(e, fmt.Sprint("word ", i)) {
			t.Fatal(e)
		}
		worst = max(worst, time.Since(sent))
	}
	steps <- lastChunk + doneEvent
	readEvent(t, b)
	if e := readEvent(t, b); e != "data: [DONE]\n" {
		t.Fatal(e)
	}
	close(steps)
	if _, err := b.ReadByte(); err != io.EOF {
		t.Fatal(err)
	}
	t.Logf("an event took at most %v through upstream, server and client", worst)
}

func TestUpstreamCut(t *testing.T) {
	m, steps := stepped(t)
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	_, b := openStream(t, r)
	steps <- chunk("one")
	readEvent(t, b)
	steps <- "cut"
	e := readEvent(t, b)
	if !strings.HasPrefix(e, `data: {"error":{"message":`) || !strings.Contains(e, "upstream_cut") {
		t.Fatalf("%q", e)
	}
	rest, err := io.ReadAll(b)
	if err != nil || strings.Contains(string(rest), "[DONE]") {
		t.Fatalf("%q %v", rest, err)
	}
	eventually(t, time.Second, "the log tells", func() bool { return strings.Contains(r.log.String(), "code=upstream_cut") })
}

func TestStreamClientGone(t *testing.T) {
	m, steps := stepped(t)
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	c, b := openStream(t, r)
	steps <- chunk("one")
	readEvent(t, b)
	c.Close()
	select {
	case <-m.gone:
	case <-time.After(time.Second):
		t.Fatal("the upstream still answers a second after the client has left")
	}
	eventually(t, time.Second, "the request ended", func() bool { return r.InFlight() == 0 })
}

func TestWaitingClientGone(t *testing.T) {
	m := newMock(t, nil)
	m.answer = func(w http.ResponseWriter, r *http.Request, _ string) {
		<-r.Context().Done()
		m.gone <- struct{}{}
	}
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	ctx, cancel := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+r.addr+"/v1/chat/completions", strings.NewReader(hello))
	done := make(chan error, 1)
	go func() { _, err := r.client.Do(req); done <- err }()
	eventually(t, 2*time.Second, "the upstream is asked", func() bool { b, _ := m.last(); return b != "" })
	cancel()
	<-done
	select {
	case <-m.gone:
	case <-time.After(time.Second):
		t.Fatal("the upstream is still asked a second after the client has left")
	}
}

func TestDrainEndsStreams(t *testing.T) {
	m, steps := stepped(t)
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	_, b := openStream(t, r)
	steps <- chunk("one")
	readEvent(t, b)
	stopped := make(chan struct{})
	go func() { r.stop(300 * time.Millisecond); close(stopped) }()
	if e := readEvent(t, b); !strings.Contains(e, `"code":"draining"`) {
		t.Fatalf("%q", e)
	}
	<-stopped
}

// TestReloadInStream replaces everything while an answer is on its way.
func TestReloadInStream(t *testing.T) {
	m, steps := stepped(t)
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	_, b := openStream(t, r)
	for i := range 5 {
		steps <- chunk(fmt.Sprint("word ", i))
		if e := readEvent(t, b); !strings.Contains(e, fmt.Sprint("word ", i)) {
			t.Fatal(e)
		}
		next := gatewayConfig(m, config.OpenAI)
		next.Upstreams[0].Replicas[0].BaseURL = "http://127.0.0.1:1/v1" // where nobody answers
		if err := r.Reload(next); err != nil {
			t.Fatal(err)
		}
	}
	steps <- lastChunk + doneEvent
	readEvent(t, b)
	if e := readEvent(t, b); e != "data: [DONE]\n" {
		t.Fatal(e)
	}
	close(steps)
	if a := r.post("/v1/chat/completions", hello); a.status/100 != 5 {
		t.Errorf("%d: the new configuration is not in use", a.status)
	}
}

func TestModeration(t *testing.T) {
	m := newMock(t, nil)
	m.answer = func(w http.ResponseWriter, r *http.Request, body string) {
		if strings.Contains(body, `"moderation"`) {
			t.Errorf("upstream got %s", body)
		}
		if strings.Contains(body, `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, chunk("write to bob@example.org")+lastChunk+doneEvent)
			return
		}
		whole("write to bob@example.org")(w, r, body)
	}
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	type side struct {
		Type, Model string
		Results     []moderationResult
	}
	check := func(name, data string) {
		var v struct {
			Moderation struct{ Input, Output side }
		}
		if err := json.Unmarshal([]byte(data), &v); err != nil {
			t.Fatal(err)
		}
		in, out := v.Moderation.Input, v.Moderation.Output
		if in.Type != "moderation_results" || len(in.Results) != 1 || in.Results[0].Flagged || len(out.Results) != 1 || !out.Results[0].Categories["pii/EMAIL_ADDRESS"] {
			t.Errorf("%s: %s", name, data)
		}
	}
	ask := func(more string) answer {
		return r.post("/v1/chat/completions", strings.Replace(hello, `{`, `{`+more, 1))
	}
	check("whole", ask(`"moderation":{"model":"guard-1"},`).body)
	stream := ask(`"stream":true,"moderation":{"model":"guard-1"},`).body
	found := false
	for line := range strings.Lines(stream) {
		if data, ok := strings.CutPrefix(line, "data: "); ok && strings.Contains(data, `"moderation"`) {
			found = true
			check("stream", data)
		}
	}
	if !found || !strings.Contains(stream, "[DONE]") {
		t.Errorf("no moderation in %s", stream)
	}
	a := ask(`"moderation":{"model":"guard-1","policy":{"output":{"mode":"block"}}},`)
	if a.status != 403 || !strings.Contains(a.body, "answer_blocked") || strings.Contains(a.body, "bob@") {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = ask(`"stream":true,"moderation":{"model":"guard-1","policy":{"output":{"mode":"block"}}},`)
	if a.status != 200 || !strings.Contains(a.body, "answer_blocked") || strings.Contains(a.body, "bob@") || strings.Contains(a.body, "[DONE]") {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = r.post("/v1/chat/completions", `{"model":"best","moderation":{"model":"guard-1","policy":{"input":{"mode":"block"}}},"messages":[{"role":"user","content":"from eve@example.org"}]}`)
	if a.status != 403 || !strings.Contains(a.body, "pii/EMAIL_ADDRESS") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestResponseGuard(t *testing.T) {
	m := newMock(t, whole("write to bob@example.org or eve@example.org"))
	c := gatewayConfig(m, config.OpenAI)
	c.ResponseGuard.PII = config.PIIMask
	r := start(t, c, nil)
	a := r.post("/v1/chat/completions", `{"model":"best","messages":[{"role":"user","content":"I am eve@example.org"}]}`)
	if a.status != 200 || strings.Contains(a.body, "bob@") || !strings.Contains(a.body, "eve@example.org") || a.header.Get("x-mom-response-flags") != "pii:EMAIL_ADDRESS" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
}

func TestUpstreamRefuses(t *testing.T) {
	refusal := `{"error":{"message":"bad temperature","type":"invalid_request_error","param":"temperature","code":null}}`
	m := newMock(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		io.WriteString(w, refusal)
	})
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	for _, stream := range []string{"", `"stream":true,`} {
		a := r.post("/v1/chat/completions", strings.Replace(hello, `{`, `{`+stream, 1))
		if a.status != 400 || a.body != refusal {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	m.answer = func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(503) }
	if a := r.post("/v1/chat/completions", hello); a.status/100 != 5 || !strings.Contains(a.body, `"error"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAnthropic(t *testing.T) {
	said := `{"id":"msg_1","type":"message","role":"assistant","model":"real","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":3}}`
	m := newMock(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, said)
	})
	r := start(t, gatewayConfig(m, config.Anthropic), nil)
	a := r.post("/v1/messages", `{"model":"best","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}`, "anthropic-version", "2023-06-01", "x-api-key", "sk-client")
	if a.status != 200 || a.body != said {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if body, head := m.last(); !strings.HasPrefix(body, "/v1/messages ") || head.Get("anthropic-version") != "2023-06-01" || head.Get("x-api-key") == "sk-client" {
		t.Errorf("%s %v", body, head)
	}
	a = r.post("/v1/chat/completions", hello) // translated there and back
	v := a.json(t)
	if a.status != 200 || v["object"] != "chat.completion" || !strings.Contains(a.body, `"content":"hi"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a = r.post("/v1/messages", `{"model":"best","max_tokens":5,"messages":[{"role":"user","content":"an attack"}]}`)
	if a.status != 403 || !strings.HasPrefix(a.body, `{"type":"error","error":{"type":"permission_error"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

// TestModelWithoutUpstream asks for a model by name that nobody serves.
func TestModelWithoutUpstream(t *testing.T) {
	m := newMock(t, whole("hi"))
	c := gatewayConfig(m, config.OpenAI)
	c.Models[0].Upstreams = nil
	r := start(t, c, nil)
	a := r.post("/v1/chat/completions", hello)
	if a.status != 404 || !strings.Contains(a.body, "no_upstream") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.post("/v1/chat/completions", strings.Replace(hello, "best", "auto", 1)); a.status != 200 || a.header.Get("x-mom-model") != "cheap" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestLogPrompts(t *testing.T) {
	c := config.Default()
	r := start(t, c, nil)
	r.post("/v1/route", `{"input":"private words"}`)
	if strings.Contains(r.log.String(), "private words") {
		t.Error("a prompt is in the log that was not asked for")
	}
	c = config.Default()
	c.Log.Prompts = true
	r = start(t, c, nil)
	r.post("/v1/route", `{"input":"private words"}`)
	if !strings.Contains(r.log.String(), "private words") {
		t.Error("the prompt is not in the log")
	}
}

func TestRateLimit(t *testing.T) {
	c := withKeys()
	c.Auth.Keys[0].RequestsPerMinute = 3
	r := start(t, c, nil)
	ask := func() answer { return r.post("/v1/route", `{"input":"a"}`, "x-api-key", testKey) }
	for i := range 3 {
		if a := ask(); a.status != 200 || a.header.Get("x-ratelimit-remaining-requests") != fmt.Sprint(2-i) {
			t.Fatalf("%d %s %v", a.status, a.body, a.header)
		}
	}
	if a := ask(); a.status != 429 || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "rate_limit_exceeded") {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestTokenLimit(t *testing.T) {
	m := newMock(t, whole("hi")) // 110 tokens by its own count
	c := gatewayConfig(m, config.OpenAI)
	c.Auth.Mode = config.On
	c.Auth.Keys = []config.Key{{Name: "alice", SHA256: config.DigestOf(testKey), TokensPerMinute: 200}}
	r := start(t, c, nil)
	codes := ""
	for range 3 {
		codes += fmt.Sprint(r.post("/v1/chat/completions", hello, "x-api-key", testKey).status, " ")
	}
	if codes != "200 200 429 " {
		t.Fatal(codes)
	}
}

// TestConversation stays with the model that served a conversation.
func TestConversation(t *testing.T) {
	m := newMock(t, whole("hi"))
	r := start(t, gatewayConfig(m, config.OpenAI), nil)
	first := r.post("/v1/chat/completions", `{"model":"auto","mom":{"cost_quality_tradeoff":10},"messages":[{"role":"user","content":"hello"}]}`)
	model := first.header.Get("x-mom-model")
	a := r.post("/v1/route", `{"model":"auto","mom":{"cost_quality_tradeoff":10},"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"},{"role":"user","content":"go on"}]}`)
	if a.status != 200 || a.json(t)["model"] != model {
		t.Fatalf("%s, then %s", model, a.body)
	}
	key := func(text string) string {
		x := &exchange{}
		q := &protocol.Request{Model: "auto", Texts: []protocol.Text{{Role: "user", Text: text}}}
		return conversation(x, q)
	}
	if key("hello") == key("other") || strings.Contains(key("hello"), "hello") {
		t.Error("conversations are told apart wrongly")
	}
	if got, ok := r.shared.Pin(t.Context(), key("hello")); !ok || got != model {
		t.Errorf("pinned to %q", got)
	}
}
