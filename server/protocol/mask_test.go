package protocol

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mom/router"
)

// spansOf marks every place of the values in the texts of a request.
func spansOf(texts []Text, values map[string]string) (out []router.PartSpan) {
	for i, t := range texts {
		for value, kind := range values {
			for at := 0; ; {
				n := strings.Index(t.Text[at:], value)
				if n < 0 {
					break
				}
				at += n
				out = append(out, router.PartSpan{Part: i, Span: router.Span{Start: at, End: at + len(value), Type: kind}})
				at += len(value)
			}
		}
	}
	return out
}

var people = map[string]string{"ann@x.org": "EMAIL_ADDRESS", "Ann O\"Neil": "PERSON", `Ann O\"Neil`: "PERSON", "Zoë": "PERSON", "4111111111111111": "CREDIT_CARD"}

func TestMask(t *testing.T) {
	const body = `{"model":"m","messages":[
	{"role":"system","content":"never say <EMAIL_ADDRESS_3> nor \u003cPERSON_7>"},
	{"role":"user","content":"I am Zo\u00eb,\nann@x.org, Ann O\"Neil & ann@x.org"},
	{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":\"\\nann@x.org Zo\u00eb\",\"n\":4111111111111111,\"who\":\"Ann O\\\"Neil\"}"}}]},
	{"role":"tool","tool_call_id":"c","content":"ok Zoë"}]}`
	r := mustParse(t, Chat, body)
	m := NewMask(r, spansOf(r.Texts, people))
	got := string(r.Rewrite(Rewrite{Mask: m}))
	want := strings.NewReplacer(
		`I am Zo\u00eb,\nann@x.org, Ann O\"Neil & ann@x.org`, `I am <PERSON_8>,\n<EMAIL_ADDRESS_4>, <PERSON_9> & <EMAIL_ADDRESS_4>`,
		`\\nann@x.org Zo\u00eb`, `\\n<EMAIL_ADDRESS_4> <PERSON_8>`,
		`4111111111111111`, `\"<CREDIT_CARD_1>\"`,
		`Ann O\\\"Neil`, `<PERSON_9>`,
		`ok Zoë`, `ok <PERSON_8>`).Replace(body)
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	masked := mustParse(t, Chat, got)
	for _, x := range masked.Texts {
		if x.JSON && !json.Valid([]byte(x.Text)) {
			t.Fatalf("no JSON: %s", x.Text)
		}
	}
	if m.Values() != 4 {
		t.Fatalf("%d values", m.Values())
	}
	if NewMask(r, nil) != nil || (*Mask)(nil).Values() != 0 {
		t.Fatal("a mask of nothing")
	}
}

// TestMaskEdges hides every stretch of texts full of escapes; the body must
// stay what it was but for the stretch.
func TestMaskEdges(t *testing.T) {
	for _, body := range []string{
		`{"input":"a\u00e9\ud83d\ude00\n\"<b>"}`,
		`{"input":[{"type":"function_call","name":"f","call_id":"c","arguments":"{\"k\\n\":[\"a\\u00e9\\\"\",12,true,null]}"}]}`,
		`{"input":[{"type":"tool_search_call","arguments":{"k\n":["a\u00e9\"",12,true,null]}}]}`,
	} {
		r := mustParse(t, Responses, body)
		text := r.Texts[0].Text
		for i := range text {
			for j := i + 1; j <= len(text); j++ {
				for _, spans := range [][]router.PartSpan{
					{{Span: router.Span{Start: i, End: j, Type: "X"}}},
					{{Span: router.Span{Start: i, End: j, Type: "X"}}, {Span: router.Span{Start: j, End: min(j+3, len(text)), Type: "Y"}}, {Span: router.Span{Start: i, End: i + 1}}},
				} {
					out := r.Rewrite(Rewrite{Mask: NewMask(r, spans)})
					back, err := Parse(Responses, out)
					if err != nil {
						t.Fatalf("%d..%d: %v: %s", i, j, err, out)
					}
					if x := back.Texts[0]; x.JSON && !json.Valid([]byte(x.Text)) {
						t.Fatalf("%d..%d: %s", i, j, x.Text)
					}
					restored, _ := newRestorer(NewMask(r, spans)).textOrNothing(back.Texts[0].Text, back.Texts[0].JSON)
					if !sameText(restored, text, back.Texts[0].JSON) {
						t.Fatalf("%d..%d: %q became %q", i, j, text, restored)
					}
				}
			}
		}
	}
}

func (r *restorer) textOrNothing(s string, isJSON bool) (string, string) {
	if r == nil {
		return s, ""
	}
	return r.text(s, isJSON, true)
}

// sameText compares; numbers that were hidden in JSON come back as strings.
func sameText(a, b string, isJSON bool) bool {
	if !isJSON {
		return a == b
	}
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return strings.ReplaceAll(fmt.Sprintf("%v", x), "\"", "") == strings.ReplaceAll(fmt.Sprintf("%v", y), "\"", "")
}

