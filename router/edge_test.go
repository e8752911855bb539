package router

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// Numbers that no classifier and no client should send do not open a gate, and
// the decision can still be written as JSON.
func TestNumbersThatAreNone(t *testing.T) {
	c := Default()
	c.Models[0].Categories["law"] = 1
	r := open(t, c)
	for name, x := range map[string]struct {
		req     Request
		signals Signals
		want    Action
	}{
		"an endless answer": {Request{InputTokens: 5, MaxOutputTokens: math.MaxInt}, about("law", 0.9), Refuse},
		"an endless prompt": {Request{InputTokens: math.MaxInt, MaxOutputTokens: math.MaxInt}, about("law", 0.9), Refuse},
		"less than nothing": {Request{InputTokens: -5, MaxOutputTokens: -5, CachedTokens: -5, Pinned: "small"}, about("law", 0.9), Route},
		"no tradeoff":       {Request{Tradeoff: ptr(math.NaN())}, about("law", 0.9), Route},
		"infinite tradeoff": {Request{Tradeoff: ptr(math.Inf(1))}, about("law", 0.9), Route},
		"no probability":    {Request{}, about("law", math.NaN()), Route},
		"too probable":      {Request{}, about("law", math.Inf(1)), Route},
		"no score":          {Request{}, Signals{PII: []PartSpan{{0, Span{0, 1, "PERSON", math.NaN(), "model"}}}}, Route},
	} {
		x.req.Model = "auto"
		d := r.Decide(x.req, x.signals)
		if d.Action != x.want || d.Cost < 0 {
			t.Errorf("%s: %s for %v, want %s", name, d.Action, d.Cost, x.want)
		}
		if _, err := json.Marshal(d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "no probability" && !d.Abstained {
			t.Errorf("%s: trusted: %+v", name, d)
		}
	}
	c.Security.Jailbreak.Threshold = ptr(0.5)
	if d := open(t, c).Decide(Request{Model: "auto"}, Signals{Guard: &Verdict{Score: math.NaN(), Label: "benign"}}); d.Action != Block {
		t.Errorf("a guard's score that is no number passes: %+v", d)
	}
}

// Each occasion says all that was found, and nothing that was not.
func TestSecurityInWords(t *testing.T) {
	attack := &Verdict{Score: 0.99, Label: jailbreak}
	mail := PartSpan{0, Span{0, 4, "EMAIL_ADDRESS", 0.9, "model"}}
	person := PartSpan{0, Span{5, 9, "PERSON", 0.8, "model"}}
	iban := PartSpan{1, Span{0, 9, "IBAN_CODE", 1, "pattern"}}
	for name, x := range map[string]struct {
		mode    Response
		signals Signals
		verdict string
		detail  string
	}{
		"all of it": {Flag, Signals{Guard: attack, PII: []PartSpan{person, mail}}, "masked",
			"Hidden from the upstream: EMAIL_ADDRESS. Let through and noted: jailbreak, PERSON."},
		"unread": {Flag, Signals{PII: []PartSpan{person}}, "flagged",
			"Let through and noted: PERSON. No guard has read the request."},
		"nothing read": {Blocked, Signals{}, "unknown", "No guard has read the request."},
		"twice blocked": {Blocked, Signals{Guard: attack, PII: []PartSpan{mail, iban}}, "blocked",
			"The guard takes a text of the request for an attempt to take the model out of its instructions. The request holds personal data that may not be sent: IBAN_CODE."},
		"blocked": {Flag, Signals{Guard: attack, PII: []PartSpan{iban}}, "blocked",
			"The request holds personal data that may not be sent: IBAN_CODE."},
		"not looked for": {Off, Signals{Guard: attack}, "passed", "No attack, and no personal data that has a rule."},
	} {
		c := Default()
		c.Security.Jailbreak.Action = x.mode
		c.Security.PII.Types = map[string]PIIRule{"EMAIL_ADDRESS": {Action: Mask}, "IBAN_CODE": {Action: Blocked}}
		d := open(t, c).Decide(Request{Model: "auto"}, x.signals)
		got := reason(t, d, "security")
		if got.Verdict != x.verdict || got.Detail != x.detail {
			t.Errorf("%s: %s, %q", name, got.Verdict, got.Detail)
		}
		if d.Action == Block && d.Mask != nil {
			t.Errorf("%s: hides data of a request that goes nowhere", name)
		}
	}
	c := Default()
	c.Security = Security{}
	if got := reason(t, open(t, c).Decide(Request{Model: "auto"}, Signals{Guard: attack}), "security"); got.Verdict != "off" {
		t.Errorf("%+v", got)
	}
}

func TestWhatWasRuledOut(t *testing.T) {
	r := open(t, Default())
	d := r.Decide(Request{Model: "auto", InputTokens: 40000, Excluded: []string{"lar*"}}, about("law", 0.9))
	want := "Ruled out: large (excluded by the request); small (prompt and answer are longer than its context of 32768 tokens)."
	if got := reason(t, d, "domain").Detail; d.Model != "medium" || !strings.HasSuffix(got, want) {
		t.Errorf("%s, %q", d.Model, got)
	}
	d = r.Decide(Request{Model: "auto", Unavailable: []string{"small", "medium", "large"}}, about("law", 0.9))
	if got := reason(t, d, "domain"); d.Action != Refuse || got.Verdict != "refused" || strings.Count(got.Detail, "no upstream") != 3 {
		t.Errorf("%s: %+v", d.Action, got)
	}
}

func TestAConversationLeaves(t *testing.T) {
	c := Default()
	c.Models[2].Price.CachedInput = ptr(0.3)
	c.Models = append(c.Models, c.Models[2])
	c.Models[3].Name, c.Models[3].Price = "large-b", Price{Input: 2, Output: 10}
	r := open(t, c)
	req := Request{Model: "auto", InputTokens: 20000, Pinned: "large", CachedTokens: 19000}
	if d := r.Decide(req, about("law", 0.95)); d.Model != "large" || reason(t, d, "cost").Verdict != "cheapest" {
		t.Errorf("what is cached makes it the cheapest: %+v", d)
	}
	req.CachedTokens = 0
	if d := r.Decide(req, about("law", 0.95)); d.Model != "large-b" || !strings.HasPrefix(reason(t, d, "cost").Detail, "large, which has served") {
		t.Errorf("a third of the cost is worth a change: %+v", d)
	}
	c.Models[3].Price = Price{Input: 2.9, Output: 14}
	if d := open(t, c).Decide(req, about("law", 0.95)); d.Model != "large" || reason(t, d, "cost").Verdict != "kept" {
		t.Errorf("a thirtieth is not: %+v", d)
	}
	c.Session.Affinity = false
	if d := open(t, c).Decide(req, about("law", 0.95)); d.Model != "large-b" {
		t.Errorf("without affinity: %+v", d)
	}
}

func TestPricesHaveALimit(t *testing.T) {
	for _, price := range []float64{math.Inf(1), math.NaN(), 1e7, -0.1} {
		c := Default()
		c.Models[1].Price.CachedInput = &price
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), "models[1].price.cached_input: ") || !strings.Contains(err.Error(), "want a number from 0 to 1e+06") {
			t.Errorf("%v: %v", price, err)
		}
	}
}
