package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"mom/engine"
)

// routeKeys are the keys of a row that belong to Route alone.
type routeKeys struct {
	Category string
	Field    string
	Hidden   string
	Outcomes map[string]float64
	Cost     map[string]float64
}

// fill checks the keys and puts them into row.
func (k *routeKeys) fill(row *Row) error {
	if len(k.Outcomes) == 0 {
		return errors.New(`key "outcomes" is missing; want {"model": 0 to 1}`)
	}
	for _, m := range slices.Sorted(maps.Keys(k.Outcomes)) {
		if o := k.Outcomes[m]; o < 0 || o > 1 {
			return fmt.Errorf(`key "outcomes": %s has %v, want 0 to 1`, m, o)
		}
		if c, ok := k.Cost[m]; !ok || c < 0 {
			return fmt.Errorf(`key "cost": %s has %v, want dollars`, m, c)
		}
	}
	if k.Hidden != "" && row.Split != "test" {
		return fmt.Errorf(`key "hidden": nothing may be learned from this row, so its split is test, not %q`, row.Split)
	}
	row.Label, row.Hidden, row.Outcomes, row.Costs = k.Category, k.Hidden, k.Outcomes, k.Cost
	row.Field = cmp.Or(k.Field, k.Category, "all")
	return nil
}

// A Question is a row with what the encoder reads in it.
type Question struct {
	*Row
	Intent    []float64 // probabilities of the encoder's categories; nil when it has none
	Embedding []float32 // of length 1
	Judged    []float64 // probabilities of categories times difficulties by RouteOptions.Judge; else nil
}

// A Pool is what a chooser chooses from.
type Pool struct {
	Name   string    `json:"name"`
	Why    string    `json:"why,omitempty"`
	Models []string  `json:"models"`
	Costs  []float64 `json:"costs"` // dollars for a question, on average over the train rows
}

// A Choice is what a chooser says about a question.
type Choice struct {
	Model int // of the pool
	// Scores are the expected shares of right answers of the pool's models. A
	// chooser without them has one choice, whatever may be given up for money.
	Scores []float64
}

// A Chooser picks the model of a pool that is to answer a question. It may look
// at all but the outcomes and costs of the question: at its text, at what the
// encoder reads in it, at the pool's models and what they cost as a rule. Whoever
// asks a language model which model to take has one method to write.
type Chooser interface {
	Choose(ctx context.Context, q *Question, pool *Pool) (Choice, error)
}

// A NamedChooser is one to be measured.
type NamedChooser struct {
	Name string
	Chooser
}

// RouteOptions are those of RunRoute.
type RouteOptions struct {
	Options
	Pools     []Pool    // names and models
	Auto      bool      // and those that AutoPools finds
	Split     string    // measured: test by default
	Tradeoffs []float64 // what may be given up of the expected quality; empty means 0, nothing
	// Floor is the expected quality that will do when the best is so much.
	Floor    func(best, tradeoff float64) float64
	Choosers []NamedChooser // measured beside those of this package
	Judge    Judge          // of the chooser "judged"; nil for none
}

// Routes are the figures of choosers.
type Routes struct {
	Split  string        `json:"split"`
	Train  int           `json:"train"`  // rows learned from
	Dev    int           `json:"dev"`    // rows that settings were chosen on
	Hidden int           `json:"hidden"` // measured rows that are marked so
	Pools  []PoolFigures `json:"pools"`
}

// RunRoute measures how well choosers pick the model for a question. What they
// know comes from the rows of the split train, their settings from dev.
func RunRoute(ctx context.Context, e *engine.Engine, rows []Row, o RouteOptions) (*Report, error) {
	start := time.Now()
	parts, err := splitRoutes(rows, cmp.Or(o.Split, "test"))
	if err != nil {
		return nil, err
	}
	report := &Report{Task: Route, Model: e.Name, Precision: e.Precision().String(), Rows: len(parts.measured)}
	if err := read(ctx, e, parts.all, o.Options, report); err != nil {
		return nil, err
	}
	if err := judge(ctx, parts.all, o); err != nil {
		return nil, err
	}
	report.Routes, err = measureRoutes(ctx, parts, o)
	report.Seconds = time.Since(start).Seconds()
	return report, err
}

// routeParts are the questions by what they are for.
type routeParts struct {
	split                     string
	all, train, dev, measured []*Question
}

// splitRoutes refuses rows whose groups are in several splits.
func splitRoutes(rows []Row, split string) (*routeParts, error) {
	p := &routeParts{split: split}
	in := map[string]string{}
	for i := range rows {
		r := &rows[i]
		if was, ok := in[r.Group]; r.Group != "" && ok && was != r.Split {
			return nil, fmt.Errorf("row %s: group %s is in the splits %s and %s, so what is measured would be known", r.ID, r.Group, was, r.Split)
		}
		in[r.Group] = r.Split
		q := &Question{Row: r}
		p.all = append(p.all, q)
		switch r.Split {
		case "train":
			p.train = append(p.train, q)
		case "dev":
			p.dev = append(p.dev, q)
		}
		if r.Split == split {
			p.measured = append(p.measured, q)
		}
	}
	switch {
	case len(p.train) == 0:
		return nil, errors.New(`no rows with "split": "train" for the choosers to learn from`)
	case len(p.measured) == 0:
		return nil, fmt.Errorf("no row of the split %s among %d", split, len(rows))
	}
	return p, nil
}

// measureRoutes measures all choosers on all pools.
func measureRoutes(ctx context.Context, p *routeParts, o RouteOptions) (*Routes, error) {
	r := &Routes{Split: p.split, Train: len(p.train), Dev: len(p.dev)}
	for _, q := range p.measured {
		r.Hidden += btoi(q.Hidden != "")
	}
	pools := slices.Clone(o.Pools)
	if o.Auto {
		pools = append(pools, AutoPools(p.train)...)
	}
	if len(pools) == 0 {
		return nil, errors.New("no pool of models to choose from")
	}
	known := map[string]bool{}
	for _, q := range slices.Concat(p.train, p.measured) {
		for m := range q.Outcomes {
			known[m] = true
		}
	}
	near, linear := newNearest(p.train), newLogits(p.train, p.dev)
	for _, pool := range pools {
		for _, m := range pool.Models {
			if !known[m] {
				return nil, fmt.Errorf("pool %s: no row has an outcome of %q; the models are %v", pool.Name, m, slices.Sorted(maps.Keys(known)))
			}
		}
		f, err := measurePool(ctx, pool, p, near, linear, o)
		if err != nil {
			return nil, fmt.Errorf("pool %s: %w", pool.Name, err)
		}
		r.Pools = append(r.Pools, *f)
	}
	return r, nil
}
