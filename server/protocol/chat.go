package protocol

import "fmt"

var chatNames = []string{
	"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "temperature", "top_p",
	"stop", "tools", "tool_choice", "functions", "response_format", "moderation", "logprobs", "top_logprobs", "mom",
	"metadata", "user", "reasoning_effort", "prediction", "prompt_cache_key", "seed", "modalities", "store",
}

func (p *parser) chat() {
	p.names(0, chatNames)
	messages := int32(-1)
	for k := int32(1); k < p.nodes[0].next && p.err == nil; k = p.nodes[k+1].next {
		switch key, v := p.str(k), k+1; key {
		case "messages":
			messages = v
		case "max_tokens", "max_completion_tokens":
			if n := p.int(v, 1, anyInt); n > 0 && (p.MaxTokens == 0 || key == "max_completion_tokens") {
				p.MaxTokens = n
			}
		case "n":
			if n := p.int(v, 1, 128); n > 0 {
				p.N = n
			}
		case "stream_options":
			p.streamOptions(v)
		case "stop":
			p.stop(v)
		case "functions":
			if !p.null(v) && p.want(v, array) {
				p.Tools = p.Tools || p.nodes[v].next > v+1
			}
		case "tool_choice":
			if p.nodes[v].kind != text && p.nodes[v].kind != object && !p.null(v) {
				p.wrongType(v, "a string or an object")
			}
		case "response_format":
			p.responseFormat(v)
		case "moderation":
			p.moderationParams(v)
		case "logprobs":
			p.LogProbs = p.bool(v)
		case "top_logprobs":
			p.int(v, 0, anyInt)
		case "frequency_penalty", "presence_penalty":
			p.float(v, -2, 2)
		case "seed":
			p.int(v, -1<<63, 1<<63-1)
		case "reasoning_effort":
			p.Effort = p.string(v)
		case "parallel_tool_calls", "store":
			p.bool(v)
		default:
			p.common(key, v)
		}
	}
	p.required("model", p.Request.keys.model)
	if p.required("messages", messages) {
		p.chatMessages(messages)
	}
	if v := p.find(0, "prediction"); v >= 0 && p.err == nil {
		p.walk(v, "assistant", "prediction")
	}
	if p.err == nil && p.Request.keys.streamOptions >= 0 && !p.null(p.Request.keys.streamOptions) && !p.Stream {
		p.wrong(p.Request.keys.streamOptions, "invalid_value", "it is only allowed when stream is true")
	}
}

// required refuses a request without the value v of its member key.
func (p *parser) required(key string, v int32) bool {
	if p.err == nil && (v < 0 || p.null(v)) {
		p.missing(0, key)
	}
	return p.err == nil
}

func (p *parser) responseFormat(v int32) {
	if p.null(v) || !p.want(v, object) {
		return
	}
	p.names(v, []string{"type", "json_schema"})
	kind := p.find(v, "type")
	if kind < 0 {
		p.missing(v, "type")
		return
	}
	if p.want(kind, text) {
		p.JSONOutput = p.str(kind) != "text"
	}
}

var (
	chatRoles    = []string{"developer", "system", "user", "assistant", "tool", "function"}
	messageNames = []string{"role", "content", "refusal", "tool_calls", "tool_call_id", "function_call", "name", "audio", "reasoning_content", "reasoning"}
)

func (p *parser) chatMessages(v int32) {
	if !p.want(v, array) {
		return
	}
	if p.nodes[v].next == v+1 {
		p.wrong(v, "empty_array", "expected at least one message")
	}
	for m := v + 1; m < p.nodes[v].next && p.err == nil; m = p.nodes[m].next {
		if p.want(m, object) {
			p.chatMessage(m)
		}
	}
}

func (p *parser) chatMessage(m int32) {
	p.names(m, messageNames)
	r := p.find(m, "role")
	if r < 0 {
		p.missing(m, "role")
		return
	}
	if !p.want(r, text) {
		return
	}
	name := p.oneOf(r, chatRoles...)
	role := role(name)
	content := false
	for k := m + 1; k < p.nodes[m].next && p.err == nil; k = p.nodes[k+1].next {
		switch key, v := p.str(k), k+1; key {
		case "content":
			content = true
			p.content(v, role, name == "assistant" || name == "function")
		case "refusal":
			if !p.null(v) && p.want(v, text) {
				p.add(v, role, false)
			}
		case "tool_calls":
			p.toolCalls(v)
		case "tool_call_id", "name":
			p.string(v)
		case "function_call":
			if !p.null(v) && p.want(v, object) {
				p.walk(v, "assistant", key)
			}
		case "audio":
			p.Audio = p.Audio || !p.null(v)
		case "role":
		default:
			p.walk(v, role, key)
		}
	}
	if !content && name != "assistant" {
		p.missing(m, "content")
	}
	if name == "tool" && p.find(m, "tool_call_id") < 0 {
		p.missing(m, "tool_call_id")
	}
}

