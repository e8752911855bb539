package protocol

import (
	"errors"
	"testing"

	"mom/server/official"
)

// conforms holds JSON against a schema of OpenAI's document.
func conforms(t *testing.T, schema, text string) {
	t.Helper()
	switch err := official.Conforms(schema, text); {
	case errors.Is(err, official.ErrMissing):
		t.Logf("not checked: %v", err)
	case err != nil:
		t.Fatalf("%s: %#v\n%s", schema, err, text)
	}
}
