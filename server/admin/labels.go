package admin

// A Stage is a part of a request's way through the server.
type Stage uint8

const (
	Parse     Stage = iota // body to request
	Tokenize               // texts to tokens
	Classify               // texts to signals, the wait for a free slot included
	Decide                 // signals to decision
	CacheRead              // look-up of an answer
	FirstByte              // request sent to the upstream's first byte, retries included
	Upstream               // request sent to the upstream's last byte
	Restore                // placeholders in the answer back to personal data
	Respond                // guard over the answer
	Overhead               // the whole request less the time spent on the upstream
	Total                  // the whole request
	stageCount
)

func (s Stage) String() string {
	return [stageCount]string{"parse", "tokenize", "classify", "decide", "cache", "first_byte", "upstream", "restore", "response_guard", "overhead", "total"}[s]
}

// A Found is what was done about an attack or about personal data.
type Found uint8

const (
	Blocked Found = iota
	Masked
	Flagged
	foundCount
)

func (f Found) String() string { return [foundCount]string{"block", "mask", "flag"}[f] }

// Jailbreak is the type of attacks in Security; the other types are those of
// personal data.
const Jailbreak = "jailbreak"

// A Telling is how a decoder answered what a request is about.
type Telling uint8

const (
	InTime   Telling = iota
	Late             // the limit came before the answer
	CouldNot         // too busy, or a text that it cannot read
	tellingCount
)

func (t Telling) String() string { return [tellingCount]string{"in_time", "late", "failed"}[t] }

// A CacheResult is what a look-up in the cache of answers gave.
type CacheResult uint8

const (
	CacheExact    CacheResult = iota // the same request
	CacheSemantic                    // one that means the same
	CacheMiss
	CacheBypass // the request may not be cached
	cacheCount
)

func (c CacheResult) String() string {
	return [cacheCount]string{"exact", "semantic", "miss", "bypass"}[c]
}

// An Outcome is how an attempt at an upstream ended.
type Outcome uint8

const (
	Answered    Outcome = iota // status below 400
	ClientError                // 4xx other than 429
	RateLimited                // 429
	ServerError                // 5xx
	TimedOut
	ConnectFailed
	Cut      // the answer ended before its end
	Canceled // the client left
	BreakerOpen
	outcomeCount
)

func (o Outcome) String() string {
	return [outcomeCount]string{"answered", "client_error", "rate_limited", "server_error", "timeout", "connect_failed", "cut", "canceled", "breaker_open"}[o]
}

// A BreakerState is that of a circuit breaker.
type BreakerState uint8

const (
	BreakerClosed BreakerState = iota
	BreakerHalfOpen
	BreakerIsOpen
)

// A ShedReason is why a request was refused to protect the server.
type ShedReason uint8

const (
	ShedQueue       ShedReason = iota // the classifiers' queue is too long
	ShedInFlight                      // too many requests at once
	ShedConnections                   // too many connections
	ShedRate                          // the key's requests a minute
	ShedTokens                        // the key's tokens a minute
	ShedDraining                      // the server is stopping
	shedCount
)

func (s ShedReason) String() string {
	return [shedCount]string{"queue", "in_flight", "connections", "rate_limit", "token_limit", "draining"}[s]
}

// A Store is where entries can be lost.
type Store uint8

const (
	Decisions Store = iota
	Feedback
	Usage
	Redis
	storeCount
)

func (s Store) String() string {
	return [storeCount]string{"decisions", "feedback", "usage", "redis"}[s]
}
