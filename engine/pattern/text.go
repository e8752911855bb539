package pattern

import (
	"unicode"
	"unicode/utf8"
)

func isDigit(c byte) bool  { return c-'0' <= 9 }
func isLetter(c byte) bool { return c|0x20-'a' <= 'z'-'a' }
func isAlnum(c byte) bool  { return isDigit(c) || isLetter(c) }

// isHex reports whether c is a hexadecimal digit.
func isHex(c byte) bool { return isDigit(c) || c|0x20-'a' <= 'f'-'a' }

// cjk is the first code point of the scripts that are written without spaces:
// what stands before it is separate from them although nothing is between.
const cjk = 0x2E80

// wordBefore reports whether a word goes on to the left of i.
func wordBefore(text string, i int) bool {
	if i == 0 {
		return false
	}
	if c := text[i-1]; c < utf8.RuneSelf {
		return isAlnum(c) || c == '_'
	}
	r, _ := utf8.DecodeLastRuneInString(text[:i])
	return wordRune(r)
}

// wordAfter reports whether a word goes on at i.
func wordAfter(text string, i int) bool {
	if i >= len(text) {
		return false
	}
	if c := text[i]; c < utf8.RuneSelf {
		return isAlnum(c) || c == '_'
	}
	r, _ := utf8.DecodeRuneInString(text[i:])
	return wordRune(r)
}

// wordRune reports whether r, not ASCII, is part of a word in a script with
// spaces.
func wordRune(r rune) bool {
	return r < cjk && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r))
}

// at is the byte at i, 0 outside of the text.
func at(text string, i int) byte {
	if i < 0 || i >= len(text) {
		return 0
	}
	return text[i]
}

// digitsEnd is the end of the run of digits at i.
func digitsEnd(text string, i int) int {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}

// space is the length of one blank at i: a space, a tab, or one of the spaces
// that do not break a line; 0 if there is none.
func space(text string, i int) int {
	switch c := at(text, i); {
	case c == ' ' || c == '\t':
		return 1
	case c == 0xC2 && at(text, i+1) == 0xA0: // U+00A0
		return 2
	case c == 0xE2 && at(text, i+1) == 0x80 && (at(text, i+2) == 0xAF || at(text, i+2) == 0x89): // U+202F, U+2009
		return 3
	}
	return 0
}

// dash is the length of one hyphen or short dash at i; 0 if there is none.
func dash(text string, i int) int {
	switch c := at(text, i); {
	case c == '-':
		return 1
	case c == 0xE2 && at(text, i+1) == 0x80 && at(text, i+2)-0x90 <= 3: // U+2010 to U+2013
		return 3
	}
	return 0
}

// lower puts word into buf in lower case, ASCII only; nil if it does not fit.
func lower(buf []byte, word string) []byte {
	if len(word) > len(buf) {
		return nil
	}
	for i := range len(word) {
		c := word[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	return buf[:len(word)]
}
