package generate

import (
	"context"
	"errors"
	"strings"
	"testing"

	"mom/engine/enginetest"
	"mom/engine/grammar"
)

// A form that the model's tokens cannot write is refused before anything is
// written; one that they can write in part is kept to that part.
func TestLackingConstraint(t *testing.T) {
	m, err := Open(enginetest.Decoder(t, "tiny"), Options{Precision: "f32", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	pieces := append([][]byte{}, m.Pieces()...)
	pieces['z'] = nil
	words := grammar.NewVocabulary(pieces, m.Ends()...)
	ask := func(labels ...string) (*Result, error) {
		g, err := grammar.Labels(labels)
		if err != nil {
			t.Fatal(err)
		}
		return m.Generate(context.Background(), &Request{Prompt: encode(t, m, "say"), MaxTokens: 20, Constraint: g.Bind(words).Start()})
	}
	var bad *RequestError
	if _, err := ask("zoo", "zebra"); !errors.As(err, &bad) || !strings.Contains(err.Error(), "no token is the byte 'z'") {
		t.Errorf("labels that cannot be written: %v", err)
	}
	if r, err := ask("zoo", "law", "la zebra"); err != nil || r.Text != "law" || r.Finish != Stop {
		t.Errorf("one label that can be written: %+v, error %v", r, err)
	}
}
