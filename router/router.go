package router

import (
	"fmt"
	"slices"
	"strings"
)

// A Router decides by one configuration. It is safe for concurrent use.
type Router struct {
	config  Config
	models  []model // in the order of the configuration
	recipes []recipe
	fields  map[string]int // index of each category that a model has a quality for
}

// model is a Model with what every decision about it needs.
type model struct {
	*Model
	quality []float64 // by field
	tooLong string    // why it cannot serve a request that exceeds its context
}

// recipe is a Recipe with its names looked up.
type recipe struct {
	*Recipe
	models   []*model // sorted by name
	domains  map[string]*domain
	intent   *Intent
	security *Security
}

type domain struct {
	models   []*model
	tradeoff float64
}

// New checks the configuration, which must not be changed afterwards; what is
// wrong with it is a *ConfigError.
func New(c Config) (*Router, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &Router{config: c}
	r.prepare()
	for i := range c.Recipes {
		rc := recipe{Recipe: &c.Recipes[i], domains: map[string]*domain{}, intent: c.Recipes[i].Intent, security: c.Recipes[i].Security}
		rc.models = r.choose(rc.Models)
		if rc.intent == nil {
			rc.intent = &r.config.Intent
		}
		if rc.security == nil {
			rc.security = &r.config.Security
		}
		for _, d := range rc.Domains {
			rule := &domain{models: rc.models, tradeoff: rc.Tradeoff}
			if len(d.Models) > 0 {
				rule.models = r.choose(d.Models)
			}
			if d.Tradeoff != nil {
				rule.tradeoff = *d.Tradeoff
			}
			for _, category := range d.Categories {
				rc.domains[category] = rule
			}
		}
		r.recipes = append(r.recipes, rc)
	}
	return r, nil
}

// prepare numbers the categories, by name so that sums do not depend on the
// order of the models, and lists the quality of each model by their numbers.
func (r *Router) prepare() {
	r.fields = map[string]int{}
	for _, m := range r.config.Models {
		for category := range m.Categories {
			r.fields[category] = 0
		}
	}
	names := sortedKeys(r.fields)
	for i, category := range names {
		r.fields[category] = i
	}
	for i := range r.config.Models {
		m := &r.config.Models[i]
		quality := make([]float64, len(names))
		for j, category := range names {
			q, known := m.Categories[category]
			if !known {
				q = m.Quality
			}
			quality[j] = q
		}
		r.models = append(r.models, model{m, quality, fmt.Sprintf("prompt and answer are longer than its context of %d tokens", m.Context)})
	}
}

// choose returns the models that a list of patterns names, sorted by name, so
// that their order in the configuration has no part in a decision. Those that are
// asked by name only it returns where the list has the name itself.
func (r *Router) choose(patterns []string) []*model {
	var out []*model
	for i := range r.models {
		m := &r.models[i]
		if m.ByName && !slices.Contains(patterns, m.Name) {
			continue
		}
		if len(patterns) == 0 || matchesAny(patterns, m.Name) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *model) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Models lists the models of the configuration.
func (r *Router) Models() []Model { return slices.Clone(r.config.Models) }

// Recipes lists the names of the recipes.
func (r *Router) Recipes() []string {
	var names []string
	for _, rc := range r.recipes {
		names = append(names, rc.Name)
	}
	return names
}

// Knows reports whether name is a recipe or a model.
func (r *Router) Knows(name string) bool { return r.recipe(name) != nil || r.model(name) != nil }

// Tasks says which signals a decision for this model or recipe looks at.
func (r *Router) Tasks(name string) (intent, guard, pii bool) {
	security := &r.config.Security
	if rc := r.recipe(name); rc != nil {
		security, intent = rc.security, rc.chooses()
	}
	return intent, security.Jailbreak.Action.on(), security.PII.on()
}

// chooses reports whether the category of a request matters to the recipe.
func (rc *recipe) chooses() bool { return len(rc.models) > 1 || len(rc.domains) > 0 }

// Intent says which decoder is asked what a request for this model or recipe is
// about, and within what time. Without one, or where the category does not
// matter, it is zero: the encoder's category counts.
func (r *Router) Intent(name string) Intent {
	if rc := r.recipe(name); rc != nil && rc.intent.Decoder != "" && rc.chooses() {
		return *rc.intent
	}
	return Intent{}
}

// Agents reports whether a decision for this model or recipe waits for the agent of
// the request's field.
func (r *Router) Agents(name string) bool {
	rc := r.recipe(name)
	return rc != nil && rc.Agents && rc.chooses()
}

func (r Response) on() bool { return r != Off && r != "" }

func (p *PII) on() bool {
	if p.Action.on() {
		return true
	}
	for _, rule := range p.Types {
		if rule.Action.on() {
			return true
		}
	}
	return false
}

func (r *Router) recipe(name string) *recipe {
	for i := range r.recipes {
		if r.recipes[i].Name == name {
			return &r.recipes[i]
		}
	}
	return nil
}

func (r *Router) model(name string) *model {
	for i := range r.models {
		if r.models[i].Name == name {
			return &r.models[i]
		}
	}
	return nil
}

// matches reports whether name fits pattern, in which * stands for any text.
func matches(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, head)
	if !ok {
		return false
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], next
	}
}

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if matches(p, name) {
			return true
		}
	}
	return false
}
