package compat

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

type analyzeRequest struct {
	Text        *analyzeText `json:"text"`
	Language    string       `json:"language"`
	Correlation string       `json:"correlation_id,omitempty"`
	Threshold   *float64     `json:"score_threshold,omitempty"`
	Entities    []string     `json:"entities,omitempty"`
	Explain     flag         `json:"return_decision_process,omitempty"`
	AdHoc       []adHoc      `json:"ad_hoc_recognizers,omitempty"`
	Context     []string     `json:"context,omitempty"`
	Allow       []string     `json:"allow_list,omitempty"`
	AllowMatch  string       `json:"allow_list_match,omitempty"` // exact (the default) or regex
	Flags       *int         `json:"regex_flags,omitempty"`      // of Python's re, a sum of 2 (IGNORECASE), 8 (MULTILINE), 16 (DOTALL); 26 by default
}

// analyzeText is one text or several.
type analyzeText struct {
	list  []string
	batch bool
}

// UnmarshalJSON takes both forms.
func (t *analyzeText) UnmarshalJSON(data []byte) error {
	var list texts
	if err := list.UnmarshalJSON(data); err != nil {
		return web.Invalid("text", "text: want a string or an array of strings")
	}
	t.list, t.batch = list, data[0] == '['
	return nil
}

// OpenAPISchema describes both forms.
func (analyzeText) OpenAPISchema() any { return texts{}.OpenAPISchema() }

// flag is true, false, or a number as Python takes it.
type flag bool

// UnmarshalJSON takes booleans and numbers.
func (f *flag) UnmarshalJSON(data []byte) error {
	var b bool
	var n float64
	switch {
	case json.Unmarshal(data, &b) == nil:
		*f = flag(b)
	case json.Unmarshal(data, &n) == nil:
		*f = n != 0
	default:
		return web.Invalid("return_decision_process", "return_decision_process: want true or false")
	}
	return nil
}

// OpenAPISchema describes a boolean.
func (flag) OpenAPISchema() any { return map[string]any{"type": []string{"boolean", "number"}} }

// analyzeAnswer is the findings of a text, or a list of them for several.
type analyzeAnswer struct{}

// OpenAPISchema describes both forms.
func (analyzeAnswer) OpenAPISchema() any {
	whole := map[string]any{"type": "integer"}
	one := map[string]any{
		"type": "object", "required": []string{"entity_type", "start", "end", "score"},
		"properties": map[string]any{
			"entity_type": map[string]any{"type": "string"}, "start": whole, "end": whole, "score": map[string]any{"type": "number"},
			"analysis_explanation": map[string]any{"type": []string{"object", "null"}},
		},
	}
	return oneOf(arrayOf(one), arrayOf(arrayOf(one)))
}

type finding struct {
	Explanation *explanation `json:"analysis_explanation"`
	End         int          `json:"end"`
	Type        string       `json:"entity_type"`
	Score       float32      `json:"score"`
	Start       int          `json:"start"`
}

type explanation struct {
	Recognizer  string  `json:"recognizer"`
	PatternName *string `json:"pattern_name"`
	Pattern     *string `json:"pattern"`
	Original    float32 `json:"original_score"`
	Score       float32 `json:"score"`
	Text        *string `json:"textual_explanation"`
	Improvement float32 `json:"score_context_improvement"`
	Word        string  `json:"supportive_context_word"`
	Validation  *bool   `json:"validation_result"`
}

// hit is a finding in bytes of the text.
type hit struct {
	router.Span
	why explanation
}

