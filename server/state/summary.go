package state

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// A Query says what a Summary is of.
type Query struct {
	Since  time.Time     // rounded down to a minute, or to an hour when it is more than three hours ago
	Until  time.Time     // zero means now
	Step   time.Duration // of the series; rounded up to whole minutes or hours; 0 means the finest
	Tenant *string       // nil means all
}

// A Summary is usage over a time. Money is US dollars.
type Summary struct {
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until"`
	Step       int64     `json:"step"` // of the series, seconds
	Totals     Usage     `json:"totals"`
	Models     []Usage   `json:"models"` // most requests first
	Tenants    []Usage   `json:"tenants"`
	Categories []Usage   `json:"categories"`
	Series     []Point   `json:"series"` // in order; a step without requests is there too
}

// Usage is what requests came to.
type Usage struct {
	Name         string  `json:"name,omitempty"` // of the model, tenant or category; empty when there is none
	Requests     int64   `json:"requests"`
	Blocked      int64   `json:"blocked"`
	Failed       int64   `json:"failed"` // let through, and answered with a status from 400
	Cached       int64   `json:"cached"`
	TokensIn     int64   `json:"tokens_in"`
	TokensOut    int64   `json:"tokens_out"`
	Cost         float64 `json:"cost"`
	BaselineCost float64 `json:"baseline_cost"` // at the best candidate of each request
	Saved        float64 `json:"saved"`         // the difference
	P50          float64 `json:"p50_ms"`        // of the total latency, within 3.2 %
	P99          float64 `json:"p99_ms"`
}

// A Point is one step of a series.
type Point struct {
	Time int64 `json:"t"` // its start, seconds of Unix time
	Usage
	Routed int64 `json:"routed"` // not blocked
}

// maxPoints bounds a series; its step grows to fit.
const maxPoints = 2000

// Summary adds usage up, of all that was recorded before. It is ErrOff when
// nothing is kept.
func (s *Store) Summary(ctx context.Context, q Query) (Summary, error) {
	now := s.o.now()
	if q.Until.IsZero() || q.Until.After(now) {
		q.Until = now
	}
	base := int64(minuteStep)
	if q.Since.Before(now.Add(-minuteKeep)) {
		base = hourStep
	}
	from := max(q.Since.Unix(), 0)
	from -= from % base
	to := q.Until.Unix() + 1
	var groups map[usageKey]*aggregate
	err := s.query(ctx, func(ctx context.Context, db *sql.DB) (err error) {
		s.usage.mu.Lock()
		defer s.usage.mu.Unlock()
		if groups, err = selectUsage(ctx, db, base, from, to, q.Tenant); err != nil {
			return err
		}
		asked := func(k usageKey) bool {
			return k.step == base && k.start >= from && k.start < to && (q.Tenant == nil || k.tenant == *q.Tenant)
		}
		for k, a := range s.usage.pending {
			if asked(k) {
				mergeInto(groups, k, a)
			}
		}
		// The writer lets a batch fill first, and Recent shows those entries already.
		for _, e := range s.ring.waiting() {
			if k := keyOf(e, base); asked(k) {
				if groups[k] == nil {
					groups[k] = new(aggregate)
				}
				groups[k].count(e)
			}
		}
		return nil
	})
	if err != nil {
		return Summary{}, err
	}
	return summarise(groups, base, from, to, q), nil
}

func mergeInto[K comparable](m map[K]*aggregate, k K, a *aggregate) {
	sum := m[k]
	if sum == nil {
		sum = new(aggregate)
		m[k] = sum
	}
	sum.merge(a)
}

func selectUsage(ctx context.Context, db *sql.DB, step, from, to int64, tenant *string) (map[usageKey]*aggregate, error) {
	query := `SELECT start, tenant, model, category, requests, blocked, failed, cached, tokens_in, tokens_out, cost, baseline, latency
		FROM usage WHERE step = ? AND start >= ? AND start < ?`
	args := []any{step, from, to}
	if tenant != nil {
		query, args = query+" AND tenant = ?", append(args, *tenant)
	}
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	groups := map[usageKey]*aggregate{}
	for rows.Next() {
		k := usageKey{step: step}
		a, err := readAggregate(rows, &k.start, &k.tenant, &k.model, &k.category)
		if err != nil && !errors.Is(err, errHistogram) {
			return nil, err
		}
		mergeInto(groups, k, &a)
	}
	return groups, rows.Err()
}

func summarise(groups map[usageKey]*aggregate, base, from, to int64, q Query) Summary {
	models, tenants, categories := map[string]*aggregate{}, map[string]*aggregate{}, map[string]*aggregate{}
	var total aggregate
	if q.Since.Unix() <= 0 { // all there is: begin with the first
		first := to
		for k := range groups {
			first = min(first, k.start)
		}
		from = first - first%base
	}
	step := max(int64(q.Step/time.Second), base, (to-from)/maxPoints)
	step = (step + base - 1) / base * base
	series := map[int64]*aggregate{}
	for k, a := range groups {
		total.merge(a)
		mergeInto(models, k.model, a)
		mergeInto(tenants, k.tenant, a)
		mergeInto(categories, k.category, a)
		mergeInto(series, k.start-k.start%step, a)
	}
	sum := Summary{Since: time.Unix(from, 0).UTC(), Until: time.Unix(to-1, 0).UTC(), Step: step,
		Totals: total.usage(""), Models: ranked(models), Tenants: ranked(tenants), Categories: ranked(categories), Series: []Point{}}
	for t := from - from%step; t < to; t += step {
		p := Point{Time: t}
		if a := series[t]; a != nil {
			p.Usage = a.usage("")
		}
		p.Routed = p.Requests - p.Blocked
		sum.Series = append(sum.Series, p)
	}
	return sum
}

func (a *aggregate) usage(name string) Usage {
	return Usage{Name: name, Requests: a.requests, Blocked: a.blocked, Failed: a.failed, Cached: a.cached,
		TokensIn: a.tokensIn, TokensOut: a.tokensOut, Cost: a.cost, BaselineCost: a.baseline, Saved: a.baseline - a.cost,
		P50: a.latency.quantile(0.5), P99: a.latency.quantile(0.99)}
}

func ranked(m map[string]*aggregate) []Usage {
	list := make([]Usage, 0, len(m))
	for name, a := range m {
		list = append(list, a.usage(name))
	}
	slices.SortFunc(list, func(a, b Usage) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func unmarshalDecision(data []byte, e *Entry) error { return json.Unmarshal(data, &e.Decision) }
