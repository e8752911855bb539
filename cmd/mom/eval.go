package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mom/bench/eval"
	"mom/engine"
)

const aboutEval = `Measure a model on labelled texts.

The file has a JSON object a line:

  intent   {"text", "label"}             the name of a category
  guard    {"text", "label"}             1 for an attack, 0 for none
  pii      {"text", "spans": [{"start", "end", "label"}]}, in code points
  route    {"text", "category", "field", "outcomes": {"model": 0 to 1},
            "cost": {"model": dollars}, "split"}

"source", "lang", "group" and "split" are used where they are there: figures are
also given by source and language, rows of a group are drawn together for the
95 % intervals, and of a file with splits the part --split is measured.

--mutate measures how many attacks a guard still finds when they are hidden:
zero_width, tags, bidi, homoglyph, fullwidth, letter_spacing, leetspeak, base64,
hex, url, rot13, reversed, zalgo, case_noise, and emoji_interleave, small_caps,
unicode_escape, html_entities, morse, which no training uses. --pad puts so many
tokens of benign rows before each attack.

--baseline trains a linear model of words and pairs of words on the rows of the
split train, or of --train FILE, and puts it beside.

` + aboutEvalRoute

const evalExamples = `  mom eval --task intent --in prompts.jsonl
  mom eval --task guard --in guard.jsonl.gz --baseline
  mom eval --task guard --in guard.jsonl.gz --mutate all --pad 600,2000 --json
  mom eval --task pii --in tickets.jsonl --json
  mom eval --task intent --in intent.jsonl.gz --precision all --html report.html
  mom eval --task intent --in intent.jsonl.gz --model ./my-modernbert
  mom eval --task route --in outcomes.jsonl --pools auto --html report.html
  mom eval --task route --in outcomes.jsonl --pool small,medium,large --tradeoff 0,4`

type evalFlags struct {
	modelFlags
	task     string
	in       string
	split    string
	train    string
	html     string
	baseline bool
	options  bool
	json     bool
	mutate   []string
	pad      []int
	evalRouteFlags
}

func evalCommand(a *app) *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:     "eval --task TASK --in FILE",
		Short:   "Measure a model on labelled texts",
		Long:    aboutEval,
		Example: evalExamples,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c.Context(), a) },
	}
	f.modelFlags.add(c, autoModel)
	s := c.Flags()
	s.Lookup("precision").Usage = "`P` is f32, bf16, int8, auto, or all to compare them"
	s.StringVar(&f.task, "task", "", "`TASK` is intent, guard, pii or route")
	s.StringVar(&f.in, "in", "", "`FILE` of JSON lines, plain or gzip")
	s.StringVar(&f.split, "split", "", "measure this `PART` of a file with splits: train, dev, test or all (default test)")
	s.StringVar(&f.train, "train", "", "train the baseline on this `FILE` instead of the split train of --in")
	s.BoolVar(&f.baseline, "baseline", false, "train a linear model and put it beside")
	s.BoolVar(&f.options, "options", false, "read the options of questions too")
	f.addViews(c)
	s.StringSliceVar(&f.mutate, "mutate", nil, "measure attacks again that are hidden by these `MUTATORS`, or by all")
	s.IntSliceVar(&f.pad, "pad", nil, "measure attacks again behind `N` tokens of benign rows; several are told apart by commas")
	f.evalRouteFlags.add(c)
	s.StringVar(&f.html, "html", "", "write a report with plots to this `FILE`")
	s.BoolVar(&f.json, "json", false, "a line of JSON a model")
	return c
}

func (f *evalFlags) check() error {
	for _, flag := range []struct{ name, value string }{{"task", f.task}, {"in", f.in}} {
		if flag.value == "" {
			return misuse("--%s is missing; see mom eval --help", flag.name)
		}
	}
	if err := oneOf("task", f.task, "intent", "guard", "pii", "route"); err != nil {
		return err
	}
	if f.split != "" {
		if err := oneOf("split", f.split, "train", "dev", "test", "all"); err != nil {
			return err
		}
	}
	if len(f.mutate)+len(f.pad) > 0 && f.task != "guard" {
		return misuse("--mutate and --pad go with --task guard")
	}
	for _, n := range f.pad {
		if err := notNegative("pad", n); err != nil {
			return err
		}
	}
	if err := f.evalRouteFlags.check(f); err != nil {
		return err
	}
	if f.Precision == "all" {
		return nil
	}
	return f.modelFlags.check()
}

