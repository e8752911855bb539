package chat

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mom/engine/chat/jinja"
	"mom/models/gguf"
)

// now is the time of the goldens.
var now = time.Date(2026, 3, 7, 15, 4, 5, 0, time.UTC)

// golden is what train/goldens_chat.py wrote of one template.
type golden struct {
	SHA256  string                     `json:"sha256"` // of a template that is not in testdata, as JSON
	Special map[string]string          `json:"special"`
	Outputs map[string]json.RawMessage `json:"outputs"` // a string, or {"error": "…"}
}

type testCase struct {
	Messages         json.RawMessage `json:"messages"`
	Tools            json.RawMessage `json:"tools"`
	Documents        json.RawMessage `json:"documents"`
	Variables        json.RawMessage `json:"variables"`
	GenerationPrompt bool            `json:"add_generation_prompt"`
	Continue         bool            `json:"continue_final_message"`
}

func readGoldens(t testing.TB) (map[string]*golden, map[string]testCase) {
	t.Helper()
	f, err := os.Open("testdata/goldens.json.gz")
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
	var goldens map[string]*golden
	if err := json.Unmarshal(data, &goldens); err != nil {
		t.Fatal(err)
	}
	var cases map[string]testCase
	if data, err = os.ReadFile("testdata/cases.json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return goldens, cases
}

// cacheFolder is where testdata/fetch.sh puts templates.
func cacheFolder() string {
	if dir := os.Getenv("MOM_TEMPLATES"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "no such folder"
	}
	return filepath.Join(dir, "mom-templates")
}

// template finds a template of the goldens; it skips the test where it is not to
// be had, or is another than that of the goldens.
func template(t testing.TB, name string, g *golden) *Template {
	t.Helper()
	sources, special := map[string]string{}, g.Special
	file := filepath.Join(cacheFolder(), name)
	switch {
	case g.SHA256 == "":
		data, err := os.ReadFile(filepath.Join("testdata/templates", name+".jinja"))
		if err != nil {
			t.Fatal(err)
		}
		sources[Default] = string(data)
	case name == "smollm2":
		dir := os.Getenv("MOM_GGUF")
		if dir == "" {
			dir = filepath.Join(filepath.Dir(cacheFolder()), "mom-gguf")
		}
		f, err := gguf.Open(filepath.Join(dir, "SmolLM2-135M-Instruct.Q4_1.gguf"))
		if err != nil {
			t.Skip("no SmolLM2-135M-Instruct.Q4_1.gguf; models/gguf/testdata/fetch.sh gets it")
		}
		defer f.Close()
		if sources[Default], err = f.ChatTemplate(""); err != nil {
			t.Fatal(err)
		}
		if special, err = f.Special(); err != nil {
			t.Fatal(err)
		}
	default:
		if data, err := os.ReadFile(file + ".jinja"); err == nil {
			sources[Default] = string(data)
			break
		}
		data, err := os.ReadFile(file + ".tokenizer_config.json")
		if err != nil {
			t.Skipf("no template %s; testdata/fetch.sh gets it", name)
		}
		c, err := ParseConfig(data)
		if err != nil {
			t.Fatal(err)
		}
		sources, special = c.Templates, c.Special
	}
	if g.SHA256 != "" && fingerprint(sources[Default]) != g.SHA256 {
		t.Skipf("%s is another template than that of the goldens", name)
	}
	for k, v := range g.Special {
		if special[k] != v {
			t.Errorf("%s is %q, want %q", k, special[k], v)
		}
	}
	tmpl, err := New(name, sources, special)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// fingerprint is the hash of a template as Python's json.dumps writes it.
func fingerprint(source string) string {
	d, in := &jinja.Dict{}, ""
	d.Set("s", source)
	tmpl, err := jinja.Parse("fingerprint", "{{ s|tojson(true) }}")
	if err == nil {
		var out []byte
		out, err = tmpl.Render(nil, d, now, jinja.DefaultLimits(1<<20))
		in = string(out)
	}
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256([]byte(in))
	return hex.EncodeToString(sum[:])
}

// Every template prints for every case what apply_chat_template prints, and is an
// error where it is one there; a template's own refusal has the same words.
func TestGoldens(t *testing.T) {
	goldens, cases := readGoldens(t)
	for name, g := range goldens {
		t.Run(name, func(t *testing.T) {
			tmpl := template(t, name, g)
			for k, c := range cases {
				r := &Request{Messages: c.Messages, Tools: c.Tools, Documents: c.Documents, Variables: c.Variables,
					GenerationPrompt: c.GenerationPrompt, Continue: c.Continue, Now: now}
				out, err := tmpl.Render([]byte("x"), r)
				compare(t, k, string(out), err, g.Outputs[k])
			}
		})
	}
}

func compare(t *testing.T, name, got string, err error, golden json.RawMessage) {
	t.Helper()
	var want string
	var fails struct{ Error string }
	if json.Unmarshal(golden, &want) == nil {
		if err != nil {
			t.Errorf("%s: %v\nwant %q", name, err, want)
		} else if got != "x"+want {
			t.Errorf("%s:\n got %q\nwant %q", name, got[1:], want)
		}
		return
	}
	if json.Unmarshal(golden, &fails) != nil || fails.Error == "" {
		t.Fatalf("%s: no golden", name)
	}
	if err == nil {
		t.Errorf("%s: printed %q, but in Python: %s", name, got[1:], fails.Error)
		return
	}
	var e *jinja.Error
	if words, ok := strings.CutPrefix(fails.Error, "TemplateError: "); ok && (!errors.As(err, &e) || e.Kind != jinja.Raised || e.Reason != words) {
		t.Errorf("%s: %v, want %s", name, err, fails.Error)
	}
}
