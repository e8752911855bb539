package protocol

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"mom/router"
	"mom/server/web"
)

// sameJSON compares two texts as values.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatalf("%v: %s", err, want)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestChatToMessages(t *testing.T) {
	const body = `{"model":"auto","mom":{"explain":true},"messages":[
		{"role":"system","content":"be kind"},
		{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"image_url","image_url":{"url":"https://x.org/a.png","detail":"low"}}]},
		{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"q\": 1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":""}}]},
		{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"two"}]},
		{"role":"user","content":"go on"},{"role":"developer","content":"and brief"}],
		"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"q":{"type":"integer"}}},"strict":true}},{"type":"function","function":{"name":"g"}}],
		"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,"stop":"END","temperature":0.5,"top_p":1,"user":"u","stream":true,
		"max_completion_tokens":50,"reasoning_effort":"high","store":false,"n":1,"logprobs":false,"presence_penalty":0,
		"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"}}}}`
	conforms(t, "CreateChatCompletionRequest", body)
	r := mustParse(t, Chat, body)
	got, err := r.Body(Messages, Rewrite{Model: "claude", Usage: true})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, string(got), `{"model":"claude","max_tokens":50,"system":[{"type":"text","text":"be kind"},{"type":"text","text":"and brief"}],"messages":[
		{"role":"user","content":[{"type":"text","text":"look"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"image","source":{"type":"url","url":"https://x.org/a.png"}}]},
		{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"q":1}},{"type":"tool_use","id":"c2","name":"g","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"one"},{"type":"tool_result","tool_use_id":"c2","content":[{"type":"text","text":"two"}]},{"type":"text","text":"go on"}]}],
		"stream":true,"temperature":0.5,"top_p":1,"stop_sequences":["END"],
		"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"q":{"type":"integer"}}},"strict":true},{"name":"g","input_schema":{"type":"object","properties":{}}}],
		"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"metadata":{"user_id":"u"},"output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object"}}}}`)
	mustParse(t, Messages, string(got))
	plain := mustParse(t, Chat, `{"model":"m","messages":[{"role":"user","content":"x"}]}`)
	if got, err := plain.Body(Messages, Rewrite{}); err != nil || !strings.Contains(string(got), `"max_tokens":4096`) {
		t.Fatal(string(got), err)
	}
}

func TestMessagesToChat(t *testing.T) {
	r := mustParse(t, Messages, `{"model":"auto","max_tokens":50,"system":[{"type":"text","text":"be kind","cache_control":{"type":"ephemeral"}}],"messages":[
		{"role":"user","content":[{"type":"text","text":"look"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"document","title":"t","source":{"type":"text","media_type":"text/plain","data":"d"}},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"BBBB"}}]},
		{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"ok"},{"type":"tool_use","id":"c1","name":"f","input":{"q": 1}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"one"}]},{"type":"tool_result","tool_use_id":"c2"},{"type":"text","text":"go on"}]}],
		"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},
		"stop_sequences":["END"],"temperature":0.5,"stream":true,"metadata":{"user_id":"u"},"thinking":{"type":"enabled","budget_tokens":1024},"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}}`)
	got, err := r.Body(Chat, Rewrite{Model: "gpt"})
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, "CreateChatCompletionRequest", string(got))
	sameJSON(t, string(got), `{"model":"gpt","messages":[{"role":"system","content":"be kind"},
		{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"t\n\nd"},{"type":"file","file":{"file_data":"data:application/pdf;base64,BBBB","filename":"document.pdf"}}]},
		{"role":"assistant","content":"ok","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"q\": 1}"}}]},
		{"role":"tool","content":"one","tool_call_id":"c1"},{"role":"tool","content":"","tool_call_id":"c2"},{"role":"user","content":"go on"}],
		"max_completion_tokens":50,"stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"stop":["END"],
		"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"tool_choice":"required","parallel_tool_calls":false,
		"reasoning_effort":"low","response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":{"type":"object"}}},"user":"u"}`)
}

