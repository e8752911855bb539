package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"mom/engine/api"
	"mom/engine/explain"
	"mom/engine/generate"
	"mom/router"
	"mom/server/config"
	"mom/server/web"
)

// inside are the decoders of a server: they answer over connections that never
// leave the process, and one of them explains.
type inside struct {
	models []*generate.Model
	http   *http.Server
	calls  *pipes
	limit  time.Duration
	// tellers are the decoders by their names, asked what texts are about.
	tellers map[string]func() (*explain.Explainer, error)
	// explainer is opened with the first request where the configuration names none.
	explainer func() (*explain.Explainer, error)
	opened    *explain.Explainer
	agents    *explain.Agents // nil where the configuration has none
}

// usualLimit is how long an explanation may take when the configuration does not
// say.
const usualLimit = 500 * time.Millisecond

// openInside opens the decoders of c.
func openInside(c *config.Config, log *slog.Logger) (*inside, error) {
	d := &inside{calls: &pipes{next: make(chan net.Conn), closed: make(chan struct{})}, limit: usualLimit,
		tellers: map[string]func() (*explain.Explainer, error){}}
	d.explainer = sync.OnceValues(d.find)
	byName := map[string]*generate.Model{}
	for _, q := range c.Decoders {
		q.Path = decoderPath(q.Path)
		m, err := generate.Open(q.Path, generate.Options{Precision: string(q.Precision), Threads: q.Threads, KVBytes: int(q.KVBytes)})
		if err != nil {
			d.Close()
			return nil, err
		}
		d.models = append(d.models, m)
		byName[q.Name] = m
		d.tellers[q.Name] = sync.OnceValues(func() (*explain.Explainer, error) { return explain.For(m, q.Path, 0) })
		if !q.Explain {
			continue
		}
		d.limit, d.explainer = q.TimeLimit, d.tellers[q.Name]
		if _, err := d.explainer(); err != nil {
			d.Close()
			return nil, err
		}
	}
	if c.Agents.Path != "" {
		var err error
		if d.agents, err = openAgents(c); err != nil {
			d.Close()
			return nil, err
		}
	}
	d.http = &http.Server{Handler: api.New(byName), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError)}
	go d.http.Serve(d.calls)
	return d, nil
}

// openAgents opens the agents of c: one for each field.
func openAgents(c *config.Config) (*explain.Agents, error) {
	q := c.Agents
	all, err := explain.OpenAgents(q.Path, explain.Options{Options: generate.Options{Threads: q.Threads, KVBytes: int(q.KVBytes)}})
	if err != nil {
		return nil, fmt.Errorf("agents: %w", err)
	}
	for _, category := range router.Categories() {
		if field := explain.FieldOf(category); all.For(field) == nil {
			all.Close()
			return nil, fmt.Errorf("agents: %s: no agent of the field %s, which %s is of", q.Path, field, category)
		}
	}
	return all, nil
}

// Agents says why no agent can be asked; nil when they can.
func (d *inside) Agents() error {
	if d.agents == nil {
		return errors.New("there were no agents when the server was started; it needs a restart")
	}
	return nil
}

// Difficulty asks an agent.
func (d *inside) Difficulty(ctx context.Context, category, text string, limit time.Duration) (*router.Difficulty, error) {
	if err := d.Agents(); err != nil {
		return nil, err
	}
	a := d.agents.For(explain.FieldOf(category))
	v, err := a.Grade(ctx, text, limit)
	if err != nil {
		return nil, decoderRefusal(err)
	}
	if v.Difficulties == nil {
		return nil, nil
	}
	return difficulty(a, v), nil
}

// difficulty is what an agent found, for the policy.
func difficulty(a *explain.Agent, v *explain.Verdict) *router.Difficulty {
	y := &router.Difficulty{Agent: a.Name, Names: a.Difficulties, P: v.Difficulties, Shift: a.Shift}
	if v.Tools != a.Tools[0] {
		y.Tools = v.Tools
	}
	return y
}

// find opens the decoder that lies where decoders are looked for.
func (d *inside) find() (*explain.Explainer, error) {
	path, err := findDecoder("")
	if err != nil {
		return nil, err
	}
	e, err := explain.Open(path, explain.Options{})
	d.opened = e
	return e, err
}

// Close ends the decoders. No request may be under way.
func (d *inside) Close() {
	if d.http != nil {
		d.http.Close()
	}
	for _, m := range d.models {
		m.Close()
	}
	if d.opened != nil {
		d.opened.Close()
	}
	if d.agents != nil {
		d.agents.Close()
	}
}

