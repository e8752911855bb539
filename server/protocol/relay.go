package protocol

import (
	"cmp"
	"slices"
	"strings"

	"mom/server/web"
)

// RelayOptions say how a stream differs when it goes to the client.
type RelayOptions struct {
	Mask *Mask // what it hid in the request is put back
	// Collect keeps the texts of the stream for Texts.
	Collect bool
	// Moderate is called once, before the event that ends the answer is sent,
	// and gives the JSON of its member "moderation"; "" adds none.
	Moderate func() string
}

// A Relay turns the events of an upstream's stream into what the client gets.
// It is for one stream and one goroutine.
type Relay struct {
	request  *Request
	from     Kind
	options  RelayOptions
	to       translator // nil when both speak the same protocol
	restorer *StreamRestorer

	nodes    []node
	events   []Event
	restored []Event
	slots    []slot

	model     string
	finish    string
	usage     Usage
	texts     map[channel]*strings.Builder
	collected int
	sequence  int // the last number of an event that went out (responses)
	done      bool
	moderated bool
	failure   *web.Error
}

// A translator turns the events of one protocol into those of another.
type translator interface {
	// event appends what the client gets for an event of the upstream.
	event(to []Event, d *document, data string) ([]Event, error)
}

// NewRelay is for the answer to r of an upstream that speaks the protocol of
// from.
func NewRelay(r *Request, from Kind, o RelayOptions) (*Relay, error) {
	s := &Relay{request: r, from: from, options: o, restorer: NewStreamRestorer(r, o.Mask)}
	if from != r.Kind {
		if err := translatable(r.Kind, from); err != nil {
			return nil, err
		}
		s.to = newTranslator(r, from)
	}
	if o.Collect {
		s.texts = map[channel]*strings.Builder{}
	}
	return s, nil
}

// Event appends to dst what is to be sent for an event of the upstream, which
// may be nothing. The error says that the event cannot be read: end with Fail.
func (s *Relay) Event(dst []byte, e Event) ([]byte, error) {
	if e.Data == "" {
		return AppendEvent(dst, e), nil
	}
	s.events = s.events[:0]
	if strings.TrimSpace(e.Data) == Done {
		s.done = true
		if s.to == nil {
			s.events = append(s.events, Event{Data: Done})
			return s.send(dst), nil
		}
		var err error
		s.events, err = s.to.event(s.events, nil, Done)
		return s.send(dst), err
	}
	d, bad := scanInto(s.nodes, e.Data, tolerant)
	s.nodes = d.nodes
	if bad != nil || d.nodes[0].kind != object {
		return dst, &web.Error{Status: 502, Type: "server_error", Code: "bad_upstream_answer", Message: "the upstream sent an event that is no JSON object"}
	}
	s.read(&d)
	if s.to != nil {
		var err error
		if s.events, err = s.to.event(s.events, &d, e.Data); err != nil {
			return dst, err
		}
	} else if !s.unasked(&d) {
		s.events = append(s.events, e)
	}
	return s.send(dst), nil
}

// unasked reports whether the event is the chunk with the usage that only we
// asked for.
func (s *Relay) unasked(d *document) bool {
	if !s.request.asksUsage() || !d.is(d.find(0, "usage"), object) {
		return false
	}
	choices := d.find(0, "choices")
	return d.is(choices, array) && d.nodes[choices].next == choices+1
}

// send restores and writes the events that are ready.
func (s *Relay) send(dst []byte) []byte {
	for _, e := range s.events {
		if s.options.Moderate != nil && !s.moderated {
			e = s.moderate(e)
		}
		s.restored = s.restorer.Event(s.restored[:0], e)
		for _, e := range s.restored {
			dst = AppendEvent(dst, e)
		}
	}
	return dst
}

// moderate adds the moderation to the event that ends the answer.
func (s *Relay) moderate(e Event) Event {
	var obj int32 = -1
	d, err := scan(e.Data, tolerant)
	if err != nil || d.nodes[0].kind != object {
		return e
	}
	switch s.request.Kind {
	case Chat:
		choices := d.find(0, "choices")
		for c := choices + 1; choices >= 0 && c < d.nodes[choices].next; c = d.nodes[c].next {
			if d.is(d.find(c, "finish_reason"), text) {
				obj = 0
			}
		}
	case Responses:
		switch d.strOf(d.find(0, "type")) {
		case "response.completed", "response.incomplete", "response.failed":
			obj = d.find(0, "response")
		}
	}
	if !d.is(obj, object) {
		return e
	}
	s.moderated = true
	if m := s.options.Moderate(); m != "" {
		e.Data = string(d.apply([]edit{setMember(&d, obj, "moderation", m)}))
	}
	return e
}

