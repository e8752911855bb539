package eval

import (
	"fmt"
	"slices"
	"time"
)

// Baseline trains the linear model on train and measures it on rows: what words
// alone say. For PII it tags words by themselves and their neighbours.
func Baseline(train, rows []Row, task Task, o Options) (*Report, error) {
	if len(train) == 0 {
		return nil, fmt.Errorf("no rows to train the baseline on: want rows with \"split\": \"train\", or a file of them")
	}
	start := time.Now()
	report := &Report{Task: task, Model: "linear", Rows: len(rows)}
	text := func(r *Row) string {
		if o.WithOptions {
			return r.Question()
		}
		return r.Text
	}
	var texts []string
	var labels []int
	switch task {
	case Intent:
		var names []string
		for i := range train {
			if !slices.Contains(names, train[i].Label) {
				names = append(names, train[i].Label)
			}
		}
		slices.Sort(names)
		for i := range train {
			texts, labels = append(texts, text(&train[i])), append(labels, slices.Index(names, train[i].Label))
		}
		m := TrainLinear(texts, labels, names, nil)
		answers := make([]Classified, len(rows))
		for i := range rows {
			answers[i].Scores = m.Classify(text(&rows[i]))
		}
		c := MeasureClasses(rows, answers, names)
		report.Classes = &c
	case Guard:
		attacks := 0
		for i := range train {
			texts, labels = append(texts, text(&train[i])), append(labels, btoi(train[i].Attack))
			attacks += btoi(train[i].Attack)
		}
		if attacks == 0 || attacks == len(train) {
			return nil, fmt.Errorf("the baseline needs attacks and benign rows to train on; %d of %d are attacks", attacks, len(train))
		}
		half := float64(len(train)) / 2
		m := TrainLinear(texts, labels, []string{"benign", "jailbreak"}, []float64{half / (float64(len(train)) - float64(attacks)), half / float64(attacks)})
		scores := make([]float64, len(rows))
		for i := range rows {
			scores[i] = m.Classify(text(&rows[i]))[1]
		}
		a := MeasureAlarms(rows, scores, 0.5)
		report.Alarms = &a
	case PII:
		f := MeasureSpans(rows, tagWords(train, rows))
		report.Finds = &f
	}
	report.Seconds = time.Since(start).Seconds()
	return report, nil
}
