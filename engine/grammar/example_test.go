package grammar_test

import (
	"fmt"
	"strings"

	"mom/engine/grammar"
)

// A decoder asks for the mask before it samples, and says what it has sampled. Here
// the sampler takes the longest token of those that are allowed.
func Example() {
	var pieces [][]byte
	for b := range 256 {
		pieces = append(pieces, []byte{byte(b)})
	}
	for _, p := range strings.Fields(`{"label": ":" ","difficulty": history }} }`) {
		pieces = append(pieces, []byte(p))
	}
	eos := int32(len(pieces))
	pieces = append(pieces, nil)
	vocabulary := grammar.NewVocabulary(pieces, eos) // once a model

	g, err := grammar.JSONSchema([]byte(`{
		"type": "object",
		"properties": {
			"label": {"enum": ["law", "history"]},
			"difficulty": {"type": "integer", "minimum": 5, "maximum": 5}
		},
		"required": ["label", "difficulty"],
		"additionalProperties": false
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	state := g.Bind(vocabulary).Start() // the Bound is kept for requests with the same schema

	fmt.Printf("forced: %s\n", state.Forced(nil))
	for {
		best := int32(-1)
		for id := range pieces {
			allowed := state.Mask()[id/64]>>(id%64)&1 != 0
			if allowed && (best < 0 || len(pieces[id]) > len(pieces[best])) {
				best = int32(id)
			}
		}
		if err := state.Accept(best); err != nil || best == eos {
			break
		}
		fmt.Printf("%s|", pieces[best])
	}
	fmt.Printf("\nat most %d bytes\n", g.MaxBytes())

	_, err = grammar.JSONSchema([]byte(`{"properties": {"n": {"multipleOf": 2}}}`))
	fmt.Println(err)
	// Output:
	// forced: {"label":"
	// {"label":|"|history|","difficulty":|5|}|
	// at most 35 bytes
	// grammar: #/properties/n/multipleOf: keyword "multipleOf" is not supported
}
