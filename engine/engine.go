// Package engine runs models: it opens a Hugging Face folder or a model that is
// embedded in the binary, and answers classification and embedding requests
// from any number of goroutines.
//
// A request is read whole: a text longer than the model's window becomes
// several windows, which overlap and end with a paragraph, line or sentence where
// they can, and whose results are combined. Windows of one request, and of
// requests that wait at the same time, share forward passes; nobody waits for
// company. Alone, a request has all cores (latency mode); beside others, one core
// each (throughput mode).
package engine

import (
	"context"
	"fmt"
	"runtime"

	"mom/models"
	"mom/models/nn"
	"mom/safetensors"
	"mom/tokenizer"
)

// Options say how a model is opened. The zero value is right for most.
type Options struct {
	Precision string   // f32, bf16, int8 or auto; "" is auto
	Threads   int      // cores to use at most; 0 means GOMAXPROCS
	Heads     []string // names or functions of a family's heads to run; nil means all
	Adapter   string   // folder of a PEFT LoRA adapter to merge
	Mmap      bool     // map the weights instead of reading them
	Window    int      // tokens a window, special ones included; 0 means the model's
	Overlap   int      // text tokens that neighbouring windows share; 0 means the model's
	MaxTokens int      // the longest text in tokens; 0 means 1<<20
	Pooling   string   // of embeddings: mean or cls; "" is the model's, or mean
	NoViews   bool     // the guard reads the text alone, not what it may hide
}

// An Engine is one open model. Its methods may be called from any goroutine.
type Engine struct {
	Name string

	model     *models.Model
	bio       []*bio // a head, nil for those that are not of Tokens
	info      models.Info
	tokenizer *tokenizer.Tokenizer
	prefix    []int32 // special tokens around each window
	suffix    []int32
	window    models.Window
	maxTokens int
	views     bool // a head reads them
	pooling   models.Pooling
	mapped    *safetensors.File // of Options.Mmap

	scheduler
}

// Info describes the trunk.
func (e *Engine) Info() models.Info { return e.info }

// Heads lists the heads in the order of their results.
func (e *Engine) Heads() []*models.Head { return e.model.Heads }

// Precision is the format of the linear layers.
func (e *Engine) Precision() nn.Precision { return e.model.Precision }

// Window is the size and overlap of windows in tokens.
func (e *Engine) Window() models.Window { return e.window }

// Tokenizer returns the model's tokenizer.
func (e *Engine) Tokenizer() *tokenizer.Tokenizer { return e.tokenizer }

// Close ends the engine's helper threads and releases a mapped file. No request
// may be under way.
func (e *Engine) Close() {
	e.scheduler.close()
	if e.mapped != nil {
		e.mapped.Close()
	}
}

// A Kind says what is wrong with a request.
type Kind uint8

// TooLong is a text over the token limit, Invalid one that cannot be read,
// Unsupported a question that the model has no head for.
const (
	TooLong Kind = iota + 1
	Invalid
	Unsupported
)

// A RequestError is a fault of the request, not of the engine.
type RequestError struct {
	Kind   Kind
	Reason string
}

func (e *RequestError) Error() string { return e.Reason }

// Classify runs every head on text and stores what they say in r, whose memory
// is reused. It returns ctx.Err() when ctx ends first.
func (e *Engine) Classify(ctx context.Context, text string, r *Result) error {
	if len(e.model.Heads) == 0 {
		return &RequestError{Unsupported, fmt.Sprintf("model %s has no classification head; it can embed", e.Name)}
	}
	return e.do(ctx, text, r, nil)
}

// Embed appends the embedding of text, of length 1, to dst. The windows of a
// long text count by their tokens.
func (e *Engine) Embed(ctx context.Context, text string, dst []float32) ([]float32, error) {
	n := len(dst)
	for range e.info.Hidden {
		dst = append(dst, 0)
	}
	return dst, e.do(ctx, text, nil, dst[n:])
}

func (e *Engine) do(ctx context.Context, text string, r *Result, embedding []float32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q := e.get()
	q.ctx, q.embed = ctx, embedding != nil
	err := e.read(q, text)
	if err == nil && e.views && !q.embed {
		err = e.readViews(q, text)
	}
	if err == nil {
		e.reserve(q)
	}
	if err == nil {
		err = e.submit(q)
	}
	if err == nil {
		if embedding != nil {
			e.combineEmbedding(q, embedding)
		} else {
			e.combine(q, text, r)
		}
	}
	if err != errAbandoned {
		e.put(q)
	} else {
		err = ctx.Err()
	}
	return err
}

// threads is the number of cores that o allows.
func (o *Options) threads() int {
	n := runtime.GOMAXPROCS(0)
	if o.Threads > 0 {
		n = min(n, o.Threads)
	}
	return n
}
