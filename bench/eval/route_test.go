package eval

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// asked is a question with what models a, b and so on do; they cost 1, 2 and so on.
func asked(n int, category, field, split string, right ...float64) Row {
	r := Row{ID: fmt.Sprint(n), Text: category, Label: category, Field: field, Split: split, Group: fmt.Sprint("g", n),
		Outcomes: map[string]float64{}, Costs: map[string]float64{}}
	for m, o := range right {
		name := string(rune('a' + m))
		r.Outcomes[name], r.Costs[name] = o, float64(m+1)
	}
	return r
}

// exam has two fields in which a and b are good by turns: a costs 1 and is right
// in sums and wrong in law, b costs 2 and is the other way round, and c costs 3
// and is right in two of three sums and one of three cases. Embeddings point at
// the category.
func exam() (rows []Row) {
	n := 0
	for _, split := range []string{"train", "dev", "test"} {
		for i := range 6 {
			rows = append(rows,
				asked(n, "sums", "math", split, 1, 0, float64(min(i%3, 1))),
				asked(n+1, "cases", "law", split, 0, 1, float64(max(i%3, 1)-1)))
			n += 2
		}
	}
	return rows
}

// readExam gives each question what a good encoder reads in it.
func readExam(p *routeParts) {
	for i, q := range p.all {
		turn := 0.1 * float64(i%5)
		if q.Label == "sums" {
			q.Intent, q.Embedding = []float64{0.9, 0.1}, []float32{float32(math.Cos(turn)), float32(math.Sin(turn))}
		} else {
			q.Intent, q.Embedding = []float64{0.1, 0.9}, []float32{-float32(math.Cos(turn)), float32(math.Sin(turn))}
		}
	}
}

func floor(best, t float64) float64 { return best * (1 - t*t/100) }

