// Package eval measures classifiers on labelled texts: accuracy, calibration,
// attacks found at few false alarms, spans found, each with its interval and
// beside a linear model of word n-grams that was trained for comparison.
package eval

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// A Task is what a model is measured at.
type Task string

const (
	Intent Task = "intent" // one label of several a text
	Guard  Task = "guard"  // 1 for an attack, 0 for none
	PII    Task = "pii"    // spans of personal data
	Route  Task = "route"  // which of several models answers it right, and what they cost
)

// A Row is one labelled text. Plain {"text","label"} is enough for intent and
// guard.
type Row struct {
	ID      string
	Text    string
	Options []string // answers to choose from, which belong to some questions
	Label   string   // of Intent
	Attack  bool     // of Guard
	Spans   []Span   // of PII, in the order of the text
	Ignore  []Span   // stretches that are neither right nor wrong
	Source  string
	Lang    string
	Group   string
	Split   string

	// Of Route, where Label is the category: how right each model's answer was, 0
	// to 1, and what it cost in dollars; the field that figures are given by; and
	// why nothing may be learned from the row, if so.
	Outcomes map[string]float64
	Costs    map[string]float64
	Field    string
	Hidden   string
}

// A Span is a stretch of a text in Unicode code points.
type Span struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Label string `json:"label"`
}

// maxLine bounds a row of a file.
const maxLine = 64 << 20

// Read reads JSON lines, plain or gzip. Errors name the line and the key.
func Read(r io.Reader, task Task) ([]Row, error) {
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	} else {
		r = b
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var rows []Row
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		row, err := parse(line, task)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if row.ID == "" {
			row.ID = fmt.Sprint(n)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", len(rows)+1, err)
	}
	return rows, nil
}

func parse(line []byte, task Task) (Row, error) {
	var in struct {
		ID      any
		Text    *string
		Options []string
		Label   any
		Spans   *[]Span
		Ignore  []Span
		Source  string
		Lang    string
		Group   string
		Split   string
		routeKeys
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return Row{}, err
	}
	if in.Text == nil {
		return Row{}, errors.New(`key "text" is missing`)
	}
	row := Row{Text: *in.Text, Options: in.Options, Ignore: in.Ignore, Source: in.Source, Lang: in.Lang, Group: in.Group, Split: in.Split}
	if in.ID != nil {
		row.ID = fmt.Sprint(in.ID)
	}
	var err error
	switch task {
	case Intent:
		label, ok := in.Label.(string)
		if !ok || label == "" {
			return Row{}, fmt.Errorf(`key "label" is %v, want the name of a category`, in.Label)
		}
		row.Label = label
	case Guard:
		row.Attack, err = attack(in.Label)
	case PII:
		if in.Spans == nil {
			return Row{}, errors.New(`key "spans" is missing; a text without personal data has []`)
		}
		row.Spans = *in.Spans
		err = checkSpans(&row)
	case Route:
		err = in.routeKeys.fill(&row)
	default:
		err = fmt.Errorf("task %q: want intent, guard, pii or route", task)
	}
	return row, err
}

func attack(label any) (bool, error) {
	switch l := label.(type) {
	case float64:
		if l == 0 || l == 1 {
			return l == 1, nil
		}
	case bool:
		return l, nil
	case string:
		switch l {
		case "jailbreak", "injection", "attack", "1":
			return true, nil
		case "benign", "safe", "0":
			return false, nil
		}
	}
	return false, fmt.Errorf(`key "label" is %v, want 1 or jailbreak for an attack, 0 or benign for none`, label)
}

func checkSpans(row *Row) error {
	n := utf8.RuneCountInString(row.Text)
	for _, s := range row.Spans {
		if s.Start < 0 || s.End <= s.Start || s.End > n {
			return fmt.Errorf(`key "spans": %d to %d is no stretch of a text of %d code points`, s.Start, s.End, n)
		}
		if s.Label == "" {
			return fmt.Errorf(`key "spans": %d to %d has no label`, s.Start, s.End)
		}
	}
	return nil
}

// Question is the text with its options, as an exam shows it.
func (r *Row) Question() string {
	if len(r.Options) == 0 {
		return r.Text
	}
	b := []byte(r.Text)
	for i, o := range r.Options {
		b = append(b, '\n', byte('A'+i%26), '.', ' ')
		b = append(b, o...)
	}
	return string(b)
}
