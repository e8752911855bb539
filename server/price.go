package server

import (
	"mom/router"
	"mom/server/protocol"
)

// price is what an answer cost, and what the best candidate would have cost for
// the same tokens, in US dollars. Without the upstream's count it is what the
// policy expected.
func (x *exchange) price(u protocol.Usage) (cost, baseline float64) {
	d := x.decision
	used, ok := x.p.prices[x.model]
	if !u.Known || !ok {
		return d.Cost, d.BestCost
	}
	best := used
	quality := -1.0
	for _, c := range d.Candidates {
		if p, ok := x.p.prices[c.Model]; ok && c.RuledOut == "" && c.Quality > quality {
			best, quality = p, c.Quality
		}
	}
	return dollars(used, u), dollars(best, u)
}

// dollars is the price of tokens; prices are for a million.
func dollars(p router.Price, u protocol.Usage) float64 {
	cached := p.Input
	if p.CachedInput != nil {
		cached = *p.CachedInput
	}
	return (float64(u.Input-u.Cached)*p.Input + float64(u.Cached)*cached + float64(u.Output)*p.Output) / 1e6
}
