package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Kind is the protocol of a request and its answer.
type Kind string

const (
	Chat        Kind = "chat"        // /v1/chat/completions
	Completions Kind = "completions" // /v1/completions
	Responses   Kind = "responses"   // /v1/responses
	Messages    Kind = "messages"    // /v1/messages
)

// A Request is what a Key is made of.
type Request struct {
	Kind   Kind
	Tenant string // the client; "" when all are the same one
	// Policy stands for everything outside the request that an answer depends
	// on: the recipe's, the guard's and the price list's settings, headers that
	// steer the decision. Any string that changes when they do.
	Policy string
	Body   []byte // JSON, as the client sent it, already checked
}

type digest = [sha256.Size]byte

// A Key says what a request must have in common with another to be given its
// answer. It is for one request and one goroutine; it holds the last question
// until the request has ended, and the cache keeps only hashes of it.
type Key struct {
	kind   Kind
	exact  digest // of everything
	scope  digest // of everything but the last question
	text   string // of the last question; empty where only equality counts
	vector []float32

	// Stream and Usage are how the client wants its answer: as events, with a
	// last one that tells the usage.
	Stream bool
	Usage  bool
}

// Comparable reports whether the last question may be compared by its meaning.
func (k *Key) Comparable() bool { return k.text != "" }

// ErrUncacheable is wrapped by the reasons for which Read makes no key.
var ErrUncacheable = errors.New("the request is not cached")

func uncacheable(why string) error { return fmt.Errorf("%w: %s", ErrUncacheable, why) }

// maxQuestion bounds, in bytes, the questions that are compared by meaning. An
// embedding of a longer text does not tell enough of its details.
const maxQuestion = 2000

// ignored are members that do not change an answer.
var ignored = []string{"stream", "stream_options", "user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"}

// Read makes the key of a request, or an error that wraps ErrUncacheable.
//
// Two requests are equal when their JSON is, whatever the order of its members,
// apart from members that do not change the answer: stream, stream_options,
// user, metadata, safety_identifier, prompt_cache_key, prompt_cache_retention,
// and mom.session_id.
//
// The last question may also be compared by its meaning when the last message
// is the user's, has at most 2,000 bytes, and the client asks for no particular
// form of the answer. Then the numbers in it, its quoted parts, and how often it
// negates must still be equal: an embedding hardly tells 17 from 18, or "is"
// from "is not".
func (c *Cache) Read(r Request) (*Key, error) {
	k, err := read(r, c.o.MaxTemperature)
	if err != nil {
		c.count.uncacheable.Add(1)
	}
	return k, err
}

func read(r Request, maxTemperature float64) (*Key, error) {
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.UseNumber() // 1 and 1.0 may be other values to an upstream; big ones are kept
	var body map[string]any
	if err := d.Decode(&body); err != nil {
		return nil, uncacheable("it is no JSON object")
	}
	if err := eligible(r.Kind, body, maxTemperature); err != nil {
		return nil, err
	}
	k := &Key{kind: r.Kind}
	k.Stream, _ = body["stream"].(bool)
	if o, ok := body["stream_options"].(map[string]any); ok {
		k.Usage, _ = o["include_usage"].(bool)
	}
	for _, name := range ignored {
		delete(body, name)
	}
	if o, ok := body["mom"].(map[string]any); ok {
		delete(o, "session_id")
		if len(o) == 0 {
			delete(body, "mom")
		}
	}
	text, set, err := question(r.Kind, body)
	if err != nil {
		return nil, err
	}
	whole, err := json.Marshal(body) // sorts members
	if err != nil {
		return nil, uncacheable("its JSON cannot be written again")
	}
	k.exact = hash("exact", r, whole, nil)
	if set != nil && text != "" && len(text) <= maxQuestion && !formed(body) {
		set(nil)
		rest, err := json.Marshal(body)
		if err != nil {
			return nil, uncacheable("its JSON cannot be written again")
		}
		k.text = text
		k.scope = hash("scope", r, rest, literals(text))
	}
	return k, nil
}

