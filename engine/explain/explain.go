// Package explain lets a decoder say what a request is about, how hard it is, and
// why: a label of a list, a difficulty of a list, and a reason in words.
//
// A decoder that was trained for it says in its folder's mom.json how it is asked
// and how it answers (see [Manifest]); any other is asked in words. The label and
// the difficulty are not written but chosen, by the probabilities of the texts
// that they may be; the reason is written, one token after another. So an answer
// that takes too long has lost its reason, not its label. Where mom.json says so,
// what a reason quotes is what the text says, by a grammar made of the text.
//
// A request's text is not trusted: special tokens that are written in it are
// plain text, and cannot end its place in the prompt.
package explain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"mom/engine/generate"
	"mom/engine/grammar"
	"mom/models"
	"mom/tokenizer"
)

// Options say how an Explainer runs. The zero value is right for most.
type Options struct {
	generate.Options
	TextTokens int // of a text that are read; 0 means the manifest's, else 512
}

// An Explainer is an open decoder with its question. Its methods may be called
// from any goroutine.
type Explainer struct {
	Name   string
	Labels []string

	model        *generate.Model
	own          bool // model is closed with it
	difficulties []string
	temperature  float64

	prefix, suffix []int32         // of the prompt
	choices        [][][]int32     // of each place of the answer that is chosen, the tokens of each name with what follows it
	inserted       [][]int32       // of the names of the place that is inserted; nil without one
	after          int             // the number of the choice before it
	lead           string          // what a reason begins with and is not part of it
	text           int             // tokens of a text at most
	reason         int             // tokens of a reason at most
	quotes         *quotes         // where reasons have to quote; else nil
	adapter        *models.Adapter // nil for none
	encodings      sync.Pool
}

// Open opens a decoder: a folder, with or without mom.json, or a GGUF file.
func Open(path string, o Options) (*Explainer, error) {
	m, err := generate.Open(path, o.Options)
	if err != nil {
		return nil, err
	}
	e, err := For(m, path, o.TextTokens)
	if err != nil {
		m.Close()
		return nil, err
	}
	e.own = true
	return e, nil
}

// For asks a model that is open already; path is where it was opened from. It
// reads the part of the prompt before the text once, and keeps it.
func For(m *generate.Model, path string, textTokens int) (*Explainer, error) {
	q, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	if q == nil {
		q = zeroShot(m)
	}
	if q.Function != intentFunction {
		return nil, fmt.Errorf("%s: its function is %s; want %s", path, q.Function, intentFunction)
	}
	return newExplainer(m, path, q, nil, nil, textTokens)
}

// newExplainer has m asked as q says, with an adapter or nil; words are what
// newQuotes makes of it, if that is there already.
func newExplainer(m *generate.Model, path string, q *Manifest, a *models.Adapter, words *quotes, textTokens int) (*Explainer, error) {
	if textTokens > 0 {
		q.TextTokens = textTokens
	}
	e := &Explainer{Name: q.Name, Labels: q.Labels, model: m, difficulties: q.Difficulties, temperature: q.Temperature,
		text: q.TextTokens, reason: q.ReasonTokens, adapter: a}
	e.encodings.New = func() any { return new(tokenizer.Encoding) }
	if err := e.prepare(q); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if q.Quotes {
		if words == nil {
			words = newQuotes(m)
		}
		e.quotes = words
	}
	if err := m.Pin(context.Background(), e.prefix, a); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// prepare turns the manifest's texts into tokens. A space at the end of a text
// belongs to the token that follows, as in a text that was tokenised whole.
func (e *Explainer) prepare(q *Manifest) error {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&e.text, 512)
	def(&e.reason, 60)
	if e.temperature == 0 {
		e.temperature = 1
	}
	lit, err := q.literals()
	if err != nil {
		return err
	}
	before, after, _ := strings.Cut(q.Prompt, textPlace)
	suffix, space := cutSpace(after + lit[0])
	if e.prefix, err = e.encode(before); err != nil {
		return err
	}
	if start, _ := e.model.Tokenizer.Template(); len(start) > 0 && (len(e.prefix) == 0 || e.prefix[0] != start[0]) {
		e.prefix = append(append([]int32(nil), start...), e.prefix...)
	}
	if len(e.prefix) == 0 {
		return errors.New("prompt: nothing is before the text")
	}
	if e.suffix, err = e.encode(suffix); err != nil {
		return err
	}
	most := 0
	for i, p := range q.places() {
		end, next := cutSpace(lit[i+1]) // each name with the text up to the next place
		var set [][]int32
		for _, name := range p.names {
			ids, err := e.encode(space + name + end)
			if err != nil {
				return err
			}
			set = append(set, ids)
		}
		if p.inserted {
			e.inserted, e.after = set, len(e.choices)-1
		} else {
			e.choices = append(e.choices, set)
		}
		most, space = most+longest(set), next
	}
	e.lead = space
	rest := e.model.Info().MaxTokens - len(e.prefix) - len(e.suffix) - most - e.reason - closing
	if e.text = min(e.text, rest); e.text < 16 {
		return fmt.Errorf("the prompt leaves no room for a text among the model's %d tokens", e.model.Info().MaxTokens)
	}
	return nil
}

