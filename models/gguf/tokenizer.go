package gguf

import (
	"slices"
	"strings"
)

const (
	keyModel  = "tokenizer.ggml.model"
	keyPre    = "tokenizer.ggml.pre"
	keyTokens = "tokenizer.ggml.tokens"
	keyTypes  = "tokenizer.ggml.token_type"
	keyMerges = "tokenizer.ggml.merges"
	keyBOS    = "tokenizer.ggml.bos_token_id"
	keyEOS    = "tokenizer.ggml.eos_token_id"
	keyEOT    = "tokenizer.ggml.eot_token_id"
	keyEOM    = "tokenizer.ggml.eom_token_id"
	keyPad    = "tokenizer.ggml.padding_token_id"
	keyChat   = "tokenizer.chat_template"
)

// The types of a token.
const (
	tokenNormal = 1 + iota
	tokenUnknown
	tokenControl
	tokenUser
	tokenUnused
	tokenByte
)

// A pre is how texts are cut into words, by the name of tokenizer.ggml.pre: the
// regular expressions that cut one after the other, or the component of a
// tokenizer.json.
type pre struct {
	names        []string
	normalizer   string
	digits       bool     // each one a word, before the rest
	patterns     []string // none: that of GPT-2
	ignoreMerges bool     // a word that is a token needs no merges
	bos          bool     // begins every text, unless the file says otherwise
}

const (
	patternGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternO200K  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// pres are the supported ones. The normaliser of Qwen is not in its files, but
// in its tokenizer.json.
var pres = []pre{
	{names: []string{"default"}, patterns: []string{`[\p{P}\$\+<=>\^~\|]+`, patternGPT2, `\p{N}+`, `[0-9][0-9][0-9]`}},
	{names: []string{"gpt-2", "phi-2"}},
	{names: []string{"smollm", "starcoder", "refact"}, digits: true},
	{names: []string{"llama-bpe", "llama3", "llama-v3", "falcon3"}, patterns: []string{patternLlama3}, ignoreMerges: true, bos: true},
	{names: []string{"smaug-bpe", "dbrx"}, patterns: []string{patternLlama3}},
	{names: []string{"qwen2", "deepseek-r1-qwen"}, patterns: []string{patternQwen2}, normalizer: "NFC"},
	{names: []string{"gpt-4o"}, patterns: []string{patternO200K}},
}

// parseVocab finds how many rows the embedding has.
func (f *File) parseVocab(prefix string) error {
	h := &f.hyper
	if f.has(prefix + "vocab_size") {
		var err error
		if h.vocab, err = f.whole(prefix+"vocab_size", 1, maxVocab); err != nil {
			return err
		}
	}
	if !f.has(keyTokens) {
		if h.vocab == 0 {
			return f.failKey(keyTokens, "is missing")
		}
		return nil
	}
	tokens, err := f.array(keyTokens, kindString)
	if err != nil {
		return err
	}
	if tokens.bits < 1 || tokens.bits > maxVocab {
		return f.failKey(keyTokens, "%d tokens; want 1 to %d", tokens.bits, maxVocab)
	}
	if h.vocab == 0 {
		h.vocab = int(tokens.bits)
	}
	if int(tokens.bits) > h.vocab {
		return f.failKey(keyTokens, "%d tokens, but %svocab_size is %d", tokens.bits, prefix, h.vocab)
	}
	return nil
}

const maxVocab = 1 << 22 // as in package models

// vocabulary is what Tokenizer reads.
type vocabulary struct {
	pre                   *pre
	tokens, types, merges value
	bos, eos              int // ids around a text; -1 for none
}

// Tokenizer is a tokenizer.json made of the metadata. Control tokens are special
// added tokens, user-defined ones are added tokens; unused ones are left out.
func (f *File) Tokenizer() ([]byte, error) {
	v, err := f.vocabulary()
	if err != nil {
		return nil, err
	}
	// Once to count, once to write: the text may be as large as the file.
	w := &writer{}
	if err := f.write(w, v); err != nil {
		return nil, err
	}
	if limit := 2*f.size + 64<<10; int64(w.n) > limit {
		return nil, f.failKey(keyTokens, "a tokenizer.json of %d bytes, more than %d: too many control tokens, or escapes", w.n, limit)
	}
	w = &writer{out: make([]byte, 0, w.n), keep: true}
	if err := f.write(w, v); err != nil {
		return nil, err
	}
	return w.out, nil
}

// vocabulary checks the keys of the tokenizer.
func (f *File) vocabulary() (v *vocabulary, err error) {
	v = &vocabulary{bos: -1, eos: -1}
	model, err := f.text(keyModel)
	switch {
	case err != nil:
		return nil, err
	case model == "":
		return nil, f.failKey(keyModel, "is missing")
	case model != "gpt2":
		return nil, f.failKey(keyModel, "%s is not supported; gpt2 (byte-level BPE) is", clip(model))
	}
	name, err := f.text(keyPre)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = "default" // of files before there was such a key
	}
	i := slices.IndexFunc(pres, func(p pre) bool { return slices.Contains(p.names, name) })
	if i < 0 {
		var have []string
		for _, p := range pres {
			have = append(have, p.names...)
		}
		return nil, f.failKey(keyPre, "%s is not supported; supported are %s", clip(name), strings.Join(have, ", "))
	}
	v.pre = &pres[i]
	if v.tokens, err = f.array(keyTokens, kindString); err != nil {
		return nil, err
	}
	if v.merges, err = f.array(keyMerges, kindString); err != nil {
		return nil, err
	}
	if f.has(keyTypes) {
		if v.types, err = f.array(keyTypes, kindI32); err != nil {
			return nil, err
		}
		if v.types.bits != v.tokens.bits {
			return nil, f.failKey(keyTypes, "%d types of %d tokens", v.types.bits, v.tokens.bits)
		}
	}
	for _, end := range []struct {
		to       *int
		add, key string
		usual    bool
	}{{&v.bos, "tokenizer.ggml.add_bos_token", keyBOS, v.pre.bos}, {&v.eos, "tokenizer.ggml.add_eos_token", keyEOS, false}} {
		add, err := f.flag(end.add, end.usual)
		if err != nil {
			return nil, err
		}
		if !add || !f.has(end.key) && !f.has(end.add) {
			continue
		}
		if *end.to, err = f.whole(end.key, 0, int64(v.tokens.bits)-1); err != nil {
			return nil, err
		}
	}
	if prefix, err := f.flag("tokenizer.ggml.add_sep_token", false); err != nil {
		return nil, err
	} else if prefix {
		return nil, f.failKey("tokenizer.ggml.add_sep_token", "true is not supported")
	}
	return v, nil
}

