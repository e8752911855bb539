package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// model reads the model section: its settings as a tree, its vocabulary and
// merges as a stream.
func (l *loader) model() error {
	start, ok := l.at["model"]
	if !ok {
		return at("model", errors.New("missing"))
	}
	l.s.i = start
	settings := &node{kind: '{', path: "model", errs: new(error)}
	vocab, merges, left := section{-1, -1}, section{-1, -1}, maxNodes
	err := l.s.members(func(name string) error {
		l.s.peek()
		switch name {
		case "vocab":
			return l.s.section(&vocab)
		case "merges":
			return l.s.section(&merges)
		}
		settings.keys, settings.used = append(settings.keys, name), append(settings.used, false)
		begin := l.s.i
		if err := l.s.skip(3); err != nil {
			return at("model."+name, err)
		}
		if l.s.i-begin > maxPiece {
			return at("model."+name, fmt.Errorf("%d bytes, more than %d", l.s.i-begin, maxPiece))
		}
		l.s.i = begin
		return settings.child(l.s, &left, "model."+name)
	})
	if err != nil {
		return at("model", err)
	}
	if vocab.start < 0 {
		return at("model.vocab", errors.New("missing"))
	}
	kind := settings.get("type").optString()
	l.s.i = vocab.start
	if kind == "" && settings.err() == nil { // old files do not say
		switch {
		case merges.start >= 0:
			kind = "BPE"
		case l.s.peek() == '[':
			kind = "Unigram"
		case settings.get("max_input_chars_per_word").kind != 0:
			kind = "WordPiece"
		default:
			kind = "WordLevel"
		}
	}
	if kind != "BPE" && l.t.byteLevel {
		settings.fail("type %.80q after a ByteLevel pre-tokenizer is not supported", kind)
	}
	switch kind {
	case "BPE":
		if merges.start < 0 {
			return at("model.merges", errors.New("missing"))
		}
		err = l.bpe(settings, vocab, merges)
	case "WordPiece":
		err = l.wordPiece(settings, vocab)
	case "Unigram":
		err = l.unigram(settings, vocab)
	case "WordLevel":
		if err = l.readVocab(vocab); err == nil {
			l.t.wordLevel = &wordLevel{l.t.vocab, l.unknown(settings, settings.get("unk_token"))}
		}
	default:
		unsupported(settings.get("type"), kind, "BPE", "Unigram", "WordLevel", "WordPiece")
	}
	if err != nil {
		return err
	}
	if kind != "BPE" && merges.start >= 0 && settings.err() == nil {
		return at("model.merges", fmt.Errorf("merges of a model of type %.80q", kind))
	}
	settings.done()
	return settings.err()
}

// section is a value's place in the file.
type section struct{ start, end int }

// section passes over a value of the model and notes its place.
func (s *scanner) section(to *section) error {
	to.start = s.i
	err := s.skip(3)
	to.end = s.i
	return err
}

func (v section) size() int { return v.end - v.start }

// readVocab reads {"token": id, ...}. A byte-level vocabulary is stored as bytes.
func (l *loader) readVocab(v section) error {
	t, s := l.t, l.s
	s.i = v.start
	t.vocab, t.verbatim = newVocab(v.size()), map[string]int32{}
	if err := s.expect('{'); err != nil {
		return at("model.vocab", err)
	}
	var raw []byte
	for first := true; ; {
		more, err := s.more('}', &first)
		if err != nil {
			return at("model.vocab", err)
		}
		if !more {
			break
		}
		token, err := s.str()
		if err != nil {
			return at("model.vocab", err)
		}
		hidden, name := false, token
		if t.byteLevel {
			var ok bool
			if raw, ok = fromAlphabet(raw[:0], token); ok {
				token = raw
			} else {
				hidden = true
				if len(t.verbatim) > 1<<16 {
					return at("model.vocab", fmt.Errorf("more than %d tokens that are not written in the byte-level alphabet", 1<<16))
				}
			}
		}
		id, err := s.vocabID()
		if err == nil && hidden {
			if _, ok := t.verbatim[string(token)]; ok {
				err = errors.New("the token occurs twice")
			}
		}
		if err == nil {
			err = t.vocab.add(token, id, hidden)
		}
		if err != nil {
			return at(fmt.Sprintf("model.vocab[%.80q]", name), err)
		}
		if hidden {
			t.verbatim[string(token)] = id
		}
	}
	if t.vocab.n == 0 {
		return at("model.vocab", errors.New("empty"))
	}
	return nil
}

