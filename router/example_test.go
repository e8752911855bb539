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
