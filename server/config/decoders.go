package config

import (
	"fmt"
	"time"

	"mom/router"
)

// insideName is the upstream of decoders when the file has none of its own.
const insideName = "decoders"

// decoders makes a model of each decoder that the file does not list among its
// models, and the upstream that it needs.
func (c *Config) decoders() {
	c.Agents.Path = c.fileOrNone(c.Agents.Path)
	if len(c.Decoders) == 0 {
		return
	}
	for i := range c.Decoders {
		c.Decoders[i].Path = c.fileOrNone(c.Decoders[i].Path)
	}
	inside := ""
	taken := map[string]bool{}
	for _, u := range c.Upstreams {
		taken[u.Name] = true
		if u.Kind == Local && inside == "" {
			inside = u.Name
		}
	}
	if inside == "" && !taken[insideName] {
		inside = insideName
		u := DefaultUpstream()
		u.Name, u.Kind = inside, Local
		// An answer that is no stream begins when it is complete.
		u.Timeouts.FirstByte = u.Timeouts.Total
		u.Retries.Max, u.CircuitBreaker.Failures = 0, 0
		c.Upstreams = append(c.Upstreams, u)
	}
	models := map[string]bool{}
	for _, m := range c.Models {
		models[m.Name] = true
	}
	for _, d := range c.Decoders {
		if !models[d.Name] && inside != "" {
			c.Models = append(c.Models, Model{
				Model:     router.Model{Name: d.Name, ByName: true, Capabilities: []router.Capability{router.JSONSchema}},
				Upstreams: []Ref{{Name: inside, Weight: 1}},
			})
		}
	}
}

// decoders checks them, and what upstreams of kind local name.
func (k *checker) decoders() {
	names := map[string]int{}
	explains := -1
	var known []string
	for i, d := range k.c.Decoders {
		path := fmt.Sprintf("decoders[%d]", i)
		k.unique(names, d.Name, i, path+".name")
		known = append(known, d.Name)
		if d.Explain {
			if explains >= 0 {
				k.add(path+".explain", "decoders[%d] explains already; one decoder can", explains)
			}
			explains = i
		}
	}
	k.intents(names, known)
	k.agents()
	local := map[string]bool{}
	for i, u := range k.c.Upstreams {
		if u.Kind != Local {
			if u.Name == insideName && len(known) > 0 && !k.hasLocal() {
				k.add(fmt.Sprintf("upstreams[%d].name", i), "%s is what the upstream of the decoders is called; name another, or add one of kind local", quote(u.Name))
			}
			continue
		}
		local[u.Name] = true
		path := fmt.Sprintf("upstreams[%d]", i)
		for _, v := range []struct {
			key   string
			given bool
		}{
			{"base_url", u.BaseURL != ""}, {"replicas", len(u.Replicas) > 0}, {"api_key", u.APIKey != ""},
			{"headers", len(u.Headers) > 0}, {"health.path", u.Health.Path != ""},
		} {
			if v.given {
				k.add(path+"."+v.key, "an upstream of kind local is inside this server and has none")
			}
		}
	}
	for i, m := range k.c.Models {
		for j, r := range m.Upstreams {
			name := r.Model
			if name == "" {
				name = m.Name
			}
			if _, ok := names[name]; local[r.Name] && !ok {
				k.missing(fmt.Sprintf("models[%d].upstreams[%d].model", i, j), name, "decoder", known)
			}
		}
	}
}

// intents checks the decoders that tell what requests are about.
func (k *checker) intents(names map[string]int, known []string) {
	look := func(path string, i *router.Intent) {
		if i == nil {
			return
		}
		_, limited := k.c.sources[path+".time_limit"]
		switch _, ok := names[i.Decoder]; {
		case i.Decoder == "" && limited:
			k.add(path+".time_limit", "needs %s.decoder, which it is the limit of", path)
		case i.Decoder != "" && !ok:
			k.missing(path+".decoder", i.Decoder, "decoder", known)
		}
	}
	look("intent", &k.c.Policy.Intent)
	for i, r := range k.c.Policy.Recipes {
		look(fmt.Sprintf("recipes[%d].intent", i), r.Intent)
	}
}

// agents checks that there are some where a recipe wants them.
func (k *checker) agents() {
	for i, r := range k.c.Policy.Recipes {
		if r.Agents && k.c.Agents.Path == "" {
			k.add(fmt.Sprintf("recipes[%d].agents", i), "needs agents.path, the folder of the agents")
		}
	}
}

// askedInVain warns of decoders that tell a category which nobody looks at, and of
// agents that nobody asks.
func (k *checker) askedInVain() {
	policy, err := router.New(k.c.Policy)
	if err != nil {
		return
	}
	asks := false
	for _, r := range k.c.Policy.Recipes {
		asks = asks || r.Agents
	}
	if !asks && k.c.Agents.Path != "" {
		k.add("agents.path", "no recipe has agents: true, so that nobody asks them")
	}
	for i, r := range k.c.Policy.Recipes {
		if r.Agents && !policy.Agents(r.Name) {
			k.add(fmt.Sprintf("recipes[%d].agents", i), "are never asked: the recipe has one model and no domains, so that nothing is chosen")
		}
		if r.Intent != nil && r.Intent.Decoder != "" && policy.Intent(r.Name).Decoder == "" {
			k.add(fmt.Sprintf("recipes[%d].intent.decoder", i), "%s is never asked: the recipe has one model and no domains, so that no category matters", quote(r.Intent.Decoder))
		}
	}
}

func (k *checker) hasLocal() bool {
	for _, u := range k.c.Upstreams {
		if u.Kind == Local {
			return true
		}
	}
	return false
}

// Explainer is the decoder that explains decisions.
func (c *Config) Explainer() (name string, limit time.Duration, ok bool) {
	for _, d := range c.Decoders {
		if d.Explain {
			return d.Name, d.TimeLimit, true
		}
	}
	return "", 0, false
}
