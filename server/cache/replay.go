package cache

import (
	"encoding/json"
	"fmt"
)

// Replay makes the stream of a whole answer that Put has accepted: server-sent
// events in order, each ready to be written. The text of a choice, block or part
// is one event.
func Replay(k *Key, body []byte) ([][]byte, error) {
	s := &sender{}
	var err error
	switch k.kind {
	case Chat, Completions:
		err = s.chat(k, body)
	case Messages:
		err = s.message(body)
	case Responses:
		err = s.response(body)
	default:
		err = ErrForm
	}
	return s.events, err
}

type sender struct {
	events   [][]byte
	sequence int
	err      error
}

// send adds an event; name may be empty.
func (s *sender) send(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil && s.err == nil {
		s.err = err
	}
	if name != "" {
		s.events = append(s.events, fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, data))
		return
	}
	s.events = append(s.events, fmt.Appendf(nil, "data: %s\n\n", data))
}

type object = map[string]any

func (s *sender) chat(k *Key, body []byte) error {
	a, err := readChat(k.kind, body)
	if err != nil {
		return err
	}
	chunk := func(choices []any) object {
		c := object{"id": a.ID, "object": "chat.completion.chunk", "created": a.Created, "model": a.Model, "choices": choices}
		if k.kind == Completions {
			c["object"] = "text_completion"
		}
		if a.ServiceTier != "" {
			c["service_tier"] = a.ServiceTier
		}
		if a.Fingerprint != "" {
			c["system_fingerprint"] = a.Fingerprint
		}
		if k.Usage {
			c["usage"] = nil
		}
		return c
	}
	for _, c := range a.Choices {
		if k.kind == Completions {
			s.send("", chunk([]any{object{"index": c.Index, "text": *c.Text, "logprobs": nil, "finish_reason": c.FinishReason}}))
			continue
		}
		delta := func(delta object, finish any) {
			s.send("", chunk([]any{object{"index": c.Index, "delta": delta, "logprobs": nil, "finish_reason": finish}}))
		}
		delta(object{"role": c.Message.Role, "content": "", "refusal": nil}, nil)
		if c.Message.Reasoning != "" {
			delta(object{"reasoning_content": c.Message.Reasoning}, nil)
		}
		if c.Message.Reasoning2 != "" {
			delta(object{"reasoning": c.Message.Reasoning2}, nil)
		}
		delta(object{"content": *c.Message.Content}, nil)
		delta(object{}, c.FinishReason)
	}
	if k.Usage {
		c := chunk([]any{})
		c["usage"] = a.Usage
		s.send("", c)
	}
	s.events = append(s.events, []byte("data: [DONE]\n\n"))
	return s.err
}

func (s *sender) message(body []byte) error {
	a, err := readMessage(body)
	if err != nil {
		return err
	}
	var whole object
	if err := json.Unmarshal(body, &whole); err != nil {
		return ErrForm
	}
	usage, _ := whole["usage"].(object)
	first := object{}
	for name, v := range usage {
		first[name] = v
	}
	first["output_tokens"] = 1 // what is known when a message begins
	whole["content"], whole["stop_reason"], whole["stop_sequence"], whole["usage"] = []any{}, nil, nil, first
	typed := func(name string, v object) {
		v["type"] = name
		s.send(name, v)
	}
	typed("message_start", object{"message": whole})
	for i, b := range a.Content {
		typed("content_block_start", object{"index": i, "content_block": object{"type": "text", "text": ""}})
		typed("content_block_delta", object{"index": i, "delta": object{"type": "text_delta", "text": b.Text}})
		typed("content_block_stop", object{"index": i})
	}
	typed("message_delta", object{"delta": object{"stop_reason": a.StopReason, "stop_sequence": a.StopSequence}, "usage": usage})
	typed("message_stop", object{})
	return s.err
}

func (s *sender) response(body []byte) error {
	a, items, err := readResponse(body)
	if err != nil {
		return err
	}
	var begun object
	if err := json.Unmarshal(body, &begun); err != nil {
		return ErrForm
	}
	begun["status"], begun["output"] = "in_progress", []any{}
	for _, name := range []string{"usage", "completed_at", "output_text"} {
		delete(begun, name)
	}
	typed := func(name string, v object) {
		v["type"], v["sequence_number"] = name, s.sequence
		s.sequence++
		s.send(name, v)
	}
	typed("response.created", object{"response": begun})
	typed("response.in_progress", object{"response": begun})
	for i, item := range items {
		var added object
		if err := json.Unmarshal(a.Output[i], &added); err != nil {
			return ErrForm
		}
		if item.Type == "message" {
			added["status"], added["content"] = "in_progress", []any{}
		}
		typed("response.output_item.added", object{"output_index": i, "item": added})
		if item.Type == "message" {
			if err := s.responseParts(typed, i, item); err != nil {
				return err
			}
		}
		typed("response.output_item.done", object{"output_index": i, "item": a.Output[i]})
	}
	typed("response.completed", object{"response": json.RawMessage(body)})
	return s.err
}

func (s *sender) responseParts(typed func(string, object), i int, item outputItem) error {
	for j, raw := range item.Content {
		var p outputPart
		if err := json.Unmarshal(raw, &p); err != nil {
			return ErrForm
		}
		at := func(more object) object {
			more["item_id"], more["output_index"], more["content_index"] = item.ID, i, j
			return more
		}
		typed("response.content_part.added", at(object{"part": object{"type": "output_text", "text": "", "annotations": []any{}, "logprobs": []any{}}}))
		typed("response.output_text.delta", at(object{"delta": p.Text, "logprobs": []any{}}))
		typed("response.output_text.done", at(object{"text": p.Text, "logprobs": []any{}}))
		typed("response.content_part.done", at(object{"part": raw}))
	}
	return nil
}