// cutSpace parts the spaces that a text ends with from it.
func cutSpace(s string) (text, spaces string) {
	text = strings.TrimRight(s, " ")
	return text, s[len(text):]
}

func longest(of [][]int32) (n int) {
	for _, ids := range of {
		n = max(n, len(ids))
	}
	return n
}

// encode is of a text that is trusted: its markers are tokens.
func (e *Explainer) encode(text string) ([]int32, error) {
	var enc tokenizer.Encoding
	err := e.model.Tokenizer.Encode(&enc, text)
	return enc.IDs, err
}

// Close closes the model, if Open has opened it.
func (e *Explainer) Close() {
	if e.own {
		e.model.Close()
	}
}

// A Request is a text to explain.
type Request struct {
	Text string
	// Limit is how long it may take; 0 means as long as its context lives. What is
	// not known by then is missing in the Result.
	Limit time.Duration
	// Emit, when set, is called on the caller's goroutine when the label, and then
	// the difficulty, is known, with no text, and then with each stretch of the
	// reason. An error ends the request.
	Emit func(soFar *Result, text string) error
}

// A Result says what a text is about.
type Result struct {
	Label         string    // "" when the limit came before it
	Probabilities []float64 // in the order of Explainer.Labels
	Confidence    float64   // the label's probability
	Second        string    // the most probable other label, where the decoder's answers say it
	Difficulty    string    // "" when the limit came before it, and without difficulties
	Difficulties  []float64 // how likely each is, the easiest first
	Written
}

// Written is what a decoder wrote about a text, and how long it took.
type Written struct {
	Reason    string // "" when the limit came before its end
	ReasonCut bool   // the reason reached its longest length
	Late      bool   // the limit came before the end
	Cut       int    // bytes in the middle of the text that were not read

	FirstToken time.Duration // until the reason began; 0 if it did not
	Total      time.Duration
}

// Explain answers. An error is ctx's, or of a text that cannot be read, never
// that the limit was reached.
func (e *Explainer) Explain(ctx context.Context, r *Request) (*Result, error) {
	began := time.Now()
	res := &Result{}
	prompt, cut, err := e.prompt(r.Text)
	if err != nil {
		return nil, err
	}
	res.Cut = cut
	within, cancel := limited(ctx, began, r.Limit)
	defer cancel()
	err = e.answer(within, r, res, prompt, began)
	if tooLate(ctx, within, err) {
		res.Late, res.Reason, err = true, "", nil
	}
	if err != nil {
		return nil, err
	}
	res.Total = time.Since(began)
	return res, nil
}

// Label has the label of a text alone, as Explain has it: neither difficulty nor
// reason, and nothing is written. It takes no longer than limit; 0 means as long
// as ctx lives.
func (e *Explainer) Label(ctx context.Context, text string, limit time.Duration) (*Result, error) {
	began := time.Now()
	prompt, cut, err := e.prompt(text)
	if err != nil {
		return nil, err
	}
	res := &Result{Written: Written{Cut: cut}}
	within, cancel := limited(ctx, began, limit)
	defer cancel()
	p, err := e.model.Score(within, prompt, e.choices[0], e.adapter)
	if err == nil {
		err = within.Err() // the answer may be there, and too late all the same
	}
	switch {
	case err == nil:
		res.label(e, best(p, -1), p)
	case tooLate(ctx, within, err):
		res.Late = true
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		return nil, err
	}
	res.Total = time.Since(began)
	return res, nil
}

// errEnough ends a request whose answer is not wanted.
var errEnough = errors.New("enough")

// Assess has the label and the difficulty of a text as Explain has them, and no
// reason. It takes no longer than limit, what is not known by then is missing; 0
// means as long as ctx lives.
func (e *Explainer) Assess(ctx context.Context, text string, limit time.Duration) (*Result, error) {
	if len(e.difficulties) == 0 {
		return e.Label(ctx, text, limit)
	}
	began := time.Now()
	prompt, cut, err := e.prompt(text)
	if err != nil {
		return nil, err
	}
	res := &Result{Written: Written{Cut: cut}}
	within, cancel := limited(ctx, began, limit)
	defer cancel()
	_, err = e.model.Generate(within, e.question(res, prompt, func() error {
		if res.Difficulty == "" {
			return nil
		}
		return errEnough
	}))
	if tooLate(ctx, within, err) {
		res.Late = true
	} else if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	res.Total = time.Since(began)
	return res, nil
}