func (p *parser) toolCalls(v int32) {
	if p.null(v) || !p.want(v, array) {
		return
	}
	for c := v + 1; c < p.nodes[v].next && p.err == nil; c = p.nodes[c].next {
		if !p.want(c, object) {
			return
		}
		p.names(c, []string{"id", "type", "function", "custom"})
		if f := p.find(c, "function"); f >= 0 && p.want(f, object) {
			p.names(f, []string{"name", "arguments"})
		}
		p.walk(c, "assistant", "tool_calls")
	}
}

var completionNames = []string{"model", "prompt", "suffix", "stream", "stream_options", "max_tokens", "n", "temperature", "top_p", "stop", "mom", "user", "logprobs", "best_of", "echo"}

func (p *parser) completions() {
	p.names(0, completionNames)
	prompt, suffix := int32(-1), int32(-1)
	for k := int32(1); k < p.nodes[0].next && p.err == nil; k = p.nodes[k+1].next {
		switch key, v := p.str(k), k+1; key {
		case "prompt":
			prompt = v
		case "suffix":
			if !p.null(v) && p.want(v, text) {
				suffix = v
			}
		case "max_tokens":
			p.MaxTokens = p.int(v, 0, anyInt)
		case "n", "best_of":
			if n := p.int(v, 1, 128); n > 0 && key == "n" {
				p.N = n
			}
		case "logprobs":
			p.LogProbs = p.nodes[v].kind == number && p.int(v, 0, anyInt) >= 0
		case "echo":
			p.bool(v)
		case "stream_options":
			p.streamOptions(v)
		case "stop":
			p.stop(v)
		case "response_format":
			p.responseFormat(v)
		default:
			if !p.common(key, v) {
				continue
			}
		}
	}
	p.required("model", p.Request.keys.model)
	if p.required("prompt", prompt) {
		p.inputs(prompt, "user", 1<<20)
	}
	if p.err == nil && suffix >= 0 {
		p.add(suffix, "user", false)
	}
}

// inputs reads a string, a list of strings, or tokens in one or two dimensions.
// Empty strings are kept.
func (p *parser) inputs(v int32, role string, most int) {
	add := func(v int32) {
		p.Texts = append(p.Texts, Text{Role: role, Text: p.str(v), node: v})
	}
	switch p.nodes[v].kind {
	case text:
		add(v)
		return
	case array:
	default:
		p.wrongType(v, "a string or an array")
		return
	}
	first := v + 1
	if first >= p.nodes[v].next {
		p.wrong(v, "empty_array", "expected at least one element")
		return
	}
	want, count := p.nodes[first].kind, 0
	for i := first; i < p.nodes[v].next && p.err == nil; i = p.nodes[i].next {
		if count++; count > most && want != number {
			p.wrong(v, "array_above_max_length", fmt.Sprintf("expected at most %d elements", most))
			return
		}
		switch {
		case p.nodes[i].kind != want:
			p.wrong(i, "invalid_type", fmt.Sprintf("expected %s like the element before, but got %s", want, p.nodes[i].kind))
		case want == text:
			add(i)
		case want == number:
			p.TokenIDs = true
			p.int(i, 0, 1<<31)
		case want == array:
			p.TokenIDs = true
			for t := i + 1; t < p.nodes[i].next && p.err == nil; t = p.nodes[t].next {
				p.want(t, number)
				p.int(t, 0, 1<<31)
			}
		default:
			p.wrongType(i, "a string, a token or an array of tokens")
		}
	}
}

var embeddingNames = []string{"model", "input", "encoding_format", "dimensions", "user", "mom"}

func (p *parser) embeddings() {
	p.names(0, embeddingNames)
	input := int32(-1)
	p.Encoding = "float"
	for k := int32(1); k < p.nodes[0].next && p.err == nil; k = p.nodes[k+1].next {
		switch key, v := p.str(k), k+1; key {
		case "input":
			input = v
		case "encoding_format":
			if e := p.oneOf(v, "float", "base64"); e != "" {
				p.Encoding = e
			}
		case "dimensions":
			p.Dimensions = p.int(v, 1, anyInt)
		default:
			p.common(key, v)
		}
	}
	p.required("model", p.Request.keys.model)
	if p.required("input", input) {
		p.inputs(input, "user", 2048)
	}
}

func (p *parser) moderations() {
	p.names(0, []string{"model", "input", "mom"})
	input := int32(-1)
	for k := int32(1); k < p.nodes[0].next && p.err == nil; k = p.nodes[k+1].next {
		switch key, v := p.str(k), k+1; key {
		case "input":
			input = v
		default:
			p.common(key, v)
		}
	}
	if !p.required("input", input) {
		return
	}
	if p.nodes[input].kind == array && p.nodes[input].next > input+1 && p.nodes[input+1].kind == object {
		p.Parts = true
		p.content(input, "user", false)
		return
	}
	if p.inputs(input, "user", 2048); p.TokenIDs {
		p.wrongType(input+1, "a string or an object")
	}
}
