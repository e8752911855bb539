package protocol

var anthropicNames = []string{
	"model", "messages", "system", "max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "tools",
	"tool_choice", "thinking", "metadata", "mom", "output_config", "output_format", "container", "service_tier",
}

func (p *parser) messages() {
	p.names(0, anthropicNames)
	messages, system, limit := int32(-1), int32(-1), int32(-1)
	for k := int32(1); k < p.nodes[0].next && p.err == nil; k = p.nodes[k+1].next {
		switch key, v := p.str(k), k+1; key {
		case "messages":
			messages = v
		case "system":
			system = v
		case "max_tokens":
			limit = v
			p.MaxTokens = p.int(v, 1, anyInt)
		case "top_k":
			p.int(v, 0, anyInt)
		case "stop_sequences":
			p.strings(v)
		case "tool_choice", "thinking":
			if !p.null(v) {
				p.want(v, object)
			}
		case "output_config", "output_format":
			if p.null(v) || !p.want(v, object) {
				continue
			}
			p.JSONOutput = p.JSONOutput || p.strOf(p.find(v, "type")) == "json_schema" || p.is(p.find(v, "format"), object)
			if e := p.find(v, "effort"); e >= 0 {
				p.Effort = p.string(e)
			}
		case "container":
			p.Stored = p.Stored || !p.null(v)
		case "metadata":
			if p.null(v) || !p.want(v, object) {
				continue
			}
			if u := p.find(v, "user_id"); u >= 0 {
				p.string(u)
			}
		default:
			p.common(key, v)
		}
	}
	p.required("model", p.Request.keys.model)
	if p.Kind == Messages {
		p.required("max_tokens", limit)
	}
	if p.err == nil && system >= 0 && !p.null(system) {
		p.content(system, "system", false)
	}
	if !p.required("messages", messages) || !p.want(messages, array) {
		return
	}
	if p.nodes[messages].next == messages+1 {
		p.wrong(messages, "empty_array", "expected at least one message")
	}
	for m := messages + 1; m < p.nodes[messages].next && p.err == nil; m = p.nodes[m].next {
		if p.want(m, object) {
			p.anthropicMessage(m)
		}
	}
}

func (p *parser) anthropicMessage(m int32) {
	p.names(m, []string{"role", "content"})
	r, content := p.find(m, "role"), p.find(m, "content")
	switch {
	case r < 0:
		p.missing(m, "role")
	case content < 0:
		p.missing(m, "content")
	case p.want(r, text):
		p.content(content, role(p.oneOf(r, "user", "assistant", "system")), false)
	}
	for k := m + 1; k < p.nodes[m].next && p.err == nil; k = p.nodes[k+1].next {
		if v := k + 1; v != r && v != content {
			p.walk(v, "user", p.str(k))
		}
	}
}
