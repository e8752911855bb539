package view

import (
	"strings"
	"unicode/utf8"
)

const (
	leastSpaced = 6  // letters
	longestGap  = 8  // bytes
	sampled     = 96 // letters of a stretch that are judged
)

// spacing joins letters that stand apart, with one separator or several between
// any two: i g n o r e, i.g.n.o.r.e. A wider gap, or a blank where the
// separator is another, is between words. Where no gap is wider, words are
// found by the dictionary.
func spacing(s string) (string, string) {
	var out []byte
	done := 0
	for i := 0; i < len(s); {
		if fold(s[i]) != 0 && i+1 < len(s) && fold(s[i+1]) != 0 {
			_, i = nextWord(s, i)
			continue
		}
		if !alone(s, i) {
			i += sizeAt(s, i)
			continue
		}
		end, ok := spacedStretch(s, i)
		if ok {
			out, done = appendSpaced(append(out, s[done:i]...), s[i:end]), end
		}
		i = end
	}
	if done == 0 {
		return s, ""
	}
	return string(append(out, s[done:]...)), Spacing
}

// alone reports whether one letter, or what stands for one, is at i without
// others beside it.
func alone(s string, i int) bool {
	r, size := utf8.DecodeRuneInString(s[i:])
	if !spaceable(r) {
		return false
	}
	if i > 0 {
		if before, _ := utf8.DecodeLastRuneInString(s[:i]); spaceable(before) || isLetter(before) || before == '\'' {
			return false
		}
	}
	after, _ := utf8.DecodeRuneInString(s[i+size:])
	return !spaceable(after) && !isLetter(after)
}

// spaceable reports letters of alphabets, and the digits and signs that are
// written for them. Scripts without spaces between words are left alone.
func spaceable(r rune) bool {
	if r < utf8.RuneSelf {
		return fold(byte(r)) != 0 || r >= '0' && r <= '9' || r == '@' || r == '$'
	}
	return r < 0x700 && isLetter(r)
}

// gapAfter is the end of the separators that begin at i.
func gapAfter(s string, i int) (end int) {
	for end = i; end < len(s) && end-i < longestGap; {
		if s[end] < utf8.RuneSelf {
			if strings.IndexByte(" .-_/*|+,~:;!?\n\t\r'\"", s[end]) < 0 {
				return end
			}
			end++
			continue
		}
		switch {
		case strings.HasPrefix(s[end:], "·"), strings.HasPrefix(s[end:], "\u00a0"):
			end += 2
		case strings.HasPrefix(s[end:], "•"), strings.HasPrefix(s[end:], "–"), strings.HasPrefix(s[end:], "\u2009"):
			end += 3
		default:
			return end
		}
	}
	return end
}

// wide reports whether gap stands between words when unit, the first gap, stands
// between letters.
func wide(gap, unit string) bool {
	if len(gap) > len(unit) {
		return strings.ContainsAny(gap, " \n\t/|")
	}
	return blank(gap) && !blank(unit)
}

func blank(gap string) bool { return strings.IndexByte(" \n\t\r", gap[0]) >= 0 }

// spacedStretch is the end of the letters that begin at i, and whether they
// make words.
func spacedStretch(s string, i int) (end int, ok bool) {
	var sample [sampled]byte
	var n, letters, beyond, words int // of the sample
	var gaps, even, wider int
	var unit string
	var t tally
	last, total := byte(0), 0
	for {
		r, size := utf8.DecodeRuneInString(s[i:])
		end = i + size
		total++
		if n < len(sample) {
			c := unleet(r)
			switch {
			case isASCIILetter(r):
				letters++
			case r >= utf8.RuneSelf:
				beyond++
			}
			t.add(last, fold(c))
			last = fold(c)
			sample[n] = c | 0x20
			n++
		}
		next := gapAfter(s, end)
		if next == end || next >= len(s) || !alone(s, next) {
			break
		}
		gap := s[end:next]
		switch {
		case unit == "":
			unit = gap
			even++
		case gap == unit:
			even++
		case wide(gap, unit):
			wider++
			if n < len(sample) {
				t.add(last, 0)
				last, words = 0, words+1
			}
		}
		gaps++
		i = next
	}
	switch {
	case total < leastSpaced || 5*(letters+beyond) < 3*n || 10*even < 9*(gaps-wider) || even < 2*wider:
		return end, false
	case beyond > 0 && beyond*2 >= letters:
		return end, total >= 8
	case words == 0:
		t.add(last, 0)
		return end, covered(sample[:n]) || n < 10 && t.mean() <= english-2
	}
	t.add(last, 0)
	return end, t.mean() <= english+1
}

// covered reports whether most of letters are in words that stand in them.
func covered(letters []byte) bool {
	in := 0
	var spelled [2 * sampled]byte
	s := string(segment(spelled[:0], string(letters)))
	for at := 0; at < len(s); {
		start, end := nextWord(s, at)
		if end-start >= 3 && known(s[start:end]) {
			in += end - start
		}
		at = end
	}
	return 2*in >= len(letters)
}

// unleet is the letter that r is written for.
func unleet(r rune) byte {
	if r >= utf8.RuneSelf {
		return 0
	}
	if l := leetLetter(byte(r)); l != 0 {
		return l
	}
	return byte(r)
}

// appendSpaced joins the letters of a stretch.
func appendSpaced(dst []byte, s string) []byte {
	var unit string
	word := make([]byte, 0, 64)
	gaps, ascii := 0, true
	for i := 0; i < len(s); {
		size := sizeAt(s, i)
		ascii = ascii && size == 1
		word = append(word, s[i:i+size]...)
		end := gapAfter(s, i+size)
		if end >= len(s) || end == i+size {
			break
		}
		gap := s[i+size : end]
		if unit == "" {
			unit = gap
		} else if wide(gap, unit) {
			word = append(word, gapText(gap)...)
			gaps++
		}
		i = end
	}
	if gaps > 0 || !ascii {
		return append(dst, word...)
	}
	for i, c := range word {
		if fold(c) != 0 {
			word[i] = c | 0x20
		}
	}
	return segment(dst, string(word))
}

// gapText is what a gap between words says: a blank, after a mark if it has one.
func gapText(gap string) string {
	for i := 0; i < len(gap); i++ {
		switch gap[i] {
		case ',':
			return ", "
		case '!', '?', ';', ':':
			return gap[i:i+1] + " "
		}
	}
	return " "
}
