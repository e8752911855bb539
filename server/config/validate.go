package config

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A finding is something about a value: what is wrong with it, or a warning.
type finding struct{ path, what string }

// A checker collects findings.
type checker struct {
	c    *Config
	list []finding
}

func (k *checker) add(path, format string, args ...any) {
	k.list = append(k.list, finding{path, fmt.Sprintf(format, args...)})
}

// Validate checks a complete configuration again, after a program changed it.
// The error is Problems.
func (c *Config) Validate() error {
	var out Problems
	for _, f := range c.check() {
		s := c.source(f.path)
		out = append(out, Problem{File: c.file, Line: s.Line, Column: s.Column, Key: f.path, What: f.what})
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// check is what a single value cannot tell: names that must exist or be
// different, values that need each other.
func (c *Config) check() []finding {
	k := &checker{c: c}
	k.listeners()
	k.auth()
	k.decoders()
	k.upstreams()
	k.models()
	k.stores()
	k.policy()
	return k.list
}

func (k *checker) listeners() {
	c := k.c
	if c.Listen == "off" {
		k.add("listen", `"off": want host:port, unix:/path or systemd`)
	}
	if c.Admin.Listen == "systemd" {
		k.add("admin.listen", `"systemd": want host:port, unix:/path or off`)
	}
	if c.Listen == c.Admin.Listen && !strings.HasSuffix(string(c.Listen), ":0") {
		path, other := "admin.listen", "listen"
		if _, given := c.sources[path]; !given {
			path, other = other, path
		}
		k.add(path, "%q is the same as %s; want another port", string(c.Listen), other)
	}
	switch t := c.TLS; {
	case t.CertFile == "" && t.KeyFile == "":
	case t.KeyFile == "":
		k.add("tls.cert_file", "needs tls.key_file")
	case t.CertFile == "":
		k.add("tls.key_file", "needs tls.cert_file")
	default:
		if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			k.add("tls.cert_file", "certificate and key cannot be used: %v", err)
		}
	}
}

func (k *checker) auth() {
	a := &k.c.Auth
	names, digests := map[string]int{}, map[Digest]int{}
	for i, key := range a.Keys {
		path := fmt.Sprintf("auth.keys[%d]", i)
		k.unique(names, key.Name, i, path+".name")
		if j, twice := digests[key.SHA256]; twice {
			k.add(path, "is the same key as auth.keys[%d]; each client needs its own", j)
		}
		digests[key.SHA256] = i
		for j, m := range key.Models {
			if !k.c.someModel(m) {
				k.add(fmt.Sprintf("%s.models[%d]", path, j), "%s matches no model and no recipe; there are %s", quote(m), strings.Join(k.c.names(), ", "))
			}
		}
	}
	if k.c.AuthOn() && len(a.Keys) == 0 {
		if a.Mode == On {
			k.add("auth.mode", "is on, but auth.keys lists no key")
			return
		}
		k.add("listen", "%q can be reached from other machines, so auth.keys needs a key; auth.mode: off serves everybody who can connect", string(k.c.Listen))
	}
}

// AuthOn reports whether clients need a key.
func (c *Config) AuthOn() bool {
	return c.Auth.Mode == On || c.Auth.Mode != Off && !c.Listen.Local()
}

// unique refuses a name that stands twice.
func (k *checker) unique(seen map[string]int, name string, i int, path string) {
	if j, twice := seen[name]; twice {
		k.add(path, "%s is already the name of number %d of the list", quote(name), j+1)
		return
	}
	seen[name] = i
	if strings.TrimSpace(name) != name || strings.ContainsAny(name, "\r\n\t") {
		k.add(path, "%s begins or ends with a space, or holds a line break", quote(name))
	}
}

func (k *checker) upstreams() {
	names := map[string]int{}
	for i := range k.c.Upstreams {
		u := &k.c.Upstreams[i]
		path := fmt.Sprintf("upstreams[%d]", i)
		k.unique(names, u.Name, i, path+".name")
		switch {
		case u.Kind == Local:
		case u.BaseURL != "":
			k.add(path+".base_url", "stands beside replicas; want one of them")
		case len(u.Replicas) == 0:
			k.add(path, "want base_url, or replicas with a base_url each")
		}
		places := map[string]int{}
		for j, r := range u.Replicas {
			at := fmt.Sprintf("%s.replicas[%d].base_url", path, j)
			k.baseURL(at, r.BaseURL)
			if _, twice := places[r.BaseURL]; twice {
				k.add(at, "%s stands twice; give it a weight instead", quote(r.BaseURL))
			}
			places[r.BaseURL] = j
		}
		if p := u.Health.Path; p != "" && (!strings.HasPrefix(p, "/") || strings.ContainsAny(p, " #\r\n")) {
			k.add(path+".health.path", "%s: want a path that begins with /", quote(p))
		}
		if u.Retries.MaxBackoff < u.Retries.Backoff {
			k.add(path+".retries.max_backoff", "is shorter than retries.backoff, %s", formatDuration(u.Retries.Backoff))
		}
		for name, value := range u.Headers {
			k.header(path+".headers."+name, name, string(value))
		}
	}
}

// baseURL checks the form of an upstream's URL. What stands before an @ or after
// a ? may be a secret, so that the message does not show the URL.
func (k *checker) baseURL(path, s string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		k.add(path, "want a URL such as https://api.openai.com/v1")
	case u.User != nil:
		k.add(path, "holds a user and password; put them in headers or api_key")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		k.add(path, "holds a ? or a #; want a URL up to the version, such as https://api.openai.com/v1")
	}
}

