package tokenizer

import (
	"unicode/utf8"
)

// encode appends the tokens of text to e; with plain, added tokens are not
// looked for.
func (t *Tokenizer) encode(e *Encoding, text string, plain bool) error {
	if len(text) > maxText {
		return errLong
	}
	in := aligned{b: bytesOf(text), plain: true}
	if !utf8.Valid(in.b) {
		e.sc.raw.repair(in.b)
		in = e.sc.raw
	}
	first := len(e.IDs)
	var err error
	if t.raw == nil || plain {
		err = t.encodePart(e, in, plain)
	} else {
		err = t.raw.pieces(in.b, func(a *addedToken, start, end int) error {
			part := in.slice(start, end)
			if a != nil {
				e.addedToken(a.id, &part)
				return nil
			}
			return t.encodePart(e, part, false)
		})
	}
	for _, tr := range t.trims {
		tr.apply(t, e, text, first)
	}
	return err
}

// encodePart normalises a part without tokens of t.raw, and encodes it.
func (t *Tokenizer) encodePart(e *Encoding, in aligned, plain bool) error {
	in, err := e.sc.normalize(t.steps, in)
	if err != nil {
		return err
	}
	if t.normed == nil || plain {
		return t.encodeText(e, in)
	}
	return t.normed.pieces(in.b, func(a *addedToken, start, end int) error {
		part := in.slice(start, end)
		if a != nil {
			e.addedToken(a.id, &part)
			return nil
		}
		return t.encodeText(e, part)
	})
}

// addedToken appends a token that stands for the whole of part.
func (e *Encoding) addedToken(id int32, part *aligned) {
	e.emit(id, part, 0, len(part.b))
	e.word++
}

// emit appends a token of the current word that stands for a.b[start:end], which
// is not empty. A part of a character stands for all of it.
func (e *Encoding) emit(id int32, a *aligned, start, end int) {
	s := Span{a.base + start, a.base + end}
	if !a.plain {
		s = Span{int(a.spans[start].start), int(a.spans[end-1].end)}
	} else {
		for s.Start > a.base && a.b[s.Start-a.base]&0xC0 == 0x80 {
			s.Start--
		}
		for s.End < a.base+len(a.b) && a.b[s.End-a.base]&0xC0 == 0x80 {
			s.End++
		}
	}
	e.IDs = append(e.IDs, id)
	e.Offsets = append(e.Offsets, s)
	e.Words = append(e.Words, e.word)
}

// encodeText splits a normalised text without added tokens into pieces and those
// into tokens.
func (t *Tokenizer) encodeText(e *Encoding, in aligned) error {
	a, pieces := e.sc.pretokenize(t.split, in)
	breaks := (*breakSet)(nil)
	if t.bpe != nil {
		breaks = t.bpe.breaks
	}
	for _, p := range pieces {
		if p.start == p.end {
			continue
		}
		if breaks == nil {
			if err := t.encodeWord(e, &a, int(p.start), int(p.end)); err != nil {
				return err
			}
		} else {
			for i := int(p.start); i < int(p.end); {
				end := int(p.start) + breaks.next(a.b[p.start:p.end], i-int(p.start))
				if err := t.encodeWord(e, &a, i, end); err != nil {
					return err
				}
				i = end
			}
		}
		e.word++
	}
	return nil
}

// encodeWord appends the tokens of a.b[start:end], from the cache if it has them.
func (t *Tokenizer) encodeWord(e *Encoding, a *aligned, start, end int) error {
	if end-start > cacheKey {
		return t.encodeLong(e, a, start, end, nil, nil)
	}
	key := keyOf(a.b, start, end-start)
	entry := t.cache.entry(&key)
	var ids [cacheIDs]int32
	n := entry.get(&key, &ids)
	switch {
	case n == 0:
		return t.encodeLong(e, a, start, end, &key, entry)
	case n == 1 && a.plain: // a whole word begins and ends at characters
		e.IDs = append(e.IDs, ids[0])
		e.Offsets = append(e.Offsets, Span{a.base + start, a.base + end})
		e.Words = append(e.Words, e.word)
		return nil
	case n == 1:
		e.emit(ids[0], a, start, end)
		return nil
	}
	size := t.vocab.size
	for i, id := range ids[:n] {
		next := start + int(size[id])
		if i > 0 {
			next -= t.contSize
		}
		e.emit(id, a, start, next)
		start = next
	}
	return nil
}

