package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"mom/engine/explain"
	"mom/router"
	"mom/server/config"
	"mom/server/web"
)

const aboutRoute = `Decide for a text, or many, which model should answer, and say why: the decision
that mom serve makes for a request with this one message.

The answer with --json is a line a text:

  {"id","action","model","fallbacks","recipe","category","confidence","flags",
   "reasons":[{"stage","verdict","detail","scores"}],"candidates","cost",
   "baseline_cost","ms"}

A recipe whose intent is a decoder's is decided with it, after the encoder;
"intent" then says whose category it is, and how long the decoder took.

"action" is route or block; a blocked text has no model. "cost" is what the model
is expected to cost in US dollars, "baseline_cost" the best candidate.

With --explain a decoder says in words why a text has its category, and how hard
it is; a line of JSON is then

  {"id","model","category","difficulty","confidence","runner_up","reason","ms",
   "first_token_ms","by","late","cut","reason_cut","note"}

"by" is decoder, or encoder where the decoder had no answer within
--explain-limit, which "late" and "note" tell; "cut" is how many bytes in the
middle of a long text the decoder did not read. Texts are explained one after
another, so "ms" is what one alone takes.

With --agents the agent of the text's field says how hard it is, the candidates'
expected qualities are those for such texts, and a line of JSON has besides

  "agent": {"agent","field","model","difficulty","needs_tools","confidence",
            "reason","ms","first_token_ms","late","cut","note"}

"confidence" is how probably the chosen model answers well.`

const routeExamples = `  mom route "Prove that the square root of 2 is irrational"
  mom route --json --in prompts.jsonl > decisions.jsonl
  mom route --config mom.yaml --recipe cheap "What is the capital of France?"
  mom route --explain "Prove that the square root of 2 is irrational"
  mom route --explain --decoder ./folder --in prompts.jsonl --json
  mom route --agents ./agents "Prove that the square root of 2 is irrational"
  mom route --tradeoff 0 --exclude 'small*' "…"`

type routeFlags struct {
	modelFlags
	inputFlags
	explainFlags
	agents   agentFlags
	config   string
	recipe   string
	tradeoff float64
	allow    []string
	exclude  []string
	json     bool
}

func routeCommand(a *app) *cobra.Command {
	var f routeFlags
	c := &cobra.Command{
		Use:     "route [TEXT]",
		Short:   "Which model should answer a text, and why",
		Long:    aboutRoute,
		Example: routeExamples,
		Args:    arguments(0, 1, "one text, or --in FILE"),
		RunE:    func(c *cobra.Command, args []string) error { return f.run(c, a, args) },
	}
	f.modelFlags.addServing(c)
	f.inputFlags.add(c)
	f.explainFlags.add(c)
	f.agents.add(c)
	s := c.Flags()
	s.StringVarP(&f.config, "config", "c", "", "configuration `FILE` with models and policy (default the built-in ones)")
	s.StringVar(&f.recipe, "recipe", "auto", "`NAME` of a recipe, or of a model")
	s.Float64Var(&f.tradeoff, "tradeoff", -1, "`N` from 0, the best model, to 10, the cheapest (default the recipe's)")
	s.StringSliceVar(&f.allow, "allow", nil, "choose among these `MODELS` only, with * as wildcard")
	s.StringSliceVar(&f.exclude, "exclude", nil, "leave these `MODELS` out, with * as wildcard")
	s.BoolVar(&f.json, "json", false, "a line of JSON a text")
	return c
}

func (f *routeFlags) run(cmd *cobra.Command, a *app, args []string) error {
	ctx := cmd.Context()
	if err := f.modelFlags.check(); err != nil {
		return err
	}
	if err := f.explainFlags.check(); err != nil {
		return err
	}
	if err := f.agents.check(cmd, f.explain); err != nil {
		return err
	}
	if f.tradeoff != -1 && (f.tradeoff < 0 || f.tradeoff > 10) {
		return misuse("--tradeoff %g: want 0 to 10", f.tradeoff)
	}
	c := config.Default()
	if f.config != "" {
		var err error
		if c, err = config.Load(f.config); err != nil {
			return err
		}
	}
	policy, err := router.New(c.Policy)
	if err != nil {
		return err
	}
	if !policy.Knows(f.recipe) {
		return misuse("--recipe %q: want one of %s", f.recipe, strings.Join(policy.Recipes(), ", "))
	}
	var e *explain.Explainer
	var who *teller
	var graders *agents
	defer func() {
		if e != nil {
			e.Close()
		}
		graders.close()
		who.close()
	}()
	many := f.Threads
	if f.explain || f.agents.agents != "" {
		many = 1
	}
	return f.each(ctx, a, args, f.json, many, func() (func() worker, error) {
		var err error
		if f.explain {
			if e, err = f.explainFlags.open(f.Threads); err != nil {
				return nil, err
			}
		}
		if graders, err = f.agents.open(c, policy.Agents(f.recipe), f.Threads); err != nil {
			return nil, err
		}
		if who, err = openTeller(c, policy.Intent(f.recipe), f.Threads); err != nil {
			return nil, err
		}
		b, err := openBrain(&f.modelFlags, c.Limits.Tokens)
		return func() worker { return f.worker(b, policy, who, e, graders) }, err
	})
}