func testMaskOf(t testing.TB, kind Kind) (*Request, *Mask) {
	body := map[Kind]string{
		Chat:        `{"model":"m","stream":true,"messages":[{"role":"user","content":"ann@x.org Ann O\"Neil"}]}`,
		Completions: `{"model":"m","stream":true,"prompt":"ann@x.org Ann O\"Neil"}`,
		Responses:   `{"model":"m","stream":true,"input":"ann@x.org Ann O\"Neil"}`,
		Messages:    `{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"ann@x.org Ann O\"Neil"}]}`,
	}[kind]
	r := mustParse(t, kind, body)
	return r, NewMask(r, spansOf(r.Texts, people))
}

const (
	maskedText = `Hi <PERSON_1>, <EMAIL_ADDRESS_1> <<PERSON_1>> a<b <PERSON_2> <PERSON_`
	plainText  = `Hi Ann O"Neil, ann@x.org <Ann O"Neil> a<b <PERSON_2> <PERSON_`
	maskedJSON = `{"a":"<PERSON_1> \\u003cPERSON_1>","b":"\u003cEMAIL_ADDRESS_1\u003e","c":"\"<EMAIL_ADDRESS_`
	plainJSON  = `{"a":"Ann O\"Neil \\u003cPERSON_1>","b":"ann@x.org","c":"\"<EMAIL_ADDRESS_`
)

// A lane makes the events that carry a text in pieces, and reads it back.
type lane struct {
	name   string
	kind   Kind
	isJSON bool
	piece  func(s string, n int) string // event n, with a piece of the text
	end    []string                     // events that end the text
	key    []any                        // where the piece is
	which  string                       // type of the events with pieces; "" for any
}

func q(s string) string { return string(appendString(nil, s)) }

