package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"mom/server/config/internal/comments"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mom.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mom.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document is a text as a validator of JSON sees it.
func document(t *testing.T, text string) any {
	t.Helper()
	j, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	d, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The schema takes what the decoder takes, and refuses what it refuses, where
// one value alone decides.
func TestSchemaAgrees(t *testing.T) {
	s := compileSchema(t)
	good := []string{whole, string(Starter()), uncommented(t), "upstreams:\nlimits:\n", "limits: {body: 4096, texts: \"${N:-5}\"}", "playground: \"${P:-true}\"", "timeouts: {idle: 1m15s, drain: 0s}",
		"decoders: [{name: why, path: /d}]\nintent: {decoder: why}\nrecipes: [{name: auto, intent: {decoder: why, time_limit: 40ms}}, {name: b, intent: {decoder: \"\"}}]"}
	bad := []string{
		"lisen: x", "limits: {body: much}", "limits: {texts: 0}", "limits: {texts: 1.5}", "playground: 1", "log: {level: loud}",
		"upstreams: [{base_url: 'http://h'}]", "upstreams: x", "timeouts: {read: 5}", "timeouts: {read: soon}",
		"auth: {keys: [{name: a, sha256: abc}]}", "upstreams: [{name: a, base_url: 'http://h', kind: x}]",
		"intent: why", "intent: {decoder: 1.5, wait: 1s}", "recipes: [{name: auto, intent: {time_limit: 5}}]",
		"cache: {threshold: 2}", "upstreams: [{name: '', base_url: 'http://h'}]", "limits: {texts: '5'}",
	}
	env := variables(map[string]string{"BOB": "bob-key-0123456789", "ONE": "one", "MOM_KEY_ALICE": "0123456789abcdef", "OPENAI_API_KEY": "sk"})
	for _, text := range good {
		if err := s.Validate(document(t, text)); err != nil {
			t.Errorf("the schema refuses: %v\nin:\n%s", err, text)
		}
		if _, err := parse("mom.yaml", []byte(text), env); err != nil && !strings.Contains(err.Error(), "anthropic.key") {
			t.Errorf("does not load: %v\nin:\n%s", err, text)
		}
	}
	for _, text := range bad {
		if s.Validate(document(t, text)) == nil {
			t.Errorf("the schema takes %s", text)
		}
		if _, err := parse("mom.yaml", []byte(text), env); err == nil {
			t.Errorf("loads: %s", text)
		}
	}
}

// uncommented is the starter file with its examples in force.
func uncommented(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(string(Starter())) {
		rest, example := strings.CutPrefix(line, "# ")
		key := strings.TrimLeft(rest, " -")
		if example && (strings.HasPrefix(rest, " ") || strings.HasSuffix(key, ":\n")) {
			line = rest
		}
		b.WriteString(line)
	}
	if n := strings.Count(b.String(), "base_url"); n < 4 || strings.Contains(b.String(), "# upstreams") {
		t.Fatalf("the examples were not found in\n%s", b.String())
	}
	return b.String()
}

// Each key of the file has a description and, where it is a word, its values.
func TestEveryKeyIsDescribed(t *testing.T) {
	rowsOf(reflect.TypeFor[Config](), reflect.ValueOf(*Default()), "", func(r row) {
		if r.comment == "" {
			t.Errorf("%s has no doc comment", r.key)
		}
	})
	if n := len(Keys()); n < 70 {
		t.Errorf("only %d keys", n)
	}
}

func TestGeneratedFilesAreFresh(t *testing.T) {
	set, err := comments.Read(".", "../../router")
	if err != nil {
		t.Fatal(err)
	}
	src, err := set.Source("config")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{
		"comments_gen.go": src, filepath.Join("..", "..", "docs", "configuration.md"): Reference(),
	} {
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is stale (%v): go generate ./server/config", path, err)
		}
	}
}

// The defaults that the schema tells are those in force.
func TestSchemaDefaults(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	at := func(path ...string) any {
		v := any(doc)
		for _, p := range path {
			v = v.(map[string]any)[p]
		}
		return v
	}
	same(t, "limits.body", at("properties", "limits", "properties", "body", "default"), any("4MiB"))
	same(t, "limits.texts", at("properties", "limits", "properties", "texts", "default"), any(1024.0))
	same(t, "playground", at("properties", "playground", "default"), any(true))
	same(t, "intent.time_limit", at("properties", "intent", "properties", "time_limit", "default"), any("200ms"))
	same(t, "log.level", at("properties", "log", "properties", "level", "default"), any("info"))
	same(t, "upstreams[].timeouts.connect", at("$defs", "config.Upstream", "properties", "timeouts", "properties", "connect", "default"), any("5s"))
	same(t, "models[].upstreams[].weight", at("$defs", "config.Ref", "properties", "weight", "default"), any(1.0))
}
