package playground

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

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
	since time.Time
	step  time.Duration
	n     int
	err   error
}

func (s *source) Summary(_ context.Context, since time.Time, step time.Duration) (Summary, error) {
	s.since, s.step = since, step
	half := 0.5
	return Summary{Totals: Totals{Requests: 3, Blocked: 1, Cost: 0.25, BaselineCost: 1, P50: &half}, Series: []Point{{Time: 7, Routed: 2}}}, s.err
}

func (s *source) Recent(_ context.Context, n int) ([]Decision, error) {
	s.n = n
	return []Decision{{ID: "dec_1", Action: "route", Model: "small"}}, s.err
}

func TestFigures(t *testing.T) {
	src := &source{}
	o := Options{Version: "v1", Source: src}
	var sum summaryAnswer
	r := call(t, o, "/playground/summary?seconds=3600")
	if err := json.Unmarshal(r.Body(), &sum); err != nil || !sum.Enabled || sum.Totals.Requests != 3 || *sum.Totals.P50 != 0.5 || sum.Totals.P99 != nil || sum.Step != 60 || sum.Version != "v1" {
		t.Fatalf("%v: %s", err, r.Body())
	}
	if d := time.Since(src.since); d < time.Hour || d > time.Hour+time.Minute || src.step != time.Minute {
		t.Errorf("asked for the last %v in steps of %v", d, src.step)
	}
	if string(r.Header.Peek("Cache-Control")) != "no-store" {
		t.Error("figures may be cached")
	}
	r = call(t, o, "/playground/recent?limit=7")
	var recent recentAnswer
	if err := json.Unmarshal(r.Body(), &recent); err != nil || src.n != 7 || len(recent.Decisions) != 1 || recent.Decisions[0].ID != "dec_1" {
		t.Fatalf("%v: %s", err, r.Body())
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
}

func TestNoSource(t *testing.T) {
	for uri, want := range map[string]string{"/playground/summary": `"series":[]`, "/playground/recent": `"decisions":[]`} {
		r := call(t, Options{}, uri)
		if r.StatusCode() != 200 || !strings.Contains(string(r.Body()), `"enabled":false`) || !strings.Contains(string(r.Body()), want) {
			t.Errorf("%s: %d %s", uri, r.StatusCode(), r.Body())
		}
	}
}
