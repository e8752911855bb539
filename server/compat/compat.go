// Package compat answers the interfaces of other classification servers, so
// that their clients work unchanged: vLLM Semantic Router's classification API,
// text-embeddings-inference, vLLM's /classify, LiteLLM's generic guardrail,
// Presidio and LLM Guard.
//
// Where two of them use a path for different things, the body's shape decides,
// and a prefix (/tei/{task}, /presidio, /llm-guard) gives each a base URL of its
// own. A client's text goes to the classifier and, where the interface has it,
// back into the answer; it never gets into an error.
package compat

import (
	"context"
	"runtime"
	"slices"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

// Options say what the routes answer with. Classifier and Decide are needed.
type Options struct {
	Classifier web.Classifier
	// Decide applies the policy to one text of a user.
	Decide func(ctx context.Context, text string) (router.Decision, router.Signals, error)
	// Decode turns ids of tokens into text; nil refuses such inputs.
	Decode func(ids []int32, skipSpecial bool) (string, error)
	// Metrics is GET /metrics; nil leaves the route out.
	Metrics fasthttp.RequestHandler
	// Ready says why no requests are taken now; nil means always ready.
	Ready func() error
	// Recipes are the names of the policies; nil means none to tell.
	Recipes func() []string
	Version string

	// GuardThreshold is the score from which a text is a jailbreak; 0 is the
	// guard's own.
	GuardThreshold float64
	// PIIThreshold is the least score of personal data; 0 is the model's own.
	PIIThreshold float64
	// MaxBatch is how many texts a request may have, 256 by default.
	MaxBatch int
	// Parallel is how many texts of one request are read at once, one for each
	// core by default.
	Parallel int
	// Predict is the model that answers where a request names none: intent (the
	// default), jailbreak, or a model's name.
	Predict string
}

const defaultBatch = 256

type api struct {
	Options
}

// Routes are the compatible interfaces.
func Routes(o Options) []web.Route {
	if o.MaxBatch <= 0 {
		o.MaxBatch = defaultBatch
	}
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	if o.Predict == "" {
		o.Predict = "intent"
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	a := &api{o}
	return slices.Concat(a.vsrRoutes(), a.teiRoutes(), a.vllmRoutes(), a.liteLLMRoutes(), a.presidioRoutes(), a.llmGuardRoutes())
}

const (
	get  = fasthttp.MethodGet
	post = fasthttp.MethodPost
)

// model finds a classifier by its name or its task.
func (a *api) model(name string) (web.Model, bool) {
	if name == "guard" || name == "security" {
		name = "jailbreak"
	}
	list := a.Classifier.Models()
	for _, m := range list {
		if m.Name == name {
			return m, true
		}
	}
	for _, m := range list {
		if m.Task == name {
			return m, true
		}
	}
	return web.Model{}, false
}

// isJailbreak is the verdict of v by the configured threshold.
func (a *api) isJailbreak(v *router.Verdict) bool {
	switch {
	case v == nil:
		return false
	case a.GuardThreshold > 0:
		return v.Score >= a.GuardThreshold
	}
	return v.Label == "jailbreak"
}

// spans are those of r with a score of at least the threshold, the configured
// one where least is 0.
func (a *api) spans(r router.Reading, least float64) []router.Span {
	if least <= 0 {
		least = a.PIIThreshold
	}
	out := make([]router.Span, 0, len(r.PII))
	for _, s := range r.PII {
		if s.Score >= least {
			out = append(out, s)
		}
	}
	return out
}

// noModel is the answer where no model does what is asked for.
func noModel(task string) *web.Error {
	return &web.Error{Status: 501, Code: "not_supported", Message: "no " + task + " model is loaded"}
}

// classify reads one text and makes sure that the answer has what was asked for.
func (a *api) classify(ctx context.Context, text string, tasks web.Task) (router.Reading, error) {
	r, err := a.Classifier.Classify(ctx, text, tasks)
	switch {
	case err != nil:
		return r, err
	case tasks&web.Intent != 0 && len(r.Intent) == 0:
		return r, noModel("intent")
	case tasks&web.Guard != 0 && r.Guard == nil:
		return r, noModel("jailbreak")
	case tasks&web.PII != 0 && r.PII == nil:
		if _, ok := a.model("pii"); !ok {
			return r, noModel("pii")
		}
	}
	return r, nil
}
