package admin

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		Type    string
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Annotations struct{ List []struct{ Name, Expr string } }
}

var (
	selector = regexp.MustCompile(`\b((?:mom|llm|go|process)_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!=|!~|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// TestDashboard checks that docs/grafana.json asks for nothing that is not
// there: metrics, labels, and the values of labels that it names.
func TestDashboard(t *testing.T) {
	data, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	m := NewMetrics("v1", testLabels())
	use(m, m.Route("POST", "/v1/route"), "small", "careful", "math", "local", "IBAN_CODE")
	zero := func() int { return 0 }
	bytes := func() int64 { return 0 }
	never := func() uint64 { return 0 }
	m.Sample(Sources{QueueDepth: zero, Connections: zero, StateLost: never, StateBytes: bytes, CacheBytes: bytes, CacheItems: zero,
		MemoHits: never, MemoMisses: never, Ready: func() bool { return true }})
	families := gather(t, m)
	ids := map[int]bool{}
	queries := 0
	check := func(where, expr string) {
		queries++
		checkQuery(t, families, where, expr)
	}
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("panel %q: id %d appears twice", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, q := range p.Targets {
			check("panel "+p.Title, q.Expr)
		}
	}
	for _, v := range d.Templating.List {
		if v.Definition != "" {
			check("variable "+v.Name, v.Definition)
		}
	}
	for _, a := range d.Annotations.List {
		check("annotation "+a.Name, a.Expr)
	}
	if queries < 40 {
		t.Errorf("only %d queries were found", queries)
	}
	// Every metric of ours that somebody would look at is on the dashboard.
	for name := range families {
		if strings.HasPrefix(name, "mom_") && !strings.Contains(string(data), name) && !slices.Contains(undashed, name) {
			t.Errorf("%s is on no panel", name)
		}
	}
}

// undashed are metrics that are for queries by hand.
var undashed = []string{"mom_recipe_decisions_total", "mom_cost_saved_dollars", "mom_cache_entries", "mom_verdicts_remembered_total", "mom_verdicts_computed_total"}

func checkQuery(t *testing.T, families map[string]*dto.MetricFamily, where, expr string) {
	t.Helper()
	found := selector.FindAllStringSubmatch(expr, -1)
	if len(found) == 0 {
		t.Errorf("%s: no metric in %s", where, expr)
	}
	var labels []string
	for _, f := range found {
		name := f[1]
		family := families[name]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base, ok := strings.CutSuffix(name, suffix)
			if h := families[base]; ok && family == nil && h.GetType() == dto.MetricType_HISTOGRAM {
				family = h
			}
		}
		if family == nil {
			t.Errorf("%s: there is no metric %s", where, name)
			continue
		}
		known := map[string][]string{"job": nil, "instance": nil, "le": nil}
		for _, s := range family.GetMetric() {
			for _, l := range s.GetLabel() {
				known[l.GetName()] = append(known[l.GetName()], l.GetValue())
			}
		}
		for _, l := range matcher.FindAllStringSubmatch(f[2], -1) {
			values, ok := known[l[1]]
			if !ok || !strings.HasPrefix(l[2], "$") && !slices.Contains(values, l[2]) {
				t.Errorf("%s: %s has no %s=%q", where, name, l[1], l[2])
			}
		}
		for l := range known {
			labels = append(labels, l)
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for l := range strings.SplitSeq(g[1], ",") {
			if !slices.Contains(labels, strings.TrimSpace(l)) {
				t.Errorf("%s: grouped by %q, which none of its metrics has", where, l)
			}
		}
	}
}
