package protocol

import (
	"encoding/json"
	"strings"
)

// A block is a content block of Anthropic's messages.
type block struct {
	Type      string          `json:"type"`
	Text      *string         `json:"text,omitempty"`
	Source    *source         `json:"source,omitempty"`
	Title     string          `json:"title,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	ToolUseID string          `json:"tool_use_id,omitempty"`
	Content   any             `json:"content,omitempty"` // of a tool result: a string or blocks
}

type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data,omitempty"`
	URL       string `json:"url,omitempty"`
}

func textBlock(s string) block { return block{Type: "text", Text: &s} }

type turn struct {
	Role    string  `json:"role"`
	Content []block `json:"content"`
}

type messagesTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	InputSchema json.RawMessage `json:"input_schema"`
	Strict      bool            `json:"strict,omitempty"`
}

type toolChoice struct {
	Type            string `json:"type"`
	Name            string `json:"name,omitempty"`
	DisableParallel bool   `json:"disable_parallel_tool_use,omitempty"`
}

type outputConfig struct {
	Effort string        `json:"effort,omitempty"`
	Format *outputFormat `json:"format,omitempty"`
}

type outputFormat struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

type userID struct {
	UserID string `json:"user_id"`
}

type messagesRequest struct {
	Model         string          `json:"model"`
	MaxTokens     int             `json:"max_tokens"`
	System        []block         `json:"system,omitempty"`
	Messages      []turn          `json:"messages"`
	Stream        bool            `json:"stream,omitempty"`
	Temperature   json.RawMessage `json:"temperature,omitempty"`
	TopP          json.RawMessage `json:"top_p,omitempty"`
	TopK          json.RawMessage `json:"top_k,omitempty"`
	StopSequences []string        `json:"stop_sequences,omitempty"`
	Tools         []messagesTool  `json:"tools,omitempty"`
	ToolChoice    *toolChoice     `json:"tool_choice,omitempty"`
	Metadata      *userID         `json:"metadata,omitempty"`
	OutputConfig  *outputConfig   `json:"output_config,omitempty"`
}

// A translation reads a request of the one protocol and notes what the other
// cannot say.
type translation struct {
	*document
	protocol string // of the upstream
	err      error
}

func (t *translation) no(v int32, why string) {
	if t.err == nil {
		t.err = untranslatable(t.document, v, t.protocol, why)
	}
}

func (t *translation) null(v int32) bool { return v < 0 || t.nodes[v].kind == null }

// chatToMessages writes a chat request as one of Anthropic's messages. What has
// no effect on the answer's text is left out: stream_options, store, metadata,
// service_tier, hints for caches, predictions. Anthropic's reasoning is off
// unless asked for, as reasoning_effort "none" is.
func chatToMessages(r *Request) ([]byte, error) {
	t := &translation{document: &r.doc, protocol: "Anthropic"}
	out := messagesRequest{Model: r.Model, MaxTokens: r.MaxTokens, Stream: r.Stream}
	if out.MaxTokens == 0 {
		out.MaxTokens = DefaultMaxTokens
	}
	parallel := true
	for k := int32(1); k < t.nodes[0].next; k = t.nodes[k+1].next {
		v := k + 1
		if t.null(v) {
			continue
		}
		switch key := t.str(k); key {
		case "messages":
			t.turns(v, &out)
		case "temperature":
			if r.Temp > 1 {
				t.no(v, "a temperature above 1 is not supported")
			}
			out.Temperature = json.RawMessage(t.raw(v))
		case "top_p":
			out.TopP = json.RawMessage(t.raw(v))
		case "top_k":
			out.TopK = json.RawMessage(t.raw(v))
		case "stop":
			if t.is(v, text) {
				out.StopSequences = []string{t.str(v)}
			} else {
				for i := v + 1; i < t.nodes[v].next; i = t.nodes[i].next {
					out.StopSequences = append(out.StopSequences, t.str(i))
				}
			}
		case "tools":
			out.Tools = t.messagesTools(v)
		case "tool_choice":
			out.ToolChoice = t.messagesChoice(v)
		case "parallel_tool_calls":
			parallel = t.isTrue(v)
		case "user", "safety_identifier":
			out.Metadata = &userID{t.str(v)}
		case "response_format":
			if f := t.messagesFormat(v); f != nil {
				out.config().Format = f
			}
		case "reasoning_effort":
			switch e := t.strOf(v); e {
			case "none":
			case "minimal":
				out.config().Effort = "low"
			default:
				out.config().Effort = e
			}
		default:
			t.chatField(key, v)
		}
	}
	if !parallel && len(out.Tools) > 0 {
		if out.ToolChoice == nil {
			out.ToolChoice = &toolChoice{Type: "auto"}
		}
		out.ToolChoice.DisableParallel = out.ToolChoice.Type != "none"
	}
	if t.err != nil {
		return nil, t.err
	}
	return []byte(marshal(&out)), nil
}

