package upstream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"mom/server/config"
	"mom/server/web"
)

// maxAttempts bounds the requests of one call, whatever is configured.
const maxAttempts = 32

// run is one call under way.
type run struct {
	p     *Pool
	ctx   context.Context
	call  *Call
	start time.Time
	end   time.Time // of the whole call
	tried []Attempt
	sent  int
	last  *Response // the last failure that is an answer
	fail  *failure  // the last one that is not
	name  string    // of the upstream of fail
	after time.Duration

	// The body that was made last, and for what.
	body []byte
	made content
}

// content is what the body of a request depends on.
type content struct {
	model, upstreamModel string
	kind                 config.Kind
}

func (p *Pool) do(ctx context.Context, call *Call) (*Response, error) {
	s := run{p: p, ctx: ctx, call: call, start: time.Now()}
	s.end = s.start.Add(100 * 365 * 24 * time.Hour)
	if call.Timeout > 0 {
		s.end = s.start.Add(call.Timeout)
	}
	if d, ok := ctx.Deadline(); ok {
		s.end = earlier(s.end, d)
	}
	known := false
	for _, m := range call.Models {
		rt := p.routes[m]
		if rt == nil {
			continue
		}
		known = true
		res, err := s.model(m, rt)
		if res != nil || err != nil {
			return res, err
		}
		if ctx.Err() != nil || !time.Now().Before(s.end) || s.sent >= maxAttempts {
			break
		}
	}
	if !known {
		what := "no model was named"
		if len(call.Models) > 0 {
			what = fmt.Sprintf("no upstream serves the model %q", call.Models[0])
		}
		return nil, &Error{web: &web.Error{Status: 404, Code: "model_not_found", Param: "model", Message: what}}
	}
	return s.failed()
}

// failed is the end of a call of which no attempt went well.
func (s *run) failed() (*Response, error) {
	if s.ctx.Err() != nil {
		return nil, context.Cause(s.ctx)
	}
	if s.last != nil {
		s.last.Attempts, s.last.Tried = s.sent, s.tried
		return s.last, nil
	}
	f := s.fail
	message := fmt.Sprintf("upstream %s: %s", s.name, f.why.sentence())
	if s.sent > 1 {
		message += fmt.Sprintf(" (the last of %d attempts)", s.sent)
	}
	return nil, &Error{Tried: s.tried, web: refusal(f.why, message, f.cause, s.after)}
}

// model asks the targets of one model. Without an answer and an error the next
// model may be asked.
func (s *run) model(name string, rt *route) (*Response, error) {
	var few [8]progress
	state := few[:0]
	if len(rt.targets) <= len(few) {
		state = few[:len(rt.targets)]
	} else {
		state = make([]progress, len(rt.targets))
	}
	s.unfit(name, rt, state)
	begun := s.sent
	for s.sent < maxAttempts {
		now := time.Now()
		i := rt.pick(now, state)
		if i < 0 {
			var from time.Time
			if i, from = rt.again(now, state); i < 0 {
				break
			}
			if !s.wait(from.Sub(now)) {
				break
			}
			now = time.Now()
		}
		t := &rt.targets[i]
		pass, ok := t.r.breaker.allow(now)
		if !ok {
			state[i].out = true
			s.skip(name, t, WhyOpen)
			continue
		}
		state[i].tried = true
		res, f, err := s.attempt(name, t, pass, now)
		if res != nil || err != nil {
			return res, err
		}
		if f.why == WhyCanceled {
			return nil, context.Cause(s.ctx)
		}
		s.judge(rt, state, i, f)
	}
	if s.sent == begun {
		s.closed(name, rt, state)
	}
	return nil, nil
}

// unfit rules out the targets whose protocol cannot serve the call.
func (s *run) unfit(model string, rt *route, state []progress) {
	for i := range rt.targets {
		t := &rt.targets[i]
		if s.call.Path(t.r.up.Kind) == "" {
			state[i].out = true
			s.skip(model, t, WhyKind)
		}
	}
}

// closed notes why no target of a model was asked.
func (s *run) closed(model string, rt *route, state []progress) {
	now := time.Now()
	for i := range rt.targets {
		t := &rt.targets[i]
		if state[i].out {
			continue
		}
		_, wait := t.r.ready(now)
		if wait = max(wait, time.Second); s.after == 0 || wait < s.after {
			s.after = wait
		}
		why := WhyOpen
		if t.r.sick.Load() {
			why = WhyUnhealthy
		}
		s.skip(model, t, why)
	}
}

func (s *run) skip(model string, t *target, why Why) {
	s.tried = append(s.tried, Attempt{Model: model, Upstream: t.r.up.Name, Replica: t.r.index, Why: why})
	if s.fail == nil {
		s.fail, s.name = &failure{why: why}, t.r.up.Name
	}
}

// judge decides from a failure whether the target, and the others of its
// upstream, may be asked again, and when.
func (s *run) judge(rt *route, state []progress, i int, f *miss) {
	up := rt.targets[i].r.up
	tries := 0
	for _, a := range s.tried {
		if a.Upstream == up.Name && a.Model == f.model && asked(a.Why) {
			tries++
		}
	}
	// The key is the same at all replicas; a redirect is there to stay.
	if f.why == WhyKey || tries > up.Retries.Max {
		for j := range rt.targets {
			if rt.targets[j].r.up == up {
				state[j].out = true
			}
		}
		return
	}
	if f.final || f.retryAfter > up.Retries.MaxBackoff {
		state[i].out = true
		return
	}
	wait := up.Retries.Backoff << min(tries-1, 20)
	wait = min(wait, up.Retries.MaxBackoff)
	wait = wait/2 + time.Duration(rand.Int64N(int64(wait/2)+1))
	state[i].from = time.Now().Add(max(wait, f.retryAfter))
}

// asked reports whether an attempt with that reason reached for the replica.
func asked(w Why) bool { return w != WhyOpen && w != WhyUnhealthy && w != WhyKind }

// wait sleeps, if there is time for more after it.
func (s *run) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	if time.Until(s.end) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
