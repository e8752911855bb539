// Package web is what all HTTP handlers of the server share: routes, JSON in and
// out, and errors in the form of each protocol.
package web

import (
	"context"

	"github.com/valyala/fasthttp"

	"mom/router"
)

// An Access says who may call a route.
type Access uint8

const (
	Client Access = iota // needs a client's key when authentication is on
	Public               // health and readiness only
)

// A Route is one line of the server's route table. The table is what is served,
// documented (OpenAPI) and tested for authentication.
type Route struct {
	Method  string // GET, POST, DELETE
	Path    string // {name} stands for one segment, read with ctx.UserValue(name)
	Access  Access
	Summary string // a line for the OpenAPI document
	Dialect Dialect
	Handle  fasthttp.RequestHandler
	// Request and Response are zero values of the JSON bodies' types, or nil;
	// the OpenAPI document is made from them.
	Request, Response any
	Query             []Parameter // what may stand after the ?
	Events            []Event     // of the answer as a stream, where it has one
}

// A Parameter is one of a route's query.
type Parameter struct{ Name, Type, What string }

// An Event is one of a stream of server-sent events; its data is the JSON of a
// value like Data.
type Event struct {
	Name, What string
	Data       any
}

// A Dialect says how errors are written.
type Dialect uint8

const (
	OpenAI    Dialect = iota // {"error":{"message","type","param","code"}}
	Anthropic                // {"type":"error","error":{"type","message"}}
	TEI                      // {"error","error_type"}
	VLLMSR                   // {"error":{"code","message","timestamp"}}
	Plain                    // {"detail"}: Presidio, LLM Guard, LiteLLM
)

// A Task is a question for the classifiers; they combine with |.
type Task uint8

const (
	Intent Task = 1 << iota
	Guard
	PII
	All = Intent | Guard | PII
)

// A Classifier reads texts. It is safe for concurrent use. Errors that are the
// text's fault are *Error with a status below 500.
type Classifier interface {
	// Classify answers at least the tasks asked for.
	Classify(ctx context.Context, text string, tasks Task) (router.Reading, error)
	// Embed appends the text's embedding, of length 1, to dst.
	Embed(ctx context.Context, text string, dst []float32) ([]float32, error)
	// Tokenize returns the ids of the text's tokens, special ones included where
	// special is set, and their stretches of bytes.
	Tokenize(text string, special bool) ([]Token, error)
	Models() []Model
}

// A Token is a token of a text.
type Token struct {
	ID         int32
	Text       string
	Special    bool
	Start, End int // bytes
}

// A Model describes one of the classifiers.
type Model struct {
	Name      string   // mom-enc-class-intent-v1
	Task      string   // intent, jailbreak, pii, embedding
	Labels    []string // in the order of the model
	Precision string   // int8
	Hidden    int      // width of embeddings
	MaxTokens int      // of one text
	Window    int      // tokens read at once
	Language  string   // en, multilingual
}
