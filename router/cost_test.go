package router

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// occasions are requests to a pool of 20 models that a decision has most to say
// about.
func occasions(t testing.TB) (*Router, map[string]func() Decision) {
	c := randomConfig(rand.New(rand.NewPCG(1, 2)), 20)
	c.Recipes[0].Default, c.Recipes[0].Domains = "", nil
	for i := range c.Models {
		c.Models[i].Context = 1000
	}
	c.Models[3].Context = 0
	c.Security.PII = PII{Action: Flag, Types: map[string]PIIRule{"EMAIL_ADDRESS": {Action: Mask}, "IBAN_CODE": {Action: Blocked, Threshold: ptr(0.99)}}}
	r := open(t, c)
	all := about("law", 0)
	all.Intent = nil
	for i, category := range Categories() {
		all.Intent = append(all.Intent, Category{category, 1 / float64(i+2) / 3})
	}
	personal := all
	for i := range 12 {
		kind := []string{"EMAIL_ADDRESS", "PERSON", "IBAN_CODE", "URL"}[i%4]
		personal.PII = append(personal.PII, PartSpan{i, Span{1, 9, kind, 0.9, "model"}})
	}
	unclear := all
	unclear.Intent = []Category{{"law", 0.0001}}
	decide := func(req Request, s Signals) func() Decision {
		req.Model = "auto"
		return func() Decision { return r.Decide(req, s) }
	}
	return r, map[string]func() Decision{
		"usual":             decide(Request{InputTokens: 200}, all),
		"abstained":         decide(Request{InputTokens: 200}, unclear),
		"too long for most": decide(Request{InputTokens: 5000}, all),
		"personal data":     decide(Request{InputTokens: 200}, personal),
		"conversation":      decide(Request{InputTokens: 900, Pinned: "m03", CachedTokens: 500}, all),
		"all ruled out":     decide(Request{InputTokens: 200, Excluded: []string{"m*"}}, all),
	}
}

func TestAllocations(t *testing.T) {
	_, all := occasions(t)
	for name, decide := range all {
		if n := testing.AllocsPerRun(100, func() { decide() }); n >= 10 {
			t.Errorf("%s: %v allocations a decision, want less than 10", name, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	_, all := occasions(b)
	for _, name := range sortedKeys(all) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				all[name]()
			}
		})
	}
}

func BenchmarkMerge(b *testing.B) {
	parts := make([]Part, 40)
	for i := range parts {
		parts[i] = Part{Role: "user", Reading: Reading{Intent: []Category{{"law", 0.9}}, Guard: &Verdict{Score: 0.1, Label: "benign"},
			PII: []Span{{0, 4, fmt.Sprint("T", i%3), 0.9, "model"}}}}
	}
	b.ReportAllocs()
	for b.Loop() {
		Merge(parts)
	}
}
