package compat

import (
	"encoding/json"
	"strings"

	"mom/server/web"
)

// chatMessage is a message of a chat; only its text is read.
type chatMessage struct {
	Role    string      `json:"role"`
	Content chatContent `json:"content"`
}

// chatContent is the text of a message: a string, or parts of type text.
type chatContent string

// UnmarshalJSON takes both forms. Parts without a text are left out.
func (c *chatContent) UnmarshalJSON(data []byte) error {
	*c = ""
	if string(data) == "null" {
		return nil
	}
	var s string
	if json.Unmarshal(data, &s) == nil {
		*c = chatContent(s)
		return nil
	}
	var parts []struct {
		Text *string `json:"text"`
	}
	if json.Unmarshal(data, &parts) != nil {
		return web.Invalid("messages", "messages: want content as a string or an array of parts")
	}
	var texts []string
	for _, p := range parts {
		if p.Text != nil {
			texts = append(texts, *p.Text)
		}
	}
	*c = chatContent(strings.Join(texts, "\n"))
	return nil
}

// OpenAPISchema describes both forms.
func (chatContent) OpenAPISchema() any {
	return oneOf(
		map[string]any{"type": "string"},
		arrayOf(map[string]any{"type": "object"}),
		map[string]any{"type": "null"},
	)
}

func oneOf(schemas ...any) any { return map[string]any{"oneOf": schemas} }

func arrayOf(items any) any { return map[string]any{"type": "array", "items": items} }

// lastOfUser is the text of the last message of the user, or of the last one.
func lastOfUser(list []chatMessage) string {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Role == "user" {
			return string(list[i].Content)
		}
	}
	if len(list) > 0 {
		return string(list[len(list)-1].Content)
	}
	return ""
}
