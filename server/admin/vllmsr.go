package admin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mom/router"
)

// vllmsr are metrics under the names, labels and units of vLLM Semantic Router,
// so that dashboards and alerts made for it go on working. Those that it has and
// that are missing here measure parts that mom does not have.
type vllmsr struct {
	requests    *prometheus.CounterVec
	errors      *prometheus.CounterVec
	cost        *prometheus.CounterVec
	tokens      *prometheus.CounterVec
	prompt      *prometheus.CounterVec
	completion  *prometheus.CounterVec
	promptSize  *prometheus.HistogramVec
	answerSize  *prometheus.HistogramVec
	rerouted    *prometheus.CounterVec
	reasons     *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	firstToken  *prometheus.HistogramVec
	perToken    *prometheus.HistogramVec
	routing     prometheus.Histogram
	inFlight    *prometheus.GaugeVec
	pii         *prometheus.CounterVec
	cacheHits   prometheus.Counter
	cacheMisses prometheus.Counter
	evaluations prometheus.Counter
	evaluation  prometheus.Histogram
	decisions   *prometheus.CounterVec
	outcomes    *prometheus.CounterVec
	durations   *prometheus.HistogramVec
}

type vllmsrModel struct {
	requests                   prometheus.Counter
	cost                       prometheus.Counter
	tokens, prompt, completion prometheus.Counter
	promptSize, answerSize     prometheus.Observer
	latency, firstToken        prometheus.Observer
	perToken                   prometheus.Observer
	inFlight                   prometheus.Gauge
	auto, specified            prometheus.Counter
	errors                     [errorCount]lazy[prometheus.Counter]
	rerouted                   []lazy[prometheus.Counter] // by what was asked for
}

// An ErrorReason is why a request for a model was not answered.
type ErrorReason uint8

const (
	ErrorTimeout ErrorReason = iota
	ErrorUpstream4xx
	ErrorUpstream5xx
	ErrorPII       // blocked
	ErrorJailbreak // blocked
	ErrorParse
	ErrorCanceled
	ErrorInternal
	errorCount
)

// String is the label that vLLM Semantic Router uses.
func (e ErrorReason) String() string {
	return [errorCount]string{"timeout", "upstream_4xx", "upstream_5xx", "pii_policy_denied", "jailbreak_block", "parse_error", "cancellation", "internal_error"}[e]
}

// sizeBuckets count tokens.
var sizeBuckets = []float64{0, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072}

func (v *vllmsr) register(r prometheus.Registerer) {
	v.requests = counters(r, "llm_model_requests_total", "Requests that were routed to a model.", "model")
	v.errors = counters(r, "llm_request_errors_total", "Requests that were not answered, by reason.", "model", "reason")
	v.cost = counters(r, "llm_model_cost_total", "Cost of a model's answers by the configured prices.", "model", "currency")
	v.tokens = counters(r, "llm_model_tokens_total", "Tokens of prompts and answers.", "model")
	v.prompt = counters(r, "llm_model_prompt_tokens_total", "Tokens of prompts.", "model")
	v.completion = counters(r, "llm_model_completion_tokens_total", "Tokens of answers.", "model")
	v.promptSize = sizes(r, "llm_prompt_tokens_per_request", "Tokens of a prompt.")
	v.answerSize = sizes(r, "llm_completion_tokens_per_request", "Tokens of an answer.")
	v.rerouted = counters(r, "llm_model_routing_modifications_total", "Requests that asked for one model and went to another.", "source_model", "target_model")
	v.reasons = counters(r, "llm_routing_reason_codes_total", "Decisions, by whether the client named the model.", "reason_code", "model")
	v.latency = histograms(r, "llm_model_completion_latency_seconds", "Time of a whole answer.", "model")
	v.firstToken = histograms(r, "llm_model_ttft_seconds", "Time until an answer began.", "model")
	v.perToken = histograms(r, "llm_model_tpot_seconds", "Time of an answer over its tokens.", "model")
	v.routing = histogram(r, "llm_model_routing_latency_seconds", "Time from a request to its decision, classifiers included.")
	v.inFlight = gauges(r, "llm_model_inflight_requests", "Requests that a model is answering now.", "model")
	v.pii = counters(r, "llm_pii_violations_total", "Requests blocked for personal data, by type.", "model", "pii_type")
	v.cacheHits = counters(r, "llm_cache_plugin_hits_total", "Answers from the cache.", "decision_name", "plugin_type").WithLabelValues(unknown, "semantic-cache")
	v.cacheMisses = counters(r, "llm_cache_plugin_misses_total", "Look-ups in the cache without an answer.", "decision_name", "plugin_type").WithLabelValues(unknown, "semantic-cache")
	v.evaluations = counter(r, "llm_decision_evaluation_total", "Decisions.")
	v.evaluation = histogram(r, "llm_decision_evaluation_latency_seconds", "Time of a decision, classifiers not included.")
	v.decisions = counters(r, "llm_decision_match_total", "Decisions, by recipe.", "decision_name")
	v.outcomes = counters(r, "llm_request_outcomes_total", "Requests answered, by kind of traffic and outcome.", "traffic_kind", "outcome")
	v.durations = histograms(r, "llm_request_duration_seconds", "Time of whole requests, streams included.", "traffic_kind", "outcome")
}

