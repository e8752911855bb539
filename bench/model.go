package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"mom/models"
	"mom/models/nn"
)

// ModelOptions say what Model measures.
type ModelOptions struct {
	Tokens  []int // lengths of the text, special tokens included
	Threads []int // sizes of the team
	Passes  int   // forward passes a length and team at least; 0 means 30
}

// A ModelResult is the latency of forward passes, one text at a time, heads
// included. LinearGops counts the linear layers alone, over the median time of
// the whole pass, and Percent relates it to the ceiling of the cores used: both
// are the median over rounds in which the ceiling is measured, then some passes.
type ModelResult struct {
	Tokens    int     `json:"tokens"`
	Threads   int     `json:"threads"`
	Precision string  `json:"precision"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Best      float64 `json:"best_ms"`
	PerSecond float64 `json:"per_s"`
	Gops      float64 `json:"linear_gops"`
	Ceiling   float64 `json:"ceiling_gops"`
	Percent   float64 `json:"percent_of_ceiling"`
}

// Check reports options that the model or the machine cannot do.
func (o *ModelOptions) Check(m *models.Model) error {
	info := m.Trunk.Info()
	for _, n := range o.Tokens {
		if n < 1 || n > info.MaxTokens {
			return fmt.Errorf("%d tokens: the model reads 1 to %d", n, info.MaxTokens)
		}
	}
	for _, n := range o.Threads {
		if n < 1 || n > runtime.GOMAXPROCS(0) {
			return fmt.Errorf("%d threads: this machine has 1 to %d", n, runtime.GOMAXPROCS(0))
		}
	}
	return nil
}

// Model measures m at each length and team and hands the results to emit.
func Model(ctx context.Context, m *models.Model, o ModelOptions, emit func(ModelResult) error) error {
	if err := o.Check(m); err != nil {
		return err
	}
	if o.Passes == 0 {
		o.Passes = 30
	}
	for _, threads := range o.Threads {
		team := nn.NewTeam(threads)
		for _, tokens := range o.Tokens {
			p := &pass{model: m, ws: nn.Workspace{Team: team}, batch: text(tokens, m.Trunk.Info().Vocab)}
			r, err := p.measure(ctx, threads, o.Passes)
			if err == nil {
				err = emit(r)
			}
			if err != nil {
				team.Close()
				return err
			}
		}
		team.Close()
	}
	return nil
}

// text is one sequence of ids spread over the vocabulary.
func text(tokens, vocab int) models.Batch {
	ids := make([]int32, tokens)
	for i := range ids {
		ids[i] = int32((i*7919 + 1013) % vocab)
	}
	return models.Batch{IDs: ids, Starts: []int32{0, int32(tokens)}}
}

// pass is one text going through a model.
type pass struct {
	model *models.Model
	ws    nn.Workspace
	batch models.Batch
}

func (p *pass) run() error {
	hidden, err := p.model.Trunk.Encode(&p.ws, &p.batch)
	if err != nil {
		return err
	}
	for _, h := range p.model.Heads {
		h.Apply(&p.ws, hidden, &p.batch)
	}
	return nil
}

func (p *pass) measure(ctx context.Context, threads, passes int) (ModelResult, error) {
	const rounds = 5
	tokens := len(p.batch.IDs)
	r := ModelResult{Tokens: tokens, Threads: threads, Precision: p.model.Precision.String()}
	for range 3 { // the workspace grows, the helpers wake
		if err := p.run(); err != nil {
			return r, err
		}
	}
	ops := float64(p.model.Trunk.Info().Ops) * float64(tokens)
	var all []time.Duration
	var ceilings, shares, rates []float64
	for range rounds {
		top := ceiling(p.model.Precision, threads)
		round, err := p.round(ctx, (passes+rounds-1)/rounds)
		if err != nil {
			return r, err
		}
		all = append(all, round...)
		slices.Sort(round)
		rate := ops / float64(quantile(round, 0.5).Nanoseconds())
		ceilings, rates, shares = append(ceilings, top), append(rates, rate), append(shares, 100*rate/top)
	}
	slices.Sort(all)
	r.P50, r.P99, r.Best = ms(quantile(all, 0.5)), ms(quantile(all, 0.99)), ms(all[0])
	var sum time.Duration
	for _, d := range all {
		sum += d
	}
	r.PerSecond = float64(len(all)) / sum.Seconds()
	r.Gops, r.Ceiling, r.Percent = median(rates), median(ceilings), median(shares)
	return r, nil
}

// round times passes, more of them when they are short.
func (p *pass) round(ctx context.Context, passes int) ([]time.Duration, error) {
	const least = 100 * time.Millisecond
	var times []time.Duration
	for start := time.Now(); len(times) < passes || time.Since(start) < least; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := time.Now()
		if err := p.run(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(t))
	}
	return times, nil
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
