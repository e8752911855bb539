package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mom/router"
	"mom/server/config"
	"mom/server/web"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp keeps one clock for the process, and a sweeper that sleeps for
		// some seconds before it sees that its server has stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// reader stands in for the models: "attack" is one, an address is personal data.
type reader struct {
	precision string // of the model of intents
	delay     time.Duration
	gate      chan struct{} // when not nil each text waits for one
	mu        sync.Mutex
	texts     []string
}

func (r *reader) Classify(ctx context.Context, text string, _ web.Task) (router.Reading, error) {
	r.mu.Lock()
	r.texts = append(r.texts, text)
	r.mu.Unlock()
	if strings.Contains(text, "panic!") {
		var none *router.Verdict
		_ = none.Label
	}
	if r.gate != nil {
		select {
		case <-r.gate:
		case <-ctx.Done():
			return router.Reading{}, ctx.Err()
		}
	}
	if r.delay > 0 {
		select {
		case <-time.After(r.delay):
		case <-ctx.Done():
			return router.Reading{}, ctx.Err()
		}
	}
	out := router.Reading{
		Intent: []router.Category{{Name: "math", P: 0.9}, {Name: "other", P: 0.1}},
		Guard:  &router.Verdict{Score: 0.01, Label: "benign"},
		PII:    []router.Span{}, Tokens: len(strings.Fields(text)) + 2, Windows: 1,
	}
	if strings.Contains(text, "attack") {
		out.Guard = &router.Verdict{Score: 0.99, Label: "jailbreak"}
	}
	for from := 0; ; {
		at := strings.IndexByte(text[from:], '@')
		if at < 0 {
			break
		}
		at += from
		start := strings.LastIndexAny(text[:at], " \n\"") + 1
		end := at + len(text[at:])
		if n := strings.IndexAny(text[at:], " \n\","); n >= 0 {
			end = at + n
		}
		out.PII = append(out.PII, router.Span{Start: start, End: end, Type: "EMAIL_ADDRESS", Score: 0.99, By: "pattern"})
		from = end
	}
	return out, nil
}

func (r *reader) Embed(_ context.Context, text string, dst []float32) ([]float32, error) {
	return append(dst, float32(len(text)), 0.5, -1, 0), nil
}

func (r *reader) Tokenize(text string, special bool) ([]web.Token, error) {
	return make([]web.Token, len(strings.Fields(text))+2), nil
}

func (r *reader) Models() []web.Model {
	return []web.Model{
		{Name: "intent-1", Task: "intent", Precision: r.precision, Labels: []string{"math", "other"}},
		{Name: "guard-1", Task: "jailbreak", Labels: []string{"benign", "jailbreak"}},
		{Name: "pii-1", Task: "pii", Labels: []string{"EMAIL_ADDRESS"}},
		{Name: "embed-1", Task: "embedding", Hidden: 4},
	}
}

func (r *reader) seen() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.texts)
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server under test.
type running struct {
	*Server
	t      *testing.T
	addr   string
	log    *lockedBuffer
	reader *reader
	client *http.Client
	ended  chan error
	once   sync.Once
}

// start serves c, or the default, on a free port until the test ends.
func start(t *testing.T, c *config.Config, r *reader, extra ...web.Route) *running {
	t.Helper()
	return startWith(t, c, r, nil, extra...)
}

