package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// testTokenizers are small ones of every family, without the byte models.
func testTokenizers(t testing.TB) map[string]*Tokenizer {
	toks := map[string]*Tokenizer{}
	for _, s := range readSmall(t) {
		if strings.HasPrefix(s.Name, "norm-") || strings.HasPrefix(s.Name, "split-") || strings.HasPrefix(s.Name, "p") {
			continue
		}
		tok, err := Parse(s.Name, s.Tokenizer)
		if err != nil {
			t.Fatal(err)
		}
		toks[s.Name] = tok
	}
	if len(toks) < 8 {
		t.Fatalf("only %d tokenizers", len(toks))
	}
	return toks
}

// copyOf is what an Encoding holds.
func copyOf(e *Encoding) Encoding {
	return Encoding{IDs: slices.Clone(e.IDs), Offsets: slices.Clone(e.Offsets), Words: slices.Clone(e.Words)}
}

func sameEncoding(a, b *Encoding) bool {
	return slices.Equal(a.IDs, b.IDs) && slices.Equal(a.Offsets, b.Offsets) && slices.Equal(a.Words, b.Words)
}

// After a first call with the same texts nothing is allocated.
func TestEncodeAllocates(t *testing.T) {
	texts := goldenStrings(t)[:600]
	for name, tok := range testTokenizers(t) {
		var e Encoding
		run := func() {
			for _, text := range texts {
				if err := tok.EncodeSpecial(&e, text); err != nil {
					t.Fatal(err)
				}
			}
		}
		run()
		if n := testing.AllocsPerRun(3, run); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Goroutines that share a tokenizer, and so its cache, get what each alone gets,
// and do not allocate either.
func TestConcurrentUse(t *testing.T) {
	texts := goldenStrings(t)[:1200]
	for name, tok := range testTokenizers(t) {
		fresh := make([]Encoding, len(texts))
		var e Encoding
		for i, text := range texts {
			if err := tok.Encode(&e, text); err != nil {
				t.Fatal(err)
			}
			fresh[i] = copyOf(&e)
		}
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				var e Encoding
				for round := range 2 {
					r := rand.New(rand.NewPCG(uint64(g), uint64(round)))
					for _, i := range r.Perm(len(texts)) {
						if err := tok.Encode(&e, texts[i]); err != nil {
							t.Error(err)
							return
						}
						if !sameEncoding(&e, &fresh[i]) {
							t.Errorf("%s %.60q: another encoding beside other goroutines", name, texts[i])
							return
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// A megabyte without a place to cut takes well under a second; an eighth of it
// shows as well that no step is quadratic.
func TestLongInputs(t *testing.T) {
	const size = 1 << 20
	inputs := map[string]string{
		"a": "a", "spaces": " ", "combining": "\u0301", "reordered": "\u0301\u0323", "e and marks": "e\u0323\u0301\u0308", "emoji": "👩\u200d", "CJK": "中", "Hangul": "\u1100\u1161\u11a8",
		"apostrophes": "'", "ab": "ab", "newlines": "\r\n", "digits": "7", "metaspace": "▁", "abx": strings.Repeat("q", 90) + " ", "open brackets": "[", "mask": "[MASK", "pipe": "<|", "NUL": "\x00", "bad": "\xff", "cut": "\xe4\xb8", "mixed": "aé中\u0301 ",
		"tab": "\t", "dots": ".", "random letters": "",
	}
	r := rand.New(rand.NewPCG(1, 2))
	letters := make([]byte, size)
	for i := range letters {
		letters[i] = 'a' + byte(r.IntN(26))
	}
	toks := testTokenizers(t)
	for _, name := range []string{"minilm", "modernbert", "qwen3", "llama3", "gemma3", "gemini"} {
		t.Run(name, func(t *testing.T) { toks[name], _ = source(t, name) })
	}
	var e Encoding
	for kind, unit := range inputs {
		text := string(letters)
		if unit != "" {
			text = strings.Repeat(unit, size/len(unit))
		}
		for name, tok := range toks {
			if tok == nil {
				continue
			}
			part := text
			if all := name == "modernbert" || name == "minilm"; !all || !slices.Contains([]string{"a", "combining", "spaces", "random letters"}, kind) {
				part = text[:len(text)/8]
			}
			start := time.Now()
			if err := tok.Encode(&e, part); err != nil {
				t.Errorf("%s of %s: %v", name, kind, err)
			}
			took := time.Since(start)
			if testing.Verbose() && took > 200*time.Millisecond {
				t.Logf("%s of %s: %v", name, kind, took)
			}
			if took > 10*time.Second { // alone it is well below one; the race detector on a busy machine takes longer
				t.Errorf("%s of %s: %v", name, kind, took)
			}
		}
	}
}

// A byte that is not UTF-8 counts as U+FFFD of one byte.
func TestInvalidUTF8(t *testing.T) {
	for name, tok := range testTokenizers(t) {
		var bad, good Encoding
		for _, text := range []string{"\xff", "a\xffb", "caf\xe9 x", "\xe4\xb8", "x\xe4\xb8\xadz", "\xed\xa0\x80", "\xf0\x9f\x98", "\xc0\x80 é\xff中", "\xff\xfe\xfd"} {
			var fixed strings.Builder
			var place []Span // of each byte of fixed in text
			for i := 0; i < len(text); {
				r, n := utf8.DecodeRuneInString(text[i:])
				fixed.WriteRune(r)
				for range utf8.RuneLen(r) {
					place = append(place, Span{i, i + n})
				}
				i += n
			}
			if err := tok.Encode(&bad, text); err != nil {
				t.Fatal(err)
			}
			if err := tok.Encode(&good, fixed.String()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(bad.IDs, good.IDs) {
				t.Errorf("%s %q: ids %v, with U+FFFD %v", name, text, bad.IDs, good.IDs)
				continue
			}
			for i, o := range good.Offsets {
				want := Span{}
				if o.End > o.Start {
					want = Span{place[o.Start].Start, place[o.End-1].End}
				} else if o.Start < len(place) {
					want = Span{place[o.Start].Start, place[o.Start].Start}
				} else {
					want = Span{len(text), len(text)}
				}
				if bad.Offsets[i] != want {
					t.Errorf("%s %q: offset %d is %v, want %v", name, text, i, bad.Offsets[i], want)
				}
			}
		}
	}
}

func TestCodePoints(t *testing.T) {
	text := "aé中😀\xffb"
	spans := []Span{{0, 0}, {0, 1}, {1, 3}, {1, 6}, {3, 10}, {6, 10}, {10, 11}, {11, 12}, {12, 12}, {0, 0}, {3, 6}}
	want := []Span{{0, 0}, {0, 1}, {1, 2}, {1, 3}, {2, 4}, {3, 4}, {4, 5}, {5, 6}, {6, 6}, {0, 0}, {2, 3}}
	if got := CodePoints(text, spans, nil); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	long := strings.Repeat("é", 1<<19)
	spans = spans[:0]
	for i := 0; i < len(long); i += 2 {
		spans = append(spans, Span{i, i + 2})
	}
	start := time.Now()
	got := CodePoints(long, spans, nil)
	if got[len(got)-1] != (Span{1<<19 - 1, 1 << 19}) || time.Since(start) > time.Second {
		t.Errorf("the last of %d is %v, after %v", len(got), got[len(got)-1], time.Since(start))
	}
}

// Every token is found by its name, and the other way round.
func TestTokenNames(t *testing.T) {
	toks := testTokenizers(t)
	for _, name := range []string{"modernbert", "minilm"} {
		t.Run(name, func(t *testing.T) { toks[name], _ = source(t, name) })
	}
	for name, tok := range toks {
		if tok == nil {
			continue
		}
		n := 0
		for id := range int32(tok.VocabSize()) {
			text := tok.Token(id)
			if text == "" {
				continue
			}
			if got, ok := tok.ID(text); !ok || got != id {
				t.Fatalf("%s: id %d is %q, whose id is %d, %v", name, id, text, got, ok)
			}
			n++
		}
		if n < tok.VocabSize()*9/10 || tok.Token(int32(tok.VocabSize())) != "" || tok.Token(-1) != "" {
			t.Errorf("%s: %d tokens of %d ids", name, n, tok.VocabSize())
		}
		for _, text := range []string{"no such token", "\xff", "Ġno such token"} {
			if id, ok := tok.ID(text); ok {
				t.Errorf("%s: %q has the id %d", name, text, id)
			}
		}
		prefix, suffix := tok.Template()
		var e Encoding
		if err := tok.EncodeSpecial(&e, ""); err != nil || !slices.Equal(e.IDs, slices.Concat(prefix, suffix)) {
			t.Errorf("%s: an empty text is %v, the template %v %v (%v)", name, e.IDs, prefix, suffix, err)
		}
		for i := range e.IDs {
			if e.Words[i] != -1 || e.Offsets[i] != (Span{}) {
				t.Errorf("%s: a token of the template is of word %d at %v", name, e.Words[i], e.Offsets[i])
			}
		}
	}
}

// The two ways to merge agree, and with merging pair by pair as defined.
func TestMergeWays(t *testing.T) {
	m := testTokenizers(t)["roberta"].bpe
	r := rand.New(rand.NewPCG(3, 4))
	const letters = "etaoin shrdlu'E\xc3\xa9"
	for range 3000 {
		n := 2 + r.IntN(shortWord-1)
		w := make([]byte, n)
		for i := range w {
			w[i] = letters[r.IntN(len(letters))]
		}
		var short, long scratch
		m.byteSymbols(&short, w)
		m.byteSymbols(&long, w)
		var a, b []tok
		for _, s := range short.symbols[:m.mergeShort(short.symbols)] {
			a = append(a, s.tok)
		}
		m.mergeLong(&long)
		for i := int32(0); i >= 0; i = long.symbols[i].next {
			b = append(b, long.symbols[i].tok)
		}
		if want := mergeSlowly(m, w); !slices.Equal(a, want) || !slices.Equal(b, want) {
			t.Fatalf("%q: short %v, long %v, want %v", w, a, b, want)
		}
	}
}

// mergeSlowly is the definition of BPE.
func mergeSlowly(m *bpe, w []byte) []tok {
	var toks []tok
	for i, c := range w {
		toks = append(toks, tok{m.bytes[c], int32(i), int32(i + 1)})
	}
	for {
		best, at := uint64(noPair), -1
		for i := 0; i+1 < len(toks); i++ {
			if v := m.merges.get(toks[i].id, toks[i+1].id); v < best {
				best, at = v, i
			}
		}
		if at < 0 {
			return toks
		}
		toks[at] = tok{int32(best & 0xFFFFFFFF), toks[at].start, toks[at+1].end}
		toks = slices.Delete(toks, at+1, at+2)
	}
}