func TestUntranslatable(t *testing.T) {
	chat := func(more string) string {
		return `{"model":"m","messages":[{"role":"user","content":"x"}]` + more + `}`
	}
	message := func(content string) string { return `{"model":"m","messages":[` + content + `]}` }
	turn := func(content string) string {
		return `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[` + content + `]}]}`
	}
	for _, c := range []struct {
		kind, to    Kind
		body, param string
	}{
		{Chat, Messages, chat(`,"n":2`), "n"},
		{Chat, Messages, chat(`,"seed":7`), "seed"},
		{Chat, Messages, chat(`,"temperature":1.5`), "temperature"},
		{Chat, Messages, chat(`,"logprobs":true`), "logprobs"},
		{Chat, Messages, chat(`,"presence_penalty":1`), "presence_penalty"},
		{Chat, Messages, chat(`,"logit_bias":{"1":2}`), "logit_bias"},
		{Chat, Messages, chat(`,"response_format":{"type":"json_object"}`), "response_format"},
		{Chat, Messages, chat(`,"tools":[{"type":"custom","custom":{"name":"c"}}]`), "tools[0]"},
		{Chat, Messages, chat(`,"tool_choice":"some"`), "tool_choice"},
		{Chat, Messages, chat(`,"vendor":1`), "vendor"},
		{Chat, Messages, message(`{"role":"function","name":"f","content":"x"}`), "messages[0].role"},
		{Chat, Messages, message(`{"role":"assistant","function_call":{"name":"f","arguments":"{}"}}`), "messages[0].function_call"},
		{Chat, Messages, message(`{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"[]"}}]}`), "messages[0].tool_calls[0].function.arguments"},
		{Chat, Messages, message(`{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"A","format":"wav"}}]}`), "messages[0].content[0]"},
		{Chat, Messages, message(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]}`), "messages[0].content[0]"},
		{Chat, Messages, message(`{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}`), "messages[0].content[0]"},
		{Messages, Chat, turn(`{"type":"search_result","source":"s","title":"t","content":[]}`), "messages[0].content[0]"},
		{Messages, Chat, turn(`{"type":"image","source":{"type":"file","file_id":"f"}}`), "messages[0].content[0]"},
		{Messages, Chat, turn(`{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"url","url":"u"}}]}`), "messages[0].content[0].content[0]"},
		{Messages, Chat, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"top_k":5}`, "top_k"},
		{Messages, Chat, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tools":[{"type":"web_search_20250305","name":"w"}]}`, "tools[0]"},
		{Messages, Chat, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"stop_sequences":["1","2","3","4","5"]}`, "stop_sequences"},
		{Responses, Messages, `{"model":"m","input":"x"}`, "model"},
		{CountTokens, Chat, `{"model":"m","messages":[{"role":"user","content":"x"}]}`, "model"},
	} {
		_, err := mustParse(t, c.kind, c.body).Body(c.to, Rewrite{})
		var e *web.Error
		if !errors.As(err, &e) || e.Param != c.param || e.Status != 400 {
			t.Errorf("%s\ngot %v, want param %s", c.body, err, c.param)
		}
	}
}

const claudeAnswer = `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"tool_use","id":"t1","name":"f","input":{"q":1}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":0,"output_tokens":5}}`

const gptAnswer = `{"id":"c1","object":"chat.completion","created":1,"model":"gpt","choices":[{"index":0,"message":{"role":"assistant","content":"ab","refusal":null,"reasoning_content":"hm","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"q\":1}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}}`

func translated(t *testing.T, client, upstream Kind, body string) string {
	t.Helper()
	r, m := testMaskOf(t, client)
	a, err := ReadAnswer(upstream, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	out, err := a.Body(r, AnswerRewrite{Mask: m})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTranslateAnswers(t *testing.T) {
	got := translated(t, Chat, Messages, claudeAnswer)
	conforms(t, "CreateChatCompletionResponse", got)
	var v map[string]any
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		t.Fatal(err)
	}
	v["created"] = 1
	sameJSON(t, marshal(v), strings.NewReplacer(`"id":"c1"`, `"id":"msg_1"`, `"model":"gpt"`, `"model":"claude"`).Replace(gptAnswer))

	got = translated(t, Messages, Chat, gptAnswer)
	want := strings.NewReplacer(`"id":"msg_1"`, `"id":"c1"`, `"model":"claude"`, `"model":"gpt"`,
		`{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"a"},{"type":"text","text":"b"}`, `{"type":"text","text":"ab"}`).Replace(claudeAnswer)
	sameJSON(t, got, want)

	got = translated(t, Messages, Chat, `{"id":"c","model":"m","choices":[{"message":{"content":null,"refusal":"no <PERSON_1>"},"finish_reason":"stop"}]}`)
	if !strings.Contains(got, `no Ann O\"Neil`) || !strings.Contains(got, `"stop_reason":"refusal"`) {
		t.Fatal(got)
	}
	for stop, finish := range map[string]string{"end_turn": "stop", "max_tokens": "length", "stop_sequence": "stop", "refusal": "content_filter", "pause_turn": "stop"} {
		got := translated(t, Chat, Messages, strings.Replace(claudeAnswer, `"stop_reason":"tool_use"`, `"stop_reason":"`+stop+`"`, 1))
		if !strings.Contains(got, `"finish_reason":"`+finish+`"`) {
			t.Errorf("%s: %s", stop, got)
		}
	}
	r, _ := testMaskOf(t, Messages)
	for _, bad := range []string{`{}`, `{"choices":[]}`, `{"choices":[{}]}`, `{"choices":[{"message":{"tool_calls":[{"function":{"arguments":"{"}}]}}]}`} {
		a, err := ReadAnswer(Chat, []byte(bad))
		if err != nil {
			t.Fatal(err)
		}
		var e *web.Error
		if _, err := a.Body(r, AnswerRewrite{}); !errors.As(err, &e) || e.Status != 502 {
			t.Errorf("%s: %v", bad, err)
		}
	}
	var e *web.Error
	if _, err := ReadAnswer(Chat, []byte(`<html>`)); !errors.As(err, &e) || e.Status != 502 {
		t.Fatal(err)
	}
}

// relayed sends an upstream's events through a Relay and reads what the client
// gets.
func relayed(t *testing.T, client, upstream Kind, body string, o RelayOptions, data ...string) (*Relay, []Event) {
	t.Helper()
	r := mustParse(t, client, body)
	s, err := NewRelay(r, upstream, o)
	if err != nil {
		t.Fatal(err)
	}
	var wire []byte
	for _, d := range data {
		if wire, err = s.Event(wire, Event{Data: d}); err != nil {
			t.Fatal(err)
		}
	}
	events, err := readEvents(strings.NewReader(string(s.End(wire))), 1<<20)
	if err != io.EOF {
		t.Fatal(err)
	}
	return s, events
}

var claudeStream = []string{
	`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"usage":{"input_tokens":3,"cache_read_input_tokens":4,"output_tokens":1}}}`,
	`{"type":"ping"}`,
	`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}`,
	`{"type":"content_block_stop","index":0}`,
	`{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`,
	`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"a"}}`,
	`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}}`,
	`{"type":"content_block_stop","index":1}`,
	`{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"q\""}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":":1}"}}`,
	`{"type":"content_block_stop","index":2}`,
	`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":5}}`,
	`{"type":"message_stop"}`,
}

func TestTranslateStreamToChat(t *testing.T) {
	const ask = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}`
	s, events := relayed(t, Chat, Messages, ask, RelayOptions{Collect: true}, claudeStream...)
	var content, reasoning, arguments, ids, finish, usage string
	for i, e := range events {
		if e.Comment != "" || e.Data == Done {
			if e.Data == Done && i != len(events)-1 {
				t.Fatal("[DONE] is not the last")
			}
			continue
		}
		conforms(t, "CreateChatCompletionStreamResponse", e.Data)
		var c struct {
			Choices []struct {
				Delta struct {
					Content   string
					Reasoning string `json:"reasoning_content"`
					ToolCalls []struct {
						Index    int
						ID       string
						Function struct{ Name, Arguments string }
					} `json:"tool_calls"`
				}
				Finish string `json:"finish_reason"`
			}
			Usage json.RawMessage
		}
		if err := json.Unmarshal([]byte(e.Data), &c); err != nil {
			t.Fatal(err)
		}
		usage += string(c.Usage)
		for _, x := range c.Choices {
			content += x.Delta.Content
			reasoning += x.Delta.Reasoning
			finish += x.Finish
			for _, call := range x.Delta.ToolCalls {
				ids += call.ID + call.Function.Name
				arguments += call.Function.Arguments
			}
		}
	}
	if content != "ab" || reasoning != "hm" || arguments != `{"q":1}` || ids != "t1f" || finish != "tool_calls" {
		t.Fatalf("%q %q %q %q %q", content, reasoning, arguments, ids, finish)
	}
	sameJSON(t, usage, `{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}`)
	if u := s.Usage(); !s.Done() || s.Failure() != nil || u.Input != 7 || u.Output != 5 || s.Model() != "claude" || s.Finish() != "tool_use" {
		t.Fatalf("%+v %+v", s, u)
	}
	if x := s.Texts(); len(x) != 2 || x[0].Text != "ab" || !x[1].JSON || s.Collected() != 9 {
		t.Fatalf("%+v", x)
	}
	_, events = relayed(t, Chat, Messages, strings.Replace(ask, `true},`, `false},`, 1), RelayOptions{}, claudeStream...)
	for _, e := range events {
		if strings.Contains(e.Data, "usage") {
			t.Fatal("usage was not asked for")
		}
	}
}

func TestTranslateStreamToMessages(t *testing.T) {
	const ask = `{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}`
	chunk := func(delta, finish string) string {
		return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]}`
	}
	s, events := relayed(t, Messages, Chat, ask, RelayOptions{},
		chunk(`{"role":"assistant","content":""}`, "null"), chunk(`{"content":"a"}`, "null"), chunk(`{"content":"b"}`, "null"),
		chunk(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}`, "null"),
		chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}}]}`, "null"),
		chunk(`{"tool_calls":[{"index":1,"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]}`, "null"),
		chunk(`{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}`, "null"),
		chunk(`{}`, `"tool_calls"`), `{"id":"c1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}}`, Done)
	var got []string
	for _, e := range events {
		var head struct{ Type string }
		if err := json.Unmarshal([]byte(e.Data), &head); err != nil || head.Type != e.Name {
			t.Fatalf("%v %+v", err, e)
		}
		got = append(got, e.Data)
	}
	want := []string{
		`{"type":"message_start","message":{"id":"c1","type":"message","role":"assistant","model":"gpt","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"}}`,
		`{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t2","name":"g","input":{}}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}`,
		`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}`,
		`{"type":"content_block_stop","index":1}`,
		`{"type":"content_block_stop","index":2}`,
		`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":5}}`,
		`{"type":"message_stop"}`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !s.Done() || s.Usage().Cached != 4 {
		t.Fatalf("%+v", s.Usage())
	}
}

