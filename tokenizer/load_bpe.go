package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
)

// bpe reads a BPE model.
func (l *loader) bpe(n *node, vocab, merges section) error {
	if err := l.readVocab(vocab); err != nil {
		return err
	}
	m := &bpe{vocab: l.t.vocab, byteLevel: l.t.byteLevel,
		fallback: n.get("byte_fallback").optBool(false), fuseUnk: n.get("fuse_unk").optBool(false), ignoreMerges: n.get("ignore_merges").optBool(false)}
	m.unk = l.unknown(n, n.get("unk_token"))
	m.prefix = n.get("continuing_subword_prefix").optString()
	if suffix := n.get("end_of_word_suffix"); suffix.optString() != "" {
		suffix.fail("end_of_word_suffix %s is not supported", suffix)
	}
	if d := n.get("dropout"); !d.null() && (d.kind != '0' || d.text != "0" && d.text != "0.0") {
		d.fail("dropout %s is not supported; it has to be null or 0", d)
	}
	if m.byteLevel && (m.fallback || m.prefix != "") {
		n.fail("byte_fallback and continuing_subword_prefix are not supported with ByteLevel")
	}
	if n.err() != nil {
		return n.err()
	}
	m.symbolTables(l)
	l.t.bpe, l.t.contSize = m, len(m.prefix)
	return l.readMerges(m, merges)
}

// symbolTables fills the tokens of single bytes and ASCII characters.
func (m *bpe) symbolTables(l *loader) {
	for c := range m.ascii {
		m.ascii[c] = m.vocab.find([]byte{byte(c)})
	}
	if !m.byteLevel {
		m.bytes = l.byteTokens()
		return
	}
	for c := range m.bytes {
		m.bytes[c] = m.vocab.find([]byte{byte(c)})
	}
}

// readMerges reads a list of "left right" or of ["left", "right"].
func (l *loader) readMerges(m *bpe, v section) error {
	s := l.s
	s.i = v.start
	if err := s.expect('['); err != nil {
		return at("model.merges", err)
	}
	count := bytes.Count(s.data[v.start:v.end], []byte{','}) + 1
	if s.peek() == '[' {
		count = count/2 + 1
	}
	table := newMergeTable(count)
	var r mergeReader
	rank := int32(0)
	for i, first := 0, true; ; i++ {
		more, err := s.more(']', &first)
		if err != nil {
			return at(fmt.Sprintf("model.merges[%d]", i), err)
		}
		if !more {
			break
		}
		ok, err := r.read(s, i)
		if err == nil && ok && int(rank) >= count {
			err = errors.New("lists and strings are mixed")
		}
		if err == nil && ok {
			err = r.enter(l, m, table, rank)
			rank++
		}
		if err != nil {
			return at(fmt.Sprintf("model.merges[%d]", i), err)
		}
	}
	m.merges = table
	return nil
}

// mergeReader holds the two halves of a merge.
type mergeReader struct{ left, right, both, raw []byte }

// read reads one merge. It reports false for the line "#version" that some files
// begin with.
func (r *mergeReader) read(s *scanner, i int) (bool, error) {
	if s.peek() == '"' {
		text, err := s.str()
		if err != nil {
			return false, err
		}
		if i == 0 && bytes.HasPrefix(text, []byte("#version")) {
			return false, nil
		}
		left, right, ok := bytes.Cut(text, []byte{' '})
		if !ok || len(left) == 0 || len(right) == 0 || bytes.IndexByte(right, ' ') >= 0 {
			return false, fmt.Errorf("%.80q is not two tokens with one space between them", text)
		}
		r.left, r.right = append(r.left[:0], left...), append(r.right[:0], right...)
		return true, nil
	}
	if err := s.expect('['); err != nil {
		return false, err
	}
	left, err := s.str()
	if err != nil {
		return false, err
	}
	r.left = append(r.left[:0], left...)
	if err := s.expect(','); err != nil {
		return false, err
	}
	right, err := s.str()
	if err != nil {
		return false, err
	}
	r.right = append(r.right[:0], right...)
	return true, s.expect(']')
}

// enter puts the merge into the table. Both halves and the whole have to be
// tokens.
func (r *mergeReader) enter(l *loader, m *bpe, table *mergeTable, rank int32) error {
	left, right := l.lookup(r.left, &r.raw), l.lookup(r.right, &r.raw)
	if left < 0 {
		return fmt.Errorf("the token %.80q is not in the vocabulary", r.left)
	}
	if right < 0 {
		return fmt.Errorf("the token %.80q is not in the vocabulary", r.right)
	}
	if len(r.right) < len(m.prefix) {
		return errors.New("the second token is shorter than continuing_subword_prefix")
	}
	r.both = append(append(r.both[:0], r.left...), r.right[len(m.prefix):]...)
	id := l.lookup(r.both, &r.raw)
	if id < 0 {
		return fmt.Errorf("the token %.80q, which it makes, is not in the vocabulary", r.both)
	}
	table.add(left, right, rank, id)
	return nil
}