// TestRoutes has figures worked out by hand: single models are right in half of
// the questions, whoever tells the fields apart in all.
func TestRoutes(t *testing.T) {
	p, err := splitRoutes(exam(), "test")
	if err != nil {
		t.Fatal(err)
	}
	readExam(p)
	silent := NamedChooser{"silent", always(2)}
	r, err := measureRoutes(context.Background(), p, RouteOptions{Pools: []Pool{{Name: "three", Models: []string{"a", "b", "c"}}},
		Tradeoffs: []float64{0, 9}, Floor: floor, Choosers: []NamedChooser{silent}})
	if err != nil {
		t.Fatal(err)
	}
	f := r.Pools[0]
	if r.Train != 12 || r.Dev != 12 || f.Rows != 12 || f.Single != "a" {
		t.Errorf("%d train, %d dev, %d rows, best single %s", r.Train, r.Dev, f.Rows, f.Single)
	}
	near(t, "cost of b", f.Costs[1], 2, 0)
	near(t, "c alone", f.Singles[2].Accuracy.Value, 0.5, 1e-12)
	got := map[string]ChooserFigures{}
	for _, c := range f.Choosers {
		got[fmt.Sprint(c.Chooser, " ", c.Tradeoff)] = c
	}
	for _, name := range []string{"category 0", "category, predicted 0", "neighbours 0", "linear 0", "oracle 0"} {
		c, ok := got[name]
		if !ok {
			t.Fatalf("%s was not measured: %v", name, keys(got))
		}
		near(t, name, c.All.Accuracy.Value, 1, 0)
		near(t, name+" cost", c.All.Cost, 1.5, 1e-12)                              // a in sums, b in cases
		near(t, name+" over the best at this price", c.All.Priced.Value, 1, 1e-12) // a
		near(t, name+" over each field's best", c.All.InField.Value, 0, 0)
		near(t, name+" picks a", c.Picks["a"], 0.5, 1e-12)
		// In law the best of all models is still a, which is never right there.
		if g := c.Fields[1].Best; c.Fields[1].Field != "law" || g.Over != "a" || g.Accuracy != 0 || g.Value != 0 {
			t.Errorf("%s in law: %+v", name, c.Fields[1])
		}
	}
	// At 9 a score of 0.19 of the best will do: only the predicted categories
	// and rows nearby that are mixed find a good enough in cases.
	near(t, "category at 9, cost", got["category 9"].All.Cost, 1.5, 1e-12)
	if _, ok := got["oracle 9"]; ok {
		t.Error("the oracle was measured twice")
	}
	s := got["silent 0"]
	near(t, "silent", s.All.Accuracy.Value, 0.5, 1e-12)
	near(t, "silent, cost", s.All.Cost, 3, 0)
	if _, ok := got["silent 9"]; ok {
		t.Error("a chooser without scores was measured at another tradeoff")
	}
	report := &Report{Task: Route, Rows: 12, Routes: r, Model: "m", Precision: "f32"}
	var text, page bytes.Buffer
	if err := WriteTable(&text, []*Report{report}); err != nil {
		t.Error(err)
	}
	if err := WriteHTML(&page, "<data>", []*Report{report}); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"category, predicted", "+100.0 [", "math (6)", "three: a, b, c"} {
		if !strings.Contains(text.String(), want) || !strings.Contains(page.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
}

// priceTable has a cheap model that is right in 40 of 100 rows and a dear one, of
// ten times the price, that is right in 80.
func priceTable(t *testing.T) *table {
	var rows []Row
	for i := range 200 {
		split := []string{"train", "test"}[i%2]
		r := asked(i, "x", "gen", split, float64(btoi(i/2 < 40)), float64(btoi(i/2 < 80)))
		r.Costs["b"] = 10
		rows = append(rows, r)
	}
	p, err := splitRoutes(rows, "test")
	if err != nil {
		t.Fatal(err)
	}
	tab, err := newTable(Pool{Models: []string{"a", "b"}}, p)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// TestPrice: who spends between two models is compared with the cheaper one, and
// with turns that cost as much.
func TestPrice(t *testing.T) {
	tab := priceTable(t)
	picks := make([]int, 100)
	for i := range picks {
		picks[i] = btoi(i >= 40 && i < 80) // the dear one where it alone is right
	}
	f := tab.compare("all", nil, picks)
	near(t, "right", f.Accuracy.Value, 0.8, 1e-12)
	near(t, "cost", f.Cost, 4.6, 1e-12)
	if f.Priced.Over != "a" || f.Best.Over != "b" || f.Mix.Over != "60 % a, 40 % b" {
		t.Errorf("compared with %q, %q and %q", f.Priced.Over, f.Best.Over, f.Mix.Over)
	}
	near(t, "over a", f.Priced.Value, 1, 1e-12)
	near(t, "over b", f.Best.Value, 0, 1e-12)
	near(t, "over turns", f.Mix.Value, 0.8/0.56-1, 1e-12)
	// Turns by lot gain nothing over turns.
	for i := range picks {
		picks[i] = btoi(i%5 < 2)
	}
	near(t, "turns over turns", tab.compare("all", nil, picks).Mix.Value, 0, 1e-12)
	// A little less than b costs is still the price of b.
	for i := range picks {
		picks[i] = btoi(i < 97)
	}
	f = tab.compare("all", nil, picks)
	if f.Priced.Over != "b" || f.Priced.Value >= 0 == (f.Accuracy.Value < 0.8) {
		t.Errorf("%+v", f.Priced)
	}
}

// TestChoose takes the cheapest that is good enough.
func TestChoose(t *testing.T) {
	p := &Pool{Models: []string{"a", "b", "c"}, Costs: []float64{3, 1, 2}}
	for _, c := range []struct {
		scores []float64
		t      float64
		want   int
	}{{[]float64{0.9, 0.5, 0.8}, 0, 0}, {[]float64{0.9, 0.5, 0.8}, 4, 2}, {[]float64{0.9, 0.5, 0.8}, 10, 1}, {[]float64{0.7, 0.2, 0.7}, 0, 2}} {
		if got := p.choose(c.scores, func(best float64) float64 { return floor(best, c.t) }); got != c.want {
			t.Errorf("%v at %v: %d, want %d", c.scores, c.t, got, c.want)
		}
	}
}

// TestFactor solves a system and puts the solution in again.
func TestFactor(t *testing.T) {
	a, b := []float64{4, 0, 0, 2, 5, 0, 1, 3, 6}, []float64{1, 2, 3}
	full := [][]float64{{4, 2, 1}, {2, 5, 3}, {1, 3, 6}}
	factor(a, 3)
	solve(a, b, 3)
	for i, row := range full {
		sum := 0.0
		for j, x := range row {
			sum += x * b[j]
		}
		near(t, "row", sum, float64(i+1), 1e-12)
	}
}

// TestLogits finds the log odds of two kinds of rows: 3 of 4 and 1 of 4.
func TestLogits(t *testing.T) {
	var train []*Question
	for i := range 4000 {
		x := float32(1 - 2*(i%2))
		right := float64(btoi(i/2%4 == 0))
		if x > 0 {
			right = 1 - right
		}
		train = append(train, &Question{Row: &Row{Outcomes: map[string]float64{"a": right}}, Embedding: []float32{x, float32(i % 3)}})
	}
	l := newLogits(train, train[:400])
	w := l.weights("a")
	near(t, "weight", float64(w[0]), math.Log(3), 0.15) // a little less by the penalty
	near(t, "nothing", float64(w[1]), 0, 0.05)
	near(t, "bias", float64(w[2]), 0, 0.05)
}

// TestNearest orders by closeness and leaves the question itself out.
func TestNearest(t *testing.T) {
	q := []*Question{{Embedding: []float32{1, 0}}, {Embedding: []float32{0, 1}}, {Embedding: []float32{0.6, 0.8}}, {Embedding: []float32{0.8, 0.6}}}
	if got := newNearest(q).of(q[0]); !slices.Equal(got, []int32{3, 2, 1}) {
		t.Errorf("%v", got)
	}
}

// TestAutoPools: a and b complement each other; d is dear and better than both;
// e is dearer and worse than d; f answered too little.
func TestAutoPools(t *testing.T) {
	var train []*Question
	for i := range 120 {
		category := []string{"sums", "cases", "tales"}[i%3]
		r := Row{Label: category, Field: category, Outcomes: map[string]float64{}, Costs: map[string]float64{}}
		put := func(m string, cost float64, right ...float64) {
			r.Outcomes[m], r.Costs[m] = right[i%3], cost
		}
		put("a", 1, 1, 0, 0)
		put("b", 1.1, 0, 1, 0)
		put("c", 1.2, 0, 0, 0.5)
		put("a2", 1.3, 0.9, 0, 0)
		put("d", 10, 1, 0.9, 0.9)
		put("e", 30, 0.5, 0.5, 0.5)
		put("e2", 40, 0.5, 0.6, 0.5)
		put("e3", 41, 1, 1, 0.95)
		if i < 20 {
			put("f", 1, 1, 1, 1)
		}
		train = append(train, &Question{Row: &r})
	}
	got := map[string][]string{}
	for _, p := range AutoPools(train) {
		got[p.Name] = p.Models
	}
	for name, want := range map[string]string{"small-3a": "a b c", "ladder-a": "a d e3"} {
		if s := strings.Join(got[name], " "); s != want {
			t.Errorf("%s: %q, want %q; all: %v", name, s, want, got)
		}
	}
	for name, models := range got {
		if slices.Contains(models, "f") {
			t.Errorf("%s has a model that answered too little", name)
		}
	}
}

func TestReadRoutes(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"text":"x"}`, `key "outcomes" is missing`},
		{`{"text":"x","outcomes":{"a":2},"cost":{"a":1}}`, `key "outcomes": a has 2, want 0 to 1`},
		{`{"text":"x","outcomes":{"a":1}}`, `key "cost": a has 0, want dollars`},
		{`{"text":"x","outcomes":{"a":1},"cost":{"a":1},"hidden":"kept","split":"train"}`, `key "hidden": nothing may be learned`},
	} {
		_, err := Read(strings.NewReader(c.line), Route)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.line, err, c.want)
		}
	}
	row := `{"text":"x","category":"law","outcomes":{"a":1,"b":0.5},"cost":{"a":1,"b":2},"group":"g","split":"`
	rows, err := Read(strings.NewReader(row+"train\"}\n"+row+"test\"}"), Route)
	if err != nil || rows[0].Field != "law" || rows[1].Outcomes["b"] != 0.5 {
		t.Errorf("%+v, %v", rows, err)
	}
	if _, err := splitRoutes(rows, "test"); err == nil || !strings.Contains(err.Error(), "group g is in the splits train and test") {
		t.Errorf("a group in two splits: %v", err)
	}
	if _, err := splitRoutes(rows[1:], "test"); err == nil || !strings.Contains(err.Error(), `no rows with "split": "train"`) {
		t.Errorf("nothing to learn from: %v", err)
	}
}

// TestJudged: what a judge sees in the texts is what a chooser can go by, where the
// categories say nothing.
func TestJudged(t *testing.T) {
	var rows []Row
	for n, split := range []string{"train", "train", "dev", "test"} {
		for i := range 20 {
			r := asked(100*n+i, "law", "law", split, 0, 1) // the dear one knows what is hard,
			r.Text = "hard"
			if i%2 == 0 {
				r = asked(100*n+i, "law", "law", split, 1, 0) // the cheap one what is easy
				r.Text = "easy"
			}
			rows = append(rows, r)
		}
	}
	p, err := splitRoutes(rows, "test")
	if err != nil {
		t.Fatal(err)
	}
	o := RouteOptions{Pools: []Pool{{Models: []string{"a", "b"}}}, Floor: floor, Judge: func(_ context.Context, text string, _ *Question) (categories, difficulties []float64, err error) {
		if text == "easy" {
			return []float64{0.7, 0.3}, []float64{0.9, 0.1}, nil
		}
		return []float64{0.7, 0.3}, []float64{0.2, 0.8}, nil
	}}
	for _, q := range p.all {
		q.Intent, q.Embedding = []float64{1}, []float32{1}
	}
	if err := judge(context.Background(), p.all, o); err != nil {
		t.Fatal(err)
	}
	routes, err := measureRoutes(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, c := range routes.Pools[0].Choosers {
		if c.Tradeoff == 0 {
			found[c.Chooser] = c.All.Accuracy.Value
		}
	}
	if found["judged"] != 1 || found["category"] != 0.5 {
		t.Errorf("accuracies %v, want judged 1 and category 0.5", found)
	}
	o.Judge = func(context.Context, string, *Question) ([]float64, []float64, error) { return []float64{1}, nil, nil }
	if err := judge(context.Background(), p.all, o); err == nil || !strings.Contains(err.Error(), "0 difficulties") {
		t.Errorf("err %v", err)
	}
	o.Judge = func(_ context.Context, text string, _ *Question) ([]float64, []float64, error) {
		return []float64{1}, make([]float64, len(text)%3+1), nil
	}
	p.all[3].Text = "middling"
	if err := judge(context.Background(), p.all, o); err == nil || !strings.Contains(err.Error(), "other categories or difficulties") {
		t.Errorf("err %v", err)
	}
	o.Judge = func(context.Context, string, *Question) ([]float64, []float64, error) {
		return nil, nil, fmt.Errorf("it is ill")
	}
	if err := judge(context.Background(), p.all, o); err == nil || !strings.Contains(err.Error(), ": it is ill") {
		t.Errorf("err %v", err)
	}
}
