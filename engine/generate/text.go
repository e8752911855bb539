package generate

import (
	"strings"
	"unicode/utf8"

	"mom/tokenizer"
)

// text collects the bytes of an answer and says which of them are certain.
type text struct {
	all   []byte
	stops []string
	sent  int    // bytes of all that were given out
	found string // the stop text that ended it
}

// add appends the bytes of a token and reports whether a stop text is complete.
// Then all ends where the stop text begins.
func (t *text) add(b []byte) bool {
	from := len(t.all)
	t.all = append(t.all, b...)
	at := -1
	for _, s := range t.stops {
		// A match that ends before from would have been found before.
		start := max(0, from-len(s)+1)
		if i := strings.Index(string(t.all[start:]), s); i >= 0 && (at < 0 || start+i < at || start+i == at && len(s) > len(t.found)) {
			at, t.found = start+i, s
		}
	}
	if at >= 0 {
		t.all = t.all[:at]
		return true
	}
	return false
}

// certain returns the bytes that no later token can change or take back. With
// last these are all that are left; a character that was cut short is U+FFFD.
func (t *text) certain(last bool) string {
	end := len(t.all)
	if !last {
		end = t.whole()
		for _, s := range t.stops {
			for n := min(len(s)-1, end-t.sent); n > 0; n-- {
				if string(t.all[end-n:end]) == s[:n] {
					end -= n
					break
				}
			}
		}
		// What is held back for a stop text may begin within a character.
		for end > t.sent && end < len(t.all) && !utf8.RuneStart(t.all[end]) {
			end--
		}
	}
	if end <= t.sent {
		return ""
	}
	s := tokenizer.ValidUTF8(t.all[t.sent:end])
	t.sent = end
	return s
}

// whole is the length of all without a character at its end that is not yet
// complete.
func (t *text) whole() int {
	n := len(t.all)
	for k := 1; k <= min(utf8.UTFMax-1, n); k++ {
		if c := t.all[n-k]; utf8.RuneStart(c) {
			if !utf8.FullRune(t.all[n-k:]) {
				return n - k
			}
			break
		}
	}
	return n
}
