package protocol

import (
	"encoding/json"
)

type chatPart struct {
	Type     string    `json:"type"`
	Text     *string   `json:"text,omitempty"`
	ImageURL *imageURL `json:"image_url,omitempty"`
	File     *fileData `json:"file,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

type fileData struct {
	Data string `json:"file_data"`
	Name string `json:"filename"`
}

type functionCall struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

type toolCall struct {
	Index    *int         `json:"index,omitempty"` // in streams
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"`
	Function functionCall `json:"function"`
}

type chatMessage struct {
	Role       string     `json:"role"`
	Content    any        `json:"content"` // a string, parts or null
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`
	ToolCallID string     `json:"tool_call_id,omitempty"`
}

type chatTool struct {
	Type     string       `json:"type"`
	Function chatFunction `json:"function"`
}

type chatFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      bool            `json:"strict,omitempty"`
}

type chatRequest struct {
	Model             string          `json:"model"`
	Messages          []chatMessage   `json:"messages"`
	MaxTokens         int             `json:"max_completion_tokens,omitempty"`
	Stream            bool            `json:"stream,omitempty"`
	StreamOptions     *streamOptions  `json:"stream_options,omitempty"`
	Temperature       json.RawMessage `json:"temperature,omitempty"`
	TopP              json.RawMessage `json:"top_p,omitempty"`
	Stop              []string        `json:"stop,omitempty"`
	Tools             []chatTool      `json:"tools,omitempty"`
	ToolChoice        any             `json:"tool_choice,omitempty"`
	ParallelToolCalls *bool           `json:"parallel_tool_calls,omitempty"`
	ReasoningEffort   string          `json:"reasoning_effort,omitempty"`
	ResponseFormat    any             `json:"response_format,omitempty"`
	User              string          `json:"user,omitempty"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// messagesToChat writes a request of Anthropic's messages as one for chat. What
// has no effect on the answer's text is left out: metadata but for the user,
// hints for caches, service_tier. So is "thinking", a permission that models of
// this protocol do not need, and what the model thought before.
func messagesToChat(r *Request) ([]byte, error) {
	t := &translation{document: &r.doc, protocol: "OpenAI"}
	out := chatRequest{Model: r.Model, MaxTokens: r.MaxTokens, Stream: r.Stream}
	if r.Stream {
		out.StreamOptions = &streamOptions{true}
	}
	if s := t.find(0, "system"); !t.null(s) {
		out.Messages = append(out.Messages, chatMessage{Role: "system", Content: t.parts(t.texts(s))})
	}
	for k := int32(1); k < t.nodes[0].next && t.err == nil; k = t.nodes[k+1].next {
		v := k + 1
		if t.null(v) {
			continue
		}
		switch t.str(k) {
		case "model", "max_tokens", "stream", "system", "thinking", "service_tier", "cache_control", "betas":
		case "messages":
			for m := v + 1; m < t.nodes[v].next && t.err == nil; m = t.nodes[m].next {
				t.chatMessages(m, &out)
			}
		case "temperature":
			out.Temperature = json.RawMessage(t.raw(v))
		case "top_p":
			out.TopP = json.RawMessage(t.raw(v))
		case "stop_sequences":
			for i := v + 1; i < t.nodes[v].next; i = t.nodes[i].next {
				out.Stop = append(out.Stop, t.str(i))
			}
			if len(out.Stop) > 4 {
				t.no(v, "more than 4 are not supported")
			}
		case "tools":
			out.Tools = t.chatTools(v)
		case "tool_choice":
			t.chatChoice(v, &out)
		case "metadata":
			out.User = t.strOf(t.find(v, "user_id"))
		case "output_config":
			out.ReasoningEffort = t.strOf(t.find(v, "effort"))
			if f := t.find(v, "format"); !t.null(f) {
				out.ResponseFormat = t.chatFormat(f)
			}
		case "output_format":
			out.ResponseFormat = t.chatFormat(v)
		default:
			t.no(v, "this parameter is not supported")
		}
	}
	if t.err != nil {
		return nil, t.err
	}
	return []byte(marshal(&out)), nil
}

// texts are the parts of a string or of text blocks.
func (t *translation) texts(v int32) (out []chatPart) {
	if t.is(v, text) {
		s := t.str(v)
		return []chatPart{{Type: "text", Text: &s}}
	}
	for b := v + 1; t.is(v, array) && b < t.nodes[v].next; b = t.nodes[b].next {
		if t.strOf(t.find(b, "type")) != "text" {
			t.no(b, "only blocks of type \"text\" are supported here")
			return nil
		}
		s := t.strOf(t.find(b, "text"))
		out = append(out, chatPart{Type: "text", Text: &s})
	}
	return out
}

// parts is the content of a message: a string when it is one text.
func (t *translation) parts(parts []chatPart) any {
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) == 1 && parts[0].Type == "text":
		return *parts[0].Text
	}
	return parts
}