// vocabID reads ": id". The string before it stays valid.
func (s *scanner) vocabID() (int32, error) {
	if err := s.expect(':'); err != nil {
		return 0, err
	}
	return s.id()
}

// lookup returns the id of a token of the vocabulary as it is written in the
// file.
func (l *loader) lookup(token []byte, raw *[]byte) int32 {
	if !l.t.byteLevel {
		return l.t.vocab.find(token)
	}
	var ok bool
	if *raw, ok = fromAlphabet((*raw)[:0], token); ok {
		return l.t.vocab.find(*raw)
	}
	if id, ok := l.t.verbatim[string(token)]; ok {
		return id
	}
	return -1
}

// unknown returns the id of the token n names, -1 if n is null.
func (l *loader) unknown(settings, n *node) int32 {
	if n.null() {
		return -1
	}
	token, raw := n.str(), []byte(nil)
	id := l.lookup([]byte(token), &raw)
	if id < 0 {
		n.fail("the token %.80q is not in the vocabulary", token)
	}
	return id
}

func (l *loader) wordPiece(n *node, vocab section) error {
	if err := l.readVocab(vocab); err != nil {
		return err
	}
	prefix, max := n.must("continuing_subword_prefix").str(), n.must("max_input_chars_per_word").int(10000)
	unk := l.unknown(n, n.must("unk_token"))
	if unk < 0 {
		n.fail("unk_token is null, but WordPiece needs one")
	}
	m, err := newWordPiece(l.t.vocab, prefix, unk, max)
	l.t.wordPiece, l.t.contSize = m, len(prefix)
	return at("model.vocab", err)
}

// byteTokens returns the ids of <0x00> to <0xFF>, -1 for those that are absent.
func (l *loader) byteTokens() (ids [256]int32) {
	for c := range ids {
		ids[c] = l.t.vocab.find(fmt.Appendf(nil, "<0x%02X>", c))
	}
	return ids
}

// unigram reads [["token", score], ...].
func (l *loader) unigram(n *node, vocab section) error {
	t, s := l.t, l.s
	s.i = vocab.start
	t.vocab = newVocab(vocab.size())
	m := &unigram{vocab: t.vocab, trie: newTrie(vocab.size() / 16), unk: -1, unkScore: math.Inf(1), fallback: n.get("byte_fallback").optBool(false)}
	if err := s.expect('['); err != nil {
		return at("model.vocab", err)
	}
	for first := true; ; {
		more, err := s.more(']', &first)
		if err != nil {
			return at("model.vocab", err)
		}
		if !more {
			break
		}
		id := int32(len(m.score))
		score, err := m.entry(s, id)
		if err != nil {
			return at(fmt.Sprintf("model.vocab[%d]", id), err)
		}
		m.score = append(m.score, score)
		m.unkScore = min(m.unkScore, score)
	}
	if len(m.score) == 0 {
		return at("model.vocab", errors.New("empty"))
	}
	m.unkScore -= unkPenalty
	if u := n.get("unk_id"); !u.null() {
		if m.unk = int32(u.int(maxID)); int(m.unk) >= len(m.score) {
			u.fail("unk_id %d of %d tokens", m.unk, len(m.score))
		}
	}
	m.bytes = l.byteTokens()
	t.unigram = m
	return nil
}

// entry reads one ["token", score] and returns the score.
func (m *unigram) entry(s *scanner, id int32) (float64, error) {
	if err := s.expect('['); err != nil {
		return 0, err
	}
	token, err := s.str()
	if err != nil {
		return 0, err
	}
	if err := m.vocab.add(token, id, false); err != nil {
		return 0, err
	}
	if err := m.trie.add(token, id); err != nil {
		return 0, err
	}
	if err := s.expect(','); err != nil {
		return 0, err
	}
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	score, err := strconv.ParseFloat(unsafeString(text), 64)
	if err != nil {
		return 0, fmt.Errorf("score %.40s: out of range", text)
	}
	return score, s.expect(']')
}