// startWith is start with decoders.
func startWith(t *testing.T, c *config.Config, r *reader, d web.Decoders, extra ...web.Route) *running {
	t.Helper()
	if c == nil {
		c = config.Default()
	}
	c.Listen = "127.0.0.1:0"
	if r == nil {
		r = &reader{}
	}
	log := &lockedBuffer{}
	s, err := New(Options{
		Config: c, Classifier: r, Decoders: d, Version: "test", Routes: extra,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	run := &running{Server: s, t: t, addr: ln.Addr().String(), log: log, reader: r, ended: make(chan error, 1)}
	run.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: 20 * time.Second}
	go func() { run.ended <- s.Serve(ln) }()
	t.Cleanup(func() { run.stop(5 * time.Second) })
	return run
}

// stop drains the server for at most patience.
func (r *running) stop(patience time.Duration) {
	r.once.Do(func() {
		r.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			r.t.Errorf("shutdown: %v", err)
		}
		if err := <-r.ended; err != nil {
			r.t.Errorf("serve: %v", err)
		}
	})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	closes bool // the connection
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

func (r *running) do(method, path, body string, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://"+r.addr+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data), resp.Close}
}

func (r *running) post(path, body string, headers ...string) answer {
	r.t.Helper()
	return r.do("POST", path, body, headers...)
}

// raw sends bytes and reads one answer.
func (r *running) raw(request string) answer {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	go c.Write([]byte(request)) // the server may answer, and close, before the end
	return readAnswer(r.t, bufio.NewReader(c))
}

func readAnswer(t *testing.T, b *bufio.Reader) answer {
	t.Helper()
	resp, err := http.ReadResponse(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(data), resp.Close}
}

func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// A chat is asked about as it would be sent, or without naming a model.
func TestRouteMessages(t *testing.T) {
	r := start(t, gatewayConfig(newMock(t, whole("not asked")), config.OpenAI), nil)
	for more, want := range map[string]string{
		`,"cost_quality_tradeoff":0`:                            "best",
		`,"cost_quality_tradeoff":10`:                           "cheap",
		`,"mom":{"cost_quality_tradeoff":10}`:                   "cheap",
		`,"cost_quality_tradeoff":0,"excluded_models":["b*"]`:   "cheap",
		`,"cost_quality_tradeoff":10,"allowed_models":["best"]`: "best",
		`,"model":"best"`:                                       "best",
	} {
		a := r.post("/v1/route", `{"messages":[{"role":"user","content":"hello"}]`+more+`}`)
		if a.status != 200 || a.header.Get("x-vsr-selected-model") != want {
			t.Errorf("%s: %d, model %q, want %s: %s", more, a.status, a.header.Get("x-vsr-selected-model"), want, a.body)
		}
	}
	if a := r.post("/v1/route", `{"messages":[{"role":"user","content":"hello"}],"cost_quality_tradeoff":11}`); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestRoute(t *testing.T) {
	r := start(t, nil, nil)
	a := r.post("/v1/route", `{"input":"Grüße an bob@example.org und Eva"}`, "Content-Type", "application/x-www-form-urlencoded", "x-request-id", "my-1.a_B")
	if a.status != 200 || a.header.Get("x-request-id") != "my-1.a_B" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var got struct {
		ID, Object, Model, Category string
		RequestID                   string `json:"request_id"`
		Reasons                     []router.Reason
		Signals                     struct {
			PII []struct {
				Start, End int
				Label      string
			}
			Guard struct{ Label string }
		}
		Latency map[string]float64 `json:"latency_ms"`
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.ID, "dec_") || got.Object != "routing.decision" || got.RequestID != "my-1.a_B" || got.Model == "" || got.Category != "math" || len(got.Reasons) == 0 {
		t.Fatalf("%+v", got)
	}
	// Code points, not bytes: ü and ß come before.
	if p := got.Signals.PII; len(p) != 1 || p[0].Start != 9 || p[0].End != 24 || p[0].Label != "EMAIL_ADDRESS" {
		t.Fatalf("%+v", p)
	}
	if got.Signals.Guard.Label != "benign" || len(got.Latency) != 4 {
		t.Fatalf("%+v", got)
	}
	for _, h := range []string{"x-mom-decision-id", "x-mom-model", "x-mom-recipe", "x-mom-category", "x-mom-confidence", "x-vsr-selected-model", "x-vsr-selected-category"} {
		if a.header.Get(h) == "" {
			t.Errorf("no header %s", h)
		}
	}
	if n := r.reader.seen(); n != 1 {
		t.Fatalf("%d readings", n)
	}
	r.post("/v1/route", `{"input":"Grüße an bob@example.org und Eva"}`)
	if n := r.reader.seen(); n != 1 {
		t.Fatal("a text that was seen before was read again")
	}
}

func TestRouteRefuses(t *testing.T) {
	r := start(t, nil, nil)
	for _, c := range []struct {
		name, body string
		status     int
		message    string
	}{
		{"nothing", `{}`, 400, "neither input nor messages"},
		{"both", `{"input":"a","messages":[]}`, 400, "give one"},
		{"no JSON", `input=x`, 400, "not JSON"},
		{"empty body", ``, 400, "empty"},
		{"tokens", `{"input":[1,2]}`, 400, "arrays of tokens"},
		{"unknown model", `{"input":"a","model":"gpt-nine"}`, 404, "no such model"},
		{"twice", `{"input":"a","input":"b"}`, 400, "twice"},
		{"case", `{"Input":"a"}`, 400, "case sensitive"},
		{"tradeoff", `{"input":"a","cost_quality_tradeoff":11}`, 400, "0 to 10"},
		{"deep", `{"input":"a","messages":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, 400, "deeper"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.post("/v1/route", c.body)
			e, _ := a.json(t)["error"].(map[string]any)
			if a.status != c.status || !strings.Contains(fmt.Sprint(e["message"]), c.message) {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for _, k := range []string{"message", "type", "param", "code"} {
				if _, ok := e[k]; !ok {
					t.Errorf("no %s in %s", k, a.body)
				}
			}
		})
	}
	if a := r.do("GET", "/v1/route", ""); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("%d %s", a.status, a.header.Get("Allow"))
	}
	if a := r.do("GET", "/nothing/here", ""); a.status != 404 {
		t.Errorf("%d", a.status)
	}
}

func TestEmbeddings(t *testing.T) {
	r := start(t, nil, nil)
	a := r.post("/v1/embeddings", `{"model":"embed-1","input":["ab","abc"]}`)
	if a.status != 200 || !strings.Contains(a.body, `"embedding":[3,0.5,-1,0]`) || !strings.Contains(a.body, `"index":1`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a = r.post("/v1/embeddings", `{"model":"embed-1","input":"ab","encoding_format":"base64","dimensions":4}`)
	if a.status != 200 || !strings.Contains(a.body, `"embedding":"AAAAQAAAAD8AAIC/AAAAAA=="`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for body, message := range map[string]string{
		`{"model":"embed-1","input":"a","dimensions":2}`:          "cannot be changed",
		`{"model":"embed-1","input":[[1,2]]}`:                     "arrays of tokens",
		`{"model":"embed-1","input":[1,2]}`:                       "arrays of tokens",
		`{"model":"embed-1","input":""}`:                          "empty",
		`{"model":"embed-1","input":[]}`:                          "want 1 to",
		`{"model":"embed-1"}`:                                     "missing",
		`{"model":"embed-1","input":"a","encoding_format":"hex"}`: "float or base64",
		`{"input":"a"}`:                                           "embed-1",
		`{"model":"text-embedding-9","input":"a"}`:                "no such model",
	} {
		if a := r.post("/v1/embeddings", body); a.status/100 != 4 || !strings.Contains(a.body, message) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

func TestModerations(t *testing.T) {
	r := start(t, nil, nil)
	a := r.post("/v1/moderations", `{"input":["hello","an attack by eve@example.org"]}`)
	var got moderationAnswer
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || len(got.Results) != 2 {
		t.Fatalf("%d %s %v", a.status, a.body, err)
	}
	if got.Results[0].Flagged || !got.Results[1].Flagged || !got.Results[1].Categories["jailbreak"] || !got.Results[1].Categories["pii/EMAIL_ADDRESS"] || got.Results[1].Scores["jailbreak"] != 0.99 {
		t.Fatalf("%s", a.body)
	}
	if len(got.Results[0].Applied["hate"]) != 0 || len(got.Results[0].Applied["jailbreak"]) != 1 {
		t.Fatal("what was judged is told wrongly")
	}
	a = r.post("/v1/moderations", `{"input":[{"type":"text","text":"hello"},{"type":"text","text":"attack"}]}`)
	if !strings.Contains(a.body, `"flagged":true`) || strings.Count(a.body, `"flagged"`) != 1 {
		t.Fatalf("%s", a.body)
	}
	if a = r.post("/v1/moderations", `{"input":[{"type":"image_url","image_url":{"url":"x"}}]}`); a.status != 400 || !strings.Contains(a.body, "images") {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestModels(t *testing.T) {
	r := start(t, nil, nil)
	if a := r.do("GET", "/v1/models", ""); !strings.Contains(a.body, `{"id":"auto","object":"model","created":`) || !strings.Contains(a.body, `"embed-1"`) {
		t.Fatal(a.body)
	}
	if a := r.do("GET", "/v1/models/auto", ""); a.status != 200 {
		t.Fatal(a.body)
	}
	if a := r.do("GET", "/v1/models/org/none", "", "anthropic-version", "2023-06-01"); a.status != 404 || !strings.Contains(a.body, `"not_found_error"`) {
		t.Fatal(a.body)
	}
	if a := r.do("GET", "/v1/models", "", "anthropic-version", "2023-06-01"); !strings.Contains(a.body, `"type":"model"`) || !strings.Contains(a.body, `"has_more":false`) {
		t.Fatal(a.body)
	}
}
