package admin

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// unknown is the label of whatever is not in the configuration.
const unknown = "unknown"

// Labels are the label values that the configuration allows.
type Labels struct {
	Models     []string
	Recipes    []string
	Categories []string
	Upstreams  []string // or replicas: whatever Attempt and Breaker are called with
	Entities   []string // types of personal data
}

// Metrics counts what the server does. Its methods are safe for concurrent use
// and allocate nothing, but for the first use of a combination of labels. A nil
// *Metrics counts nothing.
type Metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	stages    [stageCount]prometheus.Observer

	decisions *prometheus.CounterVec
	recipes   *prometheus.CounterVec
	findings  *prometheus.CounterVec
	abstained prometheus.Counter

	tokens   *prometheus.CounterVec
	cost     *prometheus.CounterVec
	baseline *prometheus.CounterVec
	saved    prometheus.Gauge

	cache [cacheCount]prometheus.Counter

	attempts  *prometheus.CounterVec
	attempted *prometheus.HistogramVec
	retries   *prometheus.CounterVec
	breakers  *prometheus.GaugeVec
	fallbacks *prometheus.CounterVec

	queueWait prometheus.Observer
	shed      [shedCount]prometheus.Counter
	lost      [storeCount]prometheus.Counter
	panics    prometheus.Counter
	denied    prometheus.Counter
	reloads   [2]prometheus.Counter // failed, applied
	reloaded  prometheus.Gauge

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
	m := &Metrics{registry: prometheus.NewRegistry()}
	r := m.registry
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	m.requests = counters(r, "mom_requests_total", "Requests answered, by route and class of status; client_gone is a client that left before its answer.", "method", "route", "class")
	m.durations = histograms(r, "mom_request_duration_seconds", "Time from a request's first byte to the end of its answer, streams included.", "method", "route")
	m.inFlight = gauge(r, "mom_requests_in_flight", "Requests being answered now.")
	stages := histograms(r, "mom_stage_duration_seconds", "Time that a request spent in a stage.", "stage")
	for s := range m.stages {
		m.stages[s] = stages.WithLabelValues(Stage(s).String())
	}

	m.decisions = counters(r, "mom_decisions_total", "Decisions, by action, chosen model and category.", "action", "model", "category")
	m.recipes = counters(r, "mom_recipe_decisions_total", "Decisions, by recipe.", "recipe")
	m.findings = counters(r, "mom_security_findings_total", "Attacks and personal data found, by what was done and by type.", "action", "type")
	m.abstained = counter(r, "mom_abstained_total", "Decisions whose category was too uncertain to be used.")

	m.tokens = counters(r, "mom_tokens_total", "Tokens of prompts (input) and answers (output), by model.", "model", "direction")
	m.cost = counters(r, "mom_cost_dollars_total", "Cost of answers by the configured prices, by model.", "model")
	m.baseline = counters(r, "mom_cost_baseline_dollars_total", "What the same answers would have cost from the best candidate, by the model that was chosen instead.", "model")
	m.saved = gauge(r, "mom_cost_saved_dollars", "Baseline less cost since the start. It falls when a client names a dearer model.")

	results := counters(r, "mom_cache_requests_total", "Look-ups in the cache of answers, by result.", "result")
	for c := range m.cache {
		m.cache[c] = results.WithLabelValues(CacheResult(c).String())
	}

	m.attempts = counters(r, "mom_upstream_attempts_total", "Requests sent to an upstream, by outcome.", "upstream", "outcome")
	m.attempted = histograms(r, "mom_upstream_first_byte_seconds", "Time until an upstream's first byte, or until the attempt failed.", "upstream")
	m.retries = counters(r, "mom_upstream_retries_total", "Attempts after the first one at the same upstream.", "upstream")
	m.breakers = gauges(r, "mom_upstream_breaker_state", "Circuit breaker of an upstream: 0 closed, 1 half open, 2 open.", "upstream")
	m.fallbacks = counters(r, "mom_model_fallbacks_total", "Requests that another model answered because this one failed.", "model")

	m.queueWait = histogram(r, "mom_queue_wait_seconds", "Time that a request waited for the classifiers.")
	shed := counters(r, "mom_shed_requests_total", "Requests refused to protect the server, by what was exhausted.", "reason")
	for s := range m.shed {
		m.shed[s] = shed.WithLabelValues(ShedReason(s).String())
	}
	lost := counters(r, "mom_state_lost_total", "Entries that could not be kept; their requests went on.", "store")
	for s := range m.lost {
		m.lost[s] = lost.WithLabelValues(Store(s).String())
	}
	m.panics = counter(r, "mom_panics_total", "Handlers that panicked; their requests were answered 500.")
	m.denied = counter(r, "mom_auth_failures_total", "Requests without a valid key.")
	reloads := counters(r, "mom_config_reloads_total", "Reloads of the configuration, by result.", "result")
	m.reloads = [2]prometheus.Counter{reloads.WithLabelValues("failed"), reloads.WithLabelValues("applied")}
	m.reloaded = gauge(r, "mom_config_applied_timestamp_seconds", "When the configuration in use was applied, in Unix time.")
	m.reloaded.SetToCurrentTime()
	gauges(r, "mom_build_info", "Always 1; its labels say what is running.", "version", "go").WithLabelValues(version, runtime.Version()).Set(1)

	m.vllmsr.register(r)
	r.MustRegister(&sampler{sources: &m.sources})
	m.Configure(labels)
	return m
}

// Registry holds the metrics, for further collectors of the process and for
// tests.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

func counter(r prometheus.Registerer, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	r.MustRegister(c)
	return c
}

func counters(r prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	r.MustRegister(c)
	return c
}

func gauge(r prometheus.Registerer, name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	r.MustRegister(g)
	return g
}

func gauges(r prometheus.Registerer, name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	r.MustRegister(g)
	return g
}

func histogram(r prometheus.Registerer, name, help string) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: latencyBuckets})
	r.MustRegister(h)
	return h
}

func histograms(r prometheus.Registerer, name, help string, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: latencyBuckets}, labels)
	r.MustRegister(h)
	return h
}
