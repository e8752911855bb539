package eval

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// PoolFigures are those of the choosers on one pool.
type PoolFigures struct {
	Pool
	Rows     int              `json:"rows"` // that have an outcome of all its models
	Single   string           `json:"best_single"`
	Singles  []SingleFigures  `json:"singles"`
	Choosers []ChooserFigures `json:"choosers"`
}

// SingleFigures are those of one model that answers everything. Shares and costs
// are means over the fields.
type SingleFigures struct {
	Model    string  `json:"model"`
	Train    float64 `json:"train"` // right on the train rows
	Accuracy Rate    `json:"accuracy"`
	Cost     float64 `json:"cost"`
}

// ChooserFigures are those of a chooser.
type ChooserFigures struct {
	Chooser  string             `json:"chooser"`
	Settings string             `json:"settings,omitempty"`
	Tradeoff float64            `json:"tradeoff"`
	Picks    map[string]float64 `json:"picks"`  // shares of the rows by model
	All      RouteFigures       `json:"all"`    // means over the fields
	Fields   []RouteFigures     `json:"fields"` // of the rows of each
}

// RouteFigures are those of a chooser on some rows, and what it gains over
// choices that do not read the question. All were made on the train rows.
type RouteFigures struct {
	Field    string  `json:"field"`
	Rows     int     `json:"rows"`
	Accuracy Rate    `json:"accuracy"`
	Cost     float64 `json:"cost"`       // dollars a question
	Priced   Gain    `json:"priced"`     // over the best single model that costs no more than the chooser spends
	Best     Gain    `json:"best"`       // over the best single model, whatever it costs
	Mix      Gain    `json:"mix"`        // over two models that take turns so that the cost is the chooser's
	InField  Gain    `json:"field_best"` // over the single model that is best in the field and costs no more there
}

