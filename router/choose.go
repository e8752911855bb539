package router

import (
	"cmp"
	"slices"
	"strings"
)

// choose takes the cheapest of the candidates that are good enough.
func (d *decision) choose(tradeoff float64, session Session) {
	cs := d.Candidates
	best := d.first(byQuality, 0)
	d.explainDomain(best)
	if best < 0 {
		return
	}
	d.BestCost = cs[best].Cost
	floor := Floor(cs[best].Quality, tradeoff)
	chosen, pinned := d.first(byCost, floor), -1
	n := len(d.scores)
	d.score("cost", 0) // filled in below
	d.score("baseline_cost", d.BestCost)
	d.score("quality", 0)
	d.score("floor", floor)

	verdict, why := "cheapest", " is the cheapest of the models that are good enough"
	if d.able() == 1 {
		verdict, why = "only", " is the only model that can serve the request"
	}
	if session.Affinity {
		pinned = d.find(d.request.Pinned)
	}
	switch i := d.find(d.rc.Default); {
	case pinned == chosen: // nothing to weigh
	case pinned >= 0 && d.Abstained: // "go on" has no field
		chosen, verdict, why = pinned, "kept", " has served the conversation, and the request alone does not tell a field"
	case pinned >= 0:
		d.score("pinned_cost", cs[pinned].Cost)
		d.score("pinned_quality", cs[pinned].Quality)
		switch {
		case cs[pinned].Quality < floor:
			d.say(cs[pinned].Model, ", which has served the conversation, is not good enough for this request. ")
		case cs[pinned].Cost-cs[chosen].Cost > session.MinSaving*cs[pinned].Cost:
			d.say(cs[pinned].Model, ", which has served the conversation, costs more even with what it has cached. ")
		default:
			chosen, verdict, why = pinned, "kept", " has served the conversation, and a change would save too little"
		}
	case d.Abstained && i >= 0:
		chosen, verdict, why = i, "default", " is the recipe's default, for requests whose field is not clear"
	}
	d.Model, d.Cost = cs[chosen].Model, cs[chosen].Cost
	d.scores[n].Value, d.scores[n+2].Value = d.Cost, cs[chosen].Quality
	d.say(d.Model, why, ": with cost_quality_tradeoff ")
	d.number(tradeoff, -1)
	d.say(" the expected quality may go down to ")
	d.number(floor, 3)
	d.say(", and the best, ", cs[best].Model, ", has ")
	d.number(cs[best].Quality, 3)
	d.say(".")
	d.reason("cost", verdict, d.scored(n))
	d.order(floor)
}

// Floor is the expected quality that a model must have to be chosen, given that
// of the best and a cost_quality_tradeoff t from 0 to 10: best * (1 - (t/10)²).
// At 0 only the best will do, at 3 a loss of 9 %, at 5 of 25 %, at 10 any model.
func Floor(best, t float64) float64 { return best * (1 - t*t/100) }

// first returns the index of the first by an order of the candidates that can
// serve the request and have at least the quality of floor, or -1.
func (d *decision) first(order func(a, b *Candidate) int, floor float64) int {
	first := -1
	for i := range d.Candidates {
		c := &d.Candidates[i]
		if c.RuledOut == "" && c.Quality >= floor && (first < 0 || order(c, &d.Candidates[first]) < 0) {
			first = i
		}
	}
	return first
}

// able counts the candidates that can serve the request.
func (d *decision) able() int {
	n := 0
	for i := range d.Candidates {
		if d.Candidates[i].RuledOut == "" {
			n++
		}
	}
	return n
}

// find returns the index of a candidate that can serve the request, or -1.
func (d *decision) find(name string) int {
	if name == "" {
		return -1
	}
	for i := range d.Candidates {
		if c := &d.Candidates[i]; c.Model == name && c.RuledOut == "" {
			return i
		}
	}
	return -1
}

// explainDomain says which candidate is the best and what ruled out others.
func (d *decision) explainDomain(best int) {
	n, verdict := len(d.scores), "refused"
	d.explainDifficulty()
	if best < 0 {
		d.Action = Refuse
		d.say("None of the models of the recipe can serve the request.")
	} else {
		b := &d.Candidates[best]
		verdict = b.Model
		d.score(b.Model, b.Quality)
		if d.Abstained {
			d.say("Over all fields, ")
		} else {
			d.say("Weighted by how likely each field is, ")
		}
		d.say(b.Model, " has the best expected quality, ")
		d.number(b.Quality, 3)
		d.say(".")
	}
	out := 0
	for i := range d.Candidates {
		if c := &d.Candidates[i]; c.RuledOut != "" {
			if out++; out == 1 {
				d.say(" Ruled out: ")
			} else {
				d.say("; ")
			}
			d.say(c.Model, " (", c.RuledOut, ")")
		}
	}
	if out > 0 {
		d.say(".")
	}
	d.reason("domain", verdict, d.scored(n))
}

// order sorts the candidates for the reader, the chosen one first, and lists
// the fallbacks: what is good enough by cost, then the others by quality.
func (d *decision) order(floor float64) {
	const chosen, good, poor, out = 0, 1, 2, 3
	rank := func(c *Candidate) int {
		switch {
		case c.Model == d.Model:
			return chosen
		case c.RuledOut != "":
			return out
		case c.Quality >= floor:
			return good
		}
		return poor
	}
	slices.SortFunc(d.Candidates, func(a, b Candidate) int {
		ra, rb := rank(&a), rank(&b)
		switch {
		case ra != rb:
			return ra - rb
		case ra == good:
			return byCost(&a, &b)
		case ra == poor:
			return byQuality(&a, &b)
		}
		return strings.Compare(a.Model, b.Model)
	})
	d.Fallbacks = make([]string, 0, maxFallbacks)
	for i := range d.Candidates {
		if c := &d.Candidates[i]; i > 0 && c.RuledOut == "" && len(d.Fallbacks) < maxFallbacks {
			d.Fallbacks = append(d.Fallbacks, c.Model)
		}
	}
}

// byQuality and byCost are orders without ties: equal figures leave it to the
// other one, then to the name.
func byQuality(a, b *Candidate) int {
	return cmp.Or(cmp.Compare(b.Quality, a.Quality), cmp.Compare(a.Cost, b.Cost), strings.Compare(a.Model, b.Model))
}

func byCost(a, b *Candidate) int {
	return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(b.Quality, a.Quality), strings.Compare(a.Model, b.Model))
}
