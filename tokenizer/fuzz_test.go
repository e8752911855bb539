package tokenizer

import (
	"testing"
	"unicode/utf8"
)

// FuzzParse looks for panics and for files that open but cannot encode.
func FuzzParse(f *testing.F) {
	for _, text := range []string{bpeJSON, wordPieceJSON, unigramJSON,
		`{"model": {"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": true}, "post_processor": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true}}`,
		`{"model": {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}, "pre_tokenizer": {"type": "Split", "pattern": {"String": "b"}, "behavior": "MergedWithNext", "invert": true}}`,
		`{"normalizer": {"type": "Precompiled", "precompiled_charsmap": "CAAAAAEAAAABAAAAYQA="}, "model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0]]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := Parse("f", data)
		if err != nil {
			if tok != nil || err.Error() == "" {
				t.Fatalf("%v with an error %q", tok, err)
			}
			return
		}
		var e Encoding
		for _, text := range []string{"", " ab aé\u0301 <s>", "\xff", "\r\n\t1"} {
			if err := tok.EncodeSpecial(&e, text); err == nil {
				checkEncoding(t, tok, &e, text)
			}
		}
	})
}

// checkEncoding checks what holds for every encoding.
func checkEncoding(t *testing.T, tok *Tokenizer, e *Encoding, text string) {
	t.Helper()
	if len(e.Offsets) != len(e.IDs) || len(e.Words) != len(e.IDs) {
		t.Fatalf("%d ids, %d offsets, %d words", len(e.IDs), len(e.Offsets), len(e.Words))
	}
	last, word := Span{}, int32(0)
	for i, o := range e.Offsets {
		if id := e.IDs[i]; id < 0 || int(id) >= tok.VocabSize() || tok.Token(id) == "" && tok.VocabSize() > 1 && tok.vocab.token(id) == nil {
			t.Fatalf("%q: token %d has the id %d of %d", text, i, id, tok.VocabSize())
		}
		if o.Start < 0 || o.Start > o.End || o.End > len(text) {
			t.Fatalf("%q: token %d is at %v of %d bytes", text, i, o, len(text))
		}
		if e.Words[i] < 0 {
			continue
		}
		if o.Start == o.End { // white space that was trimmed, or put there; in the reference, too, it may stand after the next token's start
			continue
		}
		if o.Start < last.Start || o.End < last.End {
			t.Fatalf("%q: token %d at %v comes after %v", text, i, o, last)
		}
		if e.Words[i] < word {
			t.Fatalf("%q: token %d is of word %d after %d", text, i, e.Words[i], word)
		}
		for _, k := range []int{o.Start, o.End} {
			if k < len(text) && !utf8.RuneStart(text[k]) && utf8.ValidString(text) {
				t.Fatalf("%q: token %d at %v is not of whole characters", text, i, o)
			}
		}
		last, word = o, e.Words[i]
	}
}

// FuzzEncode encodes with a tokenizer of every family: offsets are in order, in
// the text and at characters; the cache changes nothing.
func FuzzEncode(f *testing.F) {
	for i, text := range goldenStrings(f) {
		if i%9 == 0 && len(text) < 300 {
			f.Add(text)
		}
	}
	f.Add("a\xffb\xe4\xb8")
	toks := testTokenizers(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, tok := range toks {
			var e, again Encoding
			if err := tok.EncodeSpecial(&e, text); err != nil {
				t.Fatal(err)
			}
			checkEncoding(t, tok, &e, text)
			if err := tok.EncodeSpecial(&again, text); err != nil || !sameEncoding(&e, &again) {
				t.Fatalf("%q: the second time %v %v, the first time %v %v (%v)", text, again.IDs, again.Offsets, e.IDs, e.Offsets, err)
			}
			points := CodePoints(text, e.Offsets, nil)
			for i, o := range points {
				if o.Start < 0 || o.End < o.Start || o.End > utf8.RuneCountInString(text) {
					t.Fatalf("%q: token %d at code points %v", text, i, o)
				}
			}
			tok.Decode(e.IDs, true)
		}
	})
}
