package compat

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"mom/server/web"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// These end by themselves, up to 10 s after the servers of the tests.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// service is the routes on a socket.
type service struct {
	t     testing.TB
	base  string
	rules *rules
	docs  map[string]validator.Validator
}

func start(t testing.TB, change func(*Options)) *service {
	t.Helper()
	c := &rules{vocab: map[int32]string{}}
	o := Options{
		Classifier: c, Decide: c.decide, Decode: c.decode, Version: "1.2.3", MaxBatch: 8, Parallel: 4,
		Recipes: func() []string { return []string{"auto"} },
		Metrics: func(ctx *fasthttp.RequestCtx) { ctx.SetContentType("text/plain"); ctx.SetBodyString("up 1\n") },
	}
	if change != nil {
		change(&o)
	}
	routes := Routes(o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &fasthttp.Server{Handler: handler(routes), CloseOnShutdown: true}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		srv.Shutdown()
		ln.Close() // a test that skips at once may end before Serve has begun, which Shutdown would not stop
		if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return &service{t: t, base: "http://" + ln.Addr().String(), rules: c, docs: map[string]validator.Validator{}}
}

// handler finds routes as the gateway does, which recovers panics too.
func handler(routes []web.Route) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		defer func() {
			if recover() != nil {
				ctx.Response.Reset()
				ctx.SetStatusCode(500)
			}
		}()
		got := strings.Split(string(ctx.Path()), "/")
	next:
		for _, r := range routes {
			want := strings.Split(r.Path, "/")
			if r.Method != string(ctx.Method()) || len(want) != len(got) {
				continue
			}
			for i, part := range want {
				if strings.HasPrefix(part, "{") {
					ctx.SetUserValue(strings.Trim(part, "{}"), got[i])
				} else if part != got[i] {
					continue next
				}
			}
			r.Handle(ctx)
			return
		}
		ctx.SetStatusCode(404)
	}
}

// protocolDir has the published documents of the interfaces: it lies beside the
// repository, or where MOM_PROTOCOLS says.
func protocolDir() string {
	if dir := os.Getenv("MOM_PROTOCOLS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared", "protocols")
}

// document is the validator of a published document; nil where it is absent.
func (s *service) document(name string) validator.Validator {
	s.t.Helper()
	if v, ok := s.docs[name]; ok {
		return v
	}
	data, err := os.ReadFile(filepath.Join(protocolDir(), name))
	if err != nil {
		s.t.Logf("answers are not checked against %s, which is not there; MOM_PROTOCOLS names its folder", name)
		s.docs[name] = nil
		return nil
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			s.t.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			s.t.Fatal(err)
		}
	}
	doc, err := libopenapi.NewDocument(corrected(name, data))
	if err != nil {
		s.t.Fatal(name, err)
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		s.t.Fatal(name, errs)
	}
	s.docs[name] = v
	return v
}

// corrected mends where a document contradicts its own examples and the
// program that it describes.
func corrected(name string, data []byte) []byte {
	text := string(data)
	switch name {
	case "tei-openapi.json": // types of errors are in lower case
		for _, e := range []string{"Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"} {
			text = strings.ReplaceAll(text, `"`+e+`"`, `"`+strings.ToLower(e)+`"`)
		}
	case "presidio-api.yml": // what is not known of a finding is null
		text = strings.ReplaceAll(text, "            analysis_explanation:\n              $ref: \"#/components/schemas/AnalysisExplanation\"",
			"            analysis_explanation:\n              nullable: true\n              allOf:\n                - $ref: \"#/components/schemas/AnalysisExplanation\"")
		for _, field := range []string{"pattern_name", "pattern", "textual_explanation"} {
			text = strings.Replace(text, "        "+field+":\n          type: string", "        "+field+":\n          nullable: true\n          type: string", 1)
		}
		inJSON, err := yaml.YAMLToJSON([]byte(text)) // the validator loses some of its schemas in YAML
		if err != nil {
			panic(err)
		}
		return inJSON
	}
	return []byte(text)
}

