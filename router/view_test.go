package router

import (
	"strings"
	"testing"
)

// TestView: a reason says how the text was read that the guard's verdict is of.
func TestView(t *testing.T) {
	for _, action := range []Response{Blocked, Flag} {
		for view, want := range map[string]string{"": "", "base64+rot13": ", read as base64+rot13."} {
			d := decision{signals: Signals{Guard: &Verdict{Score: 0.99, Label: jailbreak, View: view}}}
			d.secure(&Security{Jailbreak: Jailbreak{Action: action}})
			detail := d.done().Reasons[0].Detail
			if !strings.HasSuffix(detail, want) || strings.Contains(detail, "read as") != (view != "") {
				t.Errorf("%s, view %q: %s", action, view, detail)
			}
		}
	}
}
