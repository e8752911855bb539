package protocol

import (
	"encoding/json"
	"strings"
	"testing"

	"mom/router"
	"mom/server/web"
)

// FuzzParse holds the scan against encoding/json, and asserts that what is
// accepted can be rewritten, masked and found again.
func FuzzParse(f *testing.F) {
	f.Add(uint8(Chat), agentBody)
	f.Add(uint8(Responses), `{"input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}],"mom":{}}`)
	f.Add(uint8(Messages), `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}],"system":"s"}`)
	f.Add(uint8(Embeddings), `{"model":"m","input":[[1,2],[3]]}`)
	f.Add(uint8(Moderations), `{"input":[{"type":"text","text":"\ud83d\ude00"}]}`)
	f.Add(uint8(Completions), `{"model":"m","prompt":"x","stream":true,"stream_options":{}}`)
	f.Fuzz(func(t *testing.T, kind uint8, body string) {
		k := Kind(kind % uint8(CountTokens+1))
		valid := json.Valid([]byte(body))
		if _, err := scan(body, tolerant); err == nil && !valid {
			t.Fatal("accepted what is not JSON")
		} else if err != nil && valid && validUTF8(body) && !strings.Contains(err.Message, "nest deeper") {
			t.Fatalf("refused JSON: %v", err)
		}
		r, err := Parse(k, []byte(body))
		if err != nil {
			return
		}
		if !valid {
			t.Fatal("accepted what is not JSON")
		}
		var spans []router.PartSpan
		for i, x := range r.Texts {
			if r.Path(i) == "" {
				t.Fatal("a text without a path")
			}
			if n := len(x.Text); n > 0 {
				spans = append(spans, router.PartSpan{Part: i, Span: router.Span{Start: n / 3, End: n/3 + (n+1)/2, Type: "X"}})
			}
		}
		out := r.Rewrite(Rewrite{Model: "other", Usage: true, DropModeration: true, Mask: NewMask(r, spans)})
		again, err := Parse(k, out)
		if err != nil {
			t.Fatalf("%v\nbefore %s\nafter  %s", err, body, out)
		}
		if again.Model != "other" || again.Stream != r.Stream || again.keys.mom >= 0 {
			t.Fatalf("before %s\nafter  %s", body, out)
		}
		for _, to := range []Kind{Chat, Messages} {
			if body, err := r.Body(to, Rewrite{}); err == nil {
				if _, err := Parse(to, body); err != nil && to != r.Kind && !emptyAfter(r) {
					t.Fatalf("translated to what is refused: %v\n%s", err, body)
				}
			}
		}
	})
}

// emptyAfter reports whether a request has nothing to say, so that its
// translation may have no messages.
func emptyAfter(r *Request) bool {
	for _, t := range r.Texts {
		if t.Role != "system" && t.Text != "" {
			return false
		}
	}
	return true
}

// FuzzRelay feeds an upstream's events to every combination of protocols.
func FuzzRelay(f *testing.F) {
	for _, l := range lanes() {
		f.Add(l.piece("<PERSON_1", 1), l.piece("> x", 2))
	}
	f.Add(`{"type":"message_start","message":{"id":"i"}}`, `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use"}}`)
	f.Add(`{"choices":[{"delta":{"tool_calls":[{"index":1}]}}]}`, `{"error":{"message":"x"}}`)
	f.Fuzz(func(t *testing.T, one, two string) {
		for _, k := range []Kind{Chat, Completions, Responses, Messages} {
			for _, from := range []Kind{Chat, Completions, Responses, Messages} {
				r, m := testMaskOf(t, k)
				s, err := NewRelay(r, from, RelayOptions{Mask: m, Collect: true, Moderate: func() string { return "null" }})
				if err != nil {
					continue
				}
				var out []byte
				for _, data := range []string{one, two, Done} {
					if out, err = s.Event(out, Event{Data: data}); err != nil {
						out = s.Fail(out, web.AsError(err))
						break
					}
				}
				out = s.End(out)
				events, _ := readEvents(strings.NewReader(string(out)), 1<<20)
				for _, e := range events {
					if e.Data != "" && e.Data != Done && !json.Valid([]byte(e.Data)) && json.Valid([]byte(one)) && json.Valid([]byte(two)) {
						t.Fatalf("%s to %s: %q", from, k, e.Data)
					}
				}
				s.Texts()
			}
		}
	})
}
