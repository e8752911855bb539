package server

import (
	"strings"
	"testing"

	"mom/server/config"
	"mom/server/web"
)

const testKey = "sk-test-0123456789abcdef"

func withKeys() *config.Config {
	c := config.Default()
	c.Auth.Mode = config.On
	c.Auth.Keys = []config.Key{
		{Name: "alice", SHA256: config.DigestOf(testKey)},
		{Name: "bob", SHA256: config.DigestOf("sk-bob-0123456789abcdef"), Models: []string{"sma*"}},
	}
	return c
}

// TestAuthOnEveryRoute asks every line of the route table without a key.
func TestAuthOnEveryRoute(t *testing.T) {
	r := start(t, withKeys(), nil)
	public := 0
	for _, route := range r.Routes() {
		path := strings.NewReplacer("{model}", "x", "{id}", "x").Replace(route.Path)
		if route.Access == web.Public {
			public++
			continue
		}
		for _, headers := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"x-api-key", "wrong"}, {"Authorization", testKey}, {"Authorization", "Basic " + testKey}} {
			a := r.do(route.Method, path, `{}`, headers...)
			if a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s with %q: %d %s", route.Method, route.Path, headers, a.status, a.body)
			}
			if route.Dialect == web.Anthropic && !strings.HasPrefix(a.body, `{"type":"error","error":{"type":"authentication_error"`) {
				t.Errorf("%s: %s", route.Path, a.body)
			}
		}
		if a := r.do(route.Method, path, `{}`, "Authorization", "Bearer "+testKey); a.status == 401 {
			t.Errorf("%s %s with a key: 401", route.Method, route.Path)
		}
	}
	for _, route := range r.Routes() {
		if route.Access == web.Public && route.Method != "GET" {
			t.Errorf("%s %s is public", route.Method, route.Path)
		}
	}
	if public < 2 {
		t.Errorf("%d public routes; want health and readiness at least", public)
	}
	if log := r.log.String(); strings.Contains(log, testKey) || !strings.Contains(log, "client=alice") {
		t.Error("the log has the key, or not the client's name")
	}
}

func TestKeys(t *testing.T) {
	r := start(t, withKeys(), nil)
	for _, headers := range [][]string{{"Authorization", "Bearer " + testKey}, {"authorization", "bearer  " + testKey}, {"x-api-key", testKey}} {
		if a := r.post("/v1/route", `{"input":"a"}`, headers...); a.status != 200 {
			t.Errorf("%q: %d %s", headers, a.status, a.body)
		}
	}
	bob := []string{"x-api-key", "sk-bob-0123456789abcdef"}
	if a := r.post("/v1/route", `{"input":"a"}`, bob...); a.status != 404 {
		t.Errorf("bob may not ask for auto: %d %s", a.status, a.body)
	}
	if a := r.post("/v1/route", `{"input":"a","model":"small"}`, bob...); a.status != 200 {
		t.Errorf("bob may ask for small: %d %s", a.status, a.body)
	}
	if a := r.do("GET", "/v1/models", "", bob...); strings.Contains(a.body, `"auto"`) {
		t.Errorf("bob sees %s", a.body)
	}
}

func TestAuthMode(t *testing.T) {
	for _, c := range []struct {
		listen config.Address
		mode   config.Switch
		on     bool
	}{
		{"127.0.0.1:1", config.Auto, false}, {"[::1]:1", config.Auto, false}, {"localhost:1", config.Auto, false}, {"unix:/x", config.Auto, false},
		{":1", config.Auto, true}, {"0.0.0.0:1", config.Auto, true}, {"10.0.0.1:1", config.Auto, true}, {"systemd", config.Auto, true},
		{"127.0.0.1:1", config.On, true}, {":1", config.Off, false},
	} {
		cfg := config.Default()
		cfg.Listen, cfg.Auth.Mode = c.listen, c.mode
		if k := newKeyring(cfg); k.on != c.on {
			t.Errorf("%s, %s: on is %v", c.listen, c.mode, k.on)
		}
	}
}

// TestForeignPages are requests that a web page of another site can make a
// browser send to a server without keys.
func TestForeignPages(t *testing.T) {
	r := start(t, nil, nil)
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Origin", "https://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Origin", "http://" + r.addr}, 200},
		{[]string{"Origin", "http://" + r.addr, "Sec-Fetch-Site", "same-origin"}, 200},
		{nil, 200},
	} {
		if a := r.post("/v1/route", `{"input":"a"}`, c.headers...); a.status != c.status {
			t.Errorf("%q: %d, want %d", c.headers, a.status, c.status)
		}
	}
	a := r.raw("POST /v1/route HTTP/1.1\r\nHost: evil.example:8080\r\nOrigin: http://evil.example:8080\r\nContent-Length: 13\r\n\r\n{\"input\":\"a\"}")
	if a.status != 403 {
		t.Errorf("a name that was made to resolve to this machine: %d", a.status)
	}
}
