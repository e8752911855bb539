package models

import (
	"fmt"
	"strings"
	"testing"
)

// TestManifestWindow: windows of long texts are at most as large as the others,
// and neighbours share at most half of one.
func TestManifestWindow(t *testing.T) {
	for _, c := range []struct{ window, want string }{
		{`{"tokens":256,"overlap":64}`, ""},
		{`{"tokens":256,"overlap":64,"long":128}`, ""},
		{`{"tokens":256,"overlap":65,"long":128}`, "window.overlap: 65 is outside 0 to 64"},
		{`{"tokens":256,"overlap":0,"long":257}`, "window.long: 257 is outside 8 to 256"},
		{`{"tokens":256,"overlap":0,"long":-1}`, "window.long: -1 is outside 8 to 256"},
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
