package eval

import (
	"context"
	"fmt"

	"mom/engine"
)

// read has the encoder read each question once.
func read(ctx context.Context, e *engine.Engine, questions []*Question, o Options, report *Report) error {
	at, err := head(e, Intent)
	if err != nil {
		at = -1
	}
	tokens, windows := make([]int, len(questions)), make([]int, len(questions))
	err = each(ctx, len(questions), o, func() func(ctx context.Context, i int) error {
		var r engine.Result
		return func(ctx context.Context, i int) error {
			q := questions[i]
			text := q.Text
			if o.WithOptions {
				text = q.Question()
			}
			var err error
			if q.Embedding, err = e.Embed(ctx, text, nil); err == nil && at >= 0 {
				err = e.Classify(ctx, text, &r)
			}
			if err != nil {
				return fmt.Errorf("row %s: %w", q.ID, err)
			}
			if at >= 0 {
				tokens[i], windows[i] = r.Tokens, r.Windows
				q.Intent = make([]float64, len(r.Heads[at].Scores))
				for k, s := range r.Heads[at].Scores {
					q.Intent[k] = float64(s)
				}
			}
			return nil
		}
	})
	for i := range questions {
		report.Tokens += tokens[i]
		report.Windows += windows[i]
	}
	return err
}
