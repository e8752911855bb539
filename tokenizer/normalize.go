package tokenizer

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// form is a Unicode normalisation form.
type form uint8

const (
	formNFC form = iota
	formNFD
	formNFKC
	formNFKD
)

func (f form) composes() bool { return f == formNFC || f == formNFKC }
func (f form) compat() bool   { return f == formNFKC || f == formNFKD }

// change is a character of a normalised text with what it means for the
// alignment: 0 takes the place of one character, -n of 1+n, and 1 of none.
type change struct {
	r     rune
	class uint8
	n     int32
}

type stepKind uint8

const (
	stepForm        stepKind = iota
	stepMap                  // runes
	stepBert                 // runes, or first, NFD, second
	stepReplace              // every from by to
	stepReplaceRuns          // every run of at least min times from by to
	stepPrepend              // to in front of a text that is not empty
	stepStrip                // white space at the ends
	stepCharsmap
	stepBytes // every byte by its character of the byte-level alphabet
)

// step is one normaliser.
type step struct {
	kind          stepKind
	form          form
	runes         *runeMap
	first, second *runeMap
	from, to      string
	min           int
	left, right   bool
	chars         *charsmap
}

// normalize runs the steps over a text. The result is the text itself, or one
// of sc.norm. It fails if the text grows out of proportion, as with steps that
// double it again and again.
func (sc *scratch) normalize(steps []step, in aligned) (aligned, error) {
	which, limit := 0, 16*len(in.b)+1<<16
	for i := range steps {
		s := &steps[i]
		if s.growth(in.b) > limit {
			return in, errGrowth
		}
		if s.kind == stepBert {
			if !sc.isNormal(in.b, formNFD) {
				for _, part := range [...]step{{kind: stepMap, runes: s.first}, {kind: stepForm, form: formNFD}, {kind: stepMap, runes: s.second}} {
					in, which = sc.apply(&part, in, which)
				}
				continue
			}
			in, which = sc.apply(&step{kind: stepMap, runes: s.runes}, in, which)
			continue
		}
		in, which = sc.apply(s, in, which)
	}
	return in, nil
}

// growth returns the length that b will have after a replacement; steps of other
// kinds make it at most a few times as long and count as none.
func (s *step) growth(b []byte) int {
	if s.kind == stepReplace || s.kind == stepReplaceRuns {
		return len(b) + bytes.Count(b, bytesOf(s.from))*len(s.to)
	}
	return len(b)
}

// apply runs one step from in to sc.norm[which], unless it changes nothing, and
// returns the result and the buffer that is free now.
func (sc *scratch) apply(s *step, in aligned, which int) (aligned, int) {
	out := &sc.norm[which]
	switch s.kind {
	case stepForm:
		if sc.isNormal(in.b, s.form) {
			return in, which
		}
		sc.toForm(out, &in, s.form)
	case stepMap:
		s.runes.apply(out, &in)
	case stepReplace:
		if !bytes.Contains(in.b, bytesOf(s.from)) {
			return in, which
		}
		out.replace(&in, s.from, s.to)
	case stepReplaceRuns:
		if !bytes.Contains(in.b, bytesOf(s.from)) {
			return in, which
		}
		out.replaceRuns(&in, s.from, s.min, s.to)
	case stepPrepend:
		if len(in.b) == 0 {
			return in, which
		}
		out.reset(&in)
		out.prepend(&in, s.to)
	case stepStrip:
		i, j := 0, len(in.b)
		for s.left && i < j {
			p, n := uni().propAt(in.b, i)
			if p&propWhite == 0 {
				break
			}
			i += n
		}
		for s.right && i < j {
			p, n := uni().propBefore(in.b, j)
			if p&propWhite == 0 {
				break
			}
			j -= n
		}
		return in.slice(i, j), which
	case stepCharsmap:
		if !sc.charsmap(out, &in, s.chars) {
			return in, which
		}
	case stepBytes:
		out.toAlphabet(&in)
	default:
		panic("BUG: tokenizer: normaliser step")
	}
	return *out, 1 - which
}

