package config

import (
	"strconv"
	"time"

	"github.com/goccy/go-yaml"
)

// A section is a key of the new file's top level.
type section struct {
	key, comment string
	value        any
}

func (s section) yaml() []byte {
	b, err := yaml.MarshalWithOptions(yaml.MapSlice{{Key: s.key, Value: s.value}}, yaml.IndentSequence(true))
	if err != nil {
		panic("BUG: config: writing " + s.key + ": " + err.Error())
	}
	return b
}

// plainWord is a text that YAML writes as a number or a truth value where it is
// one. A reference stays text.
func plainWord(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f-f == 0 {
		return f
	}
	if text == "true" || text == "false" {
		return text == "true"
	}
	return text
}

func pair(key string, value any) yaml.MapItem { return yaml.MapItem{Key: key, Value: value} }

// pairs is a mapping of the items that are there.
func pairs(items ...any) yaml.MapSlice {
	out := yaml.MapSlice{}
	for _, i := range items {
		if m, ok := i.(yaml.MapItem); ok && !empty(m.Value) {
			out = append(out, m)
		}
	}
	return out
}

func empty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case yaml.MapSlice:
		return len(x) == 0
	case []any:
		return len(x) == 0
	}
	return false
}

func (im *importer) add(key, comment string, items ...any) {
	im.sections = append(im.sections, section{key, comment, pairs(items...)})
}

func seconds(n int64) time.Duration      { return time.Duration(n) * time.Second }
func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// all are the sections of the new file in order.
func (im *importer) all() []section {
	var out []section
	if im.listen != "" {
		out = append(out, section{"listen", "", im.listen})
	}
	if im.requestTime != "" {
		out = append(out, section{"timeouts", "", pairs(pair("request", im.requestTime))})
	}
	if im.authOff {
		out = append(out, section{"auth", "As it was: no client needs a key. List auth.keys and take this away.", pairs(pair("mode", string(Off)))})
	}
	var ups, models []any
	for _, u := range im.upstreams {
		ups = append(ups, u.pairs())
	}
	for _, m := range im.models {
		models = append(models, m.pairs())
	}
	if ups != nil {
		out = append(out, section{"upstreams", "", ups})
	}
	if models != nil {
		out = append(out, section{"models", "", models})
	}
	out = append(out, im.policy.sections()...)
	return append(out, im.sections...)
}

func (u importedUpstream) pairs() yaml.MapSlice {
	headers := map[string]string{}
	for k, v := range u.headers {
		headers[k] = v
	}
	h := pair("headers", headers)
	if len(headers) == 0 {
		h.Value = nil
	}
	var retries any
	if u.retries != "" {
		retries = plainWord(u.retries)
	}
	var failures any
	if u.failures != "" {
		failures = plainWord(u.failures)
	}
	return pairs(
		pair("name", u.name), pair("kind", u.kind), pair("base_url", u.baseURL), pair("api_key", u.key), h,
		pair("retries", pairs(pair("max", retries))),
		pair("circuit_breaker", pairs(pair("failures", failures), pair("open", u.open))),
		pair("health", pairs(pair("path", u.path), pair("interval", u.interval), pair("timeout", u.timeout))),
	)
}

func refs(list []Ref) []any {
	var out []any
	for _, r := range list {
		var weight any = r.Weight
		if r.Weight == 1 {
			weight = nil
		}
		out = append(out, pairs(pair("name", r.Name), pair("model", r.Model), pair("weight", weight)))
	}
	return out
}
