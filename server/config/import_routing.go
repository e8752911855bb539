package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mom/router"
)

// An importedPolicy is what the new file says of routing and security.
type importedPolicy struct {
	fallback                     string // the model where no category decides
	recipes                      []importedRecipe
	guardOff, piiOff             bool
	guardThreshold, pii, abstain string
	allowed                      []string // types of personal data that pass
	guardSeen, piiSeen, blockPII bool
}

// An importedRecipe is a policy that clients name as a model.
type importedRecipe struct {
	name       string
	categories []importedCategory
}

// An importedCategory says which models serve a field of knowledge.
type importedCategory struct {
	name   string
	models []string
}

func (im *importer) routing() {
	r := im.root.get("routing")
	auto := importedRecipe{name: "auto"}
	im.defaults()
	im.security(r.get("signals"))
	im.modules()
	im.scores(r.get("signals", "domains"))
	im.refusals(r)
	im.decisions(r, &auto)
	im.policy.recipes = append(im.policy.recipes, auto)
	for _, other := range im.root.get("recipes").items {
		im.recipe(other)
	}
	im.entrypoints()
}

// defaults takes over the model of last resort and the names of the router.
func (im *importer) defaults() {
	m := im.root.get("providers", "defaults", "default_model")
	switch why, left := im.left[m.text]; {
	case !m.isWord():
	case left:
		im.dropped(m, why)
	case !im.has(m.text):
		im.dropped(m, "is no model of providers.models")
	default:
		im.policy.fallback = m.text
		im.mapped(m, "recipes[].default", "it answers where the field is uncertain; a field without a decision is routed by price and quality")
	}
}

func (im *importer) has(model string) bool {
	return slices.ContainsFunc(im.models, func(m importedModel) bool { return m.name == model })
}

// security takes over the first jailbreak and the first PII signal: here they
// hold for every request.
func (im *importer) security(signals *tree) {
	for _, j := range signals.get("jailbreak").items {
		if im.policy.guardSeen {
			im.dropped(j, "there is one guard, and an earlier signal set it")
			continue
		}
		im.policy.guardSeen = true
		if t := j.get("threshold"); t.isWord() {
			im.policy.guardThreshold = word(t)
			im.mapped(t, guardKey+".threshold", "the score is that of another model: try it with your own prompts")
		}
		if h := j.get("include_history"); h.is("true") {
			im.mapped(h, "", "every text of a request is always read")
		}
	}
	for _, p := range signals.get("pii").items {
		if im.policy.piiSeen {
			im.dropped(p, "there is one policy for personal data, and an earlier signal set it")
			continue
		}
		im.policy.piiSeen = true
		if t := p.get("threshold"); t.isWord() {
			im.policy.pii = word(t)
			im.mapped(t, piiKey+".threshold", "the score is that of another model: try it with your own prompts")
		}
		if h := p.get("include_history"); h.is("true") {
			im.mapped(h, "", "every text of a request is always read")
		}
		if a := p.get("pii_types_allowed"); a.words != nil {
			im.policy.allowed = a.words
			im.mapped(a, piiKey+".types", "")
		}
	}
}

// modules takes over what global says of the three classifiers, where no signal
// said it before.
func (im *importer) modules() {
	m := im.root.get("global", "model_catalog", "modules")
	for _, of := range []struct {
		tree *tree
		off  *bool
		text *string
		key  string
	}{
		{m.get("prompt_guard"), &im.policy.guardOff, &im.policy.guardThreshold, guardKey},
		{m.get("classifier", "pii"), &im.policy.piiOff, &im.policy.pii, piiKey},
	} {
		if e := of.tree.get("enabled"); e.isWord() {
			*of.off = e.is("false")
			im.mapped(e, of.key+".action", "")
		}
		t := of.tree.get("threshold")
		if t.isWord() && *of.text == "" {
			*of.text = word(t)
			im.mapped(t, of.key+".threshold", "the score is that of another model: try it with your own prompts")
		} else {
			im.dropped(t, "a signal says it for all requests")
		}
	}
	if t := m.get("classifier", "domain", "threshold"); t.isWord() {
		im.policy.abstain = word(t)
		im.mapped(t, abstainKey, "below it the default model answers; the score is that of another model")
	}
}

// scores takes over how good models are in a field.
func (im *importer) scores(domains *tree) {
	for _, d := range domains.items {
		fields := d.get("mmlu_categories")
		names := fields.words
		if names == nil && d.get("name").isWord() {
			names = []string{d.get("name").text}
		}
		known := true
		for _, n := range names {
			known = known && slices.Contains(router.Categories(), n)
		}
		if !known {
			im.dropped(d, "names a field that the built-in classifier does not tell apart; it knows "+strings.Join(router.Categories(), ", "))
			continue
		}
		im.mapped(d.get("name"), "", "the built-in classifier knows the field")
		im.mapped(fields, "", "the built-in classifier knows the field")
		for _, s := range d.get("model_scores").items {
			im.score(s, names)
		}
	}
}

