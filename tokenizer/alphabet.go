package tokenizer

import "unicode/utf8"

// alphabet is GPT-2's writing of bytes as printable characters: itself where
// Latin-1 has one, the next free code point from U+0100 on for the others.
var alphabet = func() (t [256]rune) {
	next := rune(0x100)
	for c := range t {
		switch {
		case c >= '!' && c <= '~', c >= 0xA1 && c <= 0xAC, c >= 0xAE:
			t[c] = rune(c)
		default:
			t[c] = next
			next++
		}
	}
	return t
}()

// alphabetByte is the byte of each character of the alphabet, -1 for others.
var alphabetByte = func() (t [0x144]int16) {
	for i := range t {
		t[i] = -1
	}
	for c, r := range alphabet {
		t[r] = int16(c)
	}
	return t
}()

// fromAlphabet appends the bytes that text is written for. It fails where text
// has a character outside the alphabet.
func fromAlphabet[T string | []byte](dst []byte, text T) ([]byte, bool) {
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			if r, n = decodeRune(text[i:]); n == 1 {
				return dst, false
			}
		}
		if int(r) >= len(alphabetByte) || alphabetByte[r] < 0 {
			return dst, false
		}
		dst = append(dst, byte(alphabetByte[r]))
		i += n
	}
	return dst, true
}

func decodeRune[T string | []byte](text T) (rune, int) {
	if len(text) >= 2 && text[0] >= 0xC2 && text[0] < 0xE0 { // the alphabet ends at U+0143
		return rune(text[0]&0x1F)<<6 | rune(text[1]&0x3F), 2
	}
	return utf8.RuneError, 1
}
