package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// charsmap is SentencePiece's precompiled normaliser: a darts-clone double array
// from byte strings to places in a list of replacements that end in NUL.
type charsmap struct {
	units []uint32
	blob  []byte
}

// parseCharsmap reads the base64 text of precompiled_charsmap.
func parseCharsmap(text string) (*charsmap, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	if len(data) < 4 {
		return nil, errors.New("shorter than its header")
	}
	size := int(binary.LittleEndian.Uint32(data)) &^ 3
	data = data[4:]
	if size > len(data) || size == 0 {
		return nil, errors.New("the trie is longer than the data, or empty")
	}
	c := &charsmap{units: make([]uint32, size/4), blob: data[size:]}
	for i := range c.units {
		c.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	if !utf8.Valid(c.blob) {
		return nil, errors.New("the replacements are not UTF-8")
	}
	return c, nil
}

func unitOffset(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }

// lookup returns the replacement of the shortest key that is a prefix of b.
func (c *charsmap) lookup(b []byte) ([]byte, bool) {
	node := unitOffset(c.units[0])
	for _, x := range b {
		if x == 0 {
			break
		}
		node ^= uint32(x)
		if uint64(node) >= uint64(len(c.units)) {
			return nil, false
		}
		u := c.units[node]
		if u&(1<<31|0xFF) != uint32(x) {
			return nil, false
		}
		node ^= unitOffset(u)
		if u>>8&1 == 0 {
			continue
		}
		if uint64(node) >= uint64(len(c.units)) {
			return nil, false
		}
		at := int(c.units[node] & (1<<31 - 1))
		if at > len(c.blob) {
			return nil, false
		}
		end := at
		for end < len(c.blob) && c.blob[end] != 0 {
			end++
		}
		if !utf8.Valid(c.blob[at:end]) { // a hostile place inside a character
			return nil, false
		}
		return c.blob[at:end], true
	}
	return nil, false
}

// isPrepend reports the characters that are one grapheme with the next one.
func isPrepend(r rune) bool {
	switch {
	case r >= 0x600 && r <= 0x605, r == 0x6DD, r == 0x70F, r == 0x890, r == 0x891, r == 0x8E2, r == 0xD4E,
		r == 0x110BD, r == 0x110CD, r == 0x111C2, r == 0x111C3, r == 0x1193F, r == 0x11941, r >= 0x11A84 && r <= 0x11A89, r == 0x11D46, r == 0x11F02:
		return true
	}
	return false
}

// isBreak reports the characters that are a grapheme of their own.
func isBreak(r rune, p uint16) bool {
	if r < ' ' || r >= 0x7F && r < 0xA0 || r == 0x2028 || r == 0x2029 {
		return true
	}
	return p&propControl != 0 && p&propExtend == 0 && !isPrepend(r) && !(r >= 0xE000 && r <= 0xF8FF) && r < 0xF0000
}

// grapheme returns the end of the grapheme cluster at b[i:]. Only clusters below
// six bytes matter to the caller, so the rules for Hangul, emoji and flags,
// whose clusters are longer, are left out.
func grapheme(u *unicodeTables, b []byte, i int) int {
	r, n := utf8.DecodeRune(b[i:])
	end := i + n
	if r == '\r' && end < len(b) && b[end] == '\n' {
		return end + 1
	}
	if isBreak(r, u.prop(r)) {
		return end
	}
	for end < len(b) && (b[end] >= utf8.RuneSelf || isPrepend(r)) && end-i < 64 {
		next, n := utf8.DecodeRune(b[end:])
		p := u.prop(next)
		if p&propExtend == 0 && !(isPrepend(r) && !isBreak(next, p)) {
			break
		}
		r, end = next, end+n
	}
	return end
}

// charsmap maps in to out and reports whether anything was replaced. A grapheme
// below six bytes is looked up whole (and replaced whole, even where only its
// beginning is a key, as the reference does); else each character is.
func (sc *scratch) charsmap(out, in *aligned, c *charsmap) bool {
	u, list, modified := uni(), sc.changes[:0], false
	replace := func(old, new []byte) {
		modified = true
		oldN, first := utf8.RuneCountInString(unsafeString(old)), len(list)
		for i := 0; i < len(new); {
			r, n := utf8.DecodeRune(new[i:])
			list = append(list, change{r: r})
			i += n
		}
		diff := len(list) - first - oldN
		for k := len(list) - diff; diff > 0 && k < len(list); k++ {
			list[k].n = 1
		}
		if diff < 0 && len(list) > 0 {
			list[len(list)-1].n += int32(diff)
		}
	}
	for i := 0; i < len(in.b); {
		end := grapheme(u, in.b, i)
		if end-i < 6 {
			if to, ok := c.lookup(in.b[i:end]); ok {
				replace(in.b[i:end], to)
				i = end
				continue
			}
		}
		for i < end {
			r, n := utf8.DecodeRune(in.b[i:])
			if to, ok := c.lookup(in.b[i : i+n]); ok {
				replace(in.b[i:i+n], to)
			} else {
				list = append(list, change{r: r})
			}
			i += n
		}
	}
	sc.changes = list
	if modified {
		out.reset(in)
		out.align()
		out.transform(in, 0, len(in.b), list)
	}
	return modified
}
