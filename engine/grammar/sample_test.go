package grammar

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// oracle is a validator that knows nothing of this package.
func oracle(t testing.TB, schema string) func(text []byte) error {
	t.Helper()
	schema = strings.ReplaceAll(schema, `"type":"string","nullable":true`, `"type":["string","null"]`) // OpenAPI's word for it
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(schema)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, schema)
	}
	return func(text []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return s.Validate(v)
	}
}

func has(mask []uint64, id int) bool { return mask[id>>6]>>(id&63)&1 != 0 }

// sample writes a text with random tokens. It holds the mask against the tokens one
// by one now and then, and forced stretches against the mask.
func sample(t *testing.T, rng *rand.Rand, s *State, v *Vocabulary, eos int32, end float64) []byte {
	t.Helper()
	var out []byte
	var ids []int
	max := s.b.g.MaxBytes()
	for {
		mask := s.Mask()
		ids = ids[:0]
		for id := range v.Len() {
			if has(mask, id) {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 {
			t.Fatalf("no token may follow %q", out)
		}
		if has(mask, int(eos)) != s.Done() {
			t.Fatalf("after %q EOS is allowed: %v, done: %v", out, has(mask, int(eos)), s.Done())
		}
		if rng.IntN(80) == 0 {
			mask = slices.Clone(mask)
			for id := range v.Len() {
				if err := s.Clone().Accept(int32(id)); (err == nil) != has(mask, id) {
					t.Fatalf("after %q token %q is allowed: %v, accepted: %v", out, v.pieces[id], has(mask, id), err)
				}
			}
		}
		if rng.IntN(30) == 0 {
			checkForced(t, s, out)
		}
		id := ids[rng.IntN(len(ids))]
		if s.Done() && rng.Float64() < end {
			id = int(eos)
		}
		if err := s.Accept(int32(id)); err != nil {
			t.Fatalf("after %q: %v", out, err)
		}
		if id == int(eos) {
			break
		}
		if out = append(out, v.pieces[id]...); len(out)+s.MinBytes() > max {
			t.Fatalf("%q needs %d more bytes, of %d", out, s.MinBytes(), max)
		}
	}
	if slices.Max(s.Mask()) != 0 {
		t.Fatal("tokens are allowed after EOS")
	}
	return out
}

func checkForced(t *testing.T, s *State, out []byte) {
	t.Helper()
	forced := s.Forced(nil)
	if len(forced) == 0 {
		return
	}
	c := s.Clone()
	for i, b := range forced[:min(len(forced), 40)] {
		for other := range 256 {
			if err := c.Clone().AcceptBytes([]byte{byte(other)}); (err == nil) != (byte(other) == b) {
				t.Fatalf("after %q+%q, forced %q: byte %#x gives %v", out, forced[:i], forced, other, err)
			}
		}
		if c.Done() {
			t.Fatalf("after %q+%q, forced %q: the text may end", out, forced[:i], forced)
		}
		if err := c.AcceptBytes(forced[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
}

// The whole is `go test ./engine/grammar -run Random -cases 10000`, most of a minute.
var cases = flag.Int("cases", 2500, "random grammars of TestRandom")

// TestRandom samples from random grammars with random tokens: all that is complete
// must be valid and within MaxBytes, and nothing may come to a dead end.
func TestRandom(t *testing.T) {
	n := *cases
	if testing.Short() {
		n = 1000
	}
	for part := range 4 {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(part), 6))
			maker := &schemaMaker{rng: rng}
			refused := 0
			for range n / 4 {
				var text string
				switch k := rng.IntN(10); {
				case k < 6:
					text = maker.schema()
				case k < 8:
					text = randomPattern(rng, 1+rng.IntN(4))
				}
				if !sampleCase(t, rng, text, nil) {
					refused++
				}
			}
			if refused > n/4/8 {
				t.Errorf("%d of %d cases were refused", refused, n/4)
			}
		})
	}
}

// sampleCase is false when there is no grammar.
func sampleCase(t *testing.T, rng *rand.Rand, text string, missing []byte) bool {
	t.Helper()
	o := Options{StringBytes: 1 + rng.IntN(40), Items: 1 + rng.IntN(4), MaxBytes: 200 + rng.IntN(2000), Digits: 1 + rng.IntN(18),
		TextBytes: 1 + rng.IntN(60), Depth: 4 + rng.IntN(6), Spaced: rng.IntN(2) == 0}
	var g *Grammar
	var err error
	var valid func(out []byte) error
	var words []string
	switch {
	case text == "":
		labels := randomLabels(rng)
		words = labels
		g, err = o.Labels(labels)
		valid = func(out []byte) error {
			if !slices.Contains(labels, string(out)) {
				return fmt.Errorf("no label: %q", labels)
			}
			return nil
		}
	case text[0] == '{' || text == "true":
		g, err = o.JSONSchema([]byte(text))
		valid = oracle(t, text)
	default:
		g, err = o.Regex(text)
		re := regexp.MustCompile(`^(?:` + text + `)$`)
		valid = func(out []byte) error {
			if !re.Match(out) {
				return fmt.Errorf("no match")
			}
			return nil
		}
	}
	if err != nil {
		if _, ok := err.(*Error); !ok {
			t.Fatalf("%T: %v", err, err)
		}
		t.Logf("%v\n%s", err, text)
		return false
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	v, eos := randomVocabulary(rng, 60+rng.IntN(100), words...)
	if missing != nil {
		full := v
		v = lacking(full, eos, missing)
		b := g.Bind(v)
		if b.Err() != nil {
			checkRefused(t, rng, g, b.Err(), full, eos, missing, text)
			return false
		}
		if g = b.Grammar(); !bytes.Equal(v.Missing(), missing) {
			t.Fatalf("missing %q, want %q", v.Missing(), missing)
		}
	}
	s := g.Bind(v).Start()
	for range 2 {
		s.Reset()
		if rng.IntN(4) == 0 {
			if err := s.Limit(g.MinBytes() + rng.IntN(40)); err != nil {
				t.Fatal(err)
			}
		}
		limit := int(s.left)
		out := sample(t, rng, s, v, eos, 0.3)
		if slices.ContainsFunc(out, func(b byte) bool { return slices.Contains(missing, b) }) {
			t.Fatalf("%q has one of the missing bytes %q", out, missing)
		}
		if err := valid(out); err != nil {
			t.Fatalf("%v\ntext   %q\ngrammar %s\noptions %+v", err, out, text, o)
		}
		if len(out) > g.MaxBytes() || len(out) > limit {
			t.Fatalf("%d bytes, more than %d, %d: %q\n%s", len(out), g.MaxBytes(), limit, out, text)
		}
	}
	return true
}
