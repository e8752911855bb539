package grammar

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cpuTime is what this process has computed, whatever else the machine does.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func TestRegex(t *testing.T) {
	f := func(pattern string, yes, no []string) {
		t.Helper()
		g, err := Regex(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			return
		}
		for _, text := range yes {
			if !accepts(g, text) {
				t.Errorf("%s does not hold %q", pattern, text)
			}
		}
		for _, text := range no {
			if accepts(g, text) {
				t.Errorf("%s holds %q", pattern, text)
			}
		}
	}
	type list = []string
	f(`a|bc*`, list{"a", "b", "bccc"}, list{"", "ac", "ab"})
	f(`.`, list{"x", "é", "日", "😀", "\U0010ffff"}, list{"", "\n", "\xff", "xx", "\xed\xa0\x80"})
	f(`(?i)straße`, list{"STRAßE", "straẞe"}, list{"strasse"})
	f(`(?i)k`, list{"k", "K", "\u212a"}, list{"q"})
	f(`[^\x00-\x{ffff}]{2}`, list{"😀😀"}, list{"日本"})
	f(`^\d{2,3}$`, list{"12", "123"}, list{"1", "1234"})
	f(`\Aa*?\z`, list{"", "aa"}, list{"b"})
	f(`a^|b$`, list{"b"}, list{"a"})
	f(`x*`, list{"", strings.Repeat("x", 1024)}, list{strings.Repeat("x", 1025)})

	for pattern, reason := range map[string]string{
		`(?=a)`: "pattern", `(a)\1`: "pattern", `a{1001}`: "pattern", `(`: "pattern", `\bword\b`: `\b`, `(?m)^a`: "(?m)", `[^\x00-\x{10FFFF}]`: "no text matches", "\xff": "UTF-8", `a\zb`: "no text",
		`(a|b)*a(a|b){30}`: "too", strings.Repeat("(", 2000): "pattern", strings.Repeat("x", 1<<20+1): "more than",
	} {
		began := cpuTime()
		_, err := Regex(pattern)
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.40q: got %v, want %q", pattern, err, reason)
		}
		if spent := cpuTime() - began; spent > 3*time.Second {
			t.Errorf("%.40q took %v", pattern, spent)
		}
	}
}

