// Package protocol reads and rewrites what LLM clients and LLM servers say to
// each other: the requests, answers and event streams of OpenAI's chat
// completions, completions, responses, embeddings and moderations, and of
// Anthropic's messages. It moves bytes only and does no I/O.
//
// A request is scanned once and strictly, since a gateway that guards must see
// what the upstream will see: a key that is there twice, a key that differs from
// a known one by its case, or half of a surrogate pair mean different things to
// different readers, and are refused. What is forwarded is the client's own text
// with a few stretches replaced (Request.Rewrite); only a request that goes to an
// upstream of the other protocol is written anew (Request.Body).
package protocol

// A Kind is one of the calls that are understood.
type Kind uint8

const (
	Chat        Kind = iota // POST /v1/chat/completions
	Completions             // POST /v1/completions
	Responses               // POST /v1/responses
	Embeddings              // POST /v1/embeddings
	Moderations             // POST /v1/moderations
	Messages                // POST /v1/messages of Anthropic
	CountTokens             // POST /v1/messages/count_tokens of Anthropic
)

// Path is where the call is made on an upstream, below its base URL without
// the version: /chat/completions.
func (k Kind) Path() string {
	switch k {
	case Chat:
		return "/chat/completions"
	case Completions:
		return "/completions"
	case Responses:
		return "/responses"
	case Embeddings:
		return "/embeddings"
	case Moderations:
		return "/moderations"
	case Messages:
		return "/messages"
	}
	return "/messages/count_tokens"
}

func (k Kind) String() string { return k.Path()[1:] }

// Anthropic reports whether the call is one of Anthropic's API.
func (k Kind) Anthropic() bool { return k == Messages || k == CountTokens }

// Limits of every JSON text that is read.
const (
	MaxDepth  = 64      // of nested arrays and objects
	MaxValues = 1 << 20 // keys and values together
	MaxBytes  = 1 << 30
)
