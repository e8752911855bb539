package compat

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

// embedding is what requests for embeddings and similarities share. The model
// has one width and no early exit.
type embeddingChoice struct {
	Model     string  `json:"model,omitempty"`     // auto or the name of the embedding model
	Dimension int     `json:"dimension,omitempty"` // the model's own only
	Layer     int     `json:"target_layer,omitempty"`
	Quality   float64 `json:"quality_priority,omitempty"` // there is one model, so nothing to choose by these
	Latency   float64 `json:"latency_priority,omitempty"`
}

// embedder is the embedding model that c asks for.
func (a *api) embedder(c embeddingChoice) (web.Model, error) {
	m, ok := a.model("embedding")
	switch {
	case !ok:
		return m, noModel("embedding")
	case c.Model != "" && c.Model != "auto" && c.Model != m.Name:
		return m, vsrInvalid("model", "INVALID_MODEL", fmt.Sprintf("model: want auto or %s", m.Name))
	case c.Dimension != 0 && c.Dimension != m.Hidden:
		return m, vsrInvalid("dimension", "INVALID_DIMENSION", fmt.Sprintf("dimension: %s has %d, and they cannot be changed", m.Name, m.Hidden))
	case c.Layer != 0:
		return m, vsrInvalid("target_layer", "INVALID_PARAMETER", "target_layer: leaving the model early is not supported")
	case c.Quality < 0 || c.Quality > 1 || c.Latency < 0 || c.Latency > 1:
		return m, vsrInvalid("quality_priority", "INVALID_PARAMETER", "quality_priority, latency_priority: want 0 to 1")
	}
	return m, nil
}

func (a *api) checkTexts(name string, list []string) error {
	if len(list) > a.MaxBatch {
		return &web.Error{
			Status: 413, Param: name, Code: "EMBEDDING_INPUT_TOO_LARGE",
			Message: fmt.Sprintf("%s: %d of them; the limit is %d", name, len(list), a.MaxBatch),
		}
	}
	for i, t := range list {
		if strings.TrimSpace(t) == "" {
			return web.Invalid(fmt.Sprintf("%s[%d]", name, i), fmt.Sprintf("%s[%d]: text cannot be empty", name, i))
		}
	}
	return nil
}

// embedAll returns the embeddings of texts and how long each took.
func (a *api) embedAll(ctx context.Context, m web.Model, texts []string) ([][]float32, []time.Duration, error) {
	vectors := make([][]float32, len(texts))
	times := make([]time.Duration, len(texts))
	err := a.each(ctx, len(texts), func(ctx context.Context, i int) (err error) {
		start := time.Now()
		vectors[i], err = a.Classifier.Embed(ctx, texts[i], make([]float32, 0, m.Hidden))
		times[i] = time.Since(start)
		return err
	})
	return vectors, times, err
}

// dot is the cosine of vectors of length 1.
func dot(x, y []float32) float32 {
	var s float64
	for i := range min(len(x), len(y)) {
		s += float64(x[i]) * float64(y[i])
	}
	return float32(max(-1, min(1, s)))
}

type vsrEmbeddingRequest struct {
	Texts  []string `json:"texts"`
	Images []string `json:"images,omitempty"` // not supported
	embeddingChoice
}

type vsrEmbeddingAnswer struct {
	Embeddings []vsrEmbedding `json:"embeddings"`
	Count      int            `json:"total_count"`
	Time       int64          `json:"total_processing_time_ms"`
	Average    float64        `json:"avg_processing_time_ms"`
}

type vsrEmbedding struct {
	Text      string    `json:"text"`
	Embedding []float32 `json:"embedding"`
	Dimension int       `json:"dimension"`
	Model     string    `json:"model_used"`
	Time      int64     `json:"processing_time_ms"`
}

