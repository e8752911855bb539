package compat

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

type anonymizeRequest struct {
	Text      string              `json:"text"`
	Operators map[string]operator `json:"anonymizers,omitempty"` // by type of entity, or DEFAULT
	Results   []analyzerResult    `json:"analyzer_results"`
}

type deanonymizeRequest struct {
	Text      string              `json:"text"`
	Operators map[string]operator `json:"deanonymizers"`
	Results   []analyzerResult    `json:"anonymizer_results"`
}

// analyzerResult is a stretch of the text in code points.
type analyzerResult struct {
	Start *int     `json:"start"`
	End   *int     `json:"end"`
	Score *float64 `json:"score,omitempty"` // needed for /anonymize only
	Type  *string  `json:"entity_type"`
}

// operated is a text after operators, the last change first.
type operated struct {
	Text  string         `json:"text"`
	Items []operatedItem `json:"items"`
}

type operatedItem struct {
	Start    int    `json:"start"`
	End      int    `json:"end"`
	Type     string `json:"entity_type"`
	Text     string `json:"text"`
	Operator string `json:"operator"`
	// Score is that of the finding, where the request has it, else null.
	Score *float64 `json:"score"`
}

// entity is a stretch of a text of runes.
type entity struct {
	start, end int
	score      float64
	scored     bool
	kind       string
	place      int // among all, in the order of the text
}

func errNoText() error { return presidioInvalid("text", "Invalid input, text can not be empty") }

func (a *api) presidioAnonymize(ctx *fasthttp.RequestCtx) (any, error) {
	var q anonymizeRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	if q.Results == nil {
		return nil, presidioInvalid("analyzer_results", "Invalid input, request must contain analyzer results")
	}
	text := []rune(q.Text)
	list, err := entities("analyzer_results", q.Results, len(text), true)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, errNoText()
	}
	run, err := prepare("anonymizers", q.Operators, list, anonymizers(), operator{Type: "replace"})
	if err != nil {
		return nil, err
	}
	return operate(text, joined(text, unconflicted(list)), run)
}

func (a *api) presidioDeanonymize(ctx *fasthttp.RequestCtx) (any, error) {
	var q deanonymizeRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	switch {
	case q.Results == nil:
		return nil, presidioInvalid("anonymizer_results", "Invalid input, request must contain anonymizer results")
	case len(q.Operators) == 0:
		return nil, presidioInvalid("deanonymizers", "Invalid input, request must contain deanonymizers")
	}
	text := []rune(q.Text)
	list, err := entities("anonymizer_results", q.Results, len(text), false)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, errNoText()
	}
	run, err := prepare("deanonymizers", q.Operators, list, deanonymizers(), operator{})
	if err != nil {
		return nil, err
	}
	sortEntities(list)
	return operate(text, list, run)
}

// entities checks the stretches that a request names.
func entities(field string, results []analyzerResult, length int, scored bool) ([]entity, error) {
	list := make([]entity, len(results))
	for i, r := range results {
		at := fmt.Sprintf("%s[%d]", field, i)
		for _, f := range []struct {
			missing bool
			name    string
		}{{r.Start == nil, "start"}, {r.End == nil, "end"}, {r.Type == nil, "entity_type"}, {scored && r.Score == nil, "score"}} {
			if f.missing {
				return nil, presidioInvalid(at, "Invalid input, result must contain "+f.name+" ("+at+")")
			}
		}
		e := entity{start: *r.Start, end: *r.End, kind: *r.Type}
		if r.Score != nil {
			e.score, e.scored = *r.Score, true
		}
		switch {
		case e.start < 0 || e.end < 0:
			return nil, presidioInvalid(at, "Invalid input, result start and end must be positive ("+at+")")
		case e.start > e.end || scored && e.start == e.end:
			return nil, presidioInvalid(at, fmt.Sprintf("Invalid input, start index '%d' must be smaller than end index '%d' (%s)", e.start, e.end, at))
		case e.end > length:
			return nil, presidioInvalid(at, fmt.Sprintf("Invalid analyzer result, start: %d and end: %d, while text length is only %d. (%s)", e.start, e.end, length, at))
		}
		list[i] = e
	}
	return list, nil
}

