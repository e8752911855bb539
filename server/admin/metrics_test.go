package admin

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"mom/router"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testLabels() Labels {
	return Labels{
		Models: []string{"small", "large"}, Recipes: []string{"auto", "careful"}, Categories: []string{"math", "law"},
		Decoders: []string{"local"}, Upstreams: []string{"local"}, Entities: []string{"IBAN_CODE"},
	}
}

// use calls every method of Metrics once with the given names.
func use(m *Metrics, route *RouteMetrics, model, recipe, category, upstream, entity string) {
	routed := router.Decision{Action: router.Route, Model: model, Recipe: recipe, Category: category, Abstained: true}
	blocked := router.Decision{Action: router.Block, Recipe: recipe, Category: category}
	m.Began()
	m.Ended()
	for _, status := range []int{0, 101, 200, 302, 404, 499, 503, 999} {
		route.Done(status, time.Millisecond)
	}
	for s := Stage(0); s < stageCount; s++ {
		m.Stage(s, 40*time.Microsecond)
	}
	m.Decided(recipe, &routed, time.Millisecond, time.Microsecond)
	m.Decided(model, &routed, time.Millisecond, time.Microsecond)
	m.Decided("auto", &blocked, time.Millisecond, time.Microsecond)
	for f := Found(0); f < foundCount; f++ {
		m.Security(f, entity, model)
	}
	for o := Telling(0); o < tellingCount; o++ {
		m.Told(upstream, o, time.Millisecond)
	}
	m.Used(model, 100, 20, 0.5, 2)
	m.Answering(model, 1)
	m.Answering(model, -1)
	m.Completed(model, time.Millisecond, time.Second, 20)
	for e := ErrorReason(0); e < errorCount; e++ {
		m.Failed(model, e)
	}
	for c := CacheResult(0); c < cacheCount; c++ {
		m.Cached(c)
	}
	for o := Outcome(0); o < outcomeCount; o++ {
		m.Attempt(upstream, o, time.Millisecond)
	}
	m.Retried(upstream)
	m.FellBack(model)
	m.Breaker(upstream, BreakerIsOpen)
	m.Waited(time.Microsecond)
	for s := ShedReason(0); s < shedCount; s++ {
		m.Shed(s)
	}
	for s := Store(0); s < storeCount; s++ {
		m.Lost(s, 2)
	}
	m.Panicked()
	m.Denied()
	m.Reloaded(true)
	m.Reloaded(false)
}

func gather(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	var text bytes.Buffer
	if err := m.Write(&text); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	byName, err := parser.TextToMetricFamilies(&text)
	if err != nil {
		t.Fatal(err)
	}
	return byName
}

// value is that of the series whose labels have these values, in the order of
// their names; it fails the test when there is none.
func value(t *testing.T, m *Metrics, family string, labels ...string) float64 {
	t.Helper()
	f := gather(t, m)[family]
	for _, s := range f.GetMetric() {
		var got []string
		for _, l := range s.GetLabel() {
			got = append(got, l.GetValue())
		}
		if slices.Equal(got, labels) {
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				return s.GetCounter().GetValue()
			case dto.MetricType_GAUGE:
				return s.GetGauge().GetValue()
			}
			return float64(s.GetHistogram().GetSampleCount())
		}
	}
	t.Fatalf("no %s%q", family, labels)
	return 0
}

