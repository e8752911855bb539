package tokenizer

import (
	"bytes"
	"unicode/utf8"
)

// rng is a piece of a text: bytes [start, end).
type rng struct{ start, end int32 }

// behavior says what becomes of the delimiters that a splitter finds.
type behavior uint8

const (
	isolated behavior = iota
	removed
	mergedWithPrevious
	mergedWithNext
	contiguous
)

var behaviors = map[string]behavior{
	"Isolated": isolated, "Removed": removed, "MergedWithPrevious": mergedWithPrevious,
	"MergedWithNext": mergedWithNext, "Contiguous": contiguous,
}

type splitKind uint8

const (
	splitScan   splitKind = iota // a pattern whose matches cover the text
	splitProps                   // characters with one of the properties
	splitString                  // a string
	splitBert                    // white space removed, punctuation isolated
	splitWords                   // \w+|[^\w\s]+
	splitMeta                    // Metaspace
	splitPrefix                  // a space in front (ByteLevel's add_prefix_space)
	splitLength                  // pieces of so many characters
	splitThree                   // [0-9][0-9][0-9]
)

// prependScheme is when Metaspace puts its character in front of a piece.
type prependScheme uint8

const (
	prependAlways prependScheme = iota
	prependNever
	prependFirst // only at the beginning of the text
)

// splitter is one pre-tokeniser.
type splitter struct {
	kind     splitKind
	scan     scan
	props    uint16
	text     string // splitString; Metaspace's character
	behavior behavior
	invert   bool // what matches is what stays
	scheme   prependScheme
	split    bool
	length   int
}

// pretokenize cuts a text into pieces. The pieces are of the returned text,
// which is in, or one of sc.pre; they live in sc.pieces.
func (sc *scratch) pretokenize(steps []splitter, in aligned) (aligned, []rng) {
	sc.pieces[0] = append(sc.pieces[0][:0], rng{0, int32(len(in.b))})
	which, buf := 0, 0
	for i := range steps {
		s := &steps[i]
		from, to := sc.pieces[which], sc.pieces[1-which][:0]
		switch s.kind {
		case splitMeta, splitPrefix:
			out := &sc.pre[buf]
			out.reset(&in)
			out.align()
			for _, p := range from {
				if p.end > p.start {
					to = s.rewrite(out, &in, p, to)
				}
			}
			in, buf = *out, 1-buf
		default:
			for _, p := range from {
				to = s.cut(in.b[p.start:p.end], p.start, to)
			}
		}
		which = 1 - which
		sc.pieces[which] = to
	}
	return in, sc.pieces[which]
}

// cut appends the pieces of b, which begins at base.
func (s *splitter) cut(b []byte, base int32, to []rng) []rng {
	if len(b) == 0 {
		return to
	}
	switch s.kind {
	case splitScan:
		if s.behavior == isolated || s.behavior == removed && s.invert {
			for i := 0; i < len(b); {
				end := s.scan(b, i)
				to = append(to, rng{base + int32(i), base + int32(end)})
				i = end
			}
			return to
		}
	case splitBert:
		return cutBert(b, base, to)
	case splitWords:
		return cutWords(b, base, to)
	case splitLength:
		for i := 0; i < len(b); {
			start := i
			for k := 0; k < s.length && i < len(b); k++ {
				_, n := utf8.DecodeRune(b[i:])
				i += n
			}
			to = append(to, rng{base + int32(start), base + int32(i)})
		}
		return to
	}
	return s.delimit(b, base, to)
}

// match returns the first match at or after i, (len(b), len(b)) if there is none.
func (s *splitter) match(b []byte, i int) (int, int) {
	switch s.kind {
	case splitScan:
		if i < len(b) {
			return i, s.scan(b, i)
		}
	case splitString:
		if k := bytes.Index(b[i:], bytesOf(s.text)); k >= 0 {
			return i + k, i + k + len(s.text)
		}
	case splitProps:
		u := uni()
		for i < len(b) {
			p, n := u.propAt(b, i)
			if p&s.props != 0 {
				return i, i + n
			}
			i += n
		}
	case splitThree:
		for digits := 0; i < len(b); {
			if b[i]-'0' > 9 {
				digits = 0
			} else if digits++; digits == 3 {
				return i - 2, i + 1
			}
			i++
		}
	}
	return len(b), len(b)
}

