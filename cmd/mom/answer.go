package main

import (
	"bytes"
	"encoding/json"
	"time"

	"mom/engine"
	"mom/models"
	"mom/tokenizer"
)

// The answers of mom classify --json. A model of one head answers
//
//	{"id","label","scores":{label: p},"windows","ms"}
//	{"id","tokens":[{"start","end","label","score"}],"spans":[…],"windows","ms"}
//
// and one of several heads an object a head, named by its function:
//
//	{"id","intent":{"label","confidence","scores"},"jailbreak":{"label","score","view","window"},"pii":[…],"windows","ms"}
//
// "view" names the reading of the text that the guard's score is of, "text" for
// the text itself, and "window" counts within it. A guard alone has them too.
//
// Positions are Unicode code points of the text.

// object is a JSON object whose keys keep their order.
type object []field

type field struct {
	key   string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSON(b, f.key); err != nil {
			return nil, err
		}
		b = append(bytes.TrimSuffix(b, []byte("\n")), ':')
		if b, err = appendJSON(b, f.value); err != nil {
			return nil, err
		}
		b = bytes.TrimSuffix(b, []byte("\n"))
	}
	return append(b, '}'), nil
}

// position is where a span or token lies, in code points.
type position struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

type spanJSON struct {
	position
	Label string  `json:"label"`
	Score float32 `json:"score"`
	By    string  `json:"by"`
}

type tokenJSON struct {
	position
	Label  string    `json:"label"`
	Score  float32   `json:"score"`
	Logits []float32 `json:"logits,omitempty"`
}

// answerer makes JSON of results. It belongs to one goroutine.
type answerer struct {
	logits bool
	bytes  []tokenizer.Span
	points []tokenizer.Span
}

// line is the answer to one text.
func (a *answerer) line(id json.RawMessage, text string, r *engine.Result, took time.Duration) object {
	o := object{{"id", id}}
	if len(r.Heads) == 1 {
		o = append(o, a.alone(text, r, &r.Heads[0])...)
	} else {
		for i := range r.Heads {
			o = append(o, a.among(text, r, &r.Heads[i])...)
		}
	}
	return append(o, field{"windows", r.Windows}, field{"ms", milliseconds(took)})
}

// alone is the answer of a model's only head.
func (a *answerer) alone(text string, r *engine.Result, h *engine.HeadResult) object {
	if h.Head.Task == models.Token {
		return object{{"tokens", a.tokens(text, r, h)}, {"spans", a.spans(text, h)}}
	}
	o := object{{"label", label(h)}, {"scores", scores(h)}}
	if guard(h.Head) {
		o = append(o, place(h)...)
	}
	return append(o, a.rawLogits(h)...)
}

// among is the answer of one head of several.
func (a *answerer) among(text string, r *engine.Result, h *engine.HeadResult) object {
	name := h.Head.Function
	if name == "" {
		name = h.Head.Name
	}
	if h.Head.Task == models.Token {
		o := object{{name, a.spans(text, h)}}
		if a.logits {
			o = append(o, field{name + "_tokens", a.tokens(text, r, h)})
		}
		return o
	}
	o := object{{"label", label(h)}, {"confidence", h.Score()}, {"scores", scores(h)}}
	if guard(h.Head) {
		o = append(object{{"label", label(h)}, {"score", h.Scores[1]}}, place(h)...)
	}
	return object{{name, append(o, a.rawLogits(h)...)}}
}

// place is where the guard found what its score is of.
func place(h *engine.HeadResult) object {
	view := h.View
	if view == "" {
		view = "text"
	}
	return object{{"view", view}, {"window", h.Window}}
}

// guard reports whether a head answers yes or no by a threshold on its second
// label.
func guard(h *models.Head) bool {
	return h.Task == models.Sequence && len(h.Labels) == 2 && h.Threshold > 0
}

// label is the verdict of a sequence head: that of the threshold where the head
// has one, else the most probable.
func label(h *engine.HeadResult) string {
	if !guard(h.Head) {
		return h.Label()
	}
	if float64(h.Scores[1]) >= h.Head.Threshold {
		return h.Head.Labels[1]
	}
	return h.Head.Labels[0]
}

func scores(h *engine.HeadResult) object {
	o := make(object, len(h.Scores))
	for i, s := range h.Scores {
		o[i] = field{h.Head.Labels[i], s}
	}
	return o
}

func (a *answerer) rawLogits(h *engine.HeadResult) object {
	if !a.logits {
		return nil
	}
	return object{{"logits", h.Logits}}
}

func (a *answerer) spans(text string, h *engine.HeadResult) []spanJSON {
	a.bytes = a.bytes[:0]
	for _, s := range h.Spans {
		a.bytes = append(a.bytes, tokenizer.Span{Start: s.Start, End: s.End})
	}
	a.points = tokenizer.CodePoints(text, a.bytes, a.points[:0])
	out := make([]spanJSON, len(h.Spans))
	for i, s := range h.Spans {
		out[i] = spanJSON{position{a.points[i].Start, a.points[i].End}, s.Label, s.Score, s.By.String()}
	}
	return out
}

func (a *answerer) tokens(text string, r *engine.Result, h *engine.HeadResult) []tokenJSON {
	a.points = tokenizer.CodePoints(text, r.Offsets, a.points[:0])
	out, n := make([]tokenJSON, len(r.Offsets)), h.Head.Width()
	for i := range out {
		row := h.Scores[i*n : (i+1)*n]
		best := 0
		for k, s := range row {
			if s > row[best] {
				best = k
			}
		}
		out[i] = tokenJSON{position{a.points[i].Start, a.points[i].End}, h.Head.Labels[best], row[best], nil}
		if a.logits {
			out[i].Logits = h.Logits[i*n : (i+1)*n]
		}
	}
	return out
}

// milliseconds has three decimals, all that a clock is good for.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
