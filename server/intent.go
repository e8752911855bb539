package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"mom/router"
	"mom/server/admin"
	"mom/server/web"
)

// inquiry is a decoder at work on what a request is about, beside the encoder.
type inquiry struct {
	s      *Server
	id     string // of the request; "" outside of one
	cancel context.CancelFunc
	done   chan struct{}
	told   *router.Told
	err    error
}

// ask has the decoder asked that the policy wants to hear for a request, if it
// wants one; else it returns nil. stop or wait must follow.
func (s *Server) ask(ctx context.Context, p *plane, id, model string, parts []router.Part) *inquiry {
	want := p.router.Intent(model)
	text := fieldText(parts)
	if want.Decoder == "" || strings.TrimSpace(text) == "" {
		return nil
	}
	a := &inquiry{s: s, id: id, done: make(chan struct{})}
	ctx, a.cancel = context.WithCancel(ctx)
	go func() {
		defer close(a.done)
		began := time.Now()
		defer func() {
			if r := recover(); r != nil {
				a.err = fmt.Errorf("panic in a decoder: %T", r)
			}
			if a.err != nil {
				a.told = &router.Told{Decoder: want.Decoder, Took: time.Since(began), Limit: want.TimeLimit}
			}
		}()
		a.told, a.err = s.decoders.Intent(ctx, want.Decoder, text, want.TimeLimit)
	}()
	return a
}

// stop ends a question whose answer nobody needs.
func (a *inquiry) stop() {
	if a != nil {
		a.cancel()
		<-a.done
	}
}

// wait returns what the decoder said, or that it was late or could not answer.
// An error is the end of ctx, which is that of ask.
func (a *inquiry) wait(ctx context.Context) (*router.Told, error) {
	<-a.done
	a.cancel()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t, outcome := a.told, admin.InTime
	switch {
	case a.err != nil:
		outcome = admin.CouldNot
		a.s.log.Warn("a decoder could not say what a request is about; the encoder's word stands", "request_id", a.id, "decoder", t.Decoder, "reason", reasonOf(a.err))
	case t.Late:
		outcome = admin.Late
	}
	a.s.metrics.Told(t.Decoder, outcome, t.Took)
	return t, nil
}

// judge decides by signals, and by what a decoder says that was asked: its answer
// is waited for, unless the request is blocked anyway. It returns how long the
// policy and the wait took.
func (a *inquiry) judge(ctx context.Context, p *plane, q router.Request, signals *router.Signals) (d router.Decision, policy, waited time.Duration, err error) {
	start := time.Now()
	d = p.router.Decide(q, *signals)
	policy = time.Since(start)
	if a == nil {
		return d, policy, 0, nil
	}
	if d.Action == router.Block {
		a.stop()
		return d, policy, 0, nil
	}
	start = time.Now()
	signals.Told, err = a.wait(ctx)
	waited = time.Since(start)
	if err != nil {
		return d, policy, waited, err
	}
	start = time.Now()
	d = p.router.Decide(q, *signals)
	return d, policy + time.Since(start), waited, nil
}

// grade decides again by how hard the agent of the request's field finds it, where
// the policy wants to know; d is the decision without it, which stands when there is
// no agent, or it was late or could not answer. It returns how long it took.
func (s *Server) grade(ctx context.Context, p *plane, id string, q router.Request, parts []router.Part, signals *router.Signals, d router.Decision) (router.Decision, time.Duration, error) {
	text := fieldText(parts)
	if s.decoders == nil || !d.Gradable() || !p.router.Agents(q.Model) || strings.TrimSpace(text) == "" {
		return d, 0, nil
	}
	start := time.Now()
	y, err := s.askAgent(ctx, d.Category, text, p.config.Agents.TimeLimit)
	took := time.Since(start)
	outcome := admin.InTime
	switch {
	case ctx.Err() != nil:
		return d, took, ctx.Err()
	case err != nil:
		outcome = admin.CouldNot
		s.log.Warn("an agent could not say how hard a request is; it is routed without", "request_id", id, "category", d.Category, "reason", reasonOf(err))
	case y == nil:
		outcome = admin.Late
	}
	s.metrics.Graded(outcome, took)
	if y == nil {
		return d, took, nil
	}
	signals.Difficulty = y
	return p.router.Decide(q, *signals), took, nil
}

// reasonOf is why a decoder failed, for the log. A refusal's message holds nothing of
// the text.
func reasonOf(err error) string {
	e := web.AsError(err)
	if e.Status >= 500 && e.Cause != nil {
		return e.Cause.Error()
	}
	return e.Message
}

// askAgent keeps a panic in an agent from the request.
func (s *Server) askAgent(ctx context.Context, category, text string, limit time.Duration) (y *router.Difficulty, err error) {
	defer func() {
		if r := recover(); r != nil {
			y, err = nil, fmt.Errorf("panic in an agent: %T", r)
		}
	}()
	return s.decoders.Difficulty(ctx, category, text, limit)
}

// fieldText is the text that the field of a request is of: the last one of the
// user, else the last of all, as router.Merge has it.
func fieldText(parts []router.Part) string {
	text, user := "", false
	for _, p := range parts {
		if strings.TrimSpace(p.Text) != "" && (p.Role == "user" || !user) {
			text, user = p.Text, user || p.Role == "user"
		}
	}
	return text
}

// prepare makes the decoders and agents ready that a policy asks, and returns the
// categories that the decoders choose from.
func (s *Server) prepare(r *router.Router) ([]string, error) {
	var labels, seen []string
	for _, name := range r.Recipes() {
		if r.Agents(name) {
			if s.decoders == nil {
				return nil, fmt.Errorf("recipe %s asks agents how hard requests are, and there are none", name)
			}
			if err := s.decoders.Agents(); err != nil {
				return nil, fmt.Errorf("recipe %s asks agents how hard requests are: %w", name, err)
			}
		}
		decoder := r.Intent(name).Decoder
		if decoder == "" || slices.Contains(seen, decoder) {
			continue
		}
		seen = append(seen, decoder)
		if s.decoders == nil {
			return nil, fmt.Errorf("recipe %s asks the decoder %s what requests are about, and there are no decoders", name, decoder)
		}
		of, err := s.decoders.Prepare(decoder)
		if err != nil {
			return nil, fmt.Errorf("recipe %s asks the decoder %s what requests are about: %w", name, decoder, err)
		}
		labels = append(labels, of...)
	}
	return labels, nil
}