// fixed are the headers that the server itself writes.
var fixed = []string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Accept-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive"}

func (k *checker) header(path, name, value string) {
	const letters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if name == "" || strings.Trim(name, letters) != "" {
		k.add(path, "is no name of a header")
	}
	if slices.ContainsFunc(fixed, func(f string) bool { return strings.EqualFold(f, name) }) {
		k.add(path, "is written by the server itself")
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		k.add(path, "holds a control character")
	}
}

func (k *checker) models() {
	upstreams := map[string]bool{}
	var known []string
	for _, u := range k.c.Upstreams {
		upstreams[u.Name] = true
		known = append(known, u.Name)
	}
	for i, m := range k.c.Models {
		seen := map[string]int{}
		for j, r := range m.Upstreams {
			path := fmt.Sprintf("models[%d].upstreams[%d]", i, j)
			if !upstreams[r.Name] {
				k.missing(path+".name", r.Name, "upstream", known)
			}
			if n, twice := seen[r.Name+"\x00"+r.Model]; twice {
				k.add(path, "is the same as number %d of the list; give that a weight instead", n+1)
			}
			seen[r.Name+"\x00"+r.Model] = j
		}
	}
}

func (k *checker) missing(path, name, what string, known []string) {
	switch n := near(name, known); {
	case len(known) == 0:
		k.add(path, "%s is no %s; the file lists none", quote(name), what)
	case n != "":
		k.add(path, "%s is no %s; did you mean %s?", quote(name), what, n)
	default:
		k.add(path, "%s is no %s; there are %s", quote(name), what, strings.Join(known, ", "))
	}
}

func (k *checker) stores() {
	c := k.c
	if c.Redis.On() {
		u, err := url.Parse(string(c.Redis.URL))
		if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix" {
			k.add("redis.url", "want redis://user:password@host:port/db, rediss:// for TLS, or unix:///path")
		}
	}
}

// matches reports whether a name fits a pattern in which * stands for any text.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, p)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func (c *Config) someModel(pattern string) bool {
	return strings.Trim(pattern, "*") == "" && pattern != "" || slices.ContainsFunc(c.names(), func(n string) bool { return matches(pattern, n) })
}
