package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mom/router"
)

// policy hands the models to the router's part.
func (c *Config) policy() {
	c.Policy.Models = make([]router.Model, len(c.Models))
	for i, m := range c.Models {
		c.Policy.Models[i] = m.Model
	}
}

// policy checks the router's part.
func (k *checker) policy() {
	k.c.policy()
	var all *router.ConfigError
	if err := k.c.Policy.Validate(); errors.As(err, &all) {
		for _, p := range all.Problems {
			reason := p.Reason
			if k.c.file != "" && k.c.source(p.Path).Line == 0 {
				reason += " (that value is a default)"
			}
			k.add(p.Path, "%s", reason)
		}
	} else if err != nil {
		k.add("", "%v", err)
	}
}

// names are the models and recipes that a client can ask for.
func (c *Config) names() []string {
	var out []string
	for _, m := range c.Models {
		out = append(out, m.Name)
	}
	for _, r := range c.Policy.Recipes {
		out = append(out, r.Name)
	}
	return out
}

// policyChecks are what router demands of single values, so that the decoder,
// the schema and the reference know it. Validate of router has the last word.
func policyChecks() map[string]check {
	share := check{min: "0", max: "1"}
	positive := check{min: "0"}
	tradeoff := check{min: "0", max: "10"}
	return map[string]check{
		"router.Model.Name":            {required: true},
		"router.Model.Quality":         share,
		"router.Model.Categories":      share,
		"router.Model.Context":         positive,
		"router.Price.Input":           positive,
		"router.Price.Output":          positive,
		"router.Price.CachedInput":     positive,
		"router.Recipe.Name":           {required: true},
		"router.Recipe.Tradeoff":       tradeoff,
		"router.Recipe.MinConfidence":  share,
		"router.Recipe.ExpectedOutput": positive,
		"router.Intent.TimeLimit":      {min: "1ms", max: "10m"},
		"router.Domain.Categories":     {required: true},
		"router.Domain.Tradeoff":       tradeoff,
		"router.Jailbreak.Action":      {without: string(router.Mask)},
		"router.Jailbreak.Threshold":   share,
		"router.PII.Threshold":         share,
		"router.PIIRule.Action":        {required: true},
		"router.PIIRule.Threshold":     share,
		"router.Session.MinSaving":     share,
	}
}

// policyComments replace comments that lean on that of their type.
func policyComments(field string) string {
	return map[string]string{
		"router.Model.Price":     "What it costs, in US dollars for a million tokens.",
		"router.Intent.Decoder":  "The decoder, one of decoders, whose category counts instead of the encoder's; empty means that the encoder's counts.",
		"router.Recipe.Intent":   "Replaces the intent that is configured for all recipes; without a decoder the encoder's category counts.",
		"router.Recipe.Security": "Replaces the security that is configured for all recipes; what it leaves out has the built-in default.",
	}[field]
}

// categories warns of fields that the built-in classifier does not tell apart.
func (k *checker) categories() {
	known := router.Categories()
	look := func(path, name string) {
		if slices.Contains(known, name) {
			return
		}
		hint := "it tells apart " + strings.Join(known, ", ")
		if n := near(name, known); n != "" {
			hint = "did you mean " + n + "?"
		}
		k.add(path, "%s is no field of the built-in classifier; %s", quote(name), hint)
	}
	for i, m := range k.c.Models {
		for name := range m.Categories {
			look(fmt.Sprintf("models[%d].categories.%s", i, name), name)
		}
	}
	for i, r := range k.c.Policy.Recipes {
		for j, d := range r.Domains {
			for n, name := range d.Categories {
				look(fmt.Sprintf("recipes[%d].domains[%d].categories[%d]", i, j, n), name)
			}
		}
	}
}
