// Package chat turns conversations into the text that a model was trained to go
// on with: it runs the chat template of a model's folder or GGUF file on messages
// and tools, and prints what apply_chat_template of Hugging Face transformers
// does, byte for byte.
//
// The templates come with models and are not trusted; package jinja bounds what
// they may do.
package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"mom/engine/chat/jinja"
)

// A Template is the chat template of a model, or its several. It does not change
// and may be used by any number of goroutines.
type Template struct {
	name    string
	byName  map[string]*jinja.Template // "default" and others, such as "tool_use"
	source  map[string]string
	special map[string]string
}

// Default is the name of the template for conversations without tools.
const Default = "default"

// toolUse is the template that is taken, where a model has it, with tools.
const toolUse = "tool_use"

// ChatML is the template for a folder that has none, if its vocabulary has the
// tokens. Content may be a text or a list of texts.
const ChatML = `{%- for m in messages -%}
{{ '<|im_start|>' + m.role + '\n' }}
{%- if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif -%}
{{ '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif -%}
`

// New makes a Template of sources by their names. name stands for them in errors.
// special has the tokens with a role by the names that templates have for them,
// such as bos_token.
func New(name string, sources, special map[string]string) (*Template, error) {
	t := &Template{name: name, byName: map[string]*jinja.Template{}, source: sources, special: special}
	for key, source := range sources {
		file := name
		if key != Default {
			file += " (" + key + ")"
		}
		j, err := jinja.Parse(file, source)
		if err != nil {
			return nil, err
		}
		t.byName[key] = j
	}
	if len(t.byName) == 0 {
		return nil, fmt.Errorf("%s: no chat template", name)
	}
	return t, nil
}

// Name is where the template comes from: a path, or what New was given.
func (t *Template) Name() string { return t.name }

// A Request is a conversation and how to print it. The JSON is as in the API of
// OpenAI; what it has beyond that, a template may use.
type Request struct {
	Messages  json.RawMessage // a list of objects, not empty
	Tools     json.RawMessage // a list of objects; empty or null for none
	Documents json.RawMessage // a list of objects; empty or null for none
	Variables json.RawMessage // an object of more variables, such as enable_thinking

	GenerationPrompt bool // ends with the beginning of the assistant's answer
	Continue         bool // ends within the last message, for the model to go on with it

	// DecodeArguments turns the arguments of tool calls, which the API has as
	// JSON in a string, into objects, which most templates want. It is not part
	// of apply_chat_template.
	DecodeArguments bool

	Now time.Time // that the template sees; the zero time is the time of the call
}

// A Message is a message of a text.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Messages is the Messages of a Request.
func Messages(messages ...Message) json.RawMessage {
	data, err := json.Marshal(messages)
	if err != nil {
		panic("BUG: chat: " + err.Error())
	}
	return data
}

// An InputError reports a conversation that cannot be printed, whatever the
// template. An error of the template is a *jinja.Error; if its kind is Raised,
// the template refused the conversation.
type InputError struct {
	Field  string // messages, tools, documents or variables
	Reason string
}

func (e *InputError) Error() string { return e.Field + ": " + e.Reason }

// Render appends the text of a conversation to dst.
func (t *Template) Render(dst []byte, r *Request) ([]byte, error) {
	vars, err := t.variables(r)
	if err != nil {
		return nil, err
	}
	name := Default
	if tools, _ := vars.Get("tools"); tools != nil && t.byName[toolUse] != nil {
		name = toolUse
	}
	j := t.byName[name]
	if j == nil {
		return nil, fmt.Errorf("%s: has templates, but none for conversations: %s", t.name, strings.Join(sortedKeys(t.byName), ", "))
	}
	var last string
	if r.Continue {
		if last, err = t.mark(vars, t.source[name]); err != nil {
			return nil, err
		}
	}
	now := r.Now
	if now.IsZero() {
		now = time.Now()
	}
	size := len(r.Messages) + len(r.Tools) + len(r.Documents) + len(r.Variables)
	out, err := j.Render(dst, vars, now, jinja.DefaultLimits(size))
	if err != nil {
		return nil, err
	}
	if r.Continue {
		text, err := unmark(string(out[len(dst):]), last)
		if err != nil {
			return nil, err
		}
		return append(out[:len(dst)], text...), nil
	}
	return out, nil
}

