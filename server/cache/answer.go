package cache

import "encoding/json"

// The answers of the four protocols, as far as it has to be known whether they
// are complete and plain text, and to make a stream of them. Members that are
// not named here are kept in stored bodies, and sent again with whole answers.

type chatAnswer struct {
	ID          string          `json:"id"`
	Object      string          `json:"object"`
	Created     int64           `json:"created"`
	Model       string          `json:"model"`
	ServiceTier string          `json:"service_tier,omitempty"`
	Fingerprint string          `json:"system_fingerprint,omitempty"`
	Choices     []chatChoice    `json:"choices"`
	Usage       json.RawMessage `json:"usage,omitempty"`
	Error       json.RawMessage `json:"error,omitempty"`
}

type chatChoice struct {
	Index        int             `json:"index"`
	Message      *chatMessage    `json:"message,omitempty"` // chat
	Text         *string         `json:"text,omitempty"`    // completions
	Logprobs     json.RawMessage `json:"logprobs"`
	FinishReason string          `json:"finish_reason"`
}

type chatMessage struct {
	Role         string          `json:"role"`
	Content      *string         `json:"content"`
	Refusal      *string         `json:"refusal"`
	Reasoning    string          `json:"reasoning_content,omitempty"`
	Reasoning2   string          `json:"reasoning,omitempty"`
	ToolCalls    json.RawMessage `json:"tool_calls,omitempty"`
	FunctionCall json.RawMessage `json:"function_call,omitempty"`
	Audio        json.RawMessage `json:"audio,omitempty"`
}

type messageAnswer struct {
	ID           string          `json:"id"`
	Type         string          `json:"type"`
	Role         string          `json:"role"`
	Model        string          `json:"model"`
	Content      []textBlock     `json:"content"`
	StopReason   string          `json:"stop_reason"`
	StopSequence *string         `json:"stop_sequence"`
	Usage        json.RawMessage `json:"usage"`
}

type textBlock struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Citations json.RawMessage `json:"citations,omitempty"`
}

type responseAnswer struct {
	Object     string            `json:"object"`
	Status     string            `json:"status"`
	Output     []json.RawMessage `json:"output"`
	Error      json.RawMessage   `json:"error"`
	Incomplete json.RawMessage   `json:"incomplete_details"`
}

type outputItem struct {
	ID      string            `json:"id"`
	Type    string            `json:"type"`
	Status  string            `json:"status"`
	Role    string            `json:"role"`
	Content []json.RawMessage `json:"content"`
}

type outputPart struct {
	Type        string            `json:"type"`
	Text        string            `json:"text"`
	Annotations []json.RawMessage `json:"annotations"`
}

func empty(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "[]", "{}":
		return true
	}
	return false
}

// storable checks that an answer is complete, and nothing but text.
func storable(kind Kind, body []byte) error {
	switch kind {
	case Chat, Completions:
		_, err := readChat(kind, body)
		return err
	case Messages:
		_, err := readMessage(body)
		return err
	case Responses:
		_, _, err := readResponse(body)
		return err
	}
	return ErrForm
}

func readChat(kind Kind, body []byte) (*chatAnswer, error) {
	var a chatAnswer
	if json.Unmarshal(body, &a) != nil || len(a.Choices) == 0 {
		return nil, ErrForm
	}
	if !empty(a.Error) {
		return nil, ErrStatus
	}
	for i := range a.Choices {
		c := &a.Choices[i]
		switch m := c.Message; {
		case c.FinishReason != "stop":
			return nil, ErrIncomplete
		case !empty(c.Logprobs):
			return nil, ErrForm
		case kind == Completions:
			if c.Text == nil {
				return nil, ErrForm
			}
		case m == nil || m.Content == nil || m.Refusal != nil || !empty(m.ToolCalls) || !empty(m.FunctionCall) || !empty(m.Audio):
			return nil, ErrForm
		}
	}
	return &a, nil
}

func readMessage(body []byte) (*messageAnswer, error) {
	var a messageAnswer
	if json.Unmarshal(body, &a) != nil {
		return nil, ErrForm
	}
	if a.Type == "error" {
		return nil, ErrStatus
	}
	if a.Type != "message" || len(a.Content) == 0 {
		return nil, ErrForm
	}
	for _, b := range a.Content {
		if b.Type != "text" || !empty(b.Citations) {
			return nil, ErrForm
		}
	}
	if a.StopReason != "end_turn" && a.StopReason != "stop_sequence" {
		return nil, ErrIncomplete
	}
	return &a, nil
}

func readResponse(body []byte) (*responseAnswer, []outputItem, error) {
	var a responseAnswer
	if json.Unmarshal(body, &a) != nil || a.Object != "response" {
		return nil, nil, ErrForm
	}
	switch {
	case !empty(a.Error):
		return nil, nil, ErrStatus
	case a.Status != "completed" || !empty(a.Incomplete):
		return nil, nil, ErrIncomplete
	}
	items := make([]outputItem, len(a.Output))
	messages := 0
	for i, raw := range a.Output {
		if json.Unmarshal(raw, &items[i]) != nil {
			return nil, nil, ErrForm
		}
		switch items[i].Type {
		case "reasoning":
		case "message":
			messages++
			for _, raw := range items[i].Content {
				var p outputPart
				if json.Unmarshal(raw, &p) != nil || p.Type != "output_text" || len(p.Annotations) > 0 {
					return nil, nil, ErrForm
				}
			}
		default:
			return nil, nil, ErrForm
		}
	}
	if messages == 0 {
		return nil, nil, ErrForm
	}
	return &a, items, nil
}
