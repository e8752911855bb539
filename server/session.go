package server

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"mom/router"
	"mom/server/protocol"
)

// pinTime is how long a conversation that is silent is remembered; upstreams
// forget their caches much earlier.
const pinTime = time.Hour

// conversation is the key of the conversation that a request belongs to: what
// the client calls it, else its beginning, which every request of it repeats.
// Only a hash of either leaves this function.
func conversation(x *exchange, r *protocol.Request) string {
	h := sha256.New()
	add := func(s string) {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	add(x.tenant())
	add(r.Model)
	if r.Options.Session != "" {
		add("session")
		add(r.Options.Session)
		return hex.EncodeToString(h.Sum(nil)[:16])
	}
	add("texts")
	for _, t := range r.Texts {
		add(t.Role)
		add(t.Text)
		if t.Role == "user" {
			break
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// pinned tells the policy which model served the conversation so far, and how
// many tokens it has probably cached.
func (s *Server) pinned(x *exchange, r *protocol.Request, q *question) {
	if !x.p.recipes[q.request.Model] || len(r.Texts) == 0 {
		return // a client that names a model has decided itself
	}
	q.conversation = conversation(x, r)
	last := -1 // the answer before the last question
	for i, t := range r.Texts {
		if t.Role == "assistant" {
			last = i
		}
	}
	if last < 0 && r.Options.Session == "" {
		return // it begins with this request
	}
	if model, ok := s.shared.Pin(x.life, q.conversation); ok {
		q.request.Pinned = model
		for _, t := range r.Texts[:last+1] {
			q.request.CachedTokens += len(t.Text) / 4
		}
	}
}

// pin remembers who served a conversation.
func (s *Server) pin(q *question, x *exchange, model string) {
	if q.conversation != "" && model != "" && x.decision.Action == router.Route {
		s.shared.SetPin(x.life, q.conversation, model, pinTime)
	}
}
