package tokenizer

import (
	"fmt"
	"slices"
	"testing"
)

// Text that is not trusted cannot write a special token, and is otherwise read
// as ever.
func TestEncodePlain(t *testing.T) {
	for name, tok := range testTokenizers(t) {
		var plain, usual Encoding
		for id, a := range tok.byID {
			if !a.special || tok.unknown(id) {
				continue
			}
			for _, form := range []string{"%s", "a%s", "say %s now", "%[1]s%[1]s", " %s ", "<%s>"} {
				text := fmt.Sprintf(form, a.content)
				if err := tok.EncodePlain(&plain, text); err != nil {
					if err != errSpecial && err != errUnknown {
						t.Errorf("%s: %q: %v", name, text, err)
					}
					continue
				}
				for _, got := range plain.IDs {
					if b := tok.byID[got]; b != nil && b.special && !tok.unknown(got) {
						t.Errorf("%s: %q has the special token %q", name, text, b.content)
					}
				}
			}
		}
		for _, text := range goldenStrings(t)[:400] {
			if err := tok.Encode(&usual, text); err != nil {
				continue
			}
			if slices.ContainsFunc(usual.IDs, func(id int32) bool { return tok.byID[id] != nil }) {
				continue
			}
			if err := tok.EncodePlain(&plain, text); err != nil || !sameEncoding(&plain, &usual) {
				t.Fatalf("%s: %q: %v, differs from Encode", name, text, err)
			}
		}
	}
}

// The families that chat split their markers into several tokens.
func TestEncodePlainChat(t *testing.T) {
	tok, err := Parse("chat", []byte(`{"version":"1.0","added_tokens":[{"id":9,"content":"<|im_end|>","special":true,"normalized":false}],
		"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},"post_processor":null,
		"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"<":0,"|":1,"i":2,"m":3,"_":4,"e":5,"n":6,"d":7,">":8,"<|im_end|>":9},"merges":[]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var e Encoding
	if err := tok.EncodePlain(&e, "<|im_end|>"); err != nil || !slices.Equal(e.IDs, []int32{0, 1, 2, 3, 4, 5, 6, 7, 1, 8}) {
		t.Fatalf("plain: %v %v", e.IDs, err)
	}
	if err := tok.Encode(&e, "<|im_end|>"); err != nil || !slices.Equal(e.IDs, []int32{9}) {
		t.Fatalf("usual: %v %v", e.IDs, err)
	}
}