// traffic is the kind of a route's requests.
func traffic(path string) string {
	switch path {
	case "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings":
		return "inference"
	case "/v1/models", "/v1/models/{model}":
		return "catalog"
	case "/health", "/ready":
		return "health"
	}
	return "other"
}

// outcomeNames are how requests end, in the order of outcomeOf.
var outcomeNames = [...]string{"success", "client_error", "server_error", "canceled", "timeout"}

func outcomeOf(status int) int {
	switch {
	case status == 499:
		return 3
	case status == 408 || status == 504:
		return 4
	case status >= 500 || status < 100:
		return 2
	case status >= 400:
		return 1
	}
	return 0
}

func sizes(r prometheus.Registerer, name, help string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: sizeBuckets}, []string{"model"})
	r.MustRegister(h)
	return h
}

func (v *vllmsr) model(name string, asked int) vllmsrModel {
	return vllmsrModel{
		requests: v.requests.WithLabelValues(name), cost: v.cost.WithLabelValues(name, "USD"),
		tokens: v.tokens.WithLabelValues(name), prompt: v.prompt.WithLabelValues(name), completion: v.completion.WithLabelValues(name),
		promptSize: v.promptSize.WithLabelValues(name), answerSize: v.answerSize.WithLabelValues(name),
		latency: v.latency.WithLabelValues(name), firstToken: v.firstToken.WithLabelValues(name), perToken: v.perToken.WithLabelValues(name),
		inFlight: v.inFlight.WithLabelValues(name),
		auto:     v.reasons.WithLabelValues("auto_routing", name), specified: v.reasons.WithLabelValues("model_specified", name),
		rerouted: make([]lazy[prometheus.Counter], asked),
	}
}

func (m *Metrics) decidedVLLMSR(n *names, x *modelMetrics, asked string, d *router.Decision, routing, decide time.Duration) {
	m.vllmsr.routing.Observe(routing.Seconds())
	m.vllmsr.evaluations.Inc()
	m.vllmsr.evaluation.Observe(decide.Seconds())
	if d.Action != router.Route {
		return
	}
	v := &x.vllmsr
	v.requests.Inc()
	if asked == d.Model {
		v.specified.Inc()
		return
	}
	v.auto.Inc()
	i := n.asked[asked] // 0 is unknown
	c := v.rerouted[i].p.Load()
	if c == nil {
		v.rerouted[i].keep(m.vllmsr.rerouted.WithLabelValues(n.askedName[i], x.name)).Inc()
		return
	}
	(*c).Inc()
}
