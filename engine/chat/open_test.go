package chat

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mom/engine/chat/jinja"
)

// folder writes files into a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func has(tokens ...string) func(string) bool {
	return func(token string) bool { return strings.Contains(strings.Join(tokens, "\n"), token) }
}

// The template comes from chat_template.jinja, else from tokenizer_config.json,
// else is ChatML where the vocabulary fits; with tools it may be another.
func TestOpen(t *testing.T) {
	const config = `{"bos_token": {"content": "<B>", "special": true}, "eos_token": "<E>", "pad_token": null, "chat_template": "config {{ bos_token }}{{ eos_token }}{{ pad_token is defined }}"}`
	const many = `{"chat_template": [{"name": "default", "template": "one"}, {"name": "tool_use", "template": "two {{ tools|length }}"}]}`
	tools := json.RawMessage(`[{"type": "function"}]`)
	for _, c := range []struct {
		name  string
		files map[string]string
		tools json.RawMessage
		want  string
	}{
		{"config", map[string]string{configFile: config}, nil, "config <B><E>False"},
		{"file before config", map[string]string{configFile: config, templateFile: "file {{ bos_token }}"}, nil, "file <B>"},
		{"file alone", map[string]string{templateFile: "{{ messages[0].content }}"}, nil, "Hi"},
		{"named", map[string]string{configFile: many}, nil, "one"},
		{"named, tools", map[string]string{configFile: many}, tools, "two 1"},
		{"named, no tools", map[string]string{configFile: many}, json.RawMessage("null"), "one"},
		{"named, empty tools", map[string]string{configFile: many}, json.RawMessage("[]"), "two 0"},
		{"beside", map[string]string{templateFile: "a", templateDir + "/tool_use.jinja": "b", templateDir + "/notes.txt": "c"}, tools, "b"},
		{"ChatML", map[string]string{configFile: `{"chat_template": null}`}, nil, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"},
		{"ChatML without a config", nil, nil, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"},
	} {
		tmpl, err := Open(folder(t, c.files), has("<|im_start|>", "<|im_end|>"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		out, err := tmpl.Render(nil, &Request{Messages: Messages(Message{"user", "Hi"}), Tools: c.tools, GenerationPrompt: true, Now: now})
		if err != nil || string(out) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, out, err, c.want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing", nil, "no chat template: neither chat_template.jinja nor chat_template in tokenizer_config.json, and the vocabulary has no <|im_start|>"},
		{"a broken template", map[string]string{templateFile: "a\n{% if %}"}, "chat_template.jinja: line 2: "},
		{"a broken template in the config", map[string]string{configFile: `{"chat_template": "{{"}`}, "tokenizer_config.json: line 1: "},
		{"a broken tool_use", map[string]string{templateFile: "a", templateDir + "/tool_use.jinja": "{{"}, "chat_template.jinja (tool_use): line 1: "},
		{"no JSON", map[string]string{configFile: `{`}, "tokenizer_config.json: unexpected end of JSON input"},
		{"a number", map[string]string{configFile: `{"chat_template": 5}`}, "tokenizer_config.json: chat_template: a string, or a list"},
		{"a token that is a number", map[string]string{configFile: `{"bos_token": 5}`}, "tokenizer_config.json: bos_token: a string, or an object"},
		{"two of a name", map[string]string{configFile: `{"chat_template": [{"name": "a", "template": ""}, {"name": "a", "template": ""}]}`}, `the name "a" is empty or occurs twice`},
		{"a long template", map[string]string{templateFile: strings.Repeat("x", jinja.MaxSource+1)}, "not a regular file of at most"},
		{"a folder", map[string]string{templateFile + "/x": ""}, "not a regular file"},
	} {
		_, err := Open(folder(t, c.files), has("<s>"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := Fallback("x.gguf", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "x.gguf: no chat template") {
		t.Error(err)
	}
}

func TestInputErrors(t *testing.T) {
	tmpl, err := New("test", map[string]string{Default: "{{ messages[-1].content }}"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	hi := Messages(Message{"user", "Hi"})
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{}, "messages: a conversation has at least one message"},
		{Request{Messages: raw("null")}, "messages: a conversation has at least one message"},
		{Request{Messages: raw("[]")}, "messages: a conversation has at least one message"},
		{Request{Messages: raw("{}")}, "messages: a list expected"},
		{Request{Messages: raw("[1]")}, "messages: item 0 is no object"},
		{Request{Messages: raw("[")}, "messages: "},
		{Request{Messages: raw(strings.Repeat("[", 1000))}, "messages: nested deeper than 100"},
		{Request{Messages: hi, Tools: raw(`"x"`)}, "tools: a list expected"},
		{Request{Messages: hi, Documents: raw(`[[]]`)}, "documents: item 0 is no object"},
		{Request{Messages: hi, Variables: raw(`[]`)}, "variables: an object expected"},
		{Request{Messages: hi, Variables: raw(`{"messages": []}`)}, "variables: messages has a field of its own"},
		{Request{Messages: hi, Continue: true, GenerationPrompt: true}, "messages: the last message cannot be continued"},
		{Request{Messages: raw(`[{"role": "user"}]`), Continue: true}, "messages: the last message has no content"},
		{Request{Messages: raw(`[{"content": [{"type": "image"}]}]`), Continue: true}, "messages: the last message has no text"},
	} {
		_, err := tmpl.Render(nil, &c.r)
		var e *InputError
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.r, err, c.want)
		}
	}
}

// Arguments that are JSON in a string become objects where that is asked for.
func TestDecodeArguments(t *testing.T) {
	tmpl, err := New("test", map[string]string{Default: "{% for c in messages[0].tool_calls %}{{ (c.function or c).arguments }};{% endfor %}"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	messages := json.RawMessage(`[{"role": "assistant", "tool_calls": [{"function": {"arguments": "{\"b\": 1, \"a\": [2.0]}"}}, {"arguments": "{}"}, {"function": {"arguments": "no JSON"}}, {"function": {"arguments": {"x": 1}}}]}]`)
	for decode, want := range map[bool]string{
		false: `{"b": 1, "a": [2.0]};{};no JSON;{'x': 1};`,
		true:  `{'b': 1, 'a': [2.0]};{};no JSON;{'x': 1};`,
	} {
		out, err := tmpl.Render(nil, &Request{Messages: messages, DecodeArguments: decode})
		if err != nil || string(out) != want {
			t.Errorf("decode %v: got %s, %v, want %s", decode, out, err, want)
		}
	}
}

// A conversation of many messages stays far below the limits.
func TestLongConversation(t *testing.T) {
	goldens, _ := readGoldens(t)
	var m []Message
	for range 2000 {
		m = append(m, Message{"user", strings.Repeat("word ", 20)}, Message{"assistant", strings.Repeat("word ", 20)})
	}
	r := &Request{Messages: Messages(append(m, Message{"user", "x"})...), GenerationPrompt: true, Now: now}
	for _, name := range []string{"agent", "chatml", "inst"} {
		out, err := template(t, name, goldens[name]).Render(nil, r)
		if err != nil || len(out) < 400000 {
			t.Errorf("%s: %d bytes, %v", name, len(out), err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	goldens, cases := readGoldens(b)
	tmpl := template(b, "agent", goldens["agent"])
	c := cases["tool answered"]
	r := &Request{Messages: c.Messages, Tools: c.Tools, GenerationPrompt: true, Now: now}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = tmpl.Render(out[:0], r); err != nil {
			b.Fatal(err)
		}
	}
}
