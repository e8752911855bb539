package server

import (
	"mom/router"
	"mom/server/config"
)

// policyOf is the part of a configuration that the router reads.
func policyOf(c *config.Config) router.Config { return c.Policy }
