package protocol

import "cmp"

var responseNames = []string{
	"model", "input", "instructions", "stream", "stream_options", "max_output_tokens", "temperature", "top_p", "tools",
	"tool_choice", "text", "moderation", "mom", "metadata", "user", "previous_response_id", "conversation", "prompt",
	"reasoning", "store", "background", "include", "truncation", "prompt_cache_key",
}

func (p *parser) responses() {
	p.names(0, responseNames)
	input, instructions, prompt := int32(-1), int32(-1), int32(-1)
	for k := int32(1); k < p.nodes[0].next && p.err == nil; k = p.nodes[k+1].next {
		switch key, v := p.str(k), k+1; key {
		case "input":
			input = v
		case "instructions":
			instructions = v
		case "prompt":
			prompt = v
		case "max_output_tokens":
			p.MaxTokens = p.int(v, 1, anyInt)
		case "stream_options":
			p.streamOptions(v)
		case "text":
			if !p.null(v) && p.want(v, object) {
				p.names(v, []string{"format", "verbosity"})
				if f := p.find(v, "format"); f >= 0 {
					p.responseFormat(f)
				}
			}
		case "reasoning":
			if !p.null(v) && p.want(v, object) {
				p.Effort = p.strOf(p.find(v, "effort"))
			}
		case "previous_response_id", "conversation":
			p.Stored = p.Stored || !p.null(v)
			if key == "conversation" {
				p.Conversation = cmp.Or(p.strOf(v), p.strOf(p.find(v, "id")))
			}
		case "moderation":
			p.moderationParams(v)
		case "background", "store", "parallel_tool_calls":
			p.bool(v)
		default:
			p.common(key, v)
		}
	}
	if p.err == nil && instructions >= 0 && !p.null(instructions) {
		if p.want(instructions, text) {
			p.add(instructions, "system", false)
		}
	}
	if p.err == nil && prompt >= 0 && !p.null(prompt) && p.want(prompt, object) {
		p.Stored = true
		if vars := p.find(prompt, "variables"); vars >= 0 {
			p.walk(vars, "user", "variables")
		}
	}
	if input < 0 || p.null(input) || p.err != nil {
		return
	}
	switch p.nodes[input].kind {
	case text:
		p.add(input, "user", false)
	case array:
		for i := input + 1; i < p.nodes[input].next && p.err == nil; i = p.nodes[i].next {
			if p.want(i, object) {
				p.responseItem(i)
			}
		}
	default:
		p.wrongType(input, "a string or an array of items")
	}
}

var itemNames = []string{"type", "role", "content", "output", "arguments", "input", "name", "call_id", "id", "status", "summary"}

func (p *parser) responseItem(i int32) {
	p.names(i, itemNames)
	kind := p.find(i, "type")
	if kind >= 0 && !p.null(kind) && !p.want(kind, text) {
		return
	}
	who := p.find(i, "role")
	if k := p.strOf(kind); k == "message" || who >= 0 && k == "" {
		if who < 0 {
			p.missing(i, "role")
			return
		}
		if !p.want(who, text) {
			return
		}
		r := role(p.oneOf(who, "user", "assistant", "system", "developer"))
		content := p.find(i, "content")
		if content < 0 {
			p.missing(i, "content")
			return
		}
		p.content(content, r, false)
		return
	}
	// A reference may come without its type.
	if kind < 0 {
		p.Stored = true
	}
	p.walk(i, "user", "item")
}