func TestCounts(t *testing.T) {
	m := NewMetrics("v1", testLabels())
	use(m, m.Route("POST", "/v1/route"), "small", "careful", "math", "local", "IBAN_CODE")
	for _, c := range []struct {
		want   float64
		family string
		labels []string // in the order of their names
	}{
		{1, "mom_requests_total", []string{"2xx", "POST", "/v1/route"}},
		{1, "mom_requests_total", []string{"client_gone", "POST", "/v1/route"}},
		{3, "mom_requests_total", []string{"5xx", "POST", "/v1/route"}}, // 503 and the two that are no status
		{8, "mom_request_duration_seconds", []string{"POST", "/v1/route"}},
		{0, "mom_requests_in_flight", nil},
		{1, "mom_stage_duration_seconds", []string{"classify"}},
		{2, "mom_decisions_total", []string{"route", "math", "small"}},
		{1, "mom_decisions_total", []string{"block", "math", ""}},
		{3, "mom_recipe_decisions_total", []string{"careful"}},
		{2, "mom_abstained_total", nil},
		{1, "mom_decoder_intents_total", []string{"local", "late"}},
		{3, "mom_decoder_intent_seconds", []string{"local"}},
		{1, "mom_security_findings_total", []string{"mask", "IBAN_CODE"}},
		{100, "mom_tokens_total", []string{"input", "small"}},
		{0.5, "mom_cost_dollars_total", []string{"small"}},
		{2, "mom_cost_baseline_dollars_total", []string{"small"}},
		{1.5, "mom_cost_saved_dollars", nil},
		{1, "mom_cache_requests_total", []string{"semantic"}},
		{1, "mom_upstream_attempts_total", []string{"cut", "local"}},
		{8, "mom_upstream_first_byte_seconds", []string{"local"}}, // not that of the open breaker
		{2, "mom_upstream_breaker_state", []string{"local"}},
		{1, "mom_model_fallbacks_total", []string{"small"}},
		{1, "mom_shed_requests_total", []string{"queue"}},
		{2, "mom_state_lost_total", []string{"decisions"}},
		{1, "mom_config_reloads_total", []string{"failed"}},
		{2, "llm_model_requests_total", []string{"small"}},
		{3, "llm_model_routing_latency_seconds", nil},
		{0.5, "llm_model_cost_total", []string{"USD", "small"}},
		{120, "llm_model_tokens_total", []string{"small"}},
		{1, "llm_model_routing_modifications_total", []string{"careful", "small"}},
		{1, "llm_routing_reason_codes_total", []string{"small", "model_specified"}},
		{1, "llm_request_errors_total", []string{"small", "jailbreak_block"}},
		{1, "llm_pii_violations_total", []string{"small", "IBAN_CODE"}},
		{2, "llm_cache_plugin_hits_total", []string{"unknown", "semantic-cache"}},
		{0, "llm_model_inflight_requests", []string{"small"}},
		{3, "llm_decision_match_total", []string{"careful"}},
		{3, "llm_request_outcomes_total", []string{"success", "other"}}, // 101, 200, 302
		{3, "llm_request_outcomes_total", []string{"server_error", "other"}},
		{1, "llm_request_outcomes_total", []string{"canceled", "other"}},
		{1, "llm_request_duration_seconds", []string{"client_error", "other"}},
	} {
		if got := value(t, m, c.family, c.labels...); got != c.want {
			t.Errorf("%s%q = %g, want %g", c.family, c.labels, got, c.want)
		}
	}
}

// Whatever a request says, it does not become a label, and the number of series
// stays what the configuration makes it.
func TestLabelsAreClosed(t *testing.T) {
	m := NewMetrics("v1", testLabels())
	route := m.Route("POST", "/v1/route")
	const canary = "CANARY\xff\n"
	use(m, route, canary, canary, canary, canary, canary)
	series := func() int {
		n := 0
		for name, f := range gather(t, m) {
			if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
				n += len(f.GetMetric())
			}
		}
		return n
	}
	n := series()
	for i := range 100 {
		name := canary + strings.Repeat("x", i)
		use(m, route, name, name, name, name, name)
	}
	if got := series(); got != n {
		t.Errorf("%d series became %d", n, got)
	}
	for name, f := range gather(t, m) {
		if strings.Contains(f.String(), "CANARY") {
			t.Errorf("%s carries what a request said: %v", name, f)
		}
	}
	if got := value(t, m, "mom_tokens_total", "output", "unknown"); got != 20*101 {
		t.Errorf("tokens of unknown models: %g", got)
	}
}

func TestConfigure(t *testing.T) {
	m := NewMetrics("v1", testLabels())
	m.Used("small", 5, 5, 0, 0)
	m.Breaker("local", BreakerIsOpen)
	l := testLabels()
	l.Models, l.Upstreams = []string{"small", "new"}, []string{"other"}
	m.Configure(l)
	m.Used("small", 5, 5, 0, 0)
	m.Used("new", 1, 1, 0, 0)
	m.Used("large", 7, 7, 0, 0) // is gone
	for model, want := range map[string]float64{"small": 10, "new": 1, "unknown": 7} {
		if got := value(t, m, "mom_tokens_total", "input", model); got != want {
			t.Errorf("%s: %g tokens, want %g", model, got, want)
		}
	}
	for _, s := range gather(t, m)["mom_upstream_breaker_state"].GetMetric() {
		if s.GetLabel()[0].GetValue() == "local" {
			t.Error("the breaker of an upstream that is gone is still there")
		}
	}
}

