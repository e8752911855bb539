package tokenizer

import (
	"slices"
	"unicode/utf8"
	"unsafe"
)

// span32 is a range of bytes of the original text.
type span32 struct{ start, end int32 }

// aligned is a text in some stage of normalisation: valid UTF-8, and for each of
// its bytes the characters of the original text that it stands for. While every
// byte still stands for the original byte at the same place, plain says so and
// spans is empty; byte i is then the original byte base+i.
type aligned struct {
	b     []byte
	spans []span32 // [len(b)] unless plain
	base  int
	plain bool
}

// bytesOf views a string as bytes that must not be written.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// unsafeString views bytes as a string while they do not change.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// span returns the original range of the character at b[i:i+n].
func (a *aligned) span(i, n int) span32 {
	if a.plain {
		return span32{int32(a.base + i), int32(a.base + i + n)}
	}
	return a.spans[i]
}

// slice returns the part [i, j), at character boundaries.
func (a *aligned) slice(i, j int) aligned {
	if a.plain {
		return aligned{b: a.b[i:j], base: a.base + i, plain: true}
	}
	return aligned{b: a.b[i:j], spans: a.spans[i:j]}
}

// start returns where the text begins in the original, 0 for an empty one.
func (a *aligned) start() int {
	switch {
	case a.plain:
		return a.base
	case len(a.spans) == 0:
		return 0
	}
	return int(a.spans[0].start)
}

// reset empties a and makes it a plain text that will follow src.
func (a *aligned) reset(src *aligned) {
	a.b, a.spans = slices.Grow(a.b[:0], len(src.b)), a.spans[:0]
	a.plain, a.base = src.plain, src.base
}

// align gives a plain text spans, so that what follows may stand anywhere.
func (a *aligned) align() {
	if !a.plain {
		return
	}
	a.plain = false
	a.spans = slices.Grow(a.spans[:0], cap(a.b))[:len(a.b)]
	for i := 0; i < len(a.b); {
		n := 1
		if a.b[i] >= utf8.RuneSelf {
			_, n = utf8.DecodeRune(a.b[i:])
		}
		s := span32{int32(a.base + i), int32(a.base + i + n)}
		for k := range n {
			a.spans[i+k] = s
		}
		i += n
	}
}

// put appends a character that stands for s. Not for plain texts.
func (a *aligned) put(r rune, s span32) {
	n := len(a.b)
	a.b = utf8.AppendRune(a.b, r)
	for range len(a.b) - n {
		a.spans = append(a.spans, s)
	}
}

// putBytes appends bytes that all stand for s. Not for plain texts.
func (a *aligned) putBytes(b string, s span32) {
	a.b = append(a.b, b...)
	for range len(b) {
		a.spans = append(a.spans, s)
	}
}

// copyFrom appends src's part [i, j). A plain a must be as long as i.
func (a *aligned) copyFrom(src *aligned, i, j int) {
	if !a.plain {
		if src.plain {
			for k := i; k < j; {
				n := 1
				if src.b[k] >= utf8.RuneSelf {
					_, n = utf8.DecodeRune(src.b[k:])
				}
				s := src.span(k, n)
				for range n {
					a.spans = append(a.spans, s)
				}
				k += n
			}
		} else {
			a.spans = append(a.spans, src.spans[i:j]...)
		}
	}
	a.b = append(a.b, src.b[i:j]...)
}

// repair copies text with U+FFFD in place of every byte that is not part of
// valid UTF-8, each standing for its one byte.
func (a *aligned) repair(text []byte) {
	a.b, a.spans, a.plain, a.base = a.b[:0], a.spans[:0], false, 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		a.put(r, span32{int32(i), int32(i + n)})
		i += n
	}
}
