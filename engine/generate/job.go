package generate

import (
	"context"
	"strings"
	"sync"
	"time"

	"mom/engine/sample"
	"mom/models"
	"mom/models/kv"
	"mom/tokenizer"
)

// A job is a request under way. All but the outbox belongs to the loop.
type job struct {
	ctx     context.Context
	req     *Request
	adapter *models.Adapter
	began   time.Time

	ids     []int32      // the prompt and what was written; those from seq.Len() on are to be read
	prompt  int          // tokens of the prompt
	seq     *kv.Sequence // nil while it waits
	feed    int          // tokens that the pass at hand reads
	hidden  []float32    // of the last token, of a job with labels
	sampler sample.Sampler
	text    text
	steps   int // tokens sampled
	logits  []float32
	kept    bool    // the prompt's pages are in the prefix cache
	labels  *labels // asked for before text, or instead of it
	pin     bool    // only to be read, and kept
	ends    []int   // where in text each token ends, with EmitTokens
	result  Result
	err     error

	mu        sync.Mutex // of the outbox
	out       strings.Builder
	tokens    []Token // with EmitTokens, that end in out
	given     int     // of result.Tokens, to tokens
	choices   []Choice
	told      int // of choices
	done      bool
	abandoned bool
	news      chan struct{}
}

func newJob(ctx context.Context, r *Request) *job {
	j := &job{ctx: ctx, req: r, adapter: r.Adapter, began: time.Now(), prompt: len(r.Prompt), news: make(chan struct{}, 1)}
	j.ids = append(make([]int32, 0, len(r.Prompt)+min(r.MaxTokens, 256)), r.Prompt...)
	j.sampler.Reset(r.Params)
	j.sampler.See(r.Prompt...)
	j.text.stops = r.Stop
	j.result.PromptTokens = len(r.Prompt)
	return j
}

// tell gives text to the caller, and with done the end.
func (j *job) tell(text string, done bool) {
	if text == "" && !done {
		return
	}
	j.mu.Lock()
	if j.req.streams() {
		j.out.WriteString(text)
	}
	if j.req.EmitTokens != nil {
		n := j.given
		for n < len(j.ends) && (done && j.err == nil || j.ends[n] <= j.text.sent) {
			n++
		}
		j.tokens = append(j.tokens, j.result.Tokens[j.given:n]...)
		j.given = n
	}
	j.done = j.done || done
	j.mu.Unlock()
	select {
	case j.news <- struct{}{}:
	default:
	}
}

// chose tells the caller of a choice.
func (j *job) chose(c Choice) {
	j.mu.Lock()
	j.choices = append(j.choices, c)
	j.mu.Unlock()
	select {
	case j.news <- struct{}{}:
	default:
	}
}

// take is the other side of tell and chose.
func (j *job) take() (text string, tokens []Token, done bool, err error) {
	j.mu.Lock()
	text, tokens, done = j.out.String(), j.tokens, j.done
	j.out.Reset()
	j.tokens = nil
	first, news := j.told, j.choices[j.told:]
	j.told = len(j.choices)
	j.mu.Unlock()
	for i, c := range news {
		if err == nil && j.req.Chosen != nil {
			err = j.req.Chosen(first+i, c)
		}
	}
	return text, tokens, done, err
}

func (j *job) gone() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.abandoned || j.ctx.Err() != nil
}

// free gives the pages back.
func (j *job) free() {
	if j.seq != nil {
		j.seq.Free()
		j.seq = nil
	}
}

// finish ends a job.
func (j *job) finish(why Finish) {
	j.result.Finish = why
	j.result.StopText = j.text.found
	rest := j.text.certain(true)
	j.result.Choices = j.choices
	j.result.Text = tokenizer.ValidUTF8(j.text.all)
	j.result.Total = time.Since(j.began)
	j.tell(rest, true)
}

// fail ends a job with an error.
func (j *job) fail(err error) {
	j.err = err
	j.tell("", true)
}
