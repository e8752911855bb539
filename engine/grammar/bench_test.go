package grammar

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// bigVocabulary has as many pieces as SmolLM2's, and pieces like those: words with
// and without a space before them, parts of words, marks, JSON, other scripts.
func bigVocabulary() (*Vocabulary, int32) {
	const n = 49152
	rng := rand.New(rand.NewPCG(1, 49152))
	var pieces [][]byte
	seen := map[string]bool{}
	add := func(p string) {
		if !seen[p] && len(pieces) < n-1 {
			seen[p] = true
			pieces = append(pieces, []byte(p))
		}
	}
	for b := range 256 {
		add(string([]byte{byte(b)}))
	}
	marks := []string{`"`, `":`, `",`, `"}`, `"]`, `":"`, `","`, `"},{"`, `{"`, `[{`, `}}`, `]]`, `}]}`, `}}}}`, "...", "--", "==", "\n\n", "  ", "    ", `\"`, `\n`, `://`, `";`}
	for _, m := range marks {
		add(m)
	}
	for _, m := range marks {
		for range 10 {
			add(word(rng, 'a', 26, 1+rng.IntN(4)) + m)
		}
	}
	for len(pieces) < n-1 {
		switch rng.IntN(12) {
		case 0:
			add(word(rng, '0', 10, 1+rng.IntN(4)))
		case 1:
			add(word(rng, 'α', 25, 1+rng.IntN(4)))
		case 2:
			add(word(rng, '一', 2000, 1+rng.IntN(2)))
		case 3, 4, 5, 6:
			add(word(rng, 'a', 26, 1+rng.IntN(8)))
		default:
			add(" " + word(rng, 'a', 26, 2+rng.IntN(8)))
		}
	}
	pieces = append(pieces, []byte("<|im_end|>"))
	return NewVocabulary(pieces, n-1), n - 1
}

func word(rng *rand.Rand, first rune, of, length int) string {
	w := make([]rune, length)
	for i := range w {
		w[i] = first + rune(min(rng.IntN(of), rng.IntN(of)))
	}
	return string(w)
}

const routeSchema = `{"type":"object","properties":{
	"model":{"enum":["small","medium","large"]},
	"difficulty":{"type":"integer","minimum":1,"maximum":5},
	"reason":{"type":"string","maxLength":200},
	"needs_tools":{"type":"boolean"},
	"confidence":{"type":"number","minimum":0,"maximum":1}},
	"required":["model","difficulty","reason","needs_tools","confidence"],"additionalProperties":false}`

var benchGrammars = []struct {
	name string
	make func() (*Grammar, error)
}{
	{"route", func() (*Grammar, error) { return JSONSchema([]byte(routeSchema)) }},
	{"any", func() (*Grammar, error) { return JSONSchema([]byte(`{"type":"object"}`)) }},
	{"regex", func() (*Grammar, error) { return Regex(`(?:\pL+[ ,.]){1,40}`) }},
	{"labels", func() (*Grammar, error) { return Labels([]string{"law", "math", "history", "biology", "other"}) }},
}

// path is tokens of one text, each the first one allowed from a random place on.
func path(b *Bound, eos int32, rng *rand.Rand) []int32 {
	var out []int32
	for s := b.Start(); ; {
		mask := s.Mask()
		id := rng.IntN(b.v.Len())
		for !has(mask, id) {
			id = (id + 1) % b.v.Len()
		}
		if s.Accept(int32(id)) != nil {
			panic("BUG: not accepted")
		}
		if out = append(out, int32(id)); id == int(eos) {
			return out
		}
	}
}

// BenchmarkToken is the cost of a mask and an accepted token, all masks being kept
// from the text before (warm), or none (cold).
func BenchmarkToken(b *testing.B) {
	v, eos := bigVocabulary()
	for _, c := range benchGrammars {
		g, err := c.make()
		if err != nil {
			b.Fatal(err)
		}
		for _, warm := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/warm=%v", c.name, warm), func(b *testing.B) {
				bound := g.Bind(v)
				tokens := path(bound, eos, rand.New(rand.NewPCG(1, 1)))
				s := bound.Start()
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i == len(tokens) {
						i = 0
						s.Reset()
					}
					if !warm {
						bound.masks = generations{most: bound.masks.most}
					}
					sink = s.Mask()
					if err := s.Accept(tokens[i]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkText is the cost of a mask and a token over a whole text whose masks
// are not there yet: what the first request with a schema pays.
func BenchmarkText(b *testing.B) {
	v, eos := bigVocabulary()
	for _, c := range benchGrammars {
		b.Run(c.name, func(b *testing.B) {
			g, err := c.make()
			if err != nil {
				b.Fatal(err)
			}
			tokens := path(g.Bind(v), eos, rand.New(rand.NewPCG(1, 1)))
			for b.Loop() {
				s := g.Bind(v).Start()
				for _, t := range tokens {
					sink = s.Mask()
					if err := s.Accept(t); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(tokens)), "ns/token")
		})
	}
}

// BenchmarkBuild is what a new schema costs before its first mask.
func BenchmarkBuild(b *testing.B) {
	for _, c := range benchGrammars {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.make(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("vocabulary", func(b *testing.B) {
		v, _ := bigVocabulary()
		for b.Loop() {
			NewVocabulary(v.pieces, v.eos...)
		}
	})
	b.Run("formats", func(b *testing.B) {
		for b.Loop() {
			for f := range formats {
				if _, err := JSONSchema([]byte(`{"type":"string","format":"` + f + `"}`)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

var sink []uint64
