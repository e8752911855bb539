package compat

import (
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

type embedRequest struct {
	Inputs     input     `json:"inputs"`
	Truncate   *bool     `json:"truncate,omitempty"`
	Direction  direction `json:"truncation_direction,omitempty"`
	Normalize  *bool     `json:"normalize,omitempty"` // embeddings have length 1 whatever it says
	PromptName *string   `json:"prompt_name,omitempty"`
	Dimensions *int      `json:"dimensions,omitempty"` // the model's own only
}

func noPrompt(name *string) error {
	if name == nil {
		return nil
	}
	return teiLimit("prompt_name", "prompt_name: the embedding model has no prompts")
}

func (a *api) teiEmbed(ctx *fasthttp.RequestCtx) (any, error) {
	var q embedRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	m, ok := a.model("embedding")
	if !ok {
		return nil, noModel("embedding")
	}
	if err := noPrompt(q.PromptName); err != nil {
		return nil, err
	}
	if q.Dimensions != nil && *q.Dimensions != m.Hidden {
		return nil, teiLimit("dimensions", fmt.Sprintf("dimensions: %s has %d, and they cannot be changed", m.Name, m.Hidden))
	}
	if err := a.checkBatch("inputs", len(q.Inputs.texts)); err != nil {
		return nil, err
	}
	texts, err := a.read(q.Inputs)
	if err == nil {
		texts, err = a.fit(m, texts, q.Truncate != nil && *q.Truncate, q.Direction)
	}
	if err != nil {
		return nil, err
	}
	start := time.Now()
	vectors, _, err := a.embedAll(web.Context(ctx), m, texts)
	if err != nil {
		return nil, err
	}
	computed(ctx, texts, 0, time.Since(start))
	return vectors, nil
}

type teiSimilarityRequest struct {
	Inputs     sentences       `json:"inputs"`
	Parameters *teiSimilarityP `json:"parameters,omitempty"`
}

type sentences struct {
	Source    string   `json:"source_sentence"`
	Sentences []string `json:"sentences"`
}

type teiSimilarityP struct {
	Truncate   *bool     `json:"truncate,omitempty"`
	Direction  direction `json:"truncation_direction,omitempty"`
	PromptName *string   `json:"prompt_name,omitempty"`
}

func (a *api) teiSimilarity(ctx *fasthttp.RequestCtx) (any, error) {
	var q teiSimilarityRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	m, ok := a.model("embedding")
	if !ok {
		return nil, noModel("embedding")
	}
	if q.Parameters == nil {
		q.Parameters = &teiSimilarityP{}
	}
	if err := noPrompt(q.Parameters.PromptName); err != nil {
		return nil, err
	}
	if err := a.checkBatch("inputs.sentences", len(q.Inputs.Sentences)); err != nil {
		return nil, err
	}
	texts := append([]string{q.Inputs.Source}, q.Inputs.Sentences...)
	texts, err := a.fit(m, texts, q.Parameters.Truncate != nil && *q.Parameters.Truncate, q.Parameters.Direction)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	v, _, err := a.embedAll(web.Context(ctx), m, texts)
	if err != nil {
		return nil, err
	}
	out := make([]float32, len(v)-1)
	for i := range out {
		out[i] = dot(v[0], v[i+1])
	}
	computed(ctx, texts, 0, time.Since(start))
	return out, nil
}