// exchange sends a request and returns the answer. It is checked against doc
// unless that is "", the request too when the answer is 200.
func (s *service) exchange(doc, method, path, body string) (int, http.Header, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		s.t.Fatal(err)
	}
	if doc != "" {
		s.validate(doc, req, body, resp, data)
	}
	return resp.StatusCode, resp.Header, string(data)
}

func (s *service) validate(doc string, req *http.Request, body string, resp *http.Response, data []byte) {
	s.t.Helper()
	v := s.document(doc)
	if v == nil {
		return
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	req.Body = io.NopCloser(strings.NewReader(body))
	if resp.StatusCode == 200 {
		req.Header.Set("Authorization", "Bearer key") // the documents ask for it
		if ok, errs := v.ValidateHttpRequestSync(req); !ok {
			for _, e := range errs {
				s.t.Errorf("%s %s: the request is not one of %s: %s: %s", req.Method, req.URL.Path, doc, e.Message, e.Reason)
			}
		}
		req.Body = io.NopCloser(strings.NewReader(body))
	}
	if ok, errs := v.ValidateHttpResponse(req, resp); !ok {
		for _, e := range errs {
			s.t.Errorf("%s %s: the answer %d is not one of %s: %s: %s %v", req.Method, req.URL.Path, resp.StatusCode, doc, e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
}

// same fails when JSON texts differ; numbers may by 1e-6. "*" in want stands
// for any value.
func same(t testing.TB, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("got %s: %v", got, err)
		return
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(want, err)
	}
	if !equal(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func equal(g, w any) bool {
	switch w := w.(type) {
	case string:
		return w == "*" || g == w
	case float64:
		n, ok := g.(float64)
		return ok && math.Abs(n-w) <= 1e-6
	case []any:
		list, ok := g.([]any)
		if !ok || len(list) != len(w) {
			return false
		}
		for i := range w {
			if !equal(list[i], w[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		m, ok := g.(map[string]any)
		if !ok || len(m) != len(w) {
			return false
		}
		for k := range w {
			if _, have := m[k]; !have || !equal(m[k], w[k]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(g, w)
}

// example is a request with the answer to it.
type example struct {
	name, path, body string
	status           int
	want             string
}

// run sends examples by POST, or by GET where there is no body.
func (s *service) run(doc string, list []example) {
	t, ok := s.t.(*testing.T)
	if !ok {
		s.t.Fatal("run needs a test")
	}
	for _, e := range list {
		t.Run(e.name, func(t *testing.T) {
			in := *s
			in.t = t
			method := http.MethodPost
			if e.body == "" {
				method = http.MethodGet
			}
			status, _, body := in.exchange(doc, method, e.path, e.body)
			if status != e.status {
				t.Fatalf("got %d %s", status, body)
			}
			if e.want != "" {
				same(t, body, e.want)
			}
		})
	}
}

// TestHarness checks that wrong answers are seen.
func TestHarness(t *testing.T) {
	s := start(t, nil)
	v := s.document("tei-openapi.json")
	if v == nil {
		t.Skip("the published documents are not there; MOM_PROTOCOLS names their folder")
	}
	for body, want := range map[string]bool{
		`[{"score":1,"label":"a"}]`: true, `[[{"score":1,"label":"a"}]]`: true,
		`[{"score":"1","label":"a"}]`: false, `[{"label":"a"}]`: false, `{}`: false,
	} {
		req, _ := http.NewRequest("POST", s.base+"/predict", nil)
		resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
		if ok, _ := v.ValidateHttpResponse(req, resp); ok != want {
			t.Errorf("%s: valid %v", body, ok)
		}
	}
	for _, c := range []struct{ got, want string }{{`{"a":1}`, `{"a":2}`}, {`[1,2]`, `[1]`}, {`{"a":1}`, `{"b":1}`}, {`"x"`, `"y"`}, {`null`, `"*"`}} {
		var g, w any
		json.Unmarshal([]byte(c.got), &g)
		json.Unmarshal([]byte(c.want), &w)
		if equal(g, w) != (c.want == `"*"`) {
			t.Errorf("%s like %s", c.got, c.want)
		}
	}
}
