package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "mom.yaml")
	const canary = "canary-0123456789abcdef"
	write(t, filepath.Join(dir, "file"), canary+"\n")
	c, err := parse(name, []byte(`listen: "127.0.0.1:${PORT}"
auth:
  keys: [{name: a, key: "${K}"}, {name: b, key: `+canary+`x}, {name: c, key_file: file}]
upstreams:
  - {name: u, base_url: "https://${HOST_TOKEN}.example/v1", api_key: `+canary+`, headers: {X: `+canary+`}}
redis: {url: "redis://:${K}@h"}
models: [{name: m, price: {input: 2}}]
`), variables(map[string]string{"PORT": "7000", "K": canary + "k", "HOST_TOKEN": "canary"}))
	if err != nil {
		t.Fatal(err)
	}
	from := map[string]Setting{}
	for _, s := range c.Explain() {
		if strings.Contains(s.Value+s.From, "canary") {
			t.Errorf("shows a secret: %+v", s)
		}
		from[s.Key] = s
	}
	for _, w := range c.Warnings() {
		if strings.Contains(w.Error(), "canary") {
			t.Errorf("shows a secret: %v", w)
		}
	}
	for key, want := range map[string]Setting{
		"listen":                            {"", "127.0.0.1:7000", name + ":1, environment PORT"},
		"limits.body":                       {"", "4MiB", "default"},
		"auth.keys[0].sha256":               {"", "(set)", name + ":3, environment K"},
		"auth.keys[2].sha256":               {"", "(set)", name + ":3, file " + dir + "/file"},
		"upstreams[0].replicas[0].base_url": {"", "https://${HOST_TOKEN}.example/v1", name + ":5, environment HOST_TOKEN"},
		"upstreams[0].api_key":              {"", "(set)", name + ":5"},
		"upstreams[0].headers.X":            {"", "(set)", name + ":5"},
		"upstreams[0].retries.statuses":     {"", "[408, 429, 500, 502, 503, 504]", "default"},
		"redis.url":                         {"", "(set)", name + ":6, environment K"},
		"models[0].price.input":             {"", "2", name + ":7"},
		"recipes[0].name":                   {"", "auto", "default"},
		"timeouts.idle":                     {"", "1m15s", "default"},
	} {
		want.Key = key
		same(t, key, from[key], want)
	}
}

