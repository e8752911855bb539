package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"mom/router"
)

// Keys of the policy that notes name.
const (
	guardKey   = "security.jailbreak"
	piiKey     = "security.pii"
	abstainKey = "recipes[].min_confidence"
	scoresKey  = "categories"
)

// priceKey is the price of a model for a key of the input.
func priceKey(theirs string) string {
	return map[string]string{
		"prompt_per_1m": "price.input", "completion_per_1m": "price.output", "cached_input_per_1m": "price.cached_input",
	}[theirs]
}

// describe takes over what a card says a model can.
func (im *importer) describe(card *tree, m *importedModel, at string) {
	im.mapped(card.get("name"), at+".name", "")
	if c := card.get("context_window_size"); c.isWord() {
		m.context = word(c)
		im.mapped(c, at+".context", "")
	}
	if q := card.get("quality_score"); q.isWord() {
		m.quality = word(q)
		im.mapped(q, at+".quality", "")
	}
	for _, c := range card.get("capabilities").words {
		m.vision = m.vision || c == "vision" || c == "multimodal"
	}
	im.mapped(card.get("capabilities"), at+".capabilities",
		"vision counts; tools and json_schema are given to every model, since the input sends them to any")
}

func (m importedModel) pairs() yaml.MapSlice {
	scores := yaml.MapSlice{}
	for _, s := range m.scores {
		if !slices.ContainsFunc(scores, func(i yaml.MapItem) bool { return i.Key == s.category }) {
			scores = append(scores, pair(s.category, plainWord(s.score)))
		}
	}
	can := []any{string(router.Tools), string(router.JSONSchema)}
	if m.vision {
		can = append(can, string(router.Vision))
	}
	return pairs(
		pair("name", m.name),
		pair("price", pairs(pair("input", maybe(m.input)), pair("output", maybe(m.output)), pair("cached_input", maybe(m.cached)))),
		pair("quality", maybe(m.quality)), pair("categories", scores), pair("context", maybe(m.context)),
		pair("capabilities", can), pair("upstreams", refs(m.refs)),
	)
}

// maybe is a number of the file, or nothing.
func maybe(text string) any {
	if text == "" {
		return nil
	}
	return plainWord(text)
}

// refusals finds decisions that look at attacks or personal data alone and
// answer at once: what they find is blocked here.
func (im *importer) refusals(routing *tree) {
	for _, d := range routing.get("decisions").items {
		conditions := d.get("rules", "conditions").items
		answers := slices.ContainsFunc(d.get("plugins").items, func(p *tree) bool { return p.get("type").is("fast_response") })
		if !answers || len(conditions) == 0 || d.get("rules", "operator").is("NOT") || len(conditions) > 1 && !d.get("rules", "operator").is("OR") {
			continue
		}
		guard, pii := 0, 0
		for _, c := range conditions {
			switch {
			case c.get("type").is("jailbreak"):
				guard++
			case c.get("type").is("pii"):
				pii++
			}
		}
		if guard+pii < len(conditions) {
			continue
		}
		to := guardKey + ".action"
		if pii > 0 {
			im.policy.blockPII = true
			to = piiKey + ".action"
		}
		im.mapped(d.get("rules"), to, "")
		im.dropped(d, "a blocked request is answered with an error of the client's protocol")
	}
}

// sections are the keys of the policy.
func (p *importedPolicy) sections() []section {
	guard, pii := string(router.Blocked), string(router.Flag)
	if p.blockPII {
		pii = string(router.Blocked)
	}
	if p.guardOff {
		guard = string(router.Off)
	}
	if p.piiOff {
		pii = string(router.Off)
	}
	types := yaml.MapSlice{}
	for _, t := range p.allowed {
		if !slices.ContainsFunc(types, func(i yaml.MapItem) bool { return i.Key == t }) {
			types = append(types, pair(t, pairs(pair("action", string(router.Off)))))
		}
	}
	var recipes []any
	for _, r := range p.recipes {
		recipes = append(recipes, p.recipe(r))
	}
	return []section{
		{"recipes", "", recipes},
		{"security", "Thresholds are those of the imported file, whose classifiers were others.", pairs(
			pair("jailbreak", pairs(pair("action", guard), pair("threshold", maybe(p.guardThreshold)))),
			pair("pii", pairs(pair("action", pii), pair("threshold", maybe(p.pii)), pair("types", types))),
		)},
	}
}

// recipe is one of the new file; fields with the same models share a rule.
func (p *importedPolicy) recipe(r importedRecipe) yaml.MapSlice {
	type rule struct {
		fields []any
		models []string
	}
	var rules []*rule
	for _, c := range r.categories {
		at := slices.IndexFunc(rules, func(r *rule) bool { return slices.Equal(r.models, c.models) })
		if at < 0 {
			at = len(rules)
			rules = append(rules, &rule{models: c.models})
		}
		rules[at].fields = append(rules[at].fields, c.name)
	}
	var domains []any
	for _, r := range rules {
		var models []any
		for _, m := range r.models {
			models = append(models, m)
		}
		domains = append(domains, pairs(pair("categories", r.fields), pair("models", models)))
	}
	return pairs(pair("name", r.name), pair("default", p.fallback), pair("min_confidence", maybe(p.abstain)), pair("domains", domains))
}

// aliases adds a recipe of another name, which is how clients know it.
func (im *importer) aliases(n *tree, names []string, recipe string) {
	at := slices.IndexFunc(im.policy.recipes, func(r importedRecipe) bool { return r.name == recipe })
	if at < 0 {
		im.dropped(n, "its recipe was not taken over")
		return
	}
	why := ""
	for _, name := range names {
		switch {
		case im.has(name):
			why = "names that are models too stay models"
		case strings.Contains(name, "*"):
			why = "a name with * is not supported"
		case name != "" && !slices.ContainsFunc(im.policy.recipes, func(r importedRecipe) bool { return r.name == name }):
			other := im.policy.recipes[at]
			other.name = name
			im.policy.recipes = append(im.policy.recipes, other)
		}
	}
	im.mapped(n, "recipes[].name", why)
}
