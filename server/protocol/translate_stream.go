package protocol

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"
)

type chatDelta struct {
	Role      string     `json:"role,omitempty"`
	Content   *string    `json:"content,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type chatChunkChoice struct {
	Index    int       `json:"index"`
	Delta    chatDelta `json:"delta"`
	LogProbs *struct{} `json:"logprobs"`
	Finish   *string   `json:"finish_reason"`
}

type chatChunk struct {
	ID      string            `json:"id"`
	Object  string            `json:"object"`
	Created int64             `json:"created"`
	Model   string            `json:"model"`
	Choices []chatChunkChoice `json:"choices"`
	Usage   *chatUsage        `json:"usage,omitempty"`
}

// A messagesStream turns a stream of Anthropic into one of chat.
type messagesStream struct {
	usageAsked bool
	id, model  string
	created    int64
	usage      Usage
	tools      map[int]int // number of the tool call, by block
}

func (s *messagesStream) chunk(to []Event, delta chatDelta, finish string) []Event {
	return append(to, Event{Data: marshal(&chatChunk{
		ID: s.id, Object: "chat.completion.chunk", Created: s.created, Model: s.model,
		Choices: []chatChunkChoice{{Delta: delta, Finish: orNull(finish)}},
	})})
}

func (s *messagesStream) event(to []Event, d *document, data string) ([]Event, error) {
	if d == nil {
		return to, nil // Anthropic ends no stream with [DONE]
	}
	switch d.strOf(d.find(0, "type")) {
	case "message_start":
		m := d.find(0, "message")
		s.id, s.model, s.created = d.strOf(d.find(m, "id")), d.strOf(d.find(m, "model")), time.Now().Unix()
		s.usage = s.usage.merge(usageOf(d, d.find(m, "usage")))
		return s.chunk(to, chatDelta{Role: "assistant", Content: new(string)}, ""), nil
	case "content_block_start":
		return s.start(to, d)
	case "content_block_delta":
		return s.delta(to, d)
	case "message_delta":
		s.usage = s.usage.merge(usageOf(d, d.find(0, "usage")))
		if stop := d.strOf(d.at(0, "delta", "stop_reason")); stop != "" {
			to = s.chunk(to, chatDelta{}, finishReason(stop))
		}
	case "message_stop":
		if s.usageAsked {
			to = append(to, Event{Data: marshal(&chatChunk{
				ID: s.id, Object: "chat.completion.chunk", Created: s.created, Model: s.model,
				Choices: []chatChunkChoice{}, Usage: s.usage.chat(),
			})})
		}
		to = append(to, Event{Data: Done})
	case "ping":
		to = append(to, Event{Comment: "ping"})
	case "error":
		to = append(to, ErrorEvent(Chat, errorOf(d, 502), 0))
	}
	return to, nil
}

func (s *messagesStream) start(to []Event, d *document) ([]Event, error) {
	b := d.find(0, "content_block")
	switch d.strOf(d.find(b, "type")) {
	case "text":
		if t := d.strOf(d.find(b, "text")); t != "" {
			to = s.chunk(to, chatDelta{Content: &t}, "")
		}
	case "thinking", "redacted_thinking":
	case "tool_use":
		if s.tools == nil {
			s.tools = map[int]int{}
		}
		n := len(s.tools)
		s.tools[d.intOf(d.find(0, "index"))] = n
		to = s.chunk(to, chatDelta{ToolCalls: []toolCall{{
			Index: &n, ID: d.strOf(d.find(b, "id")), Type: "function", Function: functionCall{Name: d.strOf(d.find(b, "name"))},
		}}}, "")
	default:
		return to, badAnswer("it has a content block of another type than text, thinking and tool_use")
	}
	return to, nil
}

func (s *messagesStream) delta(to []Event, d *document) ([]Event, error) {
	delta := d.find(0, "delta")
	if v := d.find(delta, "text"); d.is(v, text) {
		t := d.str(v)
		return s.chunk(to, chatDelta{Content: &t}, ""), nil
	}
	if t := d.strOf(d.find(delta, "thinking")); t != "" {
		return s.chunk(to, chatDelta{Reasoning: t}, ""), nil
	}
	if v := d.find(delta, "partial_json"); d.is(v, text) {
		n, ok := s.tools[d.intOf(d.find(0, "index"))]
		if !ok {
			return to, badAnswer("it has a piece of a tool call that was not begun")
		}
		if t := d.str(v); t != "" {
			to = s.chunk(to, chatDelta{ToolCalls: []toolCall{{Index: &n, Function: functionCall{Arguments: t}}}}, "")
		}
	}
	return to, nil
}

// A chatStream turns a stream of chat into one of Anthropic. Its blocks of tool
// calls stay open to the end, since pieces of several calls may alternate.
type chatStream struct {
	begun, over bool
	blocks      int         // begun so far
	text        int         // the open block of text, counted from 1; 0 for none
	tools       map[int]int // block by number of the tool call
	open        []int       // blocks of tools, in order
	stop        string
	usage       Usage
}

func named(name, data string) Event { return Event{Name: name, Data: data} }

func (s *chatStream) event(to []Event, d *document, data string) ([]Event, error) {
	if d == nil {
		return s.end(to), nil
	}
	if d.is(d.find(0, "error"), object) {
		s.over = true
		return append(to, ErrorEvent(Messages, errorOf(d, 502), 0)), nil
	}
	s.usage = s.usage.merge(usageOf(d, d.find(0, "usage")))
	if !s.begun {
		s.begun = true
		to = append(to, named("message_start", `{"type":"message_start","message":`+marshal(&messagesAnswer{
			ID: d.strOf(d.find(0, "id")), Type: "message", Role: "assistant", Model: d.strOf(d.find(0, "model")),
			Content: []block{}, Usage: s.usage.messages(),
		})+`}`))
	}
	choices := d.find(0, "choices")
	if !d.is(choices, array) || d.nodes[choices].next == choices+1 {
		return to, nil
	}
	choice := choices + 1
	delta := d.find(choice, "delta")
	for _, key := range [...]string{"content", "refusal"} {
		if t := d.strOf(d.find(delta, key)); t != "" {
			to = s.say(to, t)
			if key == "refusal" {
				s.stop = "refusal"
			}
		}
	}
	calls := d.find(delta, "tool_calls")
	for c := calls + 1; d.is(calls, array) && c < d.nodes[calls].next; c = d.nodes[c].next {
		to = s.call(to, d, c)
	}
	if f := d.strOf(d.find(choice, "finish_reason")); f != "" {
		s.stop = cmp.Or(s.stop, stopReason(f))
		to = s.close(to)
	}
	return to, nil
}

func (s *chatStream) say(to []Event, t string) []Event {
	if s.text == 0 {
		to = append(to, named("content_block_start", `{"type":"content_block_start","index":`+strconv.Itoa(s.blocks)+`,"content_block":{"type":"text","text":""}}`))
		s.blocks++
		s.text = s.blocks
	}
	return append(to, named("content_block_delta", `{"type":"content_block_delta","index":`+strconv.Itoa(s.text-1)+
		`,"delta":{"type":"text_delta","text":`+string(appendString(nil, t))+`}}`))
}

func (s *chatStream) call(to []Event, d *document, c int32) []Event {
	n := d.intOf(d.find(c, "index"))
	at, ok := s.tools[n]
	if !ok {
		to = s.closeText(to)
		if s.tools == nil {
			s.tools = map[int]int{}
		}
		at = s.blocks
		s.blocks++
		s.tools[n], s.open = at, append(s.open, at)
		to = append(to, named("content_block_start", `{"type":"content_block_start","index":`+strconv.Itoa(at)+`,"content_block":`+marshal(&block{
			Type: "tool_use", ID: d.strOf(d.find(c, "id")), Name: d.strOf(d.at(c, "function", "name")), Input: json.RawMessage("{}"),
		})+`}`))
	}
	if t := d.strOf(d.at(c, "function", "arguments")); t != "" {
		to = append(to, named("content_block_delta", `{"type":"content_block_delta","index":`+strconv.Itoa(at)+
			`,"delta":{"type":"input_json_delta","partial_json":`+string(appendString(nil, t))+`}}`))
	}
	return to
}

func stopBlock(i int) Event {
	return named("content_block_stop", `{"type":"content_block_stop","index":`+strconv.Itoa(i)+`}`)
}

func (s *chatStream) closeText(to []Event) []Event {
	if s.text > 0 {
		to = append(to, stopBlock(s.text-1))
		s.text = 0
	}
	return to
}

func (s *chatStream) close(to []Event) []Event {
	to = s.closeText(to)
	for _, i := range s.open {
		to = append(to, stopBlock(i))
	}
	s.open, s.tools = nil, nil
	return to
}

// end is sent at [DONE], after the chunk with the usage.
func (s *chatStream) end(to []Event) []Event {
	if s.over || !s.begun {
		return to
	}
	s.over = true
	to = s.close(to)
	stop := cmp.Or(s.stop, "end_turn")
	to = append(to, named("message_delta", `{"type":"message_delta","delta":{"stop_reason":"`+stop+`","stop_sequence":null},"usage":`+marshal(s.usage.messages())+`}`))
	return append(to, named("message_stop", `{"type":"message_stop"}`))
}
