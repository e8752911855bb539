package cache

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// An Assembler makes the whole answer of a stream that goes to a client, so
// that it can be kept. It is for one stream and one goroutine.
type Assembler struct {
	kind Kind
	max  int
	line []byte // a line that has not ended yet
	size int    // bytes of texts so far
	err  error
	done bool

	chat    *chatAnswer
	parts   []chatParts
	message *messageAnswer
	usage   map[string]any // messages
	body    []byte         // responses
}

type chatParts struct {
	content, reasoning, reasoning2 strings.Builder
	role                           string
}

// NewAssembler is for a stream whose whole answer would have at most max bytes,
// about; a longer one is not kept.
func (c *Cache) NewAssembler(kind Kind) *Assembler {
	return &Assembler{kind: kind, max: int(c.o.MaxBytes / 4)}
}

// Write takes bytes of the stream as they go to the client, cut anywhere. It
// never fails: Body tells.
func (a *Assembler) Write(p []byte) (int, error) {
	n := len(p)
	for a.err == nil && len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			if len(a.line)+len(p) > a.max {
				a.err = ErrTooLarge
				break
			}
			a.line = append(a.line, p...)
			break
		}
		line := p[:end]
		if len(a.line) > 0 {
			line = append(a.line, line...)
			a.line = a.line[:0]
		}
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			a.event(bytes.TrimSpace(data))
		}
		p = p[end+1:]
	}
	return n, nil
}

func (a *Assembler) event(data []byte) {
	if len(data) == 0 {
		return
	}
	if a.size += len(data); a.size > 64*a.max { // what surrounds a token is larger than the token
		a.err = ErrTooLarge
		return
	}
	var err error
	switch a.kind {
	case Chat, Completions:
		err = a.chunk(data)
	case Messages:
		err = a.messageEvent(data)
	case Responses:
		err = a.responseEvent(data)
	default:
		err = ErrForm
	}
	if a.err == nil {
		a.err = err
	}
}

// Body is the whole answer, or why there is none: the stream was cut, failed,
// or held more than text. tokensIn and tokensOut are told where the stream did
// not tell its usage.
func (a *Assembler) Body(tokensIn, tokensOut int) ([]byte, error) {
	switch {
	case a.err != nil:
		return nil, a.err
	case !a.done:
		return nil, ErrIncomplete
	case a.kind == Responses:
		return a.body, nil
	case a.kind == Messages:
		return a.wholeMessage()
	}
	return a.wholeChat(tokensIn, tokensOut)
}

type chunk struct {
	chatAnswer
	Choices []struct {
		Index        int                        `json:"index"`
		Delta        map[string]json.RawMessage `json:"delta"`
		Text         *string                    `json:"text"`
		Logprobs     json.RawMessage            `json:"logprobs"`
		FinishReason string                     `json:"finish_reason"`
	} `json:"choices"`
}

func (a *Assembler) chunk(data []byte) error {
	if string(data) == "[DONE]" {
		a.done = a.chat != nil
		return nil
	}
	var c chunk
	if json.Unmarshal(data, &c) != nil {
		return ErrForm
	}
	if !empty(c.Error) {
		return ErrStatus
	}
	if a.chat == nil {
		head := c.chatAnswer
		head.Choices, head.Usage = nil, nil
		a.chat = &head
	}
	if !empty(c.Usage) {
		a.chat.Usage = c.Usage
	}
	for _, choice := range c.Choices {
		if choice.Index < 0 || choice.Index > len(a.parts) || choice.Index > 127 || !empty(choice.Logprobs) {
			return ErrForm
		}
		if choice.Index == len(a.parts) {
			a.parts = append(a.parts, chatParts{})
			a.chat.Choices = append(a.chat.Choices, chatChoice{Index: choice.Index})
		}
		if choice.FinishReason != "" {
			a.chat.Choices[choice.Index].FinishReason = choice.FinishReason
		}
		if err := a.parts[choice.Index].add(choice.Delta, choice.Text); err != nil {
			return err
		}
	}
	return nil
}

