package protocol

import "strings"

// A channel is one of the texts that the events of a stream build up.
type channel struct {
	field string // content, refusal, arguments, ...
	i, j  int    // of the choice and the tool call; of the item and its part; of the block
}

// A slot is where an event carries a piece of a channel.
type slot struct {
	channel
	node   int32
	isJSON bool
}

// slots lists the pieces of text in an event of a stream of the kind.
func slots(kind Kind, d *document, jsonOutput bool, to []slot) []slot {
	switch kind {
	case Chat, Completions:
		return chatSlots(d, jsonOutput, to)
	case Responses:
		return responseSlots(d, jsonOutput, to)
	case Messages:
		return messageSlots(d, jsonOutput, to)
	}
	return to
}

var deltaFields = [...]string{"content", "refusal", "reasoning_content", "reasoning"}

func chatSlots(d *document, jsonOutput bool, to []slot) []slot {
	choices := d.find(0, "choices")
	if !d.is(choices, array) {
		return to
	}
	put := func(field string, i, j int, v int32, isJSON bool) {
		if d.is(v, text) {
			to = append(to, slot{channel{field, i, j}, v, isJSON})
		}
	}
	for c := choices + 1; c < d.nodes[choices].next; c = d.nodes[c].next {
		i := d.intOf(d.find(c, "index"))
		put("text", i, 0, d.find(c, "text"), jsonOutput)
		delta := d.find(c, "delta")
		if !d.is(delta, object) {
			continue
		}
		for _, f := range deltaFields {
			put(f, i, 0, d.find(delta, f), jsonOutput && f == "content")
		}
		put("function_call", i, 0, d.at(delta, "function_call", "arguments"), true)
		put("transcript", i, 0, d.at(delta, "audio", "transcript"), false)
		calls := d.find(delta, "tool_calls")
		if !d.is(calls, array) {
			continue
		}
		for t := calls + 1; t < d.nodes[calls].next; t = d.nodes[t].next {
			j := d.intOf(d.find(t, "index"))
			put("arguments", i, j, d.at(t, "function", "arguments"), true)
			put("input", i, j, d.at(t, "custom", "input"), false)
		}
	}
	return to
}

func responseSlots(d *document, jsonOutput bool, to []slot) []slot {
	name := d.strOf(d.find(0, "type"))
	field, ok := strings.CutSuffix(name, ".delta")
	delta := d.find(0, "delta")
	if !ok || !d.is(delta, text) || field == "response.audio" {
		return to
	}
	isJSON := strings.HasSuffix(field, "_arguments") || jsonOutput && field == "response.output_text"
	return append(to, slot{responseChannel(d, field), delta, isJSON})
}

func responseChannel(d *document, field string) channel {
	c := channel{field: field, i: d.intOf(d.find(0, "output_index"))}
	for _, key := range [...]string{"content_index", "summary_index", "command_index"} {
		c.j += d.intOf(d.find(0, key))
	}
	return c
}

func messageSlots(d *document, jsonOutput bool, to []slot) []slot {
	i := d.intOf(d.find(0, "index"))
	put := func(field string, v int32, isJSON bool) {
		if d.is(v, text) {
			to = append(to, slot{channel{field, i, 0}, v, isJSON})
		}
	}
	switch d.strOf(d.find(0, "type")) {
	case "content_block_start":
		put("text", d.at(0, "content_block", "text"), jsonOutput)
	case "content_block_delta":
		delta := d.find(0, "delta")
		put("text", d.find(delta, "text"), jsonOutput)
		put("partial_json", d.find(delta, "partial_json"), true)
	}
	return to
}