func lanes() []lane {
	chat := func(delta string) func(string, int) string {
		return func(s string, _ int) string {
			return `{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":` + fmt.Sprintf(delta, q(s)) + `,"finish_reason":null}]}`
		}
	}
	chatEnd := []string{`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, Done}
	event := func(kind, more string) func(string, int) string {
		return func(s string, n int) string {
			return fmt.Sprintf(`{"type":%q,"item_id":"i","output_index":0,"content_index":0,"delta":%s,"sequence_number":%d%s}`, kind, q(s), n, more)
		}
	}
	block := func(delta string) func(string, int) string {
		return func(s string, _ int) string {
			return `{"type":"content_block_delta","index":0,"delta":` + fmt.Sprintf(delta, q(s)) + `}`
		}
	}
	blockEnd := []string{`{"type":"content_block_stop","index":0}`, `{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`, `{"type":"message_stop"}`}
	return []lane{
		{"chat", Chat, false, chat(`{"content":%s}`), chatEnd, []any{"choices", 0, "delta", "content"}, ""},
		{"chat done", Chat, false, chat(`{"content":%s}`), []string{Done}, []any{"choices", 0, "delta", "content"}, ""},
		{"chat cut", Chat, false, chat(`{"content":%s}`), nil, []any{"choices", 0, "delta", "content"}, ""},
		{"chat tool", Chat, true, chat(`{"tool_calls":[{"index":2,"function":{"arguments":%s}}]}`), chatEnd, []any{"choices", 0, "delta", "tool_calls", 0, "function", "arguments"}, ""},
		{"completions", Completions, false, func(s string, _ int) string {
			return `{"choices":[{"index":0,"text":` + q(s) + `,"finish_reason":null}]}`
		}, []string{`{"choices":[{"index":0,"text":"","finish_reason":"stop"}]}`, Done}, []any{"choices", 0, "text"}, ""},
		{"responses", Responses, false, event("response.output_text.delta", `,"logprobs":[]`),
			[]string{`{"type":"response.output_text.done","item_id":"i","output_index":0,"content_index":0,"text":` + q(maskedText) + `,"logprobs":[],"sequence_number":1000}`,
				`{"type":"response.completed","response":{"status":"completed"},"sequence_number":1001}`}, []any{"delta"}, "response.output_text.delta"},
		{"responses tool", Responses, true, event("response.function_call_arguments.delta", ""),
			[]string{`{"type":"response.function_call_arguments.done","item_id":"i","output_index":0,"arguments":"","sequence_number":1000}`}, []any{"delta"}, "response.function_call_arguments.delta"},
		{"messages", Messages, false, block(`{"type":"text_delta","text":%s}`), blockEnd, []any{"delta", "text"}, "content_block_delta"},
		{"messages tool", Messages, true, block(`{"type":"input_json_delta","partial_json":%s}`), blockEnd, []any{"delta", "partial_json"}, "content_block_delta"},
	}
}

func dig(v any, key []any) (string, bool) {
	for _, k := range key {
		switch k := k.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			a, _ := v.([]any)
			if k >= len(a) {
				return "", false
			}
			v = a[k]
		}
	}
	s, ok := v.(string)
	return s, ok
}

// run sends the pieces and returns the client's text.
func (l lane) run(t testing.TB, r *Request, m *Mask, pieces []string) string {
	t.Helper()
	s := NewStreamRestorer(r, m)
	var out []Event
	for n, p := range pieces {
		before := len(out)
		out = s.Event(out, Event{Data: l.piece(p, n+1)})
		if len(out) == before {
			t.Fatal("an event was held back whole")
		}
	}
	for _, e := range l.end {
		out = s.Event(out, Event{Data: e})
	}
	out = s.End(out)
	var b strings.Builder
	number := 0.0
	for _, e := range out {
		if e.Data == Done {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(e.Data), &v); err != nil {
			t.Fatalf("%v: %s", err, e.Data)
		}
		if n, ok := v["sequence_number"].(float64); ok {
			if n <= number {
				t.Fatalf("sequence number %v follows %v", n, number)
			}
			number = n
		}
		if l.which != "" && v["type"] != l.which {
			if text, ok := v["text"].(string); ok && text != plainText {
				t.Fatalf("the whole text is %q", text)
			}
			continue
		}
		if p, ok := dig(v, l.key); ok {
			b.WriteString(p)
		}
	}
	return b.String()
}

func TestRestoreStream(t *testing.T) {
	for _, l := range lanes() {
		t.Run(l.name, func(t *testing.T) {
			r, m := testMaskOf(t, l.kind)
			from, want := maskedText, plainText
			if l.isJSON {
				from, want = maskedJSON, plainJSON
			}
			check := func(pieces ...string) {
				t.Helper()
				if got := l.run(t, r, m, pieces); got != want {
					t.Fatalf("%q\ngot  %s\nwant %s", pieces, got, want)
				}
			}
			for i := range len(from) + 1 {
				for j := i; j <= len(from); j++ {
					check(from[:i], from[i:j], from[j:])
				}
			}
			check(slices.Collect(func(yield func(string) bool) {
				for i := range len(from) {
					if !yield(from[i : i+1]) {
						return
					}
				}
			})...)
		})
	}
}

// TestRestoreHoldsLittle asserts that only what may be a placeholder waits.
func TestRestoreHoldsLittle(t *testing.T) {
	r, m := testMaskOf(t, Chat)
	s := NewStreamRestorer(r, m)
	l := lanes()[0]
	for _, c := range []struct{ in, out string }{
		{"one <EM", "one "}, {"AIL_ADDRESS_1", ""}, {"> two", "ann@x.org two"}, {"<", ""}, {"a <PERSON_12", "<a <PERSON_12"}, {"x\\", "x\\"},
	} {
		out := s.Event(nil, Event{Data: l.piece(c.in, 0)})
		var v any
		if json.Unmarshal([]byte(out[0].Data), &v); len(out) != 1 {
			t.Fatalf("%d events", len(out))
		}
		if got, _ := dig(v, l.key); got != c.out {
			t.Fatalf("%q gave %q, want %q", c.in, got, c.out)
		}
	}
}

// TestRestoreChannels sends two choices and a tool call by turns.
func TestRestoreChannels(t *testing.T) {
	r, m := testMaskOf(t, Chat)
	s := NewStreamRestorer(r, m)
	chunk := func(i int, delta, finish string) Event {
		return Event{Data: fmt.Sprintf(`{"id":"c","usage":{"total_tokens":1},"choices":[{"index":%d,"delta":%s,"finish_reason":%s}]}`, i, delta, finish)}
	}
	var out []Event
	for _, e := range []Event{
		chunk(0, `{"role":"assistant","content":"a<PER"}`, "null"), chunk(1, `{"content":"b<EMAIL_"}`, "null"),
		chunk(0, `{"content":"SON_1>"}`, "null"), chunk(0, `{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"{\"<PERSON"}}]}`, "null"),
		chunk(1, `{"content":"ADDRESS_1>"}`, `"stop"`), chunk(0, `{}`, `"tool_calls"`),
	} {
		out = s.Event(out, e)
	}
	var got []string
	for _, e := range out {
		var v struct {
			Choices []struct {
				Index  int
				Delta  map[string]any
				Finish *string `json:"finish_reason"`
			}
		}
		if err := json.Unmarshal([]byte(e.Data), &v); err != nil {
			t.Fatal(err)
		}
		c := v.Choices[0]
		got = append(got, fmt.Sprint(c.Index, c.Delta, c.Finish != nil))
	}
	want := []string{
		"0 map[content:a role:assistant] false", "1 map[content:b] false", `0 map[content:Ann O"Neil] false`,
		`0 map[tool_calls:[map[function:map[arguments:{" name:f] id:t index:0 type:function]]] false`,
		"1 map[content:ann@x.org] true", "0 map[tool_calls:[map[function:map[arguments:<PERSON] index:0]]] false", "0 map[] true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRestoreAnswer(t *testing.T) {
	for _, c := range []struct {
		kind           Kind
		before, after  string
		input, finish  string
		texts          int
		promptAndWrote [2]int
	}{
		{kind: Chat, texts: 2, finish: "tool_calls", promptAndWrote: [2]int{7, 3},
			before: `{"id":"<PERSON_1>", "choices":[{"index":0,"message":{"role":"assistant","content":"\u003cPERSON_1\u003e!","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{\"a\":\"<PERSON_1>\"}"}}]},"finish_reason":"tool_calls","logprobs":{"content":[{"token":"<PERSON_1>"}]}}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`,
			after:  `{"id":"<PERSON_1>", "choices":[{"index":0,"message":{"role":"assistant","content":"Ann O\"Neil!","tool_calls":[{"id":"x","function":{"name":"f","arguments":"{\"a\":\"Ann O\\\"Neil\"}"}}]},"finish_reason":"tool_calls","logprobs":{"content":[{"token":"<PERSON_1>"}]}}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`},
		{kind: Messages, texts: 3, finish: "tool_use", promptAndWrote: [2]int{12, 3},
			before: `{"content":[{"type":"thinking","thinking":"<PERSON_1>","signature":"s"},{"type":"text","text":"<EMAIL_ADDRESS_1>"},{"type":"tool_use","id":"t","name":"f","input":{"a":"<PERSON_1>"}}],"stop_reason":"tool_use","usage":{"input_tokens":2,"cache_read_input_tokens":10,"output_tokens":3}}`,
			after:  `{"content":[{"type":"thinking","thinking":"<PERSON_1>","signature":"s"},{"type":"text","text":"ann@x.org"},{"type":"tool_use","id":"t","name":"f","input":{"a":"Ann O\"Neil"}}],"stop_reason":"tool_use","usage":{"input_tokens":2,"cache_read_input_tokens":10,"output_tokens":3}}`},
		{kind: Responses, texts: 1, finish: "completed", promptAndWrote: [2]int{2, 3},
			before: `{"status":"completed","output":[{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":"<EMAIL_ADDRESS_1>"}]}],"usage":{"input_tokens":2,"output_tokens":3,"total_tokens":5}}`,
			after:  `{"status":"completed","output":[{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":"ann@x.org"}]}],"usage":{"input_tokens":2,"output_tokens":3,"total_tokens":5}}`},
	} {
		r, m := testMaskOf(t, c.kind)
		a, err := ReadAnswer(c.kind, []byte(c.before))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Texts) != c.texts || a.Finish != c.finish || [2]int{a.Usage.Input, a.Usage.Output} != c.promptAndWrote {
			t.Errorf("%s: %+v", c.kind, a)
		}
		got, err := a.Body(r, AnswerRewrite{Mask: m})
		if err != nil || string(got) != c.after {
			t.Errorf("%s: %v\ngot  %s\nwant %s", c.kind, err, got, c.after)
		}
	}
}