// nonASCII returns the first index from i on of a byte above 127, len(b) if none.
func nonASCII(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if binary.LittleEndian.Uint64(b[i:])&0x8080808080808080 != 0 {
			break
		}
	}
	for i < len(b) && b[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// isNormal reports that b is in the form without looking at sequences: no
// character of it can change.
func (sc *scratch) isNormal(b []byte, f form) bool {
	i := nonASCII(b, 0)
	if i == len(b) {
		return true
	}
	return nextActive(b, i, inertOf[f]()) == len(b)
}

// nextActive returns the next character that is not inert, len(b) if none.
func nextActive(b []byte, i int, inert *inertPages) int {
	for i < len(b) {
		if b[i] < utf8.RuneSelf {
			i = nonASCII(b, i+1)
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if !inert.has(r) {
			return i
		}
		i += n
	}
	return i
}

// toForm normalises in to out.
func (sc *scratch) toForm(out, in *aligned, f form) {
	inert := inertOf[f]()
	out.reset(in)
	out.align()
	for pos := 0; pos < len(in.b); {
		i := nextActive(in.b, pos, inert)
		if i == len(in.b) {
			out.copyFrom(in, pos, i)
			break
		}
		// The unit is the active characters, and the one before them when they
		// may be composed with it.
		start, end := i, i
		if f.composes() && i > pos {
			_, n := utf8.DecodeLastRune(in.b[:i])
			start -= n
		}
		for end < len(in.b) {
			r, n := utf8.DecodeRune(in.b[end:])
			if inert.has(r) {
				break
			}
			end += n
		}
		out.copyFrom(in, pos, start)
		out.transform(in, start, end, sc.formOf(in.b[start:end], f))
		pos = end
	}
}

// formOf returns the normal form of a unit as changes.
func (sc *scratch) formOf(b []byte, f form) []change {
	u := uni()
	list, marks := sc.changes[:0], 0 // marks: start of the run of marks to be sorted
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		i += n
		sc.runes = u.decompose(sc.runes[:0], r, f.compat())
		for k, d := range sc.runes {
			c := change{r: d, class: u.ccc(d)}
			if k > 0 {
				c.n = 1
			}
			if c.class == 0 {
				sc.sorting = sortClasses(list[marks:], sc.sorting)
				marks = len(list) + 1
			}
			list = append(list, c)
		}
	}
	sc.sorting = sortClasses(list[min(marks, len(list)):], sc.sorting)
	sc.changes = list
	if !f.composes() {
		return list
	}
	sc.composed = compose(u, sc.composed[:0], list)
	return sc.composed
}

// compose appends the canonical composition of a decomposed text.
func compose(u *unicodeTables, dst, list []change) []change {
	starter, last := -1, -1 // index in dst of the character to compose with; class of the last mark after it
	for _, c := range list {
		if starter >= 0 && (last < 0 || last < int(c.class)) {
			if r, ok := u.pair(dst[starter].r, c.r); ok {
				dst[starter].r = r
				dst[starter].n += c.n - 1
				continue
			}
		}
		if c.class == 0 {
			starter, last = len(dst), -1
		} else if starter >= 0 {
			last = int(c.class)
		}
		dst = append(dst, c)
	}
	return dst
}

// transform appends changes of in's part [off, end).
func (a *aligned) transform(in *aligned, off, end int, list []change) {
	for _, c := range list {
		var s span32
		if c.n > 0 || off >= end {
			if off == 0 {
				s = span32{int32(in.start()), int32(in.start())}
			} else {
				_, n := utf8.DecodeLastRune(in.b[:off])
				s = in.span(off-n, n)
			}
		} else {
			_, n := utf8.DecodeRune(in.b[off:])
			s = in.span(off, n)
			off += n
			for k := c.n; k < 0 && off < end; k++ {
				_, n := utf8.DecodeRune(in.b[off:])
				off += n
			}
		}
		a.put(c.r, s)
	}
}

// replace copies in with every from replaced by to, which stands for the last
// character of what it replaces.
func (a *aligned) replace(in *aligned, from, to string) {
	a.reset(in)
	if len(from) != 1 || len(to) != 1 {
		a.align()
	}
	for pos := 0; ; {
		i := bytes.Index(in.b[pos:], bytesOf(from))
		if i < 0 {
			a.copyFrom(in, pos, len(in.b))
			return
		}
		end := pos + i + len(from)
		a.copyFrom(in, pos, pos+i)
		if a.plain {
			a.b = append(a.b, to...)
		} else {
			_, n := utf8.DecodeLastRune(in.b[:end])
			a.putBytes(to, in.span(end-n, n))
		}
		pos = end
	}
}

// replaceRuns is replace of runs of at least min times from.
func (a *aligned) replaceRuns(in *aligned, from string, min int, to string) {
	a.reset(in)
	a.align()
	pos := 0
	for {
		i := bytes.Index(in.b[pos:], bytesOf(from))
		if i < 0 {
			break
		}
		i += pos
		end := i
		for bytes.HasPrefix(in.b[end:], bytesOf(from)) {
			end += len(from)
		}
		a.copyFrom(in, pos, i)
		if end-i >= min*len(from) {
			_, n := utf8.DecodeLastRune(in.b[:end])
			a.putBytes(to, in.span(end-n, n))
		} else {
			a.copyFrom(in, i, end)
		}
		pos = end
	}
	a.copyFrom(in, pos, len(in.b))
}

// prepend appends to and then in, which is not empty. to stands for in's first
// character.
func (a *aligned) prepend(in *aligned, to string) {
	a.align()
	_, n := utf8.DecodeRune(in.b)
	a.putBytes(to, in.span(0, n))
	a.copyFrom(in, 0, len(in.b))
}

// toAlphabet copies in with every byte as its character of the alphabet.
func (a *aligned) toAlphabet(in *aligned) {
	a.reset(in)
	a.align()
	for i := 0; i < len(in.b); {
		_, n := utf8.DecodeRune(in.b[i:])
		s := in.span(i, n)
		for _, c := range in.b[i : i+n] {
			a.put(alphabet[c], s)
		}
		i += n
	}
}

// normalizeToken returns a token as the steps leave it.
func normalizeToken(steps []step, token string) (string, error) {
	var sc scratch
	out, err := sc.normalize(steps, aligned{b: []byte(token), plain: true})
	return string(out.b), err
}
