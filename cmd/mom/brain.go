package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"mom/engine"
	"mom/models"
	"mom/router"
	"mom/server/web"
	"mom/tokenizer"
	"mom/weights"
)

// brain makes an engine the classifier of the server.
type brain struct {
	e         *engine.Engine
	maxTokens int
	results   sync.Pool // of *engine.Result
	encodings sync.Pool // of *tokenizer.Encoding
}

// openBrain opens the model of f; a text may have maxTokens tokens.
func openBrain(f *modelFlags, maxTokens int) (*brain, error) {
	f.MaxTokens = maxTokens
	e, err := f.openClassifier()
	if err != nil {
		return nil, err
	}
	b := &brain{e: e, maxTokens: maxTokens}
	b.results.New = func() any { return new(engine.Result) }
	b.encodings.New = func() any { return new(tokenizer.Encoding) }
	return b, nil
}

func (b *brain) Close() { b.e.Close() }

// Classify runs every head: they share the pass through the trunk, which is
// nearly all of the work.
func (b *brain) Classify(ctx context.Context, text string, _ web.Task) (router.Reading, error) {
	r := b.results.Get().(*engine.Result)
	defer b.results.Put(r)
	if err := b.e.Classify(ctx, text, r); err != nil {
		return router.Reading{}, refusal(err)
	}
	return reading(r), nil
}

// reading copies what r says, whose memory is used again.
func reading(r *engine.Result) router.Reading {
	out := router.Reading{Tokens: r.Tokens, Windows: r.Windows}
	if h := r.Head("intent"); h != nil {
		out.Intent = make([]router.Category, len(h.Scores))
		for i, p := range h.Scores {
			out.Intent[i] = router.Category{Name: h.Head.Labels[i], P: float64(p)}
		}
		byProbability(out.Intent)
	}
	if h := r.Head("jailbreak"); h != nil && len(h.Scores) == 2 {
		out.Guard = &router.Verdict{Score: float64(h.Scores[1]), Label: label(h), Window: h.Window, View: h.View}
	}
	if h := r.Head("pii"); h != nil {
		out.PII = make([]router.Span, len(h.Spans))
		for i, s := range h.Spans {
			out.PII[i] = router.Span{Start: s.Start, End: s.End, Type: s.Label, Score: float64(s.Score), By: s.By.String()}
		}
	}
	return out
}

// byProbability sorts categories, the most probable first.
func byProbability(list []router.Category) {
	slices.SortStableFunc(list, func(a, b router.Category) int { return cmp.Compare(b.P, a.P) })
}

func (b *brain) Embed(ctx context.Context, text string, dst []float32) ([]float32, error) {
	out, err := b.e.Embed(ctx, text, dst)
	return out, refusal(err)
}

func (b *brain) Tokenize(text string, special bool) ([]web.Token, error) {
	enc := b.encodings.Get().(*tokenizer.Encoding)
	defer b.encodings.Put(enc)
	t := b.e.Tokenizer()
	if err := t.Encode(enc, text); err != nil {
		return nil, web.Invalid("", "the text cannot be read as tokens")
	}
	var tokens []web.Token
	around := func(ids []int32, at int) {
		for _, id := range ids {
			tokens = append(tokens, web.Token{ID: id, Text: t.Token(id), Special: true, Start: at, End: at})
		}
	}
	prefix, suffix := t.Template()
	if special {
		around(prefix, 0)
	}
	for i, id := range enc.IDs {
		s := enc.Offsets[i]
		tokens = append(tokens, web.Token{ID: id, Text: t.Token(id), Start: s.Start, End: s.End})
	}
	if special {
		around(suffix, len(text))
	}
	return tokens, nil
}

// Decode is the text of tokens.
func (b *brain) Decode(ids []int32, skipSpecial bool) (string, error) {
	for _, id := range ids {
		if id < 0 || int(id) >= b.e.Tokenizer().VocabSize() {
			return "", web.Invalid("", "a token's id is outside the vocabulary")
		}
	}
	return b.e.Tokenizer().Decode(ids, skipSpecial), nil
}

// Models lists the heads and the trunk's embedding.
func (b *brain) Models() []web.Model {
	base := web.Model{
		Precision: b.e.Precision().String(), Hidden: b.e.Info().Hidden,
		MaxTokens: b.maxTokens, Window: b.e.Window().Tokens,
	}
	switch b.e.Name {
	case weights.Default:
		base.Language = "en"
	case largerEncoder:
		base.Language = "multilingual"
	}
	var list []web.Model
	for _, h := range b.e.Heads() {
		m := base
		m.Name, m.Task, m.Labels = h.Name, h.Function, h.Labels
		if m.Name == "" {
			m.Name = b.e.Name
		}
		if m.Task == "" {
			m.Task = h.Task.String()
		}
		if h.Task == models.Token {
			m.Labels = spanLabels(h.Labels)
		}
		list = append(list, m)
	}
	base.Name, base.Task = b.e.Name, "embedding"
	return append(list, base)
}

// spanLabels are the types that B- and I- labels stand for.
func spanLabels(labels []string) []string {
	var types []string
	for _, l := range labels {
		if len(l) > 2 && l[1] == '-' {
			l = l[2:]
		}
		if l != "O" && !slices.Contains(types, l) {
			types = append(types, l)
		}
	}
	return types
}

// refusal gives a fault of the text its status.
func refusal(err error) error {
	var q *engine.RequestError
	if !errors.As(err, &q) {
		return err
	}
	switch q.Kind {
	case engine.TooLong:
		return &web.Error{Status: 413, Code: "text_too_long", Message: q.Reason}
	case engine.Unsupported:
		return &web.Error{Status: 501, Code: "not_supported", Message: q.Reason}
	}
	return &web.Error{Status: 400, Code: "tokenizer", Message: "the text cannot be read as tokens", Cause: err}
}
