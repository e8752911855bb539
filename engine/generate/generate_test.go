package generate

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"mom/engine/grammar"
	"mom/engine/sample"
	"mom/models"
	"mom/models/nn"
	"mom/tensor"
)

// mixed makes a request of n that are all different: prompts with common
// beginnings, greedy and drawn, with stop texts, forms and adapters.
func mixed(t testing.TB, m *Model, n int, adapters []*models.Adapter, forms []*grammar.Bound) func() *Request {
	rng := rand.New(rand.NewPCG(uint64(n), 77))
	begin := []string{"", "You are the one who knows the law of the land and answers in a line. ", "Say why, and then who: in the end, the answer is one word. "}
	prompt := begin[rng.IntN(3)]
	for range 1 + rng.IntN(20) {
		prompt += []string{"the ", "law ", "and ", "in", "on", "x=1;", "é", "中", " 12", "\n"}[rng.IntN(10)]
	}
	r := Request{Prompt: encode(t, m, prompt), MaxTokens: 1 + rng.IntN(24), LogProbs: rng.IntN(2) == 0}
	if rng.IntN(2) == 0 {
		r.Params = sample.Params{Temperature: 0.5 + rng.Float64(), TopP: 0.9, TopK: rng.IntN(60), Seed: rng.Uint64()}
	}
	if rng.IntN(4) == 0 {
		r.RepetitionPenalty = 1.3
	}
	if rng.IntN(4) == 0 {
		r.Stop = []string{string(rune('a' + rng.IntN(26))), "the"}
	}
	if i := rng.IntN(len(adapters) + 2); i < len(adapters) {
		r.Adapter = adapters[i]
	}
	form := -1
	if len(forms) > 0 && rng.IntN(3) == 0 {
		form = rng.IntN(len(forms))
	}
	return func() *Request {
		c := r
		if form >= 0 {
			c.Constraint = forms[form].Start()
			c.MaxTokens, c.Stop = 40, nil
		}
		return &c
	}
}

