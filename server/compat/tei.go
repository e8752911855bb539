package compat

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

// teiRoutes is text-embeddings-inference 1.x. It serves one model, so the
// prefix /tei/{task} is a base URL for each of ours: intent, jailbreak or
// embedding, or a model's name. Without the prefix /predict is by
// Options.Predict.
func (a *api) teiRoutes() []web.Route {
	r := func(method, path, summary string, h func(*fasthttp.RequestCtx) (any, error), request, response any) web.Route {
		return web.Route{
			Method: method, Path: path, Summary: summary, Dialect: web.TEI, Request: request, Response: response,
			Handle: func(ctx *fasthttp.RequestCtx) {
				v, err := h(ctx)
				if err != nil {
					failTEI(ctx, err)
					return
				}
				web.WriteJSON(ctx, 200, v)
			},
		}
	}
	var routes []web.Route
	for _, base := range []string{"", "/tei/{task}"} {
		routes = append(routes,
			r(post, base+"/predict", "Scores of a classifier", a.teiPredict, predictRequest{}, predictAnswer{}),
			r(post, base+"/embed", "Embeddings", a.teiEmbed, embedRequest{}, [][]float32{}),
			r(post, base+"/embed_all", "Embeddings of each token: not what a model here is for", a.teiRefuse("embeddings of single tokens are not supported; /embed gives those of texts"), nil, nil),
			r(post, base+"/embed_sparse", "Sparse embeddings: no model here makes them", a.teiRefuse("the embedding model is no SPLADE model"), nil, nil),
			r(post, base+"/rerank", "Ranks: no model here is a re-ranker", a.teiRefuse("no re-ranker model is loaded"), nil, nil),
			r(post, base+"/similarity", "Similarities of sentences to one", a.teiSimilarity, teiSimilarityRequest{}, []float32{}),
			r(post, base+"/tokenize", "Tokens of texts (with prompt: vLLM's form)", a.tokenize, tokenizeRequest{}, tokenizeAnswer{}),
			r(post, base+"/decode", "Texts of tokens", a.teiDecode, decodeRequest{}, []string{}),
			r(get, base+"/info", "The model served", a.teiInfo, nil, infoAnswer{}),
		)
	}
	routes = append(routes,
		r(post, "/tei/{task}", "Scores or embeddings, whatever the model makes", a.teiRoot, nil, nil),
		web.Route{Method: get, Path: "/tei/{task}/health", Access: web.Public, Dialect: web.TEI, Summary: "Whether the process takes requests", Handle: a.teiHealth},
	)
	if a.Metrics != nil {
		routes = append(routes, web.Route{Method: get, Path: "/metrics", Dialect: web.TEI, Summary: "Metrics for Prometheus", Handle: a.Metrics, Response: ""})
	}
	return routes
}

// failTEI gives an error the status that clients of this protocol expect: 424
// for what a model cannot do, 422 for what cannot be read, 413 for limits.
func failTEI(ctx *fasthttp.RequestCtx, err error) {
	e := *web.AsError(err)
	switch {
	case e.Code == "empty" || e.Status == web.StatusGone:
	case e.Status == 400:
		e.Status = 422
	case e.Status == 500 || e.Status == 501:
		e.Status = 424
	}
	web.WriteError(ctx, web.TEI, &e)
}

func teiEmpty(name string) *web.Error {
	return &web.Error{Status: 400, Param: name, Code: "empty", Message: "`" + name + "` cannot be empty"}
}

// teiLimit is a value beyond a limit.
func teiLimit(param, message string) *web.Error {
	return &web.Error{Status: 413, Param: param, Message: message}
}

func (a *api) checkBatch(name string, n int) error {
	if n == 0 {
		return teiEmpty(name)
	}
	if n > a.MaxBatch {
		return teiLimit(name, fmt.Sprintf("batch size %d > maximum allowed batch size %d", n, a.MaxBatch))
	}
	return nil
}

// teiRefuse answers 424: the protocol's word for a question that the model
// served is not made for.
func (a *api) teiRefuse(message string) func(*fasthttp.RequestCtx) (any, error) {
	return func(*fasthttp.RequestCtx) (any, error) {
		return nil, &web.Error{Status: 424, Code: "not_supported", Message: message}
	}
}

func (a *api) teiHealth(ctx *fasthttp.RequestCtx) {
	if err := a.Ready(); err != nil {
		web.WriteError(ctx, web.TEI, &web.Error{Status: 503, Message: "unhealthy", Cause: err})
		return
	}
	ctx.SetStatusCode(200)
}

