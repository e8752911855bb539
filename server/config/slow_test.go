package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A file of the largest size is read in little time, whatever is in it.
func TestLargestFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	fill := func(f func(i int) string) string {
		var b strings.Builder
		for i := 0; b.Len() < maxFile-1000; i++ {
			b.WriteString(f(i))
		}
		return b.String()
	}
	deep := strings.Repeat("[", 60) + strings.Repeat("]", 60)
	for name, text := range map[string]string{
		"keys":      fill(func(i int) string { return fmt.Sprintf("k%d: v\n", i) }),
		"list":      "upstreams:\n" + fill(func(int) string { return "  - name: a\n" }),
		"flow":      "auth: {keys: [" + fill(func(int) string { return "a, " }) + "a]}",
		"quoted":    "listen: \"" + fill(func(int) string { return "\\u0041" }) + "\"",
		"folded":    "listen: >\n" + fill(func(int) string { return "  word\n" }),
		"nested":    fill(func(i int) string { return fmt.Sprintf("k%d: %s\n", i, deep) }),
		"anchors":   fill(func(i int) string { return fmt.Sprintf("k%d: &a%d x\n", i, i) }),
		"comments":  fill(func(int) string { return "# x\n" }),
		"variables": "listen: " + fill(func(int) string { return "${X:-a}" }),
		"most keys": strings.Repeat("k: v\n", maxTokens/3-10),
	} {
		start := time.Now()
		_, err := parse("mom.yaml", []byte(text), nothing)
		d := time.Since(start)
		t.Logf("%s: %v", name, d.Round(time.Millisecond))
		if d > 10*time.Second {
			t.Errorf("%s: %v", name, d)
		}
		if err != nil && len(err.Error()) > 100_000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}
