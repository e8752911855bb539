package admin

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// unknown is the label of whatever is not in the configuration.
const unknown = "unknown"

// Labels are the label values that the configuration allows.
type Labels struct {
	Models     []string
	Recipes    []string
	Categories []string
	Decoders   []string // that may tell what requests are about
	Upstreams  []string // or replicas: whatever Attempt and Breaker are called with
	Entities   []string // types of personal data
}

// Metrics counts what the server does. Its methods are safe for concurrent use
// and allocate nothing, but for the first use of a combination of labels. A nil
// *Metrics counts nothing.
type Metrics struct {
	registry *registry

	requests  counters
	durations histograms
	inFlight  *gauge
	stages    [stageCount]*histogram

	decisions   counters
	recipes     counters
	findings    counters
	abstained   *counter
	told        counters
	graded      [tellingCount]*counter
	gradedAfter *histogram
	toldAfter   histograms

	tokens   counters
	cost     amounts
	baseline amounts
	saved    *gauge

	cache [cacheCount]*counter

	attempts  counters
	attempted histograms
	retries   counters
	breakers  gauges
	fallbacks counters

	queueWait *histogram
	shed      [shedCount]*counter
	lost      [storeCount]*counter
	panics    *counter
	denied    *counter
	reloads   [2]*counter // failed, applied
	reloaded  *gauge

	vllmsr vllmsr

	configuring sync.Mutex
	names       atomic.Pointer[names]
	sources     atomic.Pointer[Sources]
}

// latencyBuckets begin where a decision is, at microseconds, and end at the
// longest answers. In seconds.
var latencyBuckets = []float64{
	10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3,
	100e-3, 250e-3, 500e-3, 1, 2.5, 5, 10, 30, 60, 120, 300,
}

// NewMetrics returns metrics in a registry of their own, with those of the Go
// runtime and of the process. Version goes into mom_build_info.
func NewMetrics(version string, labels Labels) *Metrics {
	m := &Metrics{registry: newRegistry()}
	r := m.registry

	m.requests = r.counters("mom_requests_total", "Requests answered, by route and class of status; client_gone is a client that left before its answer.", "method", "route", "class")
	m.durations = r.histograms("mom_request_duration_seconds", "Time from a request's first byte to the end of its answer, streams included.", latencyBuckets, "method", "route")
	m.inFlight = r.gauges("mom_requests_in_flight", "Requests being answered now.").with()
	stages := r.histograms("mom_stage_duration_seconds", "Time that a request spent in a stage.", latencyBuckets, "stage")
	for s := range m.stages {
		m.stages[s] = stages.with(Stage(s).String())
	}

	m.decisions = r.counters("mom_decisions_total", "Decisions, by action, chosen model and category.", "action", "model", "category")
	m.recipes = r.counters("mom_recipe_decisions_total", "Decisions, by recipe.", "recipe")
	m.findings = r.counters("mom_security_findings_total", "Attacks and personal data found, by what was done and by type.", "action", "type")
	m.abstained = r.counters("mom_abstained_total", "Decisions whose category was too uncertain to be used.").with()

	m.told = r.counters("mom_decoder_intents_total", "Questions to a decoder what a request is about, by outcome: in_time, late (the encoder's word stood) or failed.", "decoder", "outcome")
	m.toldAfter = r.histograms("mom_decoder_intent_seconds", "Time that a decoder took to say what a request is about, or until it was given up.", latencyBuckets, "decoder")

	graded := r.counters("mom_agent_verdicts_total", "Questions to an agent how hard a request is, by outcome: in_time, late or failed (the request was routed without it).", "outcome")
	for t := range m.graded {
		m.graded[t] = graded.with(Telling(t).String())
	}
	m.gradedAfter = r.histograms("mom_agent_verdict_seconds", "Time that an agent took to say how hard a request is, or until it was given up.", latencyBuckets).with()

	m.tokens = r.counters("mom_tokens_total", "Tokens of prompts (input) and answers (output), by model.", "model", "direction")
	m.cost = r.amounts("mom_cost_dollars_total", "Cost of answers by the configured prices, by model.", "model")
	m.baseline = r.amounts("mom_cost_baseline_dollars_total", "What the same answers would have cost from the best candidate, by the model that was chosen instead.", "model")
	m.saved = r.gauges("mom_cost_saved_dollars", "Baseline less cost since the start. It falls when a client names a dearer model.").with()

	results := r.counters("mom_cache_requests_total", "Look-ups in the cache of answers, by result.", "result")
	for c := range m.cache {
		m.cache[c] = results.with(CacheResult(c).String())
	}

	m.attempts = r.counters("mom_upstream_attempts_total", "Requests sent to an upstream, by outcome.", "upstream", "outcome")
	m.attempted = r.histograms("mom_upstream_first_byte_seconds", "Time until an upstream's first byte, or until the attempt failed.", latencyBuckets, "upstream")
	m.retries = r.counters("mom_upstream_retries_total", "Attempts after the first one at the same upstream.", "upstream")
	m.breakers = r.gauges("mom_upstream_breaker_state", "Circuit breaker of an upstream: 0 closed, 1 half open, 2 open.", "upstream")
	m.fallbacks = r.counters("mom_model_fallbacks_total", "Requests that another model answered because this one failed.", "model")

	m.queueWait = r.histograms("mom_queue_wait_seconds", "Time that a request waited for the classifiers.", latencyBuckets).with()
	shed := r.counters("mom_shed_requests_total", "Requests refused to protect the server, by what was exhausted.", "reason")
	for s := range m.shed {
		m.shed[s] = shed.with(ShedReason(s).String())
	}
	lost := r.counters("mom_state_lost_total", "Entries that could not be kept; their requests went on.", "store")
	for s := range m.lost {
		m.lost[s] = lost.with(Store(s).String())
	}
	m.panics = r.counters("mom_panics_total", "Handlers that panicked; their requests were answered 500.").with()
	m.denied = r.counters("mom_auth_failures_total", "Requests without a valid key.").with()
	reloads := r.counters("mom_config_reloads_total", "Reloads of the configuration, by result.", "result")
	m.reloads = [2]*counter{reloads.with("failed"), reloads.with("applied")}
	m.reloaded = r.gauges("mom_config_applied_timestamp_seconds", "When the configuration in use was applied, in Unix time.").with()
	m.reloaded.Set(now())
	r.gauges("mom_build_info", "Always 1; its labels say what is running.", "version", "go").with(version, runtime.Version()).Set(1)

	m.vllmsr.register(r)
	r.sample(&m.sources)
	m.Configure(labels)
	return m
}

// Write writes the metrics in the text format of Prometheus.
func (m *Metrics) Write(w io.Writer) error { return m.registry.write(w) }

func now() float64 { return float64(time.Now().UnixMilli()) / 1e3 }
