package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"mom/router"
)

// reference is the reference configuration of vLLM Semantic Router, which is
// not part of this project: MOM_VLLM_SR names it, or it lies beside the project.
func reference(t *testing.T) []byte {
	t.Helper()
	path := os.Getenv("MOM_VLLM_SR")
	if path == "" {
		path = filepath.Join("..", "..", "..", "shared", "protocols", "vllm-sr-config.yaml")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("MOM_VLLM_SR names no reference configuration: %v", err)
	}
	return data
}

// leafKeys lists the keys of a file by another reader than the importer's.
func leafKeys(t *testing.T, data []byte) []string {
	t.Helper()
	var root yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(data, &root, yaml.UseOrderedMap()); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(v any, path string)
	walk = func(v any, path string) {
		switch x := v.(type) {
		case yaml.MapSlice:
			for _, kv := range x {
				walk(kv.Value, below(path, fmt.Sprint(kv.Key)))
			}
			if len(x) > 0 {
				return
			}
		case []any:
			for _, e := range x {
				if m, ok := e.(yaml.MapSlice); ok && len(m) > 0 {
					for i, e := range x {
						walk(e, fmt.Sprintf("%s[%d]", path, i))
					}
					return
				}
			}
		}
		out = append(out, path)
	}
	walk(root, "")
	slices.Sort(out)
	return out
}

