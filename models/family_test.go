package models

import (
	"fmt"
	"strings"
	"testing"
)

// TestManifestWindow: a window has room for a text, and neighbours share at most
// half of one.
func TestManifestWindow(t *testing.T) {
	for _, c := range []struct{ window, want string }{
		{`{"tokens":256,"overlap":64}`, ""},
		{`{"tokens":256,"overlap":129}`, "window.overlap: 129 is outside 0 to 128"},
		{`{"tokens":256,"overlap":-1}`, "window.overlap: -1 is outside 0 to 128"},
		{`{"tokens":7,"overlap":0}`, "window.tokens: 7 is outside 8 to"},
		{`{"tokens":256,"overlap":0,"short":1}`, "short"},
	} {
		_, err := ParseManifest(fmt.Appendf(nil, `{"name":"m","version":1,"heads":[{"name":"h","function":"intent","task":"sequence-classification",
			"pooling":"mean","activation":"tanh","prefix":"p","labels":["a","b"],"temperature":1,"combine":"mean","window":%s}]}`, c.window))
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.window, err, c.want)
		}
	}
}
