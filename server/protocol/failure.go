package protocol

import (
	"cmp"
	"encoding/json"
	"strings"

	"mom/server/web"
)

// ErrorEvent is an error inside a stream of the kind, after which nothing is
// sent: clients that would take the missing end for success raise it. sequence
// is the number of the event, which only responses have.
func ErrorEvent(kind Kind, e *web.Error, sequence int) Event {
	if kind == Responses {
		return Event{Name: "error", Data: marshal(struct {
			Type     string  `json:"type"`
			Code     *string `json:"code"`
			Message  string  `json:"message"`
			Param    *string `json:"param"`
			Sequence int     `json:"sequence_number"`
		}{"error", orNull(cmp.Or(e.Code, e.Type, "server_error")), e.Message, orNull(e.Param), sequence})}
	}
	if kind.Anthropic() {
		return Event{Name: "error", Data: marshal(e.Body(web.Anthropic, ""))}
	}
	return Event{Data: marshal(e.Body(web.OpenAI, ""))}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// marshal is the JSON of a value that has one.
func marshal(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("BUG: protocol: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// ReadError reads the error that an upstream answered with, in the form of
// OpenAI, of Anthropic, or another; it can be written in the form of any client.
// The message is the upstream's own: it may repeat the client's text, so it
// belongs in no log.
func ReadError(status int, body []byte) *web.Error {
	if status < 400 || status > 599 {
		status = 502
	}
	if d, err := scan(string(body), tolerant); err == nil && d.nodes[0].kind == object {
		return errorOf(&d, status)
	}
	return &web.Error{Status: status, Code: "upstream_error", Message: "the upstream answered with an error that is not JSON"}
}

func errorOf(d *document, status int) *web.Error {
	e := &web.Error{Status: status}
	root := int32(0)
	switch v := d.find(0, "error"); {
	case d.is(v, object):
		root = v
	case d.is(v, text):
		e.Message = d.str(v)
	}
	e.Message = cmp.Or(e.Message, d.strOf(d.find(root, "message")), d.strOf(d.find(root, "detail")), "the upstream answered with an error that has no message")
	if kind := d.strOf(d.find(root, "type")); kind != "error" {
		e.Type = kind
	}
	e.Code, e.Param = d.strOf(d.find(root, "code")), d.strOf(d.find(root, "param"))
	return e
}
