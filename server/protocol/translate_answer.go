package protocol

import (
	"encoding/json"
	"strings"
	"time"
)

type chatUsage struct {
	Prompt     int            `json:"prompt_tokens"`
	Completion int            `json:"completion_tokens"`
	Total      int            `json:"total_tokens"`
	Details    *promptDetails `json:"prompt_tokens_details,omitempty"`
}

type promptDetails struct {
	Cached     int `json:"cached_tokens"`
	CacheWrite int `json:"cache_write_tokens,omitempty"`
}

type messagesUsage struct {
	Input      int `json:"input_tokens"`
	CacheWrite int `json:"cache_creation_input_tokens"`
	CacheRead  int `json:"cache_read_input_tokens"`
	Output     int `json:"output_tokens"`
}

func (u Usage) chat() *chatUsage {
	out := &chatUsage{Prompt: u.Input, Completion: u.Output, Total: u.Input + u.Output}
	if u.Cached > 0 || u.CacheWrite > 0 {
		out.Details = &promptDetails{u.Cached, u.CacheWrite}
	}
	return out
}

func (u Usage) messages() messagesUsage {
	return messagesUsage{max(0, u.Input-u.Cached-u.CacheWrite), u.CacheWrite, u.Cached, u.Output}
}

// finishReason is the word of chat for a stop_reason of messages.
func finishReason(stop string) string {
	switch stop {
	case "max_tokens", "model_context_window_exceeded":
		return "length"
	case "tool_use":
		return "tool_calls"
	case "refusal":
		return "content_filter"
	}
	return "stop" // end_turn, stop_sequence, pause_turn
}

// stopReason is the word of messages for a finish_reason of chat.
func stopReason(finish string) string {
	switch finish {
	case "length":
		return "max_tokens"
	case "tool_calls", "function_call":
		return "tool_use"
	case "content_filter":
		return "refusal"
	}
	return "end_turn"
}

type chatAnswerMessage struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"`
	Refusal   *string    `json:"refusal"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type chatAnswerChoice struct {
	Index    int               `json:"index"`
	Message  chatAnswerMessage `json:"message"`
	LogProbs *struct{}         `json:"logprobs"`
	Finish   string            `json:"finish_reason"`
}

type chatAnswer struct {
	ID      string             `json:"id"`
	Object  string             `json:"object"`
	Created int64              `json:"created"`
	Model   string             `json:"model"`
	Choices []chatAnswerChoice `json:"choices"`
	Usage   *chatUsage         `json:"usage,omitempty"`
}

// messagesAnswerToChat writes an answer of Anthropic as one of chat. What the
// model thought is reasoning_content, as other servers of chat call it.
func messagesAnswerToChat(d *document) ([]byte, error) {
	content := d.find(0, "content")
	if !d.is(content, array) {
		return nil, badAnswer("it has no content")
	}
	msg := chatAnswerMessage{Role: "assistant"}
	var said, thought strings.Builder
	for b := content + 1; b < d.nodes[content].next; b = d.nodes[b].next {
		switch d.strOf(d.find(b, "type")) {
		case "text":
			said.WriteString(d.strOf(d.find(b, "text")))
		case "thinking":
			thought.WriteString(d.strOf(d.find(b, "thinking")))
		case "redacted_thinking":
		case "tool_use":
			input := "{}"
			if v := d.find(b, "input"); d.is(v, object) {
				input = d.raw(v)
			}
			msg.ToolCalls = append(msg.ToolCalls, toolCall{ID: d.strOf(d.find(b, "id")), Type: "function", Function: functionCall{d.strOf(d.find(b, "name")), input}})
		default:
			return nil, badAnswer("it has a content block of another type than text, thinking and tool_use")
		}
	}
	if s := said.String(); s != "" || msg.ToolCalls == nil {
		msg.Content = &s
	}
	msg.Reasoning = thought.String()
	out := chatAnswer{
		ID: d.strOf(d.find(0, "id")), Object: "chat.completion", Created: time.Now().Unix(), Model: d.strOf(d.find(0, "model")),
		Choices: []chatAnswerChoice{{Message: msg, Finish: finishReason(d.strOf(d.find(0, "stop_reason")))}},
	}
	if u := usageOf(d, d.find(0, "usage")); u.Known {
		out.Usage = u.chat()
	}
	return []byte(marshal(&out)), nil
}

type messagesAnswer struct {
	ID           string        `json:"id"`
	Type         string        `json:"type"`
	Role         string        `json:"role"`
	Model        string        `json:"model"`
	Content      []block       `json:"content"`
	StopReason   *string       `json:"stop_reason"`
	StopSequence *string       `json:"stop_sequence"`
	Usage        messagesUsage `json:"usage"`
}

// chatAnswerToMessages writes an answer of chat as one of Anthropic. What the
// model thought is left out: it has no signature, without which a block of
// thinking cannot be sent back.
func chatAnswerToMessages(d *document) ([]byte, error) {
	choices := d.find(0, "choices")
	if !d.is(choices, array) || d.nodes[choices].next == choices+1 {
		return nil, badAnswer("it has no choices")
	}
	choice := choices + 1
	msg := d.find(choice, "message")
	if !d.is(msg, object) {
		return nil, badAnswer("its choice has no message")
	}
	stop := stopReason(d.strOf(d.find(choice, "finish_reason")))
	content := []block{}
	for _, key := range [...]string{"content", "refusal"} {
		if s := d.strOf(d.find(msg, key)); s != "" {
			content = append(content, textBlock(s))
			if key == "refusal" {
				stop = "refusal"
			}
		}
	}
	calls := d.find(msg, "tool_calls")
	for c := calls + 1; d.is(calls, array) && c < d.nodes[calls].next; c = d.nodes[c].next {
		input, ok := inputOf(d.strOf(d.at(c, "function", "arguments")))
		if !ok {
			return nil, badAnswer("the arguments of a tool call are no JSON object")
		}
		content = append(content, block{Type: "tool_use", ID: d.strOf(d.find(c, "id")), Name: d.strOf(d.at(c, "function", "name")), Input: json.RawMessage(input)})
		stop = "tool_use"
	}
	return []byte(marshal(&messagesAnswer{
		ID: d.strOf(d.find(0, "id")), Type: "message", Role: "assistant", Model: d.strOf(d.find(0, "model")),
		Content: content, StopReason: &stop, Usage: usageOf(d, d.find(0, "usage")).messages(),
	})), nil
}