func (a *api) presidioAnalyze(ctx *fasthttp.RequestCtx) (any, error) {
	var q analyzeRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	if err := a.checkAnalyze(&q); err != nil {
		return nil, err
	}
	wanted, err := a.wanted(&q)
	if err != nil {
		return nil, err
	}
	own, err := compile(&q)
	if err != nil {
		return nil, err
	}
	allowed, err := allowList(&q)
	if err != nil {
		return nil, err
	}
	out := make([][]finding, len(q.Text.list))
	err = a.each(web.Context(ctx), len(out), func(ctx context.Context, i int) error {
		text := q.Text.list[i]
		out[i] = []finding{}
		if text == "" {
			return nil
		}
		r, err := a.classify(ctx, text, web.PII)
		if err != nil {
			return err
		}
		more, err := own.find(ctx, text, q.Context, wanted)
		if err != nil {
			return err
		}
		out[i] = a.findings(text, append(a.hits(r, wanted), more...), &q, allowed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if q.Text.batch {
		return out, nil
	}
	return out[0], nil
}

func (a *api) checkAnalyze(q *analyzeRequest) error {
	switch {
	case q.Text == nil || len(q.Text.list) == 0 || !q.Text.batch && q.Text.list[0] == "":
		return web.Invalid("text", "No text provided")
	case q.Language == "":
		return web.Invalid("language", "No language provided")
	case len(q.Text.list) > a.MaxBatch:
		return &web.Error{Status: 413, Param: "text", Message: fmt.Sprintf("text: %d of them; the limit is %d", len(q.Text.list), a.MaxBatch)}
	case q.Threshold != nil && (*q.Threshold < 0 || *q.Threshold > 1):
		return web.Invalid("score_threshold", "score_threshold: want 0 to 1")
	}
	return a.checkLanguage(q.Language)
}

// wanted maps our types to the names they are asked for by; nil means all, by
// their own names.
func (a *api) wanted(q *analyzeRequest) (map[string]string, error) {
	if len(q.Entities) == 0 {
		return nil, nil
	}
	m, _ := a.model("pii")
	names := map[string]string{}
	known := false
	for _, e := range q.Entities {
		for _, covered := range aliases()[e] {
			if _, taken := names[covered]; !taken && slices.Contains(m.Labels, covered) {
				names[covered], known = e, true
			}
		}
	}
	for _, e := range q.Entities {
		names[e] = e
		known = known || slices.Contains(m.Labels, e) ||
			slices.ContainsFunc(q.AdHoc, func(r adHoc) bool { return r.Entity == e })
	}
	if !known {
		return nil, errLanguage()
	}
	return names, nil
}

// hits are what the classifier found of the wanted types.
func (a *api) hits(r router.Reading, wanted map[string]string) []hit {
	m, _ := a.model("pii")
	var out []hit
	for _, s := range a.spans(r, 0) {
		if wanted != nil {
			name, ok := wanted[s.Type]
			if !ok {
				continue
			}
			s.Type = name
		}
		e := explanation{Recognizer: m.Name, Original: float32(s.Score), Score: float32(s.Score)}
		text := "Identified by the token classification model"
		if s.By == "pattern" {
			e.Recognizer, text = patternRecognizer, "Identified by its form"
		}
		e.Text = &text
		out = append(out, hit{s, e})
	}
	return out
}

// findings are hits above the threshold, in the order of the text, without
// those that the allow list names.
func (a *api) findings(text string, hits []hit, q *analyzeRequest, allowed func(string) bool) []finding {
	hits = slices.DeleteFunc(hits, func(h hit) bool {
		return q.Threshold != nil && h.Score < *q.Threshold || allowed(text[h.Start:h.End])
	})
	slices.SortStableFunc(hits, func(x, y hit) int {
		return cmp.Or(cmp.Compare(x.Start, y.Start), cmp.Compare(y.End, x.End), cmp.Compare(y.Score, x.Score))
	})
	out := make([]finding, 0, len(hits))
	at := points{text: text}
	open := map[string][]hit{} // by type, those that reach beyond the start of h
	for _, h := range hits {
		over := slices.DeleteFunc(open[h.Type], func(o hit) bool { return o.End <= h.Start })
		open[h.Type] = append(over, h)
		if slices.ContainsFunc(over, func(o hit) bool { return h.End <= o.End && o.Score >= h.Score }) {
			continue
		}
		f := finding{Start: at.of(h.Start), End: at.of(h.End), Type: h.Type, Score: float32(h.Score)}
		if q.Explain {
			why := h.why
			f.Explanation = &why
		}
		out = append(out, f)
	}
	return out
}

// allowList says whether a value is one that is not to be told.
func allowList(q *analyzeRequest) (func(string) bool, error) {
	switch q.AllowMatch {
	case "", "exact":
		return func(value string) bool { return slices.Contains(q.Allow, value) }, nil
	case "regex":
		if len(q.Allow) == 0 {
			return func(string) bool { return false }, nil
		}
		re, err := pattern(strings.Join(q.Allow, "|"), q.Flags, "allow_list")
		if err != nil {
			return nil, err
		}
		return re.MatchString, nil
	}
	return nil, web.Invalid("allow_list_match", "allow_list_match: want exact or regex")
}
