package router

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func open(t testing.TB, c Config) *Router {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func about(category string, p float64) Signals {
	s := Signals{Intent: []Category{{category, p}}, Guard: &Verdict{Score: 0.01, Label: "benign"}}
	if category != "other" {
		s.Intent = append(s.Intent, Category{"other", 1 - p})
	}
	return s
}

func ptr[T any](x T) *T { return &x }

// reason returns the reason of a stage.
func reason(t *testing.T, d Decision, stage string) Reason {
	t.Helper()
	for _, r := range d.Reasons {
		if r.Stage == stage {
			return r
		}
	}
	t.Fatalf("no reason of stage %s in %+v", stage, d.Reasons)
	return Reason{}
}

func TestDecide(t *testing.T) {
	withDefault := Default()
	withDefault.Recipes[0].Default = "medium"
	withDefault.Recipes = append(withDefault.Recipes, Recipe{Name: "legal", Tradeoff: 4,
		Domains: []Domain{{Categories: []string{"law"}, Models: []string{"large"}, Tradeoff: ptr(0.0)}}})
	for name, c := range map[string]struct {
		req     Request
		signals Signals
		want    string
		verdict string // of the cost stage
	}{
		"easy and cheap":         {Request{Model: "auto"}, about("other", 0.9), "small", "cheapest"},
		"hard":                   {Request{Model: "auto"}, about("law", 0.95), "large", "cheapest"},
		"hard, but cheap wanted": {Request{Model: "auto", Tradeoff: ptr(10.0)}, about("law", 0.95), "small", "cheapest"},
		"easy, but best wanted":  {Request{Model: "auto", Tradeoff: ptr(0.0)}, about("other", 0.95), "large", "cheapest"},
		"images":                 {Request{Model: "auto", Vision: true}, about("other", 0.9), "medium", "cheapest"},
		"long":                   {Request{Model: "auto", InputTokens: 150000}, about("other", 0.9), "large", "only"},
		"excluded":               {Request{Model: "auto", Excluded: []string{"s*"}}, about("other", 0.9), "medium", "cheapest"},
		"allowed":                {Request{Model: "auto", Allowed: []string{"*rge"}}, about("other", 0.9), "large", "only"},
		"down":                   {Request{Model: "auto", Unavailable: []string{"small"}}, about("other", 0.9), "medium", "cheapest"},
		"abstained":              {Request{Model: "auto"}, about("law", 0.2), "medium", "default"},
		"unread":                 {Request{Model: "auto"}, Signals{}, "medium", "default"},
		"go on":                  {Request{Model: "auto", Pinned: "large"}, about("law", 0.2), "large", "kept"},
		"kept":                   {Request{Model: "auto", Pinned: "medium", Tradeoff: ptr(4.0)}, about("math", 0.95), "medium", "cheapest"},
		"left":                   {Request{Model: "auto", Pinned: "small"}, about("law", 0.95), "large", "cheapest"},
		"domain":                 {Request{Model: "legal"}, about("law", 0.6), "large", "only"},
		"outside the domain":     {Request{Model: "legal"}, about("other", 0.9), "small", "cheapest"},
	} {
		d := open(t, withDefault).Decide(c.req, c.signals)
		if d.Action != Route || d.Model != c.want {
			t.Errorf("%s: %s %s, want %s; %+v", name, d.Action, d.Model, c.want, d.Reasons)
			continue
		}
		if got := reason(t, d, "cost").Verdict; got != c.verdict {
			t.Errorf("%s: %s, want %s", name, got, c.verdict)
		}
		if d.Candidates[0].Model != d.Model || d.Candidates[0].Cost != d.Cost || d.Cost <= 0 {
			t.Errorf("%s: first candidate %+v is not the chosen one, which costs %v", name, d.Candidates[0], d.Cost)
		}
	}
}

func TestDirect(t *testing.T) {
	r := open(t, Default())
	d := r.Decide(Request{Model: "small", Vision: true}, about("law", 0.9))
	if d.Action != Refuse || !strings.Contains(d.Candidates[0].RuledOut, "images") {
		t.Errorf("a model that does not read images: %+v", d)
	}
	if d = r.Decide(Request{Model: "small"}, about("law", 0.9)); d.Model != "small" || d.Recipe != "direct" {
		t.Errorf("%+v", d)
	}
	attack := Signals{Guard: &Verdict{Score: 0.99, Label: jailbreak}}
	if d = r.Decide(Request{Model: "small"}, attack); d.Action != Block {
		t.Errorf("naming a model goes past the guard: %+v", d)
	}
	if d = r.Decide(Request{Model: "nothing"}, attack); d.Action != Block {
		t.Errorf("%+v", d)
	}
	if d = r.Decide(Request{Model: "nothing"}, Signals{}); d.Action != Refuse {
		t.Errorf("%+v", d)
	}
}

func TestRefuse(t *testing.T) {
	d := open(t, Default()).Decide(Request{Model: "auto", Excluded: []string{"*"}}, about("law", 0.9))
	if d.Action != Refuse || d.Model != "" || len(d.Candidates) != 3 {
		t.Fatalf("%+v", d)
	}
	for _, c := range d.Candidates {
		if c.RuledOut == "" {
			t.Errorf("%s has no reason", c.Model)
		}
	}
}

func TestPersonalData(t *testing.T) {
	c := Default()
	c.Security.PII = PII{Action: Flag, Threshold: 0.5, Types: map[string]PIIRule{
		"EMAIL_ADDRESS": {Action: Mask}, "IBAN_CODE": {Action: Blocked, Threshold: ptr(0.9)}, "URL": {Action: Off},
	}}
	r := open(t, c)
	s := about("other", 0.9)
	span := func(kind string, score float64) { s.PII = append(s.PII, PartSpan{0, Span{1, 5, kind, score, "model"}}) }
	span("EMAIL_ADDRESS", 0.8)
	span("PERSON", 0.7)
	span("PERSON", 0.9)
	span("EMAIL_ADDRESS", 0.3)
	span("URL", 0.9)
	span("IBAN_CODE", 0.8)
	d := r.Decide(Request{Model: "auto"}, s)
	if d.Action != Route || !slices.Equal(d.Flags, []string{"pii:EMAIL_ADDRESS", "pii:PERSON"}) || len(d.Mask) != 1 {
		t.Errorf("%+v", d)
	}
	span("IBAN_CODE", 0.95)
	if d = r.Decide(Request{Model: "auto"}, s); d.Action != Block || !strings.Contains(reason(t, d, "security").Detail, "IBAN_CODE") {
		t.Errorf("%+v", d)
	}
}

func TestMerge(t *testing.T) {
	parts := []Part{
		{Role: "system", Reading: Reading{Intent: []Category{{"law", 0.9}}, Tokens: 5, Windows: 1}},
		{Role: "user", Reading: Reading{Intent: []Category{{"math", 0.9}}, Guard: &Verdict{Score: 0.2, Label: "benign"}, Tokens: 3, Windows: 1,
			PII: []Span{{0, 2, "PERSON", 0.9, "model"}}}},
		{Role: "user", Reading: Reading{Intent: []Category{{"physics", 0.1}, {"biology", 0.8}}, Tokens: 7, Windows: 2}},
		{Role: "tool", Reading: Reading{Intent: []Category{{"other", 0.9}}, Guard: &Verdict{Score: 0.7, Label: jailbreak}, Tokens: 1, Windows: 1,
			PII: []Span{{3, 4, "URL", 1, "pattern"}}}},
	}
	s := Merge(parts)
	if s.Intent[0].Name != "biology" || s.Guard.Score != 0.7 || s.GuardPart != 3 || s.Tokens != 16 || s.Windows != 5 {
		t.Errorf("%+v", s)
	}
	if len(s.PII) != 2 || s.PII[0].Part != 1 || s.PII[1].Part != 3 {
		t.Errorf("%+v", s.PII)
	}
	if parts[2].Reading.Intent[0].Name != "physics" {
		t.Error("Merge changed its argument")
	}
	if s := Merge(parts[:1]); s.Intent[0].Name != "law" {
		t.Errorf("without a user: %+v", s)
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"gpt", "gpt", true}, {"gpt", "gpt-4", false}, {"gpt*", "gpt-4", true}, {"*", "", true}, {"*4", "gpt-4", true},
		{"g*-*", "gpt-4", true}, {"g*x*", "gpt-4", false}, {"a*a", "a", false}, {"a*a", "aa", true}, {"**", "x", true},
		{"*ab", "aab", true}, {"*/llama-*", "meta/llama-3", true}, {"", "", true}, {"", "x", false},
	} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("%q fits %q: %v", c.name, c.pattern, got)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	c := Default()
	c.Models[1].Name = "small"
	c.Models[2].Price.Input = -1
	c.Models[0].Categories["law"] = 1.5
	c.Models[0].Capabilities = []Capability{"telepathy"}
	c.Recipes[0].Models = []string{"gpt*"}
	c.Recipes[0].Tradeoff = 11
	c.Recipes[0].Default = "nobody"
	c.Security.Jailbreak.Action = Mask
	c.Security.PII.Types = map[string]PIIRule{"PERSON": {Action: "shred"}}
	_, err := New(c)
	var e *ConfigError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	var paths []string
	for _, p := range e.Problems {
		paths = append(paths, p.Path)
	}
	want := []string{"models[0].categories.law", "models[0].capabilities[0]", "models[1].name", "models[2].price.input",
		"recipes[0].models[0]", "recipes[0].cost_quality_tradeoff", "recipes[0].default", "security.jailbreak.action", "security.pii.types.PERSON.action"}
	if !slices.Equal(paths, want) {
		t.Errorf("problems with %q, want %q", paths, want)
	}
}

func TestScoresInJSON(t *testing.T) {
	d := open(t, Default()).Decide(Request{Model: "auto"}, about("law", 0.9))
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Decision
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	for i := range d.Reasons {
		slices.SortFunc(d.Reasons[i].Scores, func(a, b Score) int { return strings.Compare(a.Name, b.Name) })
	}
	if !reflect.DeepEqual(d, back) {
		t.Errorf("%+v\nbecame %+v", d, back)
	}
}

func TestTasks(t *testing.T) {
	c := Default()
	c.Recipes = append(c.Recipes, Recipe{Name: "fixed", Models: []string{"small"}, Security: &Security{PII: PII{Types: map[string]PIIRule{"URL": {Action: Flag}}}}})
	r := open(t, c)
	for name, want := range map[string][3]bool{"auto": {true, true, true}, "fixed": {false, false, true}, "large": {false, true, true}} {
		intent, guard, pii := r.Tasks(name)
		if got := [3]bool{intent, guard, pii}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if !r.Knows("fixed") || !r.Knows("small") || r.Knows("gpt") {
		t.Error("Knows")
	}
}
