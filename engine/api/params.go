package api

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"

	"mom/engine/generate"
	"mom/engine/sample"
)

const (
	// usualTokens is how long an answer may be when the request does not say.
	usualTokens = 1024
	maxStops    = 16
	maxTop      = 20 // alternatives of a token
)

// params are what both kinds of request have.
type params struct {
	Model         string          `json:"model"`
	Stream        bool            `json:"stream"`
	StreamOptions *streamOptions  `json:"stream_options"`
	MaxTokens     *int            `json:"max_tokens"`
	Temperature   *float64        `json:"temperature"`
	TopP          *float64        `json:"top_p"`
	TopK          *int            `json:"top_k"`
	MinP          *float64        `json:"min_p"`
	Repetition    *float64        `json:"repetition_penalty"`
	Seed          *int64          `json:"seed"`
	Stop          stops           `json:"stop"`
	N             *int            `json:"n"`
	Frequency     *float64        `json:"frequency_penalty"`
	Presence      *float64        `json:"presence_penalty"`
	LogitBias     json.RawMessage `json:"logit_bias"`
}

type streamOptions struct {
	IncludeUsage       bool `json:"include_usage"`
	IncludeObfuscation bool `json:"include_obfuscation"`
}

// stops is a text or a list of texts.
type stops []string

func (s *stops) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		if one != "" {
			*s = stops{one}
		}
		return nil
	}
	var many []string
	err := json.Unmarshal(data, &many)
	*s = many
	return err
}

// withoutEffect are fields that say nothing about the answer of a local decoder.
var withoutEffect = []string{"user", "metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention",
	"safety_identifier", "parallel_tool_calls", "tool_choice", "function_call", "reasoning_effort", "verbosity"}

// decode reads a request into fields of kind, a pointer to a struct, and refuses
// fields that are not there.
func decode(body []byte, into any, known []string) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return &Error{Status: 400, Type: "invalid_request_error", Code: "invalid_json", Message: "the body is not a JSON object"}
	}
	for key, v := range all {
		if !slices.Contains(known, key) && !slices.Contains(withoutEffect, key) && string(v) != "null" {
			return unsupported(key, "a local decoder does not have this parameter")
		}
	}
	if err := json.Unmarshal(body, into); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return invalid(wrong.Field, "a value of another type is expected")
		}
		return &Error{Status: 400, Type: "invalid_request_error", Code: "invalid_type", Message: "a parameter has a value of another type than is expected"}
	}
	return nil
}

var paramNames = []string{"model", "stream", "stream_options", "max_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty",
	"seed", "stop", "n", "frequency_penalty", "presence_penalty", "logit_bias"}

// request makes what the decoder is asked, without its prompt.
func (p *params) request() (*generate.Request, error) {
	value := func(f *float64, usual float64) float64 {
		if f == nil {
			return usual
		}
		return *f
	}
	switch {
	case p.N != nil && *p.N != 1:
		return nil, unsupported("n", "a local decoder gives one answer")
	case value(p.Frequency, 0) != 0:
		return nil, unsupported("frequency_penalty", "a local decoder does not have this parameter; repetition_penalty it has")
	case value(p.Presence, 0) != 0:
		return nil, unsupported("presence_penalty", "a local decoder does not have this parameter; repetition_penalty it has")
	case len(p.LogitBias) > 0 && !slices.Contains([]string{"null", "{}"}, string(p.LogitBias)):
		return nil, unsupported("logit_bias", "a local decoder does not have this parameter")
	case len(p.Stop) > maxStops:
		return nil, invalid("stop", "want %d texts at most", maxStops)
	}
	r := &generate.Request{MaxTokens: usualTokens, Stop: p.Stop, Params: sample.Params{
		Temperature: value(p.Temperature, 1), TopP: value(p.TopP, 1), MinP: value(p.MinP, 0),
		RepetitionPenalty: value(p.Repetition, 1), Seed: rand.Uint64(),
	}}
	if p.MaxTokens != nil {
		r.MaxTokens = *p.MaxTokens
	}
	if p.TopK != nil {
		r.TopK = max(*p.TopK, 0) // -1 is all too
	}
	if p.Seed != nil {
		r.Seed = uint64(*p.Seed)
	}
	if r.MaxTokens < 1 {
		return nil, invalid("max_tokens", "want 1 or more")
	}
	if err := r.Params.Check(); err != nil {
		return nil, &Error{Status: 400, Type: "invalid_request_error", Code: "invalid_value", Message: strings.TrimPrefix(err.Error(), "sample: ")}
	}
	return r, nil
}

// fit shortens an answer to what the model's positions leave, as far as the
// client has not said how long it may be.
func (m *model) fit(r *generate.Request) {
	if rest := m.Info().MaxTokens - len(r.Prompt); rest > 0 {
		r.MaxTokens = min(r.MaxTokens, rest)
	}
}
