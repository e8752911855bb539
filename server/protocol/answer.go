package protocol

import (
	"strings"

	"mom/router"
	"mom/server/web"
)

// Usage is what an answer cost, in tokens.
type Usage struct {
	Input      int // of the whole prompt, cached parts included
	Cached     int // of Input, read from the upstream's cache
	CacheWrite int // of Input, written to it
	Output     int // reasoning included
	Reasoning  int // of Output
	Known      bool
}

// An Answer is what an upstream answered, read.
type Answer struct {
	Kind  Kind // of the upstream's protocol
	Model string
	// Finish is why the first choice ended, as the protocol calls it: stop,
	// length, tool_calls, content_filter; end_turn, max_tokens, tool_use;
	// completed, incomplete.
	Finish string
	Usage  Usage
	Texts  []Text // what the model wrote, placeholders as they are

	doc document
}

// ReadAnswer reads the body of a successful answer. An answer that is no JSON
// object is an error with status 502.
func ReadAnswer(kind Kind, body []byte) (*Answer, error) {
	d, err := scan(string(body), tolerant)
	if err == nil && d.nodes[0].kind != object {
		err = &web.Error{Message: "not a JSON object"}
	}
	if err != nil {
		return nil, &web.Error{Status: 502, Type: "server_error", Code: "bad_upstream_answer", Message: "the upstream's answer cannot be read: " + err.Message}
	}
	a := &Answer{Kind: kind, doc: d}
	a.Model = d.strOf(d.find(0, "model"))
	a.Usage = usageOf(&d, d.find(0, "usage"))
	switch kind {
	case Chat, Completions:
		a.readChoices()
	case Responses:
		a.Finish = d.strOf(d.find(0, "status"))
		if output := d.find(0, "output"); output >= 0 {
			a.walk(output, "")
		}
	case Messages:
		a.Finish = d.strOf(d.find(0, "stop_reason"))
		if content := d.find(0, "content"); content >= 0 {
			a.walk(content, "")
		}
	}
	return a, nil
}

func (a *Answer) readChoices() {
	d := &a.doc
	choices := d.find(0, "choices")
	if !d.is(choices, array) {
		return
	}
	for c := choices + 1; c < d.nodes[choices].next; c = d.nodes[c].next {
		if a.Finish == "" {
			a.Finish = d.strOf(d.find(c, "finish_reason"))
		}
		for _, key := range [...]string{"message", "text"} {
			if v := d.find(c, key); v >= 0 {
				a.walk(v, key)
			}
		}
	}
}

// walk notes every text that the model wrote.
func (a *Answer) walk(v int32, key string) {
	d := &a.doc
	switch n := &d.nodes[v]; n.kind {
	case text:
		if s := d.str(v); s != "" && !silent(key) {
			a.Texts = append(a.Texts, Text{Role: "assistant", Text: s, JSON: isJSONKey(key), node: v})
		}
	case array:
		for i := v + 1; i < n.next; i = d.nodes[i].next {
			a.walk(i, key)
		}
	case object:
		if key == "input" || key == "arguments" {
			a.Texts = append(a.Texts, Text{Role: "assistant", Text: d.raw(v), JSON: true, node: v, raw: true})
			return
		}
		for k := v + 1; k < n.next; k = d.nodes[k+1].next {
			switch key := d.str(k); key {
			case "logprobs", "data", "result", "b64_json", "url", "image_url":
			default:
				a.walk(k+1, key)
			}
		}
	}
}

// usageOf reads a usage object of any of the protocols.
func usageOf(d *document, u int32) Usage {
	if !d.is(u, object) {
		return Usage{}
	}
	at := func(keys ...string) int { return max(0, d.intOf(d.at(u, keys...))) }
	if d.find(u, "prompt_tokens") >= 0 || d.find(u, "total_tokens") >= 0 && d.find(u, "input_tokens") < 0 {
		return Usage{
			Input: at("prompt_tokens"), Output: at("completion_tokens"), Known: true,
			Cached:     at("prompt_tokens_details", "cached_tokens"),
			CacheWrite: at("prompt_tokens_details", "cache_write_tokens"),
			Reasoning:  at("completion_tokens_details", "reasoning_tokens"),
		}
	}
	if d.find(u, "input_tokens") < 0 && d.find(u, "output_tokens") < 0 {
		return Usage{}
	}
	out := Usage{
		Input: at("input_tokens"), Output: at("output_tokens"), Known: true,
		Cached:     at("input_tokens_details", "cached_tokens"),
		CacheWrite: at("input_tokens_details", "cache_write_tokens"),
		Reasoning:  at("output_tokens_details", "reasoning_tokens"),
	}
	// Anthropic counts cached tokens beside the input, not in it.
	read, wrote := at("cache_read_input_tokens"), at("cache_creation_input_tokens")
	out.Input += read + wrote
	out.Cached += read
	out.CacheWrite += wrote
	return out
}

// AnswerRewrite says how an answer differs when it goes to the client.
type AnswerRewrite struct {
	Mask       *Mask             // what it hid in the request is put back
	Redact     []router.PartSpan // of Answer.Texts, replaced by <TYPE> for good
	Moderation string            // JSON for the member "moderation"; "" adds none
}

// Body is the answer for the client that sent r, in its protocol; all that is
// not named by w stays as the upstream wrote it.
func (a *Answer) Body(r *Request, w AnswerRewrite) ([]byte, error) {
	d := a.doc
	if len(w.Redact) > 0 {
		m := hideAll(&d, a.Texts, w.Redact, false)
		var err error
		if d, err = again(d.apply(m.edits)); err != nil {
			return nil, err
		}
	}
	if a.Kind != r.Kind {
		body, err := translateAnswer(&d, a.Kind, r.Kind)
		if err != nil {
			return nil, err
		}
		if d, err = again(body); err != nil {
			return nil, err
		}
	}
	var edits []edit
	if in := newRestorer(w.Mask); in != nil && strings.ContainsAny(d.src, `<\`) {
		edits = in.whole(&d, 0, "", r.JSONOutput, edits)
	}
	if w.Moderation != "" {
		edits = append(edits, setMember(&d, 0, "moderation", w.Moderation))
	}
	return d.apply(edits), nil
}

// again scans a text that is made of one that was scanned.
func again(body []byte) (document, error) {
	d, err := scan(string(body), tolerant)
	if err != nil {
		return d, err
	}
	return d, nil
}

// setMember is the edit that gives an object's member a value.
func setMember(d *document, obj int32, key, value string) edit {
	if v := d.find(obj, key); v >= 0 {
		return d.replace(v, value)
	}
	return d.insert(obj, `"`+key+`":`+value)
}
