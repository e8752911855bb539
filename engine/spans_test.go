package engine

import (
	"slices"
	"strings"
	"testing"

	"mom/engine/pattern"
	"mom/tokenizer"
)

// TestEmailsNeedTheirForm: the recogniser has the last word on what looks like
// an e-mail address, and its matches replace what overlaps them.
func TestEmailsNeedTheirForm(t *testing.T) {
	text := "GRANT ALL TO 'dev_37'@'10.20.30.40'; mail ann@example.org"
	model := []Span{
		{13, 35, "EMAIL_ADDRESS", 0.9, Model},
		{42, 50, "PERSON", 0.99, Model},
	}
	var found bool
	for _, s := range addPatterns(model, new([]pattern.Match), text) {
		if s.By == Model {
			t.Errorf("the model's span %q stayed", text[s.Start:s.End])
		}
		found = found || s.By == Pattern && text[s.Start:s.End] == "ann@example.org"
	}
	if !found {
		t.Error("the address was not found")
	}
}

// TestWordsWithin: what a tokenizer leaves between spaces has words of its own.
func TestWordsWithin(t *testing.T) {
	for _, c := range []struct {
		tokens []string // a space before a token is part of it, and begins a word of the tokenizer
		want   []int32
	}{
		{[]string{"An", "na", " Sm", "ith"}, []int32{0, 0, 1, 1}},
		{[]string{"(", "Anna", "),", " 2", "nd"}, []int32{0, 1, 2, 3, 3}},
		{[]string{"ann", "@", "x", ".org"}, []int32{0, 1, 2, 3}},
		{[]string{"Müller", "-", "Lüdenscheidt"}, []int32{0, 1, 2}},
		{[]string{"我", "叫", "李明", "abc"}, []int32{0, 1, 2, 3}},
		{[]string{"김민수", "가", " 왔다"}, []int32{0, 1, 2}},
		{[]string{"Ни", "на", " Ива", "нова", "."}, []int32{0, 0, 1, 1, 2}},
		{[]string{"अ", "मित", "ा"}, []int32{0, 0, 0}},
		{[]string{"ნი", "ნო", " ကို"}, []int32{0, 0, 1}},
		{[]string{"a", "", "b", " ", "", "c"}, []int32{0, 0, 0, 1, 1, 2}},
		{nil, nil},
	} {
		var enc tokenizer.Encoding
		text, word := "", int32(0)
		for _, s := range c.tokens {
			if strings.HasPrefix(s, " ") {
				word++
			}
			enc.IDs = append(enc.IDs, 0)
			enc.Offsets = append(enc.Offsets, tokenizer.Span{Start: len(text), End: len(text) + len(s)})
			enc.Words = append(enc.Words, word)
			text += s
		}
		if got := wordsWithin(nil, &enc, text); !slices.Equal(got, c.want) {
			t.Errorf("%q: words %v, want %v", c.tokens, got, c.want)
		}
	}
}