// Each key of the reference is explained, and no other.
func TestExplainsEveryKey(t *testing.T) {
	c := must(t, whole+"decoders: [{name: d, path: d}]\nmodels: [{name: a, price: {cached_input: 1}, categories: {law: 1}, upstreams: [{name: one}]}]\n"+
		"recipes: [{name: auto, intent: {decoder: d}, domains: [{categories: [law], cost_quality_tradeoff: 1}], security: {jailbreak: {threshold: 0.5}, pii: {types: {X: {action: off, threshold: 1}}}}}]\n"+
		"security: {jailbreak: {threshold: 0.5}, pii: {types: {X: {action: off, threshold: 1}}}}\n", map[string]string{"BOB": "bob-key-0123456789", "ONE": "sk"})
	var got []string
	for _, s := range c.Explain() {
		if s.Value == "{}" {
			continue // a map without keys
		}
		if s.Value == "[]" && strings.HasSuffix(s.Key, ".replicas") {
			continue // of the upstream of the decoders
		}
		key := indexes.ReplaceAllString(s.Key, "[]")
		for _, m := range []string{".headers.", ".categories.", ".types."} {
			if before, after, ok := strings.Cut(key, m); ok && (m != ".categories." || strings.HasPrefix(before, "models")) {
				_, rest, more := strings.Cut(after, ".")
				key = before + m + "*"
				if more {
					key += "." + rest
				}
			}
		}
		got = append(got, key)
	}
	want := Keys()
	for i := range want {
		want[i] = strings.TrimSuffix(want[i], "[]")
	}
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("explained:\n%q\nof the reference:\n%q", got, want)
	}
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"listen: 0.0.0.0:80\nauth: {mode: off}":                               "auth.mode: is off while listen can be reached",
		"listen: :80\nauth: {keys: [{name: a, key: '${K}'}]}":                 "listen: can be reached from other machines without TLS",
		"admin: {listen: ':9', pprof: true}":                                  "admin.pprof: serves memory",
		"log: {prompts: true}":                                                "log.prompts: writes what clients send",
		"redis: {url: 'redis://:x@h'}":                                        "redis.url: stands in the file",
		"state: {path: off}":                                                  "state.path: is off",
		"cache: {mode: semantic, threshold: 0.5}":                             "cache.threshold: below 0.9",
		"timeouts: {drain: 0s}":                                               "timeouts.drain: cuts requests",
		"upstreams: [{name: u, base_url: 'http://h/v1'}]":                     `upstreams[0].name: "u" serves no model`,
		"upstreams: [{name: u, base_url: 'http://h', api_key: '${K}'}]":       "upstreams[0].replicas[0].base_url: sends the key and prompts without TLS",
		"upstreams: [{name: u, base_url: 'http://h', timeouts: {total: 1h}}]": "upstreams[0].timeouts.total: is longer than timeouts.request",
		"models: [{name: a, categories: {maths: 1}}]":                         `models[0].categories.maths: "maths" is no field of the built-in classifier; did you mean math?`,
		"models: [{name: a}, {name: b, quality: 1}]":                          `models[0]: "a" has neither quality nor categories`,
	} {
		c := must(t, text, map[string]string{"K": "0123456789abcdef"})
		found := false
		for _, w := range c.Warnings() {
			found = found || strings.Contains(w.Error(), ": "+want)
		}
		if !found {
			t.Errorf("%s:\n got %v\nwant %s", text, c.Warnings(), want)
		}
	}
	if w := Default().Warnings(); len(w) != 2 {
		t.Errorf("the defaults warn of %v", w)
	}
}

func TestWarnsOfReadableSecrets(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mom.yaml")
	text := "upstreams: [{name: u, base_url: 'https://h', api_key: abc}]"
	for mode, want := range map[os.FileMode]bool{0o644: true, 0o600: false} {
		write(t, name, text)
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		c, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(c.Warnings().Error(), "chmod 600"); got != want {
			t.Errorf("%v: warns %v, want %v", mode, got, want)
		}
	}
}

func TestLocal(t *testing.T) {
	for address, want := range map[Address]bool{
		"127.0.0.1:80": true, "127.9.9.9:80": true, "[::1]:80": true, "localhost:80": true, "unix:/x": true, ":80": false,
		"0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "systemd": false, "example.com:80": false, "[::ffff:127.0.0.1]:80": true,
	} {
		same(t, string(address), address.Local(), want)
	}
}

// Texts of durations and sizes read back as what they were.
func TestScalarsReadBack(t *testing.T) {
	for _, text := range []string{"0s", "250ms", "30s", "1m15s", "5m", "1h30m", "7d", "1h0m5s", "1.5s"} {
		d, err := parseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseDuration(formatDuration(d))
		if err != nil || again != d {
			t.Errorf("%s: %s reads back as %v, %v", text, formatDuration(d), again, err)
		}
	}
	for text, want := range map[string]Size{"0": 0, "1000": 1000, "1KiB": 1024, "4MiB": 4 << 20, "1GiB": 1 << 30, "2 MB": 2e6, "3kB": 3000, "5B": 5} {
		var s, again Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: %d, %v", text, s, err)
		}
		if err := again.UnmarshalText([]byte(fmt.Sprint(s))); err != nil || again != s {
			t.Errorf("%s: %s reads back as %d, %v", text, s, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5MiB", "9999999999GiB", "1TiB", "0x10"} {
		if new(Size).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is a size", text)
		}
	}
}
