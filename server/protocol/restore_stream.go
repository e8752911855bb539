package protocol

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A StreamRestorer puts values back into the events of a stream, in the protocol
// of the client. A placeholder may be split over events at any byte: the end of
// a text that may be the beginning of one is held back until it is known. It is
// for one stream and one goroutine.
type StreamRestorer struct {
	kind       Kind
	jsonOutput bool
	r          *restorer
	held       map[channel]heldText
	last       Event // the last event that was no comment
	shift      int   // how much the numbers of events have moved, by events of ours
	slots      []slot
}

// A heldText is the end of a channel's text that is not sent yet.
type heldText struct {
	text   string
	isJSON bool
	event  string // the data of the event it came in
}

// NewStreamRestorer restores what m hides in the answer to r. It returns nil
// when nothing is hidden; a nil StreamRestorer changes nothing.
func NewStreamRestorer(r *Request, m *Mask) *StreamRestorer {
	in := newRestorer(m)
	if in == nil {
		return nil
	}
	return &StreamRestorer{kind: r.Kind, jsonOutput: r.JSONOutput, r: in, held: map[channel]heldText{}}
}

// Event appends what the client gets for e: e itself, restored, after what was
// held back of texts that e ends.
func (s *StreamRestorer) Event(to []Event, e Event) []Event {
	if s == nil || e.Data == "" {
		return append(to, e)
	}
	if e.Data == Done {
		return append(s.flush(to, nil, func(channel) bool { return true }), e)
	}
	if len(s.held) == 0 && s.shift == 0 && !strings.ContainsAny(e.Data, `<\`) {
		s.last = e
		return append(to, e)
	}
	d, err := scan(e.Data, tolerant)
	if err != nil {
		return append(to, e)
	}
	s.last = e
	ends := s.ends(&d)
	s.slots = slots(s.kind, &d, s.jsonOutput, s.slots[:0])
	if len(s.held) > 0 && ends != nil {
		to = s.flush(to, &d, func(c channel) bool {
			return ends(c) && !slices.ContainsFunc(s.slots, func(x slot) bool { return x.channel == c })
		})
	}
	var edits []edit
	if len(s.slots) == 0 {
		edits = s.r.whole(&d, 0, "", s.jsonOutput, nil)
	}
	for _, x := range s.slots {
		before := s.held[x.channel]
		piece := d.str(x.node)
		out, held := s.r.text(before.text+piece, x.isJSON, ends != nil && ends(x.channel))
		if out != piece {
			edits = append(edits, d.replace(x.node, string(appendString(nil, out))))
		}
		if held == "" {
			delete(s.held, x.channel)
		} else {
			s.held[x.channel] = heldText{held, x.isJSON, e.Data}
		}
	}
	if v := d.find(0, "sequence_number"); s.shift > 0 && d.is(v, number) {
		edits = append(edits, d.replace(v, strconv.Itoa(d.intOf(v)+s.shift)))
	}
	if len(edits) > 0 {
		e.Data = string(d.apply(edits))
	}
	return append(to, e)
}

// End appends what is still held back when the stream is over.
func (s *StreamRestorer) End(to []Event) []Event {
	if s == nil {
		return to
	}
	return s.flush(to, nil, func(channel) bool { return true })
}

// ends says which channels get nothing more after an event; nil for none.
func (s *StreamRestorer) ends(d *document) func(channel) bool {
	switch s.kind {
	case Chat, Completions:
		var over []int
		choices := d.find(0, "choices")
		if !d.is(choices, array) {
			return nil
		}
		for c := choices + 1; c < d.nodes[choices].next; c = d.nodes[c].next {
			if d.is(d.find(c, "finish_reason"), text) {
				over = append(over, d.intOf(d.find(c, "index")))
			}
		}
		if over == nil {
			return nil
		}
		return func(c channel) bool { return slices.Contains(over, c.i) }
	case Responses:
		name := d.strOf(d.find(0, "type"))
		if field, ok := strings.CutSuffix(name, ".done"); ok && field != "response.output_item" && field != "response.content_part" {
			done := responseChannel(d, field)
			return func(c channel) bool { return c == done }
		}
		if name == "response.output_item.done" {
			item := d.intOf(d.find(0, "output_index"))
			return func(c channel) bool { return c.i == item }
		}
		if name == "error" || d.is(d.find(0, "response"), object) {
			return func(channel) bool { return true }
		}
	case Messages:
		switch d.strOf(d.find(0, "type")) {
		case "content_block_stop":
			block := d.intOf(d.find(0, "index"))
			return func(c channel) bool { return c.i == block }
		case "message_delta", "message_stop", "error":
			return func(channel) bool { return true }
		}
	}
	return nil
}

// flush sends what is held back of the channels named, before the event d, or at
// the end of the stream when d is nil.
func (s *StreamRestorer) flush(to []Event, d *document, which func(channel) bool) []Event {
	var list []channel
	for c := range s.held {
		if which(c) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b channel) int {
		return cmp.Or(a.i-b.i, a.j-b.j, strings.Compare(a.field, b.field))
	})
	for _, c := range list {
		h := s.held[c]
		delete(s.held, c)
		out, _ := s.r.text(h.text, h.isJSON, true)
		if e, ok := s.piece(c, h, out, d); ok {
			to = append(to, e)
		}
	}
	return to
}

// piece is an event that carries nothing but text for a channel.
func (s *StreamRestorer) piece(c channel, h heldText, out string, next *document) (Event, bool) {
	d, err := scan(h.event, tolerant)
	if err != nil {
		return Event{}, false
	}
	quoted := string(appendString(nil, out))
	switch s.kind {
	case Chat, Completions:
		edits := []edit{d.replace(d.find(0, "choices"), chatPiece(c, quoted))}
		for _, key := range [...]string{"usage", "moderation"} {
			if v := d.find(0, key); v >= 0 {
				edits = append(edits, d.replace(v, "null"))
			}
		}
		return Event{Data: string(d.apply(edits))}, true
	case Messages:
		delta := `{"type":"text_delta","text":` + quoted + `}`
		if c.field == "partial_json" {
			delta = `{"type":"input_json_delta","partial_json":` + quoted + `}`
		}
		return Event{Name: "content_block_delta", Data: `{"type":"content_block_delta","index":` + strconv.Itoa(c.i) + `,"delta":` + delta + `}`}, true
	}
	edits := []edit{d.replace(d.find(0, "delta"), quoted)}
	if v := d.find(0, "logprobs"); v >= 0 {
		edits = append(edits, d.replace(v, "[]"))
	}
	if v := d.find(0, "sequence_number"); v >= 0 {
		number := d.intOf(v) + 1
		if next != nil {
			number = next.intOf(next.find(0, "sequence_number"))
		} else if last, err := scan(s.last.Data, tolerant); err == nil {
			number = last.intOf(last.find(0, "sequence_number")) + 1
		}
		edits = append(edits, d.replace(v, strconv.Itoa(number+s.shift)))
		s.shift++
	}
	return Event{Name: d.strOf(d.find(0, "type")), Data: string(d.apply(edits))}, true
}

func chatPiece(c channel, quoted string) string {
	index := strconv.Itoa(c.i)
	var delta string
	switch c.field {
	case "text":
		return `[{"text":` + quoted + `,"index":` + index + `,"logprobs":null,"finish_reason":null}]`
	case "function_call":
		delta = `"function_call":{"arguments":` + quoted + `}`
	case "transcript":
		delta = `"audio":{"transcript":` + quoted + `}`
	case "arguments":
		delta = `"tool_calls":[{"index":` + strconv.Itoa(c.j) + `,"function":{"arguments":` + quoted + `}}]`
	case "input":
		delta = `"tool_calls":[{"index":` + strconv.Itoa(c.j) + `,"custom":{"input":` + quoted + `}}]`
	default:
		delta = `"` + c.field + `":` + quoted
	}
	return `[{"index":` + index + `,"delta":{` + delta + `},"logprobs":null,"finish_reason":null}]`
}