func TestNoAllocations(t *testing.T) {
	m := NewMetrics("v1", testLabels())
	route := m.Route("POST", "/v1/route")
	call := func() { use(m, route, "small", "careful", "math", "local", "IBAN_CODE") }
	call()
	// pii_violations is resolved as it happens: a blocked request is rare.
	blockedPII := testing.AllocsPerRun(100, func() { m.Security(Blocked, "IBAN_CODE", "small") })
	if n := testing.AllocsPerRun(100, call) - blockedPII; n != 0 {
		t.Errorf("counting allocates %g times", n)
	}
}

func TestNil(t *testing.T) {
	var m *Metrics
	use(m, m.Route("GET", "/"), "small", "careful", "math", "local", "IBAN_CODE")
	m.Configure(Labels{})
	m.Sample(Sources{})
}

func TestConcurrent(t *testing.T) {
	m := NewMetrics("v1", testLabels())
	route := m.Route("POST", "/v1/route")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				use(m, route, "small", "careful", "math", "local", "IBAN_CODE")
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			m.Configure(testLabels())
			m.Sample(Sources{QueueDepth: func() int { return 1 }})
			gather(t, m)
		}
	})
	wg.Wait()
	if got := value(t, m, "mom_tokens_total", "input", "small"); got != 4*50*100 {
		t.Errorf("%g tokens", got)
	}
	if got := value(t, m, "mom_decisions_total", "route", "math", "small"); got != 4*50*2 {
		t.Errorf("%g decisions", got)
	}
}

func TestSampled(t *testing.T) {
	m := NewMetrics("v1", testLabels())
	if gather(t, m)["mom_queue_depth"] != nil {
		t.Error("a value without a source is shown")
	}
	m.Sample(Sources{
		QueueDepth: func() int { return 3 }, Connections: func() int { return 4 }, StateLost: func() uint64 { return 5 },
		StateBytes: func() int64 { return 6 }, CacheBytes: func() int64 { return 7 }, CacheItems: func() int { return 8 },
		MemoHits: func() uint64 { return 9 }, MemoMisses: func() uint64 { return 10 }, Ready: func() bool { return true },
	})
	for name, want := range map[string]float64{
		"mom_queue_depth": 3, "mom_connections": 4, "mom_state_write_lost_total": 5, "mom_state_bytes": 6, "mom_cache_bytes": 7,
		"mom_cache_entries": 8, "mom_verdicts_remembered_total": 9, "mom_verdicts_computed_total": 10, "mom_ready": 1,
	} {
		if got := value(t, m, name); got != want {
			t.Errorf("%s = %g, want %g", name, got, want)
		}
	}
}

// Prometheus has its own rules for names, units and help.
func TestLint(t *testing.T) {
	m := NewMetrics("v1", testLabels())
	use(m, m.Route("POST", "/v1/route"), "small", "careful", "math", "local", "IBAN_CODE")
	var all, ours bytes.Buffer
	if err := m.Write(&all); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(all.String()) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "mom_") {
			ours.WriteString(line)
		}
	}
	problems, err := promlint.New(&ours).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func BenchmarkRequest(b *testing.B) {
	m := NewMetrics("v1", testLabels())
	route := m.Route("POST", "/v1/chat/completions")
	d := router.Decision{Action: router.Route, Model: "small", Recipe: "auto", Category: "math"}
	b.ReportAllocs()
	for b.Loop() {
		m.Began()
		for _, s := range []Stage{Parse, Classify, Decide, Upstream, Overhead, Total} {
			m.Stage(s, time.Millisecond)
		}
		m.Decided("auto", &d, time.Millisecond, time.Microsecond)
		m.Attempt("local", Answered, time.Millisecond)
		m.Used("small", 100, 20, 0.5, 2)
		m.Completed("small", time.Millisecond, time.Second, 20)
		route.Done(200, time.Millisecond)
		m.Ended()
	}
}
