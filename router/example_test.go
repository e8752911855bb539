package router_test

import (
	"fmt"

	"mom/router"
)

func Example() {
	r, err := router.New(router.Default())
	if err != nil {
		panic(err)
	}
	signals := router.Merge([]router.Part{{Role: "user", Text: "…", Reading: router.Reading{
		Intent: []router.Category{{Name: "law", P: 0.93}, {Name: "other", P: 0.04}},
		Guard:  &router.Verdict{Score: 0.002, Label: "benign"},
	}}})
	d := r.Decide(router.Request{Model: "auto", InputTokens: 200}, signals)
	fmt.Println(d.Action, d.Model, "then", d.Fallbacks)
	for _, reason := range d.Reasons {
		fmt.Println(reason.Stage+":", reason.Detail)
	}
	// Output:
	// route large then [medium small]
	// security: No attack, and no personal data that has a rule.
	// intent: The request is about law.
	// domain: Weighted by how likely each field is, large has the best expected quality, 0.730.
	// cost: large is the cheapest of the models that are good enough: with cost_quality_tradeoff 4 the expected quality may go down to 0.614, and the best, large, has 0.730.
}

// The table of docs/routing.md: the same request for less and less money.
func ExampleRouter_Decide() {
	r, err := router.New(router.Default())
	if err != nil {
		panic(err)
	}
	signals := router.Signals{Intent: []router.Category{{Name: "law", P: 0.93}, {Name: "other", P: 0.04}}}
	for _, tradeoff := range []float64{4, 7, 10} {
		d := r.Decide(router.Request{Model: "auto", InputTokens: 200, Tradeoff: &tradeoff}, signals)
		fmt.Printf("%g: floor %.3f, %s\n", tradeoff, router.Floor(0.7305, tradeoff), d.Model)
		for _, c := range d.Candidates {
			fmt.Printf("   %-6s %.3f $%.5f\n", c.Model, c.Quality, c.Cost)
		}
	}
	// Output:
	// 4: floor 0.614, large
	//    large  0.730 $0.00660
	//    medium 0.540 $0.00108
	//    small  0.365 $0.00018
	// 7: floor 0.373, medium
	//    medium 0.540 $0.00108
	//    large  0.730 $0.00660
	//    small  0.365 $0.00018
	// 10: floor 0.000, small
	//    small  0.365 $0.00018
	//    medium 0.540 $0.00108
	//    large  0.730 $0.00660
}

// Personal data is hidden, an attack blocked, also when the client names its
// model.
func ExampleRouter_Decide_security() {
	c := router.Default()
	c.Security.PII.Types = map[string]router.PIIRule{"IBAN_CODE": {Action: router.Mask}}
	r, err := router.New(c)
	if err != nil {
		panic(err)
	}
	iban := router.PartSpan{Part: 0, Span: router.Span{Start: 8, End: 30, Type: "IBAN_CODE", Score: 1, By: "pattern"}}
	for _, guard := range []router.Verdict{{Score: 0.01, Label: "benign"}, {Score: 0.99, Label: "jailbreak"}} {
		d := r.Decide(router.Request{Model: "large"}, router.Signals{Guard: &guard, PII: []router.PartSpan{iban}})
		fmt.Println(d.Action, d.Flags, len(d.Mask), d.Reasons[0].Detail)
	}
	// Output:
	// route [pii:IBAN_CODE] 1 Hidden from the upstream: IBAN_CODE.
	// block [jailbreak pii:IBAN_CODE] 0 The guard takes a text of the request for an attempt to take the model out of its instructions.
}

// When no model can serve a request, each candidate says why.
func ExampleRouter_Decide_refused() {
	r, err := router.New(router.Default())
	if err != nil {
		panic(err)
	}
	d := r.Decide(router.Request{Model: "auto", InputTokens: 250_000, Vision: true, Unavailable: []string{"medium"}}, router.Signals{})
	fmt.Println(d.Action)
	for _, c := range d.Candidates {
		fmt.Println(c.Model+":", c.RuledOut)
	}
	// Output:
	// refuse
	// large: prompt and answer are longer than its context of 200000 tokens
	// medium: no upstream of it is working
	// small: does not read images
}

// An error names each value that is wrong and what is supported.
func ExampleNew_invalid() {
	c := router.Default()
	c.Models[2].Price.Input = -3
	c.Recipes[0].Default = "huge"
	c.Security.Jailbreak.Action = "mask"
	_, err := router.New(c)
	if e, ok := err.(*router.ConfigError); ok {
		for _, p := range e.Problems {
			fmt.Println(p.Path+":", p.Reason)
		}
	}
	// Output:
	// models[2].price.input: -3: want a number from 0 to 1e+06
	// recipes[0].default: "huge" is no model; there are small, medium, large
	// security.jailbreak.action: "mask": want [block flag off]
}