func (m *messagesRequest) config() *outputConfig {
	if m.OutputConfig == nil {
		m.OutputConfig = &outputConfig{}
	}
	return m.OutputConfig
}

// chatField takes a field with nothing to translate, or refuses it.
func (t *translation) chatField(key string, v int32) {
	switch key {
	case "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "store", "metadata", "service_tier",
		"prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "prediction":
		return
	case "n":
		if t.intOf(v) == 1 {
			return
		}
	case "logprobs":
		if !t.isTrue(v) {
			return
		}
	case "frequency_penalty", "presence_penalty", "top_logprobs":
		if strings.Trim(t.raw(v), "-0.") == "" {
			return
		}
	case "logit_bias":
		if t.is(v, object) && t.nodes[v].next == v+1 {
			return
		}
	case "modalities":
		if t.raw(v) == `["text"]` {
			return
		}
	case "verbosity":
		if t.strOf(v) == "medium" {
			return
		}
	}
	t.no(v, "this parameter is not supported")
}

// turns fills system and messages. Texts of system and developer messages go to
// the top, where Anthropic wants them; results of tools that follow each other
// are one turn of the user.
func (t *translation) turns(v int32, out *messagesRequest) {
	for m := v + 1; m < t.nodes[v].next && t.err == nil; m = t.nodes[m].next {
		content := t.find(m, "content")
		name := t.strOf(t.find(m, "role"))
		switch name {
		case "system", "developer":
			out.System = append(out.System, t.blocks(content)...)
		case "user":
			out.turn("user", t.blocks(content))
		case "assistant":
			out.turn("assistant", t.assistant(m, content))
		case "tool":
			b := block{Type: "tool_result", ToolUseID: t.strOf(t.find(m, "tool_call_id"))}
			if t.is(content, text) {
				b.Content = t.str(content)
			} else {
				b.Content = t.blocks(content)
			}
			out.turn("user", []block{b})
		default:
			t.no(t.find(m, "role"), "messages of this role are not supported, but those of role \"tool\" are")
		}
	}
}

// turn adds blocks to the last turn when it is of the same role. Empty turns,
// which Anthropic refuses, say nothing and are left out.
func (m *messagesRequest) turn(role string, blocks []block) {
	if len(blocks) == 0 {
		return
	}
	if n := len(m.Messages); n > 0 && m.Messages[n-1].Role == role {
		m.Messages[n-1].Content = append(m.Messages[n-1].Content, blocks...)
		return
	}
	m.Messages = append(m.Messages, turn{role, blocks})
}

func (t *translation) assistant(m, content int32) (out []block) {
	out = t.blocks(content)
	for k := m + 1; k < t.nodes[m].next; k = t.nodes[k+1].next {
		v := k + 1
		if t.null(v) {
			continue
		}
		switch t.str(k) {
		case "role", "content", "name", "annotations", "reasoning_content", "reasoning":
			// Anthropic takes back only reasoning that it has signed.
		case "refusal":
			if s := t.strOf(v); s != "" {
				out = append(out, textBlock(s))
			}
		case "tool_calls":
			for c := v + 1; c < t.nodes[v].next; c = t.nodes[c].next {
				out = append(out, t.toolUse(c))
			}
		default:
			t.no(v, "this member of a message is not supported")
		}
	}
	return out
}

func (t *translation) toolUse(c int32) block {
	name := t.at(c, "function", "name")
	if !t.is(name, text) {
		t.no(c, "only calls of functions are supported")
		return block{}
	}
	b := block{Type: "tool_use", ID: t.strOf(t.find(c, "id")), Name: t.str(name), Input: json.RawMessage("{}")}
	if args := t.at(c, "function", "arguments"); args >= 0 {
		input, ok := inputOf(t.strOf(args))
		if !ok {
			t.no(args, "arguments must be a JSON object")
		}
		b.Input = input
	}
	return b
}