func TestLabels(t *testing.T) {
	g, err := Labels([]string{"law", "lawyer", "日本", "日曜", "law"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"law": true, "lawyer": true, "日本": true, "日曜": true, "": false, "lawy": false, "日": false, "lawlaw": false} {
		if accepts(g, text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
	if g.MaxBytes() != 6 || g.MinBytes() != 3 {
		t.Errorf("%d..%d bytes", g.MinBytes(), g.MaxBytes())
	}
	if g, err := Labels([]string{"", "x"}); err != nil || !accepts(g, "") || !accepts(g, "x") {
		t.Error("the empty label is lost")
	}
	if _, err := Labels(nil); err == nil {
		t.Error("no labels are no grammar")
	}
	if _, err := (Options{SchemaBytes: 10}).Labels([]string{"0123456789a"}); err == nil {
		t.Error("a limit was not kept")
	}
}

func TestForced(t *testing.T) {
	s := mustSchema(t, routeSchema).Bind(bytesOnly()).Start()
	f := func(text, want string, done bool) {
		t.Helper()
		if err := s.AcceptBytes([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := string(s.Forced([]byte("+"))); got != "+"+want || s.Done() != done {
			t.Errorf("got %q, %v; want %q, %v", got, s.Done(), want, done)
		}
	}
	f(``, `{"model":"`, false)
	f(`{"model":"l`, `arge","difficulty":`, false)
	f(`arge","difficulty":3`, `,"reason":"`, false)
	f(`,"reason":"x`, ``, false)
	f(`","needs_tools":t`, `rue,"confidence":`, false)
	f(`rue,"confidence":1.`, `0`, false)
	f(`0`, ``, false) // digits or the end
	f(`}`, ``, true)

	// A limit forces the end.
	s.Reset()
	if err := s.AcceptBytes([]byte(`{"model":"small","difficulty":1,"reason":"so`)); err != nil {
		t.Fatal(err)
	}
	const rest = `","needs_tools":true,"confidence":0}`
	if got := s.MinBytes(); got != len(rest) {
		t.Errorf("MinBytes %d, want %d", got, len(rest))
	}
	if err := s.Limit(len(rest) - 1); err == nil {
		t.Error("a limit that is too small was taken")
	}
	if err := s.Limit(len(rest)); err != nil {
		t.Fatal(err)
	}
	f(``, `","needs_tools":true,"confidence":`, false)
}

func TestState(t *testing.T) {
	g, err := Labels([]string{"ab", "abc"})
	if err != nil {
		t.Fatal(err)
	}
	v := NewVocabulary([][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("ab"), []byte("abc"), []byte("abcd"), nil, []byte("a"), []byte("eos"), []byte("</s>")}, 9, 8)
	s := g.Bind(v).Start()
	allowed := func() (ids string) {
		for id := range v.Len() {
			if has(s.Mask(), id) {
				ids += fmt.Sprint(id)
			}
		}
		return ids
	}
	accept := func(id int32, ok bool) {
		t.Helper()
		if err := s.Accept(id); (err == nil) != ok {
			t.Errorf("token %d: %v", id, err)
		}
	}
	if got := allowed(); got != "0347" {
		t.Errorf("allowed %s", got)
	}
	for _, id := range []int32{-1, 1, 5, 6, 8, 9, 10} {
		accept(id, false)
	}
	accept(7, true)
	c := s.Clone()
	accept(1, true)
	if got := allowed(); got != "289" || !s.Done() {
		t.Errorf("allowed %s", got)
	}
	accept(9, true)
	accept(2, false)
	if got := allowed(); got != "" {
		t.Errorf("allowed %s after the end", got)
	}
	if s = c; allowed() != "1" || s.Done() {
		t.Error("the clone has moved")
	}
	if s.Reset(); allowed() != "0347" {
		t.Error("the state was not reset")
	}
	if got := v.Missing(); len(got) != 253 {
		t.Errorf("%d bytes are missing", len(got))
	}
}

// Once a text's masks are there, nothing is allocated.
func TestNoAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	v, eos := randomVocabulary(rng, 500)
	for _, schema := range []string{routeSchema, `{"type":"object"}`,
		`{"anyOf":[{"type":"array","items":{"$ref":"#"},"maxItems":2},{"type":"array","items":{"type":"integer"}},{"type":"object","properties":{"a":{"$ref":"#"}}}]}`} {
		b := mustSchema(t, schema).Bind(v)
		tokens := path(b, eos, rng)
		s := b.Start()
		var forced []byte
		run := func() {
			s.Reset()
			for _, id := range tokens {
				sink = s.Mask()
				forced = s.Forced(forced[:0])
				if err := s.Accept(id); err != nil {
					t.Fatal(err)
				}
			}
		}
		run()
		if n := testing.AllocsPerRun(20, run); n > 0 {
			t.Errorf("%s: %v allocations for %d tokens", schema, n, len(tokens))
		}
	}
}

// Many states share a Bound whose cache is too small for them.
func TestShared(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	v, eos := randomVocabulary(rng, 200)
	b := mustSchema(t, `{"type":"object"}`).Bind(v)
	b.masks.most = 8
	alone := mustSchema(t, `{"type":"object"}`).Bind(v)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 3))
			s, o := b.Start(), alone.Start()
			for range 200 {
				mask, want := s.Mask(), o.Mask()
				id := rng.IntN(v.Len())
				for !has(mask, id) {
					id = (id + 1) % v.Len()
				}
				for j := range mask {
					if mask[j] != want[j] {
						t.Errorf("word %d: %x, want %x", j, mask[j], want[j])
						return
					}
				}
				if s.Accept(int32(id)) != nil || o.Accept(int32(id)) != nil {
					t.Error("not accepted")
					return
				}
				if id == int(eos) {
					s.Reset()
					o.Reset()
				}
			}
		})
	}
	group.Wait()
	if n := len(b.masks.now) + len(b.masks.old); n > 2*b.masks.most {
		t.Errorf("%d masks are kept, more than %d", n, 2*b.masks.most)
	}
}

// A long string has few masks.
func TestMasksAreShared(t *testing.T) {
	v, _ := randomVocabulary(rand.New(rand.NewPCG(4, 4)), 100)
	b := mustSchema(t, `{"type":"array","items":{"type":"string","maxLength":1000}}`).Bind(v)
	s := b.Start()
	if err := s.AcceptBytes([]byte(`["`)); err != nil {
		t.Fatal(err)
	}
	for range 900 {
		s.Mask()
		if err := s.Accept('x'); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.masks.now); n > 4 {
		t.Errorf("%d masks for the inside of one string", n)
	}
}
