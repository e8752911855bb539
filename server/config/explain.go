package config

import (
	"fmt"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

// A Setting is one value of a complete configuration.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"` // a secret is "(set)"
	From  string `json:"from"`  // default, or file:line with the variables or the file that were read
}

// Explain lists every value of the configuration and where it came from, in the
// order of the reference. No secret is in it.
func (c *Config) Explain() []Setting {
	var out []Setting
	c.walk(reflect.ValueOf(c).Elem(), "", &out)
	return out
}

func (c *Config) walk(v reflect.Value, path string, out *[]Setting) {
	if scalar(v.Type()) {
		*out = append(*out, c.setting(v, path))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			*out = append(*out, Setting{path, "", c.from(path)})
			return
		}
		c.walk(v.Elem(), path, out)
	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			c.walk(v.FieldByIndex(f.index), join(path, f.key), out)
		}
	case reflect.Slice:
		if v.Len() == 0 || scalar(v.Type().Elem()) {
			words := make([]string, v.Len())
			for i := range words {
				words[i] = c.setting(v.Index(i), fmt.Sprintf("%s[%d]", path, i)).Value
			}
			*out = append(*out, Setting{path, "[" + strings.Join(words, ", ") + "]", c.from(path)})
			return
		}
		for i := range v.Len() {
			c.walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), out)
		}
	case reflect.Map:
		if v.Len() == 0 {
			*out = append(*out, Setting{path, "{}", c.from(path)})
		}
		keys := v.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
		for _, k := range keys {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(v.MapIndex(k))
			c.walk(e, join(path, k.String()), out)
		}
	}
}

// private are names of variables whose values are not shown, wherever they are used.
var private = regexp.MustCompile(`(?i)key|token|secret|pass|pwd|credential|auth|private`)

func (c *Config) setting(v reflect.Value, path string) Setting {
	s := Setting{path, showText(v), c.from(path)}
	if src := c.sources[path]; !secret(v.Type()) && slices.ContainsFunc(src.Env, private.MatchString) {
		s.Value = src.Raw
	}
	return s
}

func (c *Config) from(path string) string {
	src, ok := c.sources[path]
	if !ok {
		return "default"
	}
	from := fmt.Sprintf("%s:%d", src.File, src.Line)
	if len(src.Env) > 0 {
		from += ", environment " + strings.Join(src.Env, ", ")
	}
	if src.SecretFile != "" {
		from += ", file " + src.SecretFile
	}
	return from
}

// Warnings are consequences of the configuration that its author may not have
// meant. What cannot work is no warning but a problem of Load.
func (c *Config) Warnings() Problems {
	k := &checker{c: c}
	k.exposure()
	k.written()
	k.serving()
	k.keeping()
	k.categories()
	k.askedInVain()
	var out Problems
	for _, f := range k.list {
		s := c.source(f.path)
		out = append(out, Problem{File: c.file, Line: s.Line, Column: s.Column, Key: f.path, What: f.what})
	}
	out.sort()
	return out
}

func (k *checker) exposure() {
	c := k.c
	if !c.Listen.Local() {
		if !c.AuthOn() {
			k.add("auth.mode", "is off while listen can be reached from other machines: whoever can connect uses the upstreams' keys")
		}
		if !c.TLS.On() && c.Listen != "systemd" {
			k.add("listen", "can be reached from other machines without TLS: keys and prompts can be read on the way, unless a proxy in front speaks TLS")
		}
	}
	if c.Admin.On() && !c.Admin.Listen.Local() {
		k.add("admin.listen", "can be reached from other machines and asks for no key: metrics show models and volumes")
		if c.Admin.Pprof {
			k.add("admin.pprof", "serves memory to whoever can reach admin.listen; it holds prompts and keys")
		}
	}
	for i, u := range c.Upstreams {
		for j, r := range u.Replicas {
			at, err := url.Parse(r.BaseURL)
			if err == nil && at.Scheme == "http" && u.APIKey != "" && !Address(at.Hostname()+":80").Local() {
				k.add(fmt.Sprintf("upstreams[%d].replicas[%d].base_url", i, j), "sends the key and prompts without TLS")
			}
		}
	}
	if c.Log.Prompts {
		k.add("log.prompts", "writes what clients send to the log, personal data included")
	}
}

