package view

import "strings"

// Marks that parts of a word are put together with: markup that shows nothing
// of itself, and the concatenation of strings.
var insideWords = [...]string{"**", "~~", "`", "<b>", "</b>", "<i>", "</i>", "<wbr>", "<u>", "</u>", "<em>", "</em>", "<span>", "</span>"}

const longestMark = 120 // bytes of a comment or a concatenation inside a word

// joined takes away what parts the letters of words in at least two places:
// ig<!-- -->nore, ig**no**re, "ig" + "nore".
func joined(s string) (string, string) {
	if strings.IndexByte(s, '*') < 0 && strings.IndexByte(s, '~') < 0 && strings.IndexByte(s, '`') < 0 &&
		strings.IndexByte(s, '<') < 0 && strings.IndexByte(s, '"') < 0 && strings.IndexByte(s, '\'') < 0 {
		return s, ""
	}
	n := 0
	eachJoint(s, func(_, _ int) { n++ })
	if n < 2 {
		return s, ""
	}
	b := make([]byte, 0, len(s))
	done := 0
	eachJoint(s, func(start, end int) {
		b = append(b, s[done:start]...)
		done = end
	})
	return string(append(b, s[done:]...)), Joined
}

// eachJoint calls do for what stands between two letters of one word.
func eachJoint(s string, do func(start, end int)) {
	for i := 1; i < len(s); {
		n := 0
		if c := s[i]; fold(s[i-1]) != 0 && (c == '*' || c == '~' || c == '`' || c == '<' || c == '"' || c == '\'') {
			n = joint(s[i:])
		}
		if n > 0 && i+n < len(s) && fold(s[i+n]) != 0 {
			do(i, i+n)
			i += n
			continue
		}
		i++
	}
}

// joint is the length of what joins the parts of a word at the beginning of s,
// or 0.
func joint(s string) int {
	switch s[0] {
	case '"', '\'':
		return concatenation(s)
	case '<':
		if strings.HasPrefix(s, "<!--") {
			if end := strings.Index(s[:min(len(s), longestMark)], "-->"); end > 0 {
				return end + 3
			}
		}
	}
	for _, m := range insideWords {
		if strings.HasPrefix(s, m) {
			return len(m)
		}
	}
	return 0
}

// concatenation is the length of `" + "` at the beginning of s, or 0. Strings
// may also be joined by a dot, by & or by nothing but space.
func concatenation(s string) int {
	quote, i := s[0], 1
	space := func() {
		for i < len(s) && i < longestMark && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
			i++
		}
	}
	space()
	if i < len(s) && (s[i] == '+' || s[i] == '.' || s[i] == '&') {
		i++
		space()
	} else {
		return 0
	}
	if i < len(s) && s[i] == quote {
		return i + 1
	}
	return 0
}
