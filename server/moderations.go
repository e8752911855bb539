package server

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"mom/router"
	"mom/server/web"
)

// moderationRequest is POST /v1/moderations.
type moderationRequest struct {
	Model string          `json:"model,omitempty"`
	Input moderationInput `json:"input"`
}

type moderationAnswer struct {
	ID      string             `json:"id"`
	Model   string             `json:"model"`
	Results []moderationResult `json:"results"`
}

// moderationResult has the categories of the protocol, which no model here
// judges, and those of the guard: jailbreak, and pii/TYPE. For a category that
// was not judged category_applied_input_types is empty.
type moderationResult struct {
	Flagged    bool                `json:"flagged"`
	Categories map[string]bool     `json:"categories"`
	Scores     map[string]float64  `json:"category_scores"`
	Applied    map[string][]string `json:"category_applied_input_types"`
}

// foreignCategories must be present by the protocol.
func foreignCategories() []string {
	return []string{
		"hate", "hate/threatening", "harassment", "harassment/threatening", "illicit", "illicit/violent",
		"self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
	}
}

// moderationInput is a text, several, or the text parts of one.
type moderationInput struct {
	texts
	one bool // the texts are parts of one input
}

// UnmarshalJSON takes the three forms of the protocol; images are refused.
func (m *moderationInput) UnmarshalJSON(data []byte) error {
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if !strings.HasPrefix(strings.TrimLeft(strings.TrimPrefix(string(data), "["), " \t\r\n"), "{") {
		return m.texts.UnmarshalJSON(data)
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return web.Invalid("input", "input: want a string, an array of strings, or an array of {type, text}")
	}
	for i, p := range parts {
		switch {
		case p.Type == "text" && p.Text != nil:
			m.texts = append(m.texts, *p.Text)
		case p.Type == "image_url":
			return web.Invalid(fmt.Sprintf("input[%d]", i), "input: images cannot be judged here; send text")
		default:
			return web.Invalid(fmt.Sprintf("input[%d]", i), `input: want {"type":"text","text":"…"}`)
		}
	}
	m.one = true
	return nil
}

func (s *Server) handleModerations(ctx *fasthttp.RequestCtx) {
	x := exchangeOf(ctx)
	var q moderationRequest
	err := web.ReadJSON(ctx, &q)
	if err == nil && len(q.Input.texts) == 0 {
		err = web.Invalid("input", "input: is missing")
	}
	if err != nil {
		web.WriteError(ctx, web.OpenAI, err)
		return
	}
	parts := make([]router.Part, len(q.Input.texts))
	for i, t := range q.Input.texts {
		parts[i] = router.Part{Role: "user", Text: t}
	}
	if err := s.read(x, parts, web.Guard|web.PII); err != nil {
		web.WriteError(ctx, web.OpenAI, x.reason(err))
		return
	}
	answer := moderationAnswer{ID: "modr-" + rand.Text(), Model: s.guardName()}
	for _, p := range parts {
		r := judge(&p.Reading)
		if q.Input.one && len(answer.Results) > 0 {
			answer.Results[0].merge(r)
			continue
		}
		answer.Results = append(answer.Results, r)
	}
	web.WriteJSON(ctx, 200, answer)
}

// guardName is what a verdict says it is by.
func (s *Server) guardName() string {
	for _, m := range s.classifier.Models() {
		if m.Task == "jailbreak" {
			return m.Name
		}
	}
	return "mom"
}

// judge is the verdict on one text by the models' own thresholds.
func judge(r *router.Reading) moderationResult {
	m := moderationResult{Categories: map[string]bool{}, Scores: map[string]float64{}, Applied: map[string][]string{}}
	for _, c := range foreignCategories() {
		m.Categories[c], m.Scores[c], m.Applied[c] = false, 0, []string{}
	}
	text := []string{"text"}
	if r.Guard != nil {
		m.Categories["jailbreak"] = r.Guard.Label == "jailbreak"
		m.Scores["jailbreak"], m.Applied["jailbreak"] = r.Guard.Score, text
	}
	if r.PII != nil {
		m.Categories["pii"], m.Applied["pii"] = len(r.PII) > 0, text
		m.Scores["pii"] = 0
	}
	for _, s := range r.PII {
		for _, c := range []string{"pii", "pii/" + s.Type} {
			m.Categories[c], m.Applied[c] = true, text
			m.Scores[c] = max(m.Scores[c], s.Score)
		}
	}
	for _, yes := range m.Categories {
		m.Flagged = m.Flagged || yes
	}
	return m
}

// merge makes m the verdict on two parts of one input.
func (m *moderationResult) merge(o moderationResult) {
	m.Flagged = m.Flagged || o.Flagged
	for c, yes := range o.Categories {
		m.Categories[c] = m.Categories[c] || yes
		m.Scores[c] = max(m.Scores[c], o.Scores[c])
		if len(o.Applied[c]) > 0 || m.Applied[c] == nil {
			m.Applied[c] = o.Applied[c]
		}
	}
}
