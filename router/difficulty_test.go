package router

import (
	"math"
	"strings"
	"testing"
)

// TestDifficulty: how hard a request is changes what its models are expected to do,
// never their order, and with it what may be saved.
func TestDifficulty(t *testing.T) {
	r, err := New(Config{
		Models: []Model{
			{Name: "small", Quality: 0.55, Price: Price{Input: 0.1, Output: 0.1}},
			{Name: "middle", Quality: 0.65, Price: Price{Input: 1, Output: 1}},
			{Name: "large", Quality: 0.75, Price: Price{Input: 10, Output: 10}},
		},
		Recipes: []Recipe{{Name: "auto", Tradeoff: 4}},
	})
	if err != nil {
		t.Fatal(err)
	}
	decide := func(p ...float64) Decision {
		s := Signals{Intent: []Category{{"math", 0.9}}}
		if p != nil {
			s.Difficulty = &Difficulty{Agent: "mom-dec-agent-math-v1", Names: []string{"easy", "medium", "hard"}, P: p, Shift: []float64{1.8, 0, -1.5}, Tools: "calculator"}
		}
		return r.Decide(Request{Model: "auto", InputTokens: 100}, s)
	}
	for _, c := range []struct {
		p              []float64
		model          string
		quality        float64 // of large
		cheapest, best bool
	}{
		{nil, "middle", 0.75, false, false},
		{[]float64{1, 0, 0}, "small", 1 / (1 + math.Exp(-1.8)/3), true, false},
		{[]float64{0, 1, 0}, "middle", 0.75, false, false},
		{[]float64{0, 0, 1}, "large", 1 / (1 + math.Exp(1.5)/3), false, true},
		{[]float64{0.5, 0, 0.5}, "middle", (1/(1+math.Exp(-1.8)/3) + 1/(1+math.Exp(1.5)/3)) / 2, false, false},
		{[]float64{math.NaN(), -1, 0}, "middle", 0.75, false, false}, // says nothing
	} {
		d := decide(c.p...)
		large := -1.0
		for _, x := range d.Candidates {
			if x.Model == "large" {
				large = x.Quality
			}
		}
		cheapest, best := d.Tier()
		if d.Model != c.model || math.Abs(large-c.quality) > 1e-12 || cheapest != c.cheapest || best != c.best {
			t.Errorf("%v: %s, large %v, tier %v %v, want %+v", c.p, d.Model, large, cheapest, best, c)
		}
		detail := ""
		for _, x := range d.Reasons {
			if x.Stage == "domain" {
				detail = x.Detail
			}
		}
		if said := strings.Contains(detail, "mom-dec-agent-math-v1 finds the request"); said != (c.p != nil && c.p[1] >= 0) {
			t.Errorf("%v: %s", c.p, detail)
		}
	}
	if g := (&Difficulty{P: []float64{0.9, 0.8}, Shift: []float64{1}}).graded(0.9); !(g > 0 && g <= 1) {
		t.Errorf("graded %v by lists that do not go together", g)
	}
	y := &Difficulty{P: []float64{0.2, 0.3, 0.5}, Shift: []float64{1, 0, -2}}
	last := 0.0
	for q := 0.0; q <= 1; q += 0.01 {
		g := y.graded(q)
		if !(g >= last && g >= 0 && g <= 1) {
			t.Fatalf("quality %v becomes %v after %v", q, g, last)
		}
		last = g
	}
	for _, c := range []struct {
		d    Decision
		want bool
	}{
		{decide(), true}, {Decision{}, false}, {r.Decide(Request{Model: "small"}, Signals{Intent: []Category{{"math", 0.9}}}), false},
		{r.Decide(Request{Model: "auto"}, Signals{}), false},
	} {
		if got := c.d.Gradable(); got != c.want {
			t.Errorf("%+v: gradable %v", c.d, got)
		}
	}
	if cheapest, best := (&Decision{}).Tier(); cheapest || best {
		t.Error("a decision without a model has a tier")
	}
}
