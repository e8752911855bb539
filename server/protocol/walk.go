package protocol

import "strings"

// silent are keys whose strings no model reads as text, or that are binary.
func silent(key string) bool {
	switch key {
	case "type", "id", "call_id", "tool_call_id", "tool_use_id", "role", "status", "name", "detail", "format",
		"signature", "encrypted_content", "encrypted_index", "file_id", "filename", "media_type", "phase",
		"server_label", "approval_request_id", "container_id", "fingerprint", "cache_control", "caller", "namespace",
		"prompt_cache_breakpoint", "logprobs":
		return true
	}
	return false
}

// role is the one of four that a role of the APIs stands for.
func role(s string) string {
	switch s {
	case "developer":
		return "system"
	case "function":
		return "tool"
	}
	return s
}

// add notes the string at v as a text.
func (p *parser) add(v int32, role string, isJSON bool) {
	if s := p.str(v); s != "" {
		p.Texts = append(p.Texts, Text{Role: role, Text: s, JSON: isJSON, node: v})
	}
}

// walk notes every text at v and inside, whatever its shape: parts and items
// that are not known are read too, since the upstream may know them. Pictures
// and the like are only noted as there.
func (p *parser) walk(v int32, role, key string) {
	if silent(key) {
		return
	}
	switch p.nodes[v].kind {
	case text:
		p.add(v, role, isJSONKey(key))
	case array:
		for i := v + 1; i < p.nodes[v].next; i = p.nodes[i].next {
			p.walk(i, role, key)
		}
	case object:
		if key == "arguments" || key == "input" {
			p.Texts = append(p.Texts, Text{Role: role, Text: p.document.raw(v), JSON: true, node: v, raw: true})
			return
		}
		p.walkObject(v, role)
	}
}

func (p *parser) walkObject(v int32, role string) {
	kind := p.strOf(p.find(v, "type"))
	switch {
	case strings.HasSuffix(kind, "tool_result") || strings.HasSuffix(kind, "_output") || kind == "search_result":
		role = "tool"
	case strings.HasSuffix(kind, "tool_use") || strings.HasSuffix(kind, "_call") || kind == "thinking" || kind == "reasoning":
		role = "assistant"
	}
	switch kind {
	case "item_reference":
		p.Stored = true
	case "image", "input_image", "image_url":
		p.Images = true
	case "document", "file", "input_file", "container_upload", "video_url":
		p.Files = true
	}
	for k := v + 1; k < p.nodes[v].next; k = p.nodes[k+1].next {
		key, role := p.str(k), role
		switch key {
		case "output", "outputs", "results":
			role = "tool" // of a call that the upstream made itself
		case "image_url", "video_url", "audio_url", "image_embeds":
			p.Images = p.Images || key[0] == 'i'
			p.Files = p.Files || key[0] == 'v'
			p.Audio = p.Audio || key[0] == 'a'
			continue
		case "input_audio", "audio":
			p.Audio = true
			continue
		case "file", "file_data", "file_url":
			p.Files = true
			continue
		case "data":
			// Only the source of a document that is text is text.
			if kind != "text" {
				continue
			}
		case "url":
			if kind == "url" || kind == "image" || kind == "file" {
				continue
			}
		case "result":
			if kind == "image_generation_call" {
				p.Images = true
				continue
			}
			role = "tool"
		}
		p.walk(k+1, role, key)
	}
}

// content notes the texts of a message's content: a string, or parts.
func (p *parser) content(v int32, role string, missingOK bool) {
	switch p.nodes[v].kind {
	case text:
		p.add(v, role, false)
	case null:
		if !missingOK {
			p.wrongType(v, "a string or an array of parts")
		}
	case array:
		for i := v + 1; i < p.nodes[v].next && p.err == nil; i = p.nodes[i].next {
			p.part(i, role)
		}
	default:
		p.wrongType(v, "a string or an array of parts")
	}
}

var partNames = []string{"type", "text", "refusal", "image_url", "input_audio", "file", "content", "input", "source", "cache_control", "thinking", "tool_use_id", "id", "name", "title", "context"}

func (p *parser) part(v int32, role string) {
	if !p.want(v, object) {
		return
	}
	p.names(v, partNames)
	kind := p.find(v, "type")
	if kind < 0 {
		p.missing(v, "type")
		return
	}
	if !p.want(kind, text) {
		return
	}
	switch p.str(kind) {
	case "text", "input_text", "output_text":
		if t := p.find(v, "text"); t < 0 {
			p.missing(v, "text")
		} else {
			p.want(t, text)
		}
	case "refusal":
		if t := p.find(v, "refusal"); t >= 0 {
			p.want(t, text)
		}
	}
	p.walkObject(v, role)
}
