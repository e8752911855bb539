package cache

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// literals are the parts of a question that must be equal for another answer to
// fit: numbers, what stands in quotes or backticks, and the number of negations.
func literals(text string) []string {
	var list []string
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case unicode.IsDigit(r):
			end := i + n
			for end < len(text) {
				r, n := utf8.DecodeRuneInString(text[end:])
				if !unicode.IsDigit(r) && r != '.' && r != ',' && r != ':' && r != '/' && r != '-' {
					break
				}
				end += n
			}
			list = append(list, strings.TrimRight(text[i:end], ".,:/-"))
			i = end
			continue
		case closing(r) != 0:
			rest := text[i+n:]
			if end := strings.IndexRune(rest, closing(r)); end > 0 {
				list = append(list, "q"+rest[:end])
				i += n + end + utf8.RuneLen(closing(r))
				continue
			}
		}
		i += n
	}
	return append(list, "n"+strconv.Itoa(negations(text)))
}

// closing is what ends a quotation that r begins; 0 when r begins none. The
// plain apostrophe is left out: it mostly ends a word.
func closing(r rune) rune {
	switch r {
	case '"', '`':
		return r
	case '“', '„':
		return '”'
	case '«':
		return '»'
	case '「':
		return '」'
	}
	return 0
}

// negations counts words that turn a question round, of a few languages.
func negations(text string) (n int) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '’' })
	for _, w := range words {
		switch w {
		case "not", "no", "never", "without", "cannot", "neither", "nor", "none", "except", "unless",
			"nicht", "kein", "keine", "keinen", "nie", "ohne",
			"ne", "pas", "jamais", "sans", "nunca", "sin", "non", "mai", "senza":
			n++
		default:
			if strings.HasSuffix(w, "n't") || strings.HasSuffix(w, "n’t") {
				n++
			}
		}
	}
	return n
}
