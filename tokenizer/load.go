package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parse reads a tokenizer.json from memory. name stands for it in errors. The
// data is not kept.
func Parse(name string, data []byte) (*Tokenizer, error) {
	t, err := parse(data)
	if err != nil {
		var l *located
		if errors.As(err, &l) {
			return nil, &FormatError{name, l.path, l.err.Error()}
		}
		return nil, &FormatError{name, "", err.Error()}
	}
	return t, nil
}

// sections is where the values of an object's members begin.
type sections map[string]int

// index passes over an object and notes its members.
func (s *scanner) index() (sections, error) {
	values := sections{}
	err := s.members(func(name string) error {
		s.peek()
		values[name] = s.i
		return at(name, s.skip(2))
	})
	return values, err
}

func parse(data []byte) (*Tokenizer, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%d bytes, more than %d", len(data), maxFile)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	s := &scanner{data: data}
	values, err := s.index()
	if err != nil {
		return nil, err
	}
	if s.peek() != 0 || s.i < len(data) {
		return nil, s.fail("the end of the file")
	}
	for name := range values {
		switch name {
		case "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model":
		default:
			return nil, fmt.Errorf("unknown key %.80q", name)
		}
	}
	l := &loader{s: s, at: values, t: &Tokenizer{added: map[string]int32{}, byID: map[int32]*addedToken{}}}
	for _, step := range []func() error{l.header, l.normalizer, l.preTokenizer, l.model, l.addedTokens, l.postProcessor, l.decoder} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	l.finish()
	return l.t, nil
}

// loader builds a Tokenizer from the sections of a file.
type loader struct {
	s  *scanner
	at sections
	t  *Tokenizer

	metaNormalizer bool // a normaliser makes every space a metaspace
}

// component reads a section into a tree; nil if it is absent or null.
func (l *loader) component(name string) (*node, error) {
	at, ok := l.at[name]
	if !ok {
		return nil, nil
	}
	l.s.i = at
	n, err := parseNode(l.s, name)
	if err != nil || n.null() {
		return nil, err
	}
	return n, nil
}

// header checks the sections that have no effect.
func (l *loader) header() error {
	if n, err := l.component("version"); err != nil {
		return err
	} else if n != nil {
		if v := n.str(); n.err() == nil && v != "1.0" {
			n.fail("version %.80q is not supported (1.0 is)", v)
		}
		if n.err() != nil {
			return n.err()
		}
	}
	for _, name := range []string{"truncation", "padding"} {
		n, err := l.component(name)
		if err != nil {
			return err
		}
		if n != nil && n.kind != '{' {
			return at(name, fmt.Errorf("an object expected, found %s", n))
		}
	}
	return nil
}

// addedTokens reads the list of added tokens.
func (l *loader) addedTokens() error {
	start, ok := l.at["added_tokens"]
	if !ok {
		return nil
	}
	l.s.i = start
	if l.s.peek() == 'n' {
		return nil
	}
	if err := l.s.expect('['); err != nil {
		return at("added_tokens", err)
	}
	bound := int32(min(4*(len(l.s.data)/4)+1<<16, maxID)) // as for the vocabulary
	for i, first := 0, true; ; i++ {
		path := fmt.Sprintf("added_tokens[%d]", i)
		more, err := l.s.more(']', &first)
		if !more || err != nil {
			return at("added_tokens", err)
		}
		n, err := parseNode(l.s, path)
		if err != nil {
			return err
		}
		a := &addedToken{content: n.must("content").str(), id: int32(n.must("id").int(int(bound))),
			singleWord: n.get("single_word").optBool(false), lstrip: n.get("lstrip").optBool(false), rstrip: n.get("rstrip").optBool(false),
			special: n.get("special").optBool(false)}
		a.normalized = n.get("normalized").optBool(!a.special)
		n.done()
		if n.err() != nil {
			return n.err()
		}
		if err := l.addToken(a); err != nil {
			return at(path, err)
		}
	}
}

// addToken enters one added token.
func (l *loader) addToken(a *addedToken) error {
	t := l.t
	if a.content == "" {
		return errors.New("the content is empty")
	}
	if len(a.content) > maxAdded {
		return fmt.Errorf("a token of %d bytes, more than %d", len(a.content), maxAdded)
	}
	if _, ok := t.added[a.content]; ok {
		return fmt.Errorf("the token %.80q occurs twice", a.content)
	}
	if other := t.byID[a.id]; other != nil {
		return fmt.Errorf("id %d is also that of %.80q", a.id, other.content)
	}
	if id, ok := t.ID(a.content); ok && id != a.id {
		return fmt.Errorf("id %d, but the vocabulary gives %.80q the id %d", a.id, a.content, id)
	}
	if t.vocab.token(a.id) != nil && t.modelToken(a.id) != a.content {
		return fmt.Errorf("id %d is that of %.80q in the vocabulary", a.id, t.modelToken(a.id))
	}
	t.added[a.content], t.byID[a.id] = a.id, a
	t.ids = max(t.ids, int(a.id)+1)
	which, text := &t.raw, a.content
	if a.normalized {
		normed, err := normalizeToken(t.steps, a.content)
		if normed == "" || err != nil {
			return err
		}
		which, text = &t.normed, normed
	}
	if *which == nil {
		*which = newMatcher()
	}
	return (*which).add(text, *a)
}

// maxAdded bounds the length of an added token: at every place of a text as many
// bytes may have to be compared.
const maxAdded = 512

// finish sets what depends on all sections.
func (l *loader) finish() {
	t := l.t
	t.ids = max(t.ids, t.vocab.ids())
	n := 256
	for n < 16384 && n*2 < t.vocab.n {
		n *= 2
	}
	t.cache = newWordCache(n, newMergeTable(0).seed)
	if b := t.bpe; b != nil && !b.byteLevel && b.prefix == "" && !b.ignoreMerges && l.metaNormalizer && b.vocab.find([]byte(metaspace)) >= 0 {
		b.breaks = newBreakSet(b.vocab)
	}
}

// maxSteps bounds the parts of a normalizer, a pre-tokenizer or a decoder.
const maxSteps = 32

// typeOf returns the type of a component.
func typeOf(n *node) string { return n.must("type").str() }

// unsupported records that a component of the type does not exist.
func unsupported(n *node, kind string, known ...string) {
	n.fail("type %.80q is not supported; these are: %s", kind, strings.Join(known, ", "))
}
