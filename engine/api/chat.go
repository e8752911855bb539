package api

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"mom/engine/chat"
	"mom/engine/chat/jinja"
	"mom/engine/generate"
)

// chatParams is a request of chat/completions.
type chatParams struct {
	params
	Messages      []map[string]json.RawMessage `json:"messages"`
	MaxCompletion *int                         `json:"max_completion_tokens"`
	LogProbs      bool                         `json:"logprobs"`
	TopLogProbs   int                          `json:"top_logprobs"`
	Format        *format                      `json:"response_format"`
	Tools         []json.RawMessage            `json:"tools"`
	Functions     []json.RawMessage            `json:"functions"`
	Modalities    []string                     `json:"modalities"`
	Template      json.RawMessage              `json:"chat_template_kwargs"`
}

type format struct {
	Type   string `json:"type"`
	Schema *struct {
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

var chatNames = append([]string{"messages", "max_completion_tokens", "logprobs", "top_logprobs", "response_format", "tools", "functions",
	"modalities", "chat_template_kwargs"}, paramNames...)

// anyObject is the schema of response_format json_object.
const anyObject = `{"type":"object"}`

func (h *Handler) chat(body []byte) (*job, error) {
	var p chatParams
	if err := decode(body, &p, chatNames); err != nil {
		return nil, err
	}
	m, err := h.find(p.Model)
	if err != nil {
		return nil, err
	}
	switch {
	case len(p.Tools)+len(p.Functions) > 0:
		return nil, unsupported("tools", "a local decoder calls no tools")
	case len(p.Modalities) > 0 && !slices.Equal(p.Modalities, []string{"text"}):
		return nil, unsupported("modalities", "a local decoder writes text only")
	case p.TopLogProbs != 0 && !p.LogProbs:
		return nil, invalid("top_logprobs", "needs logprobs")
	case p.TopLogProbs < 0 || p.TopLogProbs > maxTop:
		return nil, invalid("top_logprobs", "want 0 to %d", maxTop)
	}
	if p.MaxCompletion != nil {
		p.MaxTokens = p.MaxCompletion
	}
	r, err := p.request()
	if err != nil {
		return nil, err
	}
	r.LogProbs, r.Top = p.LogProbs, p.TopLogProbs
	if r.Prompt, err = m.conversation(p.Messages, p.Template); err != nil {
		return nil, err
	}
	m.fit(r)
	if err := m.hold(r, p.Format); err != nil {
		return nil, err
	}
	return &job{m: m, r: r, chat: true, stream: p.Stream, usage: p.StreamOptions != nil && p.StreamOptions.IncludeUsage,
		id: "chatcmpl-"}, nil
}

// hold constrains an answer to the form that is asked for.
func (m *model) hold(r *generate.Request, f *format) error {
	if f == nil || f.Type == "text" {
		return nil
	}
	schema := []byte(anyObject)
	switch f.Type {
	case "json_object":
	case "json_schema":
		if f.Schema == nil || len(f.Schema.Schema) == 0 {
			return invalid("response_format.json_schema.schema", "is missing")
		}
		schema = f.Schema.Schema
	default:
		return invalid("response_format.type", "want text, json_object or json_schema")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, schema); err != nil {
		return invalid("response_format.json_schema.schema", "is not JSON")
	}
	b, err := m.form(compact.Bytes())
	if err == nil {
		r.Constraint = b.Start()
	}
	return err
}

// conversation makes the prompt of messages by the model's chat template.
func (m *model) conversation(messages []map[string]json.RawMessage, variables json.RawMessage) ([]int32, error) {
	t, err := m.Template()
	if err != nil {
		return nil, &Error{Status: 400, Type: "invalid_request_error", Param: "model", Code: "unsupported_endpoint",
			Message: "this decoder has no chat template; ask it by /v1/completions"}
	}
	// A mark within each special token that a text writes, so that it is none.
	mark := "\ue000" + rand.Text() + "\ue001"
	for i, msg := range messages {
		content, err := contentOf(msg["content"])
		if err != nil {
			return nil, invalid("messages", "number %d: %v", i+1, err)
		}
		if content != nil {
			msg["content"] = quote(*content)
		}
		for key, raw := range msg {
			msg[key] = m.disarm(raw, mark)
		}
		if string(msg["role"]) == `"developer"` {
			msg["role"] = json.RawMessage(`"system"`)
		}
	}
	list, err := json.Marshal(messages)
	if err != nil {
		return nil, invalid("messages", "want a list of objects")
	}
	text, err := t.Render(nil, &chat.Request{Messages: list, Variables: m.disarm(variables, mark), GenerationPrompt: true, DecodeArguments: true})
	var input *chat.InputError
	var template *jinja.Error
	switch {
	case errors.As(err, &input):
		return nil, invalid(input.Field, "%s", input.Reason)
	case errors.As(err, &template):
		return nil, invalid("messages", "the model's chat template cannot print them: %v", template)
	case err != nil:
		return nil, err
	}
	var ids []int32
	for part := range strings.SplitSeq(string(text), mark) {
		if ids, err = m.encode(ids, part); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// disarm breaks the special tokens in all texts of a JSON value by a mark. A
// value without any stays as it is.
func (m *model) disarm(raw json.RawMessage, mark string) json.RawMessage {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw
	}
	changed := false
	v = walk(v, func(text string) string {
		for _, s := range m.special {
			if len(s) > 1 && strings.Contains(text, s) {
				_, first := utf8.DecodeRuneInString(s)
				text, changed = strings.ReplaceAll(text, s, s[:first]+mark+s[first:]), true
			}
		}
		return text
	})
	if !changed {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		panic("BUG: api: " + err.Error())
	}
	return out
}

// walk replaces the texts of a JSON value, keys included.
func walk(v any, f func(string) string) any {
	switch x := v.(type) {
	case string:
		return f(x)
	case []any:
		for i := range x {
			x[i] = walk(x[i], f)
		}
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, y := range x {
			out[f(k)] = walk(y, f)
		}
		return out
	}
	return v
}

func quote(s string) json.RawMessage {
	data, err := json.Marshal(s)
	if err != nil {
		panic("BUG: api: " + err.Error())
	}
	return data
}

var errContent = errors.New("content is a text, or a list of parts of type text")

// contentOf is a message's text; nil if it has none.
func contentOf(raw json.RawMessage) (*string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return &text, nil
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return nil, errContent
	}
	for _, p := range parts {
		if p.Type != "text" || p.Text == nil {
			return nil, errContent
		}
		text += *p.Text
	}
	return &text, nil
}
