package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"mom/server/official"
)

const (
	completionReply = `{"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"small","choices":[{"text":" a\nb","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}`
	messageReply    = `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello"},{"type":"text","text":" there \"you\""}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":6,"cache_read_input_tokens":0}}`
	responseReply   = `{"id":"resp_1","object":"response","created_at":1700000000,"status":"completed","error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"metadata":{},"model":"m",
		"output":[{"type":"reasoning","id":"rs_1","summary":[]},{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi there","annotations":[],"logprobs":[]}]}],
		"parallel_tool_calls":true,"previous_response_id":null,"temperature":1,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1,"truncation":"disabled",
		"usage":{"input_tokens":1,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":3}}`
)

var replies = map[Kind]string{Chat: chatReply, Completions: completionReply, Messages: messageReply, Responses: responseReply}

func parsed(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

// A stored answer that is replayed as a stream and put together again is the
// same answer, however the stream is cut on its way.
func TestReplayRoundTrip(t *testing.T) {
	c := newCache(t, Options{})
	for kind, reply := range replies {
		if err := storable(kind, []byte(reply)); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		events, err := Replay(&Key{kind: kind, Usage: true}, []byte(reply))
		if err != nil {
			t.Fatal(kind, err)
		}
		stream := bytes.Join(events, nil)
		want := parsed(t, []byte(reply))
		delete(want, "x_extra") // chunks do not carry what is not known
		for _, size := range []int{1, 7, 1 << 20} {
			a := c.NewAssembler(kind)
			for rest := stream; len(rest) > 0; {
				n := min(size, len(rest))
				a.Write(rest[:n])
				rest = rest[n:]
			}
			body, err := a.Body(0, 0)
			if err != nil {
				t.Fatal(kind, err)
			}
			if got := parsed(t, body); !reflect.DeepEqual(got, want) {
				t.Errorf("%s\ngot  %v\nwant %v", kind, got, want)
			}
			if err := storable(kind, body); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		// Cut after any event but the last, it is no answer.
		for n := range len(events) - 1 {
			a := c.NewAssembler(kind)
			a.Write(bytes.Join(events[:n], nil))
			if _, err := a.Body(0, 0); !errors.Is(err, ErrIncomplete) {
				t.Errorf("%s cut after %d events: %v", kind, n, err)
			}
		}
	}
}

func TestUsageOnlyWhenAsked(t *testing.T) {
	events, err := Replay(&Key{kind: Chat}, []byte(chatReply))
	if err != nil || strings.Contains(string(bytes.Join(events, nil)), "usage") {
		t.Errorf("%s %v", events, err)
	}
	events, _ = Replay(&Key{kind: Chat, Usage: true}, []byte(chatReply))
	if last := string(events[len(events)-2]); !strings.Contains(last, `"choices":[]`) || !strings.Contains(last, `"total_tokens":10`) {
		t.Errorf("%s", last)
	}
	for _, e := range events[:len(events)-2] {
		if !strings.Contains(string(e), `"usage":null`) {
			t.Errorf("%s", e)
		}
	}
}

// Streams as upstreams send them.
func TestAssemble(t *testing.T) {
	c := newCache(t, Options{})
	for name, x := range map[string]struct {
		kind   Kind
		stream string
		want   string // of the whole answer
		err    error
	}{
		"chat": {Chat, `: a comment

data: {"id":"x","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"x","created":5,"model":"m","choices":[{"index":0,"delta":{"content":"Hé"},"logprobs":null}]}

data:{"id":"x","created":5,"model":"m","choices":[{"index":0,"delta":{"content":"llo","tool_calls":[]}}]}

data: {"id":"x","created":5,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: [DONE]

`, `{"id":"x","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Héllo","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`, nil},
		"reasoning": {Chat, `data: {"id":"x","created":5,"model":"m","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}
data: {"id":"x","created":5,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}
data: [DONE]
`, `{"id":"x","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a","refusal":null,"reasoning_content":"hm"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`, nil},
		"tools":         {Chat, `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}` + "\n", "", ErrForm},
		"refusal":       {Chat, `data: {"choices":[{"index":0,"delta":{"refusal":"no"}}]}` + "\n", "", ErrForm},
		"an index":      {Chat, `data: {"choices":[{"index":5,"delta":{}}]}` + "\n", "", ErrForm},
		"chat error":    {Chat, `data: {"error":{"message":"x"}}` + "\n", "", ErrStatus},
		"no done":       {Chat, `data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}` + "\n", "", ErrIncomplete},
		"nothing":       {Chat, "data: [DONE]\n", "", ErrIncomplete},
		"no JSON":       {Chat, "data: x\n", "", ErrForm},
		"message error": {Messages, `data: {"type":"error","error":{"type":"overloaded_error"}}` + "\n", "", ErrForm},
		"message later error": {Messages, `data: {"type":"message_start","message":{"type":"message","content":[],"usage":{}}}
data: {"type":"error","error":{"type":"overloaded_error"}}` + "\n", "", ErrStatus},
		"thinking": {Messages, `data: {"type":"message_start","message":{"type":"message","content":[],"usage":{}}}
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}` + "\n", "", ErrForm},
		"incomplete": {Responses, `data: {"type":"response.incomplete","response":{}}` + "\n", "", ErrIncomplete},
		"failed":     {Responses, `data: {"type":"response.failed","response":{}}` + "\n", "", ErrStatus},
	} {
		a := c.NewAssembler(x.kind)
		a.Write([]byte(x.stream))
		body, err := a.Body(3, 4)
		if !errors.Is(err, x.err) {
			t.Errorf("%s: %v, want %v", name, err, x.err)
		}
		if x.want != "" && !reflect.DeepEqual(parsed(t, body), parsed(t, []byte(x.want))) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, body, x.want)
		}
	}
	// A stream that ended for another reason is put together, and then not kept.
	a := c.NewAssembler(Chat)
	a.Write([]byte(`data: {"id":"x","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"length"}]}` + "\ndata: [DONE]\n"))
	body, err := a.Body(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := storable(Chat, body); !errors.Is(err, ErrIncomplete) {
		t.Error(err)
	}
}

// An endless stream is not collected without end.
func TestAssembleBounded(t *testing.T) {
	c := newCache(t, Options{MaxBytes: 64 << 10})
	for name, piece := range map[string]string{"line": "data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"events": `data: {"choices":[{"index":0,"delta":{"content":"` + strings.Repeat("x", 500) + `"}}]}` + "\n"} {
		a := c.NewAssembler(Chat)
		for range 20000 {
			a.Write([]byte(piece))
		}
		if _, err := a.Body(0, 0); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		held := len(a.line)
		for i := range a.parts {
			held += a.parts[i].content.Len()
		}
		if held > 64*(64<<10) {
			t.Errorf("%s: %d bytes are held", name, held)
		}
	}
}

func TestStorableKinds(t *testing.T) {
	for _, x := range []struct {
		kind     Kind
		old, new string
		want     error
	}{
		{Messages, `"end_turn"`, `"max_tokens"`, ErrIncomplete},
		{Messages, `"end_turn"`, `"tool_use"`, ErrIncomplete},
		{Messages, `{"type":"text","text":"Hello"}`, `{"type":"tool_use","id":"x"}`, ErrForm},
		{Messages, `"type":"message"`, `"type":"error"`, ErrStatus},
		{Responses, `"status":"completed","error":null`, `"status":"incomplete","error":null`, ErrIncomplete},
		{Responses, `"error":null`, `"error":{"code":"x"}`, ErrStatus},
		{Responses, `"type":"reasoning"`, `"type":"function_call"`, ErrForm},
		{Responses, `"type":"output_text"`, `"type":"refusal"`, ErrForm},
		{Responses, `"annotations":[]`, `"annotations":[{"type":"url_citation"}]`, ErrForm},
		{Completions, `"stop"`, `"length"`, ErrIncomplete},
		{Completions, `"text":" a\nb",`, ``, ErrForm},
		{"audio", ``, ``, ErrForm},
	} {
		body := strings.Replace(replies[x.kind], x.old, x.new, 1)
		if err := storable(x.kind, []byte(body)); !errors.Is(err, x.want) {
			t.Errorf("%s %s: %v, want %v", x.kind, x.new, err, x.want)
		}
	}
}

// Replayed events satisfy OpenAI's own document.
func TestReplayConforms(t *testing.T) {
	for kind, schema := range map[Kind]string{Chat: "CreateChatCompletionStreamResponse", Completions: "CreateCompletionResponse", Responses: "ResponseStreamEvent"} {
		events, err := Replay(&Key{kind: kind, Usage: kind == Chat}, []byte(replies[kind]))
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, e := range events {
			_, data, _ := strings.Cut(strings.TrimSpace(string(e)), "data: ")
			if data == "[DONE]" {
				continue
			}
			if err := official.Conforms(schema, data); errors.Is(err, official.ErrMissing) {
				t.Skip(err)
			} else if err != nil {
				t.Errorf("%s: %v\n%s", kind, err, data)
			}
			checked++
		}
		if checked == 0 {
			t.Errorf("%s: %d events", kind, checked)
		}
	}
}