// hash is of parts that cannot run into each other.
func hash(what string, r Request, body []byte, more []string) digest {
	h := sha256.New()
	var n [8]byte
	add := func(b []byte) {
		binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, s := range []string{"mom cache 1", what, string(r.Kind), r.Tenant, r.Policy} {
		add([]byte(s))
	}
	add(body)
	for _, s := range more {
		add([]byte(s))
	}
	return digest(h.Sum(nil))
}

// question returns the text of the last question, and how to replace it in the
// body. set is nil when the last message is not the user's.
func question(kind Kind, body map[string]any) (text string, set func(any), err error) {
	name := "messages"
	switch kind {
	case Completions:
		name = "prompt"
	case Responses:
		name = "input"
	}
	switch v := body[name].(type) {
	case string:
		if kind != Chat && kind != Messages {
			return v, func(x any) { body[name] = x }, nil
		}
	case []any:
		if kind == Completions || len(v) == 0 {
			break
		}
		var last map[string]any
		for _, m := range v {
			last, _ = m.(map[string]any)
			if err := plain(last); err != nil {
				return "", nil, err
			}
		}
		if last["role"] != "user" {
			return "", nil, nil
		}
		text := textOf(last["content"])
		return text, func(x any) { last["content"] = x }, nil
	}
	return "", nil, uncacheable(name + " is not text")
}

// plain refuses messages that hold anything but text.
func plain(m map[string]any) error {
	role, _ := m["role"].(string)
	switch {
	case m == nil || role == "" || m["type"] != nil && m["type"] != "message":
		return uncacheable("it holds more than messages")
	case role == "tool" || role == "function" || m["tool_calls"] != nil || m["function_call"] != nil:
		return uncacheable("it uses tools")
	case m["audio"] != nil:
		return uncacheable("it holds audio")
	}
	switch content := m["content"].(type) {
	case string:
		return nil
	case []any:
		for _, p := range content {
			part, _ := p.(map[string]any)
			switch part["type"] {
			case "text", "input_text", "output_text":
			default:
				return uncacheable("it holds more than text")
			}
		}
		return nil
	}
	return uncacheable("a message has no text")
}

func textOf(content any) string {
	switch content := content.(type) {
	case string:
		return content
	case []any:
		var parts []string
		for _, p := range content {
			part, _ := p.(map[string]any)
			s, _ := part["text"].(string)
			parts = append(parts, s)
		}
		return strings.Join(parts, "\n")
	}
	return ""
}

// eligible refuses requests by their parameters.
func eligible(kind Kind, body map[string]any, maxTemperature float64) error {
	for _, name := range []string{"tools", "functions", "mcp_servers", "modalities"} {
		if list, ok := body[name].([]any); ok && len(list) > 0 && !(name == "modalities" && slices.Equal(list, []any{"text"})) {
			return uncacheable("it uses " + name)
		}
	}
	for _, name := range []string{"moderation", "web_search_options", "audio", "previous_response_id", "conversation", "container", "context_management", "logit_bias"} {
		if body[name] != nil {
			return uncacheable("it uses " + name)
		}
	}
	for _, name := range []string{"background", "store"} {
		if body[name] == true {
			return uncacheable("it uses " + name)
		}
	}
	if kind == Responses && (body["prompt"] != nil || body["include"] != nil) {
		return uncacheable("it uses prompt or include")
	}
	for _, name := range []string{"n", "best_of"} {
		if n, ok := body[name].(json.Number); ok && n != "1" {
			return uncacheable("it asks for several choices")
		}
	}
	if body["logprobs"] != nil && body["logprobs"] != false || body["top_logprobs"] != nil {
		return uncacheable("it asks for log probabilities")
	}
	if o, ok := body["thinking"].(map[string]any); ok && o["type"] != "disabled" {
		return uncacheable("it asks for thinking")
	}
	if o, ok := body["mom"].(map[string]any); ok && (o["explain"] == true || o["dry_run"] == true) {
		return uncacheable("it asks for the decision")
	}
	temperature := 1.0
	if n, ok := body["temperature"].(json.Number); ok {
		var err error
		if temperature, err = n.Float64(); err != nil {
			return uncacheable("its temperature is no number")
		}
	}
	if temperature > maxTemperature {
		return uncacheable("its temperature asks for variety")
	}
	return nil
}

// formed reports whether the client asks for a particular form of the answer:
// what fills a form depends on details that embeddings do not tell.
func formed(body map[string]any) bool {
	format := func(v any) bool {
		o, ok := v.(map[string]any)
		return ok && o["type"] != nil && o["type"] != "text"
	}
	text, _ := body["text"].(map[string]any)
	return format(body["response_format"]) || format(text["format"]) ||
		body["output_format"] != nil || body["output_config"] != nil ||
		body["suffix"] != nil || body["prediction"] != nil || body["grammar"] != nil || body["guided_json"] != nil
}
