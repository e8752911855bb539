// Package admin is the server's second listener: metrics for Prometheus, health
// and readiness, and, when asked for, Go's profiles. It asks for no key and
// belongs on loopback.
//
// No label of a metric comes from a request. Routes come from the route table,
// models, categories, recipes and upstreams from the configuration, and the rest
// are constants of this package; any other value counts as "unknown".
package admin
