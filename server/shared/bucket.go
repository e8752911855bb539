package shared

import (
	"math"
	"time"
)

// A bucket fills evenly to one minute's worth. Level may be below nothing, by
// what was used beyond an estimate.
type bucket struct {
	level float64
	at    time.Time
}

// fill brings a bucket to now. One that is new, or whose limit has changed to
// less, is full.
func (b *bucket) fill(now time.Time, limit int) {
	capacity := float64(limit)
	if b.at.IsZero() {
		b.level = capacity
	} else if d := now.Sub(b.at); d > 0 {
		b.level += capacity * d.Minutes()
	}
	b.level = min(b.level, capacity)
	if now.After(b.at) {
		b.at = now
	}
}

// until is how long it takes for a bucket to hold so much.
func (b *bucket) until(level float64, limit int) time.Duration {
	return wait(level-b.level, limit)
}

// wait is how long a limit takes to give missing, at most a year.
func wait(missing float64, limit int) time.Duration {
	if missing <= 0 || limit <= 0 {
		return 0
	}
	seconds := min(missing/float64(limit)*60, 365*24*3600)
	return time.Duration(math.Ceil(seconds*1e6)) * time.Microsecond
}

// grant makes the answer of what both buckets hold after, or without, the taking.
func grant(l Limits, ok bool, requests, tokens float64, need int) Grant {
	g := Grant{OK: ok, RemainingRequests: -1, RemainingTokens: -1}
	if ok {
		g.Reserved = need
	}
	if l.Requests > 0 {
		g.RemainingRequests = max(int(math.Floor(requests)), 0)
		g.ResetRequests = wait(float64(l.Requests)-requests, l.Requests)
		if !ok && requests < 1 {
			g.By, g.RetryAfter = "requests", wait(1-requests, l.Requests)
		}
	}
	if l.Tokens > 0 {
		g.RemainingTokens = max(int(math.Floor(tokens)), 0)
		g.ResetTokens = wait(float64(l.Tokens)-tokens, l.Tokens)
		if w := wait(float64(need)-tokens, l.Tokens); !ok && w > g.RetryAfter {
			g.By, g.RetryAfter = "tokens", w
		}
	}
	return g
}

// need is what an estimate takes of a bucket: never more than it can hold, or
// the request could never pass.
func (l Limits) need(tokens int) int {
	if l.Tokens <= 0 {
		return 0
	}
	return min(max(tokens, 0), l.Tokens)
}
