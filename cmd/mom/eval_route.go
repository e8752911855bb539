package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mom/bench/eval"
	"mom/engine"
	"mom/engine/explain"
	"mom/engine/generate"
	"mom/router"
)

const aboutEvalRoute = `Choosing a model (--task route) is measured on a table of outcomes: how right
each model's answer to a question was, and what it cost. Rows of the split train
are learned from, those of dev choose settings, and those of --split are measured
(default test); "hidden": "why" marks rows that may only be measured. A group
must be in one split. "field" is what figures are given by (without it, the
category), and overall figures are means over the fields.

A pool is the models to choose from: --pool a,b,c, as often as you like, or
--pools auto, which finds pools on the train rows: cheap ones of similar price
that complement each other, ladders from cheap to dear, and generalists with
specialists. These choosers are compared:

  best single          one model for all
  category             the best of the row's category on the train rows
  category, predicted  the same, weighted by the categories that the encoder sees
  neighbours           what models did on the train rows closest to the question
  linear               a logistic regression a model on the encoder's embedding
  judged               what models did on train rows of the same category and
                       difficulty: as the decoder of --judge finds them, or as
                       the encoder and the agents of --agents do
  oracle               knows the outcomes: no chooser can be better

--tradeoff N takes the cheapest model that is expected to be good enough, as
cost_quality_tradeoff does in a policy: 0 the best, 10 the cheapest. A chooser
that spends little is compared with what the same money buys otherwise: the best
single model that costs no more, and two that take turns so that the cost is the
same.`

// evalRouteFlags are those of mom eval --task route.
type evalRouteFlags struct {
	pool     []string
	pools    string
	tradeoff []float64
	judge    string
	agents   string
}

func (f *evalRouteFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.StringArrayVar(&f.pool, "pool", nil, "choose among these `MODELS`, told apart by commas; several times for several pools")
	s.StringVar(&f.pools, "pools", "", "`auto` finds pools on the train rows (the default without --pool)")
	s.StringVar(&f.judge, "judge", "", "`FOLDER` of a decoder that labels and explains, to choose by its category and difficulty")
	s.StringVar(&f.agents, "agents", "", "`FOLDER` that holds mom-dec-agent-* and the decoder that they are for, to choose by the encoder's category and the difficulty that the agent of its field sees")
	s.Float64SliceVar(&f.tradeoff, "tradeoff", []float64{0, 4}, "let choosers give up quality for money: `N` from 0, nothing, to 10; several are told apart by commas")
}

func (f *evalRouteFlags) check(e *evalFlags) error {
	if e.task != "route" {
		if len(f.pool) > 0 || f.pools != "" || f.judge != "" || f.agents != "" {
			return misuse("--pool, --pools, --judge and --agents go with --task route")
		}
		return nil
	}
	if f.judge != "" && f.agents != "" {
		return misuse("--judge and --agents: want one of them")
	}
	if e.baseline || e.train != "" {
		return misuse("--task route compares its choosers with baselines anyway, and learns from the split train of --in; leave out --baseline and --train")
	}
	if e.split != "" {
		if err := oneOf("split", e.split, "test", "dev"); err != nil {
			return err
		}
	}
	if f.pools != "" {
		if err := oneOf("pools", f.pools, "auto"); err != nil {
			return err
		}
	}
	for _, p := range f.pool {
		models := strings.Split(p, ",")
		if slices.Contains(models, "") || len(models) < 2 {
			return misuse("--pool %s: want the names of two models or more, told apart by commas", p)
		}
		slices.Sort(models)
		if len(slices.Compact(models)) < strings.Count(p, ",")+1 {
			return misuse("--pool %s: a model is there twice", p)
		}
	}
	for _, t := range f.tradeoff {
		if !(t >= 0 && t <= 10) {
			return misuse("--tradeoff %g: want 0 to 10", t)
		}
	}
	return nil
}

func (f *evalRouteFlags) options(o eval.Options, split string) eval.RouteOptions {
	r := eval.RouteOptions{Options: o, Auto: f.pools == "auto" || len(f.pool) == 0, Split: split, Tradeoffs: f.tradeoff, Floor: router.Floor}
	for i, p := range f.pool {
		r.Pools = append(r.Pools, eval.Pool{Name: fmt.Sprintf("pool-%d", i+1), Models: strings.Split(p, ",")})
	}
	return r
}

// openJudge opens what says how hard a question is: a decoder, or agents; nil for
// neither.
func (f *evalRouteFlags) openJudge(e *engine.Engine, threads int) (judge eval.Judge, close func(), err error) {
	o := explain.Options{Options: generate.Options{Threads: threads}}
	switch {
	case f.judge != "":
		x, err := explain.Open(f.judge, o)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context, text string, _ *eval.Question) (categories, difficulties []float64, err error) {
			j, err := x.Assess(ctx, text, 0)
			if err != nil {
				return nil, nil, err
			}
			return j.Probabilities, j.Difficulties, nil
		}, x.Close, nil
	case f.agents != "":
		x, err := explain.OpenAgents(f.agents, o)
		if err != nil {
			return nil, nil, err
		}
		labels := intentLabels(e)
		for _, l := range labels {
			if x.For(explain.FieldOf(l)) == nil {
				x.Close()
				return nil, nil, fmt.Errorf("%s: no agent of the field %s, which %s is of", f.agents, explain.FieldOf(l), l)
			}
		}
		return func(ctx context.Context, text string, q *eval.Question) (categories, difficulties []float64, err error) {
			if len(q.Intent) != len(labels) || len(labels) == 0 {
				return nil, nil, fmt.Errorf("the model tells no categories, by which agents are asked")
			}
			best := 0
			for k, p := range q.Intent {
				if p > q.Intent[best] {
					best = k
				}
			}
			p, err := x.For(explain.FieldOf(labels[best])).Assess(ctx, text)
			return q.Intent, p, err
		}, x.Close, nil
	}
	return nil, func() {}, nil
}

// intentLabels are the categories of the model's intent head; nil without one.
func intentLabels(e *engine.Engine) []string {
	for _, h := range e.Heads() {
		if h.Function == "intent" {
			return h.Labels
		}
	}
	return nil
}