// encodeLong is encodeWord without the cache. It puts the tokens into entry if
// that is not nil and their places follow from their lengths.
func (t *Tokenizer) encodeLong(e *Encoding, a *aligned, start, end int, key *wordKey, entry *cacheEntry) error {
	sc := &e.sc
	sc.toks = sc.toks[:0]
	w := a.b[start:end]
	switch {
	case t.bpe != nil:
		t.bpe.tokenize(sc, w)
	case t.wordPiece != nil:
		t.wordPiece.tokenize(sc, w)
	case t.unigram != nil:
		if err := t.unigram.tokenize(sc, w); err != nil {
			return err
		}
	default:
		if err := t.wordLevel.tokenize(sc, w); err != nil {
			return err
		}
	}
	regular, at := len(sc.toks) <= cacheIDs, int32(0)
	for i, k := range sc.toks {
		size := int32(t.vocab.size[k.id])
		if i > 0 {
			size -= int32(t.contSize)
		}
		regular = regular && k.start == at && k.end == at+size
		at = k.end
		e.emit(k.id, a, start+int(k.start), start+int(k.end))
	}
	if len(sc.toks) == 1 {
		regular = sc.toks[0].start == 0
	}
	if entry != nil && regular && int(at) == end-start {
		entry.put(key, sc.toks)
	}
	return nil
}

// wordLevel knows whole words only.
type wordLevel struct {
	vocab *vocab
	unk   int32 // -1 if the model has none
}

func (m *wordLevel) tokenize(sc *scratch, w []byte) error {
	id := m.vocab.find(w)
	if id < 0 {
		id = m.unk
	}
	if id < 0 {
		return errUnknown
	}
	sc.toks = append(sc.toks, tok{id, 0, int32(len(w))})
	return nil
}

// trim takes white space off the offsets, as the ByteLevel and Roberta
// post-processors do with trim_offsets.
type trim struct {
	prefixSpace bool // a first single space was put there and stays
}

func (tr trim) apply(t *Tokenizer, e *Encoding, text string, first int) {
	for i := first; i < len(e.IDs); i++ {
		o := &e.Offsets[i]
		lead, trail := t.spacesOf(e.IDs[i], text[o.Start:o.End])
		if lead == 1 && tr.prefixSpace && (i == first || o.Start == 0) {
			lead = 0
		}
		for ; lead > 0 && o.Start < o.End; lead-- {
			_, n := utf8.DecodeRuneInString(text[o.Start:])
			o.Start += n
		}
		for ; trail > 0 && o.Start < o.End; trail-- {
			_, n := utf8.DecodeLastRuneInString(text[:o.End])
			o.End -= n
		}
	}
}

// spacesOf counts the white space at the ends of a token, of an added one as it
// stands in the text.
func (t *Tokenizer) spacesOf(id int32, text string) (lead, trail int) {
	if t.byID[id] != nil {
		return spacesAround(text)
	}
	raw := t.vocab.token(id)
	if !t.byteLevel {
		return spacesAround(unsafeString(raw))
	}
	for lead < len(raw) && raw[lead] == ' ' {
		lead++
	}
	for trail < len(raw) && raw[len(raw)-1-trail] == ' ' {
		trail++
	}
	return lead, trail
}

// spacesAround counts the white space at both ends of a text, in code points.
func spacesAround(text string) (lead, trail int) {
	u := uni()
	space := func(r rune) bool { return r == alphabet[' '] || u.prop(r)&propWhite != 0 }
	for i := 0; i < len(text); lead++ {
		r, n := utf8.DecodeRuneInString(text[i:])
		if !space(r) {
			break
		}
		i += n
	}
	for i := len(text); i > 0; trail++ {
		r, n := utf8.DecodeLastRuneInString(text[:i])
		if !space(r) {
			break
		}
		i -= n
	}
	return lead, trail
}