func (d *inside) Dial(ctx context.Context) (net.Conn, error) { return d.calls.dial(ctx) }

// Explains opens the explainer, if it is not open.
func (d *inside) Explains() error {
	_, err := d.explainer()
	if err != nil {
		return &web.Error{Status: 501, Code: "no_decoder", Param: "explain", Cause: err,
			Message: "this server has no decoder to explain with: a decoder with explain: true in the configuration is one, or the folder " + anExplainer + " in weights or models next to the program"}
	}
	return nil
}

// Explain asks the explainer.
func (d *inside) Explain(ctx context.Context, text string, emit func(text string) error) (*web.Explanation, time.Duration, error) {
	if err := d.Explains(); err != nil {
		return nil, 0, err
	}
	e, err := d.explainer()
	if err != nil {
		return nil, 0, err
	}
	q := &explain.Request{Text: text, Limit: d.limit}
	if emit != nil {
		q.Emit = func(_ *explain.Result, text string) error {
			if text == "" {
				return nil // the category or the difficulty is known
			}
			return emit(text)
		}
	}
	r, err := e.Explain(ctx, q)
	if err != nil {
		return nil, 0, decoderRefusal(err)
	}
	return explanation(r, 0), d.limit, nil
}

// teller is a decoder that is asked what texts are about.
func (d *inside) teller(name string) (*explain.Explainer, error) {
	open := d.tellers[name]
	if open == nil {
		return nil, fmt.Errorf("there was no decoder %s when the server was started; it needs a restart", name)
	}
	return open()
}

// Prepare reads what a decoder's questions begin with.
func (d *inside) Prepare(decoder string) ([]string, error) {
	e, err := d.teller(decoder)
	if err != nil {
		return nil, err
	}
	return e.Labels, nil
}

// Intent asks a decoder what a text is about.
func (d *inside) Intent(ctx context.Context, decoder, text string, limit time.Duration) (*router.Told, error) {
	e, err := d.teller(decoder)
	if err != nil {
		return nil, err
	}
	t, err := tell(ctx, e, decoder, text, limit)
	if err != nil {
		return nil, decoderRefusal(err)
	}
	return t, nil
}

// tell has a decoder say what a text is about within a limit.
func tell(ctx context.Context, e *explain.Explainer, name, text string, limit time.Duration) (*router.Told, error) {
	r, err := e.Label(ctx, text, limit)
	if err != nil {
		return nil, err
	}
	// On a busy machine the answer can be there before the limit's alarm is heard.
	t := &router.Told{Decoder: name, Took: r.Total, Limit: limit, Late: r.Late || limit > 0 && r.Total > limit}
	if t.Late {
		return t, nil
	}
	for i, p := range r.Probabilities {
		t.Intent = append(t.Intent, router.Category{Name: e.Labels[i], P: p})
	}
	byProbability(t.Intent)
	return t, nil
}

// explanation is what the decoder said, before the decision is joined. before is
// how long other work took that counts too.
func explanation(r *explain.Result, before time.Duration) *web.Explanation {
	e := &web.Explanation{
		Category: r.Label, Difficulty: r.Difficulty, Confidence: r.Confidence, RunnerUp: r.Second, Reason: r.Reason,
		MS: milliseconds(before + r.Total), Late: r.Late, Cut: r.Cut, ReasonCut: r.ReasonCut,
	}
	if r.FirstToken > 0 {
		e.FirstTokenMS = milliseconds(before + r.FirstToken)
	}
	return e
}

// decoderRefusal gives a fault of the text, or too many requests, its status.
func decoderRefusal(err error) error {
	var q *generate.RequestError
	switch {
	case errors.As(err, &q):
		return &web.Error{Status: 400, Code: "tokenizer", Message: "the decoder cannot read the text", Cause: err}
	case errors.Is(err, generate.ErrBusy):
		return &web.Error{Status: 429, Type: "rate_limit_error", Code: "overloaded", RetryAfter: time.Second,
			Message: "the decoder has as many requests as may wait; try again later"}
	}
	return err
}

// pipes is a listener for connections of this process.
type pipes struct {
	next   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.next <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.next:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return inProcess{} }

// inProcess is where pipes are.
type inProcess struct{}

func (inProcess) Network() string { return "pipe" }
func (inProcess) String() string  { return "decoders" }
