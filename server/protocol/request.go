package protocol

import (
	"fmt"

	"mom/server/web"
)

// A Request is a call of a client, read and checked. It holds a copy of the
// body; strings in it are parts of that copy. It is safe for concurrent reads.
type Request struct {
	Kind  Kind
	Model string // "" only where the API lets it be left out (responses, moderations)

	Stream bool
	// IncludeUsage says that the client asked for the chunk with the usage.
	IncludeUsage bool

	MaxTokens  int     // that the client allows for the answer; 0 when it does not say
	N          int     // answers asked for, 1 or more
	Tools      bool    // tools are offered to the model
	JSONOutput bool    // the answer's text is to be JSON
	LogProbs   bool    // asks for the probabilities of tokens
	Effort     string  // of reasoning, as the client calls it; "" when it does not say
	Temp       float64 // temperature; -1 when the client does not say

	// Texts are all texts that a model would read, in the order of the
	// conversation: system and developer texts that stand apart come first. In
	// embeddings and moderations they are the inputs, empty ones too.
	Texts []Text
	// Parts says that all texts of a moderation are parts of one input.
	Parts bool

	// What the texts do not show:
	Images   bool // pictures
	Audio    bool
	Files    bool // files, documents, videos
	TokenIDs bool // text as numbers of tokens
	Stored   bool // what the upstream has stored: a previous response, a prompt, an item

	Encoding   string // of embeddings: float or base64
	Dimensions int    // of embeddings; 0 when the client does not say

	// Conversation is what the client calls the conversation: mom.session_id,
	// else the id of a conversation that the upstream keeps; "" when it does not
	// say.
	Conversation string

	Options    Options           // the request's "mom" object
	Moderation *ModerationParams // nil when the client does not ask for it

	doc  document
	keys keys
}

// keys are the nodes of the body that are rewritten; -1 when they are missing.
type keys struct {
	model, streamOptions, includeUsage, mom, moderation int32
}

// A Text is one of the texts of a request or an answer.
type Text struct {
	Role string // system, user, assistant or tool
	Text string
	// JSON says that the text is itself JSON: the arguments of a tool call.
	JSON bool

	node int32
	// raw texts are values that are no strings: the text is their source.
	raw bool
}

// Parse reads the body of a request. The *web.Error of a request that is refused
// names the field; it never repeats a value.
func Parse(kind Kind, body []byte) (*Request, error) {
	if len(body) == 0 {
		return nil, &web.Error{Status: 400, Code: "empty_body", Message: "the request has no body; a JSON object is expected"}
	}
	doc, err := scan(string(body), strict)
	if err != nil {
		return nil, err
	}
	r := &Request{Kind: kind, N: 1, Temp: -1, doc: doc}
	r.keys = keys{-1, -1, -1, -1, -1}
	p := parser{Request: r, document: &r.doc}
	if r.doc.nodes[0].kind != object {
		p.wrongType(0, "an object")
		return nil, p.err
	}
	switch kind {
	case Chat:
		p.chat()
	case Completions:
		p.completions()
	case Responses:
		p.responses()
	case Embeddings:
		p.embeddings()
	case Moderations:
		p.moderations()
	case Messages, CountTokens:
		p.messages()
	default:
		panic("BUG: protocol: unknown kind")
	}
	if p.err != nil {
		return nil, p.err
	}
	if r.Options.Session != "" {
		r.Conversation = r.Options.Session
	}
	return r, nil
}

// Path is the way to text i in the body: messages[1].content[0].text.
func (r *Request) Path(i int) string { return r.doc.path(r.Texts[i].node) }

// Source is the body as it came.
func (r *Request) Source() string { return r.doc.src }

// A parser reads one request. The first thing that is wrong ends it.
type parser struct {
	*Request
	*document
	err *web.Error
}

// wrong refuses the value at node i.
func (p *parser) wrong(i int32, code, message string) {
	if p.err != nil {
		return
	}
	path := p.path(i)
	if path == "" {
		path = "the request"
	}
	p.err = &web.Error{Status: 400, Param: p.path(i), Code: code, Message: path + ": " + message}
}

func (p *parser) wrongType(i int32, want string) {
	p.wrong(i, "invalid_type", fmt.Sprintf("expected %s, but got %s", want, p.nodes[i].kind))
}

func (p *parser) missing(obj int32, key string) {
	if p.err != nil {
		return
	}
	path := string(appendKey([]byte(p.path(obj)), key))
	p.err = &web.Error{Status: 400, Param: path, Code: "missing_required_parameter", Message: path + ": this parameter is required"}
}
