package router

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// The tests here state what holds for every policy and every request, and look
// for a counterexample among random ones.
const trials = 4000

func randomConfig(r *rand.Rand, n int) Config {
	c := Config{Recipes: []Recipe{{Name: "auto", Tradeoff: 10 * r.Float64(), MinConfidence: r.Float64() / 2, ExpectedOutput: r.IntN(1000)}}}
	c.Session = Session{Affinity: r.IntN(2) == 0, MinSaving: r.Float64()}
	c.Security = Security{Jailbreak: Jailbreak{Action: Blocked}, PII: PII{Action: Flag, Threshold: 0.5}}
	if r.IntN(2) == 0 {
		c.Security.Jailbreak.Threshold = ptr(r.Float64())
	}
	for i := range n {
		m := Model{Name: fmt.Sprintf("m%02d", i), Quality: coarse(r), Price: Price{Input: 5 * coarse(r), Output: 20 * coarse(r)}, Context: []int{0, 4096, 131072}[r.IntN(3)]}
		if r.IntN(2) == 0 {
			m.Price.CachedInput = ptr(m.Price.Input * r.Float64())
		}
		m.Categories = map[string]float64{}
		for _, category := range Categories() {
			if r.IntN(4) > 0 {
				m.Categories[category] = coarse(r)
			}
		}
		for _, capability := range []Capability{Tools, Vision, JSONSchema} {
			if r.IntN(4) > 0 {
				m.Capabilities = append(m.Capabilities, capability)
			}
		}
		c.Models = append(c.Models, m)
	}
	auto := &c.Recipes[0]
	if r.IntN(3) == 0 {
		auto.Default = c.Models[r.IntN(n)].Name
	}
	if r.IntN(3) == 0 {
		auto.Domains = []Domain{{Categories: Categories()[:7], Models: []string{c.Models[r.IntN(n)].Name, "m*" + fmt.Sprint(r.IntN(n))}}}
	}
	return c
}

// restricted reports whether a rule of the recipe names models, so that the
// candidates are not all models.
func restricted(c *Config) bool { return len(c.Recipes[0].Domains) > 0 }

// coarse makes ties likely.
func coarse(r *rand.Rand) float64 { return float64(r.IntN(11)) / 10 }

func randomRequest(r *rand.Rand, c *Config) (Request, Signals) {
	req := Request{Model: "auto", InputTokens: r.IntN(6000), MaxOutputTokens: r.IntN(2) * r.IntN(2000),
		Tools: r.IntN(4) == 0, Vision: r.IntN(6) == 0, JSONSchema: r.IntN(6) == 0}
	if r.IntN(2) == 0 {
		req.Tradeoff = ptr(10 * r.Float64())
	}
	name := func() string { return c.Models[r.IntN(len(c.Models))].Name }
	if r.IntN(3) == 0 {
		req.Pinned, req.CachedTokens = name(), r.IntN(6000)
	}
	if r.IntN(4) == 0 {
		req.Excluded = []string{name()}
	}
	if r.IntN(4) == 0 {
		req.Unavailable = []string{name()}
	}
	if r.IntN(6) == 0 {
		req.Allowed = []string{"m*", name()}[r.IntN(2):]
	}
	var s Signals
	for range r.IntN(4) {
		kind := []string{"PERSON", "EMAIL_ADDRESS", "IBAN_CODE"}[r.IntN(3)]
		s.PII = append(s.PII, PartSpan{r.IntN(3), Span{0, 4, kind, r.Float64(), "model"}})
	}
	rest := 1.0
	for _, i := range r.Perm(len(Categories()))[:3] {
		p := rest * r.Float64()
		rest -= p
		s.Intent = append(s.Intent, Category{Categories()[i], p})
	}
	slices.SortFunc(s.Intent, byProbability)
	s.Guard = &Verdict{Score: r.Float64(), Label: "benign"}
	if s.Guard.Score > 0.9 {
		s.Guard.Label = jailbreak
	}
	return req, s
}

// holds runs property on random policies and requests.
func holds(t *testing.T, property func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals)) {
	t.Helper()
	for seed := range uint64(trials) {
		r := rand.New(rand.NewPCG(seed, 7))
		c := randomConfig(r, 1+r.IntN(6))
		req, s := randomRequest(r, &c)
		if property(t, r, c, req, s); t.Failed() {
			t.Logf("seed %d: %+v\n%+v\n%+v", seed, c, req, s)
			return
		}
	}
}

