package openapi

import "mom/server/web"

func dialectName(d web.Dialect) string {
	switch d {
	case web.Anthropic:
		return "Anthropic"
	case web.TEI:
		return "TEI"
	case web.VLLMSR:
		return "VLLMSR"
	case web.Plain:
		return "Plain"
	}
	return "OpenAI"
}

// refusals are the answers that say no, one for each dialect.
func refusals() object {
	text := object{"type": "string"}
	maybe := object{"type": []string{"string", "null"}}
	within := func(required []string, properties object) object {
		return object{"type": "object", "required": required, "properties": properties}
	}
	refusal := func(description string, required []string, properties object) object {
		return object{
			"description": description,
			"headers":     object{"Retry-After": object{"description": "Seconds to wait, where waiting helps", "schema": object{"type": "integer"}}},
			"content":     object{"application/json": object{"schema": within(required, properties)}},
		}
	}
	return object{
		"OpenAIError": refusal("A refusal, as OpenAI writes it", []string{"error"}, object{
			"error": within([]string{"message", "type", "param", "code"}, object{"message": text, "type": text, "param": maybe, "code": maybe}),
		}),
		"AnthropicError": refusal("A refusal, as Anthropic writes it", []string{"type", "error"}, object{
			"type": object{"const": "error"}, "error": within([]string{"type", "message"}, object{"type": text, "message": text}), "request_id": text,
		}),
		"TEIError": refusal("A refusal, as text-embeddings-inference writes it", []string{"error", "error_type"}, object{
			"error": text, "error_type": object{"enum": []string{"unhealthy", "backend", "overloaded", "validation", "tokenizer", "empty"}},
		}),
		"VLLMSRError": refusal("A refusal, as vLLM Semantic Router writes it", []string{"error"}, object{
			"error": within([]string{"code", "message"}, object{"code": text, "message": text, "timestamp": object{"type": "string", "format": "date-time"}}),
		}),
		"PlainError": refusal("A refusal: detail, or what the interface has instead", []string{}, object{
			"detail": object{}, "error": text, "message": text,
		}),
	}
}