// written warns of secrets that stand in the file itself.
func (k *checker) written() {
	c := k.c
	found := ""
	note := func(path string) {
		if s, ok := c.sources[path]; ok && len(s.Env) == 0 && s.SecretFile == "" {
			found = path
			k.add(path, "stands in the file; whoever reads the file has it. Better ${NAME}, or the key that ends in _file")
		}
	}
	for i := range c.Auth.Keys {
		note(fmt.Sprintf("auth.keys[%d].key", i))
	}
	for i := range c.Upstreams {
		note(fmt.Sprintf("upstreams[%d].api_key", i))
	}
	if u, err := url.Parse(string(c.Redis.URL)); err == nil && u.User != nil {
		note("redis.url")
	}
	if info, err := os.Stat(c.file); found != "" && err == nil && info.Mode().Perm()&0o044 != 0 {
		k.add("", "holds a secret and can be read by other users of this machine; chmod 600 %s", c.file)
	}
}

func (k *checker) serving() {
	c := k.c
	used := map[string]bool{}
	served := 0
	for _, m := range c.Models {
		if len(m.Upstreams) > 0 {
			served++
		}
		for _, r := range m.Upstreams {
			used[r.Name] = true
		}
	}
	for i, m := range c.Models {
		if _, given := c.sources[fmt.Sprintf("models[%d]", i)]; given && len(m.Upstreams) == 0 && served > 0 {
			k.add(fmt.Sprintf("models[%d]", i), "%s has no upstream: it is chosen by /v1/route only", quote(m.Name))
		}
	}
	for i, m := range c.Models {
		if _, given := c.sources[fmt.Sprintf("models[%d]", i)]; given && m.Quality == 0 && len(m.Categories) == 0 && len(c.Models) > 1 {
			k.add(fmt.Sprintf("models[%d]", i), "%s has neither quality nor categories: it counts as answering nothing well", quote(m.Name))
		}
	}
	if served == 0 {
		k.add("models", "no model has an upstream: classification and /v1/route answer, but no chat is served")
	}
	for i, u := range c.Upstreams {
		path := fmt.Sprintf("upstreams[%d]", i)
		if !used[u.Name] {
			k.add(path+".name", "%s serves no model; name it in models[].upstreams", quote(u.Name))
		}
		if _, given := c.sources[path+".timeouts.total"]; given && u.Timeouts.Total > c.Timeouts.Request {
			k.add(path+".timeouts.total", "is longer than timeouts.request, %s, which ends first", formatDuration(c.Timeouts.Request))
		}
		if u.Timeouts.FirstByte > u.Timeouts.Total {
			k.add(path+".timeouts.first_byte", "is longer than timeouts.total, %s, which ends first", formatDuration(u.Timeouts.Total))
		}
	}
}

func (k *checker) keeping() {
	c := k.c
	switch {
	case !c.State.On():
		k.add("state.path", "is off: no decision can be explained later, and feedback is refused")
	case c.State.Path == ":memory:":
		k.add("state.path", "decisions, feedback and usage are forgotten when the server stops; a path keeps them")
	}
	if c.Cache.Mode == CacheSemantic && c.Cache.Threshold < 0.98 {
		k.add("cache.threshold", "below 0.98 gives answers to questions that were not asked: the built-in model gives 0.979 for two medicines")
	}
	if c.Redis.On() && c.Redis.OnFailure == Open && len(c.Auth.Keys) > 0 {
		k.add("redis.on_failure", "is open: while Redis cannot be reached each server counts limits alone, so that clients get up to their limit from each")
	}
	if c.Timeouts.Unready > 0 && c.Timeouts.Unready >= c.Timeouts.Drain {
		k.add("timeouts.unready", "takes all of timeouts.drain, %s, so that requests in flight are cut when the server stops", formatDuration(c.Timeouts.Drain))
	}
	if c.Timeouts.Drain < time.Second {
		k.add("timeouts.drain", "cuts requests in flight when the server stops")
	}
}
