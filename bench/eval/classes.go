package eval

import (
	"math"
	"slices"
)

// A Classified is the answer to a row of Intent.
type Classified struct {
	Scores []float64 // probabilities in the order of the labels
}

// Best is the index of the highest score.
func (c Classified) Best() int { return best(c.Scores) }

// Classes are the figures of a classifier of several labels.
type Classes struct {
	Labels    []string          `json:"labels"`
	Accuracy  Rate              `json:"accuracy"`
	MacroF1   Rate              `json:"macro_f1"` // over labels that occur
	ECE       float64           `json:"ece"`
	Bins      []Bin             `json:"reliability"`
	PerLabel  []LabelFigures    `json:"per_label"`
	Confusion [][]int           `json:"confusion"` // [true][said]
	Sources   map[string]Rate   `json:"sources,omitempty"`
	Languages map[string]Rate   `json:"languages,omitempty"`
	Abstain   []AbstainingPoint `json:"abstaining"`
}

// LabelFigures are those of one label.
type LabelFigures struct {
	Label     string  `json:"label"`
	Rows      int     `json:"rows"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

// A Bin is a range of confidence with what came of it.
type Bin struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Rows       int     `json:"rows"`
	Confidence float64 `json:"confidence"` // on average
	Accuracy   float64 `json:"accuracy"`
}

// An AbstainingPoint is what a classifier gains that answers only above a
// confidence.
type AbstainingPoint struct {
	Confidence float64 `json:"confidence"`
	Answered   float64 `json:"answered"` // share of the rows
	Accuracy   float64 `json:"accuracy"` // of those
}

const bins = 15

// MeasureClasses compares answers with the rows' labels. A label that is not
// among labels counts as wrong.
func MeasureClasses(rows []Row, answers []Classified, labels []string) Classes {
	n := len(labels)
	c := Classes{Labels: labels, Confusion: make([][]int, n), Sources: map[string]Rate{}, Languages: map[string]Rate{}}
	for i := range c.Confusion {
		c.Confusion[i] = make([]int, n)
	}
	gold, said := make([]int, len(rows)), make([]int, len(rows))
	top := make([]float64, len(rows))
	hits := 0
	for i := range rows {
		gold[i], said[i] = slices.Index(labels, rows[i].Label), answers[i].Best()
		top[i] = answers[i].Scores[said[i]]
		if gold[i] >= 0 {
			c.Confusion[gold[i]][said[i]]++
		}
		if gold[i] == said[i] {
			hits++
		}
	}
	group := func(i int) string { return rows[i].Group }
	share := func(cases []int) float64 {
		k := 0
		for _, i := range cases {
			if gold[i] == said[i] {
				k++
			}
		}
		return float64(k) / float64(max(len(cases), 1))
	}
	c.Accuracy = bootstrap(float64(hits)/float64(max(len(rows), 1)), len(rows), group, share)
	c.PerLabel, c.MacroF1 = perLabel(gold, said, labels)
	c.MacroF1 = bootstrap(c.MacroF1.Value, len(rows), group, func(cases []int) float64 {
		g, s := pick(gold, cases), pick(said, cases)
		_, f := perLabel(g, s, labels)
		return f.Value
	})
	c.ECE, c.Bins = calibration(top, func(i int) bool { return gold[i] == said[i] })
	c.Abstain = abstaining(top, func(i int) bool { return gold[i] == said[i] })
	by(c.Sources, rows, func(r *Row) string { return r.Source }, func(i int) bool { return gold[i] == said[i] })
	by(c.Languages, rows, func(r *Row) string { return r.Lang }, func(i int) bool { return gold[i] == said[i] })
	return c
}

func pick(x []int, cases []int) []int {
	out := make([]int, len(cases))
	for k, i := range cases {
		out[k] = x[i]
	}
	return out
}

// by counts the rows that hit by a key; rows without one are left out.
func by(out map[string]Rate, rows []Row, key func(*Row) string, hit func(i int) bool) {
	hits, all := map[string]int{}, map[string]int{}
	for i := range rows {
		if k := key(&rows[i]); k != "" {
			all[k]++
			if hit(i) {
				hits[k]++
			}
		}
	}
	for k, n := range all {
		out[k] = NewRate(hits[k], n)
	}
}

// perLabel returns the figures of each label and the mean F1 of those that
// occur.
func perLabel(gold, said []int, labels []string) ([]LabelFigures, Rate) {
	right, rows, answers := make([]int, len(labels)), make([]int, len(labels)), make([]int, len(labels))
	for i := range gold {
		answers[said[i]]++
		if gold[i] < 0 {
			continue
		}
		rows[gold[i]]++
		if gold[i] == said[i] {
			right[gold[i]]++
		}
	}
	var out []LabelFigures
	var sum float64
	occur := 0
	for i, label := range labels {
		f := LabelFigures{Label: label, Rows: rows[i], Precision: ratio(right[i], answers[i]), Recall: ratio(right[i], rows[i])}
		f.F1 = f1(f.Precision, f.Recall)
		out = append(out, f)
		if rows[i] > 0 {
			occur++
			sum += f.F1
		}
	}
	return out, Rate{Value: sum / float64(max(occur, 1)), N: len(gold)}
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func f1(p, r float64) float64 {
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

// calibration is the expected calibration error over 15 equal ranges of
// confidence (Guo et al. 2017, arXiv:1706.04599), and the ranges that occur.
func calibration(confidence []float64, right func(i int) bool) (ece float64, out []Bin) {
	var count, hits [bins]int
	var sum [bins]float64
	for i, c := range confidence {
		b := min(int(c*bins), bins-1)
		count[b]++
		sum[b] += c
		if right(i) {
			hits[b]++
		}
	}
	for b, n := range count {
		if n == 0 {
			continue
		}
		bin := Bin{Low: float64(b) / bins, High: float64(b+1) / bins, Rows: n, Confidence: sum[b] / float64(n), Accuracy: ratio(hits[b], n)}
		ece += math.Abs(bin.Confidence-bin.Accuracy) * float64(n) / float64(len(confidence))
		out = append(out, bin)
	}
	return ece, out
}

func abstaining(confidence []float64, right func(i int) bool) (out []AbstainingPoint) {
	for _, least := range []float64{0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95} {
		n, hits := 0, 0
		for i, c := range confidence {
			if c >= least {
				n++
				if right(i) {
					hits++
				}
			}
		}
		out = append(out, AbstainingPoint{least, ratio(n, len(confidence)), ratio(hits, n)})
	}
	return out
}
