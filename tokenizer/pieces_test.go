package tokenizer

import "testing"

// The bytes of a text's tokens, joined, are the text.
func TestPieces(t *testing.T) {
	for _, name := range []string{"modernbert", "gemma3", "qwen3", "llama3"} {
		t.Run(name, func(t *testing.T) {
			tok, _ := source(t, name)
			pieces := tok.Pieces()
			for _, text := range []string{"Hello, world", " two  spaces", "naïve café 👍🏽 中文", "tab\tline\nend", "x = [1, 2]; // ok"} {
				var e Encoding
				if err := tok.Encode(&e, text); err != nil {
					t.Fatal(err)
				}
				var got []byte
				for _, id := range e.IDs {
					got = append(got, pieces[id]...)
				}
				if string(got) != text {
					t.Errorf("%q became %q", text, got)
				}
			}
			for _, special := range []string{"[CLS]", "<|im_end|>", "<eos>", "<|eot_id|>"} {
				if id, ok := tok.ID(special); ok && pieces[id] != nil {
					t.Errorf("%s has bytes %q", special, pieces[id])
				}
			}
		})
	}
}
