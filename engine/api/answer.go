package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"

	"mom/engine/generate"
	"mom/tokenizer"
)

// A job is a request that can be asked.
type job struct {
	m       *model
	r       *generate.Request
	chat    bool
	stream  bool
	usage   bool // at the end of a stream
	id      string
	created int64
}

func newID() string { return strings.ToLower(rand.Text()) }

// answer is the JSON of an answer, or of an event of one.
type answer struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

type choice struct {
	Index    int      `json:"index"`
	Message  *message `json:"message,omitempty"`
	Delta    *message `json:"delta,omitempty"`
	Text     *string  `json:"text,omitempty"`
	LogProbs any      `json:"logprobs"` // null when not asked for
	Finish   *string  `json:"finish_reason"`
}

type message struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
	Refusal *string `json:"refusal,omitempty"`
}

// MarshalJSON has a whole message say that nothing was refused.
func (c choice) MarshalJSON() ([]byte, error) {
	type plain choice
	if c.Message == nil {
		return json.Marshal(plain(c))
	}
	type whole struct {
		Index    int                `json:"index"`
		Message  map[string]*string `json:"message"`
		LogProbs any                `json:"logprobs"`
		Finish   *string            `json:"finish_reason"`
	}
	return json.Marshal(whole{c.Index, map[string]*string{"role": &c.Message.Role, "content": c.Message.Content, "refusal": nil}, c.LogProbs, c.Finish})
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	Details    struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

func usageOf(r *generate.Result) *usage {
	u := &usage{Prompt: r.PromptTokens, Completion: len(r.Tokens), Total: r.PromptTokens + len(r.Tokens)}
	u.Details.Cached = r.CachedTokens
	return u
}

func (j *job) object(event bool) answer {
	a := answer{ID: j.id, Object: "text_completion", Created: j.created, Model: j.m.name, Choices: []choice{}}
	if j.chat {
		a.Object = "chat.completion"
		if event {
			a.Object += ".chunk"
		}
	}
	return a
}

func (j *job) answerWhole(ctx context.Context, w http.ResponseWriter) {
	res, err := j.m.Generate(ctx, j.r)
	if err != nil {
		refuse(w, asError(err))
		return
	}
	a := j.object(false)
	finish := string(res.Finish)
	c := choice{Finish: &finish}
	if j.r.LogProbs {
		c.LogProbs = j.logProbs(res.Tokens, new(int))
	}
	if j.chat {
		c.Message = &message{Role: "assistant", Content: &res.Text}
	} else {
		c.Text = &res.Text
	}
	a.Choices = append(a.Choices, c)
	a.Usage = usageOf(res)
	writeJSON(w, 200, a)
}

// answerStream sends text as it is certain, with the log-probabilities of the
// tokens that end in it: a stretch of text is no whole number of tokens. Those
// that are left at the end, as of a stop text, come with the last stretch.
func (j *job) answerStream(ctx context.Context, w http.ResponseWriter) {
	begun := false
	flush := http.NewResponseController(w)
	send := func(a any) error {
		data, err := json.Marshal(a)
		if err != nil {
			panic("BUG: api: " + err.Error())
		}
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Cache-Control", "no-cache")
			w.WriteHeader(200)
		}
		if _, err := w.Write(append(append([]byte("data: "), data...), "\n\n"...)); err != nil {
			return err
		}
		return flush.Flush()
	}
	first := true
	event := func(text string, probs any, finish *string) error {
		a := j.object(true)
		c := choice{LogProbs: probs, Finish: finish}
		if j.chat {
			c.Delta = &message{}
			if first {
				c.Delta.Role = "assistant"
			}
			if text != "" || first || probs != nil && finish == nil {
				c.Delta.Content = &text
			}
		} else {
			c.Text = &text
		}
		first = false
		a.Choices = append(a.Choices, c)
		return send(a)
	}
	if j.r.LogProbs {
		at := 0
		j.r.EmitTokens = func(text string, tokens []generate.Token) error { return event(text, j.logProbs(tokens, &at), nil) }
	} else {
		j.r.Emit = func(text string) error { return event(text, nil, nil) }
	}
	res, err := j.m.Generate(ctx, j.r)
	if err != nil {
		e := asError(err)
		if !begun {
			refuse(w, e)
		} else if ctx.Err() == nil {
			send(map[string]*Error{"error": e})
		}
		return
	}
	finish := string(res.Finish)
	err = event("", nil, &finish)
	if err == nil && j.usage {
		a := j.object(true)
		a.Usage = usageOf(res)
		err = send(a)
	}
	if err == nil {
		w.Write([]byte("data: [DONE]\n\n"))
	}
}

type chatLogProbs struct {
	Content []chatLogProb `json:"content"`
	Refusal []chatLogProb `json:"refusal"`
}

type chatLogProb struct {
	Token   string        `json:"token"`
	LogProb float64       `json:"logprob"`
	Bytes   []int         `json:"bytes"`
	Top     []chatLogProb `json:"top_logprobs,omitzero"`
}

type textLogProbs struct {
	Tokens  []string             `json:"tokens"`
	Token   []float64            `json:"token_logprobs"`
	Top     []map[string]float64 `json:"top_logprobs"`
	Offsets []int                `json:"text_offset"`
}

// logProbs is what the answer tells of tokens. at is where the text of the first
// begins, in characters; it becomes where that of the next one will.
func (j *job) logProbs(tokens []generate.Token, at *int) any {
	if j.chat {
		out := chatLogProbs{Content: []chatLogProb{}}
		for _, t := range tokens {
			p := j.logProb(t.ID, t.LogProb)
			p.Top = []chatLogProb{}
			for _, c := range t.Top {
				p.Top = append(p.Top, j.logProb(c.ID, c.LogProb))
			}
			out.Content = append(out.Content, p)
		}
		return out
	}
	out := textLogProbs{Tokens: []string{}, Token: []float64{}, Top: []map[string]float64{}, Offsets: []int{}}
	for _, t := range tokens {
		text := j.text(t.ID)
		out.Tokens, out.Token, out.Offsets = append(out.Tokens, text), append(out.Token, t.LogProb), append(out.Offsets, *at)
		*at += len([]rune(text))
		top := map[string]float64{}
		for _, c := range t.Top {
			top[j.text(c.ID)] = c.LogProb
		}
		out.Top = append(out.Top, top)
	}
	return out
}

func (j *job) logProb(id int32, p float64) chatLogProb {
	out := chatLogProb{Token: j.text(id), LogProb: max(p, -9999), Bytes: []int{}}
	for _, b := range j.m.Pieces()[id] {
		out.Bytes = append(out.Bytes, int(b))
	}
	return out
}

// text is a token's text, with its name for special ones.
func (j *job) text(id int32) string {
	if p := j.m.Pieces()[id]; p != nil {
		return tokenizer.ValidUTF8(p)
	}
	return j.m.Tokenizer.Token(id)
}