func TestRedact(t *testing.T) {
	r, _ := testMaskOf(t, Chat)
	a, err := ReadAnswer(Chat, []byte(`{"choices":[{"message":{"content":"call ann@x.org"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Body(r, AnswerRewrite{Redact: spansOf(a.Texts, people), Moderation: `{"x":1}`})
	if want := `{"choices":[{"message":{"content":"call <EMAIL_ADDRESS>"}}],"moderation":{"x":1}}`; err != nil || string(got) != want {
		t.Fatalf("%v %s", err, got)
	}
}

func FuzzRestore(f *testing.F) {
	f.Add("<PERSON_1> <EMAIL_ADDRESS_1><", 3, 9)
	f.Add(`\u003cPERSON_1\u003e\\<PERSON_1>`, 1, 20)
	f.Fuzz(func(t *testing.T, s string, i, j int) {
		if !validUTF8(s) || i < 0 || j < i || j > len(s) {
			return
		}
		if !validUTF8(s[:i]) || !validUTF8(s[i:j]) {
			return
		}
		for _, l := range lanes() {
			if l.name == "responses" {
				continue // its last event has the whole text of the test
			}
			r, m := testMaskOf(t, l.kind)
			want, _ := newRestorer(m).text(s, l.isJSON, true)
			if got := l.run(t, r, m, []string{s[:i], s[i:j], s[j:]}); got != want {
				t.Fatalf("%s: got %q, want %q", l.name, got, want)
			}
		}
	})
}

func validUTF8(s string) bool { return strings.ToValidUTF8(s, "") == s }
