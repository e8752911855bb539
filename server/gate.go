package server

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"mom/router"
	"mom/server/admin"
	"mom/server/web"
)

// gate bounds the queue before the classifiers: it refuses a text at once when
// the wait to be expected is longer than patience, for an answer that comes too
// late costs as much as one in time.
type gate struct {
	web.Classifier
	patience atomic.Int64 // nanoseconds
	slots    chan struct{}
	waiting  atomic.Int64
	metrics  *admin.Metrics

	mu      sync.Mutex
	perSlot float64 // seconds that a text holds a slot, a moving average
}

// newGate lets n texts be read at once. More than the cores have room for: the
// engine makes batches of those that wait inside it.
func newGate(c web.Classifier, n int, patience time.Duration) *gate {
	g := &gate{Classifier: c, slots: make(chan struct{}, n)}
	g.patience.Store(int64(patience))
	return g
}

func (g *gate) Classify(ctx context.Context, text string, tasks web.Task) (router.Reading, error) {
	if err := g.enter(ctx); err != nil {
		return router.Reading{}, err
	}
	defer g.leave(time.Now())
	return g.Classifier.Classify(ctx, text, tasks)
}

func (g *gate) Embed(ctx context.Context, text string, dst []float32) ([]float32, error) {
	if err := g.enter(ctx); err != nil {
		return dst, err
	}
	defer g.leave(time.Now())
	return g.Classifier.Embed(ctx, text, dst)
}

// enter takes a slot, waiting for at most patience.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
		g.metrics.Waited(0)
		return nil
	default:
	}
	start := time.Now()
	patience := time.Duration(g.patience.Load())
	n := g.waiting.Add(1)
	defer g.waiting.Add(-1)
	if wait := g.expected(n); wait > patience {
		return g.refuse(wait)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case g.slots <- struct{}{}:
		g.metrics.Waited(time.Since(start))
		return nil
	case <-timer.C:
		return g.refuse(max(g.expected(g.waiting.Load()), patience))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *gate) leave(since time.Time) {
	<-g.slots
	took := time.Since(since).Seconds()
	g.mu.Lock()
	if g.perSlot == 0 {
		g.perSlot = took
	}
	g.perSlot += (took - g.perSlot) / 16
	g.mu.Unlock()
}

// expected is how long the n-th waiting text has to wait.
func (g *gate) expected(n int64) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Duration(float64(n) * g.perSlot / float64(cap(g.slots)) * 1e9)
}

func (g *gate) refuse(wait time.Duration) error {
	g.metrics.Shed(admin.ShedQueue)
	return &web.Error{
		Status: 429, Type: "rate_limit_error", Code: "overloaded",
		Message:    "the classifiers have more to read than they can in time; try again later",
		RetryAfter: time.Duration(math.Ceil(max(wait.Seconds(), 1))) * time.Second,
	}
}
