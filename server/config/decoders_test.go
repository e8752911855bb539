package config

import (
	"strings"
	"testing"
	"time"

	"mom/router"
)

// A decoder is a model that is asked by its name, at an upstream inside.
func TestDecoders(t *testing.T) {
	c := must(t, "decoders:\n  - {name: why, path: /d/why, explain: true, time_limit: 80ms}\n  - {name: small-one, path: /d/s.gguf, precision: int4, threads: 1, kv_bytes: 64MiB}\n", nil)
	same(t, "precision", c.Decoders[0].Precision, PrecisionAuto)
	same(t, "memory", c.Decoders[0].KVBytes, Size(256<<20))
	same(t, "limit of the second", c.Decoders[1].TimeLimit, 500*time.Millisecond)
	same(t, "upstreams", len(c.Upstreams), 1)
	same(t, "upstream", c.Upstreams[0].Name, "decoders")
	same(t, "kind", c.Upstreams[0].Kind, Local)
	n := len(router.Default().Models)
	same(t, "models", len(c.Models), n+2)
	same(t, "model", c.Models[n+1].Name, "small-one")
	same(t, "by name", c.Models[n+1].ByName, true)
	same(t, "its upstream", c.Models[n+1].Upstreams[0].Name, "decoders")
	same(t, "policy", len(c.Policy.Models), n+2)
	name, limit, ok := c.Explainer()
	if name != "why" || limit != 80*time.Millisecond || !ok {
		t.Errorf("explains: %q %v %v", name, limit, ok)
	}
	if err := c.Validate(); err != nil {
		t.Errorf("checked again: %v", err)
	}
}

// A file may list a decoder among its models, as the last resort of a recipe.
func TestDecoderAsModel(t *testing.T) {
	c := must(t, `
decoders: [{name: tiny, path: /d/tiny}]
upstreams: [{name: here, kind: local}, {name: far, base_url: "https://h/v1"}]
models:
  - {name: big, price: {input: 1, output: 2}, quality: 0.8, upstreams: [{name: far}]}
  - {name: spare, quality: 0.1, upstreams: [{name: here, model: tiny}]}
recipes: [{name: auto, models: [big, spare]}, {name: own, models: [tiny]}]
`, nil)
	same(t, "upstreams", len(c.Upstreams), 2)
	same(t, "models", len(c.Models), 3)
	same(t, "its upstream", c.Models[2].Upstreams[0].Name, "here")
}

func TestDecoderProblems(t *testing.T) {
	for text, want := range map[string]string{
		"decoders: [{name: a}]":                                "path",
		"decoders: [{path: /d}]":                               "name",
		"decoders: [{name: a, path: /d}, {name: a, path: /e}]": "is already the name of number 1",
		"decoders: [{name: a, path: /d, explain: true}, {name: b, path: /e, explain: true}]":      "decoders[1].explain: decoders[0] explains already",
		"decoders: [{name: a, path: /d, precision: int2}]":                                        "want auto, f32, bf16, int8 or int4",
		"decoders: [{name: a, path: /d, kv_bytes: 1KiB}]":                                         "want 1MiB or more",
		"decoders: [{name: a, path: /d, time_limit: 0s}]":                                         "want 1ms to 10m",
		"decoders: [{name: a, path: /d, device: gpu}]":                                            "device",
		"upstreams: [{name: a, kind: local, base_url: 'http://h/v1'}]":                            "upstreams[0].",
		"upstreams: [{name: a, kind: local, api_key: x}]":                                         "upstreams[0].api_key: an upstream of kind local",
		"decoders: [{name: a, path: /d}]\nupstreams: [{name: decoders, base_url: 'http://h/v1'}]": "is what the upstream of the decoders is called",
		"upstreams: [{name: here, kind: local}]\nmodels: [{name: m, upstreams: [{name: here}]}]":  "is no decoder",
	} {
		_, err := parse("mom.yaml", []byte(text), nothing)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A recipe, or all of them, can have a decoder tell what a request is about.
func TestDecoderTellsIntent(t *testing.T) {
	c := must(t, `
decoders: [{name: why, path: /d/why}, {name: spare, path: /d/s.gguf}]
intent: {decoder: why}
recipes:
  - {name: auto}
  - {name: quick, intent: {decoder: spare, time_limit: 40ms}}
  - {name: plain, intent: {}}
  - {name: also-plain, intent: {decoder: ""}}
  - {name: one, models: [small], intent: {decoder: why}}
`, nil)
	same(t, "limit", c.Policy.Intent, router.Intent{Decoder: "why", TimeLimit: 200 * time.Millisecond})
	r, err := router.New(c.Policy)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]router.Intent{
		"auto": c.Policy.Intent, "quick": {Decoder: "spare", TimeLimit: 40 * time.Millisecond}, "plain": {}, "also-plain": {}, "one": {},
	} {
		same(t, name, r.Intent(name), want)
	}
	values := map[string]string{}
	for _, s := range c.Explain() {
		values[s.Key] = s.Value + " " + s.From
	}
	same(t, "explained", values["recipes[1].intent.time_limit"], "40ms mom.yaml:6")
	same(t, "explained", values["intent.time_limit"], "200ms default")
	same(t, "explained", values["recipes[0].intent"], " default")
	if w := c.Warnings().Error(); !strings.Contains(w, "recipes[4].intent.decoder") || strings.Count(w, "never asked") != 1 {
		t.Errorf("warnings %s", w)
	}
	same(t, "without decoders", must(t, "", nil).Policy.Intent, router.Intent{TimeLimit: 200 * time.Millisecond})

	for text, want := range map[string]string{
		"intent: {decoder: why}": `intent.decoder: "why" is no decoder; the file lists none`,
		"decoders: [{name: why, path: /d}]\nrecipes: [{name: auto, intent: {decoder: whi}}]":   `mom.yaml:2:42: recipes[0].intent.decoder: "whi" is no decoder; did you mean why?`,
		"decoders: [{name: why, path: /d}]\nrecipes: [{name: auto, intent: {time_limit: 1s}}]": "needs recipes[0].intent.decoder",
		"intent: {time_limit: 1s}": "needs intent.decoder",
		"decoders: [{name: why, path: /d}]\nintent: {decoder: why, time_limit: 0s}":                           "want 1ms to 10m",
		"decoders: [{name: why, path: /d}]\nintent: {decoder: why, wait: 1s}":                                 "intent.wait: is no key here",
		"decoders: [{name: why, path: /d}]\nintent: why":                                                      "want keys and values",
		"decoders: [{name: why, path: /d}]\nrecipes: [{name: auto, intent: {decoder: why, time_limit: 11m}}]": "want 1ms to 10m",
	} {
		_, err := parse("mom.yaml", []byte(text), nothing)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
