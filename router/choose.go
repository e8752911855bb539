package router

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// usualOutput is how many tokens an answer is taken to have when a recipe does
// not say.
const usualOutput = 400

// candidates looks at each model: what it is expected to do, to cost, and what
// keeps it from serving the request.
func (d *decision) candidates(models []*Model, trusted bool) {
	d.Candidates = make([]Candidate, len(models))
	for i, m := range models {
		d.Candidates[i] = Candidate{
			Model:    m.Name,
			Quality:  m.quality(d.signals.Intent, trusted),
			Cost:     d.cost(m, d.rc.ExpectedOutput),
			RuledOut: d.barred(m),
		}
	}
}

// quality is the expected share of good answers to a request whose field is
// distributed as intent says. What the distribution leaves open, and fields that
// the model has no figure for, count with the quality over all fields.
func (m *Model) quality(intent []Category, trusted bool) float64 {
	if !trusted || len(m.Categories) == 0 {
		return m.Quality
	}
	sum, rest := 0.0, 1.0
	for _, c := range intent {
		q, known := m.Categories[c.Name]
		if !known {
			continue
		}
		sum += c.P * q
		rest -= c.P
	}
	return min(max(sum+max(rest, 0)*m.Quality, 0), 1)
}

// cost is what the model is expected to charge for the request, in US dollars.
func (d *decision) cost(m *Model, expected int) float64 {
	if expected == 0 {
		expected = usualOutput
	}
	if most := d.request.MaxOutputTokens; most > 0 {
		expected = min(expected, most)
	}
	input, cached := float64(d.request.InputTokens), 0.0
	if m.Name == d.request.Pinned && m.Price.CachedInput != nil {
		cached = min(float64(max(d.request.CachedTokens, 0)), input)
	}
	cost := (input-cached)*m.Price.Input + float64(expected)*m.Price.Output
	if cached > 0 {
		cost += cached * *m.Price.CachedInput
	}
	return cost / 1e6
}

// barred says why m cannot serve the request, or nothing.
func (d *decision) barred(m *Model) string {
	req := d.request
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
	case m.Context > 0 && req.InputTokens+max(req.MaxOutputTokens, 1) > m.Context:
		return fmt.Sprintf("%d tokens and an answer of up to %d are more than its context of %d", req.InputTokens, max(req.MaxOutputTokens, 1), m.Context)
	}
	return ""
}

// Floor is the expected quality that a model must have to be chosen, given that
// of the best and a cost_quality_tradeoff t from 0 to 10: best * (1 - (t/10)²).
// At 0 only the best will do, at 3 a loss of 9 %, at 5 of 25 %, at 10 any model.
func Floor(best, t float64) float64 { return best * (1 - t*t/100) }

// choose takes the cheapest of the candidates that are good enough.
func (d *decision) choose(tradeoff float64, trusted bool, session Session) {
	cs := d.Candidates
	best := -1
	for i := range cs {
		if cs[i].RuledOut == "" && (best < 0 || better(&cs[i], &cs[best])) {
			best = i
		}
	}
	if best < 0 {
		d.Action = Refuse
		d.reason("domain", "refused", "None of the models of the recipe can serve the request; each candidate says why.", nil)
		return
	}
	d.BestCost = cs[best].Cost
	floor := Floor(cs[best].Quality, tradeoff)
	d.domainReason(&cs[best], trusted)

	chosen, able := best, 0
	for i := range cs {
		if cs[i].RuledOut != "" {
			continue
		}
		able++
		if cs[i].Quality >= floor && cheaper(&cs[i], &cs[chosen]) {
			chosen = i
		}
	}
	verdict, why := "cheapest", " is the cheapest of the models that are good enough"
	if able == 1 {
		verdict, why = "only", " is the only model that can serve the request"
	}
	pinned := -1
	if session.Affinity {
		pinned = d.find(d.request.Pinned)
	}
	switch i := d.find(d.rc.Default); {
	case pinned >= 0 && pinned != chosen && (d.Abstained || cs[pinned].Quality >= floor && // "go on" has no field
		cs[pinned].Cost-cs[chosen].Cost <= session.MinSaving*cs[pinned].Cost):
		chosen, verdict, why = pinned, "kept", " has served the conversation, and a change would gain too little"
	case pinned < 0 && d.Abstained && i >= 0:
		chosen, verdict, why = i, "default", " is the recipe's default, for requests whose field is not clear"
	}
	d.Model, d.Cost = cs[chosen].Model, cs[chosen].Cost
	scores := d.list(Score{"cost", d.Cost}, Score{"baseline_cost", d.BestCost}, Score{"quality", cs[chosen].Quality}, Score{"floor", floor})
	text := append(append(make([]byte, 0, 256), d.Model...), why...)
	text = append(text, ": with cost_quality_tradeoff "...)
	text = strconv.AppendFloat(text, tradeoff, 'g', 4, 64)
	text = append(text, " the expected quality may go down to "...)
	text = strconv.AppendFloat(text, floor, 'f', 3, 64)
	text = append(append(append(text, ", and the best, "...), cs[best].Model...), ", has "...)
	text = append(strconv.AppendFloat(text, cs[best].Quality, 'f', 3, 64), '.')
	d.reason("cost", verdict, string(text), scores)
	d.order(floor)
}

// find returns the index of a candidate that can serve the request, or -1.
func (d *decision) find(name string) int {
	if name == "" {
		return -1
	}
	return slices.IndexFunc(d.Candidates, func(c Candidate) bool { return c.Model == name && c.RuledOut == "" })
}

func (d *decision) domainReason(best *Candidate, trusted bool) {
	scores := d.list(Score{best.Model, best.Quality})
	if trusted {
		d.reason("domain", best.Model, "Best expected quality for "+d.Category+" has "+best.Model+".", scores)
		return
	}
	d.reason("domain", best.Model, "Best expected quality over all fields has "+best.Model+".", scores)
}

// order sorts the candidates for the reader, the chosen one first, and lists
// the fallbacks: what is good enough by cost, then the others by quality.
func (d *decision) order(floor float64) {
	slices.SortFunc(d.Candidates, func(a, b Candidate) int {
		rank := func(c *Candidate) int {
			switch {
			case c.Model == d.Model:
				return 0
			case c.RuledOut != "":
				return 3
			case c.Quality >= floor:
				return 1
			}
			return 2
		}
		ra, rb := rank(&a), rank(&b)
		switch {
		case ra != rb:
			return ra - rb
		case ra == 1 && cheaper(&a, &b), ra == 2 && better(&a, &b):
			return -1
		case ra == 3:
			return strings.Compare(a.Model, b.Model)
		}
		return 1
	})
	d.Fallbacks = make([]string, 0, maxFallbacks)
	for i := range d.Candidates {
		if c := &d.Candidates[i]; i > 0 && c.RuledOut == "" && len(d.Fallbacks) < maxFallbacks {
			d.Fallbacks = append(d.Fallbacks, c.Model)
		}
	}
}

// better and cheaper are orders without ties: equal figures leave it to the
// other one, then to the name.
func better(a, b *Candidate) bool {
	if a.Quality != b.Quality {
		return a.Quality > b.Quality
	}
	if a.Cost != b.Cost {
		return a.Cost < b.Cost
	}
	return a.Model < b.Model
}

func cheaper(a, b *Candidate) bool {
	if a.Cost != b.Cost {
		return a.Cost < b.Cost
	}
	if a.Quality != b.Quality {
		return a.Quality > b.Quality
	}
	return a.Model < b.Model
}