// delimit cuts b at the matches, by the behaviour.
func (s *splitter) delimit(b []byte, base int32, to []rng) []rng {
	first := len(to)
	previous := false           // whether the last part was a match
	pending := rng{-1, -1}      // a match that waits for the part after it
	extend := func(end int32) { // the last piece up to end
		to[len(to)-1].end = end
	}
	part := func(start, end int, match bool) {
		if start == end {
			return
		}
		r, match := rng{base + int32(start), base + int32(end)}, match != s.invert
		switch s.behavior {
		case isolated:
			to = append(to, r)
		case removed:
			if !match {
				to = append(to, r)
			}
		case contiguous:
			if match == previous && len(to) > first {
				extend(r.end)
			} else {
				to = append(to, r)
			}
		case mergedWithPrevious:
			if match && !previous && len(to) > first {
				extend(r.end)
			} else {
				to = append(to, r)
			}
		case mergedWithNext:
			if pending.start >= 0 {
				if match {
					to = append(to, pending)
				} else {
					r.start = pending.start
				}
				pending.start = -1
			}
			if match {
				pending = r
			} else {
				to = append(to, r)
			}
		}
		previous = match
	}
	for i := 0; i < len(b); {
		start, end := s.match(b, i)
		part(i, start, false)
		part(start, end, true)
		i = end
	}
	if pending.start >= 0 {
		to = append(to, pending)
	}
	return to
}

// bertClass is what BertPreTokenizer does with ASCII: 0 nothing, 1 remove, 2
// isolate, 3 look it up.
var bertClass = func() (t scanTable) {
	for c := range t {
		switch {
		case c >= utf8.RuneSelf:
			t[c] = 3
		case asciiClass[c] == classSpace:
			t[c] = 1
		case c > ' ' && c < 0x7F && asciiClass[c] == classOther:
			t[c] = 2
		}
	}
	return t
}()

func cutBert(b []byte, base int32, to []rng) []rng {
	start := 0
	for i := 0; i < len(b); {
		class, n := bertClass[b[i]], 1
		switch class {
		case 0:
			i++
			continue
		case 3:
			var p uint16
			p, n = uni().propAt(b, i)
			switch {
			case p&propWhite != 0:
				class = 1
			case p&propPunct != 0:
				class = 2
			default:
				i += n
				continue
			}
		}
		if i > start {
			to = append(to, rng{base + int32(start), base + int32(i)})
		}
		if class == 2 {
			to = append(to, rng{base + int32(i), base + int32(i+n)})
		}
		i += n
		start = i
	}
	if start < len(b) {
		to = append(to, rng{base + int32(start), base + int32(len(b))})
	}
	return to
}

// cutWords keeps runs of word characters and runs of the others that are no
// white space.
func cutWords(b []byte, base int32, to []rng) []rng {
	u, start, last := uni(), 0, uint16(propWhite)
	for i := 0; i < len(b); {
		p, n := u.propAt(b, i)
		if p &= propWord | propWhite; p != last {
			if last != propWhite {
				to = append(to, rng{base + int32(start), base + int32(i)})
			}
			start, last = i, p
		}
		i += n
	}
	if last != propWhite {
		to = append(to, rng{base + int32(start), base + int32(len(b))})
	}
	return to
}

// rewrite appends piece p of in to out, as Metaspace or a prefix space makes it,
// and its pieces to to.
func (s *splitter) rewrite(out, in *aligned, p rng, to []rng) []rng {
	part := in.slice(int(p.start), int(p.end))
	from := int32(len(out.b))
	first := in.span(int(p.start), 1)
	if s.kind == splitPrefix {
		if part.b[0] != ' ' {
			out.prepend(&part, " ")
		} else {
			out.copyFrom(&part, 0, len(part.b))
		}
		return append(to, rng{from, int32(len(out.b))})
	}
	meta := bytesOf(s.text)
	starts := part.b[0] == ' ' || bytes.HasPrefix(part.b, meta)
	if !starts && (s.scheme == prependAlways || s.scheme == prependFirst && first.start == 0) {
		_, n := utf8.DecodeRune(part.b)
		out.putBytes(s.text, part.span(0, n))
	}
	piece := from
	for i := 0; i < len(part.b); {
		end := i
		for end < len(part.b) && part.b[end] != ' ' && (part.b[end] != meta[0] || !bytes.HasPrefix(part.b[end:], meta)) {
			end++
		}
		out.copyFrom(&part, i, end)
		if end < len(part.b) { // a separator: the next piece begins with it
			if n := int32(len(out.b)); s.split && n > piece {
				to = append(to, rng{piece, n})
				piece = n
			}
			n := 1
			if part.b[end] != ' ' {
				n = len(meta)
			}
			out.putBytes(s.text, part.span(end, n))
			end += n
		}
		i = end
	}
	return append(to, rng{piece, int32(len(out.b))})
}