// edited is a copy of c with model i changed.
func edited(c Config, i int, edit func(m *Model)) Config {
	c.Models = slices.Clone(c.Models)
	edit(&c.Models[i])
	return c
}

func TestAPriceRiseNeverMakesAModelChosen(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		i := r.IntN(len(c.Models))
		before := open(t, c).Decide(req, s)
		after := open(t, edited(c, i, func(m *Model) {
			m.Price.Input += r.Float64()
			m.Price.Output += r.Float64()
		})).Decide(req, s)
		if name := c.Models[i].Name; before.Model != name && after.Model == name {
			t.Errorf("%s costs more and is chosen now, instead of %s", name, before.Model)
		}
	})
}

func TestALowerThresholdNeverLetsMorePass(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		high := r.Float64()
		low := high * r.Float64()
		c.Security.Jailbreak.Threshold = &high
		before := open(t, c).Decide(req, s)
		c.Security.Jailbreak.Threshold = &low
		if after := open(t, c).Decide(req, s); before.Action == Block && after.Action != Block {
			t.Errorf("score %v is blocked at %v and passes at %v", s.Guard.Score, high, low)
		}
	})
}

func TestATradeoffNeverCostsMore(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		req.Pinned = "" // staying may cost
		a, b := 10*r.Float64(), 10*r.Float64()
		low, high := min(a, b), max(a, b)
		req.Tradeoff = &low
		before := open(t, c).Decide(req, s)
		req.Tradeoff = &high
		if after := open(t, c).Decide(req, s); after.Cost > before.Cost {
			t.Errorf("tradeoff %v costs %v, %v costs %v", low, before.Cost, high, after.Cost)
		}
	})
}

func TestAnExcludedModelIsNeverUsed(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		name := c.Models[r.IntN(len(c.Models))].Name
		req.Excluded = append(req.Excluded, name)
		if d := open(t, c).Decide(req, s); d.Model == name || slices.Contains(d.Fallbacks, name) {
			t.Errorf("%s was excluded: %+v", name, d)
		}
	})
}

func TestAWorseModelChangesNothing(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		before := open(t, c).Decide(req, s)
		i := slices.IndexFunc(c.Models, func(m Model) bool { return m.Name == before.Model })
		if i < 0 || restricted(&c) {
			return
		}
		worse := c.Models[i]
		worse.Name = "zz"
		worse.Price.Input += 0.1
		worse.Price.Output += 0.1
		worse.Price.CachedInput = nil
		worse.Quality *= 0.9
		fewer := map[string]float64{}
		for category, q := range worse.Categories {
			fewer[category] = q * 0.9
		}
		worse.Categories = fewer
		c.Models = append(slices.Clone(c.Models), worse)
		if after := open(t, c).Decide(req, s); after.Model != before.Model || after.Cost != before.Cost {
			t.Errorf("%s was chosen; with a worse model beside it %s", before.Model, after.Model)
		}
	})
}

func TestTheOrderOfModelsHasNoPart(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		before := open(t, c).Decide(req, s)
		if again := open(t, c).Decide(req, s); !reflect.DeepEqual(before, again) {
			t.Errorf("twice the same, and %+v, then %+v", before, again)
		}
		c.Models = slices.Clone(c.Models)
		r.Shuffle(len(c.Models), func(i, j int) { c.Models[i], c.Models[j] = c.Models[j], c.Models[i] })
		if after := open(t, c).Decide(req, s); !reflect.DeepEqual(before, after) {
			t.Errorf("in another order %+v, not %+v", after, before)
		}
	})
}

func TestEveryDecisionIsExplained(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		d := open(t, c).Decide(req, s)
		if len(d.Reasons) == 0 || d.Reasons[0].Stage != "security" {
			t.Errorf("reasons %+v", d.Reasons)
		}
		for _, reason := range d.Reasons {
			if reason.Verdict == "" || reason.Detail == "" {
				t.Errorf("empty reason %+v", reason)
			}
		}
		able := 0
		for _, candidate := range d.Candidates {
			if candidate.RuledOut == "" {
				able++
			}
		}
		switch d.Action {
		case Route:
			if d.Model == "" || able == 0 || len(d.Fallbacks) != min(able-1, maxFallbacks) {
				t.Errorf("%+v", d)
			}
		case Block:
			if d.Model != "" || len(d.Candidates) > 0 {
				t.Errorf("%+v", d)
			}
		case Refuse:
			if d.Model != "" || able > 0 {
				t.Errorf("%+v", d)
			}
		}
	})
}
