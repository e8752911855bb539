package router

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Problem is what is wrong with one value of a configuration.
type Problem struct {
	Path   string // models[2].price.input
	Reason string // with what is supported
}

// A ConfigError lists all that is wrong with a configuration.
type ConfigError struct{ Problems []Problem }

func (e *ConfigError) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Path+": "+p.Reason)
	}
	return strings.Join(lines, "; ")
}

// maxPrice is a dollar a token: what is above is a slip, and sums stay finite.
const maxPrice = 1e6

// checker collects problems.
type checker []Problem

func (k *checker) fail(path, format string, args ...any) {
	*k = append(*k, Problem{path, fmt.Sprintf(format, args...)})
}

// within refuses what is not a number from low to high.
func (k *checker) within(path string, x, low, high float64) {
	if !(x >= low && x <= high) {
		if math.IsInf(high, 1) {
			k.fail(path, "%v: want a number from %v on", x, low)
			return
		}
		k.fail(path, "%v: want a number from %v to %v", x, low, high)
	}
}

func (k *checker) oneOf(path string, r Response, want ...Response) {
	if !slices.Contains(want, r) && r != "" {
		k.fail(path, "%q: want %v", string(r), want)
	}
}

// Validate returns nil or a *ConfigError.
func (c *Config) Validate() error {
	var k checker
	names := map[string]string{}
	name := func(path, n string) {
		switch at, taken := names[n]; {
		case n == "":
			k.fail(path, "is empty")
		case taken:
			k.fail(path, "%q is also %s", n, at)
		case strings.Contains(n, "*"):
			k.fail(path, "%q: * stands for any name in lists of models and cannot be part of one", n)
		}
		names[n] = path
	}
	if len(c.Models) == 0 {
		k.fail("models", "there are none")
	}
	for i := range c.Models {
		c.Models[i].validate(&k, fmt.Sprintf("models[%d]", i), name)
	}
	if len(c.Recipes) == 0 {
		k.fail("recipes", "there are none; want one named auto at least")
	}
	for i := range c.Recipes {
		c.Recipes[i].validate(&k, fmt.Sprintf("recipes[%d]", i), name, c)
	}
	c.Intent.validate(&k, "intent")
	c.Security.validate(&k, "security")
	k.within("session.min_saving", c.Session.MinSaving, 0, 1)
	if len(k) > 0 {
		return &ConfigError{k}
	}
	return nil
}

func (m *Model) validate(k *checker, path string, name func(path, n string)) {
	name(path+".name", m.Name)
	k.within(path+".price.input", m.Price.Input, 0, maxPrice)
	k.within(path+".price.output", m.Price.Output, 0, maxPrice)
	if c := m.Price.CachedInput; c != nil {
		k.within(path+".price.cached_input", *c, 0, maxPrice)
	}
	k.within(path+".quality", m.Quality, 0, 1)
	for _, c := range sortedKeys(m.Categories) {
		k.within(path+".categories."+c, m.Categories[c], 0, 1)
	}
	k.within(path+".context", float64(m.Context), 0, math.Inf(1))
	for i, c := range m.Capabilities {
		if c != Tools && c != Vision && c != JSONSchema {
			k.fail(fmt.Sprintf("%s.capabilities[%d]", path, i), "%q: want tools, vision or json_schema", string(c))
		}
	}
}

func (r *Recipe) validate(k *checker, path string, name func(path, n string), c *Config) {
	name(path+".name", r.Name)
	patterns := func(path string, list []string) {
		for i, p := range list {
			if !slices.ContainsFunc(c.Models, func(m Model) bool { return matches(p, m.Name) }) {
				k.fail(fmt.Sprintf("%s[%d]", path, i), "%q is no model; there are %s", p, strings.Join(c.modelNames(), ", "))
			}
		}
	}
	patterns(path+".models", r.Models)
	k.within(path+".cost_quality_tradeoff", r.Tradeoff, 0, 10)
	k.within(path+".min_confidence", r.MinConfidence, 0, 1)
	k.within(path+".expected_output", float64(r.ExpectedOutput), 0, math.Inf(1))
	switch {
	case r.Default == "":
	case !slices.Contains(c.modelNames(), r.Default):
		k.fail(path+".default", "%q is no model; there are %s", r.Default, strings.Join(c.modelNames(), ", "))
	case len(r.Models) > 0 && !matchesAny(r.Models, r.Default):
		k.fail(path+".default", "%q is not among the recipe's models", r.Default)
	}
	seen := map[string]bool{}
	for i, d := range r.Domains {
		path := fmt.Sprintf("%s.domains[%d]", path, i)
		if len(d.Categories) == 0 {
			k.fail(path+".categories", "there are none")
		}
		for j, c := range d.Categories {
			if seen[c] {
				k.fail(fmt.Sprintf("%s.categories[%d]", path, j), "%q has a rule already", c)
			}
			seen[c] = true
		}
		patterns(path+".models", d.Models)
		if d.Tradeoff != nil {
			k.within(path+".cost_quality_tradeoff", *d.Tradeoff, 0, 10)
		}
	}
	if r.Intent != nil {
		r.Intent.validate(k, path+".intent")
	}
	if r.Security != nil {
		r.Security.validate(k, path+".security")
	}
}

func (i *Intent) validate(k *checker, path string) {
	if i.Decoder != "" && i.TimeLimit <= 0 {
		k.fail(path+".time_limit", "%v: want more than 0", i.TimeLimit)
	}
}

func (s *Security) validate(k *checker, path string) {
	k.oneOf(path+".jailbreak.action", s.Jailbreak.Action, Blocked, Flag, Off)
	if t := s.Jailbreak.Threshold; t != nil {
		k.within(path+".jailbreak.threshold", *t, 0, 1)
	}
	k.oneOf(path+".pii.action", s.PII.Action, Blocked, Mask, Flag, Off)
	k.within(path+".pii.threshold", s.PII.Threshold, 0, 1)
	for _, t := range sortedKeys(s.PII.Types) {
		rule := s.PII.Types[t]
		k.oneOf(path+".pii.types."+t+".action", rule.Action, Blocked, Mask, Flag, Off)
		if rule.Threshold != nil {
			k.within(path+".pii.types."+t+".threshold", *rule.Threshold, 0, 1)
		}
	}
}

func (c *Config) modelNames() []string {
	var names []string
	for _, m := range c.Models {
		names = append(names, m.Name)
	}
	return names
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
