package server

import (
	"errors"
	"slices"
	"time"

	"mom/router"
	"mom/server/admin"
	"mom/server/upstream"
	"mom/server/web"
)

// Metrics are for the admin listener.
func (s *Server) Metrics() *admin.Metrics { return s.metrics }

// AuthOn reports whether clients need a key.
func (s *Server) AuthOn() bool { return s.plane.Load().keys.on }

func (s *Server) startMetrics(p *plane) {
	s.metrics = admin.NewMetrics(s.version, s.labels(p))
	s.counted = map[*web.Route]*admin.RouteMetrics{}
	for i := range s.table.list {
		r := &s.table.list[i]
		s.counted[r] = s.metrics.Route(r.Method, r.Path)
	}
	s.other = s.metrics.Route("", "unmatched")
	s.gate.metrics = s.metrics
	sources := admin.Sources{
		QueueDepth:  func() int { return int(s.gate.waiting.Load()) },
		Connections: func() int { return int(s.http.GetOpenConnectionsCount()) },
		MemoHits:    s.classifier.hits.Load,
		MemoMisses:  s.classifier.misses.Load,
		Ready:       func() bool { return s.Ready() == nil },
		StateLost:   func() uint64 { return uint64(s.store.Stats().Lost) },
		StateBytes:  func() int64 { return s.store.Stats().Bytes },
	}
	if s.cache != nil {
		sources.CacheBytes = func() int64 { return s.cache.Stats().Bytes }
		sources.CacheItems = func() int { return int(s.cache.Stats().Entries) }
	}
	s.metrics.Sample(sources)
}

// labels are the names that may appear in metrics.
func (s *Server) labels(p *plane) admin.Labels {
	var l admin.Labels
	for _, m := range p.config.Models {
		l.Models = append(l.Models, m.Name)
	}
	for _, u := range p.config.Upstreams {
		l.Upstreams = append(l.Upstreams, u.Name)
	}
	for _, d := range p.config.Decoders {
		l.Decoders = append(l.Decoders, d.Name)
	}
	l.Recipes = p.router.Recipes()
	for _, m := range s.classifier.Models() {
		switch m.Task {
		case "intent":
			l.Categories = m.Labels
		case "pii":
			l.Entities = m.Labels
		}
	}
	l.Categories = append(slices.Clone(l.Categories), p.labels...)
	return l
}

// observe counts a request that has ended.
func (s *Server) observe(x *exchange, took time.Duration) {
	if x.counted {
		s.metrics.Ended()
	}
	status := x.status
	if x.err != nil {
		status = x.err.Status // of a stream that broke, too
	}
	if r := s.counted[x.route]; r != nil {
		r.Done(status, took)
	} else {
		s.other.Done(status, took)
	}
	if x.decision == nil {
		return
	}
	x.stages.Total = took
	s.store.Record(x.entry())
	s.metrics.Stage(admin.Parse, x.stages.Parse)
	s.metrics.Stage(admin.Decide, x.stages.Decide)
	s.metrics.Stage(admin.Classify, x.stages.Classify)
	s.metrics.Stage(admin.Total, took)
	if x.stages.Upstream > 0 {
		s.metrics.Stage(admin.FirstByte, x.stages.FirstByte)
		s.metrics.Stage(admin.Upstream, x.stages.Upstream)
		s.metrics.Stage(admin.Overhead, max(took-x.stages.Upstream, 0))
	}
}

// countDecision counts what was decided, and what security found.
func (s *Server) countDecision(x *exchange) {
	d := x.decision
	s.metrics.Decided(x.asked, d, time.Since(x.start), x.stages.Decide)
	done := admin.Flagged
	if d.Action == router.Block {
		done = admin.Blocked
	}
	masked := map[string]bool{}
	for _, m := range d.Mask {
		if !masked[m.Type] {
			masked[m.Type] = true
			s.metrics.Security(admin.Masked, m.Type, d.Model)
		}
	}
	for _, f := range d.Flags {
		kind := f
		if len(f) > 4 && f[:4] == "pii:" {
			kind = f[4:]
		}
		if !masked[kind] {
			s.metrics.Security(done, kind, d.Model)
		}
	}
}

// countAttempts counts what was tried before an answer came.
func (s *Server) countAttempts(x *exchange, tried []upstream.Attempt) {
	last := x.decision.Model
	for i, a := range tried {
		s.metrics.Breaker(a.Upstream, x.breaker(a.Upstream))
		s.metrics.Attempt(a.Upstream, outcome(a), time.Duration(a.Milliseconds*float64(time.Millisecond)))
		if i > 0 && a.Upstream == tried[i-1].Upstream && a.Model == tried[i-1].Model {
			s.metrics.Retried(a.Upstream)
		}
		if a.Model != last {
			s.metrics.FellBack(last)
			last = a.Model
		}
	}
}

func (x *exchange) breaker(upstream string) admin.BreakerState {
	switch open, half := x.p.upstreams.Breaker(upstream); {
	case open:
		return admin.BreakerIsOpen
	case half:
		return admin.BreakerHalfOpen
	}
	return admin.BreakerClosed
}

func outcome(a upstream.Attempt) admin.Outcome {
	switch a.Why {
	case "":
		if a.Status >= 400 {
			return admin.ClientError
		}
		return admin.Answered
	case upstream.WhyOpen, upstream.WhyUnhealthy, upstream.WhyKind:
		return admin.BreakerOpen
	case upstream.WhyConnect, upstream.WhyFirstByte, upstream.WhyTotal, upstream.WhyIdle:
		return admin.TimedOut
	case upstream.WhyCut, upstream.WhyReset, upstream.WhyMalformed:
		return admin.Cut
	case upstream.WhyCanceled:
		return admin.Canceled
	case upstream.WhyStatus, upstream.WhyKey:
		switch {
		case a.Status == 429:
			return admin.RateLimited
		case a.Status < 500:
			return admin.ClientError
		}
		return admin.ServerError
	}
	return admin.ConnectFailed
}

// countFailure counts a request that no upstream answered.
func (s *Server) countFailure(x *exchange, err error) {
	var failed *upstream.Error
	if errors.As(err, &failed) {
		s.countAttempts(x, failed.Tried)
	}
	reason := admin.ErrorInternal
	switch e := web.AsError(x.reason(err)); {
	case e.Status == web.StatusGone:
		reason = admin.ErrorCanceled
	case e.Status == 504:
		reason = admin.ErrorTimeout
	case e.Status >= 500:
		reason = admin.ErrorUpstream5xx
	case e.Status >= 400:
		reason = admin.ErrorUpstream4xx
	}
	s.metrics.Failed(x.decision.Model, reason)
}
