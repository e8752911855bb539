package tokenizer

import "unicode/utf8"

// Classes of characters in the patterns below. Those of ASCII are in a table.
const (
	classOther = iota
	classLetter
	classNumber
	classSpace
	classMulti // first byte of a longer character
)

// scanTable is the class of each byte.
type scanTable [256]uint8

// asciiClass is classes of the bytes.
var asciiClass = func() (t scanTable) {
	for c := range t {
		switch {
		case c >= utf8.RuneSelf:
			t[c] = classMulti
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			t[c] = classLetter
		case c >= '0' && c <= '9':
			t[c] = classNumber
		case c == ' ' || c >= '\t' && c <= '\r':
			t[c] = classSpace
		}
	}
	return t
}()

// classAt returns the class and the length of the character at b[i].
func classAt(b []byte, i int) (uint8, int) {
	if c := asciiClass[b[i]]; c != classMulti {
		return c, 1
	}
	r, n := utf8.DecodeRune(b[i:])
	switch p := uni().prop(r); {
	case p&propLetter != 0:
		return classLetter, n
	case p&propNumber != 0:
		return classNumber, n
	case p&propSpace != 0:
		return classSpace, n
	}
	return classOther, n
}

// run returns the end of the run of class at b[i:].
func run(b []byte, i int, class uint8) int {
	for i < len(b) {
		c := asciiClass[b[i]]
		if c == class {
			i++
			continue
		}
		if c != classMulti {
			return i
		}
		k, n := classAt(b, i)
		if k != class {
			return i
		}
		i += n
	}
	return i
}

// A scan finds the end of the match of a pattern at b[i:], i < len(b). The
// patterns match everywhere, so the matches cover the text.
type scan func(b []byte, i int) int

// contraction returns the end of 's, 't, 'm, 'd, 're, 've or 'll at b[i:], where
// an apostrophe stands, or i. Folding matches ſ (U+017F) as an s, too.
func contraction(b []byte, i int, fold bool) int {
	if i+1 >= len(b) {
		return i
	}
	c := b[i+1]
	if fold && c < utf8.RuneSelf {
		c |= 0x20
	}
	switch c {
	case 's', 't', 'm', 'd':
		return i + 2
	case 'r', 'v', 'l':
		if i+2 < len(b) {
			d, want := b[i+2], byte('e')
			if fold {
				d |= 0x20
			}
			if c == 'l' {
				want = 'l'
			}
			if d == want {
				return i + 3
			}
		}
	case 0xC5:
		if fold && i+2 < len(b) && b[i+2] == 0xBF {
			return i + 3
		}
	}
	return i
}

// spaces returns the end of \s+(?!\S)|\s+ at a white-space character: the run of
// white space without its last character, unless the text ends there or that is
// all of it.
func spaces(b []byte, i int) int {
	end := run(b, i, classSpace)
	if end == len(b) {
		return end
	}
	last := end - 1
	for b[last]&0xC0 == 0x80 {
		last--
	}
	if last > i {
		return last
	}
	return end
}

// scanGPT2 is the pattern of GPT-2, GPT-NeoX and ModernBERT:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func scanGPT2(b []byte, i int) int {
	class, n := classAt(b, i)
	switch {
	case b[i] == '\'':
		if end := contraction(b, i, false); end > i {
			return end
		}
	case b[i] == ' ' && i+1 < len(b):
		next, m := classAt(b, i+1)
		if next != classSpace {
			return run(b, i+1+m, next)
		}
	}
	if class == classSpace {
		return spaces(b, i)
	}
	return run(b, i+n, class)
}

// scanCL100K is the pattern of Llama 3, Qwen 2 and 3 and GPT-4, with at most
// digits digits in a number:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
//	 ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func scanCL100K(b []byte, i, digits int) int {
	c := b[i]
	if c == '\'' {
		if end := contraction(b, i, true); end > i {
			return end
		}
	}
	class, n := classAt(b, i)
	switch class {
	case classLetter:
		return run(b, i+n, classLetter)
	case classNumber:
		return numbers(b, i, digits)
	}
	next, m := uint8(classSpace), 0
	if i+n < len(b) {
		next, m = classAt(b, i+n)
	}
	if next == classLetter && c != '\r' && c != '\n' {
		return run(b, i+n+m, classLetter)
	}
	return symbols(b, i, n, class, next, false)
}

// symbols is the rest of the pattern after letters and numbers:
//
//	| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// class and n are of the character at i, next is the class of the one after it.
// With slash, [\r\n/]* follows the symbols.
func symbols(b []byte, i, n int, class, next uint8, slash bool) int {
	if class == classOther || b[i] == ' ' && next == classOther {
		end := run(b, i+n, classOther)
		for end < len(b) && (b[end] == '\r' || b[end] == '\n' || slash && b[end] == '/') {
			end++
		}
		return end
	}
	end := run(b, i, classSpace)
	for k := end; k > i; k-- {
		if b[k-1] == '\r' || b[k-1] == '\n' {
			return k
		}
	}
	return spaces(b, i)
}

// numbers returns the end of \p{N}{1,max} at a number.
func numbers(b []byte, i, max int) int {
	for ; max > 0 && i < len(b); max-- {
		class, n := classAt(b, i)
		if class != classNumber {
			break
		}
		i += n
	}
	return i
}

func scanLlama3(b []byte, i int) int { return scanCL100K(b, i, 3) }
func scanQwen2(b []byte, i int) int  { return scanCL100K(b, i, 1) }

// scanO200K is the pattern of GPT-4o:
//
//	[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
//	[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
//	\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
func scanO200K(b []byte, i int) int {
	class, n := classAt(b, i)
	// Of each alternative, first with the character before the letters, then
	// without: a mark may be either.
	prefix := class != classLetter && class != classNumber && b[i] != '\r' && b[i] != '\n'
	for _, lower := range [2]bool{true, false} {
		if prefix {
			if end := cased(b, i+n, lower); end > i+n {
				return suffixed(b, end)
			}
		}
		if end := cased(b, i, lower); end > i {
			return suffixed(b, end)
		}
	}
	if class == classNumber {
		return numbers(b, i, 3)
	}
	next := uint8(classSpace)
	if i+n < len(b) {
		next, _ = classAt(b, i+n)
	}
	return symbols(b, i, n, class, next, true)
}

func suffixed(b []byte, end int) int {
	if end < len(b) && b[end] == '\'' {
		return contraction(b, end, true)
	}
	return end
}

const (
	casedUpper = propUpper | propCaseless | propMark
	casedLower = propLower | propCaseless | propMark
)

// cased returns the end of upper*lower+ at b[i:], or, if not lower, of
// upper+lower*; i where there is no match.
func cased(b []byte, i int, lower bool) int {
	u, end, both := uni(), i, i // both: after the last character of the run that is of both sets
	for end < len(b) {
		p, n := u.propAt(b, end)
		if p&casedUpper == 0 {
			break
		}
		end += n
		if p&casedLower != 0 {
			both = end
		}
	}
	tail := end
	for tail < len(b) {
		p, n := u.propAt(b, tail)
		if p&casedLower == 0 {
			break
		}
		tail += n
	}
	switch {
	case lower && tail > end:
		return tail
	case lower: // upper* gives back up to a character that lower+ can take
		return both
	case end > i:
		return tail
	}
	return i
}
