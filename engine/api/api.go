// Package api answers OpenAI's chat completions and completions with decoders of
// package generate: whole or as a stream of events, with stop texts, seeds,
// log-probabilities, usage, and answers in the form of a JSON Schema.
//
// What a request asks for and a decoder does not do, such as calling tools, is an
// error that names the field; nothing is left out silently.
package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"mom/engine/generate"
	"mom/engine/grammar"
	"mom/tokenizer"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 1 << 30

// A Handler answers POST /v1/chat/completions and /v1/completions.
type Handler struct {
	models  map[string]*model
	created int64
}

// model is a decoder with what its requests share.
type model struct {
	*generate.Model
	name    string
	special []string // tokens that a text must not write
	words   func() *grammar.Vocabulary

	mu    sync.Mutex
	forms map[string]*grammar.Bound // by JSON Schema
}

// maxForms is how many schemas a model remembers.
const maxForms = 64

// New makes a Handler of decoders by the names that requests give. They stay the
// caller's.
func New(decoders map[string]*generate.Model) *Handler {
	h := &Handler{models: map[string]*model{}, created: time.Now().Unix()}
	for name, g := range decoders {
		m := &model{Model: g, name: name, forms: map[string]*grammar.Bound{}}
		m.words = sync.OnceValue(func() *grammar.Vocabulary { return grammar.NewVocabulary(g.Pieces(), g.Ends()...) })
		for id, p := range g.Pieces() {
			if text := g.Tokenizer.Token(int32(id)); p == nil && text != "" {
				m.special = append(m.special, text)
			}
		}
		h.models[name] = m
	}
	return h
}

// An Error is a refusal in OpenAI's form.
type Error struct {
	Status  int    `json:"-"`
	Message string `json:"message"`
	Type    string `json:"type"`
	Param   string `json:"param,omitempty"`
	Code    string `json:"code,omitempty"`
}

func (e *Error) Error() string { return e.Message }

func invalid(param, format string, args ...any) *Error {
	return &Error{Status: 400, Type: "invalid_request_error", Param: param, Message: param + ": " + fmt.Sprintf(format, args...)}
}

func unsupported(param, what string) *Error {
	e := invalid(param, "%s", what)
	e.Code = "unsupported_parameter"
	return e
}

// asError says what a client is told of err.
func asError(err error) *Error {
	var own *Error
	var request *generate.RequestError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &request):
		return &Error{Status: 400, Type: "invalid_request_error", Code: "invalid_value", Message: request.Reason}
	case errors.Is(err, generate.ErrBusy):
		return &Error{Status: 429, Type: "rate_limit_error", Code: "overloaded", Message: "the decoder has as many requests as may wait; try again later"}
	case errors.Is(err, generate.ErrClosed):
		return &Error{Status: 503, Type: "server_error", Code: "closed", Message: "the decoder is being closed"}
	}
	return &Error{Status: 500, Type: "server_error", Message: "the decoder failed"}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The body is read whatever is said to it: who sends it may read no answer
	// before.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, &Error{Status: 413, Type: "invalid_request_error", Code: "body_too_large", Message: fmt.Sprintf("the body is larger than %d bytes", maxBody)})
		return
	}
	ask := map[string]func([]byte) (*job, error){"/v1/chat/completions": h.chat, "/v1/completions": h.completion}[r.URL.Path]
	if ask == nil || r.Method != http.MethodPost {
		refuse(w, &Error{Status: 404, Type: "invalid_request_error", Code: "unknown_url", Message: "local decoders answer POST /v1/chat/completions and /v1/completions"})
		return
	}
	j, err := ask(body)
	if err != nil {
		refuse(w, asError(err))
		return
	}
	j.id += newID()
	j.created = time.Now().Unix()
	if j.stream {
		j.answerStream(r.Context(), w)
		return
	}
	j.answerWhole(r.Context(), w)
}

func refuse(w http.ResponseWriter, e *Error) {
	if e.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, e.Status, map[string]*Error{"error": e})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic("BUG: api: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(data)
}

// find is the model of a request.
func (h *Handler) find(name string) (*model, error) {
	if m := h.models[name]; m != nil {
		return m, nil
	}
	return nil, &Error{Status: 404, Type: "invalid_request_error", Param: "model", Code: "model_not_found", Message: "there is no local decoder of this name"}
}

// form is the automaton of a JSON Schema, made once for each.
func (m *model) form(schema []byte) (*grammar.Bound, error) {
	m.mu.Lock()
	b := m.forms[string(schema)]
	m.mu.Unlock()
	if b != nil {
		return b, nil
	}
	g, err := grammar.JSONSchema(schema)
	if err != nil {
		var wrong *grammar.Error
		if errors.As(err, &wrong) {
			return nil, invalid("response_format.json_schema.schema", "%s%s", pointer(wrong.Pointer), wrong.Reason)
		}
		return nil, invalid("response_format.json_schema.schema", "%v", err)
	}
	b = g.Bind(m.words())
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.forms) >= maxForms {
		clear(m.forms)
	}
	m.forms[string(schema)] = b
	return b, nil
}

func pointer(p string) string {
	if p == "" {
		return ""
	}
	return p + ": "
}

// encode makes tokens of a text that may write special ones.
func (m *model) encode(dst []int32, text string) ([]int32, error) {
	var e tokenizer.Encoding
	if err := m.Tokenizer.Encode(&e, text); err != nil {
		return nil, &Error{Status: 400, Type: "invalid_request_error", Code: "tokenizer", Message: "the text cannot be read as tokens"}
	}
	return append(dst, e.IDs...), nil
}
