package tokenizer

import "unicode/utf8"

// runeMap is a normaliser that looks at one character at a time. Its parts work
// in the order of the fields.
type runeMap struct {
	clean     bool // drop NUL, U+FFFD and control characters, make white space a space
	chinese   bool // put spaces around CJK ideographs
	accents   bool // drop nonspacing marks
	combining bool // drop all marks
	lower     bool
	nmt       bool // SentencePiece's "nmt" rule

	ascii [256]uint8 // result for ASCII; notASCII where it is not one character
}

const notASCII = 0xFF

// build fills the table for ASCII.
func (m runeMap) build() *runeMap {
	u := uni()
	var out [3]rune
	for c := range m.ascii {
		m.ascii[c] = notASCII
		if c < utf8.RuneSelf && m.one(u, rune(c), &out) == 1 {
			m.ascii[c] = uint8(out[0])
		}
	}
	return &m
}

// isChinese reports the ideographs that BERT isolates.
func isChinese(r rune) bool {
	return r >= 0x3400 && (r >= 0x4E00 && r <= 0x9FFF || r <= 0x4DBF || r >= 0x20000 && r <= 0x2A6DF ||
		r >= 0x2A700 && r <= 0x2B73F || r >= 0x2B740 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F)
}

// one writes what becomes of r and returns the number of characters.
func (m *runeMap) one(u *unicodeTables, r rune, out *[3]rune) int {
	p := u.prop(r)
	if m.clean {
		switch {
		case p&propControl != 0 && r != '\t' && r != '\n' && r != '\r' || r == 0 || r == 0xFFFD:
			return 0
		case p&propWhite != 0:
			r, p = ' ', propWhite|propSpace
		}
	}
	if m.accents && p&propAccent != 0 || m.combining && p&propCombining != 0 {
		return 0
	}
	if m.nmt {
		switch {
		case r >= 1 && r <= 8 || r == 0xB || r >= 0xE && r <= 0x1F || r == 0x7F || r == 0x8F || r == 0x9F:
			return 0
		case r == 9 || r == 0xA || r == 0xC || r == 0xD || r == 0x1680 || r >= 0x200B && r <= 0x200F ||
			r == 0x2028 || r == 0x2029 || r == 0x2581 || r == 0xFEFF || r == 0xFFFD:
			r = ' '
		}
	}
	if m.lower {
		if r == 0x130 {
			out[0], out[1] = 'i', 0x307
			return 2
		}
		r = u.toLower(r)
	}
	if m.chinese && isChinese(r) {
		out[0], out[1], out[2] = ' ', r, ' '
		return 3
	}
	out[0] = r
	return 1
}

// toLower maps one character; U+0130, which becomes two, is not its business.
func (u *unicodeTables) toLower(r rune) rune {
	if r < utf8.RuneSelf {
		if r-'A' < 26 && r >= 'A' {
			r += 'a' - 'A'
		}
		return r
	}
	if l, ok := u.lower[r]; ok {
		return l
	}
	return r
}

// apply maps in to out.
func (m *runeMap) apply(out, in *aligned) {
	u := uni()
	out.reset(in)
	b, n := in.b, len(in.b)
	var to [3]rune
	for i := 0; i < n; {
		if m.ascii[b[i]] != notASCII {
			j, o := i, len(out.b)
			dst := out.b[o:cap(out.b)]
			for k := range dst {
				if j >= n {
					break
				}
				v := m.ascii[b[j]]
				if v == notASCII {
					break
				}
				dst[k] = v
				j++
			}
			if j > i {
				out.b = out.b[:o+j-i]
			} else { // no room: marks made the text longer
				out.b = append(out.b, m.ascii[b[i]])
				j++
			}
			if !out.plain {
				for k := i; k < j; k++ {
					out.spans = append(out.spans, in.span(k, 1))
				}
			}
			i = j
			continue
		}
		r, w := utf8.DecodeRune(b[i:])
		k := m.one(u, r, &to)
		if out.plain {
			if k == 1 && utf8.RuneLen(to[0]) == w {
				out.b = utf8.AppendRune(out.b, to[0])
				i += w
				continue
			}
			out.align()
		}
		s := in.span(i, w)
		for _, x := range to[:k] {
			out.put(x, s)
		}
		i += w
	}
}
