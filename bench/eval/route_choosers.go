package eval

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/viterin/vek/vek32"
)

// choose takes the cheapest model whose score is at least floor of the best
// score. Equal prices go to the better score, then to the first.
func (p *Pool) choose(scores []float64, floor func(best float64) float64) int {
	least, chosen := floor(slices.Max(scores)), -1
	for m, s := range scores {
		if s >= least && (chosen < 0 || cmp.Or(cmp.Compare(p.Costs[m], p.Costs[chosen]), cmp.Compare(scores[chosen], s)) < 0) {
			chosen = m
		}
	}
	return chosen
}

// same is the floor of those who want the best.
func same(best float64) float64 { return best }

// expect is the choice of what is expected to be best.
func (p *Pool) expect(scores []float64) Choice { return Choice{p.choose(scores, same), scores} }

// An always chooser takes one model.
type always int

func (a always) Choose(context.Context, *Question, *Pool) (Choice, error) {
	return Choice{Model: int(a)}, nil
}

// An oracle knows the outcomes: it takes the cheapest of the models that answer
// best.
type oracle struct{}

func (oracle) Choose(_ context.Context, q *Question, p *Pool) (Choice, error) {
	scores := make([]float64, len(p.Models))
	for m, name := range p.Models {
		scores[m] = q.Outcomes[name]
	}
	return p.expect(scores), nil
}

// A means is the share of right answers of each model of a pool on rows.
type means struct{ sum, weight []float64 }

func newMeans(models int) *means { return &means{make([]float64, models), make([]float64, models)} }

func (t *means) add(q *Question, p *Pool, weight float64) {
	for m, name := range p.Models {
		if o, ok := q.Outcomes[name]; ok {
			t.sum[m] += weight * o
			t.weight[m] += weight
		}
	}
}

// of is the share of model m, or other where no row says it.
func (t *means) of(m int, other float64) float64 {
	if t == nil || t.weight[m] == 0 {
		return other
	}
	return t.sum[m] / t.weight[m]
}

// A byCategory chooser takes the model that was best on the train rows of the
// question's category, as the row gives it.
type byCategory struct {
	all    *means
	tables map[string]*means
}

func newByCategory(train []*Question, p *Pool) *byCategory {
	c := &byCategory{newMeans(len(p.Models)), map[string]*means{}}
	for _, q := range train {
		c.all.add(q, p, 1)
		t := c.tables[q.Label]
		if t == nil {
			t = newMeans(len(p.Models))
			c.tables[q.Label] = t
		}
		t.add(q, p, 1)
	}
	return c
}

func (c *byCategory) Choose(_ context.Context, q *Question, p *Pool) (Choice, error) {
	scores := make([]float64, len(p.Models))
	for m := range scores {
		scores[m] = c.tables[q.Label].of(m, c.all.of(m, 0))
	}
	return p.expect(scores), nil
}

// A byIntent chooser expects of a model what it did in each category, weighted
// by how likely the encoder finds the category. In the table, too, a row counts
// for the categories that the encoder sees in it, so that they need not be the
// rows' own.
type byIntent struct {
	all    *means
	tables []*means
}

func newByIntent(train []*Question, p *Pool) *byIntent {
	c := &byIntent{all: newMeans(len(p.Models))}
	for _, q := range train {
		c.all.add(q, p, 1)
		for k, share := range q.Intent {
			if k == len(c.tables) {
				c.tables = append(c.tables, newMeans(len(p.Models)))
			}
			c.tables[k].add(q, p, share)
		}
	}
	return c
}

func (c *byIntent) scores(q *Question, p *Pool) []float64 {
	scores := make([]float64, len(p.Models))
	for m := range scores {
		overall := c.all.of(m, 0)
		if len(q.Intent) == 0 {
			scores[m] = overall
		}
		for k, share := range q.Intent {
			scores[m] += share * c.tables[k].of(m, overall)
		}
	}
	return scores
}

func (c *byIntent) Choose(_ context.Context, q *Question, p *Pool) (Choice, error) {
	return p.expect(c.scores(q, p)), nil
}

// nearest finds the train rows whose embeddings are closest to a question's. It
// remembers them, since every pool asks again.
type nearest struct {
	train []*Question
	found map[*Question][]int32
}

// The settings that dev chooses among.
var (
	neighbourCounts  = []int{5, 10, 20, 40, 80, 160, 320}
	neighbourWeights = []float64{0, 10, 40, 160, 640}
)

func newNearest(train []*Question) *nearest { return &nearest{train, map[*Question][]int32{}} }

func (n *nearest) of(q *Question) []int32 {
	if f, ok := n.found[q]; ok {
		return f
	}
	type neighbour struct {
		at   int32
		near float32
	}
	all := make([]neighbour, 0, len(n.train))
	for i, t := range n.train {
		if t != q {
			all = append(all, neighbour{int32(i), vek32.Dot(q.Embedding, t.Embedding)})
		}
	}
	slices.SortFunc(all, func(a, b neighbour) int { return cmp.Or(cmp.Compare(b.near, a.near), cmp.Compare(a.at, b.at)) })
	found := make([]int32, min(slices.Max(neighbourCounts), len(all)))
	for i := range found {
		found[i] = all[i].at
	}
	n.found[q] = found
	return found
}

// A neighbours chooser expects of a model what it did on the k train rows closest
// to the question, and on weight more rows that are as the categories say.
type neighbours struct {
	near   *nearest
	table  *byIntent
	k      int
	weight float64
}

func (c *neighbours) String() string { return fmt.Sprintf("k %d, table as %g rows", c.k, c.weight) }

func (c *neighbours) Choose(_ context.Context, q *Question, p *Pool) (Choice, error) {
	scores := c.table.scores(q, p)
	t := newMeans(len(p.Models))
	found := c.near.of(q)
	for _, i := range found[:min(c.k, len(found))] {
		t.add(c.near.train[i], p, 1)
	}
	for m := range scores {
		if n := t.weight[m] + c.weight; n > 0 {
			scores[m] = (t.sum[m] + c.weight*scores[m]) / n
		}
	}
	return p.expect(scores), nil
}

// rightOn is how much a chooser of this package gets right, as a mean over the fields.
func rightOn(questions []*Question, c Chooser, p *Pool) float64 {
	right := make([]float64, len(questions))
	for i, q := range questions {
		choice, _ := c.Choose(context.Background(), q, p)
		right[i] = q.Outcomes[p.Models[choice.Model]]
	}
	return byField(questions).mean(right, nil)
}

// newNeighbours takes the settings with which most is right on dev, of equal
// ones those with more rows.
func newNeighbours(near *nearest, table *byIntent, dev []*Question, p *Pool) *neighbours {
	best, most := &neighbours{near, table, 40, 40}, -1.0
	if len(dev) == 0 {
		return best
	}
	for _, k := range slices.Backward(neighbourCounts) {
		for _, w := range slices.Backward(neighbourWeights) {
			c := &neighbours{near, table, k, w}
			if r := rightOn(dev, c, p); r > most {
				best, most = c, r
			}
		}
	}
	return best
}