// read takes usage, texts, errors and the end out of an event of the upstream.
func (s *Relay) read(d *document) {
	root := int32(0)
	switch s.from {
	case Chat, Completions:
		if choices := d.find(0, "choices"); d.is(choices, array) {
			for c := choices + 1; c < d.nodes[choices].next; c = d.nodes[c].next {
				s.finish = cmp.Or(d.strOf(d.find(c, "finish_reason")), s.finish)
			}
		}
		if d.is(d.find(0, "error"), object) {
			s.failed(d)
		}
	case Responses:
		if r := d.find(0, "response"); d.is(r, object) {
			root = r
		}
		s.sequence = max(s.sequence, d.intOf(d.find(0, "sequence_number")))
		switch d.strOf(d.find(0, "type")) {
		case "response.completed", "response.incomplete", "response.failed":
			s.done = true
			s.finish = d.strOf(d.find(root, "status"))
		case "error":
			s.failed(d)
		}
	case Messages:
		switch d.strOf(d.find(0, "type")) {
		case "message_start":
			root = d.find(0, "message")
		case "message_delta":
			s.finish = cmp.Or(d.strOf(d.at(0, "delta", "stop_reason")), s.finish)
		case "message_stop":
			s.done = true
		case "error":
			s.failed(d)
		}
	}
	s.model = cmp.Or(s.model, d.strOf(d.find(root, "model")))
	s.usage = s.usage.merge(usageOf(d, d.find(root, "usage")))
	if s.texts == nil {
		return
	}
	s.slots = slots(s.from, d, false, s.slots[:0])
	for _, x := range s.slots {
		b := s.texts[x.channel]
		if b == nil {
			b = &strings.Builder{}
			s.texts[x.channel] = b
		}
		n, _ := b.WriteString(d.str(x.node))
		s.collected += n
	}
}

func (s *Relay) failed(d *document) {
	s.done = true
	s.failure = errorOf(d, 502)
}

// merge takes the later of two counts, which grow in a stream.
func (u Usage) merge(v Usage) Usage {
	if !v.Known {
		return u
	}
	return Usage{
		max(u.Input, v.Input), max(u.Cached, v.Cached), max(u.CacheWrite, v.CacheWrite),
		max(u.Output, v.Output), max(u.Reasoning, v.Reasoning), true,
	}
}

// End appends what is still held back when the upstream has closed its stream.
// When Done is false then, the stream was cut: end with Fail.
func (s *Relay) End(dst []byte) []byte {
	s.restored = s.restorer.End(s.restored[:0])
	for _, e := range s.restored {
		dst = AppendEvent(dst, e)
	}
	return dst
}

// Fail appends what is still held back and an error event, in the protocol of
// the client.
func (s *Relay) Fail(dst []byte, e *web.Error) []byte {
	dst = s.End(dst)
	s.done, s.failure = true, e
	n := s.sequence + 1
	if s.restorer != nil {
		n += s.restorer.shift
	}
	return AppendEvent(dst, ErrorEvent(s.request.Kind, e, n))
}

// Done reports whether the upstream has ended its answer as the protocol wants.
func (s *Relay) Done() bool { return s.done }

// Failure is the error that the upstream sent in the stream, or that of Fail.
func (s *Relay) Failure() *web.Error { return s.failure }

func (s *Relay) Usage() Usage   { return s.usage }
func (s *Relay) Model() string  { return s.model }  // as the upstream names it
func (s *Relay) Finish() string { return s.finish } // as Answer.Finish

// Collected is the size in bytes of the texts so far.
func (s *Relay) Collected() int { return s.collected }

// Texts are what the model wrote so far, placeholders as they are.
func (s *Relay) Texts() []Text {
	list := make([]channel, 0, len(s.texts))
	for c := range s.texts {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b channel) int {
		return cmp.Or(a.i-b.i, a.j-b.j, strings.Compare(a.field, b.field))
	})
	out := make([]Text, 0, len(list))
	for _, c := range list {
		isJSON := c.field == "partial_json" || strings.HasSuffix(c.field, "arguments") || c.field == "function_call"
		out = append(out, Text{Role: "assistant", Text: s.texts[c].String(), JSON: isJSON})
	}
	return out
}
