package grammar

import (
	"math/rand/v2"
	"regexp"
	"testing"
	"time"
)

// write writes a text with random tokens of a small vocabulary.
func write(t *testing.T, g *Grammar) []byte {
	rng := rand.New(rand.NewPCG(7, 7))
	v, eos := randomVocabulary(rng, 40)
	s := g.Bind(v).Start()
	if err := s.Limit(g.MinBytes() + 60); err != nil {
		t.Fatal(err)
	}
	out := sample(t, rng, s, v, eos, 0.5)
	if len(out) > g.MaxBytes() {
		t.Fatalf("%d bytes, more than %d", len(out), g.MaxBytes())
	}
	return out
}

// FuzzJSONSchema: any schema is refused in time, or gives texts that a second
// grammar of it takes too.
func FuzzJSONSchema(f *testing.F) {
	m := &schemaMaker{rng: rand.New(rand.NewPCG(8, 8))}
	for range 30 {
		f.Add(m.schema())
	}
	f.Add(routeSchema)
	f.Fuzz(func(t *testing.T, schema string) {
		o := Options{MaxBytes: 2000, States: 1 << 12, Depth: 8, SchemaBytes: 4096}
		began := cpuTime()
		g, err := o.JSONSchema([]byte(schema))
		if spent := cpuTime() - began; spent > 5*time.Second {
			t.Fatalf("took %v", spent)
		}
		if err != nil {
			if _, ok := err.(*Error); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if g.MinBytes() > g.MaxBytes() || g.MaxBytes() > 2000 {
			t.Fatalf("%d..%d bytes", g.MinBytes(), g.MaxBytes())
		}
		out := write(t, g)
		if _, err := parseNode(out); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if !accepts(g, string(out)) {
			t.Fatalf("%q is not accepted byte by byte", out)
		}
	})
}

// FuzzRegex: what is written matches, by package regexp.
func FuzzRegex(f *testing.F) {
	rng := rand.New(rand.NewPCG(9, 9))
	for range 30 {
		f.Add(randomPattern(rng, 3))
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		g, err := Options{States: 1 << 12, TextBytes: 100}.Regex(pattern)
		if err != nil {
			return
		}
		re := regexp.MustCompile(pattern)
		re.Longest() // from the leftmost place on: the whole text, if it matches as a whole
		out := write(t, g)
		if at := re.FindIndex(out); at == nil || at[0] != 0 || at[1] != len(out) {
			t.Fatalf("%q does not match %q", out, pattern)
		}
	})
}
