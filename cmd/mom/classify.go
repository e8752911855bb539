package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"mom/engine"
	"mom/models"
)

const aboutClassify = `Classify a text, or many.

The family inside mom answers three questions: what is the request about
(intent), does it try to subvert the model (jailbreak), which personal data does
it carry (pii). A folder with one head answers its own question.

A text longer than the model's window is read in several, which overlap and end
with a paragraph, line or sentence if they can; nothing is cut off. "start" and
"end" count Unicode code points.

The guard also reads what a text hides: look-alikes and invisible characters,
spaced letters, base64 and other encodings undone. The answer names the view that
decided; "text" is the text itself.`

const classifyExamples = `  mom classify "Prove that the square root of 2 is irrational"
  mom classify --json --in prompts.jsonl > answers.jsonl
  cut -f2 log.tsv | mom classify --plain --in - --json --keep-going
  mom classify --model ./my-modernbert --precision bf16 --json --logits "…"
  mom classify --model mom-enc-guard-pii-v1 "Call me on +1 415 555 0132"`

type classifyFlags struct {
	modelFlags
	inputFlags
	json   bool
	logits bool
}

func classifyCommand(a *app) *cobra.Command {
	var f classifyFlags
	c := &cobra.Command{
		Use:     "classify [TEXT]",
		Short:   "What a text is about, whether it is an attack, which personal data it has",
		Long:    aboutClassify,
		Example: classifyExamples,
		Args:    arguments(0, 1, "one text, or --in FILE"),
		RunE:    func(c *cobra.Command, args []string) error { return f.run(c.Context(), a, args) },
	}
	f.modelFlags.add(c, autoModel)
	f.inputFlags.add(c)
	c.Flags().StringSliceVar(&f.Heads, "heads", nil, "run these `HEADS` of a model that has several (default all): intent, jailbreak, pii")
	f.addViews(c)
	c.Flags().BoolVar(&f.json, "json", false, "a line of JSON a text")
	c.Flags().BoolVar(&f.logits, "logits", false, "with --json: the logits before temperature, label by label")
	return c
}

func (f *classifyFlags) run(ctx context.Context, a *app, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.logits && !f.json {
		return misuse("--logits goes with --json")
	}
	return f.each(ctx, a, args, f.json, f.Threads, func() (func() worker, error) {
		e, err := f.openClassifier()
		return func() worker {
			switch {
			case f.json:
				return f.worker(e)
			case len(args) == 1:
				return tableWorker(e)
			}
			return rowWorker(e)
		}, err
	})
}

// openClassifier refuses a model that has nothing to classify with.
func (f *modelFlags) openClassifier() (*engine.Engine, error) {
	e, err := f.open()
	if err != nil {
		return nil, err
	}
	if len(e.Heads()) == 0 {
		return nil, fmt.Errorf("%s: a base model has no classification head; mom embed --model %s gives its embeddings", f.model, f.model)
	}
	for _, h := range e.Heads() {
		if h.Task == models.MaskedLM {
			return nil, fmt.Errorf("%s: a masked language model fills in words and has no classification head; mom embed --model %s gives its embeddings, and fine-tuning it as a classifier makes it classify", f.model, f.model)
		}
	}
	return e, nil
}

// worker answers in JSON.
func (f *classifyFlags) worker(e *engine.Engine) worker {
	r, ans := &engine.Result{}, &answerer{logits: f.logits}
	return func(ctx context.Context, q *record, out []byte) ([]byte, error) {
		took, err := classify(ctx, e, q, r)
		if err != nil {
			return out, err
		}
		return appendJSON(out, ans.line(q.id, q.text, r, took))
	}
}

func classify(ctx context.Context, e *engine.Engine, q *record, r *engine.Result) (time.Duration, error) {
	start := time.Now()
	err := e.Classify(ctx, q.text, r)
	return time.Since(start), err
}
