// Package generate lets decoders write: it opens a decoder, from a Hugging Face
// folder or a GGUF file, and continues prompts for any number of goroutines.
//
// What runs at the same time shares forward passes (continuous batching): a pass
// takes the next token of every sequence that writes and, as far as the token
// budget goes, pieces of prompts that are still to be read. Sequences whose
// prompts begin alike share the keys and values of it (see [Model.Pin]). Memory
// for keys and values is bounded: what was kept for reuse goes first, then the
// youngest sequence steps back and is read again later.
//
// A sequence's tokens depend on its request alone, never on what shared its
// passes: to the bit.
package generate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mom/engine/sample"
	"mom/models"
)

// A Request is a prompt and how it is to be continued.
type Request struct {
	Prompt    []int32 // one token at least
	MaxTokens int     // to write at most
	sample.Params

	// Choose has the answer begin with texts that are not written but chosen: of
	// each set the most probable, as Score has it, one set after the other. They
	// are no part of Result.Text.
	Choose [][][]int32
	// Chosen, when set, is called on the caller's goroutine when a text of a set
	// has been chosen. An error ends the request.
	Chosen func(set int, c Choice) error
	// After, when set, gives the tokens that follow the chosen text of a set, where
	// they depend on it. It is called by the loop of the model, also for a moment
	// after Generate has returned because its context ended, and must not wait.
	After func(set int, c Choice) []int32

	Stop       []string        // texts that end the answer and are not part of it
	Constraint Constraint      // what the answer has to be; a state of its own for each request; nil for none
	Adapter    *models.Adapter // nil for none
	LogProbs   bool            // the log-probability of each token among all
	Top        int             // as many alternatives a token
	IgnoreEnd  bool            // end-of-text tokens are tokens like others, for measurements

	// Logits, when set, sees the logits before each token that is sampled, the
	// first is 0. It must not keep or change them.
	Logits func(step int, logits []float32)
	// Emit, when set, is called on the caller's goroutine with each stretch of
	// text that is certain: whole characters, and no part of a stop text. An
	// error ends the request.
	Emit func(text string) error
	// EmitTokens is called instead of Emit when it is set, also with the tokens
	// whose text has come to its end with this stretch, each once and in order.
	// The last stretch, which may be empty, brings those that are left: of a stop
	// text, or without text.
	EmitTokens func(text string, tokens []Token) error
}

// A Constraint holds what is written to a form; *grammar.State is one.
type Constraint interface {
	Err() error               // why the model's tokens cannot write any such text; nil if they can
	Mask() []uint64           // a bit set for each token that may follow
	Accept(token int32) error //
	Forced(dst []byte) []byte // appends the bytes that must follow
	Done() bool               // the text is complete as it is
	MinBytes() int            // that suffice to complete it
	Limit(bytes int) error    // leads it to its end within so many
}

// A Token is a token of an answer.
type Token struct {
	ID      int32
	LogProb float64 // with LogProbs, else 0; 0 also for tokens that a constraint forced
	Top     []sample.Choice
}

// A Choice is what was chosen of a set.
type Choice struct {
	Label int       // its number
	P     []float64 // of each
}

// Finish says why an answer ended.
type Finish string

// Stop is an end-of-text token, a stop text or a complete constraint; Length is
// MaxTokens or the end of the model's positions.
const (
	Stop   Finish = "stop"
	Length Finish = "length"
)

// A Result is an answer.
type Result struct {
	Choices      []Choice // of Request.Choose
	Text         string
	Tokens       []Token
	Finish       Finish
	StopText     string        // of Request.Stop, if one was found
	PromptTokens int           //
	CachedTokens int           // of the prompt, whose keys and values were there already
	First, Total time.Duration // until the first token was known, and all of it
}

// A RequestError is a fault of the request.
type RequestError struct{ Reason string }

func (e *RequestError) Error() string { return e.Reason }

var (
	// ErrBusy says that the queue of requests is full.
	ErrBusy = errors.New("generate: too many requests wait")
	// ErrClosed says that the model was closed.
	ErrClosed = errors.New("generate: the model is closed")
)

func (m *Model) check(r *Request) error {
	bad := func(format string, args ...any) error { return &RequestError{fmt.Sprintf(format, args...)} }
	if len(r.Prompt) == 0 {
		return bad("the prompt has no tokens")
	}
	if n := m.info.MaxTokens; len(r.Prompt) >= n {
		return bad("the prompt has %d tokens; the model's limit is %d with the answer", len(r.Prompt), n)
	}
	for _, id := range r.Prompt {
		if id < 0 || int(id) >= m.info.Vocab {
			return bad("prompt: token %d is outside the vocabulary of %d", id, m.info.Vocab)
		}
	}
	if r.MaxTokens < 1 {
		return bad("max_tokens: %d is less than 1", r.MaxTokens)
	}
	if r.Top < 0 || r.Top > 100 {
		return bad("top_logprobs: %d is outside 0 to 100", r.Top)
	}
	for _, s := range r.Stop {
		if s == "" {
			return bad("stop: an empty text would end every answer")
		}
	}
	if err := r.Check(); err != nil {
		return bad("%v", err)
	}
	if r.Constraint != nil && r.Constraint.Err() != nil {
		return bad("%v", r.Constraint.Err())
	}
	if need := m.pages(len(r.Prompt) + 1); need > m.pool.Stats().Total {
		return bad("the prompt has %d tokens; the memory for keys and values holds %d", len(r.Prompt), m.pool.Stats().Total*pageTokens)
	}
	for _, set := range r.Choose {
		if _, err := m.labels(r.Prompt, set); err != nil {
			return err
		}
	}
	return nil
}

// Generate continues a prompt. It returns ctx.Err() when ctx ends first.
func (m *Model) Generate(ctx context.Context, r *Request) (*Result, error) {
	if err := m.check(r); err != nil {
		return nil, err
	}
	j := newJob(ctx, r)
	if err := m.choose(j); err != nil {
		return nil, err
	}
	if err := m.submit(j); err != nil {
		return nil, err
	}
	return m.follow(j)
}

// emit hands on what is new of the answer.
func (r *Request) emit(text string, tokens []Token) error {
	switch {
	case text == "" && len(tokens) == 0:
		return nil
	case r.EmitTokens != nil:
		return r.EmitTokens(text, tokens)
	case r.Emit != nil:
		return r.Emit(text)
	}
	return nil
}

// streams reports whether somebody hears of the answer as it is written.
func (r *Request) streams() bool { return r.Emit != nil || r.EmitTokens != nil }

// follow hands the text of a job to its caller until it ends.
func (m *Model) follow(j *job) (*Result, error) {
	for {
		select {
		case <-j.news:
		case <-j.ctx.Done():
			m.abandon(j)
			if _, _, _, err := j.take(); err != nil {
				return nil, err
			}
			return nil, j.ctx.Err()
		}
		text, tokens, done, err := j.take()
		if err == nil {
			err = j.req.emit(text, tokens)
		}
		if err != nil {
			m.abandon(j)
			return nil, err
		}
		if done {
			if j.err != nil {
				return nil, j.err
			}
			return &j.result, nil
		}
	}
}
