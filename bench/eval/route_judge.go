package eval

import (
	"context"
	"fmt"
)

// A Judge says how likely a text is of each category and of each degree of
// difficulty: a decoder. It may look at what the encoder reads in a question. Its
// two lists have the same lengths, of which neither is 0, for all texts.
type Judge func(ctx context.Context, text string, q *Question) (categories, difficulties []float64, err error)

// judge has o.Judge read all questions.
func judge(ctx context.Context, questions []*Question, o RouteOptions) error {
	if o.Judge == nil {
		return nil
	}
	err := each(ctx, len(questions), o.Options, func() func(ctx context.Context, i int) error {
		return func(ctx context.Context, i int) error {
			q := questions[i]
			text := q.Text
			if o.WithOptions {
				text = q.Question()
			}
			categories, difficulties, err := o.Judge(ctx, text, q)
			if err != nil {
				return fmt.Errorf("row %s: %w", q.ID, err)
			}
			if len(categories) == 0 || len(difficulties) == 0 {
				return fmt.Errorf("row %s: the judge tells %d categories and %d difficulties", q.ID, len(categories), len(difficulties))
			}
			q.Judged = make([]float64, 0, len(categories)*len(difficulties))
			for _, c := range categories {
				for _, d := range difficulties {
					q.Judged = append(q.Judged, c*d)
				}
			}
			return nil
		}
	})
	for _, q := range questions {
		if err == nil && len(q.Judged) != len(questions[0].Judged) {
			err = fmt.Errorf("row %s: the judge tells other categories or difficulties than of row %s", q.ID, questions[0].ID)
		}
	}
	return err
}

// A judged chooser expects of a model what it did on train questions that a judge
// found of the same category and difficulty, each counted by how likely it is of
// them. Where these are few, the table of categories has weight as so many rows.
type judged struct {
	table  *byIntent
	cells  []*means
	weight float64
}

var judgeWeights = []float64{5, 20, 80, 320}

func (c *judged) String() string { return fmt.Sprintf("table as %g rows", c.weight) }

// newJudged takes the weight with which most is right on dev.
func newJudged(train, dev []*Question, table *byIntent, p *Pool) *judged {
	all := &judged{table: table}
	for _, q := range train {
		for k, share := range q.Judged {
			if k == len(all.cells) {
				all.cells = append(all.cells, newMeans(len(p.Models)))
			}
			all.cells[k].add(q, p, share)
		}
	}
	best, most := &judged{table, all.cells, 80}, -1.0
	if len(dev) == 0 {
		return best
	}
	for _, w := range judgeWeights {
		c := &judged{table, all.cells, w}
		if r := rightOn(dev, c, p); r > most {
			best, most = c, r
		}
	}
	return best
}

func (c *judged) Choose(_ context.Context, q *Question, p *Pool) (Choice, error) {
	base := c.table.scores(q, p)
	scores := make([]float64, len(p.Models))
	for m := range scores {
		for k, share := range q.Judged {
			t := c.cells[k]
			scores[m] += share * (t.sum[m] + c.weight*base[m]) / (t.weight[m] + c.weight)
		}
	}
	return p.expect(scores), nil
}
