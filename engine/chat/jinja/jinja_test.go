package jinja

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// now is the time of the goldens.
var now = time.Date(2026, 3, 7, 15, 4, 5, 0, time.UTC)

func unzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type snippets struct {
	Vars     json.RawMessage `json:"vars"`
	Snippets [][]string      `json:"snippets"` // source, output; or source, "error", why
}

func readSnippets(t testing.TB) (s snippets, vars *Dict) {
	path := os.Getenv("MOM_SNIPPETS") // others, for a longer search
	if path == "" {
		path = "testdata/snippets.json.gz"
	}
	if err := json.Unmarshal(unzip(t, path), &s); err != nil {
		t.Fatal(err)
	}
	v, err := FromJSON(s.Vars)
	if err != nil {
		t.Fatal(err)
	}
	return s, v.(*Dict)
}

func render(source string, vars *Dict) (string, error) {
	t, err := Parse("test", source)
	if err != nil {
		return "", err
	}
	out, err := t.Render(nil, vars, now, DefaultLimits(1000))
	return string(out), err
}

// Every piece of a template prints what Jinja2 prints, and is an error where it
// is one in Python. What is not supported is an error too, that says so.
func TestSnippets(t *testing.T) {
	s, vars := readSnippets(t)
	unsupported := 0
	for _, c := range s.Snippets {
		got, err := render(c[0], vars)
		switch {
		case len(c) == 3 && err == nil:
			t.Errorf("%q: printed %q, but in Python: %s", c[0], got, c[2])
		case len(c) == 2 && err != nil && strings.Contains(err.Error(), "not supported"):
			unsupported++
			t.Logf("%q: %v", c[0], err)
		case len(c) == 2 && err != nil:
			t.Errorf("%q: %v\nwant %q", c[0], err, c[1])
		case len(c) == 2 && got != c[1]:
			t.Errorf("%q:\n got %q\nwant %q", c[0], got, c[1])
		}
	}
	if unsupported > len(s.Snippets)/40 {
		t.Errorf("%d of %d are not supported", unsupported, len(s.Snippets))
	}
}
