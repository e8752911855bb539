package explain

import (
	"math/rand/v2"
	"slices"
	"testing"

	"mom/engine/grammar"
)

// TestNaming: whatever is written by its masks ends only once the name is there, and
// can always go on.
func TestNaming(t *testing.T) {
	var pieces [][]byte
	for _, p := range []string{"", "law", " law", " a", "b", "'", " '", ".", " Law", "2.5", "?", " court", "court", ";", " outlaw", " é", "\xc3", "\xa9", "s", "a", "c", "f", "l", "o", "r", "t", "u", "w", " "} {
		pieces = append(pieces, []byte(p))
	}
	const end = 0
	words := grammar.NewVocabulary(pieces, end)
	g, err := grammar.Quoting("a court of law", 1)
	if err != nil {
		t.Fatal(err)
	}
	bound := g.Bind(words)
	rnd := rand.New(rand.NewPCG(3, 4))
	ended := 0
	for range 2000 {
		n := &naming{Constraint: bound.Start(), name: "law", pieces: pieces, ends: []int32{end}, points: pointed(pieces)}
		var said []byte
		for range 40 {
			mask := n.Mask()
			var may []int32
			for id := range int32(len(pieces)) {
				if mask[id/64]>>(id%64)&1 == 1 {
					may = append(may, id)
				}
			}
			if len(may) == 0 {
				t.Fatalf("nothing may follow %q", said)
			}
			id := may[rnd.IntN(len(may))]
			if slices.Contains(may, end) != n.Done() {
				t.Fatalf("%q: done %v, may end %v", said, n.Done(), slices.Contains(may, end))
			}
			if err := n.Accept(id); err != nil {
				t.Fatal(err)
			}
			if id == end {
				ended++
				if !hasWord(outsideQuotes(string(said)), "law") {
					t.Fatalf("%q has ended", said)
				}
				break
			}
			said = append(said, pieces[id]...)
		}
	}
	if ended < 200 {
		t.Errorf("only %d texts ended", ended)
	}
	// Where there is no room, the name is given up.
	n := &naming{Constraint: bound.Start(), name: "law", pieces: pieces, ends: []int32{end}, points: pointed(pieces)}
	least := n.Constraint.MinBytes()
	if n.MinBytes() != least+5 || n.Limit(least+4) != nil || n.MinBytes() != least {
		t.Errorf("%d bytes suffice, and %d without the name", n.MinBytes(), least)
	}
}

func TestOutsideQuotes(t *testing.T) {
	for text, want := range map[string]string{
		"A 'court of law' is law":         "A   is law",
		"it's about 'the lab's law' here": "it's about   here",
		"'open and never closed law":      "",
		"é'x 'law' é":                     "é'x   é",
		"two 'a' and 'b'.":                "two   and  .",
		"bad \xff 'law'":                  "bad \ufffd  ",
		"":                                "",
	} {
		if got := outsideQuotes(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestHasWord(t *testing.T) {
	for _, c := range []struct {
		text, name string
		want       bool
	}{
		{"is law.", "law", true}, {"Law is", "law", true}, {"lawful outlaw", "law", false}, {"outlaw, law's", "law", true},
		{"not computer Science", "computer science", true}, {"computer sciences", "computer science", false}, {"élaw", "law", false}, {"", "law", false},
	} {
		if got := hasWord(c.text, c.name); got != c.want {
			t.Errorf("%q in %q: %v", c.name, c.text, got)
		}
	}
}
