package admin

import (
	"time"

	"mom/router"
)

// vllmsr are metrics under the names, labels and units of vLLM Semantic Router,
// so that dashboards and alerts made for it go on working. Those that it has and
// that are missing here measure parts that mom does not have.
type vllmsr struct {
	requests    counters
	errors      counters
	cost        amounts
	tokens      counters
	prompt      counters
	completion  counters
	promptSize  histograms
	answerSize  histograms
	rerouted    counters
	reasons     counters
	latency     histograms
	firstToken  histograms
	perToken    histograms
	routing     *histogram
	inFlight    gauges
	pii         counters
	cacheHits   *counter
	cacheMisses *counter
	evaluations *counter
	evaluation  *histogram
	decisions   counters
	outcomes    counters
	durations   histograms
}

type vllmsrModel struct {
	requests                   *counter
	cost                       *amount
	tokens, prompt, completion *counter
	promptSize, answerSize     *histogram
	latency, firstToken        *histogram
	perToken                   *histogram
	inFlight                   *gauge
	auto, specified            *counter
	errors                     [errorCount]lazy[counter]
	rerouted                   []lazy[counter] // by what was asked for
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

func (v *vllmsr) register(r *registry) {
	v.requests = r.counters("llm_model_requests_total", "Requests that were routed to a model.", "model")
	v.errors = r.counters("llm_request_errors_total", "Requests that were not answered, by reason.", "model", "reason")
	v.cost = r.amounts("llm_model_cost_total", "Cost of a model's answers by the configured prices.", "model", "currency")
	v.tokens = r.counters("llm_model_tokens_total", "Tokens of prompts and answers.", "model")
	v.prompt = r.counters("llm_model_prompt_tokens_total", "Tokens of prompts.", "model")
	v.completion = r.counters("llm_model_completion_tokens_total", "Tokens of answers.", "model")
	v.promptSize = r.histograms("llm_prompt_tokens_per_request", "Tokens of a prompt.", sizeBuckets, "model")
	v.answerSize = r.histograms("llm_completion_tokens_per_request", "Tokens of an answer.", sizeBuckets, "model")
	v.rerouted = r.counters("llm_model_routing_modifications_total", "Requests that asked for one model and went to another.", "source_model", "target_model")
	v.reasons = r.counters("llm_routing_reason_codes_total", "Decisions, by whether the client named the model.", "reason_code", "model")
	v.latency = r.histograms("llm_model_completion_latency_seconds", "Time of a whole answer.", latencyBuckets, "model")
	v.firstToken = r.histograms("llm_model_ttft_seconds", "Time until an answer began.", latencyBuckets, "model")
	v.perToken = r.histograms("llm_model_tpot_seconds", "Time of an answer over its tokens.", latencyBuckets, "model")
	v.routing = r.histograms("llm_model_routing_latency_seconds", "Time from a request to its decision, classifiers included.", latencyBuckets).with()
	v.inFlight = r.gauges("llm_model_inflight_requests", "Requests that a model is answering now.", "model")
	v.pii = r.counters("llm_pii_violations_total", "Requests blocked for personal data, by type.", "model", "pii_type")
	v.cacheHits = r.counters("llm_cache_plugin_hits_total", "Answers from the cache.", "decision_name", "plugin_type").with(unknown, "semantic-cache")
	v.cacheMisses = r.counters("llm_cache_plugin_misses_total", "Look-ups in the cache without an answer.", "decision_name", "plugin_type").with(unknown, "semantic-cache")
	v.evaluations = r.counters("llm_decision_evaluation_total", "Decisions.").with()
	v.evaluation = r.histograms("llm_decision_evaluation_latency_seconds", "Time of a decision, classifiers not included.", latencyBuckets).with()
	v.decisions = r.counters("llm_decision_match_total", "Decisions, by recipe.", "decision_name")
	v.outcomes = r.counters("llm_request_outcomes_total", "Requests answered, by kind of traffic and outcome.", "traffic_kind", "outcome")
	v.durations = r.histograms("llm_request_duration_seconds", "Time of whole requests, streams included.", latencyBuckets, "traffic_kind", "outcome")
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

func (v *vllmsr) model(name string, asked int) vllmsrModel {
	return vllmsrModel{
		requests: v.requests.with(name), cost: v.cost.with(name, "USD"),
		tokens: v.tokens.with(name), prompt: v.prompt.with(name), completion: v.completion.with(name),
		promptSize: v.promptSize.with(name), answerSize: v.answerSize.with(name),
		latency: v.latency.with(name), firstToken: v.firstToken.with(name), perToken: v.perToken.with(name),
		inFlight: v.inFlight.with(name),
		auto:     v.reasons.with("auto_routing", name), specified: v.reasons.with("model_specified", name),
		rerouted: make([]lazy[counter], asked),
	}
}

func (m *Metrics) decidedVLLMSR(n *names, x *modelMetrics, asked string, d *router.Decision, routing, decide time.Duration) {
	m.vllmsr.routing.Update(routing.Seconds())
	m.vllmsr.evaluations.Inc()
	m.vllmsr.evaluation.Update(decide.Seconds())
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
		v.rerouted[i].keep(m.vllmsr.rerouted.with(n.askedName[i], x.name)).Inc()
		return
	}
	c.Inc()
}