func sortEntities(list []entity) {
	slices.SortStableFunc(list, func(x, y entity) int {
		return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(x.end, y.end))
	})
}

// unconflicted merges stretches of one type that overlap, and drops those that
// lie within another, or are the same with a lower score. Of equals the one
// that comes later counts.
func unconflicted(list []entity) []entity {
	list = slices.Clone(list)
	sortEntities(list)
	var merged []entity
	last := map[string]int{} // of merged, by type
	for i, e := range list {
		e.place = i
		if k, ok := last[e.kind]; ok && e.start < merged[k].end {
			m := &merged[k]
			m.end, m.score, m.place = max(m.end, e.end), max(m.score, e.score), i
			continue
		}
		last[e.kind] = len(merged)
		merged = append(merged, e)
	}
	// What comes before in this order and reaches as far contains it.
	slices.SortFunc(merged, func(x, y entity) int {
		return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(y.end, x.end), cmp.Compare(y.score, x.score), cmp.Compare(y.place, x.place))
	})
	out := merged[:0]
	reach := -1
	for _, e := range merged {
		if e.end > reach {
			reach = e.end
			out = append(out, e)
		}
	}
	return out
}

// joined makes one of neighbours of a type with nothing but spaces between; the
// score is the last one's.
func joined(text []rune, list []entity) []entity {
	var out []entity
	for _, e := range list {
		if n := len(out); n > 0 && out[n-1].kind == e.kind && out[n-1].end < e.start &&
			strings.Trim(string(text[out[n-1].end:e.start]), " ") == "" {
			e.start = out[n-1].start
			out[n-1] = e
			continue
		}
		out = append(out, e)
	}
	return out
}

// prepare checks the operators that the entities need and returns them. The
// fallback is used where there is no DEFAULT; one without a type is none.
func prepare(field string, given map[string]operator, list []entity, known []string, fallback operator) (func(string) *operator, error) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		o := given[name]
		if err := o.check(field, known); err != nil {
			return nil, err
		}
	}
	if o, ok := given["DEFAULT"]; ok {
		fallback = o
	}
	if fallback.Type == "" {
		for _, e := range list {
			if _, ok := given[e.kind]; !ok {
				return nil, presidioInvalid(field, field+": neither an operator for each entity_type nor a DEFAULT")
			}
		}
	}
	return func(kind string) *operator {
		if o, ok := given[kind]; ok {
			return &o
		}
		return &fallback
	}, nil
}

// maxOperated is how much operators may write into one text, in bytes: a long
// value for each of many entities would fill the memory.
const maxOperated = 16 << 20

// operate changes the text from its end to its start. Of two that overlap the
// earlier one's stretch ends where the later one's begins.
func operate(text []rune, list []entity, operatorOf func(string) *operator) (*operated, error) {
	pieces := make([]string, len(list))
	size := 0
	for i, e := range list {
		o := operatorOf(e.kind)
		changed, err := o.apply(e.kind, string(text[e.start:e.end]))
		if err != nil {
			return nil, err
		}
		if size += len(changed); size > maxOperated {
			return nil, &web.Error{Status: 413, Param: "text", Message: fmt.Sprintf("the operators would write more than %d bytes", maxOperated)}
		}
		pieces[i] = changed
	}
	out := &operated{Items: make([]operatedItem, 0, len(list))}
	var b strings.Builder
	at, length := 0, 0 // in text, and of what is written, in runes
	for i, e := range list {
		end := e.end
		if i+1 < len(list) {
			end = min(end, list[i+1].start)
		}
		b.WriteString(string(text[at:e.start]))
		length += e.start - at
		n := len([]rune(pieces[i]))
		item := operatedItem{Start: length, End: length + n, Type: e.kind, Text: pieces[i], Operator: operatorOf(e.kind).Type}
		if e.scored {
			item.Score = &e.score
		}
		out.Items = append(out.Items, item)
		b.WriteString(pieces[i])
		length += n
		at = max(end, e.start)
	}
	b.WriteString(string(text[at:]))
	out.Text = b.String()
	slices.Reverse(out.Items)
	return out, nil
}
