// Package tokenizer turns text into token ids as Hugging Face tokenizers does,
// from the same files: a tokenizer.json, or vocab.txt with
// tokenizer_config.json of old BERT models.
//
// It has byte-level BPE (ModernBERT, GPT-2, Qwen, Llama 3), BPE over characters
// with fallback to bytes (Gemma, Llama 2), WordPiece (BERT), Unigram (T5, XLM-R)
// and their normalisers, pre-tokenisers, post-processors and decoders. What it
// does not have is an error when the file is opened, never a different result.
//
// Every token knows its place in the original text, in bytes; CodePoints turns
// bytes into code points. A byte that is not part of valid UTF-8 is taken for
// U+FFFD that is one byte long.
//
// The goldens of the tests are of tokenizers 0.23.3. The properties of characters
// are those that this version works with (see unicodeTables), not those of one
// version of Unicode nor of the Go release: its normal forms are of Unicode 9, so
// a composition that is newer is not made here either.
//
// Regular expressions are not interpreted: the patterns of the supported families
// are recognised by their text and have scanners of their own.
//
// The keys truncation and padding of the file are not applied: a caller has to
// cut and pad where it knows the model's limit.
//
// A Tokenizer does not change and may be used by any number of goroutines, an
// Encoding by one at a time. Once an Encoding has grown to the texts it sees,
// encoding allocates nothing. Its time is linear in the text, but for words of
// BPE, which take n log n.
package tokenizer

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Span is a range [Start, End) of the original text, in bytes.
type Span struct{ Start, End int }

// Encoding receives the tokens of a text. Its slices are used again by the next
// call and only grow. The zero Encoding is ready for use.
type Encoding struct {
	IDs     []int32
	Offsets []Span  // [len(IDs)]; a token's bytes are of whole characters
	Words   []int32 // [len(IDs)] which piece of the text, before splitting into tokens; -1 for tokens of the template

	word int32 // the next piece's number
	sc   scratch
}

// scratch is what an Encoding keeps between calls.
type scratch struct {
	raw    aligned    // the text with invalid UTF-8 replaced
	norm   [2]aligned // normalised text
	pre    [2]aligned // text rewritten by pre-tokenisers
	pieces [2][]rng

	runes                      []rune
	changes, sorting, composed []change

	toks    []tok
	text    []byte
	symbols []symbol
	pairs   []uint64
	queue   []uint64
	lattice lattice
}

// Len returns the number of tokens.
func (e *Encoding) Len() int { return len(e.IDs) }

// Reset empties the Encoding and keeps its memory.
func (e *Encoding) Reset() {
	e.IDs, e.Offsets, e.Words, e.word = e.IDs[:0], e.Offsets[:0], e.Words[:0], 0
}

// Tokenizer is an opened tokenizer. Open and Parse make one.
type Tokenizer struct {
	vocab    *vocab
	verbatim map[string]int32 // tokens of a byte-level vocabulary that are not written in its alphabet
	added    map[string]int32
	byID     map[int32]*addedToken
	ids      int // one more than the greatest id

	raw, normed *matcher // added tokens looked for before and after normalising, nil if there are none
	steps       []step
	split       []splitter
	byteLevel   bool // pieces become bytes: the vocabulary's arena holds bytes, not the alphabet

	bpe       *bpe // one of the models
	wordPiece *wordPiece
	unigram   *unigram
	wordLevel *wordLevel
	contSize  int // bytes of the prefix of tokens that continue a word
	cache     *wordCache

	prefix, suffix []int32
	trims          []trim
	decoders       []decoder
	joinSpace      bool // no decoder: tokens are joined by spaces
}

// A FormatError reports a file that is not a tokenizer this package can use.
type FormatError struct {
	File   string
	Path   string // place in the document, "model.merges[17]"; "" for the whole
	Reason string
}

func (e *FormatError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("tokenizer: %s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("tokenizer: %s: %s: %s", e.File, e.Path, e.Reason)
}

// VocabSize returns one more than the greatest id: the number of rows an
// embedding needs.
func (t *Tokenizer) VocabSize() int { return t.ids }

// ID returns the id of a token, written as in the file.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.added[token]; ok {
		return id, true
	}
	if !t.byteLevel {
		id := t.vocab.find(bytesOf(token))
		return id, id >= 0
	}
	if id, ok := t.verbatim[token]; ok {
		return id, true
	}
	raw, ok := fromAlphabet(nil, token)
	if !ok {
		return -1, false
	}
	id := t.vocab.find(raw)
	return id, id >= 0
}

