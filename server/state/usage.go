package state

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"mom/router"
)

// Usage is kept for each hour, and for the last hours for each minute, by
// tenant, model and category. It outlives the decisions that it counts when
// the database is too small for them.
const (
	minuteStep = 60
	hourStep   = 3600
	minuteKeep = 3 * time.Hour
	// maxPending bounds what waits in memory while the database cannot be
	// written.
	maxPending = 20000
)

type usageKey struct {
	step, start             int64
	tenant, model, category string
}

type aggregate struct {
	requests, blocked, failed, cached int64
	tokensIn, tokensOut               int64
	cost, baseline                    float64
	latency                           histogram
}

func (a *aggregate) merge(b *aggregate) {
	a.requests += b.requests
	a.blocked += b.blocked
	a.failed += b.failed
	a.cached += b.cached
	a.tokensIn += b.tokensIn
	a.tokensOut += b.tokensOut
	a.cost += b.cost
	a.baseline += b.baseline
	a.latency.merge(b.latency)
}

func (a *aggregate) count(e *Entry) {
	a.requests++
	switch {
	case e.Decision.Action == router.Block:
		a.blocked++
	case e.Status >= 400:
		a.failed++
	}
	if e.Cached {
		a.cached++
	}
	a.tokensIn += int64(e.TokensIn)
	a.tokensOut += int64(e.TokensOut)
	a.cost += e.Cost
	a.baseline += e.BaselineCost
	a.latency.add(e.Latency.Total)
}

// usage is what was not yet added to the table. Its lock also keeps a summary
// from reading between the ring, the table and what is pending.
type usage struct {
	mu      sync.Mutex
	pending map[usageKey]*aggregate
}

// take moves entries from the ring to batch and counts them. It returns how many
// there was no room to count.
func (u *usage) take(r *ring, batch []*Entry, most int) (_ []*Entry, lost int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	batch = r.take(batch, most)
	for _, e := range batch {
		if len(u.pending)+2 > maxPending {
			lost++
			continue
		}
		u.add(e)
	}
	return batch, lost
}

func keyOf(e *Entry, step int64) usageKey {
	at := e.Time.Unix()
	return usageKey{step, at - at%step, e.Tenant, e.Model, e.Decision.Category}
}

func (u *usage) add(e *Entry) {
	for _, step := range [...]int64{minuteStep, hourStep} {
		k := keyOf(e, step)
		a := u.pending[k]
		if a == nil {
			a = new(aggregate)
			u.pending[k] = a
		}
		a.count(e)
	}
}

// flush adds what is pending to the table.
func (u *usage) flush(ctx context.Context, db *database) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pending) == 0 {
		return nil
	}
	err := db.within(ctx, func() error {
		for k, a := range u.pending {
			sum, err := readAggregate(db.find.QueryRowContext(ctx, k.step, k.start, k.tenant, k.model, k.category))
			if err != nil && !errors.Is(err, sql.ErrNoRows) && !errors.Is(err, errHistogram) {
				return err
			}
			sum.merge(a)
			_, err = db.upsert.ExecContext(ctx, k.step, k.start, k.tenant, k.model, k.category, sum.requests, sum.blocked, sum.failed, sum.cached,
				sum.tokensIn, sum.tokensOut, sum.cost, sum.baseline, sum.latency.encode())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		clear(u.pending)
	}
	return err
}

func readAggregate(row interface{ Scan(...any) error }, before ...any) (aggregate, error) {
	var a aggregate
	var latency []byte
	err := row.Scan(append(before, &a.requests, &a.blocked, &a.failed, &a.cached, &a.tokensIn, &a.tokensOut, &a.cost, &a.baseline, &latency)...)
	if err != nil {
		return a, err
	}
	a.latency, err = decodeHistogram(latency)
	return a, err
}
