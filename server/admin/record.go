package admin

import (
	"time"

	"mom/router"
)

// A RouteMetrics counts the requests of one line of the route table.
type RouteMetrics struct {
	classes  [6]*counter
	duration *histogram
	outcomes [len(outcomeNames)]*counter
	took     [len(outcomeNames)]*histogram
}

// Route returns the metrics of a route. The server calls it once for each line
// of its route table, and with "" and "unmatched" for all requests that no line
// matches: method and path become labels and must not come from a request.
func (m *Metrics) Route(method, path string) *RouteMetrics {
	if m == nil {
		return nil
	}
	r := &RouteMetrics{duration: m.durations.with(method, path)}
	for i, class := range []string{"client_gone", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		r.classes[i] = m.requests.with(method, path, class)
	}
	kind := traffic(path)
	for i, outcome := range outcomeNames {
		r.outcomes[i] = m.vllmsr.outcomes.with(kind, outcome)
		r.took[i] = m.vllmsr.durations.with(kind, outcome)
	}
	return r
}

// Done counts a request that was answered with status after d. A client that
// left is status 499.
func (r *RouteMetrics) Done(status int, d time.Duration) {
	if r == nil {
		return
	}
	class := status / 100
	switch {
	case status == 499:
		class = 0
	case class < 1 || class > 5:
		class = 5
	}
	r.classes[class].Inc()
	r.duration.Update(d.Seconds())
	i := outcomeOf(status)
	r.outcomes[i].Inc()
	r.took[i].Update(d.Seconds())
}

// Began counts a request as being answered until Ended.
func (m *Metrics) Began() {
	if m != nil {
		m.inFlight.Inc()
	}
}

// Ended is the end of what Began began.
func (m *Metrics) Ended() {
	if m != nil {
		m.inFlight.Dec()
	}
}

// Stage counts that a request spent d in s.
func (m *Metrics) Stage(s Stage, d time.Duration) {
	if m != nil {
		m.stages[s].Update(d.Seconds())
	}
}

// Decided counts a decision on a request for the model, recipe or auto that it
// named in asked. Routing is the time since the request's body was read,
// classifiers included; decide that of the policy alone.
func (m *Metrics) Decided(asked string, d *router.Decision, routing, decide time.Duration) {
	if m == nil {
		return
	}
	n := m.names.Load()
	x, action := n.model(d.Model), 0
	if d.Action == router.Block {
		x, action = n.blocked, 1
	}
	cat := n.categories[d.Category] // 0 is unknown
	if c := x.decisions[action][cat].p.Load(); c != nil {
		c.Inc()
	} else {
		x.decisions[action][cat].keep(m.decisions.with([2]string{"route", "block"}[action], x.name, n.category[cat])).Inc()
	}
	r := n.recipe(d.Recipe)
	r.decisions.Inc()
	if d.Abstained {
		m.abstained.Inc()
	}
	r.matches.Inc()
	m.decidedVLLMSR(n, x, asked, d, routing, decide)
}

// Told counts what became of the question to a decoder what a request is about,
// and how long that took.
func (m *Metrics) Told(decoder string, t Telling, d time.Duration) {
	if m == nil {
		return
	}
	x := m.names.Load().decoder(decoder)
	x.told[t].Inc()
	x.after.Update(d.Seconds())
}

// Graded counts what became of the question to an agent how hard a request is, and
// how long that took.
func (m *Metrics) Graded(t Telling, d time.Duration) {
	if m == nil {
		return
	}
	m.graded[t].Inc()
	m.gradedAfter.Update(d.Seconds())
}

// Security counts one finding of a type, Jailbreak or a type of personal data,
// in a request for model and what was done about it.
func (m *Metrics) Security(f Found, kind, model string) {
	if m == nil {
		return
	}
	n := m.names.Load()
	x := n.finding(kind)
	x.actions[f].Inc()
	if f == Blocked && kind != Jailbreak {
		m.vllmsr.pii.with(n.model(model).name, x.entity).Inc()
	}
}