func TestConcurrentEqualsAlone(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 150
	}
	// Little memory, so that sequences step back and prefixes are evicted.
	m := tiny(t, nn.I8, Options{KVBytes: bytesOf(1200), Sequences: 24, Budget: 96, Queue: n})
	alone := tiny(t, nn.I8, Options{Sequences: 1, Prefixes: -1})
	schema, err := grammar.JSONSchema([]byte(`{"type":"object","properties":{"model":{"enum":["a","bb","the"]},"n":{"type":"integer","minimum":0,"maximum":99}},
		"required":["model","n"],"additionalProperties":false}`))
	if err != nil {
		t.Fatal(err)
	}
	regex, err := grammar.Regex(`[a-c]{2,6}(the|law){1,2}`)
	if err != nil {
		t.Fatal(err)
	}
	run := func(m *Model) (adapters []*models.Adapter, forms []*grammar.Bound) {
		for _, name := range []string{"one", "two", "three"} {
			adapters = append(adapters, tinyAdapter(t, m.decoder, name))
		}
		words := grammar.NewVocabulary(m.Pieces(), m.Ends()...)
		return adapters, []*grammar.Bound{schema.Bind(words), regex.Bind(words)}
	}
	adapters, forms := run(m)
	adapters2, forms2 := run(alone)
	results := make([]*Result, n)
	var wait sync.WaitGroup
	for i := range n {
		r := mixed(t, m, i, adapters, forms)()
		wait.Add(1)
		go func() {
			defer wait.Done()
			var streamed strings.Builder
			r.Emit = func(s string) error {
				if !utf8.ValidString(s) {
					t.Errorf("%d: streamed %q", i, s)
				}
				streamed.WriteString(s)
				return nil
			}
			var tokens []Token
			if emit := r.Emit; i%2 == 1 {
				r.EmitTokens = func(s string, more []Token) error {
					tokens = append(tokens, more...)
					return emit(s)
				}
			}
			res, err := m.Generate(context.Background(), r)
			if err != nil {
				t.Errorf("%d: %v", i, err)
				return
			}
			if streamed.String() != res.Text {
				t.Errorf("%d: streamed %q, answered %q", i, streamed.String(), res.Text)
			}
			if r.EmitTokens != nil && !reflect.DeepEqual(tokens, res.Tokens) {
				t.Errorf("%d: streamed %d tokens, answered %d", i, len(tokens), len(res.Tokens))
			}
			results[i] = res
		}()
	}
	watch := make(chan struct{})
	go func() {
		defer close(watch)
		for i := 0; i < 200; i++ {
			if s := m.Memory(); s.Used > s.Total {
				t.Errorf("%d pages are used of %d", s.Used, s.Total)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	wait.Wait()
	<-watch
	cached, constrained, ends := 0, 0, map[Finish]int{}
	for i := range n {
		want, err := alone.Generate(context.Background(), mixed(t, alone, i, adapters2, forms2)())
		if err != nil {
			t.Fatal(err)
		}
		got := results[i]
		if got == nil {
			continue
		}
		if got.Text != want.Text || got.Finish != want.Finish || !reflect.DeepEqual(got.Tokens, want.Tokens) {
			t.Fatalf("%d: among others %q %v %v, alone %q %v %v", i, got.Text, got.Finish, got.Tokens, want.Text, want.Finish, want.Tokens)
		}
		if c := mixed(t, alone, i, adapters2, forms2)().Constraint; c != nil {
			constrained++
			if s := c.(*grammar.State); s.AcceptBytes([]byte(got.Text)) != nil || !s.Done() {
				t.Errorf("%d: %q is not what its form asks for", i, got.Text)
			}
		}
		cached += got.CachedTokens
		ends[got.Finish]++
	}
	if cached == 0 {
		t.Error("no prompt found its beginning kept")
	}
	if constrained == 0 {
		t.Error("no request had a form")
	}
	t.Logf("%d tokens of prompts were kept, %d answers had a form; %v", cached, constrained, ends)
	if s := m.Memory(); s.Sequences != len(m.prefixes.entries) {
		t.Errorf("%d sequences live after the last answer, %d are kept prefixes", s.Sequences, len(m.prefixes.entries))
	}
}

func TestCancelFreesPages(t *testing.T) {
	m := tiny(t, nn.F32, Options{Prefixes: -1})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			r := &Request{Prompt: encode(t, m, strings.Repeat("the law ", 10+i)), MaxTokens: 400, IgnoreEnd: true}
			// In the loop itself: a caller may hear of the third token after the last.
			r.Logits = func(step int, _ []float32) {
				if step == 3 {
					cancel()
				}
			}
			if _, err := m.Generate(ctx, r); !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled request returned %v", err)
			}
		}()
	}
	wait.Wait()
	quiet(t, m)
	if s := m.Memory(); s.Used != 0 || s.Sequences != 0 {
		t.Errorf("after the cancellation %d pages and %d sequences are in use", s.Used, s.Sequences)
	}
}

