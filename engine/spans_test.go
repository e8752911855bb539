package engine

import (
	"testing"

	"mom/engine/pattern"
)

// TestEmailsNeedTheirForm: the recogniser has the last word on what looks like
// an e-mail address, and its matches replace what overlaps them.
func TestEmailsNeedTheirForm(t *testing.T) {
	text := "GRANT ALL TO 'dev_37'@'10.20.30.40'; mail ann@example.org"
	model := []Span{
		{13, 35, "EMAIL_ADDRESS", 0.9, Model},
		{42, 50, "PERSON", 0.99, Model},
	}
	var found bool
	for _, s := range addPatterns(model, new([]pattern.Match), text) {
		if s.By == Model {
			t.Errorf("the model's span %q stayed", text[s.Start:s.End])
		}
		found = found || s.By == Pattern && text[s.Start:s.End] == "ann@example.org"
	}
	if !found {
		t.Error("the address was not found")
	}
}