// Token returns a token as written in the file, "" if the id has none.
func (t *Tokenizer) Token(id int32) string {
	if a := t.byID[id]; a != nil {
		return a.content
	}
	return t.modelToken(id)
}

func (t *Tokenizer) modelToken(id int32) string {
	raw := t.vocab.token(id)
	if !t.byteLevel || raw == nil {
		return string(raw)
	}
	if v, ok := t.verbatim[string(raw)]; ok && v == id {
		return string(raw)
	}
	var out []byte
	for _, c := range raw {
		out = utf8.AppendRune(out, alphabet[c])
	}
	return string(out)
}

// CutsAtSpaces reports whether a word of an Encoding is whatever stands between
// spaces, punctuation included, as in tokenizers of SentencePiece.
func (t *Tokenizer) CutsAtSpaces() bool {
	for _, s := range t.split {
		if s.kind != splitMeta && !(s.kind == splitProps && s.props == propWhite) {
			return false
		}
	}
	return len(t.split) > 0
}

// Template returns the ids that EncodeSpecial puts before and after a text. They
// must not be written.
func (t *Tokenizer) Template() (prefix, suffix []int32) { return t.prefix, t.suffix }

// maxText bounds the length of a text, in bytes.
const maxText = 1 << 30

var (
	errGrowth  = errors.New("tokenizer: the normalizer makes the text more than 16 times as long")
	errLong    = errors.New("tokenizer: text longer than 1 GiB")
	errSpecial = errors.New("tokenizer: the text spells a special token")
	errUnknown = errors.New("tokenizer: text with a character that is in no token, and a model without an unknown token")
)

// Encode replaces e's content by the tokens of text, without those of the
// template. Added tokens that are written in the text are recognised. It fails
// only for a text longer than 1 GiB, for one that the normalizer blows up, and for
// a character outside a vocabulary that has no unknown token.
func (t *Tokenizer) Encode(e *Encoding, text string) error {
	e.Reset()
	return t.encode(e, text, false)
}

// EncodePlain is Encode for a text that is not trusted: added tokens that are
// written in it are text like any other. It fails too for a text that the model's
// own vocabulary spells as a special token, which byte-level models and those
// that split at punctuation do not.
func (t *Tokenizer) EncodePlain(e *Encoding, text string) error {
	e.Reset()
	if err := t.encode(e, text, true); err != nil {
		return err
	}
	for _, id := range e.IDs {
		if a := t.byID[id]; a != nil && a.special && !t.unknown(id) {
			return errSpecial
		}
	}
	return nil
}

// unknown reports whether id is what stands for all that has no token.
func (t *Tokenizer) unknown(id int32) bool {
	switch {
	case t.bpe != nil:
		return id == t.bpe.unk
	case t.wordPiece != nil:
		return id == t.wordPiece.unk
	case t.unigram != nil:
		return id == t.unigram.unk
	}
	return id == t.wordLevel.unk
}

// EncodeSpecial is Encode with the tokens of the template around it, whose
// offsets are empty.
func (t *Tokenizer) EncodeSpecial(e *Encoding, text string) error {
	e.Reset()
	e.special(t.prefix)
	if err := t.encode(e, text, false); err != nil {
		return err
	}
	e.special(t.suffix)
	return nil
}

func (e *Encoding) special(ids []int32) {
	for _, id := range ids {
		e.IDs = append(e.IDs, id)
		e.Offsets = append(e.Offsets, Span{})
		e.Words = append(e.Words, -1)
	}
}

// CodePoints appends to dst the spans, which must be in order of Start and at
// characters, counted in code points instead of bytes. A byte that is not part
// of valid UTF-8 counts as one. It takes one pass over the text.
func CodePoints(text string, spans []Span, dst []Span) []Span {
	at, points := 0, 0 // a place, and the number of code points before it
	for _, s := range spans {
		switch {
		case s.Start >= at:
			points += utf8.RuneCountInString(text[at:s.Start])
		case s.Start == 0:
			points = 0
		default:
			points -= utf8.RuneCountInString(text[s.Start:at])
		}
		at = s.Start
		dst = append(dst, Span{points, points + utf8.RuneCountInString(text[s.Start:s.End])})
	}
	return dst
}
