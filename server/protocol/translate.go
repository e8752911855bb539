package protocol

import (
	"fmt"

	"mom/server/web"
)

// DefaultMaxTokens is the limit of an answer when the client sets none and the
// upstream demands one, as Anthropic does. All its models can write as much.
const DefaultMaxTokens = 4096

// translatable says whether a request of the one kind can be sent as another.
func translatable(from, to Kind) error {
	if from == to || from == Chat && to == Messages || from == Messages && to == Chat {
		return nil
	}
	return &web.Error{Status: 400, Code: "unsupported_endpoint", Param: "model",
		Message: fmt.Sprintf("the upstream of this model does not serve %s requests; chat/completions and messages are served by upstreams of both protocols", from)}
}

// UpstreamKind is the kind that a request is sent as to an upstream of
// Anthropic's protocol, or of OpenAI's. Body refuses what cannot be sent so.
func (r *Request) UpstreamKind(anthropic bool) Kind {
	switch {
	case r.Kind.Anthropic() == anthropic:
		return r.Kind
	case anthropic:
		return Messages
	}
	return Chat
}

// Body is the request as an upstream that serves the kind gets it: rewritten,
// and translated when the kind is another than the request's. What the other
// protocol cannot say is an error that names the field.
func (r *Request) Body(to Kind, w Rewrite) ([]byte, error) {
	if err := translatable(r.Kind, to); err != nil {
		return nil, err
	}
	body := r.Rewrite(w)
	if to == r.Kind {
		return body, nil
	}
	same, err := Parse(r.Kind, body)
	if err != nil {
		return nil, err
	}
	if to == Messages {
		return chatToMessages(same)
	}
	return messagesToChat(same)
}

// translateAnswer turns a whole answer into one of the other protocol.
func translateAnswer(d *document, from, to Kind) ([]byte, error) {
	if err := translatable(to, from); err != nil {
		return nil, err
	}
	if from == Messages {
		return messagesAnswerToChat(d)
	}
	return chatAnswerToMessages(d)
}

func newTranslator(r *Request, from Kind) translator {
	if from == Messages {
		return &messagesStream{usageAsked: r.IncludeUsage}
	}
	return &chatStream{}
}

// untranslatable names a field that the other protocol has no word for.
func untranslatable(d *document, v int32, protocol, why string) error {
	path := d.path(v)
	return &web.Error{Status: 400, Code: "unsupported_parameter", Param: path,
		Message: fmt.Sprintf("%s: %s, and the model that serves this request speaks the %s protocol", path, why, protocol)}
}

func badAnswer(what string) error {
	return &web.Error{Status: 502, Type: "server_error", Code: "bad_upstream_answer", Message: "the upstream's answer cannot be translated: " + what}
}