func (a *api) vsrEmbeddings(ctx *fasthttp.RequestCtx) (any, error) {
	var q vsrEmbeddingRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	switch {
	case len(q.Images) > 0:
		return nil, vsrInvalid("images", "INVALID_IMAGE", "images: the embedding model reads text only")
	case len(q.Texts) == 0:
		return nil, web.Invalid("texts", "texts: at least one must be provided")
	}
	m, err := a.embedder(q.embeddingChoice)
	if err == nil {
		err = a.checkTexts("texts", q.Texts)
	}
	if err != nil {
		return nil, err
	}
	start := time.Now()
	vectors, times, err := a.embedAll(web.Context(ctx), m, q.Texts)
	if err != nil {
		return nil, err
	}
	total := time.Since(start)
	out := &vsrEmbeddingAnswer{Count: len(vectors), Time: total.Milliseconds(), Average: milliseconds(total) / float64(len(vectors))}
	for i, v := range vectors {
		out.Embeddings = append(out.Embeddings, vsrEmbedding{q.Texts[i], v, len(v), m.Name, times[i].Milliseconds()})
	}
	return out, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

type similarityRequest struct {
	Text1 string `json:"text1"`
	Text2 string `json:"text2"`
	embeddingChoice
}

type similarityAnswer struct {
	Model      string  `json:"model_used"`
	Similarity float32 `json:"similarity"`
	Time       float64 `json:"processing_time_ms"`
}

func (a *api) vsrSimilarity(ctx *fasthttp.RequestCtx) (any, error) {
	var q similarityRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	if strings.TrimSpace(q.Text1) == "" || strings.TrimSpace(q.Text2) == "" {
		return nil, web.Invalid("text1", "both text1 and text2 must be provided")
	}
	m, err := a.embedder(q.embeddingChoice)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	v, _, err := a.embedAll(web.Context(ctx), m, []string{q.Text1, q.Text2})
	if err != nil {
		return nil, err
	}
	return &similarityAnswer{m.Name, dot(v[0], v[1]), milliseconds(time.Since(start))}, nil
}

type similarityBatchRequest struct {
	Query      string   `json:"query"`
	Candidates []string `json:"candidates"`
	Top        int      `json:"top_k,omitempty"` // 0 is all
	embeddingChoice
}

type similarityBatchAnswer struct {
	Matches []similarityMatch `json:"matches"` // most similar first
	Total   int               `json:"total_candidates"`
	Model   string            `json:"model_used"`
	Time    float64           `json:"processing_time_ms"`
}

type similarityMatch struct {
	Index      int     `json:"index"`
	Similarity float32 `json:"similarity"`
	Text       string  `json:"text"`
}

func (a *api) vsrSimilarityBatch(ctx *fasthttp.RequestCtx) (any, error) {
	var q similarityBatchRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	switch {
	case strings.TrimSpace(q.Query) == "":
		return nil, web.Invalid("query", "query must be provided")
	case len(q.Candidates) == 0:
		return nil, web.Invalid("candidates", "candidates array cannot be empty")
	case q.Top < 0:
		return nil, web.Invalid("top_k", "top_k cannot be negative")
	}
	m, err := a.embedder(q.embeddingChoice)
	if err == nil {
		err = a.checkTexts("candidates", q.Candidates)
	}
	if err != nil {
		return nil, err
	}
	start := time.Now()
	v, _, err := a.embedAll(web.Context(ctx), m, append([]string{q.Query}, q.Candidates...))
	if err != nil {
		return nil, err
	}
	out := &similarityBatchAnswer{Total: len(q.Candidates), Model: m.Name}
	for i, c := range v[1:] {
		out.Matches = append(out.Matches, similarityMatch{i, dot(v[0], c), q.Candidates[i]})
	}
	slices.SortStableFunc(out.Matches, func(x, y similarityMatch) int { return cmp.Compare(y.Similarity, x.Similarity) })
	if q.Top > 0 && q.Top < len(out.Matches) {
		out.Matches = out.Matches[:q.Top]
	}
	out.Time = milliseconds(time.Since(start))
	return out, nil
}
