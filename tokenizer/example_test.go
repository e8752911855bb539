package tokenizer_test

import (
	"fmt"
	"log"

	"mom/tokenizer"
)

// A tokenizer.json, as a model folder holds it.
const wordPiece = `{
  "added_tokens": [{"id": 1, "content": "[CLS]", "special": true}, {"id": 2, "content": "[SEP]", "special": true}],
  "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
  "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
    "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "cafe": 3, "##s": 4, "open": 5, "!": 6}}
}`

func ExampleTokenizer_EncodeSpecial() {
	t, err := tokenizer.Parse("tokenizer.json", []byte(wordPiece))
	if err != nil {
		log.Fatal(err)
	}
	text := "Cafés open!"
	var e tokenizer.Encoding
	if err := t.EncodeSpecial(&e, text); err != nil {
		log.Fatal(err)
	}
	for i, id := range e.IDs {
		o := e.Offsets[i]
		fmt.Printf("%d %s %q word %d\n", id, t.Token(id), text[o.Start:o.End], e.Words[i])
	}
	// Output:
	// 1 [CLS] "" word -1
	// 3 cafe "Café" word 0
	// 4 ##s "s" word 0
	// 5 open "open" word 1
	// 6 ! "!" word 2
	// 2 [SEP] "" word -1
}

func ExampleTokenizer_Decode() {
	t, err := tokenizer.Parse("tokenizer.json", []byte(wordPiece))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Decode([]int32{1, 3, 4, 5, 6, 2}, false))
	fmt.Println(t.Decode([]int32{1, 3, 4, 5, 6, 2}, true))
	// Output:
	// [CLS] cafes open! [SEP]
	// cafes open!
}

func ExampleTokenizer_Template() {
	t, err := tokenizer.Parse("tokenizer.json", []byte(wordPiece))
	if err != nil {
		log.Fatal(err)
	}
	prefix, suffix := t.Template()
	fmt.Println(prefix, suffix)
	// Output: [1] [2]
}

func ExampleCodePoints() {
	text := "naïve 中文"
	fmt.Println(tokenizer.CodePoints(text, []tokenizer.Span{{Start: 0, End: 6}, {Start: 7, End: 10}, {Start: 10, End: 13}}, nil))
	// Output: [{0 5} {6 7} {7 8}]
}

func ExampleParse_unsupported() {
	_, err := tokenizer.Parse("tokenizer.json", []byte(`{"normalizer": {"type": "Rot13"}, "model": {}}`))
	fmt.Println(err)
	// Output: tokenizer: tokenizer.json: normalizer: type "Rot13" is not supported; these are: BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, Strip, StripAccents
}
