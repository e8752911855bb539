package compat

import (
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

type piiRequest struct {
	Text    string      `json:"text"`
	Options *piiOptions `json:"options,omitempty"`
}

type piiOptions struct {
	Types     []string `json:"entity_types,omitempty"`
	Threshold float64  `json:"confidence_threshold,omitempty"` // below the model's own it changes nothing
	Positions bool     `json:"return_positions,omitempty"`
	Mask      bool     `json:"mask_entities,omitempty"`
	Reveal    bool     `json:"reveal_entity_text,omitempty"`
}

// piiAnswer has positions in Unicode code points.
type piiAnswer struct {
	Has            bool        `json:"has_pii"`
	Entities       []piiEntity `json:"entities"`
	Masked         string      `json:"masked_text,omitempty"`
	Recommendation string      `json:"security_recommendation"`
	Time           int64       `json:"processing_time_ms"`
}

type piiEntity struct {
	Type       string  `json:"type"`
	Value      string  `json:"value"`
	Confidence float32 `json:"confidence"`
	Start      *int    `json:"start_position,omitempty"`
	End        *int    `json:"end_position,omitempty"`
	Masked     string  `json:"masked_value,omitempty"`
}

func (a *api) vsrPII(ctx *fasthttp.RequestCtx) (any, error) {
	var q piiRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	if strings.TrimSpace(q.Text) == "" {
		return nil, errEmptyText
	}
	if err := q.Options.check(); err != nil {
		return nil, err
	}
	start := time.Now()
	r, err := a.classify(web.Context(ctx), q.Text, web.PII)
	if err != nil {
		return nil, err
	}
	return a.piiOf(q.Text, r, q.Options, start), nil
}

func (o *piiOptions) check() error {
	if o != nil && (o.Threshold < 0 || o.Threshold > 1) {
		return web.Invalid("options.confidence_threshold", "options.confidence_threshold: want 0 to 1")
	}
	return nil
}

func (a *api) piiOf(text string, r router.Reading, o *piiOptions, start time.Time) *piiAnswer {
	if o == nil {
		o = &piiOptions{}
	}
	spans := a.spans(r, o.Threshold)
	if len(o.Types) > 0 {
		spans = slices.DeleteFunc(spans, func(s router.Span) bool {
			return !slices.ContainsFunc(o.Types, func(t string) bool { return strings.EqualFold(t, s.Type) })
		})
	}
	out := &piiAnswer{Has: len(spans) > 0, Entities: make([]piiEntity, len(spans)), Recommendation: "allow"}
	names := newPlaceholders("[%s_%d]", 0)
	at := points{text: text}
	for i, s := range spans {
		e := piiEntity{Type: s.Type, Value: "[DETECTED]", Confidence: float32(s.Score)}
		if o.Reveal {
			e.Value = text[s.Start:s.End]
		}
		if o.Positions {
			from, to := at.of(s.Start), at.of(s.End)
			e.Start, e.End = &from, &to
		}
		if o.Mask {
			e.Masked = names.of(s.Type, text[s.Start:s.End])
		}
		out.Entities[i] = e
	}
	if out.Has {
		out.Recommendation = "block"
		if o.Mask {
			out.Masked = masked(text, spans, names)
		}
	}
	out.Time = time.Since(start).Milliseconds()
	return out
}