func (p *chatParts) add(delta map[string]json.RawMessage, text *string) error {
	if text != nil {
		p.content.WriteString(*text)
	}
	for name, raw := range delta {
		if empty(raw) {
			continue
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ErrForm // tool calls, audio
		}
		switch name {
		case "role":
			p.role = s
		case "content":
			p.content.WriteString(s)
		case "reasoning_content":
			p.reasoning.WriteString(s)
		case "reasoning":
			p.reasoning2.WriteString(s)
		default:
			if s != "" {
				return ErrForm // a refusal, or what is not known here
			}
		}
	}
	return nil
}

func (a *Assembler) wholeChat(tokensIn, tokensOut int) ([]byte, error) {
	c := *a.chat
	c.Object = "chat.completion"
	if a.kind == Completions {
		c.Object = "text_completion"
	}
	for i := range c.Choices {
		p := &a.parts[i]
		s := p.content.String()
		if a.kind == Completions {
			c.Choices[i].Text = &s
		} else {
			c.Choices[i].Message = &chatMessage{Role: p.role, Content: &s, Reasoning: p.reasoning.String(), Reasoning2: p.reasoning2.String()}
			if p.role == "" {
				c.Choices[i].Message.Role = "assistant"
			}
		}
	}
	if empty(c.Usage) {
		c.Usage = fmt.Appendf(nil, `{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, tokensIn, tokensOut, tokensIn+tokensOut)
	}
	return json.Marshal(&c)
}

func (a *Assembler) messageEvent(data []byte) error {
	var e struct {
		Type    string          `json:"type"`
		Index   int             `json:"index"`
		Message json.RawMessage `json:"message"`
		Block   *textBlock      `json:"content_block"`
		Delta   struct {
			Type         string  `json:"type"`
			Text         string  `json:"text"`
			StopReason   string  `json:"stop_reason"`
			StopSequence *string `json:"stop_sequence"`
		} `json:"delta"`
		Usage map[string]any `json:"usage"`
	}
	if json.Unmarshal(data, &e) != nil {
		return ErrForm
	}
	m := a.message
	if m == nil && e.Type != "message_start" && e.Type != "ping" {
		return ErrForm
	}
	switch e.Type {
	case "ping", "content_block_stop":
	case "message_start":
		a.message = &messageAnswer{}
		if json.Unmarshal(e.Message, a.message) != nil || json.Unmarshal(a.message.Usage, &a.usage) != nil || len(a.message.Content) > 0 {
			return ErrForm
		}
	case "content_block_start":
		if e.Block == nil || e.Block.Type != "text" || e.Index != len(m.Content) {
			return ErrForm
		}
		m.Content = append(m.Content, *e.Block)
	case "content_block_delta":
		if e.Delta.Type != "text_delta" || e.Index < 0 || e.Index >= len(m.Content) {
			return ErrForm
		}
		a.grow(e.Index, e.Delta.Text)
	case "message_delta":
		m.StopReason, m.StopSequence = e.Delta.StopReason, e.Delta.StopSequence
		for name, v := range e.Usage {
			a.usage[name] = v
		}
	case "message_stop":
		a.done = true
	case "error":
		return ErrStatus
	default:
		return ErrForm
	}
	return nil
}

// grow adds to the text of a block.
func (a *Assembler) grow(block int, text string) {
	for len(a.parts) <= block {
		a.parts = append(a.parts, chatParts{})
	}
	a.parts[block].content.WriteString(text)
}

func (a *Assembler) wholeMessage() ([]byte, error) {
	m := *a.message
	for i := range m.Content {
		if i < len(a.parts) {
			m.Content[i].Text += a.parts[i].content.String()
		}
	}
	var err error
	if m.Usage, err = json.Marshal(a.usage); err != nil {
		return nil, err
	}
	return json.Marshal(&m)
}

func (a *Assembler) responseEvent(data []byte) error {
	var e struct {
		Type     string          `json:"type"`
		Response json.RawMessage `json:"response"`
	}
	if json.Unmarshal(data, &e) != nil {
		return ErrForm
	}
	switch e.Type {
	case "response.completed":
		a.body, a.done = e.Response, true
	case "response.incomplete":
		return ErrIncomplete
	case "response.failed", "error":
		return ErrStatus
	}
	return nil
}
