package upstream

import (
	"sync"
	"sync/atomic"
	"time"

	"mom/server/config"
)

// An outcome is what an answer says about the replica that gave it.
type outcome uint8

const (
	neither outcome = iota // the client left, or was at fault
	good
	bad
)

// A breaker leaves a replica alone after failures in a row. When its time is
// over, a few requests are let through: as many good answers close it, a bad one
// opens it again.
type breaker struct {
	config.CircuitBreaker
	// until is when it is half open, in nanoseconds of the Unix epoch; 0 while it
	// is closed.
	until atomic.Int64

	mu       sync.Mutex
	failures int // in a row, while closed
	trying   int // probes under way
	passed   int // probes that went well
}

// A pass is a request that a breaker let through.
type pass struct {
	b     *breaker
	probe int64 // the until that it tries to end; 0 while closed
}

// ready reports whether a request might be let through, and how long until then.
func (b *breaker) ready(now time.Time) (bool, time.Duration) {
	until := b.until.Load()
	if until == 0 {
		return true, 0
	}
	wait := time.Duration(until - now.UnixNano())
	return wait <= 0, max(wait, 0)
}

// allow lets a request through, or not. Every pass must be given back by head,
// done or both.
func (b *breaker) allow(now time.Time) (pass, bool) {
	if b.until.Load() == 0 {
		return pass{b: b}, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	until := b.until.Load()
	switch {
	case until == 0:
		return pass{b: b}, true
	case now.UnixNano() < until || b.trying+b.passed >= b.Probes:
		return pass{}, false
	}
	b.trying++
	return pass{b, until}, true
}

// head ends a probe whose answer begins well, so that a long stream does not
// hold the others back.
func (p *pass) head() {
	if p.probe != 0 {
		p.done(good)
		*p = pass{b: p.b}
	}
}

// done tells what came of the request.
func (p pass) done(o outcome) {
	b := p.b
	if b == nil {
		return // a health check
	}
	if p.probe == 0 && o == good && b.failuresAre(0) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	until := b.until.Load()
	if until != p.probe {
		return // opened or closed since; that request's news is old
	}
	if p.probe != 0 {
		b.trying--
	}
	switch {
	case o == good && p.probe == 0:
		b.failures = 0
	case o == good:
		if b.passed++; b.passed >= b.Probes {
			b.failures, b.passed, b.trying = 0, 0, 0
			b.until.Store(0)
		}
	case o == bad:
		b.failures++
		if b.Failures > 0 && (p.probe != 0 || b.failures >= b.Failures) {
			b.passed, b.trying = 0, 0
			b.until.Store(time.Now().Add(b.Open).UnixNano())
		}
	}
}

func (b *breaker) failuresAre(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures == n
}
