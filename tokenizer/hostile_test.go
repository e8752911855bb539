package tokenizer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const bpeJSON = `{
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [{"id": 7, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
  "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"String": "q"}, "content": "a"}]},
  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex": "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": false},
    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}]},
  "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [7], "tokens": ["<s>"]}}},
  "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
  "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
    "vocab": {"<unk>": 0, "a": 1, "b": 2, "▁": 3, "ab": 4, "▁ab": 5, "abab": 6}, "merges": ["a b", "▁ ab", ["ab", "ab"]]}
}`

const wordPieceJSON = `{
  "version": "1.0", "added_tokens": [{"id": 0, "content": "[UNK]", "special": true}],
  "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
  "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "ab": 3, "##c": 4}}
}`

const unigramJSON = `{
  "version": "1.0", "added_tokens": [], "normalizer": {"type": "Precompiled", "precompiled_charsmap": ""},
  "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}, "post_processor": null,
  "decoder": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
  "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁", -2.5], ["a", -3], ["▁a", -1e0]], "byte_fallback": false}
}`

// Every mutation of a good file gives one error that says where and what.
func TestHostileFiles(t *testing.T) {
	for _, good := range []string{bpeJSON, wordPieceJSON, unigramJSON} {
		if _, err := Parse("good.json", []byte(good)); err != nil {
			t.Fatal(err)
		}
	}
	deep := strings.Repeat("[", 1000)
	long := strings.Repeat("a", 5000)
	many := strings.Repeat(`{"type": "NFC"},`, 40)
	wide := strings.Repeat(`{"type": "NFC"},`, 70000)
	tests := []struct{ base, old, new, want string }{
		// JSON itself.
		{bpeJSON, bpeJSON, ``, `unexpected end of the file`},
		{bpeJSON, bpeJSON, `null`, `'{' expected at byte 0, found 'n'`},
		{bpeJSON, bpeJSON, `[]`, `'{' expected`},
		{bpeJSON, bpeJSON, bpeJSON[:len(bpeJSON)/2], `unexpected end`},
		{bpeJSON, bpeJSON, bpeJSON + "x", `the end of the file expected`},
		{bpeJSON, bpeJSON, bpeJSON + "{}", `the end of the file expected`},
		{bpeJSON, `"version": "1.0"`, "\"version\": \"1.\xff\"", `not UTF-8`},
		{bpeJSON, `"version": "1.0"`, `"version": "1.0", "version": "1.0"`, `key "version" occurs twice`},
		{bpeJSON, `"type": "NFC"`, `"type": "NFC", "type": "NFD"`, `normalizer.normalizers[0]: key "type" occurs twice`},
		{bpeJSON, `"type": "NFC"`, `"type": "NFC",`, `normalizer: a value expected`},
		{bpeJSON, `"dropout": null`, `"dropout": nil`, `a value expected`},
		{bpeJSON, `"truncation": null`, `"truncation": ` + deep, `nested deeper than 32`},
		{bpeJSON, `"a": 1`, `"a": 01`, `model: a number expected`},
		{bpeJSON, `"a": 1`, `"a" 1`, `':' expected`},
		{bpeJSON, `"a": 1,`, `"a": 1`, `model`},
		{bpeJSON, `"a": 1`, "\"a\n\": 1", `model.vocab: a character of a string expected`},
		{bpeJSON, `"a": 1`, `"\ud800": 1`, `lone surrogate \ud800`},
		{bpeJSON, `"a": 1`, `"\ud800\u0041": 1`, `lone surrogate`},
		{bpeJSON, `"a": 1`, `"\udc00": 1`, `lone surrogate`},
		{bpeJSON, `"a": 1`, `"\u00g0": 1`, `an escape sequence expected`},
		{bpeJSON, `"a": 1`, `"\x": 1`, `an escape sequence expected`},
		// The document.
		{bpeJSON, `"version": "1.0"`, `"version": "2.0"`, `version: version "2.0" is not supported`},
		{bpeJSON, `"version": "1.0"`, `"version": 1`, `version: a string expected, found 1`},
		{bpeJSON, `"version": "1.0"`, `"versions": "1.0"`, `unknown key "versions"`},
		{bpeJSON, `"truncation": null`, `"truncation": 128`, `truncation: an object expected, found 128`},
		{bpeJSON, `"model": {`, `"model": [{`, `model`},
		{bpeJSON, `"model"`, `"modell"`, `unknown key "modell"`},
		{bpeJSON, `"decoder"`, `"model"`, `key "model" occurs twice`},
		// Added tokens.
		{bpeJSON, `"content": "<s>"`, `"content": ""`, `added_tokens[0]: the content is empty`},
		{bpeJSON, `"content": "<s>"`, `"content": "` + long + `"`, `added_tokens[0]: a token of 5000 bytes, more than 512`},
		{bpeJSON, `"content": "<s>"`, `"content": 5`, `added_tokens[0].content: a string expected, found 5`},
		{bpeJSON, `{"id": 7, "content"`, `{"id": -7, "content"`, `added_tokens[0].id: a whole number`},
		{bpeJSON, `{"id": 7, "content"`, `{"id": 7e0, "content"`, `added_tokens[0].id: a whole number`},
		{bpeJSON, `{"id": 7, "content"`, `{"id": 4000000000, "content"`, `added_tokens[0].id: a whole number of at most`},
		{bpeJSON, `{"id": 7, "content"`, `{"id": 3, "content"`, `added_tokens[0]: id 3 is that of "▁" in the vocabulary`},
		{bpeJSON, `"content": "<s>"`, `"content": "ab"`, `added_tokens[0]: id 7, but the vocabulary gives "ab" the id 4`},
		{bpeJSON, `"lstrip": false`, `"lstrip": 0`, `added_tokens[0].lstrip: true or false expected, found 0`},
		{bpeJSON, `"lstrip": false`, `"lstrip": false, "color": 1`, `added_tokens[0]: unknown key "color"`},
		{wordPieceJSON, `[{"id": 0, "content": "[UNK]", "special": true}]`, `[{"id": 0, "content": "[UNK]"}, {"id": 9, "content": "[UNK]"}]`, `added_tokens[1]: the token "[UNK]" occurs twice`},
		{wordPieceJSON, `[{"id": 0, "content": "[UNK]", "special": true}]`, `{}`, `added_tokens: '[' expected`},
		// Components.
		{bpeJSON, `"NFC"`, `"NFX"`, `normalizer.normalizers[0]: type "NFX" is not supported; these are: BertNormalizer,`},
		{bpeJSON, `{"type": "NFC"},`, `{},`, `normalizer.normalizers[0]: key "type" is missing`},
		{bpeJSON, `{"type": "NFC"},`, `"NFC",`, `normalizer.normalizers[0]: an object expected, found "NFC"`},
		{bpeJSON, `{"type": "NFC"},`, many, `more than 32 parts`},
		{bpeJSON, `{"type": "NFC"},`, wide, `normalizer.normalizers[`},
		{bpeJSON, `{"type": "NFC"}`, `{"type": "NFC", "x": 1}`, `normalizer.normalizers[0]: unknown key "x"`},
		{bpeJSON, `{"String": "q"}`, `{"String": ""}`, `normalizer.normalizers[1].pattern.String: the pattern is empty`},
		{bpeJSON, `{"String": "q"}`, `{"Regex": "q*"}`, `normalizer.normalizers[1].pattern.Regex: regular expression "q*" is not supported`},
		{bpeJSON, `{"String": "q"}`, `{}`, `normalizer.normalizers[1].pattern.String: a string expected, found nothing`},
		{bpeJSON, `\\s+(?!\\S)|`, ``, `pre_tokenizer.pretokenizers[0].pattern.Regex: regular expression "'s|'t|`},
		{bpeJSON, `"Isolated"`, `"Isolate"`, `pre_tokenizer.pretokenizers[0].behavior: behavior "Isolate" is not supported; these are: Contiguous, Isolated`},
		{bpeJSON, `"replacement": "▁", "prepend`, `"replacement": "▁▁", "prepend`, `pre_tokenizer.pretokenizers[1].replacement: one character expected`},
		{bpeJSON, `"replacement": "▁", "prepend`, `"replacement": "", "prepend`, `pre_tokenizer.pretokenizers[1].replacement: one character expected`},
		{bpeJSON, `"first"`, `"last"`, `prepend_scheme "last" is not supported; these are: always, first, never`},
		{unigramJSON, `"add_prefix_space": true}, "post`, `"add_prefix_space": false}, "post`, `add_prefix_space is false, but prepend_scheme is not never`},
		{bpeJSON, `{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}`, `{"type": "UnicodeScripts"}`, `pre_tokenizer.pretokenizers[1]: type "UnicodeScripts" is not supported`},
		{bpeJSON, `{"type": "Metaspace"`, `{"type": "ByteLevel", "add_prefix_space": false}, {"type": "Metaspace"`, `pre_tokenizer.pretokenizers[1]: ByteLevel is only supported as the last pre-tokenizer`},
		{wordPieceJSON, `"BertPreTokenizer"}`, `"ByteLevel", "add_prefix_space": false}`, `model: type "WordPiece" after a ByteLevel pre-tokenizer is not supported`},
		{unigramJSON, `"precompiled_charsmap": ""`, `"precompiled_charsmap": "!!!"`, `normalizer.precompiled_charsmap: illegal base64`},
		{unigramJSON, `"precompiled_charsmap": ""`, `"precompiled_charsmap": "AAA="`, `normalizer.precompiled_charsmap: shorter than its header`},
		{unigramJSON, `"precompiled_charsmap": ""`, `"precompiled_charsmap": "////fwAA"`, `normalizer.precompiled_charsmap: the trie is longer than the data`},
		{wordPieceJSON, `"lowercase": true`, `"lowercase": "yes"`, `normalizer.lowercase: true or false expected, found "yes"`},
		{wordPieceJSON, `"cls": ["[CLS]", 1]`, `"cls": ["[CLS]", 5]`, `post_processor.cls: the token "[CLS]" does not have the id 5`},
		{wordPieceJSON, `"cls": ["[CLS]", 1]`, `"cls": ["[CLS]"]`, `post_processor.cls: a token and its id expected`},
		{bpeJSON, `"ids": [7]`, `"ids": [70]`, `post_processor: id 70 is not a token`},
		{bpeJSON, `{"SpecialToken": {"id": "<s>"`, `{"SpecialToken": {"id": "<t>"`, `post_processor.single[0].SpecialToken: the token "<t>" is not in special_tokens`},
		{bpeJSON, `{"Sequence": {"id": "A"`, `{"Sequence": {"id": "B"`, `post_processor.single[1].Sequence.id: a single sequence has the sequence A once, found "B"`},
		{bpeJSON, `, {"Sequence": {"id": "A", "type_id": 0}}`, ``, `post_processor: single: the sequence A is missing`},
		{bpeJSON, `"type": "TemplateProcessing"`, `"type": "Template"`, `post_processor: type "Template" is not supported`},
		{bpeJSON, `{"type": "Fuse"}`, `{"type": "CTC"}`, `decoder.decoders[1]: type "CTC" is not supported`},
		{bpeJSON, `"start": 1`, `"start": 1.5`, `decoder.decoders[2].start: a whole number`},
		// Models.
		{bpeJSON, `"type": "BPE"`, `"type": "BPF"`, `model.type: type "BPF" is not supported; these are: BPE, Unigram, WordLevel, WordPiece`},
		{bpeJSON, `"dropout": null`, `"dropout": 0.1`, `model.dropout: dropout 0.1 is not supported`},
		{bpeJSON, `"end_of_word_suffix": null`, `"end_of_word_suffix": "</w>"`, `model.end_of_word_suffix: end_of_word_suffix "</w>" is not supported`},
		{bpeJSON, `"unk_token": "<unk>"`, `"unk_token": "<unknown>"`, `model.unk_token: the token "<unknown>" is not in the vocabulary`},
		{bpeJSON, `"fuse_unk": false`, `"fuse_unk": false, "speed": 9`, `model: unknown key "speed"`},
		{bpeJSON, `"fuse_unk": false`, `"fuse_unk": false, "fuse_unk": false`, `model: key "fuse_unk" occurs twice`},
		{bpeJSON, `"b": 2`, `"a": 2`, `model.vocab["a"]: the token occurs twice`},
		{bpeJSON, `"b": 2`, `"b": 1`, `model.vocab["b"]: id 1 is also that of "a"`},
		{bpeJSON, `"b": 2`, `"b": -2`, `model.vocab["b"]: id -2 is not a whole number`},
		{bpeJSON, `"b": 2`, `"b": 2.0`, `model.vocab["b"]: id 2.0 is not a whole number`},
		{bpeJSON, `"b": 2`, `"b": 99999999999999999999`, `model.vocab["b"]: id 99999999999999999999 is not a whole number below`},
		{bpeJSON, `"b": 2`, `"b": 4000000`, `model.vocab["b"]: id 4000000 is not below`},
		{bpeJSON, `"b": 2`, `"b": "2"`, `model.vocab["b"]: a number expected`},
		{bpeJSON, `"b": 2`, `"` + long + `": 2`, `a token of 5000 bytes, more than 4096`},
		{bpeJSON, `{"<unk>": 0, "a": 1, "b": 2, "▁": 3, "ab": 4, "▁ab": 5, "abab": 6}`, `{}`, `model.vocab: empty`},
		{bpeJSON, `{"<unk>": 0, "a": 1, "b": 2, "▁": 3, "ab": 4, "▁ab": 5, "abab": 6}`, `[]`, `model.vocab: '{' expected`},
		{bpeJSON, `"vocab": {`, `"vocabulary": {`, `model.vocab: missing`},
		{bpeJSON, `"a b"`, `"ab"`, `model.merges[0]: "ab" is not two tokens with one space between them`},
		{bpeJSON, `"a b"`, `"a b "`, `model.merges[0]: "a b " is not two tokens`},
		{bpeJSON, `"a b"`, `"a  b"`, `model.merges[0]: "a  b" is not two tokens`},
		{bpeJSON, `"a b"`, `"a c"`, `model.merges[0]: the token "c" is not in the vocabulary`},
		{bpeJSON, `"a b"`, `"b a"`, `model.merges[0]: the token "ba", which it makes, is not in the vocabulary`},
		{bpeJSON, `["ab", "ab"]`, `["ab"]`, `model.merges[2]: ',' expected`},
		{bpeJSON, `["ab", "ab"]`, `["ab", "ab", "ab"]`, `model.merges[2]: ']' expected`},
		{bpeJSON, `["ab", "ab"]`, `["ab", 6]`, `model.merges[2]: a string expected`},
		{bpeJSON, `["ab", "ab"]`, `7`, `model.merges[2]: '[' expected`},
		{bpeJSON, `"merges": [`, `"merge": [`, `model`},
		{wordPieceJSON, `"max_input_chars_per_word": 100`, `"max_input_chars_per_word": 1000000`, `model.max_input_chars_per_word: a whole number of at most 10000 expected`},
		{wordPieceJSON, `"unk_token": "[UNK]"`, `"unk_token": null`, `model: unk_token is null, but WordPiece needs one`},
		{wordPieceJSON, `"unk_token": "[UNK]", `, ``, `model: key "unk_token" is missing`},
		{wordPieceJSON, `"max_input_chars_per_word": 100`, `"max_input_chars_per_word": 100, "merges": []`, `model.merges: merges of a model of type "WordPiece"`},
		{unigramJSON, `"unk_id": 0`, `"unk_id": 4`, `model.unk_id: unk_id 4 of 4 tokens`},
		{unigramJSON, `"unk_id": 0`, `"unk_id": "0"`, `model.unk_id: a whole number`},
		{unigramJSON, `["a", -3]`, `["a"]`, `model.vocab[2]: ',' expected`},
		{unigramJSON, `["a", -3]`, `["a", NaN]`, `model: a number expected`},
		{unigramJSON, `["a", -3]`, `["a", -1e999]`, `model.vocab[2]: score -1e999: out of range`},
		{unigramJSON, `["a", -3]`, `["▁", -3]`, `model.vocab[2]: the token occurs twice`},
		{unigramJSON, `["a", -3]`, `{"a": -3}`, `model.vocab[2]: '[' expected`},
		{unigramJSON, `[["<unk>", 0.0], ["▁", -2.5], ["a", -3], ["▁a", -1e0]]`, `[]`, `model.vocab: empty`},
	}
	for i, tt := range tests {
		if !strings.Contains(tt.base, tt.old) {
			t.Errorf("%d: nothing to mutate: %q", i, tt.old)
			continue
		}
		start := time.Now()
		_, err := Parse("t.json", []byte(strings.Replace(tt.base, tt.old, tt.new, 1)))
		took := time.Since(start)
		var format *FormatError
		switch {
		case err == nil:
			t.Errorf("%d %.80q: no error, want %q", i, tt.new, tt.want)
		case !errors.As(err, &format) || !strings.HasPrefix(err.Error(), "tokenizer: t.json: "):
			t.Errorf("%d %.80q: error %q is not a FormatError of the file", i, tt.new, err)
		case !strings.Contains(err.Error(), tt.want):
			t.Errorf("%d %.80q: error %q, want %q", i, tt.new, err, tt.want)
		case len(err.Error()) > 1000:
			t.Errorf("%d: an error of %d bytes", i, len(err.Error()))
		}
		if took > time.Second {
			t.Errorf("%d %.80q: %v", i, tt.new, took)
		}
	}
	t.Logf("%d mutations", len(tests))
}

