package pattern

import (
	"unicode"
	"unicode/utf8"
)

const (
	maxLocal = 64  // characters before the @ (RFC 5321)
	maxHost  = 253 // bytes of a host name (RFC 1035)
)

// email recognises an address around the '@' at i.
func (f *finder) email(i int) {
	start := localStart(f.text, i)
	if start == i || at(f.text, i+1) == '@' {
		return
	}
	h, ok := readHost(f.text, i+1)
	if !ok {
		return
	}
	score := float32(0.98)
	if _, known := tldOf(h.tld); !known {
		if len(h.tld) < 2 || isFileName(h.tld) {
			return
		}
		score = 0.7
	}
	if at(f.text, h.end) == ':' && f.text[start:i] == "git" { // git@host:path
		return
	}
	f.hosts = max(f.hosts, h.end)
	f.add(start, h.end, EmailAddress, score, false)
}

// localStart is where the part before the '@' at i begins: i itself if there is
// none. Where a script without spaces meets ASCII letters, a sentence ends.
func localStart(text string, i int) int {
	start, latin := i, false
	for n := 0; start > 0; n++ {
		if n == maxLocal {
			return i
		}
		c := text[start-1]
		if c < utf8.RuneSelf {
			if !isAlnum(c) && !isLocalMark(c) || c == '.' && (start == i || text[start] == '.') {
				break
			}
			latin = latin || isLetter(c)
			start--
			continue
		}
		r, size := utf8.DecodeLastRuneInString(text[:start])
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) || r >= cjk && latin {
			break
		}
		start -= size
	}
	for start < i && text[start] < utf8.RuneSelf && !isAlnum(text[start]) && text[start] != '_' {
		start++ // a mark that belongs to the sentence
	}
	return start
}

// isLocalMark reports whether c stands in addresses that people have. The
// standard allows more, which in running text is mostly something else.
func isLocalMark(c byte) bool {
	switch c {
	case '.', '_', '-', '+', '%', '\'':
		return true
	}
	return false
}
