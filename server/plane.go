package server

import (
	"slices"
	"sync/atomic"

	"mom/router"
	"mom/server/config"
	"mom/server/upstream"
)

// plane is what a configuration makes. A request keeps the one that it began
// with; the last request that uses a retired one closes it.
type plane struct {
	config    *config.Config
	router    *router.Router
	keys      *keyring
	upstreams *upstream.Pool
	served    map[string]bool // models with an upstream
	chosen    bool            // one of them may be chosen by a recipe, and not only be named
	recipes   map[string]bool
	prices    map[string]router.Price
	labels    []string // that decoders choose from which the policy asks
	depends   string   // what answers depend on beside their requests; "" without a cache

	refs atomic.Int64
}

func (s *Server) newPlane(c *config.Config) (*plane, error) {
	r, err := router.New(policyOf(c))
	if err != nil {
		return nil, err
	}
	labels, err := s.prepare(r)
	if err != nil {
		return nil, err
	}
	pool, err := upstream.New(c, s.dialer())
	if err != nil {
		return nil, err
	}
	p := &plane{config: c, router: r, keys: newKeyring(c), upstreams: pool, served: map[string]bool{}, recipes: map[string]bool{}, prices: map[string]router.Price{}, labels: labels}
	for _, name := range r.Recipes() {
		p.recipes[name] = true
	}
	for _, m := range r.Models() {
		p.prices[m.Name] = m.Price
	}
	for _, m := range c.Models {
		if len(m.Upstreams) > 0 {
			p.served[m.Name] = true
			p.chosen = p.chosen || !m.ByName || recipeNames(c, m.Name)
		}
	}
	if c.Cache.Mode != config.CacheOff {
		p.depends = answersDependOn(s.version, s.judges, c)
	}
	p.refs.Store(1) // of the server
	return p, nil
}

// recipeNames reports whether a recipe lists a model by its whole name.
func recipeNames(c *config.Config, model string) bool {
	for _, r := range c.Policy.Recipes {
		if slices.Contains(r.Models, model) {
			return true
		}
		for _, d := range r.Domains {
			if slices.Contains(d.Models, model) {
				return true
			}
		}
	}
	return false
}

// dialer connects to the decoders inside; nil without any.
func (s *Server) dialer() upstream.Dialer {
	if s.decoders == nil {
		return nil
	}
	return s.decoders.Dial
}

// acquire returns the plane of now; release must follow.
func (s *Server) acquire() *plane {
	for {
		p := s.plane.Load()
		if n := p.refs.Load(); n > 0 && p.refs.CompareAndSwap(n, n+1) {
			return p
		}
	}
}

func (p *plane) release() {
	if p.refs.Add(-1) == 0 {
		p.upstreams.Close()
	}
}
