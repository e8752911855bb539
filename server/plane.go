package server

import (
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
	recipes   map[string]bool
	prices    map[string]router.Price
	depends   string // what answers depend on beside their requests; "" without a cache

	refs atomic.Int64
}

func (s *Server) newPlane(c *config.Config) (*plane, error) {
	r, err := router.New(policyOf(c))
	if err != nil {
		return nil, err
	}
	pool, err := upstream.New(c)
	if err != nil {
		return nil, err
	}
	p := &plane{config: c, router: r, keys: newKeyring(c), upstreams: pool, served: map[string]bool{}, recipes: map[string]bool{}, prices: map[string]router.Price{}}
	for _, name := range r.Recipes() {
		p.recipes[name] = true
	}
	for _, m := range r.Models() {
		p.prices[m.Name] = m.Price
	}
	for _, m := range c.Models {
		if len(m.Upstreams) > 0 {
			p.served[m.Name] = true
		}
	}
	if c.Cache.Mode != config.CacheOff {
		p.depends = answersDependOn(s.version, c)
	}
	p.refs.Store(1) // of the server
	return p, nil
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
