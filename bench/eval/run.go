package eval

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"mom/engine"
	"mom/models"
)

// A Report is what a model did on labelled rows. One of Classes, Alarms, Finds and
// Routes is set, by the task.
type Report struct {
	Task      Task     `json:"task"`
	Model     string   `json:"model"`
	Precision string   `json:"precision,omitempty"`
	Rows      int      `json:"rows"`
	Tokens    int      `json:"tokens,omitempty"`
	Windows   int      `json:"windows,omitempty"`
	Seconds   float64  `json:"seconds"`
	Classes   *Classes `json:"intent,omitempty"`
	Alarms    *Alarms  `json:"guard,omitempty"`
	Finds     *Finds   `json:"pii,omitempty"`
	Routes    *Routes  `json:"route,omitempty"`
}

// Options of a Run.
type Options struct {
	WithOptions bool           // read the options of questions too
	Workers     int            // texts at a time; 0 means 4
	Mutators    []Mutator      // of Guard: measure the attacks again, hidden
	Pad         []int          // of Guard: and behind so many tokens of benign rows
	Progress    func(done int) // called for each text, one call at a time; nil for none
}

// head returns the head that answers task.
func head(e *engine.Engine, task Task) (int, error) {
	function := string(task)
	if task == Guard {
		function = "jailbreak"
	}
	want := models.Sequence
	if task == PII {
		want = models.Token
	}
	fits := -1
	for i, h := range e.Heads() {
		if h.Function == function {
			return i, nil
		}
		if h.Function == "" && h.Task == want && fits < 0 {
			fits = i
		}
	}
	if fits < 0 {
		return 0, fmt.Errorf("model %s has no head for %s", e.Name, task)
	}
	if task == Guard && len(e.Heads()[fits].Labels) != 2 {
		return 0, fmt.Errorf("model %s: a guard has two labels, this head has %d", e.Name, len(e.Heads()[fits].Labels))
	}
	return fits, nil
}

// Run has the model answer every row and measures the answers.
func Run(ctx context.Context, e *engine.Engine, rows []Row, task Task, o Options) (*Report, error) {
	at, err := head(e, task)
	if err != nil {
		return nil, err
	}
	h := e.Heads()[at]
	start := time.Now()
	classified, scores, spans := make([]Classified, len(rows)), make([]float64, len(rows)), make([][]Span, len(rows))
	var tokens, windows atomic.Int64
	err = each(ctx, len(rows), o, func() func(ctx context.Context, i int) error {
		var r engine.Result
		return func(ctx context.Context, i int) error {
			text := rows[i].Text
			if o.WithOptions {
				text = rows[i].Question()
			}
			if err := e.Classify(ctx, text, &r); err != nil {
				return fmt.Errorf("row %s: %w", rows[i].ID, err)
			}
			tokens.Add(int64(r.Tokens))
			windows.Add(int64(r.Windows))
			answer := &r.Heads[at]
			switch task {
			case Intent:
				p := make([]float64, len(answer.Scores))
				for k, s := range answer.Scores {
					p[k] = float64(s)
				}
				classified[i].Scores = p
			case Guard:
				scores[i] = float64(answer.Scores[1])
			case PII:
				spans[i] = points(text, answer.Spans)
			}
			return nil
		}
	})
	if err != nil {
		return nil, err
	}
	report := &Report{Task: task, Model: e.Name, Precision: e.Precision().String(), Rows: len(rows),
		Tokens: int(tokens.Load()), Windows: int(windows.Load()), Seconds: time.Since(start).Seconds()}
	switch task {
	case Intent:
		c := MeasureClasses(rows, classified, h.Labels)
		report.Classes = &c
	case Guard:
		threshold := float64(h.Threshold)
		if threshold == 0 {
			threshold = 0.5
		}
		a := MeasureAlarms(rows, scores, threshold)
		if len(o.Mutators)+len(o.Pad) > 0 {
			if err := hide(ctx, e, rows, at, &a, o); err != nil {
				return nil, err
			}
		}
		report.Alarms = &a
	case PII:
		f := MeasureSpans(rows, spans)
		report.Finds = &f
	}
	return report, nil
}

// each calls the functions that worker makes for 0 to n-1, several at a time.
// The first error ends it.
func each(ctx context.Context, n int, o Options, worker func() func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := o.Workers
	if workers == 0 {
		workers = 4
	}
	var next atomic.Int64
	var counting sync.Mutex
	done := 0
	var group sync.WaitGroup
	for range min(workers, n) {
		do := worker()
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(ctx, i); err != nil {
					cancel(err)
					return
				}
				if o.Progress != nil {
					counting.Lock()
					done++
					o.Progress(done)
					counting.Unlock()
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// points turns spans of bytes into spans of code points.
func points(text string, spans []engine.Span) []Span {
	out := make([]Span, len(spans))
	at, n := 0, 0
	for i, s := range spans {
		if s.Start < at {
			at, n = 0, 0
		}
		n += utf8.RuneCountInString(text[at:s.Start])
		at = s.Start
		out[i] = Span{n, n + utf8.RuneCountInString(text[s.Start:s.End]), s.Label}
	}
	return out
}