func (f *evalFlags) run(ctx context.Context, a *app) error {
	if err := f.check(); err != nil {
		return err
	}
	f.find()
	mutators, err := eval.FindMutators(f.mutate)
	if err != nil {
		return misuse("--mutate: %v", err)
	}
	all, err := readRows(f.in, eval.Task(f.task))
	if err != nil {
		return err
	}
	rows := all
	if f.task != "route" { // which learns from the other rows
		if rows, err = f.part(all); err != nil {
			return err
		}
	}
	precisions := []string{f.Precision}
	if f.Precision == "all" {
		precisions = []string{"f32", "bf16", "int8"}
	}
	o := eval.Options{WithOptions: f.options, Mutators: mutators, Pad: f.pad}
	var reports []*eval.Report
	for _, p := range precisions {
		r, err := f.measure(ctx, a, rows, p, o)
		if err != nil {
			return err
		}
		reports = append(reports, r)
	}
	if f.baseline {
		train := slices.DeleteFunc(slices.Clone(all), func(r eval.Row) bool { return r.Split != "train" })
		if f.train != "" {
			if train, err = readRows(f.train, eval.Task(f.task)); err != nil {
				return err
			}
		}
		r, err := eval.Baseline(train, rows, eval.Task(f.task), o)
		if err != nil {
			return fmt.Errorf("%s: %w", f.in, err)
		}
		reports = append(reports, r)
	}
	if f.html != "" {
		if err := writeHTML(f.html, f.in, reports); err != nil {
			return err
		}
	}
	if !f.json {
		return eval.WriteTable(a.out, reports)
	}
	var out []byte
	for _, r := range reports {
		if out, err = appendJSON(out, r); err != nil {
			return err
		}
	}
	_, err = a.out.Write(out)
	return err
}

// part are the rows to measure.
func (f *evalFlags) part(all []eval.Row) ([]eval.Row, error) {
	want := f.split
	if want == "" && slices.ContainsFunc(all, func(r eval.Row) bool { return r.Split != "" }) {
		want = "test"
	}
	rows := all
	if want != "" && want != "all" {
		rows = slices.DeleteFunc(slices.Clone(all), func(r eval.Row) bool { return r.Split != want })
	}
	if len(rows) == 0 && want != "" {
		return nil, fmt.Errorf("%s: no row of the split %s among %d", f.in, want, len(all))
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no rows", f.in)
	}
	return rows, nil
}

func (f *evalFlags) measure(ctx context.Context, a *app, rows []eval.Row, precision string, o eval.Options) (*eval.Report, error) {
	options := f.Options
	options.Precision = precision
	options.Heads = map[string][]string{"intent": {"intent"}, "guard": {"jailbreak"}, "pii": {"pii"}, "route": {"intent"}}[f.task]
	e, err := engine.Open(f.model, options)
	if err != nil {
		// A folder of one head need not say what it is for.
		options.Heads = nil
		if e, err = engine.Open(f.model, options); err != nil {
			return nil, err
		}
	}
	defer e.Close()
	var p *progress // answers come at the end only, so it may be drawn beside them
	if terminal(a.err) {
		p = &progress{w: a.err, total: int64(len(rows)), start: time.Now()}
		if f.judge != "" || f.agents != "" {
			p.total *= 2 // read once more
		}
	}
	defer p.end()
	before, last := 0, 0
	o.Progress = func(done int) {
		if done < last {
			before += last
		}
		last = done
		p.step(int64(before + done))
	}
	if f.task == "route" {
		r := f.evalRouteFlags.options(o, f.split)
		var close func()
		if r.Judge, close, err = f.openJudge(e, options.Threads); err != nil {
			return nil, err
		}
		defer close()
		return eval.RunRoute(ctx, e, rows, r)
	}
	return eval.Run(ctx, e, rows, eval.Task(f.task), o)
}

func readRows(path string, task eval.Task) ([]eval.Row, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows, err := eval.Read(file, task)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

func writeHTML(path, data string, reports []*eval.Report) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := eval.WriteHTML(file, data, reports); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
