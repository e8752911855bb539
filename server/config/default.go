package config

import (
	"time"

	"mom/router"
)

// Default is the configuration of a server that was given none: classification
// and routing on this machine only, with the built-in models and no upstream.
func Default() *Config {
	c := &Config{
		Listen: "127.0.0.1:8080",
		Limits: Limits{
			Body: 4 << 20, Header: 32 << 10, JSONDepth: 64, Texts: 1024, Tokens: 131072,
			Connections: 16384, InFlight: 2048, QueueWait: 500 * time.Millisecond,
		},
		Timeouts: Timeouts{
			Read: 30 * time.Second, Write: 30 * time.Second, Idle: 75 * time.Second,
			Request: 10 * time.Minute, Classify: 10 * time.Second, Drain: 30 * time.Second,
		},
		Auth:          Auth{Mode: Auto},
		Agents:        Agents{KVBytes: 256 << 20, TimeLimit: 100 * time.Millisecond},
		Policy:        router.Default(),
		ResponseGuard: ResponseGuard{Jailbreak: JailbreakOff, PII: PIIOff},
		State:         State{Path: ":memory:", Retention: 30 * 24 * time.Hour, MaxSize: 256 << 20},
		Cache:         Cache{Mode: CacheOff, Threshold: 0.985, TTL: time.Hour, MaxSize: 64 << 20},
		Redis:         Redis{OnFailure: Open, Timeout: 100 * time.Millisecond, Prefix: "mom:"},
		Admin:         Admin{Listen: "127.0.0.1:8081"},
		Playground:    true,
		Log:           Log{Level: Info, Format: Text},
	}
	for _, m := range c.Policy.Models {
		c.Models = append(c.Models, Model{Model: m})
	}
	return c
}

// DefaultUpstream holds the values of an upstream that the file does not give.
func DefaultUpstream() Upstream {
	return Upstream{
		Kind: OpenAI,
		Timeouts: UpstreamTimeouts{
			Connect: 5 * time.Second, FirstByte: time.Minute, Idle: time.Minute, Total: 10 * time.Minute,
		},
		Retries: Retries{
			Max: 2, Backoff: 100 * time.Millisecond, MaxBackoff: 2 * time.Second,
			Statuses: []int{408, 429, 500, 502, 503, 504},
		},
		CircuitBreaker: CircuitBreaker{Failures: 5, Open: 10 * time.Second, Probes: 1},
		Health:         Health{Interval: 10 * time.Second, Timeout: 2 * time.Second, Failures: 3},
		Connections:    512,
	}
}

// DefaultRecipe holds the values of a recipe that the file does not give.
func DefaultRecipe() router.Recipe {
	r := router.Default().Recipes[0]
	r.Name = ""
	return r
}