// variables makes the variables of the template.
func (t *Template) variables(r *Request) (*jinja.Dict, error) {
	if r.Continue && r.GenerationPrompt {
		return nil, &InputError{"messages", "the last message cannot be continued where a new one is asked for"}
	}
	vars := &jinja.Dict{}
	messages, err := objects("messages", r.Messages)
	if err != nil {
		return nil, err
	}
	if messages == nil || len(messages.Items) == 0 {
		return nil, &InputError{"messages", "a conversation has at least one message"}
	}
	for i, m := range messages.Items {
		d := withoutNulls(m.(*jinja.Dict))
		if r.DecodeArguments {
			decodeArguments(d)
		}
		messages.Items[i] = aliasReasoning(d)
	}
	vars.Set("messages", messages)
	for _, part := range []struct {
		name string
		data json.RawMessage
	}{{"tools", r.Tools}, {"documents", r.Documents}} {
		l, err := objects(part.name, part.data)
		if err != nil {
			return nil, err
		}
		if l == nil {
			vars.Set(part.name, nil)
		} else {
			vars.Set(part.name, l)
		}
	}
	vars.Set("add_generation_prompt", r.GenerationPrompt)
	for _, k := range sortedKeys(t.special) {
		vars.Set(k, t.special[k])
	}
	if len(r.Variables) == 0 {
		return vars, nil
	}
	v, err := jinja.FromJSON(r.Variables)
	if err != nil {
		return nil, &InputError{"variables", err.Error()}
	}
	more, ok := v.(*jinja.Dict)
	if !ok {
		return nil, &InputError{"variables", "an object expected"}
	}
	for i, k := range more.Keys {
		switch k {
		case "messages", "tools", "documents", "add_generation_prompt":
			return nil, &InputError{"variables", fmt.Sprintf("%s has a field of its own", k)}
		}
		vars.Set(k.(string), more.Values[i])
	}
	return vars, nil
}

// objects reads a list of objects; nil if it is absent or null.
func objects(field string, data json.RawMessage) (*jinja.List, error) {
	if len(data) == 0 {
		return nil, nil
	}
	v, err := jinja.FromJSON(data)
	if err != nil {
		return nil, &InputError{field, err.Error()}
	}
	if v == nil {
		return nil, nil
	}
	l, ok := v.(*jinja.List)
	if !ok {
		return nil, &InputError{field, "a list expected"}
	}
	for i, x := range l.Items {
		if _, ok := x.(*jinja.Dict); !ok {
			return nil, &InputError{field, fmt.Sprintf("item %d is no object", i)}
		}
	}
	return l, nil
}

// withoutNulls drops the keys of a message that are null: many templates take a
// missing key as it is meant, but print None.
func withoutNulls(d *jinja.Dict) *jinja.Dict {
	out := &jinja.Dict{}
	for i, k := range d.Keys {
		if d.Values[i] != nil {
			out.Set(k.(string), d.Values[i])
		}
	}
	return out
}

// reasoningNames are the names that a message's reasoning goes by, the usual one
// first.
var reasoningNames = []string{"reasoning_content", "thinking", "reasoning"}

// aliasReasoning gives a message's reasoning the names that templates look for.
func aliasReasoning(d *jinja.Dict) *jinja.Dict {
	for _, name := range reasoningNames {
		reasoning, ok := d.Get(name)
		if !ok {
			continue
		}
		out := &jinja.Dict{}
		out.Set("thinking", reasoning)
		for i, k := range d.Keys {
			out.Set(k.(string), d.Values[i])
		}
		out.Set("reasoning_content", reasoning)
		return out
	}
	return d
}

// decodeArguments turns the arguments of a message's tool calls into objects,
// where they are one in a string.
func decodeArguments(m *jinja.Dict) {
	v, _ := m.Get("tool_calls")
	calls, ok := v.(*jinja.List)
	if !ok {
		return
	}
	for _, c := range calls.Items {
		call, ok := c.(*jinja.Dict)
		if !ok {
			continue
		}
		if f, _ := call.Get("function"); f != nil {
			if function, ok := f.(*jinja.Dict); ok {
				call = function
			}
		}
		a, _ := call.Get("arguments")
		text, ok := a.(string)
		if !ok {
			continue
		}
		if v, err := jinja.FromJSON([]byte(text)); err == nil {
			if d, ok := v.(*jinja.Dict); ok {
				call.Set("arguments", d)
			}
		}
	}
}

// tag marks where the last message is to be continued.
const tag = "CONTINUE_FINAL_MESSAGE_TAG "

// mark puts the tag behind the last message's text, and returns the text.
func (t *Template) mark(vars *jinja.Dict, source string) (string, error) {
	v, _ := vars.Get("messages")
	messages := v.(*jinja.List).Items
	last := messages[len(messages)-1].(*jinja.Dict)
	content, ok := last.Get("content")
	if !ok {
		return "", &InputError{"messages", "the last message has no content to continue"}
	}
	if !strings.Contains(source, "content") {
		return "", &InputError{"messages", "the template does not print the content of messages, which is to be continued"}
	}
	switch c := content.(type) {
	case string:
		last.Set("content", c+tag)
		return c, nil
	case *jinja.List:
		for i := len(c.Items) - 1; i >= 0; i-- {
			part, ok := c.Items[i].(*jinja.Dict)
			if !ok {
				continue
			}
			if text, _ := part.Get("text"); text != nil {
				if s, ok := text.(string); ok {
					part.Set("text", s+tag)
					return s, nil
				}
			}
		}
	}
	return "", &InputError{"messages", "the last message has no text to continue"}
}

var errNotPrinted = errors.New("the template does not print the last message as it is, so it cannot be continued")

// unmark cuts the text at the tag. If the template has stripped the message, what
// it ended with is stripped too.
func unmark(text, last string) (string, error) {
	short := strings.TrimSpace(tag)
	at := strings.LastIndex(text, short)
	if at < 0 || !strings.Contains(text, strings.TrimSpace(last)) {
		return "", errNotPrinted
	}
	if strings.HasPrefix(text[at:], tag) {
		return text[:at], nil
	}
	return strings.TrimRightFunc(text[:at], isSpace), nil
}