// Used counts the tokens of an answer of model and its cost in US dollars;
// baseline is what it would have cost from the best candidate.
func (m *Metrics) Used(model string, input, output int, cost, baseline float64) {
	if m == nil {
		return
	}
	x := m.names.Load().model(model)
	in, out := max(input, 0), max(output, 0)
	cost, baseline = max(cost, 0), max(baseline, 0)
	x.input.Add(in)
	x.output.Add(out)
	x.cost.Add(cost)
	x.baseline.Add(baseline)
	m.saved.Add(baseline - cost)
	v := &x.vllmsr
	v.tokens.Add(in + out)
	v.prompt.Add(in)
	v.completion.Add(out)
	v.promptSize.Update(float64(in))
	v.answerSize.Update(float64(out))
	v.cost.Add(cost)
}

// Answering counts a request that model is answering: +1 when it is sent, -1
// when its answer ended.
func (m *Metrics) Answering(model string, delta int) {
	if m != nil {
		m.names.Load().model(model).vllmsr.inFlight.Add(float64(delta))
	}
}

// Completed counts a whole answer of model: the time until its first byte and
// its last, and its tokens, 0 when unknown.
func (m *Metrics) Completed(model string, firstByte, total time.Duration, tokens int) {
	if m == nil {
		return
	}
	v := &m.names.Load().model(model).vllmsr
	v.latency.Update(total.Seconds())
	v.firstToken.Update(firstByte.Seconds())
	if tokens > 0 {
		v.perToken.Update(total.Seconds() / float64(tokens))
	}
}

// Failed counts a request for model that was not answered.
func (m *Metrics) Failed(model string, reason ErrorReason) {
	if m == nil {
		return
	}
	x := m.names.Load().model(model)
	if c := x.vllmsr.errors[reason].p.Load(); c != nil {
		c.Inc()
		return
	}
	x.vllmsr.errors[reason].keep(m.vllmsr.errors.with(x.name, reason.String())).Inc()
}

// Cached counts a look-up in the cache of answers.
func (m *Metrics) Cached(r CacheResult) {
	if m == nil {
		return
	}
	m.cache[r].Inc()
	switch r {
	case CacheExact, CacheSemantic:
		m.vllmsr.cacheHits.Inc()
	case CacheMiss:
		m.vllmsr.cacheMisses.Inc()
	}
}

// Attempt counts a request sent to an upstream and the time until its first
// byte, or until it failed. An attempt that was not made because the breaker is
// open has no time.
func (m *Metrics) Attempt(upstream string, o Outcome, d time.Duration) {
	if m == nil {
		return
	}
	x := m.names.Load().upstream(upstream)
	x.attempts[o].Inc()
	if o != BreakerOpen {
		x.firstByte.Update(d.Seconds())
	}
}

// Retried counts an attempt after the first one at an upstream.
func (m *Metrics) Retried(upstream string) {
	if m != nil {
		m.names.Load().upstream(upstream).retries.Inc()
	}
}

// FellBack counts a request that another model answered because model failed.
func (m *Metrics) FellBack(model string) {
	if m != nil {
		m.names.Load().model(model).fallback.Inc()
	}
}

// Breaker says in which state the circuit breaker of an upstream is now.
func (m *Metrics) Breaker(upstream string, s BreakerState) {
	if m != nil {
		m.names.Load().upstream(upstream).breaker.Set(float64(s))
	}
}

// Waited counts the time that a request waited for the classifiers.
func (m *Metrics) Waited(d time.Duration) {
	if m != nil {
		m.queueWait.Update(d.Seconds())
	}
}

// Shed counts a request that was refused to protect the server.
func (m *Metrics) Shed(r ShedReason) {
	if m != nil {
		m.shed[r].Inc()
	}
}

// Lost counts n entries that a store could not keep.
func (m *Metrics) Lost(s Store, n int) {
	if m != nil && n > 0 {
		m.lost[s].Add(n)
	}
}

// Panicked counts a handler that panicked.
func (m *Metrics) Panicked() {
	if m != nil {
		m.panics.Inc()
	}
}

// Denied counts a request without a valid key.
func (m *Metrics) Denied() {
	if m != nil {
		m.denied.Inc()
	}
}

// Reloaded counts a reload of the configuration.
func (m *Metrics) Reloaded(applied bool) {
	switch {
	case m == nil:
	case applied:
		m.reloads[1].Inc()
		m.reloaded.Set(now())
	default:
		m.reloads[0].Inc()
	}
}
