package web

import (
	"context"
	"fmt"
	"net"
	"time"

	"mom/router"
)

// Decoders are the models inside that write. They are safe for concurrent use.
type Decoders interface {
	// Dial connects to them. Over the connection they answer POST
	// /v1/chat/completions and /v1/completions of OpenAI's API by their names.
	Dial(ctx context.Context) (net.Conn, error)
	// Prepare makes a decoder ready to be asked by Intent, and returns the
	// categories that it chooses from.
	Prepare(decoder string) ([]string, error)
	// Intent asks a decoder what a text is about. It takes no longer than limit:
	// then the decoder is told to stop, and the answer is Late. Errors that are the
	// text's fault are *Error.
	Intent(ctx context.Context, decoder, text string, limit time.Duration) (*router.Told, error)
	// Agents says why no agent can be asked by Difficulty; nil when they can.
	Agents() error
	// Difficulty asks the agent of a category's field how hard a text is. It takes no
	// longer than limit; nil without an error says that the limit came first. Errors
	// that are the text's fault are *Error.
	Difficulty(ctx context.Context, category, text string, limit time.Duration) (*router.Difficulty, error)
	// Explains says why no decoder explains, as an *Error; nil when one does.
	Explains() error
	// Explain says what a text is about. It takes no longer than the limit that it
	// returns; without a category the limit came first. emit, when it is not nil, is
	// called before Explain returns with each stretch of the reason as it is
	// written; its error ends the work. Errors that are the text's fault are *Error.
	Explain(ctx context.Context, text string, emit func(text string) error) (*Explanation, time.Duration, error)
}

// An Explanation says in words why a request has its category.
type Explanation struct {
	Model        string  `json:"model"` // that the policy chose; "" when the request is blocked
	Category     string  `json:"category"`
	Difficulty   string  `json:"difficulty"`          // easy, medium or hard; "" when it is not known
	Confidence   float64 `json:"confidence"`          // in the category
	RunnerUp     string  `json:"runner_up,omitempty"` // the category that came second, where the decoder says it
	Reason       string  `json:"reason"`
	MS           float64 `json:"ms"`
	FirstTokenMS float64 `json:"first_token_ms"`       // until the reason began; 0 if it did not
	By           string  `json:"by"`                   // whose category it is: decoder or encoder
	Late         bool    `json:"late,omitempty"`       // the decoder passed its time limit
	Cut          int     `json:"cut,omitempty"`        // bytes in the middle of the text that the decoder did not read
	ReasonCut    bool    `json:"reason_cut,omitempty"` // the reason reached its longest length
	Note         string  `json:"note,omitempty"`       // what is missing, and why
}

// Join completes what a decoder said by the decision: its model, and, where the
// limit came before a category, the decision's.
func (e *Explanation) Join(d *router.Decision, limit time.Duration) {
	e.Model, e.By = d.Model, "decoder"
	switch {
	case e.Category == "":
		e.Category, e.Confidence, e.By = d.Category, d.Confidence, "encoder"
		whose := "the encoder's"
		if d.Intent != nil && d.Intent.By == "decoder" {
			e.By, whose = "decoder", "the decision's"
		}
		e.Note = fmt.Sprintf("the decoder had no answer within %v: the category is %s", limit, whose)
	case e.Late:
		e.Note = fmt.Sprintf("the decoder did not finish its reason within %v", limit)
	}
	if d.Action == router.Block {
		note := "the request is blocked"
		if e.Note != "" {
			note += "; " + e.Note
		}
		e.Note = note
	}
}