// routed is the answer to one text.
type routed struct {
	ID json.RawMessage `json:"id"`
	router.Decision
	MS float64 `json:"ms"`
}

func (f *routeFlags) worker(b *brain, policy *router.Router, who *teller, e *explain.Explainer, graders *agents) worker {
	return func(ctx context.Context, q *record, out []byte) ([]byte, error) {
		start := time.Now()
		reading, err := b.Classify(ctx, q.text, web.All)
		if err != nil {
			return out, err
		}
		signals := router.Merge([]router.Part{{Role: "user", Text: q.text, Reading: reading}})
		d := policy.Decide(f.request(reading.Tokens), signals)
		if who != nil && d.Action != router.Block {
			if signals.Told, err = who.tell(ctx, q.text); err != nil {
				return out, err
			}
			d = policy.Decide(f.request(reading.Tokens), signals)
		}
		by, err := graders.choose(ctx, q.text, &d, func(y *router.Difficulty) router.Decision {
			signals.Difficulty = y
			return policy.Decide(f.request(reading.Tokens), signals)
		})
		if err != nil {
			return out, err
		}
		took := time.Since(start)
		single := q.line == 1 && f.in == ""
		if e != nil {
			say, err := f.say(ctx, e, q, &d, took)
			switch {
			case err != nil:
				return out, err
			case f.json:
				return appendJSON(out, say)
			case single:
				return appendExplained(appendDecision(out, &d, took), &say), nil
			}
			return appendExplainedRow(out, q, &d, &say), nil
		}
		switch {
		case f.json && graders != nil && graders.why:
			return appendJSON(out, agentRouted{q.id, d, by, milliseconds(took)})
		case f.json:
			return appendJSON(out, routed{q.id, d, milliseconds(took)})
		case single && by != nil:
			return appendChosen(appendDecision(out, &d, took), by), nil
		case single:
			return appendDecision(out, &d, took), nil
		}
		return appendDecisionRow(out, q, &d), nil
	}
}

func (f *routeFlags) request(tokens int) router.Request {
	q := router.Request{Model: f.recipe, InputTokens: tokens, Allowed: f.allow, Excluded: f.exclude}
	if f.tradeoff >= 0 {
		q.Tradeoff = &f.tradeoff
	}
	return q
}

// appendDecision is a decision for a reader.
func appendDecision(out []byte, d *router.Decision, took time.Duration) []byte {
	w := tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	if d.Action == router.Block {
		fmt.Fprintf(w, "decision\tblock\n")
	} else {
		fmt.Fprintf(w, "decision\t%s\t%s\n", d.Model, price(d.Cost))
	}
	for _, r := range d.Reasons {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Stage, r.Verdict, r.Detail)
	}
	name := "candidates"
	for _, c := range d.Candidates {
		why := fmt.Sprintf("quality %.2f, %s", c.Quality, price(c.Cost))
		if c.RuledOut != "" {
			why = c.RuledOut
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, c.Model, why)
		name = ""
	}
	fmt.Fprintf(w, "took\t%.1f ms\n", milliseconds(took))
	w.Flush()
	return out
}

// appendDecisionRow is one of many: id, action, model, category, flags.
func appendDecisionRow(out []byte, q *record, d *router.Decision) []byte {
	return fmt.Appendf(out, "%s\t%s\t%s\t%s %.3f\t%s\n", idText(q.id), d.Action, orDash(d.Model), orDash(d.Category), d.Confidence, orDash(strings.Join(d.Flags, ",")))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// price has as many digits as a request's cost needs.
func price(dollars float64) string { return "$" + strconv.FormatFloat(dollars, 'g', 3, 64) }