// A Gain is how many more right answers there are than with another choice, as
// a share of that one's.
type Gain struct {
	Over     string  `json:"over"`
	Accuracy float64 `json:"accuracy"` // of the other choice
	Value    float64 `json:"value"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// samePrice is how much more than the chooser spends a model may cost and still
// counts as one of the same price, so that a chooser gains nothing by saving a
// little.
const samePrice = 1.05

// fieldOrder is that of the usual fields; others follow.
var fieldOrder = []string{"sci", "math", "hum", "soc", "law", "gen"}

// fields are the indices of rows by field.
type fields struct {
	names []string
	rows  [][]int
}

func byField(questions []*Question) *fields {
	f := &fields{}
	for _, q := range questions {
		if !slices.Contains(f.names, q.Field) {
			f.names = append(f.names, q.Field)
		}
	}
	rank := func(name string) int {
		if i := slices.Index(fieldOrder, name); i >= 0 {
			return i
		}
		return len(fieldOrder)
	}
	slices.SortFunc(f.names, func(a, b string) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a, b)) })
	f.rows = make([][]int, len(f.names))
	for i, q := range questions {
		k := slices.Index(f.names, q.Field)
		f.rows[k] = append(f.rows[k], i)
	}
	return f
}

// mean is the mean over the fields of the mean of x over each field's rows;
// rows in which has is false do not count.
func (f *fields) mean(x []float64, has []bool) float64 {
	sum, n := 0.0, 0
	for _, rows := range f.rows {
		s, k := 0.0, 0
		for _, i := range rows {
			if has == nil || has[i] {
				s += x[i]
				k++
			}
		}
		if k > 0 {
			sum += s / float64(k)
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// outcomes are a model's outcomes and costs in the order of the questions.
func outcomes(questions []*Question, model string) (right, cost []float64, has []bool) {
	right, cost, has = make([]float64, len(questions)), make([]float64, len(questions)), make([]bool, len(questions))
	for i, q := range questions {
		right[i], has[i] = q.Outcomes[model]
		cost[i] = q.Costs[model]
	}
	return right, cost, has
}

// complete are the questions that have an outcome of each of the models.
func complete(questions []*Question, models []string) []*Question {
	return slices.DeleteFunc(slices.Clone(questions), func(q *Question) bool {
		return slices.ContainsFunc(models, func(m string) bool { _, ok := q.Outcomes[m]; return !ok })
	})
}

// A table is a pool's outcomes on the measured rows, and how its models did on
// the train rows.
type table struct {
	*Pool
	questions   []*Question
	fields      *fields
	place       []int                // of each question's field
	right, cost [][]float64          // of a model on a question
	train       []float64            // right on the train rows, as a mean over fields
	trainField  map[string][]float64 // and of each field
}

func newTable(pool Pool, p *routeParts) (*table, error) {
	t := &table{Pool: &pool, questions: complete(p.measured, pool.Models), trainField: map[string][]float64{}}
	if len(t.questions) == 0 {
		return nil, fmt.Errorf("no measured row has an outcome of all its models")
	}
	t.fields = byField(t.questions)
	for _, q := range t.questions {
		t.place = append(t.place, slices.Index(t.fields.names, q.Field))
	}
	trained := byField(p.train)
	t.Costs = nil
	for _, m := range pool.Models {
		right, cost, has := outcomes(p.train, m)
		t.train, t.Costs = append(t.train, trained.mean(right, has)), append(t.Costs, trained.mean(cost, has))
		for k, name := range trained.names {
			one := fields{rows: trained.rows[k : k+1]}
			t.trainField[name] = append(t.trainField[name], one.mean(right, has))
		}
		right, cost, _ = outcomes(t.questions, m)
		t.right, t.cost = append(t.right, right), append(t.cost, cost)
	}
	return t, nil
}

func measurePool(ctx context.Context, pool Pool, p *routeParts, near *nearest, linear *logits, o RouteOptions) (*PoolFigures, error) {
	t, err := newTable(pool, p)
	if err != nil {
		return nil, err
	}
	f := &PoolFigures{Pool: *t.Pool, Rows: len(t.questions)}
	best := t.best(t.train, nil, 0)
	f.Single = t.Models[best]
	for m, name := range t.Models {
		f.Singles = append(f.Singles, SingleFigures{name, t.train[m], t.rate(t.right[m]), t.fields.mean(t.cost[m], nil)})
	}
	intent := newByIntent(p.train, t.Pool)
	choosers := []NamedChooser{{"best single", always(best)}, {"category", newByCategory(p.train, t.Pool)}}
	if len(intent.tables) > 0 {
		choosers = append(choosers, NamedChooser{"category, predicted", intent})
	}
	choosers = append(choosers, NamedChooser{"neighbours", newNeighbours(near, intent, complete(p.dev, t.Models), t.Pool)}, NamedChooser{"linear", linear})
	if o.Judge != nil {
		choosers = append(choosers, NamedChooser{"judged", newJudged(p.train, complete(p.dev, t.Models), intent, t.Pool)})
	}
	choosers = append(choosers, o.Choosers...)
	choosers = append(choosers, NamedChooser{"oracle", oracle{}})
	for _, c := range choosers {
		choices := make([]Choice, len(t.questions))
		for i, q := range t.questions {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if choices[i], err = c.Choose(ctx, q, t.Pool); err != nil {
				return nil, fmt.Errorf("%s, row %s: %w", c.Name, q.ID, err)
			}
		}
		f.Choosers = append(f.Choosers, t.figures(c, choices, o)...)
	}
	return f, nil
}

// figures measures the choices of a chooser at each tradeoff.
func (t *table) figures(c NamedChooser, choices []Choice, o RouteOptions) (out []ChooserFigures) {
	tradeoffs := o.Tradeoffs
	if len(tradeoffs) == 0 {
		tradeoffs = []float64{0}
	}
	_, knows := c.Chooser.(oracle)
	for k, tradeoff := range tradeoffs {
		if k > 0 && (knows || choices[0].Scores == nil) {
			break // nothing would change
		}
		f := ChooserFigures{Chooser: c.Name, Tradeoff: tradeoff, Picks: map[string]float64{}}
		if s, ok := c.Chooser.(fmt.Stringer); ok {
			f.Settings = s.String()
		}
		picks := make([]int, len(choices))
		for i, choice := range choices {
			picks[i] = choice.Model
			if tradeoff > 0 && choice.Scores != nil && !knows {
				picks[i] = t.choose(choice.Scores, func(best float64) float64 { return o.Floor(best, tradeoff) })
			}
			f.Picks[t.Models[picks[i]]] += 1 / float64(len(choices))
		}
		f.All = t.compare("all", nil, picks)
		for k, name := range t.fields.names {
			f.Fields = append(f.Fields, t.compare(name, t.fields.rows[k], picks))
		}
		out = append(out, f)
	}
	return out
}

// compare measures picks on rows, which are those of one field, or nil for all.
func (t *table) compare(field string, rows []int, picks []int) RouteFigures {
	s := t
	if rows != nil {
		s = t.of(rows)
		picks = pick(picks, rows)
	}
	right, spent := make([]float64, len(picks)), make([]float64, len(picks))
	for i, m := range picks {
		right[i], spent[i] = s.right[m][i], s.cost[m][i]
	}
	costs := make([]float64, len(s.Models))
	for m := range costs {
		costs[m] = s.fields.mean(s.cost[m], nil)
	}
	f := RouteFigures{Field: field, Rows: len(picks), Accuracy: s.rate(right), Cost: s.fields.mean(spent, nil)}
	priced, best := s.best(s.train, costs, samePrice*f.Cost), s.best(s.train, nil, 0)
	f.Priced = s.gain(s.Models[priced], right, s.right[priced])
	f.Best = s.gain(s.Models[best], right, s.right[best])
	a, b, share := s.mix(costs, f.Cost)
	name, mixed := s.Models[a], make([]float64, len(right))
	if share < 1 {
		name = fmt.Sprintf("%.0f %% %s, %.0f %% %s", 100*share, s.Models[a], 100-100*share, s.Models[b])
	}
	for i := range mixed {
		mixed[i] = share*s.right[a][i] + (1-share)*s.right[b][i]
	}
	f.Mix = s.gain(name, right, mixed)
	f.InField = s.inField(right, spent)
	return f
}

// of is the table of some of the questions, those of one field.
func (t *table) of(rows []int) *table {
	s := *t
	s.questions, s.place, s.right, s.cost = nil, make([]int, len(rows)), nil, nil
	for _, i := range rows {
		s.questions = append(s.questions, t.questions[i])
	}
	for m := range t.Models {
		var right, cost []float64
		for _, i := range rows {
			right, cost = append(right, t.right[m][i]), append(cost, t.cost[m][i])
		}
		s.right, s.cost = append(s.right, right), append(s.cost, cost)
	}
	s.fields = byField(s.questions)
	return &s
}
