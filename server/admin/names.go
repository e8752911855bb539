package admin

import "sync/atomic"

// names are the metrics of everything that the configuration names, resolved,
// so that counting is a look-up and an addition.
type names struct {
	models     map[string]*modelMetrics
	categories map[string]int // index into modelMetrics.decisions
	category   []string       // its inverse
	asked      map[string]int // what a request may ask for: index into modelMetrics.rerouted
	askedName  []string
	recipes    map[string]*recipeMetrics
	decoders   map[string]*decoderMetrics
	upstreams  map[string]*upstreamMetrics
	findings   map[string]*findingMetrics

	unknownModel    *modelMetrics
	blocked         *modelMetrics // a blocked request has no model
	unknownRecipe   *recipeMetrics
	unknownDecoder  *decoderMetrics
	unknownUpstream *upstreamMetrics
	unknownFinding  *findingMetrics
}

type modelMetrics struct {
	name          string
	decisions     [2][]lazy[counter] // routed, blocked; by category
	input, output *counter
	cost          *amount
	baseline      *amount
	fallback      *counter
	vllmsr        vllmsrModel
}

type recipeMetrics struct {
	decisions *counter
	matches   *counter
}

type decoderMetrics struct {
	told  [tellingCount]*counter
	after *histogram
}

type upstreamMetrics struct {
	attempts  [outcomeCount]*counter
	firstByte *histogram
	retries   *counter
	breaker   *gauge
}

type findingMetrics struct {
	entity  string
	actions [foundCount]*counter
}

// lazy is a metric that exists from its first use on: combinations of labels are
// many, and few of them happen.
type lazy[T any] struct{ p atomic.Pointer[T] }

func (l *lazy[T]) keep(v *T) *T {
	l.p.Store(v)
	return v
}

// Configure sets the label values that count by their name from now on. What
// was counted stays. The server calls it after each reload.
func (m *Metrics) Configure(l Labels) {
	if m == nil {
		return
	}
	m.configuring.Lock()
	defer m.configuring.Unlock()
	n := &names{
		models: map[string]*modelMetrics{}, categories: map[string]int{}, asked: map[string]int{},
		recipes: map[string]*recipeMetrics{}, decoders: map[string]*decoderMetrics{}, upstreams: map[string]*upstreamMetrics{}, findings: map[string]*findingMetrics{},
	}
	// The first of both lists is what everything else counts as. A decision
	// without a category has "".
	for _, c := range append([]string{unknown, ""}, l.Categories...) {
		add(n.categories, &n.category, c)
	}
	for _, list := range [][]string{{unknown, "auto"}, l.Recipes, l.Models} {
		for _, a := range list {
			add(n.asked, &n.askedName, a)
		}
	}
	n.unknownModel = m.model(n, unknown)
	n.blocked = m.model(n, "")
	for _, name := range l.Models {
		n.models[name] = m.model(n, name)
	}
	n.unknownRecipe = m.recipe(unknown)
	for _, name := range l.Recipes {
		n.recipes[name] = m.recipe(name)
	}
	n.unknownFinding = m.finding(unknown)
	for _, name := range append([]string{Jailbreak}, l.Entities...) {
		n.findings[name] = m.finding(name)
	}
	n.unknownDecoder = m.decoder(unknown)
	for _, name := range l.Decoders {
		n.decoders[name] = m.decoder(name)
	}
	n.unknownUpstream = m.upstream(unknown)
	for _, name := range l.Upstreams {
		n.upstreams[name] = m.upstream(name)
	}
	old := m.names.Swap(n)
	if old == nil {
		return
	}
	// The state of a breaker that is gone would stand for ever.
	for name := range old.upstreams {
		if n.upstreams[name] == nil {
			m.breakers.drop(name)
		}
	}
}

func add(index map[string]int, list *[]string, name string) {
	if _, ok := index[name]; !ok {
		index[name] = len(*list)
		*list = append(*list, name)
	}
}

func (m *Metrics) model(n *names, name string) *modelMetrics {
	x := &modelMetrics{name: name}
	for a := range x.decisions {
		x.decisions[a] = make([]lazy[counter], len(n.category))
	}
	if name == "" {
		return x
	}
	x.input, x.output = m.tokens.with(name, "input"), m.tokens.with(name, "output")
	x.cost, x.baseline = m.cost.with(name), m.baseline.with(name)
	x.fallback = m.fallbacks.with(name)
	x.vllmsr = m.vllmsr.model(name, len(n.askedName))
	return x
}

func (m *Metrics) recipe(name string) *recipeMetrics {
	return &recipeMetrics{m.recipes.with(name), m.vllmsr.decisions.with(name)}
}

func (m *Metrics) finding(name string) *findingMetrics {
	x := &findingMetrics{entity: name}
	for f := range x.actions {
		x.actions[f] = m.findings.with(Found(f).String(), name)
	}
	return x
}

func (m *Metrics) decoder(name string) *decoderMetrics {
	x := &decoderMetrics{after: m.toldAfter.with(name)}
	for o := range x.told {
		x.told[o] = m.told.with(name, Telling(o).String())
	}
	return x
}

func (m *Metrics) upstream(name string) *upstreamMetrics {
	x := &upstreamMetrics{
		firstByte: m.attempted.with(name), retries: m.retries.with(name), breaker: m.breakers.with(name),
	}
	for o := range x.attempts {
		x.attempts[o] = m.attempts.with(name, Outcome(o).String())
	}
	return x
}

// model returns the metrics of a model, or those of all models that are not in
// the configuration; recipe, upstream and finding do the same.
func (n *names) model(name string) *modelMetrics {
	if x := n.models[name]; x != nil {
		return x
	}
	return n.unknownModel
}

func (n *names) recipe(name string) *recipeMetrics {
	if x := n.recipes[name]; x != nil {
		return x
	}
	return n.unknownRecipe
}

func (n *names) decoder(name string) *decoderMetrics {
	if x := n.decoders[name]; x != nil {
		return x
	}
	return n.unknownDecoder
}

func (n *names) upstream(name string) *upstreamMetrics {
	if x := n.upstreams[name]; x != nil {
		return x
	}
	return n.unknownUpstream
}

func (n *names) finding(name string) *findingMetrics {
	if x := n.findings[name]; x != nil {
		return x
	}
	return n.unknownFinding
}
