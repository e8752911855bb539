package protocol

import "mom/router"

// A ModerationResult is what was found in one side of an exchange: the prompt or
// the answer.
type ModerationResult struct {
	Model   string             // that judged
	Flagged map[string]bool    // by category: jailbreak, pii/EMAIL_ADDRESS, ...
	Scores  map[string]float64 // by category
	Error   string             // why there is no result; "" when there is one
}

// Judge is the result for the readings of a side's texts. A category is flagged
// by the guard's own label, or when its kind of personal data is there.
func Judge(model string, s router.Signals) ModerationResult {
	m := ModerationResult{Model: model, Flagged: map[string]bool{}, Scores: map[string]float64{}}
	if s.Guard != nil {
		m.Flagged["jailbreak"] = s.Guard.Label == "jailbreak"
		m.Scores["jailbreak"] = s.Guard.Score
	}
	for _, span := range s.PII {
		name := "pii/" + span.Type
		m.Flagged[name] = true
		m.Scores[name] = max(m.Scores[name], span.Score)
	}
	return m
}

type moderationBody struct {
	Type       string              `json:"type"`
	Model      string              `json:"model"`
	Flagged    bool                `json:"flagged"`
	Categories map[string]bool     `json:"categories"`
	Scores     map[string]float64  `json:"category_scores"`
	Inputs     map[string][]string `json:"category_applied_input_types"`
}

type moderationError struct {
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

type moderationList struct {
	Type    string           `json:"type"`
	Model   string           `json:"model"`
	Results []moderationBody `json:"results"`
}

// side is one side of the member "moderation": chat wants a list of results, the
// responses API one.
func (m ModerationResult) side(kind Kind) any {
	if m.Error != "" {
		return moderationError{"error", "moderation_failed", m.Error}
	}
	b := moderationBody{Type: "moderation_result", Model: m.Model, Categories: map[string]bool{}, Scores: map[string]float64{}, Inputs: map[string][]string{}}
	for name, flagged := range m.Flagged {
		b.Flagged = b.Flagged || flagged
		b.Categories[name] = flagged
		b.Scores[name] = m.Scores[name]
		b.Inputs[name] = []string{"text"}
	}
	if kind == Responses {
		return b
	}
	return moderationList{"moderation_results", m.Model, []moderationBody{b}}
}

// Moderation is the JSON for the member "moderation" of an answer of the kind,
// Chat or Responses.
func Moderation(kind Kind, input, output ModerationResult) string {
	return marshal(struct {
		Input  any `json:"input"`
		Output any `json:"output"`
	}{input.side(kind), output.side(kind)})
}
