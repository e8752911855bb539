package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nothing is an empty environment.
func nothing(string) (string, bool) { return "", false }

func variables(m map[string]string) func(string) (string, bool) {
	return func(n string) (string, bool) { v, ok := m[n]; return v, ok }
}

func must(t *testing.T, text string, env map[string]string) *Config {
	t.Helper()
	c, err := parse("mom.yaml", []byte(text), variables(env))
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, text)
	}
	return c
}

func TestEmptyIsDefault(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "{}", "upstreams:\nlimits:\n  # body: 1MiB\n"} {
		c, err := parse("mom.yaml", []byte(text), nothing)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, want := fmt.Sprintf("%+v", plainly(c)), fmt.Sprintf("%+v", plainly(Default())); got != want {
			t.Errorf("%q:\n%s\nwant the defaults\n%s", text, got, want)
		}
	}
}

// plainly is a copy of a configuration without its sources.
func plainly(c *Config) Config {
	out := *c
	out.file, out.sources = "", nil
	return out
}

const whole = `
listen: "[::1]:9000"
limits: {body: 8MiB, texts: 20, queue_wait: 250ms}
timeouts:
  drain: 0s
  request: 1h30m
auth:
  mode: on
  keys:
    - name: alice
      sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      requests_per_minute: 60
    - name: bob
      key: ${BOB}
      models: ["*"]
upstreams:
  - name: one
    base_url: https://api.openai.com/v1
    api_key: ${ONE}
    headers: {X-Team: "${TEAM:-none}", X-Raw: "$${x}"}
  - name: two
    kind: anthropic
    replicas:
      - base_url: http://10.0.0.1:8000/v1
        weight: 3
      - base_url: http://10.0.0.2:8000/v1
    retries: {max: 0, statuses: [503]}
    timeouts: {first_byte: 5s}
state: {path: data/mom.db, retention: 7d, max_size: 1GiB}
cache: {mode: semantic, threshold: 0.97}
admin: {listen: off}
playground: false
log: {level: debug, format: json}
`

