package server

import (
	"crypto/rand"
	"time"

	"mom/router"
	"mom/server/web"
)

// A question is what is to be decided.
type question struct {
	request router.Request
	parts   []router.Part
	tasks   web.Task // to do beside those of the recipe
	// conversation is the key of a request that a recipe decides on; else "".
	conversation string
	named        bool // by the client, and not by its beginning alone
	stream       bool // of POST /v1/route: an explanation is wanted as events
}

// decide reads the texts and asks the policy. The decision gets an id, is
// counted, and can be asked for later.
func (s *Server) decide(x *exchange, q *question) (*router.Decision, *router.Signals, error) {
	if !x.p.router.Knows(q.request.Model) || !x.mayAsk(q.request.Model) {
		return nil, nil, noModel()
	}
	tasks := q.tasks
	intent, guard, pii := x.p.router.Tasks(q.request.Model)
	for _, t := range []struct {
		on   bool
		task web.Task
	}{{intent, web.Intent}, {guard, web.Guard}, {pii, web.PII}} {
		if t.on {
			tasks |= t.task
		}
	}
	asked := s.ask(x.life, x.p, x.id, q.request.Model, q.parts)
	if err := s.read(x, q.parts, tasks); err != nil {
		asked.stop()
		return nil, nil, err
	}
	start := time.Now()
	signals := router.Merge(q.parts)
	if q.request.InputTokens == 0 {
		q.request.InputTokens = estimate(q.parts, signals.Tokens)
	}
	merged := time.Since(start)
	d, policy, waited, err := asked.judge(x.life, x.p, q.request, &signals)
	if err == nil {
		var more time.Duration
		d, more, err = s.grade(x.life, x.p, x.id, q.request, q.parts, &signals, d)
		waited += more
	}
	x.stages.Decide, x.stages.Classify = merged+policy, x.stages.Classify+waited
	if err != nil {
		return nil, nil, err
	}
	x.decisionID = "dec_" + rand.Text()
	x.decision, x.asked = &d, q.request.Model
	if x.p.config.Log.Prompts {
		s.logTexts(x, q.parts)
	}
	s.countDecision(x)
	s.store.Announce(x.entry())
	return &d, &signals, nil
}

// estimate is the number of tokens of all texts, of which some may not have
// been read.
func estimate(parts []router.Part, read int) int {
	n := 0
	for i := range parts {
		if parts[i].Reading.Tokens == 0 {
			n += len(parts[i].Text)/4 + 1
		}
	}
	return read + n
}

// logTexts writes what clients send, where the configuration asks for it.
func (s *Server) logTexts(x *exchange, parts []router.Part) {
	for i := range parts {
		s.log.Info("text", "request_id", x.id, "decision", x.decisionID, "part", i, "role", parts[i].Role, "text", parts[i].Text)
	}
}
