package eval

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

const (
	similar   = 3.0   // the dearest model of similar ones costs at most so much of the cheapest
	rung      = 1.5   // a model of a ladder costs at least so much of the one below
	worthy    = 0.005 // what a specialist must add to the share of right answers
	mostRungs = 5
	mostAdded = 3
	few       = 6    // models are a pool as they are
	seenBy    = 0.95 // the share of the rows that a model must have answered
)

// A candidate is a model with what it does on the train rows: shares and costs
// are means over the fields.
type candidate struct {
	name  string
	right float64
	cost  float64
	cells []float64 // what each category adds to right
}

// AutoPools are pools that one might serve, found on train rows alone: models of
// similar price that complement each other, ladders from cheap to dear, and
// generalists with models that are better at something and cost no more.
func AutoPools(train []*Question) []Pool {
	all := candidates(train)
	var pools []Pool
	add := func(name, why string, members []candidate) {
		p := Pool{Name: name, Why: why}
		for _, c := range members {
			p.Models, p.Costs = append(p.Models, c.name), append(p.Costs, c.cost)
		}
		set := slices.Sorted(slices.Values(p.Models))
		same := func(q Pool) bool { return slices.Equal(slices.Sorted(slices.Values(q.Models)), set) }
		if len(members) >= 2 && !slices.ContainsFunc(pools, same) {
			pools = append(pools, p)
		}
	}
	if len(all) <= few {
		add("all", "all the models there are", all)
	}
	middle := len(all) / 2
	for _, half := range []struct {
		name, why string
		models    []candidate
		sizes     []int
	}{
		{"small", "cheap models of similar price that complement each other", all[:middle], []int{3, 4}},
		{"large", "dear models of similar price that complement each other", all[middle:], []int{3}},
	} {
		models, without := half.models, ""
		for i := range 2 {
			for _, n := range half.sizes {
				add(fmt.Sprintf("%s-%d%c", half.name, n, 'a'+i), half.why+without, complementary(models, n))
			}
			if len(models) == 0 {
				break
			}
			best := slices.MaxFunc(models, func(a, b candidate) int { return cmp.Compare(a.right, b.right) })
			without = ", without " + best.name
			models = slices.DeleteFunc(slices.Clone(models), func(c candidate) bool { return c.name == best.name })
		}
	}
	rungs := ladder(all)
	why := "from cheap to dear, each better than the one below"
	add("ladder-a", why, rungs)
	if len(rungs) > 0 {
		low := rungs[0].name
		more := ladder(slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return c.name == low }))
		add("ladder-b", why+", without "+low, more)
		rungs = append(rungs, more...)
	}
	slices.SortStableFunc(rungs, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	n := 0
	for _, g := range rungs {
		if members := specialists(all, g); len(members) >= 3 {
			n++
			add(fmt.Sprintf("special-%c", 'a'+n-1), g.name+" with models that cost no more and are better in a category", members)
		}
	}
	return pools
}

// candidates are the models that answered nearly all rows, the cheapest first.
func candidates(train []*Question) []candidate {
	names := map[string]int{}
	for _, q := range train {
		for m := range q.Outcomes {
			names[m]++
		}
	}
	f := byField(train)
	var categories []string
	for _, q := range train {
		if !slices.Contains(categories, q.Label) {
			categories = append(categories, q.Label)
		}
	}
	var out []candidate
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if float64(names[name]) < seenBy*float64(len(train)) {
			continue
		}
		right, cost, has := outcomes(train, name)
		c := candidate{name: name, right: f.mean(right, has), cost: f.mean(cost, has), cells: make([]float64, len(categories))}
		for _, rows := range f.rows {
			n := 0
			for _, i := range rows {
				n += btoi(has[i])
			}
			for _, i := range rows {
				if has[i] {
					c.cells[slices.Index(categories, train[i].Label)] += right[i] / float64(n*len(f.rows))
				}
			}
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	return out
}

// together is the share of right answers if the best of each category answers it.
func together(members []candidate) float64 {
	sum := 0.0
	for k := range members[0].cells {
		most := 0.0
		for i := range members {
			most = max(most, members[i].cells[k])
		}
		sum += most
	}
	return sum
}

// complementary are the n models of similar price which together are right most
// often. No model outside that costs no more is better than the best of them.
func complementary(all []candidate, n int) []candidate {
	var best []candidate
	most := 0.0
	members := make([]candidate, 0, n)
	var grow func(from int)
	grow = func(from int) {
		if len(members) == n {
			single := 0.0
			for _, c := range members {
				single = max(single, c.right)
			}
			for _, c := range all {
				if c.cost <= members[n-1].cost && c.right > single {
					return
				}
			}
			if right := together(members); right > max(most, single+worthy) {
				best, most = slices.Clone(members), right
			}
			return
		}
		for i := from; i < len(all); i++ {
			if len(members) > 0 && all[i].cost > similar*members[0].cost {
				return
			}
			members = append(members, all[i])
			grow(i + 1)
			members = members[:len(members)-1]
		}
	}
	grow(0)
	return best
}

// ladder goes up from the cheapest of the models that no cheaper one equals. If
// two cost nearly the same, the better is a rung.
func ladder(all []candidate) (rungs []candidate) {
	best := 0.0
	for _, c := range all {
		if c.right <= best {
			continue
		}
		best = c.right
		if n := len(rungs); n > 0 && c.cost < rung*rungs[n-1].cost {
			rungs[n-1] = c
		} else {
			rungs = append(rungs, c)
		}
	}
	if n := len(rungs); n > mostRungs {
		rungs = rungs[n-mostRungs:]
	}
	return rungs
}

// specialists are a generalist and the models that add most to it.
func specialists(all []candidate, generalist candidate) []candidate {
	members := []candidate{generalist}
	for len(members) <= mostAdded {
		now := together(members)
		var next []candidate
		most := worthy
		for _, c := range all {
			if c.cost > samePrice*generalist.cost {
				break
			}
			with := append(slices.Clone(members), c)
			if gain := together(with) - now; gain > most {
				next, most = with, gain
			}
		}
		if next == nil {
			break
		}
		members = next
	}
	return members
}
