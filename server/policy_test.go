package server

import (
	"mom/router"
	"mom/server/config"
)

// setPolicy changes the part of a configuration that the router reads.
func setPolicy(c *config.Config, change func(*router.Config)) { change(&c.Policy) }

// mask hides personal data from upstreams.
func mask(c *config.Config) {
	setPolicy(c, func(p *router.Config) { p.Security.PII.Action = router.Mask })
}

// setModels makes the models of a configuration those of names, the first the
// best and dearest, all with the same upstream.
func setModels(c *config.Config, upstream string, names ...string) {
	c.Models = nil
	setPolicy(c, func(p *router.Config) {
		p.Models = nil
		for i, n := range names {
			m := router.Model{
				Name: n, Quality: 0.9 - float64(i)/10, Price: router.Price{Input: 10 / float64(i+1), Output: 20 / float64(i+1)},
				Capabilities: []router.Capability{router.Tools, router.Vision, router.JSONSchema},
			}
			p.Models = append(p.Models, m)
			c.Models = append(c.Models, config.Model{Model: m, Upstreams: []config.Ref{{Name: upstream, Weight: 1}}})
		}
	})
}