// write writes the tokenizer.json.
func (f *File) write(w *writer, v *vocabulary) error {
	w.raw(`{"version":"1.0","truncation":null,"padding":null,"added_tokens":[`)
	first := true
	err := f.eachToken(v, func(id int, token []byte, kind uint32) {
		if kind != tokenControl && kind != tokenUser {
			return
		}
		w.comma(&first)
		w.raw(`{"id":`)
		w.int(id)
		w.raw(`,"content":`)
		w.text(token)
		w.raw(`,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":`)
		w.bool(kind == tokenControl)
		w.raw(`}`)
	})
	if err != nil {
		return err
	}
	w.raw(`],"normalizer":`)
	if v.pre.normalizer != "" {
		w.raw(`{"type":"` + v.pre.normalizer + `"}`)
	} else {
		w.raw(`null`)
	}
	w.raw(`,"pre_tokenizer":`)
	v.pre.write(w)
	w.raw(`,"post_processor":`)
	if err := f.writeTemplate(w, v); err != nil {
		return err
	}
	w.raw(`,"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},"model":{"type":"BPE","dropout":null,` +
		`"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":`)
	w.bool(v.pre.ignoreMerges)
	w.raw(`,"vocab":{`)
	first = true
	err = f.eachToken(v, func(id int, token []byte, kind uint32) {
		if kind == tokenUnused {
			return
		}
		w.comma(&first)
		w.text(token)
		w.raw(`:`)
		w.int(id)
	})
	if err != nil {
		return err
	}
	w.raw(`},"merges":[`)
	first = true
	err = f.eachString(keyMerges, v.merges, 2*maxToken, func(_ int, merge []byte) {
		w.comma(&first)
		w.text(merge)
	})
	w.raw(`]}}`)
	return err
}

// write writes the pre-tokenizer.
func (p *pre) write(w *writer) {
	bytes := func(regex bool) {
		w.raw(`{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":`)
		w.bool(regex)
		w.raw(`}`)
	}
	if !p.digits && p.patterns == nil {
		bytes(true)
		return
	}
	w.raw(`{"type":"Sequence","pretokenizers":[`)
	if p.digits {
		w.raw(`{"type":"Digits","individual_digits":true},`)
	}
	for _, x := range p.patterns {
		w.raw(`{"type":"Split","pattern":{"Regex":`)
		w.text([]byte(x))
		w.raw(`},"behavior":"Isolated","invert":false},`)
	}
	bytes(p.patterns == nil)
	w.raw(`]}`)
}

// writeTemplate writes the post-processor: what stands around a text.
func (f *File) writeTemplate(w *writer, v *vocabulary) error {
	if v.bos < 0 && v.eos < 0 {
		w.raw(`null`)
		return nil
	}
	var names [2]string
	for i, id := range []int{v.bos, v.eos} {
		if id >= 0 {
			var err error
			if names[i], err = f.token(v.tokens, id); err != nil {
				return err
			}
		}
	}
	part := func(id string, typ int) {
		for i, of := range []string{names[0], id, names[1]} {
			if i > 0 && (i != 1 || v.bos >= 0) && (i != 2 || v.eos >= 0) {
				w.raw(`,`)
			}
			switch {
			case i == 1:
				w.raw(`{"Sequence":{"id":"` + id + `","type_id":`)
			case i == 0 && v.bos >= 0, i == 2 && v.eos >= 0:
				w.raw(`{"SpecialToken":{"id":`)
				w.text([]byte(of))
				w.raw(`,"type_id":`)
			default:
				continue
			}
			w.int(typ)
			w.raw(`}}`)
		}
	}
	w.raw(`{"type":"TemplateProcessing","single":[`)
	part("A", 0)
	w.raw(`],"pair":[`)
	part("A", 0)
	w.raw(`,`)
	part("B", 1)
	w.raw(`],"special_tokens":{`)
	first := true
	for i, id := range []int{v.bos, v.eos} {
		if id < 0 || i == 1 && id == v.bos {
			continue
		}
		w.comma(&first)
		w.text([]byte(names[i]))
		w.raw(`:{"id":`)
		w.text([]byte(names[i]))
		w.raw(`,"ids":[`)
		w.int(id)
		w.raw(`],"tokens":[`)
		w.text([]byte(names[i]))
		w.raw(`]}`)
	}
	w.raw(`}}`)
	return nil
}