// limited is ctx with the end of a limit.
func limited(ctx context.Context, began time.Time, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, began.Add(limit))
}

// tooLate reports whether err is that of the limit, and not of ctx.
func tooLate(ctx, within context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && within.Err() != nil
}

// label notes which of e's labels was chosen.
func (res *Result) label(e *Explainer, chosen int, raw []float64) {
	p := temper(raw, e.temperature)
	res.Label, res.Probabilities, res.Confidence = e.Labels[chosen], p, p[chosen]
	if e.inserted != nil {
		res.Second = e.Labels[best(raw, chosen)]
	}
}

// best is the place of the greatest of p but for p[without]; -1 is of all.
func best(p []float64, without int) int {
	at := -1
	for i := range p {
		if i != without && (at < 0 || p[i] > p[at]) {
			at = i
		}
	}
	return at
}

// question asks for label and difficulty of a text; chosen is called when either
// is in res.
func (e *Explainer) question(res *Result, prompt []int32, chosen func() error) *generate.Request {
	q := &generate.Request{Prompt: prompt, MaxTokens: 1, Choose: e.choices, Adapter: e.adapter}
	if e.inserted != nil {
		q.After = func(set int, c generate.Choice) []int32 {
			if set != e.after {
				return nil
			}
			second := best(c.P, c.Label)
			if form, ok := q.Constraint.(*naming); ok {
				form.name = e.Labels[second]
			}
			return e.inserted[second]
		}
	}
	q.Chosen = func(set int, c generate.Choice) error {
		if set == 0 {
			res.label(e, c.Label, c.P)
		} else {
			res.Difficulty, res.Difficulties = e.difficulties[c.Label], c.P
		}
		return chosen()
	}
	return q
}

// answer has label, difficulty and reason of one request to the model, so that
// nothing is read twice.
func (e *Explainer) answer(ctx context.Context, r *Request, res *Result, prompt []int32, began time.Time) error {
	tell := func(text string) error {
		if r.Emit == nil {
			return nil
		}
		return r.Emit(res, text)
	}
	q := e.question(res, prompt, func() error { return tell("") })
	return e.write(ctx, q, r.Text, &res.Written, began, tell)
}

// write has the model write the reason after what q chooses.
func (e *Explainer) write(ctx context.Context, q *generate.Request, text string, w *Written, began time.Time, tell func(text string) error) error {
	lead := e.lead
	q.MaxTokens, q.Stop = e.reason, []string{"\n"}
	if form := e.quoting(text); form != nil {
		q.Constraint, q.MaxTokens = form, e.reason+closing
	}
	q.Emit = func(text string) error {
		if err := ctx.Err(); err != nil {
			return err // also when the rest is there already
		}
		if w.FirstToken == 0 {
			w.FirstToken = time.Since(began)
		}
		if lead != "" {
			text, lead = strings.TrimPrefix(text, lead), ""
		}
		if text == "" {
			return nil
		}
		w.Reason += text
		return tell(text)
	}
	written, err := e.model.Generate(ctx, q)
	if err != nil {
		return err
	}
	w.Reason = strings.TrimSpace(w.Reason)
	w.ReasonCut = written.Finish == generate.Length
	return nil
}

// closing is how many tokens a form may need at most after the longest reason: within
// so many of the end, generate leads an answer to it within as many bytes.
const closing = 48

// quotes is what quoting wants to know of a vocabulary.
type quotes struct {
	words  *grammar.Vocabulary
	pieces [][]byte
	ends   []int32
	points []uint64
}

func newQuotes(m *generate.Model) *quotes {
	pieces := m.Pieces()
	return &quotes{grammar.NewVocabulary(pieces, m.Ends()...), pieces, m.Ends(), pointed(pieces)}
}

// quoting holds a reason to what the text says: quotes are of the text, two of a
// text of more than eight words. It is nil where nothing can be quoted.
func (e *Explainer) quoting(text string) *naming {
	if e.quotes == nil {
		return nil
	}
	least := 1
	if len(strings.Fields(text)) > 8 {
		least = 2
	}
	g, err := grammar.Quoting(text, least)
	if err != nil {
		return nil
	}
	form := g.Bind(e.quotes.words)
	if form.Err() != nil {
		return nil
	}
	q := e.quotes
	return &naming{Constraint: form.Start(), pieces: q.pieces, ends: q.ends, points: q.points}
}

// temper gives probabilities a temperature: above 1 they differ less.
func temper(p []float64, t float64) []float64 {
	out := make([]float64, len(p))
	sum := 0.0
	for i := range p {
		out[i] = math.Pow(p[i], 1/t)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}