// chatMessages adds the messages that a turn becomes: results of tools are
// messages of their own, before what else the user says.
func (t *translation) chatMessages(m int32, out *chatRequest) {
	role, content := t.strOf(t.find(m, "role")), t.find(m, "content")
	msg := chatMessage{Role: role}
	if t.is(content, text) {
		msg.Content = t.str(content)
		out.Messages = append(out.Messages, msg)
		return
	}
	var parts []chatPart
	for b := content + 1; b < t.nodes[content].next && t.err == nil; b = t.nodes[b].next {
		switch kind := t.strOf(t.find(b, "type")); {
		case kind == "text":
			s := t.strOf(t.find(b, "text"))
			parts = append(parts, chatPart{Type: "text", Text: &s})
		case kind == "image" && role == "user":
			parts = append(parts, chatPart{Type: "image_url", ImageURL: &imageURL{t.imageURL(b)}})
		case kind == "document" && role == "user":
			parts = append(parts, t.documentPart(b))
		case kind == "tool_result" && role == "user":
			result := t.find(b, "content")
			tool := chatMessage{Role: "tool", ToolCallID: t.strOf(t.find(b, "tool_use_id")), Content: ""}
			if !t.null(result) {
				if c := t.parts(t.texts(result)); c != nil {
					tool.Content = c
				}
			}
			out.Messages = append(out.Messages, tool)
		case kind == "tool_use" && role == "assistant":
			input := "{}"
			if v := t.find(b, "input"); t.is(v, object) {
				input = t.raw(v)
			}
			msg.ToolCalls = append(msg.ToolCalls, toolCall{ID: t.strOf(t.find(b, "id")), Type: "function", Function: functionCall{t.strOf(t.find(b, "name")), input}})
		case kind == "thinking" || kind == "redacted_thinking":
		default:
			t.no(b, "content blocks of this type are not supported")
		}
	}
	if msg.Content = t.parts(parts); msg.Content != nil || msg.ToolCalls != nil {
		out.Messages = append(out.Messages, msg)
	}
}

func (t *translation) imageURL(b int32) string {
	s := t.find(b, "source")
	switch t.strOf(t.find(s, "type")) {
	case "base64":
		return "data:" + t.strOf(t.find(s, "media_type")) + ";base64," + t.strOf(t.find(s, "data"))
	case "url":
		return t.strOf(t.find(s, "url"))
	}
	t.no(b, "pictures are supported in base64 and by URL only")
	return ""
}

func (t *translation) documentPart(b int32) chatPart {
	s := t.find(b, "source")
	title := t.strOf(t.find(b, "title"))
	switch t.strOf(t.find(s, "type")) {
	case "text":
		data := t.strOf(t.find(s, "data"))
		if title != "" {
			data = title + "\n\n" + data
		}
		return chatPart{Type: "text", Text: &data}
	case "base64":
		if title == "" {
			title = "document.pdf"
		}
		return chatPart{Type: "file", File: &fileData{"data:" + t.strOf(t.find(s, "media_type")) + ";base64," + t.strOf(t.find(s, "data")), title}}
	}
	t.no(b, "documents are supported as text and in base64 only")
	return chatPart{}
}

func (t *translation) chatTools(v int32) (out []chatTool) {
	for i := v + 1; i < t.nodes[v].next; i = t.nodes[i].next {
		if kind := t.strOf(t.find(i, "type")); kind != "" && kind != "custom" {
			t.no(i, "tools that run at Anthropic are not supported")
			return nil
		}
		f := chatFunction{Name: t.strOf(t.find(i, "name")), Description: t.strOf(t.find(i, "description")), Strict: t.isTrue(t.find(i, "strict"))}
		if s := t.find(i, "input_schema"); t.is(s, object) {
			f.Parameters = json.RawMessage(t.raw(s))
		}
		out = append(out, chatTool{"function", f})
	}
	return out
}

func (t *translation) chatChoice(v int32, out *chatRequest) {
	switch t.strOf(t.find(v, "type")) {
	case "auto":
		out.ToolChoice = "auto"
	case "any":
		out.ToolChoice = "required"
	case "none":
		out.ToolChoice = "none"
	case "tool":
		out.ToolChoice = map[string]any{"type": "function", "function": map[string]any{"name": t.strOf(t.find(v, "name"))}}
	default:
		t.no(v, "this choice of tools is not supported; \"auto\", \"any\", \"none\" and \"tool\" are")
	}
	if t.isTrue(t.find(v, "disable_parallel_tool_use")) {
		out.ParallelToolCalls = new(bool)
	}
}

func (t *translation) chatFormat(v int32) any {
	schema := t.find(v, "schema")
	if t.strOf(t.find(v, "type")) != "json_schema" || !t.is(schema, object) {
		t.no(v, "this format is not supported; \"json_schema\" with a schema is")
		return nil
	}
	return map[string]any{"type": "json_schema", "json_schema": map[string]any{
		"name": "answer", "strict": true, "schema": json.RawMessage(t.raw(schema)),
	}}
}
