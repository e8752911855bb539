package compat

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

// vllmRoutes is vLLM's classification API with the tokenizer routes beside it.
func (a *api) vllmRoutes() []web.Route {
	r := func(method, path, summary string, h func(*fasthttp.RequestCtx) (any, error), request, response any) web.Route {
		return web.Route{
			Method: method, Path: path, Summary: summary, Dialect: web.OpenAI, Request: request, Response: response,
			Handle: func(ctx *fasthttp.RequestCtx) {
				v, err := h(ctx)
				if err != nil {
					web.WriteError(ctx, web.OpenAI, err)
					return
				}
				web.WriteJSON(ctx, 200, v)
			},
		}
	}
	return []web.Route{
		r(post, "/classify", "Scores of a classifier, in the order of its labels", a.vllmClassify, classifyRequest{}, classifyAnswer{}),
		r(post, "/detokenize", "The text of tokens", a.vllmDetokenize, detokenizeRequest{}, detokenizeAnswer{}),
	}
}

type classifyRequest struct {
	Model      string        `json:"model,omitempty"` // name or task of a classifier; the intent model when absent
	Input      *input        `json:"input,omitempty"`
	Messages   []chatMessage `json:"messages,omitempty"` // instead of input: their texts are read as one
	Truncate   *int          `json:"truncate_prompt_tokens,omitempty"`
	Activation *bool         `json:"use_activation,omitempty"` // false: logarithms instead of probabilities
	User       string        `json:"user,omitempty"`
	RequestID  string        `json:"request_id,omitempty"`
}

type classifyAnswer struct {
	ID      string         `json:"id"`
	Object  string         `json:"object"`
	Created int64          `json:"created"`
	Model   string         `json:"model"`
	Data    []classifyData `json:"data"`
	Usage   classifyUsage  `json:"usage"`
}

type classifyData struct {
	Index   int       `json:"index"`
	Label   string    `json:"label"`
	Probs   []float32 `json:"probs"`
	Classes int       `json:"num_classes"`
}

type classifyUsage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Total      int64 `json:"total_tokens"`
	Completion int64 `json:"completion_tokens"`
	Details    any   `json:"prompt_tokens_details"`
}

// texts are what q asks about.
func (q *classifyRequest) texts(a *api, m web.Model) ([]string, error) {
	var list []string
	switch {
	case q.Input != nil && q.Messages != nil:
		return nil, web.Invalid("input", "both input and messages: give one of them")
	case q.Input != nil:
		var err error
		if list, err = a.read(*q.Input); err != nil {
			return nil, err
		}
	default:
		var all []string
		for _, msg := range q.Messages {
			all = append(all, string(msg.Content))
		}
		list = []string{strings.Join(all, "\n")}
	}
	if len(list) == 0 || len(list) > a.MaxBatch {
		return nil, web.Invalid("input", fmt.Sprintf("input: want 1 to %d texts, not %d", a.MaxBatch, len(list)))
	}
	for i, t := range list {
		if t == "" {
			return nil, web.Invalid("input", "input: a text is empty")
		}
		if q.Truncate == nil {
			continue
		}
		most := *q.Truncate
		if most < -1 || most == 0 {
			return nil, web.Invalid("truncate_prompt_tokens", "truncate_prompt_tokens: want 1 or more, or -1 for what the model reads")
		}
		if most == -1 {
			most = m.MaxTokens
		}
		cut, err := a.cut(t, most, "")
		if err != nil {
			return nil, err
		}
		list[i] = cut
	}
	return list, nil
}

// classifier is the model of whole texts that name asks for.
func (a *api) classifier(name string) (web.Model, error) {
	if name == "" || name == "auto" {
		name = a.Predict
	}
	m, ok := a.model(name)
	if !ok || m.Task != "intent" && m.Task != "jailbreak" {
		var names []string
		for _, m := range a.Classifier.Models() {
			if m.Task == "intent" || m.Task == "jailbreak" {
				names = append(names, m.Name)
			}
		}
		return m, &web.Error{Status: 404, Param: "model", Code: "model_not_found", Message: "no such classifier; there are " + strings.Join(names, ", ")}
	}
	return m, nil
}

func (a *api) vllmClassify(ctx *fasthttp.RequestCtx) (any, error) {
	var q classifyRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	if q.Input == nil && len(q.Messages) == 0 {
		return nil, web.Invalid("input", "input: is missing")
	}
	m, err := a.classifier(q.Model)
	if err != nil {
		return nil, err
	}
	list, err := q.texts(a, m)
	if err != nil {
		return nil, err
	}
	out := &classifyAnswer{ID: "classify-" + strings.ToLower(rand.Text()), Object: "list", Created: time.Now().Unix(), Model: m.Name, Data: make([]classifyData, len(list))}
	if q.RequestID != "" {
		out.ID = "classify-" + q.RequestID
	}
	var tokens counter
	err = a.each(web.Context(ctx), len(list), func(ctx context.Context, i int) error {
		scores, n, err := a.scores(ctx, m, list[i])
		if err != nil {
			return err
		}
		tokens.add(n)
		d := classifyData{Index: i, Classes: len(scores)}
		best := slices.MaxFunc(scores, func(x, y prediction) int { return cmp.Compare(x.Score, y.Score) })
		d.Label = best.Label
		if q.Activation != nil && !*q.Activation {
			logits(scores)
		}
		for _, s := range scores {
			d.Probs = append(d.Probs, s.Score)
		}
		out.Data[i] = d
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Usage.Prompt = tokens.n.Load()
	out.Usage.Total = out.Usage.Prompt
	return out, nil
}

type vllmTokens struct {
	Count   int      `json:"count"`
	Max     int      `json:"max_model_len"`
	Tokens  []int32  `json:"tokens"`
	Strings []string `json:"token_strs"`
}

// vllmTokenize is vLLM's form of POST /tokenize.
func (a *api) vllmTokenize(q *tokenizeRequest, special bool) (any, error) {
	var text string
	switch {
	case q.Prompt != nil && q.Messages != nil:
		return nil, web.Invalid("prompt", "both prompt and messages: give one of them")
	case q.Prompt != nil:
		text = *q.Prompt
	default:
		var all []string
		for _, m := range q.Messages {
			all = append(all, string(m.Content))
		}
		text = strings.Join(all, "\n")
	}
	tokens, err := a.Classifier.Tokenize(text, special)
	if err != nil {
		return nil, tokenizerFault(err)
	}
	out := &vllmTokens{Count: len(tokens), Tokens: make([]int32, len(tokens))}
	if list := a.Classifier.Models(); len(list) > 0 {
		out.Max = list[0].MaxTokens
	}
	for i, t := range tokens {
		out.Tokens[i] = t.ID
		if q.Strings {
			out.Strings = append(out.Strings, t.Text)
		}
	}
	return out, nil
}

type detokenizeRequest struct {
	Model  string  `json:"model,omitempty"`
	Tokens []int32 `json:"tokens"`
}

type detokenizeAnswer struct {
	Prompt string `json:"prompt"`
}

func (a *api) vllmDetokenize(ctx *fasthttp.RequestCtx) (any, error) {
	var q detokenizeRequest
	if err := web.ReadJSON(ctx, &q); err != nil {
		return nil, err
	}
	text, err := a.decode(q.Tokens, false)
	if err != nil {
		return nil, err
	}
	return &detokenizeAnswer{text}, nil
}
