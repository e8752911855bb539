package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/spf13/cobra"

	"mom/engine"
	"mom/weights"
)

const aboutEmbed = `Turn a text, or many, into vectors of length 1: the mean over the tokens of the
model's last layer, or the first token's row (--pooling cls). Without --pooling a
folder's own setting counts (1_Pooling/config.json of sentence-transformers).
Two texts are as close as the inner product of their vectors.

Without --json a line is the id, a tab, and the values.`

type embedFlags struct {
	modelFlags
	inputFlags
	json bool
}

func embedCommand(a *app) *cobra.Command {
	var f embedFlags
	c := &cobra.Command{
		Use:   "embed [TEXT]",
		Short: "Turn texts into vectors",
		Long:  aboutEmbed,
		Example: `  mom embed --json "A text"
  mom embed --model ./all-MiniLM-L6-v2 --in texts.jsonl --json > vectors.jsonl`,
		Args: arguments(0, 1, "one text, or --in FILE"),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), a, args) },
	}
	f.modelFlags.add(c, weights.Default) // stored vectors must not change with what lies beside the program
	f.inputFlags.add(c)
	c.Flags().StringVar(&f.Pooling, "pooling", "", "mean or cls (default the model's, else mean)")
	c.Flags().BoolVar(&f.json, "json", false, `a line {"id","embedding"} a text`)
	return c
}

func (f *embedFlags) run(ctx context.Context, a *app, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.Pooling != "" {
		if err := oneOf("pooling", f.Pooling, "mean", "cls"); err != nil {
			return err
		}
	}
	return f.each(ctx, a, args, f.json, f.Threads, func() (func() worker, error) {
		e, err := f.open()
		return func() worker { return f.worker(e) }, err
	})
}

func (f *embedFlags) worker(e *engine.Engine) worker {
	var v []float32
	return func(ctx context.Context, q *record, out []byte) ([]byte, error) {
		var err error
		if v, err = e.Embed(ctx, q.text, v[:0]); err != nil {
			return out, err
		}
		if f.json {
			return appendJSON(out, struct {
				ID        json.RawMessage `json:"id"`
				Embedding []float32       `json:"embedding"`
			}{q.id, v})
		}
		out = append(out, idText(q.id)...)
		for i, x := range v {
			out = append(out, "\t "[min(i, 1)])
			out = strconv.AppendFloat(out, float64(x), 'g', -1, 32)
		}
		return append(out, '\n'), nil
	}
}