// inputOf is the object that arguments of a tool say.
func inputOf(arguments string) (json.RawMessage, bool) {
	if strings.TrimSpace(arguments) == "" {
		return json.RawMessage("{}"), true
	}
	d, err := scan(arguments, tolerant)
	if err != nil || d.nodes[0].kind != object {
		return nil, false
	}
	return json.RawMessage(arguments), true
}

// blocks are the content of a message. Empty texts, which Anthropic refuses, are
// left out.
func (t *translation) blocks(v int32) (out []block) {
	if t.null(v) {
		return nil
	}
	if t.is(v, text) {
		if s := t.str(v); s != "" {
			out = append(out, textBlock(s))
		}
		return out
	}
	for p := v + 1; p < t.nodes[v].next; p = t.nodes[p].next {
		switch t.strOf(t.find(p, "type")) {
		case "text", "refusal":
			s := t.strOf(t.find(p, "text")) + t.strOf(t.find(p, "refusal"))
			if s != "" {
				out = append(out, textBlock(s))
			}
		case "image_url":
			url := t.at(p, "image_url", "url")
			out = append(out, block{Type: "image", Source: t.imageSource(url, p)})
		case "file":
			data := t.at(p, "file", "file_data")
			media, encoded, ok := dataURL(t.strOf(data))
			if !ok || media != "application/pdf" {
				t.no(p, "files are supported as file_data with a data URL of application/pdf only")
			}
			out = append(out, block{Type: "document", Title: t.strOf(t.at(p, "file", "filename")), Source: &source{Type: "base64", MediaType: media, Data: encoded}})
		default:
			t.no(p, "content parts of this type are not supported")
		}
	}
	return out
}

func (t *translation) imageSource(url, part int32) *source {
	s := t.strOf(url)
	if media, data, ok := dataURL(s); ok {
		return &source{Type: "base64", MediaType: media, Data: data}
	}
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		t.no(part, "pictures are supported as data URLs in base64 and as http URLs only")
	}
	return &source{Type: "url", URL: s}
}

// dataURL takes data:image/png;base64,... apart.
func dataURL(s string) (media, data string, ok bool) {
	rest, ok := strings.CutPrefix(s, "data:")
	if !ok {
		return "", "", false
	}
	head, data, ok := strings.Cut(rest, ",")
	if !ok {
		return "", "", false
	}
	head, ok = strings.CutSuffix(head, ";base64")
	media, _, _ = strings.Cut(head, ";")
	return media, data, ok && media != ""
}

func (t *translation) messagesTools(v int32) (out []messagesTool) {
	for i := v + 1; i < t.nodes[v].next; i = t.nodes[i].next {
		f := t.find(i, "function")
		if !t.is(f, object) {
			t.no(i, "only tools of type \"function\" are supported")
			return nil
		}
		tool := messagesTool{
			Name: t.strOf(t.find(f, "name")), Description: t.strOf(t.find(f, "description")),
			InputSchema: json.RawMessage(`{"type":"object","properties":{}}`), Strict: t.isTrue(t.find(f, "strict")),
		}
		if p := t.find(f, "parameters"); t.is(p, object) && t.nodes[p].next > p+1 {
			tool.InputSchema = json.RawMessage(t.raw(p))
		}
		out = append(out, tool)
	}
	return out
}

func (t *translation) messagesChoice(v int32) *toolChoice {
	switch t.strOf(v) {
	case "auto", "none":
		return &toolChoice{Type: t.str(v)}
	case "required":
		return &toolChoice{Type: "any"}
	}
	if name := t.at(v, "function", "name"); t.is(name, text) {
		return &toolChoice{Type: "tool", Name: t.str(name)}
	}
	t.no(v, "this choice of tools is not supported; \"none\", \"auto\", \"required\" and a function are")
	return nil
}

func (t *translation) messagesFormat(v int32) *outputFormat {
	switch t.strOf(t.find(v, "type")) {
	case "text":
		return nil
	case "json_schema":
		if s := t.at(v, "json_schema", "schema"); t.is(s, object) {
			return &outputFormat{"json_schema", json.RawMessage(t.raw(s))}
		}
	}
	t.no(v, "this format is not supported; \"text\" and \"json_schema\" with a schema are")
	return nil
}
