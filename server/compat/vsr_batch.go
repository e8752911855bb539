package compat

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

type batchRequest struct {
	Texts   []string      `json:"texts"`
	Task    string        `json:"task_type,omitempty"` // intent (the default), pii, security, all
	Options *batchOptions `json:"options,omitempty"`
}

type batchOptions struct {
	Probabilities bool    `json:"return_probabilities,omitempty"`
	Threshold     float64 `json:"confidence_threshold,omitempty"` // of low_confidence_count, 0.7 by default; of pii, of its entities
	Explanation   bool    `json:"include_explanation,omitempty"`
}

type batchAnswer struct {
	Results    []batchResult   `json:"results"`
	Count      int             `json:"total_count"`
	Time       int64           `json:"processing_time_ms"`
	Statistics batchStatistics `json:"statistics"`
}

// batchResult has the category of the task: for pii the first type or no_pii,
// for security jailbreak or safe. Task all adds both to the intent.
type batchResult struct {
	Category      string             `json:"category"`
	Confidence    float32            `json:"confidence"`
	Time          int64              `json:"processing_time_ms"`
	Probabilities map[string]float32 `json:"probabilities,omitempty"`
	PII           string             `json:"pii,omitempty"`
	Security      string             `json:"security,omitempty"`
}

type batchStatistics struct {
	Categories map[string]int `json:"category_distribution"`
	Confidence float64        `json:"avg_confidence"`
	Low        int            `json:"low_confidence_count"`
}

func batchTasks(name string) (web.Task, error) {
	switch name {
	case "", "intent":
		return web.Intent, nil
	case "pii":
		return web.PII, nil
	case "security":
		return web.Guard, nil
	case "all":
		return web.All, nil
	}
	return 0, vsrInvalid("task_type", "INVALID_TASK_TYPE", "task_type: want intent, pii, security or all")
}

func (a *api) vsrBatch(ctx *fasthttp.RequestCtx) (any, error) {
	var q batchRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	switch {
	case q.Texts == nil:
		return nil, web.Invalid("texts", "texts field is required")
	case len(q.Texts) == 0:
		return nil, web.Invalid("texts", "texts array cannot be empty")
	case len(q.Texts) > a.MaxBatch:
		return nil, web.Invalid("texts", fmt.Sprintf("texts: %d of them; the limit is %d", len(q.Texts), a.MaxBatch))
	}
	tasks, err := batchTasks(q.Task)
	if err != nil {
		return nil, err
	}
	for i, t := range q.Texts {
		if strings.TrimSpace(t) == "" {
			return nil, web.Invalid(fmt.Sprintf("texts[%d]", i), fmt.Sprintf("texts[%d]: text cannot be empty", i))
		}
	}
	if q.Options == nil {
		q.Options = &batchOptions{}
	}
	start := time.Now()
	out := &batchAnswer{Results: make([]batchResult, len(q.Texts)), Count: len(q.Texts)}
	err = a.each(web.Context(ctx), len(q.Texts), func(ctx context.Context, i int) error {
		begun := time.Now()
		r, err := a.classify(ctx, q.Texts[i], tasks)
		if err != nil {
			return err
		}
		out.Results[i] = a.batchOne(r, tasks, q.Options)
		out.Results[i].Time = time.Since(begun).Milliseconds()
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Statistics = statistics(out.Results, q.Options.Threshold)
	out.Time = time.Since(start).Milliseconds()
	return out, nil
}

func (a *api) batchOne(r router.Reading, tasks web.Task, o *batchOptions) batchResult {
	var out batchResult
	if tasks&web.PII != 0 {
		spans := a.spans(r, o.Threshold)
		out.Category, out.Confidence = "no_pii", 1
		if len(spans) > 0 {
			out.Category, out.Confidence = spans[0].Type, 0
		}
		for _, s := range spans {
			out.Confidence = max(out.Confidence, float32(s.Score))
		}
		out.PII = out.Category
	}
	if tasks&web.Guard != 0 {
		out.Category, out.Confidence = "safe", float32(1-r.Guard.Score)
		if a.isJailbreak(r.Guard) {
			out.Category, out.Confidence = "jailbreak", float32(r.Guard.Score)
		}
		out.Security = out.Category
	}
	if tasks&web.Intent != 0 {
		out.Category, out.Confidence = r.Intent[0].Name, float32(r.Intent[0].P)
		if o.Probabilities {
			out.Probabilities = make(map[string]float32, len(r.Intent))
			for _, c := range r.Intent {
				out.Probabilities[c.Name] = float32(c.P)
			}
		}
	}
	if tasks != web.All {
		out.PII, out.Security = "", ""
	}
	return out
}

func statistics(results []batchResult, threshold float64) batchStatistics {
	if threshold <= 0 {
		threshold = specialThreshold
	}
	s := batchStatistics{Categories: map[string]int{}}
	for _, r := range results {
		s.Categories[r.Category]++
		s.Confidence += float64(r.Confidence) / float64(len(results))
		if float64(r.Confidence) < threshold {
			s.Low++
		}
	}
	return s
}