// TestRelay holds what a client of the same protocol gets against what the
// upstream sent: the same, but for the chunk that only the gateway asked for.
func TestRelay(t *testing.T) {
	const ask = `{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}`
	one := `{"id":"c","choices":[{"index":0,"delta":{"content":"a<b\\"}}], "usage" : null}`
	last := `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	usage := `{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`
	s, events := relayed(t, Chat, Chat, ask, RelayOptions{}, one, last, usage, Done)
	if len(events) != 3 || events[0].Data != one || events[1].Data != last || events[2].Data != Done || s.Usage().Output != 2 || s.Finish() != "stop" {
		t.Fatalf("%+v", events)
	}
	asked := strings.Replace(ask, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1)
	if _, events := relayed(t, Chat, Chat, asked, RelayOptions{}, one, last, usage, Done); len(events) != 4 {
		t.Fatalf("%+v", events)
	}
	moderation := Moderation(Chat, ModerationResult{Model: "g"}, ModerationResult{Model: "g"})
	_, events = relayed(t, Chat, Chat, ask, RelayOptions{Moderate: func() string { return moderation }}, one, last, Done)
	if events[0].Data != one || !strings.Contains(events[1].Data, moderation) {
		t.Fatalf("%+v", events)
	}
	conforms(t, "CreateChatCompletionStreamResponse", events[1].Data)
	s, _ = relayed(t, Chat, Chat, ask, RelayOptions{}, one)
	if s.Done() {
		t.Fatal("a stream that was cut is not done")
	}
	if _, err := s.Event(nil, Event{Data: "<html>"}); err == nil {
		t.Fatal("an event that is no JSON was taken")
	}
}

func TestErrors(t *testing.T) {
	e := &web.Error{Status: 502, Code: "upstream_cut", Message: "the upstream closed the stream"}
	for _, c := range []struct {
		kind  Kind
		event string
	}{
		{Chat, "data: {\"error\":{\"message\":\"the upstream closed the stream\",\"type\":\"server_error\",\"param\":null,\"code\":\"upstream_cut\"}}\n\n"},
		{Completions, "data: {\"error\":{\"message\":\"the upstream closed the stream\",\"type\":\"server_error\",\"param\":null,\"code\":\"upstream_cut\"}}\n\n"},
		{Responses, "event: error\ndata: {\"type\":\"error\",\"code\":\"upstream_cut\",\"message\":\"the upstream closed the stream\",\"param\":null,\"sequence_number\":1}\n\n"},
		{Messages, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"the upstream closed the stream\"}}\n\n"},
	} {
		r, _ := testMaskOf(t, c.kind)
		s, err := NewRelay(r, c.kind, RelayOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(s.Fail(nil, e)); got != c.event || s.Failure() != e {
			t.Errorf("%s: %q", c.kind, got)
		}
	}
	conforms(t, "ResponseErrorEvent", ErrorEvent(Responses, e, 3).Data)
	conforms(t, "ErrorResponse", ErrorEvent(Chat, e, 0).Data)

	s, events := relayed(t, Chat, Messages, `{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}`, RelayOptions{}, `{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`)
	if s.Failure() == nil || s.Failure().Message != "busy" || !s.Done() || !strings.HasPrefix(events[0].Data, `{"error":{"message":"busy"`) {
		t.Fatalf("%+v %+v", s.Failure(), events)
	}
	s, events = relayed(t, Messages, Chat, `{"model":"m","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"x"}]}`, RelayOptions{}, `{"error":{"message":"busy","code":"x"}}`, Done)
	if len(events) != 1 || events[0].Name != "error" || s.Failure().Code != "x" {
		t.Fatalf("%+v", events)
	}
	for _, c := range []struct{ body, kind, code, message string }{
		{`{"error":{"message":"a","type":"t","param":"p","code":"c"}}`, "t", "c", "a"},
		{`{"type":"error","error":{"type":"t","message":"a"},"request_id":"r"}`, "t", "", "a"},
		{`{"error":"a"}`, "", "", "a"},
		{`{"object":"error","message":"a","type":"t","code":400}`, "t", "", "a"},
		{`{"detail":"a"}`, "", "", "a"},
		{`<html>`, "", "upstream_error", "the upstream answered with an error that is not JSON"},
	} {
		if e := ReadError(429, []byte(c.body)); e.Status != 429 || e.Type != c.kind || e.Code != c.code || e.Message != c.message {
			t.Errorf("%s: %+v", c.body, e)
		}
	}
	if ReadError(200, nil).Status != 502 {
		t.Error("no status of an error")
	}
}

func TestModeration(t *testing.T) {
	in := Judge("guard", router.Signals{Guard: &router.Verdict{Score: 0.9, Label: "jailbreak"}, PII: []router.PartSpan{{Span: router.Span{Type: "PERSON", Score: 0.5}}, {Span: router.Span{Type: "PERSON", Score: 0.7}}}})
	out := ModerationResult{Error: "the answer was not read"}
	chat, responses := Moderation(Chat, in, out), Moderation(Responses, in, out)
	conforms(t, "ChatCompletionModeration", chat)
	conforms(t, "Moderation", responses)
	result := `{"type":"moderation_result","model":"guard","flagged":true,"categories":{"jailbreak":true,"pii/PERSON":true},"category_scores":{"jailbreak":0.9,"pii/PERSON":0.7},"category_applied_input_types":{"jailbreak":["text"],"pii/PERSON":["text"]}}`
	failed := `{"type":"error","code":"moderation_failed","message":"the answer was not read"}`
	sameJSON(t, responses, `{"input":`+result+`,"output":`+failed+`}`)
	sameJSON(t, chat, `{"input":{"type":"moderation_results","model":"guard","results":[`+result+`]},"output":`+failed+`}`)
	if clean := Moderation(Chat, Judge("g", router.Signals{Guard: &router.Verdict{Score: 0.1, Label: "benign"}}), out); !strings.Contains(clean, `"flagged":false`) {
		t.Fatal(clean)
	}
}

// TestRestoreTranslated restores what an upstream of the other protocol says,
// its placeholders split over events.
func TestRestoreTranslated(t *testing.T) {
	r, m := testMaskOf(t, Chat)
	s, err := NewRelay(r, Messages, RelayOptions{Mask: m})
	if err != nil {
		t.Fatal(err)
	}
	var wire []byte
	for _, data := range strings.Split(strings.NewReplacer(`"text":"a"`, `"text":"a<EMAIL"`, `"text":"b"`, `"text":"_ADDRESS_1>b<"`).Replace(strings.Join(claudeStream, "\n")), "\n") {
		if wire, err = s.Event(wire, Event{Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	events, _ := readEvents(strings.NewReader(string(s.End(wire))), 1<<20)
	var b strings.Builder
	for _, e := range events {
		if e.Data == "" || e.Data == Done {
			continue
		}
		conforms(t, "CreateChatCompletionStreamResponse", e.Data)
		var v any
		if err := json.Unmarshal([]byte(e.Data), &v); err != nil {
			t.Fatal(err)
		}
		piece, _ := dig(v, []any{"choices", 0, "delta", "content"})
		b.WriteString(piece)
	}
	if b.String() != "aann@x.orgb<" {
		t.Fatal(b.String())
	}

	r, m = testMaskOf(t, Responses)
	restorer := NewStreamRestorer(r, m)
	l := lanes()[5]
	out := restorer.Event(nil, Event{Data: l.piece("x<PERSON", 1)})
	out = restorer.Event(out, Event{Data: l.end[0]})
	if len(out) != 3 || !strings.Contains(out[1].Data, `"delta":"<PERSON"`) {
		t.Fatalf("%+v", out)
	}
	for _, e := range out[:2] {
		conforms(t, "ResponseTextDeltaEvent", e.Data)
	}
	conforms(t, "ResponseTextDoneEvent", out[2].Data)
}
