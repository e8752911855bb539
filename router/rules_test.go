package router

import (
	"math"
	"slices"
	"testing"
)

// pool has prices and qualities that are easy to calculate with.
func pool() Config {
	m := func(name string, price, quality float64) Model {
		return Model{Name: name, Price: Price{Input: price, Output: 2 * price}, Quality: quality}
	}
	return Config{
		Models:  []Model{m("a", 1, 0.5), m("b", 2, 0.6), m("c", 4, 0.7), m("d", 8, 0.8), m("e", 16, 1)},
		Recipes: []Recipe{{Name: "auto", Tradeoff: 5, ExpectedOutput: 500}},
	}
}

// What is good enough follows by cost, then the others by quality.
func TestFallbacks(t *testing.T) {
	r := open(t, pool())
	for _, x := range []struct {
		tradeoff float64
		want     []string // the chosen one, then the fallbacks
	}{
		{0, []string{"e", "d", "c", "b"}},
		{5, []string{"d", "e", "c", "b"}}, // floor 0.75
		{6, []string{"c", "d", "e", "b"}}, // 0.64
		{10, []string{"a", "b", "c", "d"}},
	} {
		d := r.Decide(Request{Model: "auto", Tradeoff: &x.tradeoff}, Signals{})
		if got := append([]string{d.Model}, d.Fallbacks...); !slices.Equal(got, x.want) {
			t.Errorf("tradeoff %v: %s, want %s", x.tradeoff, got, x.want)
		}
	}
}

func TestExpectedCost(t *testing.T) {
	c := pool()
	c.Models[0].Price.CachedInput = ptr(0.25)
	r := open(t, c)
	for name, x := range map[string]struct {
		req  Request
		want float64 // of model a, in millionths of a dollar
	}{
		"usual":               {Request{InputTokens: 1000}, 1000 + 2*500},
		"a limit below":       {Request{InputTokens: 1000, MaxOutputTokens: 100}, 1000 + 2*100},
		"a limit above":       {Request{InputTokens: 1000, MaxOutputTokens: 9000}, 1000 + 2*500},
		"cached":              {Request{InputTokens: 1000, CachedTokens: 600, Pinned: "a"}, 400 + 600*0.25 + 2*500},
		"cached of another":   {Request{InputTokens: 1000, CachedTokens: 600, Pinned: "b"}, 1000 + 2*500},
		"more cached than is": {Request{InputTokens: 1000, CachedTokens: 6000, Pinned: "a"}, 1000*0.25 + 2*500},
	} {
		x.req.Model, x.req.Tradeoff = "auto", ptr(10.0)
		d := r.Decide(x.req, Signals{})
		if got := d.Cost * 1e6; d.Model != "a" || math.Abs(got-x.want) > 1e-6 {
			t.Errorf("%s: %s costs %v, want %v", name, d.Model, got, x.want)
		}
	}
	d := r.Decide(Request{Model: "a", InputTokens: 1000}, Signals{})
	if got := d.Cost * 1e6; math.Abs(got-(1000+2*usualOutput)) > 1e-6 {
		t.Errorf("named: %v", got)
	}
}

// A rule for a category holds when the category is likely enough, and the
// request's own tradeoff goes before that of the rule.
func TestDomainRules(t *testing.T) {
	c := pool()
	c.Recipes[0].MinConfidence = 0.5
	c.Recipes[0].Domains = []Domain{
		{Categories: []string{"law"}, Models: []string{"a", "b", "c"}},
		{Categories: []string{"math"}, Tradeoff: ptr(0.0)},
		{Categories: []string{"other", "health"}, Models: []string{"*"}, Tradeoff: ptr(10.0)},
	}
	r := open(t, c)
	for name, x := range map[string]struct {
		signals  Signals
		tradeoff *float64
		want     string
	}{
		"models":              {about("law", 0.9), nil, "b"}, // floor 0.525
		"too unsure":          {about("law", 0.4), nil, "d"},
		"tradeoff":            {about("math", 0.9), nil, "e"},
		"both":                {about("health", 0.9), nil, "a"},
		"second of the list":  {about("other", 0.9), nil, "a"},
		"the request decides": {about("math", 0.9), ptr(10.0), "a"},
		"no rule":             {about("physics", 0.9), nil, "d"},
	} {
		if d := r.Decide(Request{Model: "auto", Tradeoff: x.tradeoff}, x.signals); d.Model != x.want {
			t.Errorf("%s: %s, want %s", name, d.Model, x.want)
		}
	}
}

// A request between two fields counts for both: not the best of the likelier
// field is taken, but the best for what it may be.
func TestTheDistributionCounts(t *testing.T) {
	c := Config{
		Models: []Model{
			{Name: "lawyer", Quality: 0.5, Categories: map[string]float64{"law": 0.9, "business": 0.1}},
			{Name: "allround", Quality: 0.5, Categories: map[string]float64{"law": 0.8, "business": 0.8}},
		},
		Recipes: []Recipe{{Name: "auto"}},
	}
	between := Signals{Intent: []Category{{"law", 0.5}, {"business", 0.4}, {"unheard of", 0.1}}}
	d := open(t, c).Decide(Request{Model: "auto"}, between)
	if want := 0.9*0.8 + 0.1*0.5; d.Model != "allround" || math.Abs(d.Candidates[0].Quality-want) > 1e-12 {
		t.Errorf("%s with %v, want %v", d.Model, d.Candidates[0].Quality, want)
	}
	if d := open(t, c).Decide(Request{Model: "auto"}, about("law", 0.99)); d.Model != "lawyer" {
		t.Errorf("%s for law", d.Model)
	}
}

func TestSecurityScores(t *testing.T) {
	s := Signals{Guard: &Verdict{Score: 0.2, Label: "benign"}}
	for _, score := range []float64{0.6, 0.9, 0.7} {
		s.PII = append(s.PII, PartSpan{0, Span{0, 4, "PERSON", score, "model"}})
	}
	c := Default()
	c.Security.Jailbreak.Threshold = ptr(0.4)
	got := reason(t, open(t, c).Decide(Request{Model: "auto"}, s), "security").Scores
	if want := (Scores{{"jailbreak", 0.2}, {"threshold", 0.4}, {"pii:PERSON", 0.9}}); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
