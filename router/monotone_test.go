package router

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

func TestALossOfQualityNeverMakesAModelChosen(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		i := r.IntN(len(c.Models))
		before := open(t, c).Decide(req, s)
		after := open(t, edited(c, i, func(m *Model) {
			factor := r.Float64()
			m.Quality *= factor
			worse := map[string]float64{}
			for category, q := range m.Categories {
				worse[category] = q * factor
			}
			m.Categories = worse
		})).Decide(req, s)
		if name := c.Models[i].Name; before.Model != name && after.Model == name {
			t.Errorf("%s answers worse and is chosen now, instead of %s", name, before.Model)
		}
	})
}

func TestTheChosenModelPassesEveryGate(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		d := open(t, c).Decide(req, s)
		for _, name := range append([]string{d.Model}, d.Fallbacks...) {
			if name == "" {
				continue
			}
			m := c.Models[slices.IndexFunc(c.Models, func(m Model) bool { return m.Name == name })]
			can := func(needed bool, x Capability) bool { return !needed || slices.Contains(m.Capabilities, x) }
			switch {
			case !can(req.Tools, Tools), !can(req.Vision, Vision), !can(req.JSONSchema, JSONSchema),
				m.Context > 0 && req.InputTokens+max(req.MaxOutputTokens, 1) > m.Context,
				slices.Contains(req.Unavailable, name), len(req.Allowed) > 0 && !matchesAny(req.Allowed, name):
				t.Errorf("%s cannot serve the request", name)
			}
		}
		if slices.Contains(d.Fallbacks, d.Model) || len(slices.Compact(slices.Sorted(slices.Values(d.Fallbacks)))) != len(d.Fallbacks) {
			t.Errorf("%s, then %s", d.Model, d.Fallbacks)
		}
	})
}

// By a calculation of its own, after the formulas in docs/routing.md.
func TestTheChoiceIsTheCheapestThatIsGoodEnough(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		req.Pinned, c.Recipes[0].Default = "", ""
		d := open(t, c).Decide(req, s)
		if d.Action != Route {
			return
		}
		tradeoff := c.Recipes[0].Tradeoff
		if req.Tradeoff != nil {
			tradeoff = *req.Tradeoff
		}
		best := 0.0
		quality := map[string]float64{}
		for _, x := range d.Candidates {
			m := c.Models[slices.IndexFunc(c.Models, func(m Model) bool { return m.Name == x.Model })]
			q, rest := 0.0, 1.0
			for _, field := range s.Intent {
				if figure, ok := m.Categories[field.Name]; ok {
					q += field.P * figure
					rest -= field.P
				}
			}
			q += rest * m.Quality
			if d.Abstained {
				q = m.Quality
			}
			if diff := q - x.Quality; diff > 1e-9 || diff < -1e-9 {
				t.Errorf("%s: quality %v, want %v", x.Model, x.Quality, q)
			}
			if quality[x.Model] = q; x.RuledOut == "" {
				best = max(best, q)
			}
		}
		floor := best * (1 - tradeoff*tradeoff/100)
		if quality[d.Model] < floor-1e-9 {
			t.Errorf("%s has %v, below %v", d.Model, quality[d.Model], floor)
		}
		for _, x := range d.Candidates {
			if x.RuledOut == "" && x.Cost < d.Cost && quality[x.Model] >= floor+1e-9 {
				t.Errorf("%s is good enough and costs %v, less than %v", x.Model, x.Cost, d.Cost)
			}
		}
	})
}

func TestAConversationStaysUnlessLeavingPays(t *testing.T) {
	stayed, left := 0, 0
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		c.Session.Affinity = true
		req.Pinned = c.Models[r.IntN(len(c.Models))].Name
		d := open(t, c).Decide(req, s)
		i := slices.IndexFunc(d.Candidates, func(x Candidate) bool { return x.Model == req.Pinned && x.RuledOut == "" })
		if d.Action != Route || i < 0 {
			return
		}
		pinned := d.Candidates[i]
		if d.Model == req.Pinned {
			stayed++
			c.Session.Affinity = false
			if free := open(t, c).Decide(req, s); !d.Abstained && d.Cost-free.Cost > c.Session.MinSaving*d.Cost+1e-12 {
				t.Errorf("stays with %s for %v although %s costs %v", d.Model, d.Cost, free.Model, free.Cost)
			}
			return
		}
		left++
		floor := 0.0
		for _, score := range reason(t, d, "cost").Scores {
			if score.Name == "floor" {
				floor = score.Value
			}
		}
		if pinned.Quality >= floor && pinned.Cost-d.Cost <= c.Session.MinSaving*pinned.Cost {
			t.Errorf("leaves %+v for %s, %v, although that saves too little", pinned, d.Model, d.Cost)
		}
	})
	if stayed < trials/10 || left < trials/10 {
		t.Errorf("%d stayed and %d left: too few to tell", stayed, left)
	}
}

func TestALargerCacheNeverMakesAConversationLeave(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		req.Pinned = c.Models[r.IntN(len(c.Models))].Name
		before := open(t, c).Decide(req, s)
		req.CachedTokens += r.IntN(6000)
		if after := open(t, c).Decide(req, s); before.Model == req.Pinned && after.Model != req.Pinned {
			t.Errorf("leaves %s with more of the conversation cached", req.Pinned)
		}
	})
}

func TestALowerThresholdNeverHidesLess(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		high := r.Float64()
		action := []Response{Blocked, Mask, Flag}[r.IntN(3)]
		under := func(threshold float64) Decision {
			c.Security.PII = PII{Action: Off, Threshold: r.Float64(), Types: map[string]PIIRule{"PERSON": {action, &threshold}}}
			return open(t, c).Decide(req, s)
		}
		before, after := under(high), under(high*r.Float64())
		if before.Action == Block && after.Action != Block || len(after.Mask) < len(before.Mask) || len(after.Flags) < len(before.Flags) {
			t.Errorf("%s: %+v at %v, and less with a lower threshold: %+v", action, before, high, after)
		}
	})
}

// TestAStricterModeNeverLetsMorePass: off <= flag <= block, whatever else the
// request holds.
func TestAStricterModeNeverLetsMorePass(t *testing.T) {
	holds(t, func(t *testing.T, r *rand.Rand, c Config, req Request, s Signals) {
		decide := func(mode Response) Decision {
			c.Security.Jailbreak.Action = mode
			return open(t, c).Decide(req, s)
		}
		off, flag, block := decide(Off), decide(Flag), decide(Blocked)
		flagged := slices.Contains(flag.Flags, jailbreak)
		if off.Action != flag.Action || off.Model != flag.Model || slices.Contains(off.Flags, jailbreak) {
			t.Errorf("noting an attack changes the decision: %+v, %+v", off, flag)
		}
		if flagged != (block.Action == Block) {
			t.Errorf("flagged is %v, blocked %+v", flagged, block)
		}
	})
}

func TestOneRouterForMany(t *testing.T) {
	c := randomConfig(rand.New(rand.NewPCG(3, 4)), 8)
	router := open(t, c)
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for range 500 {
				req, s := randomRequest(r, &c)
				a, b := router.Decide(req, s), router.Decide(req, s)
				if a.Model != b.Model || a.Cost != b.Cost {
					t.Errorf("%s for %v, then %s for %v", a.Model, a.Cost, b.Model, b.Cost)
				}
			}
		})
	}
	wg.Wait()
}
