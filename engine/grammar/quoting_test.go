package grammar

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestQuoting(t *testing.T) {
	const text = "Don't trust the lab's 3.5 % result,  said Zoë 'the fox'\nWhy does 'it' drift?"
	g, err := Quoting(text, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{"It's about 'drift' in a lab.", true},
		{" The 'lab's 3.5 % result' is measured. 'drift' isn't.", true},
		{"'Don't trust the lab's 3.5' is physics, 3.5 times.", true},
		{"'said Zoë' is talk", true},
		{"Nothing is quoted.", false},
		{"The 'result, said' goes across two spaces.", false},
		{"The 'fox Why' goes across lines.", false},
		{"The 'laboratory' is not in the text.", false},
		{"The 'dri' is no word.", false},
		{"The 'drift's not closed", false},
		{"One 'drift', two 'Zoë', three 'result'.", false},
		{"One 'drift'. Two. Three.", false},
		{"A 'drift'\nand a line.", false},
		{"A 'drift' of 3.5 here.", true},
		{"A 'drift'.Then more.", false},
		{"It is physics. A 'drift' is.", false},
		{"It is physics; a 'drift' is.", false},
		{"A 'drift", false},
		{"", false},
	} {
		if got := g.rules[g.root].dfa.matches(c.text); got != c.ok {
			t.Errorf("%q: %v", c.text, got)
		}
	}
	for _, empty := range []string{"", " \n\t", "?! ...", "'"} {
		if _, err := Quoting(empty, 1); err == nil {
			t.Errorf("%q can be quoted", empty)
		}
		if g, err := Quoting(empty, 0); err != nil || !g.rules[g.root].dfa.matches("Nothing to quote.") {
			t.Errorf("%q: prose without quotes: %v", empty, err)
		}
	}
}

// TestQuotingLetters: where words have no spaces, letters in a row are quoted.
func TestQuotingLetters(t *testing.T) {
	g, err := Quoting("緊急地震速報はなぜGPS衛星より先に届くの? ok 銀", 1)
	if err != nil {
		t.Fatal(err)
	}
	for said, ok := range map[string]bool{
		"A '地震速報' is physics": true, "'緊急地震速報はな' is": true, "'緊急地震速報はなぜ' is": false, "'GPS衛星' is": true, "'なぜGPS' is": true,
		"'PS衛星' is": false, "'なぜGP' is": false, "'震' is": false, "'の?' is": false, "'ok' is": true, "'銀' is": true, "'速報は ok' is": false, "'地報' is": false,
	} {
		if got := g.rules[g.root].dfa.matches(said); got != ok {
			t.Errorf("%q: %v", said, got)
		}
	}
	long, err := Quoting(strings.Repeat("緊急地震速報はなぜ揺れより先に届くの", 4000), 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(long.rules[long.root].dfa.accept); n > 100_000 {
		t.Errorf("%d states", n)
	}
}

// TestQuotingWalks: whatever the automaton allows quotes the text alone, by the
// words of a regular expression that knows nothing of it.
func TestQuotingWalks(t *testing.T) {
	quote := regexp.MustCompile(`(^|[^\pL\pN_])'([^']+(?:'[\pL\pN_][^']*)*)'`)
	rnd := rand.New(rand.NewPCG(1, 2))
	letters := []rune("ab 'c.é\n,-%1'日 ")
	for range 300 {
		var text strings.Builder
		for range rnd.IntN(60) {
			text.WriteRune(letters[rnd.IntN(len(letters))])
		}
		g, err := Quoting(text.String(), 0)
		if err != nil {
			t.Fatal(err)
		}
		d := g.rules[g.root].dfa
		for range 20 {
			var said []byte
			s := int32(0)
			for len(said) < 200 && (!d.accept[s] || rnd.IntN(12) > 0) {
				e := d.edges[d.first[s]:d.first[s+1]]
				if len(e) == 0 {
					break
				}
				x := e[rnd.IntN(len(e))]
				said = append(said, x.lo+byte(rnd.IntN(int(x.hi-x.lo)+1)))
				s = x.next
			}
			if !d.accept[s] {
				continue
			}
			if !utf8.Valid(said) {
				t.Fatalf("%q is not UTF-8", said)
			}
			for _, m := range quote.FindAllSubmatch(said, -1) {
				if !strings.Contains(text.String(), string(m[2])) {
					t.Fatalf("%q quotes %q, which %q does not say", said, m[2], text.String())
				}
			}
		}
	}
}

func TestQuotingBounds(t *testing.T) {
	long := strings.Repeat("Lorem ipsum dolor sit amet consectetur ", 4000)
	g, err := Quoting(long, 2)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(g.rules[g.root].dfa.accept); n > 100_000 {
		t.Errorf("%d states", n)
	}
	if _, err := Quoting(strings.Repeat("x", 1<<20)+" a", 1); err != nil {
		t.Errorf("a word of a megabyte: %v", err)
	}
	if _, err := Quoting("a", 3); err == nil {
		t.Error("three quotes are allowed")
	}
}

func BenchmarkQuoting(b *testing.B) {
	text := "A man works at a tire warehouse, where his job duties consist of loading tires onto trucks. The job is exhausting, and the warehouse is always short of people."
	for b.Loop() {
		if _, err := Quoting(text, 2); err != nil {
			b.Fatal(err)
		}
	}
}