// checkImport imports data and checks that the report is complete, that the new
// file loads, and that no secret is in the report.
func checkImport(t *testing.T, data []byte) (*Config, map[string]Note) {
	t.Helper()
	file, notes, err := Import("vllm-sr.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	byKey := map[string]Note{}
	for _, n := range notes {
		keys = append(keys, n.Key)
		byKey[n.Key] = n
		if n.Line < 1 || n.Outcome == "" || n.Outcome != Mapped && n.Why == "" {
			t.Errorf("an incomplete note: %+v", n)
		}
	}
	slices.Sort(keys)
	want := leafKeys(t, data)
	for _, k := range want {
		if !slices.Contains(keys, k) {
			t.Errorf("the report has no %s", k)
		}
	}
	if len(keys) != len(want) {
		t.Errorf("the report has %d keys, the input %d", len(keys), len(want))
	}
	c, err := parse(filepath.Join(t.TempDir(), "mom.yaml"), file, func(name string) (string, bool) {
		if name == "PRICE" {
			return "2.5", true
		}
		return "secret-of-the-environment", true
	})
	if err != nil {
		t.Fatalf("the new file does not load: %v\n%s", err, file)
	}
	return c, byKey
}

func TestImportReference(t *testing.T) {
	data := reference(t)
	c, notes := checkImport(t, data)
	count := map[Outcome]int{}
	for _, n := range notes {
		count[n.Outcome]++
		if n.Outcome == Unknown {
			t.Errorf("%s of the reference is not known", n.Key)
		}
		for _, secret := range []string{"static-demo-key", "redis-secret", "router-secret", "milvus-secret"} {
			if strings.Contains(n.Why+n.To, secret) {
				t.Errorf("%s: the note shows a secret", n.Key)
			}
		}
	}
	t.Logf("%d keys: %v", len(notes), count)
	same(t, "listen", c.Listen, "0.0.0.0:8899")
	same(t, "auth", c.Auth.Mode, Off)
	same(t, "upstreams", len(c.Upstreams), 4)
	u := c.Upstreams[0]
	same(t, "name", u.Name, "local-primary")
	same(t, "place", u.Replicas[0].BaseURL, "http://127.0.0.1:8000/v1")
	same(t, "key", string(u.APIKey), "secret-of-the-environment")
	same(t, "health", u.Health.Path, "/health")
	same(t, "second", string(c.Upstreams[1].APIKey), "static-demo-key")
	same(t, "header", string(c.Upstreams[1].Headers["X-Tenant"]), "reference-config")
	same(t, "third", c.Upstreams[2].Kind, Anthropic)
	same(t, "models", len(c.Models), 3)
	same(t, "refs", fmt.Sprint(c.Models[0].Upstreams), "[{local-primary qwen3-8b-instruct 80} {remote-secondary qwen3-8b-instruct 20}]")
	same(t, "cache", c.Cache.Mode, CacheSemantic)
	same(t, "threshold", c.Cache.Threshold, 0.86)
	same(t, "redis", string(c.Redis.URL), "redis://:redis-secret@redis:6379/2")
	same(t, "admin", c.Admin.Listen, "127.0.0.1:8080")
	same(t, "price", c.Models[0].Price.Output, 0.42)
	same(t, "cached", *c.Models[0].Price.CachedInput, 0.04)
	same(t, "quality", c.Models[1].Quality, 0.96)
	same(t, "context", c.Models[2].Context, 65536)
	same(t, "vision", fmt.Sprint(c.Models[2].Capabilities), "[tools json_schema vision]")
	same(t, "business", c.Models[1].Categories["business"], 0.96)
	same(t, "jailbreak", *c.Policy.Security.Jailbreak.Threshold, 0.8)
	same(t, "pii", c.Policy.Security.PII.Threshold, 0.85)
	same(t, "allowed", c.Policy.Security.PII.Types["EMAIL_ADDRESS"].Action, router.Off)
	auto := c.Policy.Recipes[0]
	same(t, "recipe", auto.Name, "auto")
	same(t, "default", auto.Default, "qwen3-8b")
	same(t, "confidence", auto.MinConfidence, 0.5)
	same(t, "domains", fmt.Sprintf("%v %v", auto.Domains[0].Categories, auto.Domains[0].Models), "[business] [qwen3-8b]")
	same(t, "of the highest priority", fmt.Sprintf("%v %v", auto.Domains[1].Categories, auto.Domains[1].Models), "[other] [qwen3-8b qwen3-32b]")
	var names []string
	for _, r := range c.Policy.Recipes {
		names = append(names, r.Name)
	}
	same(t, "names", strings.Join(names, " "), "auto exhaustive-reference vllm-sr/auto vllm-sr/exhaustive-default")
	same(t, "image model", notes["providers.models[3].name"].Outcome, Dropped)
}

const small = `
version: v0.3
listeners:
  - {name: a, address: 127.0.0.1, port: 8801, timeout: 900h}
  - {name: b, address: 127.0.0.1, port: 8802}
providers:
  defaults: {default_model: big}
  models:
    - name: big
      pricing: {currency: EUR, prompt_per_1m: 1, completion_per_1m: "${PRICE}"}
      reliability: {retry_count: 50, base_ejection_time: 5s}
      backend_refs:
        - {name: b, base_url: "https://api.example.com/v1", auth_header: X-Key, auth_prefix: "", api_key: $BIG_KEY}
    - name: big2
      backend_refs:
        - {name: b, endpoint: "u:p@h:1"}
        - {name: b, endpoint: "h:2", weight: 0}
        - {name: c, endpoint: "h:2", protocol: https}
        - {name: d}
    - name: odd
      api_format: gemini
      backend_refs: [{name: e, endpoint: "h:3"}]
made_up: {key: 1, "a.b": [], list: [1, [2, 3]]}
routing:
  decisions: []
`

func TestImportSmall(t *testing.T) {
	c, notes := checkImport(t, []byte(small))
	same(t, "listen", c.Listen, "127.0.0.1:8801")
	same(t, "auth", c.AuthOn(), false)
	same(t, "request", formatDuration(c.Timeouts.Request), "1d")
	same(t, "retries", c.Upstreams[0].Retries.Max, 10)
	same(t, "open", formatDuration(c.Upstreams[0].CircuitBreaker.Open), "5s")
	same(t, "own header", string(c.Upstreams[0].Headers["X-Key"]), "secret-of-the-environment")
	same(t, "no key", c.Upstreams[0].APIKey, "")
	same(t, "price", c.Models[0].Price.Output, 2.5)
	same(t, "https", c.Upstreams[2].Replicas[0].BaseURL, "https://h:2/v1")
	for key, want := range map[string]Outcome{
		"listeners[0].timeout": Changed, "listeners[1].port": Dropped, "made_up.key": Unknown, `made_up["a.b"]`: Unknown, "made_up.list": Unknown,
		"providers.models[0].pricing.currency": Changed, "providers.models[0].reliability.retry_count": Changed,
		"providers.models[1].backend_refs[0].endpoint": Dropped, "providers.models[1].backend_refs[1].weight": Dropped,
		"providers.models[1].backend_refs[3].name": Dropped, "providers.models[2].backend_refs[0].endpoint": Dropped,
	} {
		same(t, key, notes[key].Outcome, want)
	}
}

func TestImportRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "in.yaml: is empty; want a vLLM Semantic Router configuration of version v0.3",
		"a: 1":                      "in.yaml: version: is missing; want a vLLM Semantic Router configuration of version v0.3",
		"version: v0.2":             `in.yaml:1:1: version: "v0.2": want v0.3`,
		"- 1":                       "in.yaml:1:1: want keys and values, not a list",
		"version: v0.3\na: [":       "in.yaml:2:4: is not YAML: sequence end token ']' not found",
		"version: v0.3\na: 1\na: 2": "in.yaml:3:1: a: stands twice; the first is in line 2",
	} {
		_, _, err := Import("in.yaml", []byte(text))
		var p Problems
		if !errors.As(err, &p) || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestReferencesOfTheInput(t *testing.T) {
	for in, want := range map[string]string{
		"$A": "${A}", "${A}": "${A}", "${A:-x}": "${A:-x}", "${A-x}": "${A:-x}", "$$A": "$A", "a$": "a$", "x-$A_1-y": "x-${A_1}-y", "$1": "$1",
	} {
		same(t, in, word(&tree{text: in}), want)
	}
}

// FuzzImport: whatever the input, its report has every key once.
func FuzzImport(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("version: v0.3\nproviders: {models: [{name: a, backend_refs: [{endpoint: 'h:1'}]}]}\n"))
	f.Add([]byte("version: v0.3\nrouting: {signals: {domains: [{name: law, model_scores: [{model: a, score: 1}]}]}, decisions: [{rules: {conditions: [{type: domain, name: law}]}}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		defer time.AfterFunc(10*time.Second, func() { panic("hangs") }).Stop()
		file, notes, err := Import("in.yaml", data)
		if err != nil {
			return
		}
		root, err := readTree("in.yaml", data)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range root.leaves() {
			n++
		}
		if n != len(notes) {
			t.Fatalf("%d keys, %d notes", n, len(notes))
		}
		var problems Problems
		if _, err := parse("mom.yaml", file, func(string) (string, bool) { return "x", true }); errors.As(err, &problems) {
			for _, p := range problems {
				if strings.Contains(p.What, "is not YAML") || strings.Contains(p.What, "is no key here") {
					t.Fatalf("the new file is broken: %v\n%s", p, file)
				}
			}
		}
	})
}