func TestParse(t *testing.T) {
	const bob, one = "bob-key-0123456789", "sk-one-0123456789"
	c := must(t, whole, map[string]string{"BOB": bob, "ONE": one})
	same(t, "listen", c.Listen, "[::1]:9000")
	same(t, "body", c.Limits.Body, 8<<20)
	same(t, "header", c.Limits.Header, Default().Limits.Header)
	same(t, "queue_wait", c.Limits.QueueWait, 250*time.Millisecond)
	same(t, "drain", c.Timeouts.Drain, 0)
	same(t, "request", c.Timeouts.Request, 90*time.Minute)
	same(t, "auth", c.AuthOn(), true)
	same(t, "alice", c.Auth.Keys[0].SHA256, DigestOf("test"))
	same(t, "bob", c.Auth.Keys[1].SHA256, DigestOf(bob))
	same(t, "bob's key", c.Auth.Keys[1].Key, "")
	u := c.Upstreams
	same(t, "kind", u[0].Kind, OpenAI)
	same(t, "api_key", string(u[0].APIKey), one)
	same(t, "place", u[0].Replicas[0], Replica{"https://api.openai.com/v1", 1})
	same(t, "header", string(u[0].Headers["X-Team"]), "none")
	same(t, "header", string(u[0].Headers["X-Raw"]), "${x}")
	same(t, "timeouts of a default", u[0].Timeouts, DefaultUpstream().Timeouts)
	same(t, "kind", u[1].Kind, Anthropic)
	same(t, "weight", u[1].Replicas[0].Weight, 3)
	same(t, "weight of a default", u[1].Replicas[1].Weight, 1)
	same(t, "retries", u[1].Retries.Max, 0)
	same(t, "statuses", len(u[1].Retries.Statuses), 1)
	same(t, "first byte", u[1].Timeouts.FirstByte, 5*time.Second)
	same(t, "connect", u[1].Timeouts.Connect, DefaultUpstream().Timeouts.Connect)
	same(t, "retention", c.State.Retention, 7*24*time.Hour)
	same(t, "state", c.State.Path, "data/mom.db")
	same(t, "cache", c.Cache.Mode, CacheSemantic)
	same(t, "admin", c.Admin.On(), false)
	same(t, "playground", c.Playground, false)
	same(t, "level", c.Log.Level, Debug)
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Each text has the problems listed, in that order, and no other.
func TestProblems(t *testing.T) {
	long := "listen: " + strings.Repeat("x", 100)
	tests := []struct {
		text string
		want []string
	}{
		{"lisen: :80", []string{"1:1: lisen: is no key here; did you mean listen?"}},
		{"frobnicate: 1", []string{"1:1: frobnicate: is no key here; supported: admin, agents, auth, cache,"}},
		{"recipes: [{name: auto, agents: true}]", []string{"1:32: recipes[0].agents: needs agents.path, the folder of the agents"}},
		{"limits:\n  Body: 1MiB\n", []string{"2:3: limits.Body: is no key here; did you mean body?"}},
		{"limits:\n  body: 1MiB\n  body: 2MiB\n", []string{"3:3: limits.body: stands twice; the first is in line 2"}},
		{"limits: {body: much}", []string{`1:16: limits.body: "much": want a size such as 4MiB`}},
		{"limits: {body: 1}", []string{`1:16: limits.body: "1": want 1KiB to 1GiB`}},
		{"limits: {texts: 1.5, tokens: '20', json_depth: []}", []string{
			`1:17: limits.texts: "1.5": want a whole number`,
			"1:30: limits.tokens: want a whole number, not a text; leave the quotes out",
			"1:48: limits.json_depth: want a whole number, not a list",
		}},
		{"limits:\n  queue_wait: 5\n", []string{`2:15: limits.queue_wait: "5": want a duration such as`}},
		{"timeouts: {read: -3s}", []string{`1:18: timeouts.read: "-3s": want a duration`}},
		{"timeouts: {read: 99h}", []string{`1:18: timeouts.read: "99h": want 100ms to 1h`}},
		{"listen: 8080", []string{`1:9: listen: "8080": want host:port`}},
		{"listen: 127.0.0.1:99999", []string{`1:9: listen: "127.0.0.1:99999": the port is a number from 0 to 65535`}},
		{"listen: unix:mom.sock", []string{`1:9: listen: "unix:mom.sock": the path of a unix socket begins with /`}},
		{"listen: off", []string{`1:9: listen: "off": want host:port`}},
		{"listen:", []string{"1:9: listen: has no value; want an address"}},
		{long, []string{`1:9: listen: "` + strings.Repeat("x", 60) + `…": want`}},
		{"listen: 127.0.0.1:8081", []string{`1:9: listen: "127.0.0.1:8081" is the same as admin.listen`}},
		{"listen: 0.0.0.0:8080", []string{`1:9: listen: "0.0.0.0:8080" can be reached from other machines, so auth.keys needs a key`}},
		{"auth: {mode: yes}", []string{`1:14: auth.mode: "yes": want auto, on or off`}},
		{"auth: {mode: true}", []string{`1:14: auth.mode: "true": want auto, on or off`}},
		{"auth: {mode: on}", []string{"1:14: auth.mode: is on, but auth.keys lists no key"}},
		{"auth: {keys: [{key: abcdefghijklmnopq}]}", []string{"1:15: auth.keys[0].name: is missing"}},
		{"playground: on", []string{`1:13: playground: "on": want true or false`}},
		{"playground: 'true'", []string{"1:13: playground: want true or false, not a text"}},
		{"upstreams: openai", []string{"1:12: upstreams: want a list, not a text"}},
		{"upstreams:\n  one: x\n", []string{"2:3: upstreams: want a list, not keys and values"}},
		{"upstreams: [one]", []string{"1:13: upstreams[0]: want keys and values, not a text"}},
		{"upstreams:\n  - name: a\n", []string{"2:5: upstreams[0]: want base_url, or replicas"}},
		{"upstreams:\n  - name: a\n    kind: opnai\n    base_url: http://x/v1", []string{`3:11: upstreams[0].kind: "opnai": want openai, anthropic or local`}},
		{"upstreams:\n  - name: a\n    base_url: x\n", []string{"3:15: upstreams[0].replicas[0].base_url: want a URL such as"}},
		{"upstreams:\n  - {name: a, base_url: 'http://h/v1'}\n  - {name: a, base_url: 'http://h/v1?x=1'}\n", []string{
			`3:12: upstreams[1].name: "a" is already the name of number 1 of the list`,
			"3:25: upstreams[1].replicas[0].base_url: holds a ? or a #",
		}},
		{"upstreams:\n  - {name: a, base_url: 'http://h', headers: {host: x}}", []string{"2:53: upstreams[0].headers.host: is written by the server itself"}},
		{"upstreams:\n  - {name: a, base_url: 'http://h', retries: {statuses: [200]}}", []string{`2:58: upstreams[0].retries.statuses[0]: "200": want 400 to 599`}},
		{"security: {jailbreak: {action: mask}}", []string{`1:32: security.jailbreak.action: "mask": want off, flag or block`}},
		{"security: {pii: {types: {PERSON: {threshold: 2}}}}", []string{
			"1:34: security.pii.types.PERSON.action: is missing",
			`1:46: security.pii.types.PERSON.threshold: "2": want 0 to 1`,
		}},
		{"models: [{name: a, price: {input: -1}}]", []string{`1:35: models[0].price.input: "-1": want 0 or more`}},
		{"models: [{name: a, quality: 0.5}, {name: a}]", []string{`1:42: models[1].name: "a" is also models[0].name`}},
		{"models: [{name: auto}]", []string{`recipes[0].name: "auto" is also models[0].name (that value is a default)`}},
		{"models: [{name: a}]\nrecipes: [{name: x, default: b, domains: [{categories: [law], models: [c]}]}]", []string{
			`2:30: recipes[0].default: "b" is no model; there are a`,
			`2:72: recipes[0].domains[0].models[0]: "c" is no model; there are a`,
		}},
		{"upstreams: [{name: openai, base_url: 'http://h'}]\nmodels: [{name: a, upstreams: [{name: opneai}]}]", []string{
			`2:39: models[0].upstreams[0].name: "opneai" is no upstream; did you mean openai?`,
		}},
		{"redis: {url: 'localhost:6379'}", []string{"1:14: redis.url: want redis://user:password@host:port/db"}},
		{"tls: {cert_file: a.pem}", []string{"1:18: tls.cert_file: needs tls.key_file"}},
		{"log: {level: ${LEVEL}}", []string{"1:"}},
		{"log: {level: \"${LEVEL}\"}", []string{"1:14: log.level: the environment variable LEVEL is not set; set it, or give a default: ${LEVEL:-default}"}},
		{"log: {level: \"${LEVEL:-loud}\"}", []string{`1:14: log.level: "${LEVEL:-loud}" is not valid; want debug, info, warn or error`}},
		{"log: {level: \"${LEV EL}\"}", []string{"1:14: log.level: holds ${ that is neither"}},
		{"- 1", []string{"1:1: want keys and values, not a list"}},
		{"hello", []string{"1:1: want keys and values, not a text"}},
		{"a: [1", []string{"1:4: is not YAML: sequence end token"}},
		{"playground: !!bool true", []string{"1:13: playground: has a tag, and tags are not supported"}},
		{"playground: true\n---\nplayground: false\n", []string{"3:1: is a second document; want one"}},
		{"log: *x", []string{"1:6: log: names no anchor"}},
		{"log: &x\n  level: *x\n", []string{"2:3: log.level: want debug, info, warn or error, not keys and values"}},
		{"? listen\n: x", []string{"1:1: keys that begin with ? are not supported"}},
		{"a: \x01", []string{"holds the control character 0x01 in line 1"}},
		{"a: 1\nb: \xff", []string{"is not UTF-8 in line 2"}},
		{strings.Repeat("[", 100), []string{"1:65: is nested more than 64 levels deep"}},
		{strings.Repeat("- ", 100), []string{"1:129: is nested more than 64 levels deep"}},
		{strings.Repeat("#\n", 1<<20), []string{"is larger than 1MiB"}},
	}
	for _, test := range tests {
		_, err := parse("mom.yaml", []byte(test.text), nothing)
		var got Problems
		if !errors.As(err, &got) || len(got) != len(test.want) {
			t.Errorf("%.200q: %v\nwant %q", test.text, err, test.want)
			continue
		}
		for i, p := range got {
			line := strings.TrimPrefix(strings.TrimPrefix(p.Error(), "mom.yaml"), ":")
			if !strings.HasPrefix(strings.TrimPrefix(line, " "), test.want[i]) {
				t.Errorf("%.200q:\n got %s\nwant %s", test.text, line, test.want[i])
			}
		}
	}
}

// What may be a secret stands in no error, wherever it was put.
func TestSecretsStayOut(t *testing.T) {
	const canary = "sk-canary-4711-secret"
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	os.WriteFile(file, []byte(canary+"\nsecond line\n"), 0o600)
	env := variables(map[string]string{"K": canary, "TWO": canary + "\n" + canary})
	for _, text := range []string{
		"upstreams: [{name: a, base_url: 'https://u:" + canary + "@h/v1'}]",
		"upstreams: [{name: a, base_url: 'https://h/v1?key=" + canary + "'}]",
		"upstreams: [{name: a, base_url: '${K}'}]",
		"upstreams: [{name: a, base_url: 'http://h', api_key: '" + canary + "${'}]",
		"upstreams: [{name: a, base_url: 'http://h', api_key: '${TWO}'}]",
		"upstreams: [{name: a, base_url: 'http://h', api_key: ['" + canary + "']}]",
		"upstreams: [{name: a, base_url: 'http://h', api_key: '" + canary + "', api_key_file: '" + file + "'}]",
		"upstreams: [{name: a, base_url: 'http://h', api_key_file: '" + file + "'}]",
		"upstreams: [{name: a, base_url: 'http://h', headers: {Host: '" + canary + "'}}]",
		"upstreams: [{name: a, base_url: 'http://h', headers: '" + canary + "'}]",
		"auth: {mode: on, keys: [{name: a, sha256: '" + canary + "'}]}",
		"auth: {mode: on, keys: [{name: a, key: '" + canary + "', sha256: '" + canary + "'}]}",
		"auth: {mode: on, keys: [{name: a, key: '" + canary + "'}, {name: b, key: '" + canary + "'}]}",
		"auth: {mode: on, keys: ['" + canary + "']}",
		"redis: {url: 'http://:" + canary + "@h'}",
		"redis: {url: '" + canary + "'}",
		"log: {level: '${K}'}",
		"listen: '${K}'",
		canary,
		"upstreams: [{name: a, base_url: 'http://h', api_key: *" + canary + "}]",
		"upstreams:\n  - name: a\n    api_key: !" + canary + "\n",
		"upstreams:\n  - name: a\n    api_key: &" + canary + "\n    base_url: &" + canary + " x\n",
		"upstreams:\n  - name: a\n    api_key: %" + canary + "\n",
		"upstreams:\n  - name: a\n    api_key: '" + canary + "'" + canary + "\n",
		"upstreams:\n  - name: a\n    api_key: |" + canary + "\n",
		"upstreams:\n  - name: a\n    api_key:" + canary + "\n",
		"upstreams:\n  - name: a\n   " + canary + ": x\n",
		"upstreams:\n  - name: a\n    api_key: @" + canary + "\n",
		"upstreams:\n  - name: a\n    api_key: [" + canary + "\n",
		"upstreams:\n  - name: a\n    api_key: " + canary + "\n    api_key: " + canary + "\n",
		"auth: {mode: on, keys: [{name: a, sha256: " + canary + "}, {name: b, key: *" + canary + "}]}",
		"upstreams:\n  - name: a\n    api_key: '" + canary + "\n    base_url: x\n",
		"upstreams:\n  - name: a\n    api_key: " + canary + ": x\n",
	} {
		_, err := parse(filepath.Join(dir, "mom.yaml"), []byte(text), env)
		if err == nil {
			t.Errorf("%s: loads", text)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows the secret: %v", text, err)
		}
	}
	shown := fmt.Sprintf("%v %+v %#v %s", Secret(canary), Upstream{APIKey: canary}, Upstream{APIKey: canary}, Secret(canary))
	if strings.Contains(shown, "canary") {
		t.Errorf("printing shows the secret: %s", shown)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "key"), []byte("0123456789abcdef\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600)
	name := filepath.Join(dir, "mom.yaml")
	text := "auth: {keys: [{name: a, key_file: key}]}\nupstreams: [{name: u, base_url: 'http://h', api_key_file: key}]\n"
	c, err := parse(name, []byte(text), nothing)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "key", c.Auth.Keys[0].SHA256, DigestOf("0123456789abcdef"))
	same(t, "api_key", string(c.Upstreams[0].APIKey), "0123456789abcdef")
	same(t, "files", strings.Join(c.Files(), " "), name+" "+dir+"/key "+dir+"/key")
	_, err = parse(name, []byte("upstreams:\n  - {name: u, base_url: 'http://h', api_key_file: empty}\n  - {name: v, base_url: 'http://h', api_key_file: none}\n"), nothing)
	want := name + ":2:51: upstreams[0].api_key_file: the file " + dir + "/empty is empty\n" +
		name + ":3:51: upstreams[1].api_key_file: the file " + dir + "/none cannot be read: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestAnchors(t *testing.T) {
	c := must(t, `
upstreams:
  - &base
    name: one
    base_url: http://h/v1
    retries: &never {max: 0}
  - <<: *base
    name: two
  - {name: three, base_url: http://h3/v1, retries: *never}
`, nil)
	same(t, "number", len(c.Upstreams), 3)
	same(t, "name", c.Upstreams[1].Name, "two")
	same(t, "url", c.Upstreams[1].Replicas[0].BaseURL, "http://h/v1")
	same(t, "retries", c.Upstreams[2].Retries.Max, 0)
	same(t, "backoff", c.Upstreams[2].Retries.Backoff, DefaultUpstream().Retries.Backoff)
}

// A file of few bytes that means billions of values is refused soon.
func TestAliasBomb(t *testing.T) {
	var lists, merges strings.Builder
	lists.WriteString("auth: &a0 [x, x, x, x, x, x, x, x, x]\n")
	merges.WriteString("auth: &a0 {x: 1}\n")
	for i := 1; i < 20; i++ {
		refs := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", ")
		fmt.Fprintf(&lists, "k%d: &a%d [%s]\n", i, i, refs)
		fmt.Fprintf(&merges, "k%d: &a%d {<<: [%s]}\n", i, i, refs)
	}
	lists.WriteString("upstreams: *a19\n")
	merges.WriteString("limits: *a19\n")
	for _, text := range []string{lists.String(), merges.String()} {
		start := time.Now()
		if _, err := parse("mom.yaml", []byte(text), nothing); err == nil {
			t.Error("loads")
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
	}
}

func TestChanged(t *testing.T) {
	old := must(t, "upstreams: [{name: a, base_url: 'http://h', api_key: '${K}'}]\nlimits: {texts: 5}", map[string]string{"K": "one"})
	now := must(t, "limits: {texts: 5}\nupstreams: [{name: a, base_url: 'http://h', api_key: '${K}'}]\nsession: {affinity: false}", map[string]string{"K": "two"})
	same(t, "changed", strings.Join(now.Changed(old), " "), "upstreams session")
	same(t, "unchanged", len(now.Changed(now)), 0)
}
