package playground

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/state"
	"mom/server/web"
)

// call asks the handler of a route.
func call(t *testing.T, o Options, uri string, headers ...string) *fasthttp.Response {
	t.Helper()
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("http://localhost" + uri)
	for i := 0; i < len(headers); i += 2 {
		ctx.Request.Header.Set(headers[i], headers[i+1])
	}
	path := string(ctx.Path())
	for _, r := range Routes(o) {
		if r.Path == path && r.Method == "GET" {
			r.Handle(&ctx)
			return &ctx.Response
		}
	}
	t.Fatalf("no route %s", path)
	return nil
}

var (
	inStyle  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	inScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
)

func TestPage(t *testing.T) {
	r := call(t, Options{}, "/")
	html := string(r.Body())
	csp := string(r.Header.Peek("Content-Security-Policy"))
	if r.StatusCode() != 200 || string(r.Header.ContentType()) != "text/html; charset=utf-8" || !strings.HasPrefix(html, "<!doctype html>") {
		t.Fatalf("%d %s", r.StatusCode(), r.Header.ContentType())
	}
	for name, re := range map[string]*regexp.Regexp{"style-src": inStyle, "script-src": inScript} {
		found := re.FindAllStringSubmatch(html, -1)
		if len(found) != 1 {
			t.Fatalf("%d elements for %s, want 1", len(found), name)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if want := name + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s: %s", want, csp)
		}
	}
	for _, never := range []string{"unsafe", "*", "http:", "https:"} {
		if strings.Contains(csp, never) {
			t.Errorf("the policy allows %s: %s", never, csp)
		}
	}
	for _, want := range []string{"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
		if got := string(r.Header.Peek(name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Nothing is fetched from elsewhere, nothing runs from markup, and no text
// becomes markup.
func TestPageIsClosed(t *testing.T) {
	html := string(newPage().html)
	for name, never := range map[string]string{
		"an address":           `https?://`,
		"an event handler":     `(?i)<[^>]+\son[a-z]+\s*=`,
		"a style attribute":    `(?i)<[^>]+\sstyle\s*=`,
		"a way to make markup": `innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|srcdoc|javascript:`,
		"an import":            `@import|\bimport\(|importScripts|url\(`,
		"a key that stays":     `localStorage\.setItem\([^)]*key`,
		"a placeholder":        `\{\{`,
	} {
		for _, found := range regexp.MustCompile(never).FindAllString(html, -1) {
			at := strings.Index(html, found)
			around := html[max(0, at-40):min(len(html), at+60)]
			if strings.Contains(around, "http://www.w3.org/2000/svg") { // a name, not an address
				continue
			}
			t.Errorf("the page holds %s: …%s…", name, around)
		}
	}
	if body := inScript.FindStringSubmatch(html)[1]; strings.Contains(body, "</") || strings.Contains(body, "<!--") {
		t.Error("the script ends early")
	}
	if n := len(newPage().zipped); n > 40<<10 {
		t.Errorf("the page is %d bytes long, compressed", n)
	}
}

func TestPageEncodings(t *testing.T) {
	plain := call(t, Options{}, "/")
	zipped := call(t, Options{}, "/", "Accept-Encoding", "br, gzip")
	if string(zipped.Header.Peek("Content-Encoding")) != "gzip" {
		t.Fatal("not compressed")
	}
	z, err := gzip.NewReader(bytes.NewReader(zipped.Body()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain.Body()) {
		t.Errorf("the compressed page differs: %v", err)
	}
	again := call(t, Options{}, "/", "If-None-Match", string(plain.Header.Peek("ETag")))
	if again.StatusCode() != 304 || len(again.Body()) != 0 || len(again.Header.Peek("Content-Security-Policy")) == 0 {
		t.Errorf("the same page again: %d", again.StatusCode())
	}
}

func TestAccess(t *testing.T) {
	for _, r := range Routes(Options{}) {
		if want := r.Path == "/"; (r.Access == web.Public) != want {
			t.Errorf("%s: access %v", r.Path, r.Access)
		}
	}
}

// source keeps what it was asked for.
type source struct {
	query  state.Query
	n      int
	tenant *string
	err    error
}

func (s *source) Summary(_ context.Context, q state.Query) (state.Summary, error) {
	s.query, s.tenant = q, q.Tenant
	return state.Summary{Step: 60, Totals: state.Usage{Requests: 3, Blocked: 1, P50: 0.5}, Series: []state.Point{{Time: 7, Routed: 2}}}, s.err
}

func (s *source) Recent(_ context.Context, n int, tenant *string) ([]state.Entry, error) {
	s.n, s.tenant = n, tenant
	d := router.Decision{Action: router.Route, Category: "law", Recipe: "auto", Reasons: []router.Reason{{Detail: "long"}}}
	return []state.Entry{{ID: "dec_1", Time: time.UnixMilli(1500), Tenant: "bob", Model: "small", Decision: d, Latency: state.Latency{Total: 1250 * time.Microsecond}}}, s.err
}

func TestFigures(t *testing.T) {
	src := &source{}
	o := Options{Version: "v1", Source: src}
	r := call(t, o, "/playground/summary?seconds=3600")
	for _, want := range []string{`"enabled":true`, `"version":"v1"`, `"requests":3`, `"step":60`, `"p50_ms":0.5`, `"t":7`, `"routed":2`} {
		if !strings.Contains(string(r.Body()), want) {
			t.Errorf("no %s in %s", want, r.Body())
		}
	}
	if d := time.Since(src.query.Since); d < time.Hour || d > time.Hour+time.Minute || src.query.Step != time.Minute || src.tenant != nil {
		t.Errorf("asked for %+v", src.query)
	}
	if string(r.Header.Peek("Cache-Control")) != "no-store" {
		t.Error("figures may be cached")
	}
	r = call(t, o, "/playground/recent?limit=7")
	want := `{"decisions":[{"id":"dec_1","time":1.5,"action":"route","model":"small","category":"law","recipe":"auto","flags":[],"status":0,"estimated":false,"cost":0,"baseline_cost":0,"ms":1.25}]}`
	if string(r.Body()) != want || src.n != 7 {
		t.Errorf("got %s, want %s", r.Body(), want)
	}
	d := router.Decision{Model: "large", Cost: 2, BestCost: 3, Flags: []string{"jailbreak"}}
	if got := row(&state.Entry{DryRun: true, Decision: d}); !got.Estimated || got.Cost != 2 || got.BaselineCost != 3 || got.Model != "large" || got.Flags[0] != "jailbreak" {
		t.Errorf("a decision without an answer: %+v", got)
	}
	for uri, want := range map[string]string{
		"/playground/summary?seconds=59":     "seconds: want an integer from 60 to 604800",
		"/playground/summary?seconds=604801": "seconds",
		"/playground/summary?seconds=x":      "seconds",
		"/playground/recent?limit=0":         "limit: want an integer from 1 to 200",
		"/playground/recent?limit=":          "limit",
	} {
		if r := call(t, o, uri); r.StatusCode() != 400 || !strings.Contains(string(r.Body()), want) {
			t.Errorf("%s: %d %s", uri, r.StatusCode(), r.Body())
		}
	}
	src.err = errors.New("database is locked")
	for _, uri := range []string{"/playground/summary", "/playground/recent"} {
		r := call(t, o, uri)
		if r.StatusCode() != 503 || strings.Contains(string(r.Body()), "locked") || len(r.Header.Peek("Retry-After")) == 0 {
			t.Errorf("%s: %d %s", uri, r.StatusCode(), r.Body())
		}
	}
	// A client with a key sees its own decisions.
	for _, uri := range []string{"/playground/summary", "/playground/recent"} {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(uri)
		web.Bind(&ctx, context.Background(), "req_1", "alice")
		for _, r := range Routes(o) {
			if r.Path == uri {
				r.Handle(&ctx)
			}
		}
		if src.tenant == nil || *src.tenant != "alice" {
			t.Errorf("%s shows alice the decisions of %v", uri, src.tenant)
		}
	}
}

func TestNotKept(t *testing.T) {
	for name, o := range map[string]Options{"no source": {}, "off": {Source: &source{err: state.ErrOff}}} {
		r := call(t, o, "/playground/summary")
		if body := string(r.Body()); r.StatusCode() != 200 || !strings.Contains(body, `"enabled":false`) || !strings.Contains(body, `"series":[]`) {
			t.Errorf("%s: %d %s", name, r.StatusCode(), body)
		}
		if r := call(t, o, "/playground/recent"); r.StatusCode() != 200 || !strings.Contains(string(r.Body()), `"decisions":[`) {
			t.Errorf("%s: %d %s", name, r.StatusCode(), r.Body())
		}
	}
}
