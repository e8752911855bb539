package api

import (
	"encoding/json"
)

// completionParams is a request of completions.
type completionParams struct {
	params
	Prompt   json.RawMessage `json:"prompt"`
	LogProbs *int            `json:"logprobs"`
	Echo     bool            `json:"echo"`
	Suffix   string          `json:"suffix"`
	BestOf   *int            `json:"best_of"`
	Format   *format         `json:"response_format"`
}

var completionNames = append([]string{"prompt", "logprobs", "echo", "suffix", "best_of", "response_format"}, paramNames...)

// shortTokens is how long a completion may be when the request does not say, as
// OpenAI has it.
const shortTokens = 16

func (h *Handler) completion(body []byte) (*job, error) {
	var p completionParams
	if err := decode(body, &p, completionNames); err != nil {
		return nil, err
	}
	m, err := h.find(p.Model)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Echo:
		return nil, unsupported("echo", "a local decoder does not repeat the prompt")
	case p.Suffix != "":
		return nil, unsupported("suffix", "a local decoder does not write in the middle of a text")
	case p.BestOf != nil && *p.BestOf != 1:
		return nil, unsupported("best_of", "a local decoder gives one answer")
	case p.LogProbs != nil && (*p.LogProbs < 0 || *p.LogProbs > maxTop):
		return nil, invalid("logprobs", "want 0 to %d", maxTop)
	}
	if p.MaxTokens == nil {
		n := shortTokens
		p.MaxTokens = &n
	}
	r, err := p.request()
	if err != nil {
		return nil, err
	}
	if p.LogProbs != nil {
		r.LogProbs, r.Top = true, *p.LogProbs
	}
	if r.Prompt, err = m.prompt(p.Prompt); err != nil {
		return nil, err
	}
	m.fit(r)
	if err := m.hold(r, p.Format); err != nil {
		return nil, err
	}
	return &job{m: m, r: r, stream: p.Stream, usage: p.StreamOptions != nil && p.StreamOptions.IncludeUsage, id: "cmpl-"}, nil
}

// prompt is a text, a list of one text, or a list of tokens. A text is the
// model's language: special tokens in it are special.
func (m *model) prompt(raw json.RawMessage) ([]int32, error) {
	var text string
	var texts []string
	var ids []int32
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, invalid("prompt", "is missing")
	case json.Unmarshal(raw, &text) == nil:
	case json.Unmarshal(raw, &texts) == nil:
		if len(texts) != 1 {
			return nil, unsupported("prompt", "a local decoder takes one prompt a request")
		}
		text = texts[0]
	case json.Unmarshal(raw, &ids) == nil:
		return ids, nil
	default:
		return nil, invalid("prompt", "want a text, a list of one text, or a list of tokens")
	}
	start, _ := m.Tokenizer.Template()
	ids, err := m.encode(append(ids, start...), text)
	if err == nil && len(ids) == 0 {
		return nil, invalid("prompt", "is empty")
	}
	return ids, err
}
