package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mom/server/web"
)

func mustParse(t testing.TB, kind Kind, body string) *Request {
	t.Helper()
	r, err := Parse(kind, []byte(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return r
}

func TestTexts(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Kind
		body string
		want []string // role path text
	}{
		{"chat", Chat, `{"model":"m","messages":[
			{"role":"developer","content":"be kind"},
			{"role":"user","content":[{"type":"text","text":"a\u00e9"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
			{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"q\":1}"}}]},
			{"role":"tool","tool_call_id":"c1","content":"sunny"},
			{"role":"assistant","content":[{"type":"refusal","refusal":"no"}],"reasoning_content":"hm"},
			{"role":"user","content":[{"type":"odd","body":{"deep":["x"]}}]}]}`,
			[]string{"system messages[0].content be kind", "user messages[1].content[0].text aé", `assistant messages[2].tool_calls[0].function.arguments {"q":1}`,
				"tool messages[3].content sunny", "assistant messages[4].content[0].refusal no", "assistant messages[4].reasoning_content hm", "user messages[5].content[0].body.deep[0] x"}},
		{"completions", Completions, `{"model":"m","prompt":["a","b"],"suffix":"c"}`, []string{"user prompt[0] a", "user prompt[1] b", "user suffix c"}},
		{"responses", Responses, `{"input":[
			{"role":"user","content":"one"},
			{"type":"message","role":"assistant","id":"m","status":"completed","content":[{"type":"output_text","text":"two","annotations":[]}]},
			{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
			{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"three"},{"type":"input_image","image_url":"data:x","detail":"auto"}]},
			{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":"four"}],"encrypted_content":"AAAA"}],"instructions":"zero","model":"m"}`,
			[]string{"system instructions zero", "user input[0].content one", "assistant input[1].content[0].text two", "assistant input[2].arguments {}",
				"tool input[3].output[0].text three", "assistant input[4].summary[0].text four"}},
		{"messages", Messages, `{"model":"m","max_tokens":9,"messages":[
			{"role":"user","content":[{"type":"text","text":"one","cache_control":{"type":"ephemeral"}},{"type":"document","title":"two","source":{"type":"text","media_type":"text/plain","data":"three"}}]},
			{"role":"assistant","content":[{"type":"thinking","thinking":"four","signature":"AAAA"},{"type":"tool_use","id":"t","name":"f","input":{"city":"Oslo"}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"five"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}]}],
			"system":[{"type":"text","text":"zero"}]}`,
			[]string{"system system[0].text zero", "user messages[0].content[0].text one", "user messages[0].content[1].title two", "user messages[0].content[1].source.data three",
				"assistant messages[1].content[0].thinking four", `assistant messages[1].content[1].input {"city":"Oslo"}`, "tool messages[2].content[0].content[0].text five"}},
		{"items", Responses, `{"input":[
			{"type":"message","role":"user","content":[{"type":"input_text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}},{"type":"input_file","file_data":"AAAA","filename":"f"}]},
			{"type":"mcp_call","id":"i","server_label":"s","name":"n","arguments":"{}","output":"b"},
			{"type":"file_search_call","id":"i","status":"completed","queries":["c"],"results":[{"file_id":"f","text":"d","score":1}]},
			{"type":"image_generation_call","id":"i","status":"completed","result":"AAAA"},
			{"type":"shell_call_output","call_id":"c","output":[{"stdout":"e","stderr":"","outcome":{"type":"exit","exit_code":0}}]},
			{"type":"new_thing","body":"f"},{"id":"x"}],"prompt":{"id":"p","variables":{"v":"g"}},"model":"m"}`,
			[]string{"user prompt.variables.v g", "user input[0].content[0].text a", "assistant input[1].arguments {}", "tool input[1].output b", "assistant input[2].queries[0] c",
				"tool input[2].results[0].text d", "tool input[4].output[0].stdout e", "user input[5].body f"}},
		{"embeddings", Embeddings, `{"model":"m","input":["a",""]}`, []string{"user input[0] a", "user input[1] "}},
		{"moderations", Moderations, `{"input":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]}`, []string{"user input[0].text a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustParse(t, c.kind, c.body)
			var got []string
			for i, x := range r.Texts {
				got = append(got, x.Role+" "+r.Path(i)+" "+x.Text)
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if body := string(r.Rewrite(Rewrite{})); body != c.body {
				t.Fatalf("rewritten without a change: %s", body)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	chat := func(more string) string {
		return `{"model":"m","messages":[{"role":"user","content":"x"}]` + more + `}`
	}
	for _, c := range []struct {
		kind              Kind
		body, param, code string
	}{
		{Chat, ``, "", "empty_body"},
		{Chat, `[]`, "", "invalid_type"},
		{Chat, chat("") + "x", "", "invalid_json"},
		{Chat, chat(`,"model":"n"`), "", "invalid_json"},
		{Chat, chat(`,"mod\u0065l":"n"`), "", "invalid_json"},
		{Chat, chat(`,"Model":"n"`), "Model", "invalid_key"},
		{Chat, chat(`,"metadata":{"a":1,"a":2}`), "", "invalid_json"},
		{Chat, chat(`,"seed":01`), "", "invalid_json"},
		{Chat, chat(`,"user":"\ud83d"`), "", "invalid_json"},
		{Chat, chat(`,"user":"` + "\xff" + `"`), "", "invalid_json"},
		{Chat, chat(`,"user":"\x"`), "", "invalid_json"},
		{Chat, chat(`,"metadata":` + strings.Repeat("[", 64) + strings.Repeat("]", 64)), "", "invalid_json"},
		{Chat, chat(`,"stream":"yes"`), "stream", "invalid_type"},
		{Chat, chat(`,"stream_options":{"include_usage":true}`), "stream_options", "invalid_value"},
		{Chat, chat(`,"n":0`), "n", "integer_below_min_value"},
		{Chat, chat(`,"temperature":3`), "temperature", "decimal_above_max_value"},
		{Chat, chat(`,"max_tokens":1.5`), "max_tokens", "invalid_type"},
		{Chat, chat(`,"tools":[1]`), "tools[0]", "invalid_type"},
		{Chat, chat(`,"mom":{"speed":1}`), "mom.speed", "unknown_parameter"},
		{Chat, chat(`,"mom":{"cost_quality_tradeoff":11}`), "mom.cost_quality_tradeoff", "decimal_above_max_value"},
		{Chat, chat(`,"moderation":{"policy":{}}`), "moderation.model", "missing_required_parameter"},
		{Chat, chat(`,"moderation":{"model":"x","policy":{"input":{"mode":"kill"}}}`), "moderation.policy.input.mode", "invalid_value"},
		{Chat, `{"messages":[{"role":"user","content":"x"}]}`, "model", "missing_required_parameter"},
		{Chat, `{"model":"m"}`, "messages", "missing_required_parameter"},
		{Chat, `{"model":"m","messages":[]}`, "messages", "empty_array"},
		{Chat, `{"model":"m","messages":[{"role":"king","content":"x"}]}`, "messages[0].role", "invalid_value"},
		{Chat, `{"model":"m","messages":[{"role":"user"}]}`, "messages[0].content", "missing_required_parameter"},
		{Chat, `{"model":"m","messages":[{"role":"user","content":"x","Content":"y"}]}`, "messages[0].Content", "invalid_key"},
		{Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","Text":"y"}]}]}`, "messages[0].content[0].Text", "invalid_key"},
		{Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]}`, "messages[0].content[0].text", "missing_required_parameter"},
		{Messages, `{"model":"m","messages":[{"role":"user","content":"x"}]}`, "max_tokens", "missing_required_parameter"},
		{Responses, `{"input":[1]}`, "input[0]", "invalid_type"},
		{Embeddings, `{"model":"m","input":[]}`, "input", "empty_array"},
		{Embeddings, `{"model":"m","input":["a",1]}`, "input[1]", "invalid_type"},
		{Embeddings, `{"model":"m","input":"a","encoding_format":"hex"}`, "encoding_format", "invalid_value"},
		{Moderations, `{"input":[1]}`, "input[0]", "invalid_type"},
	} {
		_, err := Parse(c.kind, []byte(c.body))
		var e *web.Error
		if !errors.As(err, &e) || e.Param != c.param || e.Code != c.code || e.Status != 400 {
			t.Errorf("%s\ngot %+v, want param %q code %q", c.body, e, c.param, c.code)
		}
	}
}

func TestRewrite(t *testing.T) {
	const before = `{ "mom" : {"explain":true} , "model":"auto", "stream" :true,"messages":[{"role":"user","content":"x"}] }`
	r := mustParse(t, Chat, before)
	if !r.Options.Explain {
		t.Fatal("mom.explain was not read")
	}
	got := string(r.Rewrite(Rewrite{Model: `a"b`, Usage: true}))
	want := `{ "model":"a\"b", "stream" :true,"messages":[{"role":"user","content":"x"}] ,"stream_options":{"include_usage":true}}`
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	for _, c := range []struct{ body, want string }{
		{`{"mom":{}}`, `{"model":"m"}`},
		{`{"mom":{},"input":"x"}`, `{"input":"x","model":"m"}`},
		{`{"input":"x","mom":{},"moderation":{"model":"z"}}`, `{"input":"x","model":"m"}`},
		{`{"moderation":{"model":"z"},"mom":{},"input":"x"}`, `{"input":"x","model":"m"}`},
		{`{"moderation":{"model":"z"},"input":"x","mom":{}}`, `{"input":"x","model":"m"}`},
	} {
		r := mustParse(t, Responses, c.body)
		got := string(r.Rewrite(Rewrite{Model: "m", DropModeration: true}))
		if got != c.want || !json.Valid([]byte(got)) {
			t.Errorf("%s\ngot  %s\nwant %s", c.body, got, c.want)
		}
	}
	for _, c := range []struct{ options, want string }{
		{`{}`, `{"include_usage":true}`},
		{`null`, `{"include_usage":true}`},
		{`{"include_usage":false}`, `{"include_usage":true}`},
		{`{"include_obfuscation":false}`, `{"include_obfuscation":false,"include_usage":true}`},
	} {
		r := mustParse(t, Chat, `{"stream":true,"stream_options":`+c.options+`,"model":"m","messages":[{"role":"user","content":"x"}]}`)
		if got := string(r.Rewrite(Rewrite{Usage: true})); !strings.Contains(got, `"stream_options":`+c.want+`,`) {
			t.Errorf("%s: got %s", c.options, got)
		}
	}
}

func TestControls(t *testing.T) {
	r := mustParse(t, Chat, `{"model":"auto","stream":true,"stream_options":{"include_usage":true},"max_tokens":5,"max_completion_tokens":7,"n":2,"temperature":0.5,
		"tools":[{"type":"function","function":{"name":"f"}}],"response_format":{"type":"json_object"},"logprobs":true,"reasoning_effort":"low",
		"moderation":{"model":"g","policy":{"input":{"mode":"block"},"output":null}},
		"mom":{"cost_quality_tradeoff":2.5,"allowed_models":["a*"],"excluded_models":["b"],"session_id":"s","explain":true,"dry_run":true},
		"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"u"}},{"type":"input_audio","input_audio":{"data":"A","format":"wav"}},{"type":"file","file":{"file_id":"f"}}]}]}`)
	o := r.Options
	if r.Model != "auto" || !r.Stream || !r.IncludeUsage || r.MaxTokens != 7 || r.N != 2 || r.Temp != 0.5 || !r.Tools || !r.JSONOutput || !r.LogProbs || r.Effort != "low" || !r.Images || !r.Audio || !r.Files || r.TokenIDs || r.Stored {
		t.Errorf("%+v", r)
	}
	if *o.Tradeoff != 2.5 || o.Allowed[0] != "a*" || o.Excluded[0] != "b" || o.Session != "s" || r.Conversation != "s" || !o.Explain || !o.DryRun {
		t.Errorf("%+v", o)
	}
	if m := r.Moderation; *m != (ModerationParams{"g", "block", ""}) {
		t.Errorf("%+v", m)
	}
	if r := mustParse(t, Responses, `{"input":"x","conversation":{"id":"c"},"previous_response_id":null}`); r.Conversation != "c" || !r.Stored {
		t.Errorf("%+v", r)
	}
	if r := mustParse(t, Embeddings, `{"model":"m","input":[[1,2]],"dimensions":3,"encoding_format":"base64"}`); !r.TokenIDs || r.Dimensions != 3 || r.Encoding != "base64" {
		t.Errorf("%+v", r)
	}
	for _, anthropic := range []bool{true, false} {
		for kind, want := range map[Kind]string{Responses: "/responses", CountTokens: "/messages/count_tokens"} {
			r := &Request{Kind: kind}
			to := r.UpstreamKind(anthropic)
			if kind.Anthropic() == anthropic {
				if to.Path() != want {
					t.Errorf("%s goes to %s", kind, to)
				}
			} else if _, err := r.Body(to, Rewrite{}); err == nil {
				t.Errorf("%s is sent as %s", kind, to)
			}
		}
	}
}

// TestLargeObjects asserts that objects of many keys are not read in square time.
func TestLargeObjects(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"model":"m","messages":[{"role":"user","content":"x"`)
	for i := range 100_000 {
		fmt.Fprintf(&b, `,"K%d":1`, i)
	}
	b.WriteString(`,"k7":2}]}`)
	_, err := Parse(Chat, []byte(b.String()))
	var e *web.Error
	if !errors.As(err, &e) || e.Code != "invalid_key" {
		t.Fatal(err)
	}
	if _, err := Parse(Chat, []byte(`[`+strings.Repeat(`1,`, MaxValues)+`1]`)); !errors.As(err, &e) || e.Code != "too_many_values" || e.Status != 413 {
		t.Fatal(err)
	}
}
