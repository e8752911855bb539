package config

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// FuzzParse: whatever is in a file, it loads or is refused with problems that
// have the file's name and stay on one line; what loads is valid, can be
// explained, and gives the same again.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		whole, string(Starter()), "a: &a [*a]", "<<: {a: 1}", "log: {level: ${X}}", "limits: {body: 1MiB, body: 2}",
		"upstreams: [{name: a, base_url: 'http://h/v1', headers: {A: b}}]", "- - - 1", "a:\n b:\n  c: 1", "? a\n: b", "listen: |\n  :80\n",
		"{}", "---\n...\n---\n", "\ufeffplayground: true", "x: !!binary aa==", "a: 'b\n\n c'", "\"a\\u0000\": 1", "models: [{name: a}]", "*a : b", "&a : b", "a: *x\n  y\n z", ": :", "%YAML 1.2\n---\na: b",
	} {
		f.Add([]byte(text))
	}
	env := variables(map[string]string{"BOB": "bob-key-0123456789", "ONE": "sk-one"})
	f.Fuzz(func(t *testing.T, data []byte) {
		defer time.AfterFunc(10*time.Second, func() { panic("hangs") }).Stop()
		c, err := parse("mom.yaml", data, env)
		if err != nil {
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("an error of another kind: %v", err)
			}
			for _, p := range problems {
				if p.File != "mom.yaml" || p.What == "" || strings.ContainsAny(p.Error(), "\n\r") || p.Line < 0 || p.Column < 0 {
					t.Fatalf("%#v", p)
				}
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("loads, but is not valid: %v", err)
		}
		if len(c.Explain()) < 30 {
			t.Fatal("explains little")
		}
		c.Warnings()
	})
}