// quiet waits until the loop has ended.
func quiet(t testing.TB, m *Model) {
	t.Helper()
	for range 2000 {
		m.mu.Lock()
		running := m.running
		m.mu.Unlock()
		if !running {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the loop runs on")
}

func TestEmitError(t *testing.T) {
	m := tiny(t, nn.F32, Options{Prefixes: -1})
	gone := errors.New("client gone")
	r := &Request{Prompt: encode(t, m, "the"), MaxTokens: 300, IgnoreEnd: true, Emit: func(string) error { return gone }}
	if _, err := m.Generate(context.Background(), r); err != gone {
		t.Errorf("returned %v", err)
	}
	quiet(t, m)
	if s := m.Memory(); s.Used != 0 {
		t.Errorf("%d pages are in use", s.Used)
	}
}

// TestLogits holds what a generator feeds against a plain pass over the whole
// text: a token that is read twice, or at a wrong position, changes them.
func TestLogits(t *testing.T) {
	m := tiny(t, nn.F32, Options{Budget: 16})
	prompt := encode(t, m, strings.Repeat("in the end the law and ", 6))
	for range 2 { // the second time its beginning is kept
		var got [][]float32
		r := &Request{Prompt: prompt, MaxTokens: 12, IgnoreEnd: true, Logits: func(step int, l []float32) {
			if step != len(got) {
				t.Errorf("step %d came as number %d", step, len(got))
			}
			got = append(got, slices.Clone(l))
		}}
		res, err := m.Generate(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		ids := slices.Clone(prompt)
		for i, tok := range res.Tokens {
			want := m.plain(t, ids)
			for k := range want {
				if math.Abs(float64(got[i][k]-want[k])) > 1e-4 {
					t.Fatalf("step %d, logit %d: %v, a whole pass gives %v", i, k, got[i][k], want[k])
				}
			}
			ids = append(ids, tok.ID)
		}
		r = &Request{Prompt: prompt, MaxTokens: 1}
		if _, err := m.Generate(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// plain is the logits of the last token by one pass in a sequence of its own.
func (m *Model) plain(t testing.TB, ids []int32) []float32 {
	t.Helper()
	var ws nn.Workspace
	b := models.DecodeBatch{IDs: ids, Starts: []int32{0, int32(len(ids))}, Want: []int32{int32(len(ids) - 1)}}
	s := m.pool.New()
	defer s.Free()
	b.Seqs = append(b.Seqs, s)
	h, err := m.decoder.Decode(&ws, &b)
	if err != nil {
		t.Fatal(err)
	}
	h.Data = slices.Clone(h.Data)
	out := tensor.Mat{Rows: 1, Cols: m.info.Vocab, Data: make([]float32, m.info.Vocab)}
	m.decoder.Logits(&ws, out, h, nil)
	return out.Data
}

func TestScore(t *testing.T) {
	m := tiny(t, nn.F32, Options{})
	prompt := encode(t, m, "in the end it is ")
	var of [][]int32
	for _, s := range []string{"law", "land", "the", "then", "x"} {
		of = append(of, encode(t, m, s))
	}
	got, err := m.Score(context.Background(), prompt, of, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, p := range got {
		sum += p
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("probabilities %v add up to %v", got, sum)
	}
	// The same by one plain pass for each place where labels part.
	var walk func(path []int32, among []int) // among begin with path
	want := []float64{1, 1, 1, 1, 1}
	walk = func(path []int32, among []int) {
		next := map[int32][]int{}
		for _, i := range among {
			id := int32(tinyEnd)
			if len(of[i]) > len(path) {
				id = of[i][len(path)]
			}
			next[id] = append(next[id], i)
		}
		logits := m.plain(t, append(slices.Clone(prompt), path...))
		total := 0.0
		for id := range next {
			total += math.Exp(float64(logits[id]))
		}
		for id, list := range next {
			for _, i := range list {
				want[i] *= math.Exp(float64(logits[id])) / total
			}
			if len(list) > 1 {
				walk(append(slices.Clone(path), id), list)
			}
		}
	}
	walk(nil, []int{0, 1, 2, 3, 4})
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-4 {
			t.Errorf("label %d: %v, want %v", i, got[i], want[i])
		}
	}
	quiet(t, m)
	if s := m.Memory(); s.Sequences != len(m.prefixes.entries) {
		t.Errorf("%d sequences are left, %d kept", s.Sequences, len(m.prefixes.entries))
	}
	if _, err := m.Score(context.Background(), prompt, [][]int32{of[0], of[0]}, nil); err == nil {
		t.Error("two equal labels pass")
	}
}

func TestPin(t *testing.T) {
	m := tiny(t, nn.F32, Options{Prefixes: -1})
	text := encode(t, m, "You are the one who knows the law.")
	if err := m.Pin(context.Background(), text, nil); err != nil {
		t.Fatal(err)
	}
	plain := tiny(t, nn.F32, Options{Prefixes: -1})
	for _, tail := range []string{" and in", " the"} {
		r := Request{Prompt: append(slices.Clone(text), encode(t, m, tail)...), MaxTokens: 6, IgnoreEnd: true}
		got, err := m.Generate(context.Background(), &r)
		if err != nil {
			t.Fatal(err)
		}
		if got.CachedTokens != len(text) {
			t.Errorf("%d tokens were there, want all %d", got.CachedTokens, len(text))
		}
		want, err := plain.Generate(context.Background(), &r)
		if err != nil {
			t.Fatal(err)
		}
		if got.Text != want.Text {
			t.Errorf("%q with the pinned beginning, %q without", got.Text, want.Text)
		}
	}
	// An adapter's keys and values are others.
	r := Request{Prompt: append(slices.Clone(text), 'x'), MaxTokens: 1, Adapter: tinyAdapter(t, m.decoder, "one")}
	if got, err := m.Generate(context.Background(), &r); err != nil || got.CachedTokens != 0 {
		t.Errorf("an adapter took %d tokens of the base (%v)", got.CachedTokens, err)
	}
}

func TestLimits(t *testing.T) {
	m := tiny(t, nn.F32, Options{KVBytes: bytesOf(64)})
	for name, r := range map[string]*Request{
		"no tokens":              {MaxTokens: 1},
		"limit is 600":           {Prompt: make([]int32, 600), MaxTokens: 1},
		"outside the vocabulary": {Prompt: []int32{tinyVocab}, MaxTokens: 1},
		"max_tokens":             {Prompt: []int32{1}},
		"temperature":            {Prompt: []int32{1}, MaxTokens: 1, Params: sample.Params{Temperature: -1}},
		"stop":                   {Prompt: []int32{1}, MaxTokens: 1, Stop: []string{""}},
		"holds 64":               {Prompt: make([]int32, 100), MaxTokens: 1},
		"has come to":            {Prompt: make([]int32, 40), MaxTokens: 100, IgnoreEnd: true},
	} {
		var bad *RequestError
		if _, err := m.Generate(context.Background(), r); !errors.As(err, &bad) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := &Request{Prompt: encode(t, m, "the"), MaxTokens: 7, IgnoreEnd: true}
	if res, err := m.Generate(context.Background(), r); err != nil || res.Finish != Length || len(res.Tokens) != 7 {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestClose(t *testing.T) {
	m := tiny(t, nn.F32, Options{})
	started := make(chan struct{})
	var once sync.Once
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			_, err := m.Generate(context.Background(), &Request{Prompt: []int32{1}, MaxTokens: 590, IgnoreEnd: true, Emit: func(string) error {
				once.Do(func() { close(started) })
				return nil
			}})
			errs <- err
		}()
	}
	<-started
	m.Close()
	for range cap(errs) {
		if err := <-errs; err != nil && err != ErrClosed {
			t.Error(err)
		}
	}
	if _, err := m.Generate(context.Background(), &Request{Prompt: []int32{1}, MaxTokens: 1}); err != ErrClosed {
		t.Errorf("a closed model returned %v", err)
	}
	if s := m.Memory(); s.Used != 0 {
		t.Errorf("%d pages are in use", s.Used)
	}
}

func TestStopTexts(t *testing.T) {
	x := text{stops: []string{"END", "NOW"}}
	var out strings.Builder
	for i, piece := range []string{"a", " E", "N", "x", "\xe4\xb8", "\xad", "E", "ND of it"} {
		stopped := x.add([]byte(piece))
		if stopped != (i == 7) {
			t.Errorf("piece %q: stopped is %v", piece, stopped)
		}
		s := x.certain(stopped)
		if strings.Contains(s, "EN") && !strings.Contains(s, "ENx") || !utf8.ValidString(s) {
			t.Errorf("gave out %q", s)
		}
		out.WriteString(s)
	}
	if out.String() != "a ENx中" || x.found != "END" {
		t.Errorf("%q, ended by %q", out.String(), x.found)
	}
	cut := text{}
	cut.add([]byte("ok \xe4\xb8"))
	if s := cut.certain(false) + cut.certain(true); s != "ok \uFFFD" {
		t.Errorf("a character cut short became %q", s)
	}
}

func TestStepAllocations(t *testing.T) {
	m := tiny(t, nn.I8, Options{Threads: 1, Prefixes: -1})
	measure := func(tokens int) float64 {
		r := &Request{Prompt: []int32{1, 2, 3}, MaxTokens: tokens, IgnoreEnd: true}
		return testing.AllocsPerRun(5, func() {
			if _, err := m.Generate(context.Background(), r); err != nil {
				t.Fatal(err)
			}
		})
	}
	// The answer grows by doubling, and a page is two: 30 in all, not one a token.
	few, many := measure(10), measure(410)
	t.Logf("%v allocations for 10 tokens, %v for 410", few, many)
	if many-few > 40 {
		t.Errorf("400 tokens more cost %v allocations more", many-few)
	}
}
