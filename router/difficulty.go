package router

import "math"

// A Difficulty is what an agent says about how hard a request is, and what a model
// needs to answer it.
type Difficulty struct {
	Agent string    // its name
	Names []string  // of the difficulties, the easiest first
	P     []float64 // how likely each is
	Shift []float64 // what each adds to the log-odds of a right answer
	Tools string    // that an answer probably needs; "" for none
}

// graded is the expected share of good answers of a model that has quality on
// usual requests, to one that is as hard as the agent says.
func (y *Difficulty) graded(quality float64) float64 {
	if y == nil || quality <= 0 || quality >= 1 {
		return quality
	}
	odds := math.Log(quality / (1 - quality))
	sum, q := 0.0, 0.0
	for i, p := range y.P[:min(len(y.P), len(y.Shift))] {
		p = share(p)
		sum += p
		q += p / (1 + math.Exp(-odds-y.Shift[i]))
	}
	return min(q+max(1-sum, 0)*quality, 1)
}

// likeliest is the most probable difficulty; "" when none is.
func (y *Difficulty) likeliest() (name string, p float64) {
	for i := range min(len(y.P), len(y.Names)) {
		if share(y.P[i]) > p {
			name, p = y.Names[i], share(y.P[i])
		}
	}
	return name, p
}

// explainDifficulty says what the agent found.
func (d *decision) explainDifficulty() {
	y := d.signals.Difficulty
	if y == nil {
		return
	}
	name, p := y.likeliest()
	if name == "" {
		return
	}
	d.say("The agent ", y.Agent, " finds the request ", name, " with ")
	d.number(p, 2)
	if y.Tools != "" {
		d.say(", and expects it to need a tool: ", y.Tools)
	}
	d.say(". ")
}

// Tier says how the chosen model stands among the candidates that can serve the
// request: the cheapest of them, the one with the best expected quality, or one
// between.
func (d *Decision) Tier() (cheapest, best bool) {
	var chosen *Candidate
	for i := range d.Candidates {
		if c := &d.Candidates[i]; c.Model == d.Model {
			chosen = c
		}
	}
	if chosen == nil {
		return false, false
	}
	cheapest, best = true, true
	for i := range d.Candidates {
		if c := &d.Candidates[i]; c.RuledOut == "" {
			cheapest, best = cheapest && chosen.Cost <= c.Cost, best && chosen.Quality >= c.Quality
		}
	}
	return cheapest, best
}

// Gradable reports whether how hard the request is can change the decision: a model
// was chosen for its field.
func (d *Decision) Gradable() bool {
	return d.Action == Route && d.Category != "" && !d.Abstained && len(d.Candidates) > 1
}