// served is the model that the route's task names, or fallback.
func (a *api) served(ctx *fasthttp.RequestCtx, fallback string) (web.Model, error) {
	name, _ := ctx.UserValue("task").(string)
	if name == "" {
		name = fallback
	}
	m, ok := a.model(name)
	if !ok {
		return m, &web.Error{Status: 404, Code: "model_not_found", Message: "no model of this task or name; GET /info/models lists them"}
	}
	return m, nil
}

// teiRoot is POST on the base URL.
func (a *api) teiRoot(ctx *fasthttp.RequestCtx) (any, error) {
	m, err := a.served(ctx, "")
	switch {
	case err != nil:
		return nil, err
	case m.Task == "embedding":
		return a.teiEmbed(ctx)
	}
	return a.teiPredict(ctx)
}

type predictRequest struct {
	Inputs    predictInput `json:"inputs"`
	Truncate  *bool        `json:"truncate,omitempty"`
	Direction direction    `json:"truncation_direction,omitempty"`
	Raw       bool         `json:"raw_scores,omitempty"` // logarithms of the scores: logits, but for a constant
}

// predictAnswer is the scores of one input, or a list of them for a batch,
// highest first.
type predictAnswer struct{}

// OpenAPISchema describes both forms.
func (predictAnswer) OpenAPISchema() any {
	score := map[string]any{
		"type": "object", "required": []string{"score", "label"},
		"properties": map[string]any{"score": map[string]any{"type": "number"}, "label": map[string]any{"type": "string"}},
	}
	return oneOf(arrayOf(score), arrayOf(arrayOf(score)))
}

type prediction struct {
	Score float32 `json:"score"`
	Label string  `json:"label"`
}

func (a *api) teiPredict(ctx *fasthttp.RequestCtx) (any, error) {
	var q predictRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	m, err := a.served(ctx, a.Predict)
	if err != nil {
		return nil, err
	}
	if err := a.checkBatch("inputs", len(q.Inputs.texts)); err != nil {
		return nil, err
	}
	texts, err := a.fit(m, q.Inputs.texts, q.Truncate != nil && *q.Truncate, q.Direction)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	out := make([][]prediction, len(texts))
	var tokens counter
	err = a.each(web.Context(ctx), len(texts), func(ctx context.Context, i int) error {
		scores, n, err := a.scores(ctx, m, texts[i])
		if err != nil {
			return err
		}
		tokens.add(n)
		if q.Raw {
			logits(scores)
		}
		slices.SortStableFunc(scores, func(x, y prediction) int { return cmp.Compare(y.Score, x.Score) })
		out[i] = scores
		return nil
	})
	if err != nil {
		return nil, err
	}
	computed(ctx, texts, tokens.n.Load(), time.Since(start))
	if q.Inputs.batch {
		return out, nil
	}
	return out[0], nil
}

// scores are those of classifier m, in the order of its labels, with the number
// of tokens read.
func (a *api) scores(ctx context.Context, m web.Model, text string) ([]prediction, int, error) {
	out := make([]prediction, len(m.Labels))
	switch {
	case m.Task == "intent":
		r, err := a.classify(ctx, text, web.Intent)
		if err != nil {
			return nil, 0, err
		}
		for i, l := range m.Labels {
			out[i].Label = l
			if k := slices.IndexFunc(r.Intent, func(c router.Category) bool { return c.Name == l }); k >= 0 {
				out[i].Score = float32(r.Intent[k].P)
			}
		}
		return out, r.Tokens, nil
	case m.Task == "jailbreak" && len(m.Labels) == 2:
		r, err := a.classify(ctx, text, web.Guard)
		if err != nil {
			return nil, 0, err
		}
		yes := r.Guard.Score
		return []prediction{{float32(1 - yes), m.Labels[0]}, {float32(yes), m.Labels[1]}}, r.Tokens, nil
	}
	return nil, 0, &web.Error{Status: 424, Code: "not_supported", Message: m.Name + " is not a classifier of whole texts"}
}

// logits turns probabilities into their logarithms, whose softmax they are.
func logits(list []prediction) {
	for i := range list {
		list[i].Score = float32(math.Log(max(float64(list[i].Score), math.SmallestNonzeroFloat32)))
	}
}

// computed tells the cost of a request as the protocol's headers do.
func computed(ctx *fasthttp.RequestCtx, texts []string, tokens int64, took time.Duration) {
	chars := 0
	for _, t := range texts {
		chars += utf8.RuneCountInString(t)
	}
	h := &ctx.Response.Header
	ms := strconv.FormatInt(took.Milliseconds(), 10)
	h.Set("x-compute-type", "cpu")
	h.Set("x-compute-characters", strconv.Itoa(chars))
	if tokens > 0 {
		h.Set("x-compute-tokens", strconv.FormatInt(tokens, 10))
	}
	h.Set("x-compute-time", ms)
	h.Set("x-total-time", ms)
}