func (im *importer) score(s *tree, fields []string) {
	at := slices.IndexFunc(im.models, func(m importedModel) bool { return s.get("model").is(m.name) })
	if at < 0 {
		im.dropped(s, "its model was not taken over")
		return
	}
	if !s.get("score").isWord() {
		return
	}
	for _, f := range fields {
		im.models[at].scores = append(im.models[at].scores, categoryScore{f, word(s.get("score"))})
	}
	to := fmt.Sprintf("models[%d].%s", at, scoresKey)
	im.mapped(s.get("score"), to, "")
	im.mapped(s.get("model"), to, "")
}

// decisions takes over decisions that look at nothing but the field: their
// models serve it. Of several for one field that of the highest priority counts.
func (im *importer) decisions(routing *tree, recipe *importedRecipe) {
	list := slices.Clone(routing.get("decisions").items)
	slices.SortStableFunc(list, func(a, b *tree) int { return priority(b) - priority(a) })
	for _, d := range list {
		fields, why := fieldsOfRules(d.get("rules"), routing.get("signals", "domains"))
		if why == "" && !im.candidates(d, fields, recipe) {
			why = "none of its models was taken over, or a decision of higher priority has the same field"
		}
		if why != "" {
			im.dropped(d, why)
		}
	}
}

func priority(d *tree) int {
	n, err := strconv.Atoi(d.get("priority").text)
	if err != nil {
		return 0
	}
	return n
}

// fieldsOfRules are the fields of rules that are one field, or one of several.
func fieldsOfRules(rules, domains *tree) (fields []string, why string) {
	const other = "its rules are not a field of knowledge alone; here a request is routed by its field, by price and by quality"
	conditions := rules.get("conditions").items
	if rules.get("operator").is("NOT") || len(conditions) == 0 || len(conditions) > 1 && !rules.get("operator").is("OR") {
		return nil, other
	}
	for _, c := range conditions {
		if !c.get("type").is("domain") {
			return nil, other
		}
		name := c.get("name").text
		words := []string{name}
		for _, d := range domains.items {
			if d.get("name").is(name) && d.get("mmlu_categories").words != nil {
				words = d.get("mmlu_categories").words
			}
		}
		for _, w := range words {
			if !slices.Contains(router.Categories(), w) {
				return nil, "names a field that the built-in classifier does not tell apart"
			}
		}
		fields = append(fields, words...)
	}
	return fields, ""
}

// candidates gives the fields the models of a decision, where no other has.
func (im *importer) candidates(d *tree, fields []string, recipe *importedRecipe) bool {
	var models []string
	for _, m := range d.get("modelRefs").items {
		if im.has(m.get("model").text) {
			models = append(models, m.get("model").text)
		}
	}
	taken := false
	for _, f := range fields {
		if slices.ContainsFunc(recipe.categories, func(c importedCategory) bool { return c.name == f }) || len(models) == 0 {
			continue
		}
		recipe.categories = append(recipe.categories, importedCategory{f, models})
		taken = true
	}
	if !taken {
		return false
	}
	to := "recipes[].domains[]"
	for _, m := range d.get("modelRefs").items {
		if im.has(m.get("model").text) {
			im.mapped(m.get("model"), to, "")
		} else {
			im.dropped(m, "its model was not taken over")
		}
	}
	im.mapped(d.get("rules"), to, "")
	im.mapped(d.get("priority"), to, "it decided which of several decisions for a field counts")
	return true
}

// recipe takes over a named recipe, with the decisions that can be.
func (im *importer) recipe(r *tree) {
	name := r.get("name")
	if !name.isWord() {
		im.dropped(r, "a recipe without a name")
		return
	}
	out := importedRecipe{name: name.text}
	im.security(r.get("routing", "signals"))
	im.refusals(r.get("routing"))
	im.scores(r.get("routing", "signals", "domains"))
	im.decisions(r.get("routing"), &out)
	if len(out.categories) == 0 {
		im.dropped(r, "none of its decisions has a counterpart, so that there is no such recipe")
		return
	}
	im.mapped(name, "recipes[].name", "")
	im.policy.recipes = append(im.policy.recipes, out)
}

// entrypoints gives recipes the names by which clients know them.
func (im *importer) entrypoints() {
	for _, key := range []string{"auto_model_name", "auto_model_names"} {
		if n := im.root.get("global", "router", key); n.there() {
			im.aliases(n, append(slices.Clone(n.words), n.text), "auto")
		}
	}
	for _, e := range im.root.get("entrypoints").items {
		recipe := e.get("recipe").text
		if recipe == "default" {
			recipe = "auto"
		}
		im.aliases(e, e.get("model_names").words, recipe)
	}
}
