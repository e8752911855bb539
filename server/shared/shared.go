// Package shared holds what several servers may have in common: rate limits,
// the model that serves a conversation, cached answers. Memory keeps it in this
// process; Redis keeps it for all of them.
package shared

import (
	"context"
	"errors"
	"time"
)

// Limits are of one client, for each minute; 0 means no limit. A client that
// was idle may use a whole minute's worth at once.
type Limits struct {
	Requests int
	Tokens   int // of prompts and answers
}

// none reports whether nothing is limited.
func (l Limits) none() bool { return l.Requests <= 0 && l.Tokens <= 0 }

// A Grant is the answer to Take.
type Grant struct {
	OK bool
	// By is what refused the request: "requests" or "tokens".
	By string
	// RetryAfter is when the request would be let through if nothing else came.
	RetryAfter time.Duration
	// Reserved is what was taken from the tokens, for Settle. It is less than
	// the estimate when that is more than a whole minute's worth.
	Reserved int
	// What is left, and until all of it is back, for x-ratelimit headers. -1
	// where there is no limit.
	RemainingRequests, RemainingTokens int
	ResetRequests, ResetTokens         time.Duration
}

// ErrUnavailable is what a closed store answers for limits that it cannot check.
var ErrUnavailable = errors.New("the shared state cannot be reached, and limits cannot be checked")

// A Store is Memory or Redis. Its methods may be called concurrently, and none
// takes longer than the store's own bound. Keys are the caller's: a name of the
// configuration for limits, hashes for the rest.
type Store interface {
	// Take takes a request and an estimate of its tokens out of key's buckets, or
	// nothing when one of them does not hold enough.
	Take(ctx context.Context, key string, l Limits, tokens int) (Grant, error)
	// Settle replaces what Take reserved by the tokens that were used. What was
	// used beyond it is owed: the bucket may fall below nothing.
	Settle(ctx context.Context, key string, l Limits, reserved, used int) error
	// Pin returns the model that serves a conversation.
	Pin(ctx context.Context, conversation string) (model string, ok bool)
	// SetPin keeps it for ttl.
	SetPin(ctx context.Context, conversation, model string, ttl time.Duration)
	// Get returns a value that Put kept. It is the caller's.
	Get(ctx context.Context, key string) (value []byte, ok bool)
	// Put keeps a value for ttl. It does not keep the slice.
	Put(ctx context.Context, key string, value []byte, ttl time.Duration)
	Stats() Stats
	// Close gives back what the store took. Nothing may be called after it.
	Close() error
}

// Stats counts from the start.
type Stats struct {
	Granted  int64 `json:"granted"`  // requests that were let through
	Refused  int64 `json:"refused"`  // by a limit
	Fallback int64 `json:"fallback"` // calls that were answered from memory because Redis could not
	Closed   int64 `json:"closed"`   // requests that were refused for that
	Errors   int64 `json:"errors"`   // of Redis
	Evicted  int64 `json:"evicted"`  // of memory, for want of room
	Bytes    int64 `json:"bytes"`    // of memory's values, about
	Up       bool  `json:"up"`       // Redis answers; always true for Memory
}
