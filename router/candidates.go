package router

import "slices"

// usualOutput is how many tokens an answer is taken to have when a recipe does
// not say.
const usualOutput = 400

// weigh returns the weight of each field of the router in an expected quality,
// then that of the quality over all fields: what the distribution leaves open,
// or gives to categories that no model has a figure for. It appends to w.
func (r *Router) weigh(w []float64, intent []Category) []float64 {
	if len(intent) == 0 {
		return nil
	}
	for range len(r.fields) + 1 {
		w = append(w, 0)
	}
	for _, c := range intent {
		if i, known := r.fields[c.Name]; known {
			w[i] += share(c.P)
		}
	}
	sum, last := 0.0, len(r.fields)
	for _, p := range w[:last] {
		sum += p
	}
	w[last] = max(1-sum, 0)
	return w
}

// expected is the expected share of good answers to a request whose field has
// these weights; without them, over all fields.
func (m *model) expected(weights []float64) float64 {
	if weights == nil {
		return m.Quality
	}
	last := len(m.quality)
	q := weights[last] * m.Quality
	for i, x := range m.quality {
		q += weights[i] * x
	}
	return min(q, 1)
}

// candidates looks at each model: what it is expected to do, to cost, and what
// keeps it from serving the request.
func (d *decision) candidates(models []*model, weights []float64) {
	d.Candidates = make([]Candidate, len(models))
	for i, m := range models {
		d.Candidates[i] = Candidate{
			Model:    m.Name,
			Quality:  d.signals.Difficulty.graded(m.expected(weights)),
			Cost:     d.cost(m, d.rc.ExpectedOutput),
			RuledOut: d.barred(m),
		}
	}
}

// cost is what the model is expected to charge for the request, in US dollars.
func (d *decision) cost(m *model, output int) float64 {
	if output == 0 {
		output = usualOutput
	}
	if most := d.request.MaxOutputTokens; most > 0 {
		output = min(output, most)
	}
	input, cached := max(d.request.InputTokens, 0), 0
	if m.Price.CachedInput != nil && m.Name == d.request.Pinned {
		cached = min(max(d.request.CachedTokens, 0), input)
	}
	cost := float64(input-cached)*m.Price.Input + float64(output)*m.Price.Output
	if cached > 0 {
		cost += float64(cached) * *m.Price.CachedInput
	}
	return cost / 1e6
}

// barred says why m cannot serve the request, or nothing.
func (d *decision) barred(m *model) string {
	req := &d.request
	switch {
	case len(req.Allowed) > 0 && !matchesAny(req.Allowed, m.Name):
		return "not among the models that the request allows"
	case matchesAny(req.Excluded, m.Name):
		return "excluded by the request"
	case slices.Contains(req.Unavailable, m.Name):
		return "no upstream of it is working"
	case req.Tools && !slices.Contains(m.Capabilities, Tools):
		return "does not call tools"
	case req.Vision && !slices.Contains(m.Capabilities, Vision):
		return "does not read images"
	case req.JSONSchema && !slices.Contains(m.Capabilities, JSONSchema):
		return "does not answer by a schema"
	case m.Context > 0 && m.Context-max(req.InputTokens, 0) < max(req.MaxOutputTokens, 1): // a sum could overflow
		return m.tooLong
	}
	return ""
}
