package cache

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Parts of a key cannot run into each other.
func TestHashParts(t *testing.T) {
	seen := map[digest]string{}
	for _, r := range []Request{{Tenant: "ab", Policy: "c"}, {Tenant: "a", Policy: "bc"}, {Tenant: "", Policy: "abc"}, {Kind: "ab", Policy: "c"}} {
		for _, body := range []string{"", "x"} {
			h := hash("exact", r, []byte(body), nil)
			if other, ok := seen[h]; ok {
				t.Errorf("%+v and %s", r, other)
			}
			seen[h] = fmt.Sprintf("%+v", r)
		}
	}
}

func TestUncacheable(t *testing.T) {
	c := newCache(t, Options{Semantic: true})
	message := `"messages":[{"role":"user","content":"hi"}]`
	for _, r := range []struct {
		kind Kind
		body string
	}{
		{Chat, `{` + message + `,"tools":[{"type":"function"}]}`},
		{Chat, `{` + message + `,"functions":[{"name":"f"}]}`},
		{Chat, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}}]}]}`},
		{Chat, `{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"input_audio"}]}]}`},
		{Chat, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"","tool_calls":[]},{"role":"tool","content":"3"}]}`},
		{Chat, `{` + message + `,"temperature":1.2}`},
		{Chat, `{` + message + `,"n":2}`},
		{Chat, `{` + message + `,"logprobs":true}`},
		{Chat, `{` + message + `,"moderation":{"model":"m"}}`},
		{Chat, `{` + message + `,"store":true}`},
		{Chat, `{` + message + `,"web_search_options":{}}`},
		{Chat, `{` + message + `,"modalities":["text","audio"]}`},
		{Chat, `{` + message + `,"mom":{"explain":true}}`},
		{Chat, `{"messages":[]}`},
		{Chat, `{"messages":"hi"}`},
		{Chat, `[1]`},
		{Chat, `{`},
		{Completions, `{"prompt":["a","b"]}`},
		{Completions, `{"prompt":[1,2]}`},
		{Completions, `{"prompt":"a","logprobs":3}`},
		{Completions, `{"prompt":"a","best_of":3}`},
		{Responses, `{"input":"a","previous_response_id":"r"}`},
		{Responses, `{"input":"a","background":true}`},
		{Responses, `{"input":[{"type":"function_call_output","output":"x"}]}`},
		{Responses, `{"input":[{"role":"user","content":[{"type":"input_image"}]}]}`},
		{Responses, `{"input":"a","prompt":{"id":"p"}}`},
		{Messages, `{` + message + `,"tools":[{"name":"f"}]}`},
		{Messages, `{` + message + `,"thinking":{"type":"enabled","budget_tokens":2000}}`},
		{Messages, `{"messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}`},
	} {
		if k, err := c.Read(Request{Kind: r.kind, Body: []byte(r.body)}); !errors.Is(err, ErrUncacheable) || k != nil {
			t.Errorf("%s %s: %v", r.kind, r.body, err)
		}
	}
	if st := c.Stats(); st.Uncacheable != 29 {
		t.Errorf("%+v", st)
	}
	for _, r := range []struct {
		kind Kind
		body string
		text string
	}{
		{Chat, `{` + message + `,"temperature":1,"tools":[],"n":1,"modalities":["text"],"logprobs":false,"store":false}`, "hi"},
		{Chat, `{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}]}`, "x\ny"},
		{Completions, `{"prompt":"a"}`, "a"},
		{Responses, `{"input":"a","instructions":"b"}`, "a"},
		{Responses, `{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"z"}]}]}`, "z"},
		{Messages, `{` + message + `,"max_tokens":5,"system":"s","thinking":{"type":"disabled"}}`, "hi"},
	} {
		k, err := c.Read(Request{Kind: r.kind, Body: []byte(r.body)})
		if err != nil {
			t.Errorf("%s: %v", r.body, err)
		} else if k.text != r.text {
			t.Errorf("%s: the question is %q", r.body, k.text)
		}
	}
	zero := newCache(t, Options{MaxTemperature: -1})
	if _, err := zero.Read(Request{Kind: Chat, Body: []byte(`{` + message + `}`)}); err == nil {
		t.Error("a temperature that is not 0")
	}
	if _, err := zero.Read(Request{Kind: Chat, Body: []byte(`{` + message + `,"temperature":0}`)}); err != nil {
		t.Error(err)
	}
}

func TestLiterals(t *testing.T) {
	same := [][2]string{
		{"how tall is it?", "what is its height?"},
		{"add 17 and 4.5 please", "please sum up 17, 4.5."},
		{"rename `foo` to `bar`", "change the name of `foo` to `bar`!"},
		{"don't you know it?", "do you not know it?"},
	}
	for _, p := range same {
		if a, b := literals(p[0]), literals(p[1]); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%q: %v, %q: %v", p[0], a, p[1], b)
		}
	}
	differ := [][2]string{
		{"what is 17 times 3?", "what is 18 times 3?"},
		{"from 3 to 5", "from 5 to 3"},
		{"is it safe?", "is it not safe?"},
		{"ist es sicher?", "ist es nicht sicher?"},
		{"rename `foo`", "rename `bar`"},
		{"who wrote “Faust”?", "who wrote “Emma”?"},
		{"on 2026-11-23", "on 2026-11-24"},
		{"٣ plus ٤", "٣ plus ٥"},
	}
	for _, p := range differ {
		if a, b := literals(p[0]), literals(p[1]); fmt.Sprint(a) == fmt.Sprint(b) {
			t.Errorf("%q and %q: both %v", p[0], p[1], a)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("chat", string(chatBody("s", "u", "")))
	f.Add("responses", `{"input":[{"role":"user","content":[{"type":"input_text","text":"z"}]}]}`)
	f.Add("messages", `{"messages":[{"role":"user","content":null}],"system":[{}]}`)
	f.Add("completions", `{"prompt":"„x “ 1.,- \"a"}`)
	c, err := New(Options{Semantic: true, Threshold: 0.9, TTL: time.Hour, MaxBytes: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		k, err := c.Read(Request{Kind: Kind(kind), Body: []byte(body)})
		if err != nil {
			return
		}
		again, err := c.Read(Request{Kind: Kind(kind), Body: []byte(body)})
		if err != nil || again.exact != k.exact || again.scope != k.scope || len(k.text) > maxQuestion {
			t.Errorf("%v %+v %+v", err, k, again)
		}
	})
}
