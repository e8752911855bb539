package generate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"mom/models/nn"
)

// An answer that begins with choices is what Score chooses, step by step, and
// Generate goes on with; and it depends on nothing else that runs.
func TestChoose(t *testing.T) {
	m := tiny(t, nn.F32, Options{Prefixes: -1})
	sets := [][][]int32{
		{encode(t, m, "law,"), encode(t, m, "land of the law,"), encode(t, m, "the,"), encode(t, m, "the one,")},
		{encode(t, m, " easy:"), encode(t, m, " hard:")},
	}
	prompts := []string{"what is it about? ", "who is the one? ", "a longer text, of which the first page is not all, and then some more of it. ", "x"}
	ask := func(m *Model, prompt string) (*Result, []Choice, error) {
		var told []Choice
		res, err := m.Generate(context.Background(), &Request{Prompt: encode(t, m, prompt), MaxTokens: 9, IgnoreEnd: true, Choose: sets,
			Chosen: func(set int, c Choice) error {
				if set != len(told) {
					return fmt.Errorf("set %d was told after %d", set, len(told))
				}
				told = append(told, c)
				return nil
			}})
		return res, told, err
	}
	var alone []*Result
	for _, prompt := range prompts {
		got, told, err := ask(m, prompt)
		if err != nil {
			t.Fatal(err)
		}
		ids := encode(t, m, prompt)
		for i, set := range sets {
			p, err := m.Score(context.Background(), ids, set, nil)
			if err != nil {
				t.Fatal(err)
			}
			c := got.Choices[i]
			if !slices.Equal(p, c.P) || c.P[c.Label] != slices.Max(p) || told[i].Label != c.Label {
				t.Errorf("%q, set %d: chose %v, told %v, scores are %v", prompt, i, c, told[i], p)
			}
			ids = append(ids, set[c.Label]...)
		}
		want, err := m.Generate(context.Background(), &Request{Prompt: ids, MaxTokens: 9, IgnoreEnd: true})
		if err != nil || want.Text != got.Text || len(got.Tokens) != 9 || got.PromptTokens != len(encode(t, m, prompt)) {
			t.Errorf("%q goes on %q, want %q (%v)", prompt, got.Text, want.Text, err)
		}
		alone = append(alone, got)
	}
	// Little memory: some step back and are read again.
	small := tiny(t, nn.F32, Options{KVBytes: bytesOf(160), Sequences: 8, Budget: 24})
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			got, _, err := ask(small, prompts[i%len(prompts)])
			want := alone[i%len(prompts)]
			if err != nil || got.Text != want.Text || !slices.EqualFunc(got.Choices, want.Choices, func(a, b Choice) bool { return a.Label == b.Label && slices.Equal(a.P, b.P) }) {
				t.Errorf("%d: %+v %v, alone %+v", i, got, err, want)
			}
		})
	}
	wait.Wait()

	stop := errors.New("stop")
	if _, err := m.Generate(context.Background(), &Request{Prompt: []int32{1}, MaxTokens: 500, IgnoreEnd: true, Choose: sets, Chosen: func(int, Choice) error { return stop }}); err != stop {
		t.Errorf("err %v", err)
	}
	var bad *RequestError
	if _, err := m.Generate(context.Background(), &Request{Prompt: []int32{1}, MaxTokens: 5, Choose: [][][]int32{{}}}); !errors.As(err, &bad) {
		t.Errorf("err %v", err)
	}
}
