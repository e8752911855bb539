package grammar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// lacking is v without the tokens that are one of the bytes.
func lacking(v *Vocabulary, eos int32, missing []byte) *Vocabulary {
	pieces := slices.Clone(v.pieces)
	for _, b := range missing {
		for id, p := range pieces {
			if len(p) == 1 && p[0] == b {
				pieces[id] = nil
			}
		}
	}
	return NewVocabulary(pieces, eos)
}

// checkRefused wants every text of g, as far as some are tried, to have one of the
// bytes, and the error to name one.
func checkRefused(t *testing.T, rng *rand.Rand, g *Grammar, err error, full *Vocabulary, eos int32, missing []byte, text string) {
	t.Helper()
	if !strings.HasPrefix(err.Error(), "grammar: the vocabulary cannot write it: no token is ") {
		t.Fatalf("%v", err)
	}
	s := g.Bind(full).Start()
	for range 4 {
		s.Reset()
		out := sample(t, rng, s, full, eos, 0.5)
		if !slices.ContainsFunc(out, func(b byte) bool { return slices.Contains(missing, b) }) {
			t.Fatalf("%v, but %q needs none of %q\n%s", err, out, missing, text)
		}
	}
}

// TestRandomMissing is TestRandom with vocabularies that lack bytes: a grammar is
// refused at once, or all that is sampled from it ends and is valid.
func TestRandomMissing(t *testing.T) {
	n := *cases
	if testing.Short() {
		n = 1000
	}
	const usual = `{}[]":, abcdefuxn\0123456789-.eE+tlr` + "\xc3\xa9\xe6\x97\xa5\x80\x81"
	for part := range 4 {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(part), 7))
			maker := &schemaMaker{rng: rng}
			met := 0
			for range n / 4 {
				var text string
				switch k := rng.IntN(10); {
				case k < 6:
					text = maker.schema()
				case k < 8:
					text = randomPattern(rng, 1+rng.IntN(4))
				}
				var lack byteSet
				for range 1 + rng.IntN([]int{1, 3, 40, 200}[rng.IntN(4)]) {
					b := byte(rng.IntN(256))
					if rng.IntN(3) == 0 {
						b = usual[rng.IntN(len(usual))]
					}
					lack.add(b, b)
				}
				if rng.IntN(10) == 0 { // a whole class
					r := [][2]byte{{0, 31}, {128, 191}, {192, 255}, {'0', '9'}, {' ', 127}, {'a', 'z'}}[rng.IntN(6)]
					lack.add(r[0], r[1])
				}
				var missing []byte
				for b := range 256 {
					if lack.has(byte(b)) {
						missing = append(missing, byte(b))
					}
				}
				if sampleCase(t, rng, text, missing) {
					met++
				}
			}
			if met < n/4/5 || met > n/4*9/10 {
				t.Errorf("%d of %d cases were met", met, n/4)
			}
		})
	}
}

// What is left out, by the texts that stay.
func TestMissing(t *testing.T) {
	for _, c := range []struct {
		kind, text, missing string
		want, err           string // a text that may be written; or the end of the error
	}{
		{"labels", "law\nart", "l", "art", ""},
		{"labels", "law\nart", "a", "", `no token is the byte 'a'`},
		{"regex", `[a-c]{2}`, "abc", "", `no token is one of the bytes 'a', 'b', 'c'`},
		{"regex", `(ax|b)y`, "x", "by", ""},
		{"regex", "\x04|\xc3\xa9", "\x04", "é", ""},
		{"regex", "\x04", "\x04\x06", "", `no token is the byte 0x04`},
		{"schema", `{"type":"object","properties":{"law":{"type":"null"},"art":{"type":"boolean"}},"additionalProperties":false}`, "w", `{"art":true}`, ""},
		{"schema", `{"type":"object","properties":{"law":{"type":"null"}},"required":["law"]}`, "w", "", `no token is the byte 'w'`},
		{"schema", `{"type":"object","properties":{"a":{"const":"x"},"b":{"const":"y"}},"required":["b"],"additionalProperties":false}`, ",", `{"b":"y"}`, ""},
		{"schema", `{"type":"object","properties":{"a":{"const":"x"},"b":{"const":"y"}},"required":["a","b"]}`, ",", "", `no token is the byte ','`},
		{"schema", `{"type":"array","items":{"const":1},"maxItems":3}`, ",", `[1]`, ""},
		{"schema", `{"type":"array","items":{"const":1},"minItems":2}`, ",", "", `no token is the byte ','`},
		{"schema", `{"anyOf":[{"type":"array"},{"const":7}]}`, "[", `7`, ""},
		{"schema", `{"type":"string","minLength":1,"maxLength":1}`, "a\x80", `"b"`, ""},
		{"schema", `{"type":"integer","minimum":3,"maximum":4}`, "3", `4`, ""},
	} {
		var g *Grammar
		var err error
		switch c.kind {
		case "labels":
			g, err = Labels(strings.Split(c.text, "\n"))
		case "regex":
			g, err = Regex(c.text)
		default:
			g, err = JSONSchema([]byte(c.text))
		}
		if err != nil {
			t.Fatal(err)
		}
		full, eos := randomVocabulary(rand.New(rand.NewPCG(1, 1)), 20)
		b := g.Bind(lacking(full, eos, []byte(c.missing)))
		if c.err != "" {
			if err := b.Err(); err == nil || !strings.HasSuffix(err.Error(), ": "+c.err) {
				t.Errorf("%s without %q: %v, want …%s", c.text, c.missing, err, c.err)
			}
			continue
		}
		if b.Err() != nil {
			t.Errorf("%s without %q: %v", c.text, c.missing, b.Err())
			continue
		}
		s := b.Start()
		if err := s.AcceptBytes([]byte(c.want)); err != nil || !s.Done() {
			t.Errorf("%s without %q: %s may not be written: %v", c.text, c.missing, c.want, err)
		}
		if g.Bind(full).Grammar() != g {
			t.Errorf("%s: another grammar for a vocabulary of all bytes", c.text)
		}
	}
}