// Replacements that double the text again and again are stopped.
func TestGrowingText(t *testing.T) {
	double := strings.Repeat(`{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"},`, 30)
	tok, err := Parse("t.json", []byte(strings.Replace(bpeJSON, `{"type": "NFC"},`, double, 1)))
	if err != nil {
		t.Fatal(err)
	}
	var e Encoding
	if err := tok.Encode(&e, "aaa"); err != errGrowth {
		t.Errorf("error %v, want %v", err, errGrowth)
	}
	if err := tok.Encode(&e, "bbb"); err != nil {
		t.Error(err)
	}
}

// What a folder may hold, and the errors for the rest.
func TestOpenFolders(t *testing.T) {
	vocab := "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nab\n##c\n"
	tests := []struct {
		name  string
		files map[string]string
		want  string // of the error; "" for none
	}{
		{"tokenizer.json", map[string]string{"tokenizer.json": wordPieceJSON}, ""},
		{"vocab.txt", map[string]string{"vocab.txt": vocab, "tokenizer_config.json": `{"do_lower_case": true, "mask_token": {"content": "[MASK]", "__type": "AddedToken"}}`}, ""},
		{"CRLF", map[string]string{"vocab.txt": strings.ReplaceAll(vocab, "\n", "\r\n"), "tokenizer_config.json": `{}`}, ""},
		{"decoder", map[string]string{"vocab.txt": vocab, "tokenizer_config.json": `{"added_tokens_decoder": {"4": {"content": "[MASK]", "special": true, "lstrip": false}}}`}, ""},
		{"decoder differs", map[string]string{"vocab.txt": vocab, "tokenizer_config.json": `{"added_tokens_decoder": {"4": {"content": "[MASK]", "special": true, "lstrip": true}}}`}, `it differs from`},
		{"empty", nil, "neither tokenizer.json nor vocab.txt"},
		{"no config", map[string]string{"vocab.txt": vocab}, "vocab.txt: without tokenizer_config.json"},
		{"class", map[string]string{"vocab.txt": vocab, "tokenizer_config.json": `{"tokenizer_class": "GPT2Tokenizer"}`}, `tokenizer_class "GPT2Tokenizer" is not supported`},
		{"basic", map[string]string{"vocab.txt": vocab, "tokenizer_config.json": `{"do_basic_tokenize": false}`}, `do_basic_tokenize has to be true`},
		{"never split", map[string]string{"vocab.txt": vocab, "tokenizer_config.json": `{"never_split": ["x"]}`}, `never_split is not supported`},
		{"unknown key", map[string]string{"vocab.txt": vocab, "tokenizer_config.json": `{"speed": 1}`}, `unknown key "speed"`},
		{"twice", map[string]string{"vocab.txt": vocab + "ab\n", "tokenizer_config.json": `{}`}, `vocab.txt: line 8: the token occurs twice`},
		{"no vocabulary", map[string]string{"vocab.txt": "", "tokenizer_config.json": `{}`}, `vocab.txt: empty`},
		{"no [CLS]", map[string]string{"vocab.txt": "[UNK]\n[SEP]\n[MASK]\n", "tokenizer_config.json": `{}`}, `the token "[CLS]" is not in vocab.txt`},
		{"not UTF-8", map[string]string{"vocab.txt": vocab + "\xff", "tokenizer_config.json": `{}`}, `vocab.txt: not UTF-8`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tok, err := Open(dir)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				var e Encoding
				if err := tok.EncodeSpecial(&e, "ABC é"); err != nil || fmt.Sprint(len(e.IDs)) != "5" {
					t.Fatalf("%v %v", e.IDs, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "tokenizer: "+dir) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of nothing: %v", err)
	}
	if _, err := Open("/dev/null"); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("Open of a device: %v", err)
	}
}
